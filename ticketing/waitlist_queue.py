"""Whose turn it is in a waitlist's line, and what is kept for the others: pure rules.

One walks the line from its head. What somebody is offered, and what those who stay wait for, is gone
for everybody behind them, so nobody is passed where they stand in each other's way; and nobody waits
for those whose things are other ones.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from events.models import Event
from ticketing.availability import Counts, is_next, slot_is_open
from ticketing.catalogue import Catalogue
from ticketing.models import PricingMethod, Release, TimeSlot
from ticketing.selling import Choice

Free = dict[int, int]
"""Places left by pool; pools that set no limit are not in it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Ids of the type, and of the release or slot where it must be that one."""

    ticket_type_id: int
    release_id: int | None = None
    slot_id: int | None = None


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody in line for so many tickets of any one of their wishes. `is_in_lottery_order` says whether their
    turn can come: before the lot is drawn, nobody's can."""

    entry_id: int
    quantity: int
    wishes: tuple[Wish, ...]
    pool_ids: tuple[int, ...] = ()
    is_in_lottery_order: bool = True


@dataclass(frozen=True, slots=True)
class Way:
    """One way to give them what they want. `unit` is what one ticket takes of each pool; `is_open`
    says whether it is to be had but for stock, so many at once as from `least` to `most`."""

    release: Release
    slot: TimeSlot | None
    option: str
    unit: Mapping[int, int]
    is_open: bool
    least: int
    most: int

    def choice(self, quantity: int) -> Choice:
        return Choice(self.release.code, quantity, self.option, self.slot.code if self.slot else "")

    def pool_places(self, quantity: int) -> dict[int, int]:
        return {pool: places * quantity for pool, places in self.unit.items()}

    def takes(self, quantity: int) -> bool:
        """Whether so many can be had at once, as far as they are there."""
        return self.is_open and self.least <= quantity <= self.most

    def lacking(self, quantity: int, free: Free) -> list[int]:
        """The pools that have no room for so many."""
        return [
            pool
            for pool, places in self.unit.items()
            if pool in free and free[pool] < places * quantity
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """What the walk comes to for one of them: an offer, or places kept in these pools (a pool for
    each place that one ticket takes)."""

    waiter: Waiter
    way: Way | None
    pool_ids: tuple[int, ...]


def walk(
    waiters: Iterable[Waiter],
    ways: "Ways",
    free: Free,
    *,
    serving: bool,
) -> Iterator[Step]:
    """A step for each, in their order. `free` counts down on the way. When not `serving`, nobody is
    offered anything, and what they could have is kept for them."""
    for waiter in waiters:
        step = _step(waiter, ways.of(waiter), free, serving=serving and waiter.is_in_lottery_order)
        gone = step.way.unit if step.way else Counter(step.pool_ids)
        for pool, places in gone.items():
            if pool in free:
                free[pool] -= places * waiter.quantity
        yield step


def kept_for(waiter: Waiter, ways: "Ways", free: Free) -> tuple[int, ...]:
    """The pools in which places are kept for somebody who gets in line now."""
    return _step(waiter, ways.of(waiter), free, serving=False).pool_ids


def _step(waiter: Waiter, ways: Sequence[Way], free: Free, *, serving: bool) -> Step:
    kept: Counter[int] = Counter()
    for way in ways:
        lacking = way.lacking(waiter.quantity, free)
        if way.takes(waiter.quantity) and not lacking:
            if serving:
                return Step(waiter, way, ())
            lacking = [pool for pool in way.unit if pool in free]
        kept |= Counter({pool: way.unit[pool] for pool in lacking or _tightest(way, free)})
    return Step(waiter, None, tuple(sorted(kept.elements())))


def _tightest(way: Way, free: Free) -> list[int]:
    """Where it is closed by hand or by the clock, the pool that will be short first once it opens."""
    limited = [pool for pool in way.unit if pool in free]
    return [min(limited, key=lambda pool: (free[pool], pool))] if limited else []


def free_places(counts: Counts) -> Free:
    """What nobody holds, has bought or has set aside."""
    return {pool: count.free for pool, count in counts.items() if count.free is not None}


def free_behind_the_queue(counts: Counts) -> Free:
    """The same for whoever comes last."""
    return {
        pool: count.free - count.waiting for pool, count in counts.items() if count.free is not None
    }


class Ways:
    """The ways to fulfil wishes at one moment, each wish looked up once."""

    def __init__(self, event: Event, catalogue: Catalogue, counts: Counts, *, at: datetime) -> None:
        self.most = event.per_order_limit
        self.catalogue, self.counts, self.at = catalogue, counts, at
        self._known: dict[Wish, tuple[Way, ...]] = {}
        self._releases = {release.pk: release for release in catalogue.releases}
        self._slots = {slot.pk: slot for slot in catalogue.slots}

    def of(self, waiter: Waiter) -> list[Way]:
        """In the order of their wishes; of a type, in the order of its releases."""
        found: list[Way] = []
        for wish in waiter.wishes:
            if wish not in self._known:
                self._known[wish] = tuple(self._find(wish))
            found += self._known[wish]
        return found

    def _find(self, wish: Wish) -> Iterator[Way]:
        ticket_type = self.catalogue.types[wish.ticket_type_id]
        slot = self._slots.get(wish.slot_id or 0)
        if self.catalogue.needs_slot(ticket_type) and slot is None:
            return
        for release in self._releases_for(wish):
            option = self.catalogue.options.get(release.pk, ())
            needs_option = ticket_type.pricing == PricingMethod.OPTIONS
            if needs_option and not option:
                continue
            yield Way(
                release=release,
                slot=slot,
                option=option[0].option.code if needs_option else "",
                unit=self.catalogue.unit_pool_places(release, slot=slot),
                is_open=self._is_open(release, wish)
                and (slot is None or slot_is_open(slot, at=self.at)),
                least=ticket_type.per_order_minimum or 1,
                most=min(self.most, ticket_type.per_order_limit or self.most),
            )

    def _releases_for(self, wish: Wish) -> list[Release]:
        """The one they wait for; else those of the type that are not over, or the last of them: who
        was in line before the end of a sale may be served after it."""
        published = [
            release
            for release in self.catalogue.releases
            if release.ticket_type_id == wish.ticket_type_id and release.published_at is not None
        ]
        if wish.release_id is not None:
            return [release for release in published if release.pk == wish.release_id]
        return [r for r in published if not self._is_over(r)] or published[-1:]

    def _is_over(self, release: Release) -> bool:
        return release.closes_at is not None and release.closes_at <= self.at

    def _is_open(self, release: Release, wish: Wish) -> bool:
        """Hidden, paused and sold out by hand hold for the line, too, and so does the beginning of a
        sale; its end does not. Who waits for a release need not wait for the one before it."""
        ticket_type = release.ticket_type
        by_hand = (
            ticket_type.hidden_at,
            ticket_type.paused_at,
            ticket_type.sold_out_at,
            release.hidden_at,
            release.paused_at,
            release.sold_out_at,
        )
        if any(by_hand) or (release.opens_at is not None and release.opens_at > self.at):
            return False
        return wish.release_id is not None or is_next(
            self.catalogue, release, self.counts, at=self.at
        )
