"""How many of an event's places unpaid invoice orders may hold, and how many they do."""

from django.db.models import Q, Sum

from events.models import Event
from orders.models import Order, OrderStatus, PaymentMethod
from ticketing.models import CapacityPool, ReservationStatus
from tiqqo.core import clock


def invoice_places_left(event: Event, *, besides: Order) -> int | None:
    """How many places buyers may still order by invoice; None where nothing limits the places.

    Counted is what buyers ordered and nobody has paid, confirmed or about to be. What the organiser
    ordered for others does not count, and neither do orders from before there was a share.
    """
    places = _places_in_all(event)
    if places is None:
        return None
    unpaid = Order.objects.filter(event=event, payment_method=PaymentMethod.INVOICE).filter(
        Q(status=OrderStatus.OFFLINE_PENDING) & ~Q(address_secret="")
        | Q(
            status=OrderStatus.INITIATED,
            reservation__status=ReservationStatus.PENDING,
            reservation__expires_at__gt=clock.now(),
        )
    )
    held: int = unpaid.exclude(pk=besides.pk).aggregate(places=Sum("quantity"))["places"] or 0
    share = max(1, places * event.invoice_share_percent // 100)
    return max(0, share - held)


def _places_in_all(event: Event) -> int | None:
    """Of the event; where it sets no limit, of its ticket types, or of its times, if all of those do."""
    pools = CapacityPool.objects.filter(event=event, allocation=None, release=None, name="")
    of_types: list[int | None] = []
    of_slots: list[int | None] = []
    for ticket_type_id, slot_id, capacity in pools.values_list(
        "ticket_type_id", "slot_id", "capacity"
    ):
        if ticket_type_id is None and slot_id is None and capacity is not None:
            return int(capacity)
        if ticket_type_id is not None:
            of_types.append(capacity)
        elif slot_id is not None:
            of_slots.append(capacity)
    for capacities in (of_slots, of_types):
        known = [capacity for capacity in capacities if capacity is not None]
        if known and len(known) == len(capacities):
            return sum(known)
    return None
