"""What an event offers, apart from what changes with each sale: types, releases, options, slots,
which pools a sale takes from, promotions.

Read once per `Event.offer_revision` and process, so that a sale in a rush reads its event and
nothing else. Triggers give the event another revision in the transaction that changes any of it.
"""

from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass
from threading import Lock
from typing import Any

from events.models import Event
from ticketing.models import (
    Allocation,
    BundlePart,
    CapacityPool,
    OptionPrice,
    PoolMember,
    PriceOption,
    PricingMethod,
    Promotion,
    Release,
    TicketType,
    TimeSlot,
    WaitlistPolicy,
)

CACHED_EVENTS = 200
# Of all of them together: an event may have tens of thousands, of a kilobyte each.
CACHED_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class PricedOption:
    option: PriceOption
    price_minor: int


@dataclass(frozen=True, slots=True)
class Part:
    """So many tickets of a type in a bundle, and its weight in the bundle's price."""

    ticket_type: TicketType
    quantity: int
    usual_price_minor: int


@dataclass(frozen=True, slots=True)
class PoolIds:
    """The pools of an event by their subject."""

    event: tuple[int, ...]
    types: dict[int, tuple[int, ...]]
    releases: dict[int, tuple[int, ...]]
    slots: dict[int, tuple[int, ...]]
    allocations: dict[int, int]
    capacities: dict[int, int]
    """Of those pools that have one."""

    def of_sale(
        self,
        ticket_type: TicketType,
        release: Release,
        slot: TimeSlot | None,
        bundle: TicketType | None = None,
    ) -> tuple[int, ...]:
        """Every pool that a public sale takes from, in ascending order."""
        found = {
            *(self.event if ticket_type.takes_place else ()),
            *self.types.get(ticket_type.pk, ()),
            *self.releases.get(release.pk, ()),
            *(self.slots.get(slot.pk, ()) if slot else ()),
            *(self.types.get(bundle.pk, ()) if bundle else ()),
        }
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is offered, published or not. Treat what is in it as read-only: it is shared."""

    event_id: int
    revision: int
    types: dict[int, TicketType]
    releases: tuple[Release, ...]
    options: dict[int, tuple[PricedOption, ...]]
    """By release."""
    parts: dict[int, tuple[Part, ...]]
    """By bundle."""
    slots: tuple[TimeSlot, ...]
    pools: PoolIds
    promotions: dict[int, Promotion]
    allocations: dict[int, Allocation]
    waitlist: WaitlistPolicy | None

    @property
    def rows(self) -> int:
        """How many rows it holds: what it takes of memory."""
        many = (self.types, self.releases, self.slots, self.pools.capacities, self.promotions)
        return sum(map(len, many)) + sum(map(len, self.options.values())) + len(self.allocations)

    def release_by_code(self, code: str) -> Release | None:
        return next((r for r in self.releases if r.code == code), None)

    def slot_by_code(self, code: str) -> TimeSlot | None:
        return next((s for s in self.slots if s.code == code), None)

    def option_by_code(self, release: Release, code: str) -> PricedOption | None:
        options = self.options.get(release.pk, ())
        return next((o for o in options if o.option.code == code), None)

    def unit_pool_places(
        self, release: Release, *, slot: TimeSlot | None, allocation: Allocation | None = None
    ) -> dict[int, int]:
        """How many places one unit takes from each pool, parts of a bundle included."""
        pool_places: Counter[int] = Counter()
        for share in self.shares_of(release):
            pools = self.pool_ids_of(share, release, slot=slot, allocation=allocation)
            pool_places.update(dict.fromkeys(pools, share.quantity))
        return dict(pool_places)

    def shares_of(self, release: Release) -> tuple[Part, ...]:
        """What one unit issues: the parts of a bundle, or so many tickets of the type itself."""
        ticket_type = release.ticket_type
        own = Part(ticket_type, ticket_type.admits, 1)
        return self.parts.get(ticket_type.pk) or (own,)

    def pool_ids_of(
        self,
        share: Part,
        release: Release,
        *,
        slot: TimeSlot | None,
        allocation: Allocation | None = None,
    ) -> tuple[int, ...]:
        """The pools that tickets of this share draw on, in ascending order.

        From an allocation they draw on that and the slot's: all others gave up those places before.
        """
        if not share.ticket_type.is_timed:
            slot = None
        if allocation is not None:
            of_slot = self.pools.slots.get(slot.pk, ()) if slot else ()
            return tuple(sorted({self.pools.allocations[allocation.pk], *of_slot}))
        bundle = release.ticket_type if share.ticket_type != release.ticket_type else None
        return self.pools.of_sale(share.ticket_type, release, slot, bundle)

    def needs_slot(self, ticket_type: TicketType) -> bool:
        """Whether the type, or a part of it, is for a time slot."""
        parts = self.parts.get(ticket_type.pk, ())
        return ticket_type.is_timed or any(part.ticket_type.is_timed for part in parts)

    def lowest_price(self, release: Release) -> int:
        """The least that one unit costs, in minor units."""
        if release.ticket_type.pricing == PricingMethod.OPTIONS:
            return min((o.price_minor for o in self.options.get(release.pk, ())), default=0)
        return int(release.price_minor)


_cache: OrderedDict[int, Catalogue] = OrderedDict()
_lock = Lock()


def catalogue_of(event: Event) -> Catalogue:
    """What the event offers at its `offer_revision`, from memory where this process read it before."""
    with _lock:
        cached = _cache.get(event.pk)
        if cached is not None and cached.revision == event.offer_revision:
            _cache.move_to_end(event.pk)
            return cached
    made = _read_whole(event)
    with _lock:
        _cache[event.pk] = made
        while len(_cache) > CACHED_EVENTS:
            _cache.popitem(last=False)
        # The largest go first, so that no organiser's event costs others theirs.
        while sum(cached.rows for cached in _cache.values()) > CACHED_ROWS:
            del _cache[max(_cache.values(), key=lambda cached: cached.rows).event_id]
    return made


def forget_catalogues() -> None:
    """The next reading is from the database."""
    with _lock:
        _cache.clear()


def _read_whole(event: Event) -> Catalogue:
    """Read again if somebody changed the offer in the middle of the reading."""
    revision = event.offer_revision
    while True:
        made = _read(event.pk, revision)
        now = Event.objects.values_list("offer_revision", flat=True).get(pk=event.pk)
        if now == revision:
            return made
        revision = now


def _read(event_id: int, revision: int) -> Catalogue:
    types = {
        found.pk: found
        for found in TicketType.objects.filter(event=event_id).order_by("position", "id")
    }
    releases = list(Release.objects.filter(ticket_type__event=event_id).chronologically())
    for release in releases:
        release.ticket_type = types[release.ticket_type_id]
    promotions = Promotion.objects.filter(event=event_id).order_by("id")
    allocations = Allocation.objects.filter(event=event_id).select_related("company")
    return Catalogue(
        event_id=event_id,
        revision=revision,
        types=types,
        releases=tuple(releases),
        options=_options(event_id),
        parts=_parts(event_id, types),
        slots=tuple(TimeSlot.objects.filter(event=event_id).order_by("starts_at")),
        pools=_pools(event_id),
        promotions={promotion.pk: promotion for promotion in promotions},
        allocations={allocation.pk: allocation for allocation in allocations},
        waitlist=WaitlistPolicy.objects.filter(event=event_id).first(),
    )


def _options(event_id: int) -> dict[int, tuple[PricedOption, ...]]:
    found: defaultdict[int, list[PricedOption]] = defaultdict(list)
    rows = OptionPrice.objects.select_related("option").filter(option__ticket_type__event=event_id)
    for row in rows.order_by("option__position", "option_id"):
        found[row.release_id].append(PricedOption(row.option, row.price_minor))
    return {release: tuple(options) for release, options in found.items()}


def _parts(event_id: int, types: dict[int, TicketType]) -> dict[int, tuple[Part, ...]]:
    found: defaultdict[int, list[Part]] = defaultdict(list)
    for row in BundlePart.objects.filter(bundle__event=event_id).order_by("id"):
        found[row.bundle_id].append(Part(types[row.part_id], row.quantity, row.usual_price_minor))
    return {bundle: tuple(parts) for bundle, parts in found.items()}


def _pools(event_id: int) -> PoolIds:
    of_event: list[int] = []
    of: dict[str, defaultdict[int, list[int]]] = {
        name: defaultdict(list) for name in ("ticket_type", "release", "slot")
    }
    allocations: dict[int, int] = {}
    capacities: dict[int, int] = {}
    rows: Any = CapacityPool.objects.filter(event=event_id).values_list(
        "id", "name", "ticket_type_id", "release_id", "slot_id", "allocation_id", "capacity"
    )
    for pool_id, name, type_id, release_id, slot_id, allocation_id, capacity in rows:
        if capacity is not None:
            capacities[pool_id] = capacity
        if allocation_id:
            allocations[allocation_id] = pool_id
        elif not (name or type_id or release_id or slot_id):
            of_event.append(pool_id)
        _note(of, pool_id, type_id, release_id, slot_id)
    members: Any = PoolMember.objects.filter(pool__event=event_id).values_list(
        "pool_id", "ticket_type_id", "release_id", "slot_id"
    )
    for pool_id, *subject in members:
        _note(of, pool_id, *subject)
    settled = {
        name: {subject: tuple(pools) for subject, pools in found.items()}
        for name, found in of.items()
    }
    return PoolIds(
        event=tuple(of_event),
        types=settled["ticket_type"],
        releases=settled["release"],
        slots=settled["slot"],
        allocations=allocations,
        capacities=capacities,
    )


def _note(of: dict[str, defaultdict[int, list[int]]], pool_id: int, *subjects: int | None) -> None:
    for name, subject in zip(("ticket_type", "release", "slot"), subjects, strict=True):
        if subject is not None:
            of[name][subject].append(pool_id)
