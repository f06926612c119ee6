"""How much one event may have, so that its pages cost the same for everybody.

Anybody may found an organiser, and strangers open its shop, which shows all that an event has.
"""

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
from ticketing.organiser_errors import EventHasEnough

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


def refuse_more(kind: type[Model], event_id: int, *, adding: int = 1) -> None:
    """The event has room for so many more; the caller has locked its offer. Raises EventHasEnough."""
    most, things, of_event = MOST[kind]
    if kind._default_manager.filter(**{of_event: event_id}).count() + adding > most:
        raise EventHasEnough(things=things, limit=most)
