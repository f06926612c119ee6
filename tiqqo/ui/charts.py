"""Where the marks of server-drawn charts stand."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

WIDTH = 1000
_LEAST_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Bar:
    release: Any
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class ReleasesChart:
    bars: tuple[Bar, ...]
    start: datetime | None
    end: datetime | None
    now_x: int | None


def releases_chart(releases: list[Any], now: datetime) -> ReleasesChart:
    """Sales windows on one line of time; a window without end runs to the right edge."""
    if not releases:
        return ReleasesChart((), None, None, None)
    starts = [_of(release, "starts_at") for release in releases]
    ends = [_of(release, "ends_at") for release in releases]
    start = min(starts)
    end = max([end for end in ends if end is not None] + [max(starts) + timedelta(days=14)])
    span = (end - start).total_seconds()

    def position(at: datetime) -> int:
        return int((at - start).total_seconds() / span * WIDTH + 0.5)

    bars = []
    for release, opens, closes in zip(releases, starts, ends, strict=True):
        left = min(position(opens), WIDTH - _LEAST_WIDTH)
        right = WIDTH if closes is None else position(closes)
        bars.append(Bar(release, left, max(right - left, _LEAST_WIDTH)))
    return ReleasesChart(tuple(bars), start, end, position(now) if start <= now <= end else None)


def _of(release: Any, name: str) -> Any:
    return release[name] if isinstance(release, dict) else getattr(release, name)
