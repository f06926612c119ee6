"""The tickets once more."""

from django.db import transaction

from orders.changes import Change
from orders.errors import NothingToSend
from orders.locks import lock_order
from orders.models import Delivery, DeliveryKind, DeliveryStatus, Order
from orders.operations.changing import record_change
from tiqqo.core.audit import Actor


@transaction.atomic
def resend_tickets(order: Order, *, by: Actor) -> None:
    """The tickets are sent once more, freshly rendered; once, if that is under way already.

    Raises NothingToSend.
    """
    order = lock_order(order.pk)
    if not order.tickets.valid().exists():
        raise NothingToSend
    is_under_way = Delivery.objects.filter(
        order=order,
        kind=DeliveryKind.TICKETS,
        status__in=[DeliveryStatus.PENDING, DeliveryStatus.PREPARED],
    ).exists()
    if not is_under_way:
        record_change(order, Change.TICKETS_RESENT, by=by)
