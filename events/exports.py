"""What leaves the dashboard as a file is on record."""

from datetime import date
from typing import Any

from accounts.models import Membership
from events.models import Event
from tiqqo.core import audit, security_log


def record_export(
    event: Event, what: str, *, by: Membership, rows: int, **asked: str | date | int | None
) -> None:
    """Who took what of the event, how many rows, and what they had asked for.

    `what` is a word such as "orders". Call it before the file goes out, so that no file leaves without a
    trace; it is the one thing that a GET writes. Of words that were searched for only that they were given
    is kept: they are somebody's name or address as a rule. The organiser reads it under Security, Exports.
    """
    filters: dict[str, Any] = {
        name: str(value) for name, value in asked.items() if value not in (None, "")
    }
    if "search" in filters:
        filters["search"] = "…"
    audit.record(event, "export.made", by=by, what=what, rows=rows, filter=filters)
    security_log.note(
        security_log.Kind.EXPORT,
        organiser=event.organiser_id,
        user=by.actor_user_id,
        what=what,
        event=event.slug,
        rows=rows,
        filter=", ".join(f"{name}={value}" for name, value in filters.items()),
    )
