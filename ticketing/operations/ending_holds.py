"""Holds that the organiser lets go, so that others can have the places."""

from django.db import transaction

from accounts.models import Membership
from ticketing.locks import lock_reservation
from ticketing.models import Reservation, ReservationStatus, WaitlistEntry
from ticketing.operations.reserving import cancel_reservation
from ticketing.organiser_errors import HoldBeingPaid, HoldIsOffer, HoldOver
from tiqqo.core import audit


@transaction.atomic
def let_go(reservation: Reservation, *, by: Membership) -> None:
    """The hold is CANCELED_MANUALLY and its places are free at once.

    Raises HoldOver, HoldBeingPaid while a payment may still come, HoldIsOffer.
    """
    found, lines = lock_reservation(reservation.pk)
    if found.status != ReservationStatus.PENDING:
        raise HoldOver
    if found.payment_started_at is not None:
        raise HoldBeingPaid
    if WaitlistEntry.objects.filter(reservation=found).exists():
        raise HoldIsOffer
    audit.record(found, "reservation.let_go", by=by, places=sum(line.places for line in lines))
    cancel_reservation(found, manually=True)
