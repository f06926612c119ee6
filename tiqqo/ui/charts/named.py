"""Bars over names: a table whose rows carry their bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from tiqqo.ui.charts.plots import Key, keys_of
from tiqqo.ui.charts.scales import share
from tiqqo.ui.charts.units import COUNT, Unit


@dataclass(frozen=True, slots=True)
class Bar:
    """What is asked for: one row, with a value for each part."""

    name: str
    values: tuple[int, ...]
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    bar: Bar
    parts: tuple[Part, ...]
    words: tuple[str, ...]
    total: str


@dataclass(frozen=True, slots=True)
class Bars:
    id: str
    title: str
    rows: tuple[Row, ...]
    keys: tuple[Key, ...]
    zero: float

    @property
    def has_parts(self) -> bool:
        return len(self.keys) > 1


def bars(
    id: str,
    title: str,
    rows: Sequence[Bar],
    *,
    parts: Sequence[str] = ("",),
    unit: Unit = COUNT,
) -> Bars:
    """Every row against the same scale; what is negative runs to the left of zero."""
    rights = [sum(value for value in bar.values if value > 0) for bar in rows]
    lefts = [sum(value for value in bar.values if value < 0) for bar in rows]
    low, high = min([0, *lefts]), max([0, *rights])
    span = (high - low) or 1
    return Bars(
        id=id,
        title=title,
        rows=tuple(_row(bar, low, span, parts, unit) for bar in rows),
        keys=keys_of(parts),
        zero=share(-low, span),
    )


def _row(bar: Bar, low: int, span: int, names: Sequence[str], unit: Unit) -> Row:
    found = []
    right = left = 0
    for number, value in enumerate(bar.values, start=1):
        start = right if value > 0 else left + value
        right, left = right + max(value, 0), left + min(value, 0)
        name = names[number - 1]
        words = f"{name} {unit.full(value)}".strip()
        if value:
            found.append(Part(number, share(start - low, span), share(abs(value), span), words))
    return Row(
        bar,
        tuple(found),
        tuple(unit.full(value) for value in bar.values),
        unit.full(sum(bar.values)),
    )
