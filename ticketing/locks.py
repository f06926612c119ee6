"""Row locks. Order everywhere: Event, Reservation, Order, Payment, CapacityPool (by id).

The pool is the hot row, so it comes last and is locked by the statement that changes it (`stock`).
"""

from ticketing.models import Reservation, ReservationLine


def lock_reservation(reservation_id: int) -> tuple[Reservation, list[ReservationLine]]:
    """The reservation, locked, with its event at hand, and its lines."""
    reservation = lock_reservation_row(reservation_id)
    return reservation, list(ReservationLine.objects.filter(reservation=reservation).order_by("id"))


def lock_reservation_row(reservation_id: int) -> Reservation:
    """The same lock for those who do not ask what is on its lines."""
    reservation: Reservation = (
        Reservation.objects.select_related("event")
        .select_for_update(of=("self",))
        .get(pk=reservation_id)
    )
    return reservation
