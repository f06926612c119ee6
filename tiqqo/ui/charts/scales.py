"""Round ticks and the way from a value to a position."""

from dataclasses import dataclass
from math import ceil, floor

TOP = 100.0
_INTERVALS = 5
_ROUND = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """From `low` to `high`, both of them ticks; `step` is 1, 2 or 5 times a power of ten."""

    low: int
    high: int
    step: int

    @property
    def ticks(self) -> list[int]:
        """From the highest to the lowest, as they stand on the screen."""
        return list(range(self.high, self.low - 1, -self.step))

    def position(self, value: int) -> float:
        """The distance from the top, in percent."""
        return share(self.high - value, self.high - self.low)


def scale_over(values: list[int], *, least_step: int = 1) -> Scale:
    """A scale that has zero and every value on it, with few ticks."""
    low, high = min([0, *values]), max([0, *values])
    if low == high:
        return Scale(0, least_step, least_step)
    step = _round_up((high - low) / _INTERVALS, least_step)
    return Scale(floor(low / step) * step, ceil(high / step) * step, step)


def share(part: float, whole: float) -> float:
    """`part` of `whole` in percent, as exact as an attribute needs it."""
    return round(part / whole * TOP, 2)


def _round_up(rough: float, least: int) -> int:
    if rough <= least:
        return least
    power = 1
    while power * 10 < rough:
        power *= 10
    return next(power * factor for factor in _ROUND if power * factor >= rough)
