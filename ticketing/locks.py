"""Row locks of what is sold. The order of all locks is in docs/architecture.md.

The pool is the hot row, so it comes last and is locked by the statement that changes it (`stock`).
"""

from collections.abc import Iterable

from django.db import connection

from events.models import Event
from ticketing.availability import Count
from ticketing.models import (
    CapacityPool,
    Reservation,
    ReservationLine,
    WaitlistEntry,
    WaitlistPolicy,
)
from ticketing.queries.holds import lines_of
from ticketing.queries.stock import count_of
from tiqqo.core.compiled import Compiled, Param

_RESERVATION = Compiled(
    Reservation,
    lambda rows: (
        rows.select_related("event").select_for_update(of=("self",)).filter(pk=Param("pk"))
    ),
)


def lock_catalogue(event: Event | int) -> Event:
    """The event: whoever else changes what it offers waits, and sales go on."""
    locked: Event = (
        Event.objects.select_for_update(of=("self",), no_key=True)
        .select_related("organiser")
        .get(pk=event if isinstance(event, int) else event.pk)
    )
    return locked


def lock_reservation(reservation_id: int) -> tuple[Reservation, list[ReservationLine]]:
    """The reservation, locked, with its event at hand, and its lines."""
    reservation = lock_reservation_row(reservation_id)
    return reservation, lines_of(reservation)


def lock_reservation_row(reservation_id: int) -> Reservation:
    """The same lock for those who do not ask what is on its lines."""
    return _RESERVATION.get(pk=reservation_id)


def lock_buyer(event_id: int, email_key: str) -> None:
    """Whoever else buys at this event with this e-mail address waits until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [email_key, event_id]
        )


def lock_waitlist(event: Event | int, *, or_leave: bool = False) -> WaitlistPolicy | None:
    """The event's line: who else steers or serves it waits. None without a waitlist, and with
    `or_leave` also when somebody else is at it."""
    policy: WaitlistPolicy | None = (
        WaitlistPolicy.objects.select_for_update(of=("self",), no_key=True, skip_locked=or_leave)
        .filter(event=event)
        .first()
    )
    return policy


def lock_entries(entry_ids: Iterable[int]) -> dict[int, WaitlistEntry]:
    """These places in line, by id."""
    found = (
        WaitlistEntry.objects.select_for_update(of=("self",))
        .filter(pk__in=list(entry_ids))
        .order_by("pk")
    )
    return {entry.pk: entry for entry in found}


def lock_pools(pool_ids: Iterable[int]) -> dict[int, Count]:
    """The counters of these pools, which nobody changes until this transaction ends: for those who
    change them in more than one statement."""
    found = (
        CapacityPool.objects.select_for_update(of=("self",))
        .filter(pk__in=list(pool_ids))
        .order_by("pk")
    )
    return {pool.pk: count_of(pool) for pool in found}
