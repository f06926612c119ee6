"""How much one event may have, so that its pages cost the same for everybody.

Anybody may found an organiser, and strangers open its shop, which shows all that an event has.
"""

from datetime import datetime

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ticketing.models import (
    CapacityPool,
    Code,
    PriceOption,
    Promotion,
    Release,
    TicketType,
    TimeSlot,
)
from ticketing.organiser_errors import EventHasEnough, OrganiserHasEnough

# At most so many, what they are called, and how each names its event.
MOST: dict[type[Model], tuple[int, Promise, str]] = {
    TicketType: (200, _("ticket types"), "event"),
    Release: (1000, _("releases"), "ticket_type__event"),
    # Of all types together: the shop has a field for each.
    PriceOption: (500, _("prices"), "ticket_type__event"),
    TimeSlot: (20_000, _("time slots"), "event"),
    # Each type, release, slot and allocation has one of its own.
    CapacityPool: (30_000, _("limits"), "event"),
    Promotion: (1000, _("promotions"), "event"),
    Code: (500_000, _("codes"), "event"),
}
# A page of the event looks at each time for each release.
MOST_TIMES_RELEASES = 500_000
_TIMES_RELEASES: dict[type[Model], type[Model]] = {TimeSlot: Release, Release: TimeSlot}
# Of all events together: the organiser's page shows those that are to come.
MOST_TIMES_TO_COME = 40_000


def refuse_more(kind: type[Model], event_id: int, *, adding: int = 1) -> None:
    """The event has room for so many more; the caller has locked its offer. Raises EventHasEnough."""
    most, things, _of_event = MOST[kind]
    if kind in _TIMES_RELEASES:
        others = _count(_TIMES_RELEASES[kind], event_id)
        most = min(most, MOST_TIMES_RELEASES // max(others, 1))
    if _count(kind, event_id) + adding > most:
        raise EventHasEnough(things=things, limit=most)


def refuse_more_to_come(*, adding: int, at: datetime) -> None:
    """The organiser's events together have room for so many more times. Raises OrganiserHasEnough."""
    if TimeSlot.objects.filter(starts_at__gt=at).count() + adding > MOST_TIMES_TO_COME:
        raise OrganiserHasEnough(things=_("time slots to come"), limit=MOST_TIMES_TO_COME)


def _count(kind: type[Model], event_id: int) -> int:
    _most, _things, of_event = MOST[kind]
    return kind._default_manager.filter(**{of_event: event_id}).count()
