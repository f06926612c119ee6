"""The sales windows of an event, drawn on one line of time for the tickets page."""

from dataclasses import dataclass
from datetime import datetime

from events.models import Event
from ticketing.queries import ReleaseRow, TicketBoard, TypeRow
from tiqqo.ui import charts


@dataclass(frozen=True, slots=True)
class DrawnRelease:
    row: ReleaseRow
    window: charts.Window


@dataclass(frozen=True, slots=True)
class DrawnType:
    """A ticket type whose releases share the event's line of time; `clashes` are among themselves."""

    row: TypeRow
    releases: list[DrawnRelease]
    clashes: tuple[charts.Clash, ...]


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


def drawn(board: TicketBoard, event: Event, now: datetime) -> DrawnBoard:
    """Where each window stands. What has no end of its own ends with the event."""
    spans = {
        row.ticket_type.pk: [_span(release, event) for release in row.releases]
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
                charts.releases_chart(_published(spans[row.ticket_type.pk]), now).clashes,
            )
            for row in board.types
        ],
        start=chart.start,
        end=chart.end,
        now_x=chart.now_x,
    )


def _span(row: ReleaseRow, event: Event) -> _Span:
    release = row.release
    opened_at = release.opens_at or release.published_at
    return _Span(row, release.name, opened_at, release.closes_at or event.ends_at)


def _published(spans: list[_Span]) -> list[_Span]:
    return [span for span in spans if span.row.release.published_at]
