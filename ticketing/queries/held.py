"""The holds of an event at this moment, for the organiser."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from events.models import Event
from ticketing.models import Reservation, ReservationLine, ReservationStatus
from ticketing.selling import name_of

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Held:
    """A hold: how long it lasts, what is in it, and whether the organiser may let it go."""

    reservation: Reservation
    what: tuple[str, ...]
    places: int
    is_overdue: bool
    is_being_paid: bool
    is_offer: bool

    @property
    def is_over(self) -> bool:
        """Nothing is held any more: it was bought, let go, or ran out."""
        return bool(self.reservation.status != ReservationStatus.PENDING)

    @property
    def can_go(self) -> bool:
        return not (self.is_over or self.is_being_paid or self.is_offer)


@dataclass(frozen=True, slots=True)
class Holds:
    """The first to run out, and how many there are in all."""

    shown: list[Held]
    count: int


def holds_of(event: Event, *, at: datetime) -> Holds:
    """Three queries at most."""
    pending = Reservation.objects.filter(event=event, status=ReservationStatus.PENDING)
    found = list(
        pending.select_related("waitlist_entry")
        .prefetch_related("lines")
        .order_by("expires_at", "id")[: SHOWN + 1]
    )
    count = len(found) if len(found) <= SHOWN else pending.count()
    return Holds([held_of(reservation, at=at) for reservation in found[:SHOWN]], count)


def held_of(reservation: Reservation, *, at: datetime) -> Held:
    lines: Sequence[ReservationLine] = sorted(reservation.lines.all(), key=lambda line: line.pk)
    return Held(
        reservation,
        what=tuple(f"{line.quantity} × {name_of(line)}" for line in lines),
        places=sum(line.places for line in lines),
        is_overdue=reservation.expires_at <= at,
        is_being_paid=reservation.payment_started_at is not None,
        is_offer=hasattr(reservation, "waitlist_entry"),
    )
