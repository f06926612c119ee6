"""What the orders desk does to an order."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import Membership
from events.models import Event
from orders.changes import Change
from orders.errors import (
    AddressAwaited,
    AlreadySettled,
    NotAnInvoiceOrder,
    OrderOver,
    PaidOrdersAreRefunded,
)
from orders.locks import lock_order
from orders.models import (
    Order,
    OrderStatus,
    PaymentMethod,
    Substitute,
    SubstituteStatus,
)
from orders.operations.changing import record_change
from orders.operations.issuing import announce_settled, issue_tickets
from orders.operations.placing import Buyer, place_order
from orders.operations.settling import end_order
from orders.operations.substituting import decline_substitute
from ticketing.operations import cancel_reservation, reserve_tickets
from tiqqo.core import clock
from tiqqo.core.audit import Actor
from tiqqo.core.errors import DomainError


def refuse_unless_invoice(order: Order) -> None:
    """Raises NotAnInvoiceOrder, AlreadySettled, OrderOver, AddressAwaited."""
    if order.is_over:
        raise OrderOver
    if order.payment_method != PaymentMethod.INVOICE:
        raise NotAnInvoiceOrder
    if order.is_settled:
        raise AlreadySettled
    if not order.is_confirmed:
        raise AddressAwaited


def make_order(
    event: Event,
    *,
    selection: Mapping[str, int],
    buyer: Buyer,
    payment_method: PaymentMethod,
    by: Membership,
) -> Order:
    """An order that the organiser makes for somebody is placed as a buyer's would be: so many of each
    release, by its code. It speaks the event's language; who comes is named later.

    A refusal leaves nothing behind. Raises what `reserve_tickets` and `place_order` raise.
    """
    reservation = reserve_tickets(event, selection=selection)
    try:
        return place_order(
            reservation,
            buyer=buyer,
            attendees=[],
            payment_method=payment_method,
            locale=event.language,
            by=by,
        )
    except DomainError:
        cancel_reservation(reservation, manually=True)
        raise


@transaction.atomic
def mark_settled(order: Order, *, by: Actor) -> Order:
    """The invoice is paid: the order is settled and its tickets are issued.

    The money went to the organiser's own account, so the ledger has no part in it.
    Raises NotAnInvoiceOrder, AlreadySettled, OrderOver, AddressAwaited.
    """
    order = lock_order(order.pk)
    refuse_unless_invoice(order)
    order.status, order.settled_at = OrderStatus.PAID, clock.now()
    order.save(update_fields=["status", "settled_at"])
    record_change(order, Change.SETTLED, by=by, method=order.payment_method)
    issue_tickets(order, list(order.lines.order_by("id")), by=by)
    announce_settled(order)
    return order


@transaction.atomic
def cancel_order(order: Order, *, by: Actor) -> Order:
    """The order is cancelled, its tickets are void and its places free; the buyer is told.

    For orders that no money came in for. Twice is harmless. Raises PaidOrdersAreRefunded.
    """
    order = lock_order(order.pk)
    if order.is_over:
        return order
    if order.status == OrderStatus.PAID:
        raise PaidOrdersAreRefunded
    offered = Substitute.objects.filter(order=order, status=SubstituteStatus.OFFERED).first()
    if offered is not None:
        return decline_substitute(offered, by=by)
    end_order(order, Change.CANCELED, by=by)
    return order
