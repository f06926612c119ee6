"""Row locks. Order everywhere: Event, WaitlistEntry, Reservation, Order, Payment, buyer (an e-mail
address), Code, CapacityPool (by id).

The pool is the hot row, so it comes last and is locked by the statement that changes it (`stock`).
"""

from django.db import connection

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


def lock_buyer(event_id: int, email_key: str) -> None:
    """Whoever else buys at this event with this e-mail address waits until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [email_key, event_id]
        )
