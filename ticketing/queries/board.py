"""The tickets page: every type with its releases and stock, shared pools, the next day's times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from events.models import Event
from events.readiness import Item as ChecklistItem
from ticketing.availability import release_state
from ticketing.catalogue import Catalogue, Part, PricedOption, catalogue_of
from ticketing.models import CapacityPool, PricingMethod, Release, TicketType, TimeSlot
from ticketing.queries.stock import count_of
from tiqqo.core.money import Money


def has_tickets(event: Event) -> ChecklistItem:
    """Checklist: at least one type can be bought through a published release."""
    count = (
        Release.objects.published()
        .filter(ticket_type__event=event)
        .values("ticket_type_id")
        .distinct()
        .count()
    )
    return ChecklistItem(
        code="tickets",
        title=_("Add a ticket type with a published release"),
        hint=_("%(count)s on offer.") % {"count": count}
        if count
        else _("A release is a sales window with a price."),
        page="ticketing:tickets",
        is_done=count > 0,
    )


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release with its stock; `price` is the lowest where there are several."""

    release: Release
    pool: CapacityPool
    state: str
    price: Money
    options: tuple[PricedOption, ...]
    follows: Release | None

    @property
    def has_prices(self) -> bool:
        """Whether one unit can cost more than `price`."""
        pricing = self.release.ticket_type.pricing
        return len(self.options) > 1 or bool(pricing == PricingMethod.PAY_WHAT_YOU_WANT)


@dataclass(frozen=True, slots=True)
class TypeRow:
    ticket_type: TicketType
    pool: CapacityPool
    releases: list[ReleaseRow]
    parts: tuple[Part, ...]
    """Of a bundle."""
    lacks_slots: bool
    """It is for a time slot, and there is none yet."""


@dataclass(frozen=True, slots=True)
class SharedPool:
    pool: CapacityPool
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlotDay:
    """The times of one day, together. `capacity` is None if one of them sets no limit."""

    on: date
    starts_at: datetime
    count: int
    paused: int
    capacity: int | None
    held: int
    sold: int

    @property
    def free(self) -> int | None:
        return None if self.capacity is None else self.capacity - self.held - self.sold


@dataclass(frozen=True, slots=True)
class TicketBoard:
    """The tickets page: every type with its releases and stock. One query once the offer is known."""

    event_pool: CapacityPool | None
    types: list[TypeRow]
    shared_pools: list[SharedPool]
    slot_count: int
    next_day: SlotDay | None


def ticket_board(event: Event, *, at: datetime) -> TicketBoard:
    catalogue = catalogue_of(event)
    pools = list(CapacityPool.objects.filter(event=event).order_by("name", "id"))
    counts = {pool.pk: count_of(pool) for pool in pools}
    of_type = {p.ticket_type_id: p for p in pools if p.ticket_type_id}
    of_release = {p.release_id: p for p in pools if p.release_id}
    of_slot = {p.slot_id: p for p in pools if p.slot_id}
    releases = {release.pk: release for release in catalogue.releases}
    days = slot_days_of(event, catalogue, of_slot)
    return TicketBoard(
        event_pool=next((p for p in pools if p.pk in catalogue.pools.event), None),
        types=[
            TypeRow(
                ticket_type,
                of_type[ticket_type.pk],
                [
                    ReleaseRow(
                        release,
                        of_release[release.pk],
                        release_state(catalogue, release, counts, at=at),
                        Money(catalogue.lowest_price(release), event.currency),
                        _options(catalogue, release),
                        releases.get(release.follows_id or 0),
                    )
                    for release in catalogue.releases
                    if release.ticket_type_id == ticket_type.pk
                ],
                catalogue.parts.get(ticket_type.pk, ()),
                catalogue.needs_slot(ticket_type) and not catalogue.slots,
            )
            for ticket_type in catalogue.types.values()
        ],
        shared_pools=[
            SharedPool(pool, member_names(catalogue, pool.pk)) for pool in pools if pool.name
        ],
        slot_count=len(catalogue.slots),
        next_day=next((day for day in days if day.on >= event.local(at).date()), None),
    )


def _options(catalogue: Catalogue, release: Release) -> tuple[PricedOption, ...]:
    if release.ticket_type.pricing != PricingMethod.OPTIONS:
        return ()
    return catalogue.options.get(release.pk, ())


def member_names(catalogue: Catalogue, pool_id: int) -> tuple[str, ...]:
    """What shares the pool: names of types, and of releases with their type's."""
    types = [
        ticket_type.name
        for ticket_type in catalogue.types.values()
        if pool_id in catalogue.pools.types.get(ticket_type.pk, ())
    ]
    releases = [
        f"{release.ticket_type.name} · {release.name}"
        for release in catalogue.releases
        if pool_id in catalogue.pools.releases.get(release.pk, ())
    ]
    return (*types, *releases)


def slot_days_of(
    event: Event, catalogue: Catalogue, pools: Mapping[int, CapacityPool]
) -> list[SlotDay]:
    """The days in the event's zone that have time slots, `pools` being those by slot."""
    found: dict[date, list[tuple[TimeSlot, CapacityPool]]] = {}
    for slot in catalogue.slots:
        if slot.pk in pools:
            day = event.local(slot.starts_at).date()
            found.setdefault(day, []).append((slot, pools[slot.pk]))
    return [_day(on, slots) for on, slots in found.items()]


def _day(on: date, slots: Sequence[tuple[TimeSlot, CapacityPool]]) -> SlotDay:
    pools = [pool for _slot, pool in slots]
    capacities = [pool.capacity for pool in pools]
    limits = [capacity for capacity in capacities if capacity is not None]
    return SlotDay(
        on=on,
        starts_at=slots[0][0].starts_at,
        count=len(slots),
        paused=sum(slot.paused_at is not None for slot, _pool in slots),
        capacity=sum(limits) if len(limits) == len(capacities) else None,
        held=sum(pool.held for pool in pools),
        sold=sum(pool.sold for pool in pools),
    )
