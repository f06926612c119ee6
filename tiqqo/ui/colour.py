"""Colours that people can read: contrast after WCAG 2.2, and the theme made of one accent."""

import re
from dataclasses import dataclass

# Tiqqo's own accent, and `--color-canvas` of static/css/tokens.css in light and in dark, as sRGB.
TIQQO = "#7a2e5d"
LIGHT_CANVAS = "#fcfaf7"
DARK_CANVAS = "#171310"
# The grounds on which accent text is hardest to read, sunken in light and surface in dark, and the
# surface of which, with 7 % of that text, `--color-accent-wash` is mixed.
LIGHT_SURFACE, LIGHT_HARDEST = "#ffffff", "#f3f1ec"
DARK_SURFACE = DARK_HARDEST = "#201b18"
WASH = 0.07

WHITE, NEAR_BLACK, BLACK = "#ffffff", "#14110f", "#000000"
TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
SHAPE_CONTRAST = 3.0  # WCAG 2.2, 1.4.11

_MIDDLE = 0.18  # the luminance from which black reads better than white
_LINEAR_BELOW = 10  # of 255; sRGB is linear in the dark
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")


@dataclass(frozen=True, slots=True)
class Accent:
    """One accent on one canvas: the fill, the text on it, and the accent as text."""

    fill: str
    ink: str
    text: str


def is_hex(value: str) -> bool:
    return _HEX.fullmatch(value) is not None


def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((_luminance(a), _luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(fill: str) -> str:
    """The text colour that reads on `fill` at 4.5 : 1; pure black is the last resort and holds."""
    for ink in (WHITE, NEAR_BLACK):
        if contrast(ink, fill) >= TEXT_CONTRAST:
            return ink
    return BLACK


def is_readable_accent(value: str) -> bool:
    """Whether the colour itself reads as text on the light canvas, without being darkened."""
    return is_hex(value) and contrast(value, LIGHT_CANVAS) >= TEXT_CONTRAST


def readable_on(value: str, canvas: str, ratio: float = TEXT_CONTRAST) -> str:
    """`value`, moved towards black or white just far enough to reach `ratio` on `canvas`."""
    towards = BLACK if _luminance(canvas) > _MIDDLE else WHITE
    for step in range(51):
        moved = mix(value, towards, step / 50)
        if contrast(moved, canvas) >= ratio:
            return moved
    return towards


def light_accent(value: str) -> Accent:
    fill = mix(value, BLACK, 0)
    return Accent(fill, ink_on(fill), _text(fill, LIGHT_HARDEST, LIGHT_SURFACE))


def dark_accent(value: str) -> Accent:
    """A fill too dark to be seen on the dark canvas is lifted until it is."""
    fill = readable_on(value, DARK_CANVAS, SHAPE_CONTRAST)
    return Accent(fill, ink_on(fill), _text(value, DARK_HARDEST, DARK_SURFACE))


def _text(value: str, hardest: str, surface: str) -> str:
    """`value`, moved until it reads on the hardest ground and on the wash that it tints itself."""
    moved = readable_on(value, hardest)
    while contrast(moved, mix(surface, moved, WASH)) < TEXT_CONTRAST:
        moved = readable_on(moved, hardest, contrast(moved, hardest) + 0.1)
    return moved


def theme_css(value: str) -> str:
    """The accent tokens for light and dark, from one colour."""
    light, dark = _declarations(light_accent(value)), _declarations(dark_accent(value))
    return (
        f':root,[data-theme="light"]{{{light}}}'
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}'
        f'[data-theme="dark"]{{{dark}}}\n'
    )


def _declarations(accent: Accent) -> str:
    return (
        f"--color-accent:{accent.fill};"
        f"--color-accent-ink:{accent.ink};"
        f"--color-accent-text:{accent.text}"
    )


def _channels(value: str) -> tuple[int, int, int]:
    match = _HEX.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not a colour of six hexadecimal digits.")
    number = int(match[1], 16)
    return number >> 16, number >> 8 & 255, number & 255


def _luminance(value: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    red, green, blue = (
        channel / 255 / 12.92
        if channel <= _LINEAR_BELOW
        else ((channel / 255 + 0.055) / 1.055) ** 2.4
        for channel in _channels(value)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mix(value: str, other: str, part: float) -> str:
    """`part` of `other` in `value`, in sRGB."""
    mixed = (
        round(a + (b - a) * part) for a, b in zip(_channels(value), _channels(other), strict=True)
    )
    return "#{:02x}{:02x}{:02x}".format(*mixed)
