"""How an order that waits for money ends: settled, or canceled; and how one ends that was paid."""

from django.db import transaction

from orders.changes import Change
from orders.locks import lock_order
from orders.models import Order, OrderStatus, PaymentMethod
from orders.operations.changing import record_change
from orders.operations.issuing import announce_settled, issue_tickets, void_tickets
from ticketing.models import ReservationStatus
from ticketing.operations import cancel_reservation, confirm_reservation
from tiqqo.core import clock
from tiqqo.core.audit import SYSTEM, Actor


@transaction.atomic
def cancel_lost_order(order: Order) -> None:
    """An order that waits for money, whose hold is over, is canceled. Twice is harmless."""
    order = lock_order(order.pk)
    over = order.reservation.status not in (ReservationStatus.PENDING, ReservationStatus.CONFIRMED)
    if order.status == OrderStatus.INITIATED and over:
        cancel_unpaid(order, declined=False)


def cancel_unpaid(order: Order, *, declined: bool) -> None:
    """No money came in time. The caller has the order's lock."""
    order.status = OrderStatus.DECLINED if declined else OrderStatus.CANCELED
    order.canceled_at = clock.now()
    order.save(update_fields=["status", "canceled_at"])
    record_change(order, Change.EXPIRED, by=SYSTEM)


def end_order(order: Order, change: Change, *, by: Actor) -> None:
    """The order is cancelled, its tickets are void and its places free: the change says why.

    The caller has the order's lock.
    """
    order.status, order.canceled_at = OrderStatus.CANCELED, clock.now()
    order.save(update_fields=["status", "canceled_at"])
    void_tickets(order)
    record_change(order, change, by=by)
    if order.reservation.status in (ReservationStatus.PENDING, ReservationStatus.CONFIRMED):
        cancel_reservation(order.reservation, manually=True)


def settle_paid(order: Order, *, by: Actor) -> None:
    """The order is paid and has its tickets; what was held for it is sold. The caller has its lock."""
    was_held = order.reservation.status == ReservationStatus.PENDING
    now = clock.now()
    order.status, order.settled_at, order.canceled_at = OrderStatus.PAID, now, None
    order.confirmed_at = order.confirmed_at or now
    # An invoice order whose buyer paid on the page that was still open is a card order.
    order.payment_method = PaymentMethod.CARD
    order.save(
        update_fields=["status", "settled_at", "canceled_at", "confirmed_at", "payment_method"]
    )
    record_change(order, Change.SETTLED, by=by, method=order.payment_method)
    issue_tickets(order, list(order.lines.order_by("id")), by=SYSTEM)
    announce_settled(order)
    if was_held:
        confirm_reservation(order.reservation)
