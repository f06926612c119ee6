"""Colours: the formula, the theme of any accent, and the contrasts of the palette itself."""

import math
import re
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import example, given
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

CSS = Path(settings.ROOT) / "static/css"
TOKENS = (CSS / "tokens.css").read_text()
SCHEMES = {
    "light": TOKENS.split('[data-theme="light"] {')[1].split("}")[0],
    "dark": TOKENS.split('[data-theme="dark"] {')[1].split("}")[0],
}
MIXED = TOKENS.split(":root, [data-theme] {")[1].split("}")[0]
TONES = ["positive", "caution", "negative", "info"]
# What words are written in, wherever they stand.
WORDS = ["ink", "ink-soft", "accent-text", *TONES]
# What words may stand on, of any of those colours but a tone on the wash of another.
GROUNDS = ["canvas", "surface", "sunken"]

Lab = tuple[float, float, float]


def token(scheme: str, name: str) -> str:
    """The colour as a browser without a wide gamut shows it."""
    return to_hex(in_oklab(scheme, name))


def in_oklab(scheme: str, name: str) -> Lab:
    [value] = re.findall(rf"--color-{name}: ([^;]+);", SCHEMES[scheme] + MIXED)
    if mixed := re.fullmatch(r"color-mix\(in oklab, var\(--color-([\w-]+)\) (\d+)%, var\(--color-([\w-]+)\)\)", value):  # fmt: skip
        one, other, part = in_oklab(scheme, mixed[1]), in_oklab(scheme, mixed[3]), int(mixed[2])
        return tuple((a * part + b * (100 - part)) / 100 for a, b in zip(one, other, strict=True))
    if value.startswith("#"):
        return of_hex(value)
    level, radius, angle = (float(part) for part in re.findall(r"[\d.]+", value)[:3])
    angle = math.radians(angle)
    return level, radius * math.cos(angle), radius * math.sin(angle)


def to_hex(lab: Lab) -> str:
    """Björn Ottosson's OKLab, clipped to sRGB."""
    level, a, b = lab
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


def of_hex(value: str) -> Lab:
    """The way back from sRGB."""
    channels = (int(value[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


@given(hexes)
def test_way_into_oklab_and_back(value):
    assert to_hex(of_hex(value)) == value


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", WORDS)
def test_words_read_on_every_ground(scheme, ground, text):
    assert colour.contrast(token(scheme, text), token(scheme, ground)) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("tone", TONES)
def test_words_read_on_the_wash_of_a_tone(scheme, tone):
    wash = token(scheme, f"{tone}-wash")

    assert colour.contrast(token(scheme, tone), wash) >= 4.5
    assert colour.contrast(token(scheme, "ink-soft"), wash) >= 4.5
    assert colour.contrast(token(scheme, "ink"), wash) >= 7


# The pairs of the style sheets -----------------------------------------------------------

# Never words: lines, slashes between words, what is switched off. As shapes they need 3 : 1.
DRAWN = {"line-strong"}
# Hairlines, veils and fills that nobody needs to see to understand the page.
DECORATION = {"line", "accent-line", "veil"}
_BLOCK = re.compile(r"([^{}]+)\{([^{}]*)\}")
_TEXT = re.compile(r"(?:^|[;\s])color:\s*var\(--color-([\w-]+)\)")
_GROUND = re.compile(r"(?:^|[;\s])background(?:-color)?:\s*var\(--color-([\w-]+)\)")


def rules() -> list[tuple[str, str]]:
    """Selector and declarations of every rule for the screen."""
    paths = [path for path in CSS.rglob("*.css") if "documents" not in path.parts]
    texts = [re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL) for path in sorted(paths)]
    return [(found[1].strip(), found[2]) for text in texts for found in _BLOCK.finditer(text)]


RULES = rules()
# (text, ground) that one rule sets together, with the first such rule.
PAIRS = {
    (text[1], ground[1]): selector
    for selector, declared in reversed(RULES)
    if (text := _TEXT.search(declared)) and (ground := _GROUND.search(declared))
}
USED = {name for _selector, declared in RULES for name in _TEXT.findall(declared)}
GROUNDS_USED = {name for _selector, declared in RULES for name in _GROUND.findall(declared)}
SERIES = sorted(set(re.findall(r"--color-(series-\d+):", TOKENS)))


def test_the_style_sheets_were_read():
    assert len(RULES) > 300
    assert ("canvas", "ink") in PAIRS or ("accent-ink", "accent") in PAIRS
    assert {"ink", "ink-soft", "accent-text"} <= USED


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground"), sorted(PAIRS))
def test_pair_of_a_rule_reads(scheme, text, ground):
    needed = 3 if text in DRAWN else 4.5

    measured = colour.contrast(token(scheme, text), token(scheme, ground))
    assert measured >= needed, f"{text} on {ground} in {PAIRS[text, ground]}: {measured:.2f}"


def test_colour_without_a_ground_of_its_own_is_one_that_reads_everywhere():
    """A rule that sets only `color` cannot know what lies under it."""
    alone = {
        name: selector
        for selector, declared in RULES
        if not _GROUND.search(declared)
        for name in _TEXT.findall(declared)
        if name not in {*WORDS, *DRAWN, *SERIES}
    }
    # What lies on a fill says so in its own rule, or inherits from one that does.
    on_fills = {name for name, ground in PAIRS if ground not in GROUNDS}

    assert {name: at for name, at in alone.items() if name not in on_fills} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", sorted(g for g in GROUNDS_USED if g.endswith("-wash")))
def test_ink_reads_on_every_wash_in_use(scheme, ground):
    for text in ("ink", "ink-soft"):
        assert colour.contrast(token(scheme, text), token(scheme, ground)) >= 4.5, text


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", [*sorted(DRAWN), *SERIES, *TONES, "accent-text"])
def test_shape_is_seen(scheme, name):
    """Outlines of controls, and the lines and bars of charts (WCAG 2.2, 1.4.11)."""
    for ground in ("canvas", "surface"):
        assert colour.contrast(token(scheme, name), token(scheme, ground)) >= 3, ground


@pytest.mark.parametrize("scheme", SCHEMES)
def test_accent_carries_its_ink_and_is_seen(scheme):
    assert colour.contrast(token(scheme, "accent-ink"), token(scheme, "accent")) >= 4.5
    assert colour.contrast(token(scheme, "accent"), token(scheme, "canvas")) >= 3


def test_every_colour_is_spoken_for():
    """A new token is words, a ground, a shape or decoration; this file must know which."""
    names = set(re.findall(r"--color-([\w-]+):", TOKENS))
    washes = {name for name in names if name.endswith("-wash")}
    known = {*WORDS, *GROUNDS, *DRAWN, *DECORATION, *SERIES, *washes, "accent", "accent-ink"}

    assert names == known


@given(hexes)
@example("#808080")  # the middle, which has to move in both schemes
def test_accent_of_an_organiser_reads_on_every_ground(value):
    """Its wash is mixed of 7 % of itself, so it moves with it."""
    for scheme, accent in (
        ("light", colour.light_accent(value)),
        ("dark", colour.dark_accent(value)),
    ):
        for ground in GROUNDS:
            measured = colour.contrast(accent.text, token(scheme, ground))
            assert measured >= 4.5, f"{accent.text} on {ground} in {scheme}: {measured:.2f}"


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
