"""Row locks of orders. The order of all locks is in docs/architecture.md."""

from dataclasses import dataclass

from orders.models import InvoiceCounter, Order, Payment
from ticketing.locks import lock_reservation_row
from ticketing.models import Reservation, ReservationLine
from ticketing.queries import lines_of
from tiqqo.core.compiled import Compiled, Param

_OF_RESERVATION = Compiled(
    Order,
    lambda rows: rows.select_for_update(of=("self",)).filter(reservation=Param("reservation")),
)


def lock_order(order_id: int) -> Order:
    """The order, locked after its reservation, with its event and organiser at hand."""
    reservation_id = Order.objects.values_list("reservation_id", flat=True).get(pk=order_id)
    return _lock_both(reservation_id, order_id)


def _lock_both(reservation_id: int, order_id: int) -> Order:
    while True:
        lock_reservation_row(reservation_id)
        # A statement of its own, after the wait: what is joined to a row is read before its lock is had.
        order: Order | None = (
            Order.objects.select_related("event__organiser", "reservation")
            .select_for_update(of=("self",))
            .filter(pk=order_id, reservation=reservation_id)
            .first()
        )
        if order is not None:
            return order
        # Its substitute was accepted meanwhile: it has another reservation.
        reservation_id = Order.objects.values_list("reservation_id", flat=True).get(pk=order_id)


def lock_payment(payment_id: int) -> tuple[Order, Payment]:
    """The payment, locked after its order."""
    ids = Payment.objects.values_list("order__reservation_id", "order_id").get(pk=payment_id)
    order = _lock_both(*ids)
    payment: Payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
    payment.order = order
    return order, payment


@dataclass(frozen=True, slots=True)
class LockedHold:
    """A reservation that is locked, its lines, and the order that it became, if it did."""

    reservation: Reservation
    lines: list[ReservationLine]
    order: Order | None


def lock_hold(reservation: Reservation) -> LockedHold:
    """Whoever else wants this reservation or its order waits until this transaction ends.

    Order and lines are asked for once the lock is had: who waited for it finds what was made meanwhile.
    """
    locked = lock_reservation_row(reservation.pk)
    return LockedHold(locked, lines_of(locked), order_of_locked(locked))


def order_of_locked(reservation: Reservation) -> Order | None:
    """The order of a reservation that the caller has locked."""
    return _OF_RESERVATION.first(reservation=reservation.pk)


def lock_invoice_counter(year: int) -> InvoiceCounter:
    """The organiser's counter of the year, locked; whoever comes next waits for this commit."""
    InvoiceCounter.objects.get_or_create(year=year)
    counter: InvoiceCounter = InvoiceCounter.objects.select_for_update(of=("self",)).get(year=year)
    return counter
