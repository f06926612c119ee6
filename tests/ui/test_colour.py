"""Colours: the formula, the theme of any accent, and the contrasts of the palette itself."""

import math
import re
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tiqqo.ui import colour

hexes = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def test_contrast_of_black_and_white_is_21():
    assert colour.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colour.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert colour.contrast("#7a2e5d", "#7a2e5d") == 1


def test_contrast_agrees_with_the_published_example():
    assert colour.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@given(hexes)
def test_ink_reads_on_every_fill(fill):
    assert colour.contrast(colour.ink_on(fill), fill) >= 4.5


@given(hexes)
def test_every_accent_reads_in_light_and_in_dark(value):
    light, dark = colour.light_accent(value), colour.dark_accent(value)

    assert light.fill == value
    assert colour.contrast(light.text, colour.LIGHT_CANVAS) >= 4.5
    assert colour.contrast(dark.text, colour.DARK_CANVAS) >= 4.5
    assert colour.contrast(dark.fill, colour.DARK_CANVAS) >= 3
    for accent in (light, dark):
        assert colour.contrast(accent.ink, accent.fill) >= 4.5


def test_a_readable_accent_is_left_alone():
    assert colour.light_accent("7A2E5D").text == "#7a2e5d"


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("#7a2e5d", True),
        ("14213D", True),
        ("#f2c14e", False),
        ("plum", False),
        ("#fff", False),
    ],
)
def test_is_readable_accent(value, answer):
    assert colour.is_readable_accent(value) is answer


def test_theme_has_light_and_dark_and_nothing_else():
    css = colour.theme_css("f2c14e")

    assert css.count("--color-accent:") == 3
    assert "--color-accent:#f2c14e;--color-accent-ink:#14110f;" in css
    assert set(re.findall(r"--[\w-]+", css)) == {
        "--color-accent",
        "--color-accent-ink",
        "--color-accent-text",
    }


# The palette ----------------------------------------------------------------------------

TOKENS = (Path(settings.ROOT) / "static/css/tokens.css").read_text()
SCHEMES = {
    "light": TOKENS.split('[data-theme="light"] {')[1].split("}")[0],
    "dark": TOKENS.split('[data-theme="dark"] {')[1].split("}")[0],
}
TEXTS = ["ink", "ink-soft", "positive", "caution", "negative", "info", "accent-text"]
WASHES = ["positive", "caution", "negative", "info"]


def token(scheme: str, name: str) -> str:
    value = re.search(rf"--color-{name}: ([^;]+);", SCHEMES[scheme])[1]
    return value if value.startswith("#") else oklch_to_hex(*re.findall(r"[\d.]+", value)[:3])


def oklch_to_hex(lightness: str, chroma: str, hue: str) -> str:
    """Björn Ottosson's OKLab, clipped to sRGB as a browser without a wide gamut does."""
    level, radius, angle = float(lightness), float(chroma), math.radians(float(hue))
    a, b = radius * math.cos(angle), radius * math.sin(angle)
    long = (level + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (level - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (level - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    channels = (
        12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055
        for c in (min(1, max(0, c)) for c in linear)
    )
    return "#{:02x}{:02x}{:02x}".format(*(round(c * 255) for c in channels))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["canvas", "surface", "sunken"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_reads_on_every_ground(scheme, ground, text):
    assert colour.contrast(token(scheme, text), token(scheme, ground)) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("tone", WASHES)
def test_tones_and_ink_read_on_their_wash(scheme, tone):
    wash = token(scheme, f"{tone}-wash")

    assert colour.contrast(token(scheme, tone), wash) >= 4.5
    assert colour.contrast(token(scheme, "ink"), wash) >= 7


@pytest.mark.parametrize("scheme", SCHEMES)
def test_accent_and_controls_can_be_seen(scheme):
    canvas = token(scheme, "canvas")

    assert colour.contrast(token(scheme, "accent-ink"), token(scheme, "accent")) >= 4.5
    assert colour.contrast(token(scheme, "accent"), canvas) >= 3
    assert colour.contrast(token(scheme, "line-strong"), token(scheme, "surface")) >= 3


@pytest.mark.parametrize(
    ("scheme", "canvas"), [("light", colour.LIGHT_CANVAS), ("dark", colour.DARK_CANVAS)]
)
def test_canvas_of_the_module_is_the_canvas_of_the_style_sheet(scheme, canvas):
    assert token(scheme, "canvas") == canvas


def test_both_ways_into_dark_are_the_same():
    media = TOKENS.split(':root:not([data-theme="light"]) {')[1].split("}")[0]

    assert [line.strip() for line in media.strip().splitlines()] == [
        line.strip() for line in SCHEMES["dark"].strip().splitlines()
    ]
