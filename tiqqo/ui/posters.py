"""A poster for an event that has no picture: quarter circles on a grid, in the tones of its accent.

The same seed and accent always give the same poster, so that an event keeps its face everywhere.
"""

import hashlib
import re
from collections.abc import Sequence
from random import Random

from tiqqo.ui import colour

COLUMNS, ROWS, TILE = 8, 5, 60

_SEED = re.compile(r"[0-9a-f]{10}")

_QUARTERS = (
    "M{x} {y}h60a60 60 0 0 1-60 60z",
    "M{x} {y}h60v60a60 60 0 0 1-60-60z",
    "M{r} {b}h-60a60 60 0 0 1 60-60z",
    "M{x} {b}v-60a60 60 0 0 1 60 60z",
)
_LEAVES = (
    "M{x} {y}a60 60 0 0 1 60 60a60 60 0 0 1-60-60z",
    "M{r} {y}a60 60 0 0 1-60 60a60 60 0 0 1 60-60z",
)
_HALVES = (
    "M{x} {y}h60a30 30 0 0 1-60 0z",
    "M{x} {b}h60a30 30 0 0 0-60 0z",
    "M{x} {y}v60a30 30 0 0 0 0-60z",
    "M{r} {y}v60a30 30 0 0 1 0-60z",
)
_DISCS = ("M{x} {m}a30 30 0 0 1 60 0a30 30 0 0 1-60 0z",)
_DOTS = ("M{s} {m}a12 12 0 0 1 24 0a12 12 0 0 1-24 0z",)
_SQUARES = ("M{x} {y}h60v60h-60z",)
# What a tile may show, lowest first, and how often of a hundred.
_TILES = (
    (),
    (_QUARTERS,),
    (_SQUARES, _QUARTERS),
    (_LEAVES,),
    (_HALVES,),
    (_DISCS,),
    (_SQUARES, _DOTS),
)
_TILE_WEIGHTS = (14, 27, 11, 18, 16, 8, 6)
_TONE_WEIGHTS = (16, 34, 20, 22, 8)


def seed_of(text: str) -> str:
    """Ten hexadecimal digits that stand for an event in a poster's address."""
    return hashlib.blake2s(text.encode(), digest_size=5).hexdigest()


def is_seed(text: str) -> bool:
    return _SEED.fullmatch(text) is not None


def svg(seed: str, accent: str) -> str:
    """The poster, 480 x 300, cropped from the middle wherever it is shown in another shape."""
    random = Random(seed)  # noqa: S311 (a picture, not a secret)
    tones = _tones(accent)
    paths: dict[str, list[str]] = {}
    for row in range(ROWS):
        for column in range(COLUMNS):
            for tone, path in _tile(random, tones, column * TILE, row * TILE):
                paths.setdefault(tone, []).append(path)
    drawn = "".join(f'<path fill="{tone}" d="{"".join(d)}"/>' for tone, d in paths.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * TILE} {ROWS * TILE}" '
        f'preserveAspectRatio="xMidYMid slice"><path fill="{tones[0]}" d="M0 0h480v300H0z"/>{drawn}</svg>\n'
    )


def _tones(accent: str) -> tuple[str, ...]:
    """Ground first, then the tones that stand on it, from deep to pale."""
    base = colour.light_accent(accent).fill
    mix = colour.mix
    return (
        mix(base, colour.WHITE, 0.86),
        mix(base, colour.BLACK, 0.42),
        base,
        mix(base, colour.WHITE, 0.42),
        mix(base, colour.WHITE, 0.68),
        mix(base, "#f3b94d", 0.8),
    )


def _tile(random: Random, tones: Sequence[str], x: int, y: int) -> list[tuple[str, str]]:
    """One tile: what is drawn over what."""
    inks = random.choices(tones[1:], _TONE_WEIGHTS, k=2)
    shapes = random.choices(_TILES, _TILE_WEIGHTS)[0]
    places = {"x": x, "y": y, "r": x + TILE, "b": y + TILE, "m": y + TILE // 2, "s": x + 18}
    return [
        (tone, random.choice(shape).format(**places))
        for tone, shape in zip(inks, shapes, strict=False)
    ]
