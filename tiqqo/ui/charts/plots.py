"""Lines and columns over days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.utils.translation import gettext as _

from tiqqo.ui.charts.scales import Scale, scale_over, share
from tiqqo.ui.charts.units import COUNT, Unit, axis_words, in_table

MOST_SERIES = 5
_MOST_LABELS = 4
_SHORT = 7  # letters: "12 Sept"
_GAP = 0.24  # of a column's band
# Drawn over the fill of a series on a tile of 8 × 8, so that it is known without its colour.
_MARKS = ("", "M-2 2l4-4M0 8l8-8M6 10l4-4", "M2 2h.01M6 6h.01", "M0 2h8M0 6h8", "M2 0v8M0 4h8")
_GRID = 1000

Day = date | str


@dataclass(frozen=True, slots=True)
class Series:
    """What is asked for: a name and a value per day; None where nothing is known."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A line that the values run towards, such as the capacity."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the legend."""

    number: int
    name: str
    mark: str


@dataclass(frozen=True, slots=True)
class Tick:
    words: str
    y: float


@dataclass(frozen=True, slots=True)
class Label:
    words: str
    x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Band:
    """The strip that belongs to one day, and what it says when it is pointed at."""

    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Trace:
    """A line on a grid of 1000 × 1000; `dots` are points that no line reaches, and its end."""

    number: int
    path: str
    area: str
    dots: str


@dataclass(frozen=True, slots=True)
class LimitLine:
    words: str
    y: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart, laid out. Positions are percent of the plot's width and height."""

    id: str
    title: str
    gist: str
    kind: str
    keys: tuple[Key, ...]
    ticks: tuple[Tick, ...]
    zero: float
    labels: tuple[Label, ...]
    bands: tuple[Band, ...]
    traces: tuple[Trace, ...]
    blocks: tuple[Block, ...]
    limit: LimitLine | None
    rows: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def is_empty(self) -> bool:
        return not self.rows

    @property
    def has_legend(self) -> bool:
        return len(self.keys) > 1

    @property
    def spoken(self) -> str:
        return f"{self.title}. {self.gist}"


def line(
    id: str,
    title: str,
    days: Sequence[Day],
    series: Sequence[Series],
    *,
    unit: Unit = COUNT,
    limit: Limit | None = None,
    is_filled: bool = False,
    is_running: bool = False,
) -> Plot:
    """Lines over days. `is_running` says that values add up over time: the last one is the sum."""
    _check(days, series)
    known = _known(series)
    if not known:
        return _nothing(id, title, series)
    scale = scale_over(
        [*known, limit.value] if limit else known, least_step=_least_step(unit, known)
    )
    places = _points(len(days))
    gist = _state(days, series[0], unit, limit) if is_running else _gist(days, series, unit)
    return Plot(
        id=id,
        title=title,
        gist=gist,
        kind="line",
        keys=keys_of([entry.name for entry in series]),
        ticks=_ticks(scale, unit),
        zero=scale.position(0),
        labels=_labels(days, [(place, place) for place in places]),
        bands=_bands(_strips(places), days, series, unit),
        traces=tuple(
            _trace(number, entry, places, scale, is_filled=is_filled and number == 1)
            for number, entry in enumerate(series, start=1)
        ),
        blocks=(),
        limit=_limit_line(limit, scale, unit),
        rows=_rows(days, series, unit),
    )


def columns(
    id: str, title: str, days: Sequence[Day], series: Series, *, unit: Unit = COUNT
) -> Plot:
    """A column per day; what is negative hangs below zero."""
    return stacked(id, title, days, (series,), unit=unit)


def stacked(
    id: str, title: str, days: Sequence[Day], series: Sequence[Series], *, unit: Unit = COUNT
) -> Plot:
    """A column per day, made of up to five series in their order from the zero line outwards."""
    _check(days, series)
    known = _known(series)
    if not known:
        return _nothing(id, title, series)
    stacks = [[entry.values[index] or 0 for entry in series] for index in range(len(days))]
    scale = scale_over(
        [sum(value for value in stack if value > 0) for stack in stacks]
        + [sum(value for value in stack if value < 0) for stack in stacks],
        least_step=_least_step(unit, known),
    )
    strips = [(share(i, len(days)), share(i + 1, len(days))) for i in range(len(days))]
    return Plot(
        id=id,
        title=title,
        gist=_gist(days, series, unit),
        kind="columns",
        keys=keys_of([entry.name for entry in series]),
        ticks=_ticks(scale, unit),
        zero=scale.position(0),
        labels=_labels(days, strips),
        bands=_bands(strips, days, series, unit),
        traces=(),
        blocks=tuple(
            block
            for strip, stack in zip(strips, stacks, strict=True)
            for block in _blocks(strip, stack, scale)
        ),
        limit=None,
        rows=_rows(days, series, unit),
    )


def keys_of(names: Sequence[str]) -> tuple[Key, ...]:
    return tuple(
        Key(number, name, _MARKS[number - 1]) for number, name in enumerate(names, start=1)
    )


def _check(days: Sequence[Day], series: Sequence[Series]) -> None:
    if not 1 <= len(series) <= MOST_SERIES:
        raise ValueError(f"A chart has 1 to {MOST_SERIES} series, not {len(series)}.")
    for entry in series:
        if len(entry.values) != len(days):
            raise ValueError(f"{entry.name!r} has {len(entry.values)} values, {len(days)} days.")


def _known(series: Sequence[Series]) -> list[int]:
    return [value for entry in series for value in entry.values if value is not None]


def _nothing(id: str, title: str, series: Sequence[Series]) -> Plot:
    keys = keys_of([entry.name for entry in series])
    return Plot(id, title, _("Nothing yet"), "none", keys, (), 0, (), (), (), (), None, ())


def _least_step(unit: Unit, known: list[int]) -> int:
    """Ticks of money are whole euros unless all of it is cents."""
    return unit.whole if max(abs(value) for value in known) >= unit.whole or not any(known) else 1


# Axes -----------------------------------------------------------------------------------


def _ticks(scale: Scale, unit: Unit) -> tuple[Tick, ...]:
    return tuple(
        Tick(unit.short(value, step=scale.step), scale.position(value)) for value in scale.ticks
    )


def _limit_line(limit: Limit | None, scale: Scale, unit: Unit) -> LimitLine | None:
    if limit is None:
        return None
    return LimitLine(f"{limit.name} {unit.full(limit.value)}", scale.position(limit.value))


def _points(count: int) -> list[float]:
    return [share(index, count - 1) for index in range(count)] if count > 1 else [50.0]


def _strips(places: list[float]) -> list[tuple[float, float]]:
    """Each point's half of the way to its neighbours."""
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(places)), 100.0]
    return [(round(a, 2), round(b, 2)) for a, b in pairwise(edges)]


def _labels(days: Sequence[Day], strips: list[tuple[float, float]]) -> tuple[Label, ...]:
    """The first day, the last, and as many between them as a phone has room for."""
    names = axis_words(days)
    last = len(days) - 1
    if last == 0:
        return (Label(names[0], 50, "middle"),)
    room = _MOST_LABELS if max(map(len, names)) <= _SHORT else _MOST_LABELS - 1
    count = min(len(days), room)
    found = []
    for index in sorted({round(last * step / (count - 1)) for step in range(count)}):
        left, right = strips[index]
        if index == 0:
            x, anchor = left, "start"
        elif index == last:
            x, anchor = right, "end"
        else:
            x, anchor = round((left + right) / 2, 2), "middle"
        found.append(Label(names[index], x, anchor))
    return tuple(found)


# Marks ----------------------------------------------------------------------------------


def _trace(
    number: int, series: Series, places: list[float], scale: Scale, *, is_filled: bool
) -> Trace:
    runs: list[list[str]] = [[]]
    for place, value in zip(places, series.values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{_grid(place)} {_grid(scale.position(value))}")
    runs = [run for run in runs if run]
    path = "".join("M" + "L".join(run) for run in runs if len(run) > 1)
    zero = _grid(scale.position(0))
    area = "".join(
        "M" + "L".join(run) + f"V{zero}H{run[0].partition(' ')[0]}Z" for run in runs if len(run) > 1
    )
    ends = [run[0] for run in runs if len(run) == 1] + [
        run[-1] for run in runs[-1:] if len(run) > 1
    ]
    return Trace(number, path, area if is_filled else "", "".join(f"M{at}h0" for at in ends))


def _grid(percent: float) -> int:
    return round(percent * _GRID / 100)


def _blocks(strip: tuple[float, float], stack: list[int], scale: Scale) -> list[Block]:
    left, right = strip
    gap = (right - left) * _GAP
    found = []
    up = down = 0
    for number, value in enumerate(stack, start=1):
        if not value:
            continue
        top = scale.position(up + value if value > 0 else down)
        bottom = scale.position(up if value > 0 else down + value)
        up, down = up + max(value, 0), down + min(value, 0)
        found.append(
            Block(
                number,
                round(left + gap / 2, 2),
                top,
                round(right - left - gap, 2),
                round(bottom - top, 2),
            )
        )
    return found


# Words ----------------------------------------------------------------------------------


def _bands(
    strips: list[tuple[float, float]], days: Sequence[Day], series: Sequence[Series], unit: Unit
) -> tuple[Band, ...]:
    found = []
    for index, (left, right) in enumerate(strips):
        values = [
            f"{entry.name} {unit.full(entry.values[index])}"
            if len(series) > 1
            else unit.full(entry.values[index])
            for entry in series
        ]
        words = f"{in_table(days[index])}: {' · '.join(values)}"
        found.append(Band(left, round(right - left, 2), words))
    return tuple(found)


def _rows(
    days: Sequence[Day], series: Sequence[Series], unit: Unit
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (in_table(day), tuple(unit.full(entry.values[index]) for entry in series))
        for index, day in enumerate(days)
    )


def _gist(days: Sequence[Day], series: Sequence[Series], unit: Unit) -> str:
    """The sum, and the day with the most; two series are told side by side."""
    if len(series) > 1:
        sums = (sum(value or 0 for value in entry.values) for entry in series)
        return " · ".join(
            f"{entry.name} {unit.full(total)}" for entry, total in zip(series, sums, strict=True)
        )
    values = [value or 0 for value in series[0].values]
    if not any(values):
        return _("Total %(total)s") % {"total": unit.full(0)}
    most = max(values)
    return _("Total %(total)s, most on %(day)s: %(most)s") % {
        "total": unit.full(sum(values)),
        "day": in_table(days[values.index(most)]),
        "most": unit.full(most),
    }


def _state(days: Sequence[Day], series: Series, unit: Unit, limit: Limit | None) -> str:
    """Where a running sum stands."""
    index = max(i for i, value in enumerate(series.values) if value is not None)
    facts = {"day": in_table(days[index]), "now": unit.full(series.values[index])}
    if limit is None:
        return _("%(now)s on %(day)s") % facts
    return _("%(now)s of %(limit)s on %(day)s") % {**facts, "limit": unit.full(limit.value)}
