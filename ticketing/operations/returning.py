"""Stock that was set aside goes back to sale: on its day, at once, and whenever a partner's buyer
lets go afterwards."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Membership
from events.models import Event
from ticketing import stock
from ticketing.codes import ended_at
from ticketing.locks import lock_catalogue
from ticketing.models import Allocation, CapacityPool
from ticketing.queries.allocations import due_allocations
from tiqqo.core import audit, clock

BATCH = 200


@transaction.atomic
def return_allocation(allocation: Allocation, *, by: Membership) -> int:
    """What nobody holds or has bought is on sale again, and its code works no more; how many places.

    Twice is harmless: then it is what became free in the meantime.
    """
    lock_catalogue(allocation.event_id)
    return _return(Allocation.objects.get(pk=allocation.pk), by, clock.now())


def return_due_allocations(*, at: datetime) -> int:
    """A batch of allocations whose day has come, or that have free places after it, is returned; how
    many. Those of an event that somebody else is changing are left for the next time."""
    return _return_each(due_allocations(at=at), at)


def return_due_to(allocations: Iterable[Allocation], *, at: datetime) -> int:
    """The same for these alone, so that a sale never waits for the sweeper."""
    ids = [allocation.pk for allocation in allocations]
    return _return_each(due_allocations(at=at).filter(pk__in=ids), at) if ids else 0


def _return_each(due: QuerySet[Allocation], at: datetime) -> int:
    ids = list(due.order_by("id").values_list("pk", flat=True)[:BATCH])
    return sum(_return_if_due(allocation_id, at) for allocation_id in ids)


@transaction.atomic
def _return_if_due(allocation_id: int, at: datetime) -> bool:
    """Unless somebody changes the event's offer at this moment. Nobody waits here for the event, so a
    caller that has other locks cannot be in anybody's way for good."""
    event = (
        Event.objects.filter(allocations=allocation_id)
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .first()
    )
    if event is None:
        return False
    allocation = Allocation.objects.get(pk=allocation_id)
    if ended_at(allocation, at=at) is None:
        return False
    _return(allocation, audit.SYSTEM, at)
    return True


def _return(allocation: Allocation, by: audit.Actor, now: datetime) -> int:
    """The caller has the event's lock."""
    own = locked_pool(allocation)
    free = own.free or 0
    if allocation.returned_at is None:
        allocation.returned_at = now
        allocation.save(update_fields=["returned_at"])
        audit.record(allocation, "allocation.returned", by=by, places=free)
    elif free:
        audit.record(allocation, "allocation.returned_more", by=by, places=free)
    resize(own, allocation, -free)
    return free


def locked_pool(allocation: Allocation) -> CapacityPool:
    """Its own pool, locked after those that it was taken out of: partner and walk-ins both wait."""
    ids = [*allocation.from_pool_ids, CapacityPool.objects.only("pk").get(allocation=allocation).pk]
    pools = CapacityPool.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("id")
    return next(pool for pool in pools if pool.allocation_id == allocation.pk)


def resize(own: CapacityPool, allocation: Allocation, more: int) -> set[int]:
    """The allocation has so many places more, taken out of its pools, or less, given back to them.
    The pools that had no room: roll back unless it is empty."""
    if not more:
        return set()
    full = stock.set_aside(dict.fromkeys(allocation.from_pool_ids, more))
    CapacityPool.objects.filter(pk=own.pk).update(capacity=F("capacity") + more)
    return full
