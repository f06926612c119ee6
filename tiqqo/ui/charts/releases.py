"""Sales windows of releases on one line of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from tiqqo.ui.charts.scales import TOP, share

_LEAST_WIDTH = 0.6
_NEAR = 20
_OPEN_END = timedelta(days=14)
_NO_TIME = timedelta(hours=1)  # a gap this short is one release handing over to the next


@dataclass(frozen=True, slots=True)
class Window:
    """A release, where its bar stands, and where an open end fades out."""

    release: Any
    x: float
    width: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class Clash:
    """Days on which two releases sell at once, or none does."""

    kind: str
    x: float
    width: float
    words: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ReleasesChart:
    bars: tuple[Window, ...]
    start: datetime | None
    end: datetime | None
    now_x: float | None
    clashes: tuple[Clash, ...] = ()

    @property
    def now_anchor(self) -> str:
        """Which end of its label stands at today's line, so that it stays inside."""
        if self.now_x is None or _NEAR <= self.now_x <= TOP - _NEAR:
            return "middle"
        return "start" if self.now_x < _NEAR else "end"


def releases_chart(
    releases: Sequence[Any], now: datetime, *, among: Sequence[Any] = ()
) -> ReleasesChart:
    """Sales windows on one line of time; a window without end runs to the right edge.

    A window without start runs from the left edge. Between neighbours by opening, gaps and overlaps
    are told. `among` are all that share the line of time, if these are not all.
    """
    if not releases:
        return ReleasesChart((), None, None, None)
    shown = [*releases, *among]
    known = [at for release in shown for at in _ends(release) if at is not None] or [now]
    is_endless = any(_of(release, "ends_at") is None for release in shown)
    start, end = min(known), max(known)
    end = max(end + _OPEN_END if is_endless else end, start + _OPEN_END)
    span = (end - start).total_seconds()

    def position(at: datetime) -> float:
        return share((at - start).total_seconds(), span)

    bars = []
    for release in releases:
        opens, closes = _ends(release)
        left = min(position(opens or start), TOP - _LEAST_WIDTH)
        width = round(position(closes or end) - left, 2)
        bars.append(Window(release, left, max(width, _LEAST_WIDTH), closes is None))
    clashes = tuple(
        Clash(
            kind,
            position(at),
            max(round(position(until) - position(at), 2), _LEAST_WIDTH),
            words,
            at,
            until,
        )
        for kind, words, at, until in _clashes(releases, start, end)
    )
    return ReleasesChart(
        tuple(bars), start, end, position(now) if start <= now <= end else None, clashes
    )


def _clashes(
    releases: Sequence[Any], start: datetime, end: datetime
) -> list[tuple[str, str, datetime, datetime]]:
    found = []
    latest: Any = None
    for release in sorted(releases, key=lambda entry: _of(entry, "starts_at") or start):
        opens = _of(release, "starts_at") or start
        if latest is not None:
            closes = _of(latest, "ends_at") or end
            names = {"first": _of(latest, "name"), "second": _of(release, "name")}
            if opens - closes > _NO_TIME:
                words = _("Nothing on sale between %(first)s and %(second)s") % names
                found.append(("gap", words, closes, opens))
            elif opens < closes:
                until = min(closes, _of(release, "ends_at") or end)
                words = _("%(first)s and %(second)s sell at the same time") % names
                found.append(("overlap", words, opens, until))
        if latest is None or (_of(release, "ends_at") or end) > (_of(latest, "ends_at") or end):
            latest = release
    return found


def _ends(release: Any) -> tuple[datetime | None, datetime | None]:
    return _of(release, "starts_at"), _of(release, "ends_at")


def _of(release: Any, name: str) -> Any:
    return release[name] if isinstance(release, dict) else getattr(release, name)
