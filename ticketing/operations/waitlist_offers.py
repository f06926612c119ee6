"""Serving a waitlist's line: offers are made, and settled once they are over.

Who serves a line has its lock. Pools are locked after everything else, all that are concerned at once
and in ascending order, so serving and selling never wait for each other in a circle.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Membership
from events.models import Event
from ticketing import stock
from ticketing.catalogue import catalogue_of
from ticketing.locks import lock_entries, lock_pools, lock_waitlist
from ticketing.models import Reservation, WaitlistEntry, WaitlistPolicy, WaitlistStatus
from ticketing.operations.reserving import offer_tickets, reclaim_overdue
from ticketing.operations.waitlist_entries import announce, places_kept, settle
from ticketing.organiser_errors import NothingFree, NotWaiting
from ticketing.queries.stock import counts_of
from ticketing.queries.waitlist import (
    bought_after_all,
    ended_offers,
    is_over,
    waiter_of,
    waiters_of,
    wishes_of,
)
from ticketing.waitlist_queue import Free, Step, Waiter, Way, Ways, free_places, walk
from tiqqo.core import audit, clock
from tiqqo.core.audit import SYSTEM, Actor
from tiqqo.core.errors import DomainError

logger = logging.getLogger(__name__)

# Offers of one transaction: as long as walk-ins wait for the places it has locked.
OFFERS_AT_ONCE = 10
# As long as offers are found among so many, the rest of a long line is not read.
HEAD = 200
SETTLED_AT_ONCE = 200


def close_offers(event: Event | int) -> int:
    """Every offer whose reservation is over is BOUGHT, LAPSED or LEFT; how many.

    Batch by batch; what somebody else is busy with is left to them.
    """
    total = 0
    while count := _settle_batch(event):
        total += count
    return total


@transaction.atomic
def _settle_batch(event: Event | int) -> int:
    count = 0
    for found in (ended_offers(), bought_after_all()):
        entries = (
            found.filter(event=event)
            .select_related("reservation")
            .select_for_update(of=("self",), skip_locked=True)
            .order_by("pk")[:SETTLED_AT_ONCE]
        )
        for entry in entries:
            settle(entry)
            count += 1
    return count


def serve_waitlist(event: Event | int) -> int:
    """Whoever's turn it is, and whose tickets are free, has an offer that holds them; how many offers.

    Those who stay in line have kept for them what stands in their way now. One server at a time:
    a second one leaves it to the first.
    """
    event_id = event if isinstance(event, int) else event.pk
    total = 0
    while count := _serve_batch(event_id):
        total += count
    return total


@transaction.atomic
def _serve_batch(event_id: int) -> int:
    policy = lock_waitlist(event_id, or_leave=True)
    if policy is None:
        return 0
    event = Event.objects.select_related("organiser").get(pk=event_id)
    now = clock.now()
    if is_over(event, at=now):
        return 0
    counts = counts_of(event)
    ways = Ways(event, catalogue_of(event), counts, at=now)
    serving = policy.paused_at is None and event.sells(at=now)

    def steps_of(waiters: list[Waiter]) -> list[Step]:
        return list(walk(waiters, ways, free_places(counts), serving=serving))

    steps = steps_of(waiters_of(event, first=HEAD))
    offered = [step for step in steps if step.way is not None]
    if len(steps) == HEAD and len(offered) < OFFERS_AT_ONCE:
        steps = steps_of(waiters_of(event))
        offered = [step for step in steps if step.way is not None]
    offered = offered[:OFFERS_AT_ONCE]
    kept = [
        step
        for step in steps
        if step.way is None and sorted(step.pool_ids) != sorted(step.waiter.pool_ids)
    ]
    return _take(event, policy, offered, kept) if offered or kept else 0


def _take(
    event: Event, policy: WaitlistPolicy, offered: Sequence[Step], kept: Sequence[Step]
) -> int:
    """What the walk came to is so, as far as those people still wait and the places are still free."""
    entries = {
        pk: entry
        for pk, entry in lock_entries(step.waiter.entry_id for step in (*offered, *kept)).items()
        if entry.status == WaitlistStatus.WAITING
    }
    offered = [step for step in offered if step.waiter.entry_id in entries]
    kept = [step for step in kept if step.waiter.entry_id in entries]
    less = places_kept(entries.values())
    _keep(entries, kept)
    drawn_on = {pool for step in offered if step.way for pool in step.way.unit}
    more = places_kept(entries[step.waiter.entry_id] for step in kept)
    free = free_places(lock_pools({*less, *more, *drawn_on}))
    made = 0
    for step in offered:
        entry = entries[step.waiter.entry_id]
        assert step.way is not None
        if _offer(event, policy, entry, step.way, free, by=SYSTEM):
            made += 1
        else:
            more += places_kept([entry])
    more.subtract(less)
    stock.wait({pool: count for pool, count in more.items() if count})
    return made


def _keep(entries: Mapping[int, WaitlistEntry], kept: Iterable[Step]) -> None:
    """Many wait for the same: one statement for each set of pools."""
    alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for step in kept:
        entries[step.waiter.entry_id].pool_ids = list(step.pool_ids)
        alike[step.pool_ids].append(step.waiter.entry_id)
    for pool_ids, ids in alike.items():
        WaitlistEntry.objects.filter(pk__in=ids).update(pool_ids=list(pool_ids))


def _offer(
    event: Event,
    policy: WaitlistPolicy,
    entry: WaitlistEntry,
    way: Way,
    free: Free,
    *,
    by: Actor,
) -> bool:
    """The entry has an offer, unless its places are gone by now or a rule has changed since it got in
    line. The caller has locked the pools, and takes what was kept for it out of their counters."""
    if way.lacking(entry.quantity, free):
        return False
    try:
        reservation = offer_tickets(
            event, selection=[way.choice(entry.quantity)], lasts=_lasts(event, policy, clock.now())
        )
    except DomainError as refusal:
        facts = {"entry": entry.pk, "why": refusal.code}
        logger.warning("waitlist.offer_refused", extra=facts)
        return False
    for pool, places in way.pool_places(entry.quantity).items():
        if pool in free:
            free[pool] -= places
    _note_offer(entry, reservation, by=by)
    return True


def _lasts(event: Event, policy: WaitlistPolicy, now: datetime) -> timedelta:
    """As long as the organiser says, and not longer than anybody lets them in."""
    hours = timedelta(hours=policy.offer_hours)
    return min(hours, event.ends_at - now) if event.ends_at else hours


def _note_offer(entry: WaitlistEntry, reservation: Reservation, *, by: Actor) -> None:
    entry.status, entry.reservation, entry.pool_ids = WaitlistStatus.OFFERED, reservation, []
    entry.offered_at = clock.now()
    entry.save(update_fields=["status", "reservation", "pool_ids", "offered_at"])
    audit.record(entry, "waitlist.offered", by=by, until=reservation.expires_at.isoformat())
    announce(entry)


def offer_now(entry: WaitlistEntry, *, by: Membership) -> Reservation:
    """They have an offer at once, whoever stands before them, if anything they wish for is free.

    What is hidden, paused or sold out by hand counts as there: the organiser decides. Raises
    NotWaiting, NothingFree, and what `offer_tickets` refuses.
    """
    event = Event.objects.select_related("organiser").get(pk=entry.event_id)
    waiter = waiter_of(entry, wishes_of(entry))
    ways = Ways(event, catalogue_of(event), counts_of(event), at=clock.now()).of(waiter)
    reclaim_overdue({pool for way in ways for pool in way.unit}, at=clock.now())
    return _offer_now(event, entry, ways, by=by)


@transaction.atomic
def _offer_now(
    event: Event, entry: WaitlistEntry, ways: Iterable[Way], *, by: Membership
) -> Reservation:
    policy = lock_waitlist(event)
    entry = lock_entries([entry.pk])[entry.pk]
    if policy is None or entry.status != WaitlistStatus.WAITING:
        raise NotWaiting
    kept = places_kept([entry])
    free = free_places(lock_pools({*kept, *(pool for way in ways for pool in way.unit)}))
    way = next((way for way in ways if not way.lacking(entry.quantity, free)), None)
    if way is None:
        raise NothingFree(requested=entry.quantity)
    reservation = offer_tickets(
        event, selection=[way.choice(entry.quantity)], lasts=_lasts(event, policy, clock.now())
    )
    _note_offer(entry, reservation, by=by)
    stock.wait({pool: -count for pool, count in kept.items()})
    return reservation
