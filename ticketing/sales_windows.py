"""The sales windows of an event, drawn on one line of time for the tickets page.

A release that follows another is drawn from the moment that one closes; if it only sells out some
day, from where its own window begins, for nobody knows that day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from events.models import Event
from ticketing.queries import ReleaseRow, TicketBoard, TypeRow
from tiqqo.ui import charts


@dataclass(frozen=True, slots=True)
class DrawnRelease:
    row: ReleaseRow
    window: charts.Window


@dataclass(frozen=True, slots=True)
class DrawnType:
    """A ticket type whose releases share the event's line of time, as they open; `clashes` are among
    themselves, and `stalled` says which of them wait for what does not end."""

    row: TypeRow
    releases: list[DrawnRelease]
    clashes: tuple[charts.Clash, ...]
    stalled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrawnBoard:
    types: list[DrawnType]
    start: datetime | None
    end: datetime | None
    now_x: float | None


@dataclass(frozen=True, slots=True)
class _Span:
    row: ReleaseRow
    name: str
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def opens_on_a_known_day(self) -> bool:
        before = self.row.follows
        if before is None:
            return True
        closes_at = before.closes_at
        return closes_at is not None and (self.ends_at is None or closes_at < self.ends_at)


def drawn(board: TicketBoard, event: Event, now: datetime) -> DrawnBoard:
    """Where each window stands. What has no end of its own ends with the event."""
    spans = {
        row.ticket_type.pk: _as_they_open([_span(release, event) for release in row.releases])
        for row in board.types
    }
    everything = [span for group in spans.values() for span in group]
    chart = charts.releases_chart(everything, now)
    window_of = {id(window.release): window for window in chart.bars}
    return DrawnBoard(
        types=[
            DrawnType(
                row,
                [DrawnRelease(span.row, window_of[id(span)]) for span in spans[row.ticket_type.pk]],
                charts.releases_chart(
                    _published(spans[row.ticket_type.pk]), now, among=everything
                ).clashes,
                tuple(_stalled(row)),
            )
            for row in board.types
        ],
        start=chart.start,
        end=chart.end,
        now_x=chart.now_x,
    )


def _span(row: ReleaseRow, event: Event) -> _Span:
    release = row.release
    starts_at = release.opens_at or release.published_at
    ends_at = release.closes_at or event.ends_at
    before = row.follows.closes_at if row.follows else None
    if before is not None and (ends_at is None or before < ends_at):
        starts_at = max(starts_at, before) if starts_at else before
    return _Span(row, release.name, starts_at, ends_at)


def _as_they_open(spans: list[_Span]) -> list[_Span]:
    """Who waits for another stands behind it, even if nobody knows the day."""
    by_release = {span.row.release.pk: span for span in spans}

    def order(span: _Span) -> tuple[datetime, int]:
        opens_at = span.starts_at or datetime.min.replace(tzinfo=UTC)
        before = by_release.get(span.row.follows.pk) if span.row.follows else None
        if before is None:
            return opens_at, 0
        at, waiting = order(before)
        return max(opens_at, at), waiting + 1

    return sorted(spans, key=order)


def _published(spans: list[_Span]) -> list[_Span]:
    """Those whose days are known: an open chain neither overlaps nor leaves a gap."""
    return [span for span in spans if span.row.release.published_at and span.opens_on_a_known_day]


def _stalled(row: TypeRow) -> Iterator[str]:
    pools = {release.release.pk: release.pool for release in row.releases}
    for after in row.releases:
        release, before = after.release, after.follows
        if before is None or release.published_at is None:
            continue
        facts = {"after": release.name, "before": before.name}
        if before.published_at is None:
            yield _("%(after)s waits for %(before)s, which is a draft: it does not open.") % facts
        elif before.sold_out_at is None and pools[before.pk].capacity is None:
            if before.closes_at is None:
                yield (
                    _(
                        "%(after)s waits for %(before)s, which has neither an end nor a number of"
                        " tickets: it opens only once you mark that one sold out."
                    )
                    % facts
                )
            elif release.closes_at is not None and release.closes_at <= before.closes_at:
                yield _("%(after)s is over before %(before)s ends: it does not open.") % facts
