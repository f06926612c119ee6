"""A line as small as a word."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tiqqo.ui.charts.scales import scale_over
from tiqqo.ui.charts.units import COUNT, Unit

WIDTH, HEIGHT = 100, 30


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Drawn on 100 × 30; `words` tells the same to who does not see it."""

    path: str
    area: str
    end: tuple[float, float] | None
    words: str


def sparkline(values: Sequence[int], *, unit: Unit = COUNT) -> Sparkline:
    """The course of `values`; nothing is drawn of nothing."""
    if not values:
        return Sparkline("", "", None, _("No numbers yet"))
    scale = scale_over(list(values))
    # From the real least to the real most: a sparkline has no axis that would want round ends.
    low, high = min(0, *values), max(0, *values)
    span = (high - low) or scale.step
    points = [
        (
            round(WIDTH * index / (len(values) - 1), 1) if len(values) > 1 else WIDTH / 2,
            round(1 + (HEIGHT - 2) * (high - value) / span, 1) if high != low else HEIGHT - 1,
        )
        for index, value in enumerate(values)
    ]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    base = round(1 + (HEIGHT - 2) * high / span, 1) if high != low else HEIGHT - 1
    area = f"{path}V{base:g}H{points[0][0]:g}Z" if len(points) > 1 else ""
    words = _("from %(first)s to %(last)s, highest %(most)s") % {
        "first": unit.full(values[0]),
        "last": unit.full(values[-1]),
        "most": unit.full(max(values)),
    }
    return Sparkline(path, area, points[-1], words)
