"""What can be bought at this moment: pure rules over the catalogue and the counters.

Hidden, paused and sold out are three different acts of the organiser; scheduled, waiting (for the
release before it), on sale, sold out and closed follow from windows, chains and stock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ticketing.catalogue import Catalogue
from ticketing.models import Allocation, Promotion, Release, TimeSlot

State = Literal[
    "draft", "hidden", "scheduled", "waiting", "on_sale", "paused", "sold_out", "closed"
]


@dataclass(frozen=True, slots=True)
class Count:
    """The counters of a pool at one moment."""

    capacity: int | None
    held: int
    sold: int
    set_aside: int
    waiting: int

    @property
    def free(self) -> int | None:
        if self.capacity is None:
            return None
        return self.capacity - self.held - self.sold - self.set_aside

    @property
    def free_to_all(self) -> int | None:
        """What walk-ins can have: not what people in line wait for."""
        return None if self.free is None else max(self.free - self.waiting, 0)


Counts = Mapping[int, Count]


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What a buyer's code opens: hidden types and releases, and a partner's stock."""

    promotion: Promotion | None = None
    allocation: Allocation | None = None

    def opens(self, release: Release) -> bool:
        if self.allocation is not None:
            return release.ticket_type_id == self.allocation.ticket_type_id
        promotion = self.promotion
        return (
            promotion is not None
            and promotion.unlocks
            and covers(promotion, release.ticket_type_id, release.pk)
        )

    def allocation_for(self, release: Release) -> Allocation | None:
        """The partner's stock that a sale of this release takes from."""
        return self.allocation if self.allocation and self.opens(release) else None


NOTHING_UNLOCKED = Unlocked()


def covers(promotion: Promotion, ticket_type_id: int, release_id: int) -> bool:
    """Whether the promotion is about it; one that names nothing is about everything."""
    return (
        not (promotion.ticket_type_ids or promotion.release_ids)
        or ticket_type_id in promotion.ticket_type_ids
        or release_id in promotion.release_ids
    )


def units_left(pool_places: Mapping[int, int], counts: Counts) -> int | None:
    """How many more units walk-ins can have; None when nothing limits."""
    left = [
        free // places
        for pool, places in pool_places.items()
        if pool in counts and (free := counts[pool].free_to_all) is not None
    ]
    return min(left, default=None)


def release_state(
    catalogue: Catalogue,
    release: Release,
    counts: Counts,
    *,
    at: datetime,
    unlocked: Unlocked = NOTHING_UNLOCKED,
) -> State:
    """How the sale of one release stands, apart from whether the event sells at all."""
    by_clock_or_hand = _before_stock(catalogue, release, counts, at, unlocked)
    if by_clock_or_hand is not None:
        return by_clock_or_hand
    return "on_sale" if has_places(catalogue, release, counts, at, unlocked) else "sold_out"


def _before_stock(
    catalogue: Catalogue, release: Release, counts: Counts, at: datetime, unlocked: Unlocked
) -> State | None:
    """What keeps it from being on sale whatever is left; the first that applies."""
    ticket_type = release.ticket_type
    reasons: tuple[tuple[State, bool], ...] = (
        ("draft", release.published_at is None),
        (
            "hidden",
            bool(ticket_type.hidden_at or release.hidden_at) and not unlocked.opens(release),
        ),
        ("sold_out", bool(ticket_type.sold_out_at or release.sold_out_at)),
        ("closed", release.closes_at is not None and release.closes_at <= at),
        ("paused", bool(ticket_type.paused_at or release.paused_at)),
        ("scheduled", release.opens_at is not None and release.opens_at > at),
        ("waiting", not is_next(catalogue, release, counts, at=at)),
    )
    return next((state for state, applies in reasons if applies), None)


def has_places(
    catalogue: Catalogue,
    release: Release,
    counts: Counts,
    at: datetime,
    unlocked: Unlocked = NOTHING_UNLOCKED,
) -> bool:
    """Whether at least one unit is left; of a timed type, in any slot to come."""
    allocation = unlocked.allocation_for(release)
    pool_places = catalogue.unit_pool_places(release, slot=None, allocation=allocation)
    if units_left(pool_places, counts) == 0:
        return False
    if not catalogue.needs_slot(release.ticket_type):
        return True
    return any(
        slot_is_open(slot, at=at) and has_places_at(catalogue, release, slot, counts, allocation)
        for slot in catalogue.slots
    )


def has_places_at(
    catalogue: Catalogue,
    release: Release,
    slot: TimeSlot,
    counts: Counts,
    allocation: Allocation | None = None,
) -> bool:
    """Whether at least one unit is left at that time. Of a sold-out event's times, which may be many
    thousands, most are told at a glance."""
    shares = catalogue.shares_of(release)
    places = sum(share.quantity for share in shares if share.ticket_type.is_timed)
    if units_left(dict.fromkeys(catalogue.pools.slots.get(slot.pk, ()), places), counts) == 0:
        return False
    pool_places = catalogue.unit_pool_places(release, slot=slot, allocation=allocation)
    return units_left(pool_places, counts) != 0


def slot_is_open(slot: TimeSlot, *, at: datetime) -> bool:
    """Tickets for it can be bought until the moment nobody is let in any more."""
    return slot.paused_at is None and at < slot.admits_until


def is_next(catalogue: Catalogue, release: Release, counts: Counts, *, at: datetime) -> bool:
    """Whether the release that it follows, if any, is over: closed, or without a free place.

    One whose last places are held only counts as sold out, and is back when they are let go.
    """
    before = next((r for r in catalogue.releases if r.pk == release.follows_id), None)
    if before is None:
        return True
    if before.published_at is None:
        return False
    if before.sold_out_at or (before.closes_at is not None and before.closes_at <= at):
        return True
    return any(
        count.free is not None and count.free <= 0
        for pool in catalogue.pools.releases.get(before.pk, ())
        if (count := counts.get(pool)) is not None
    )
