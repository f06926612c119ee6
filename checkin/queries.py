"""What the door sees."""

from dataclasses import dataclass

from django.db.models import QuerySet

from checkin.models import Admission
from events.models import Event, EventStatus
from orders.models import Ticket
from tiqqo.core import clock


@dataclass(frozen=True, slots=True)
class DoorCount:
    admitted: int
    expected: int


def door_count(event: Event) -> DoorCount:
    """How many are in, of how many valid tickets."""
    return DoorCount(
        admitted=Admission.objects.filter(event=event, undone_at=None).count(),
        expected=Ticket.objects.valid().filter(event=event).count(),
    )


def recent_admissions(event: Event, limit: int = 8) -> list[Admission]:
    return list(
        Admission.objects.select_related("ticket__ticket_type")
        .filter(event=event, undone_at=None)
        .order_by("-at", "-id")[:limit]
    )


def door_events() -> QuerySet[Event]:
    """Events that a scanner may work at: public ones that are not long over."""
    return Event.objects.filter(
        status__in=[EventStatus.PUBLISHED, EventStatus.STARTED, EventStatus.ENDED],
        ends_at__gt=clock.now() - clock.DAY,
    ).order_by("starts_at")
