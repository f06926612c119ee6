"""How long the waitlist keeps who was in line. See `tiqqo.core.retention`."""

from contextlib import suppress
from datetime import datetime

from django.db.models import QuerySet

from ticketing.errors import PaymentUnderWay
from ticketing.models import WaitlistEntry
from ticketing.operations import leave_waitlist
from tiqqo.core import audit
from tiqqo.core.retention import Rule, delete_unlocked, register
from tiqqo.core.tenancy import tenant_scope


def _lines_that_are_over(before: datetime) -> QuerySet[WaitlistEntry]:
    due: QuerySet[WaitlistEntry] = WaitlistEntry.objects.filter(event__ends_at__lt=before)
    return due


def _forget(rows: QuerySet[WaitlistEntry]) -> int:
    """Who is in line still leaves it first, so that the places kept for them are counted right."""
    for entry in rows:
        if entry.is_on_waitlist:
            with tenant_scope(entry.organiser_id), suppress(PaymentUnderWay):
                leave_waitlist(entry, by=audit.SYSTEM)
    return delete_unlocked(rows.filter(ended_at__isnull=False))


register(
    Rule(
        name="waitlist",
        words="people on waitlists of events that are over",
        due=_lines_that_are_over,
        age="event__ends_at",
        forget=_forget,
        slice_size=50,
    )
)
