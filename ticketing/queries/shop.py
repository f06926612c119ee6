"""What the shop shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from events.models import Event
from ticketing.availability import (
    NOTHING_UNLOCKED,
    Counts,
    State,
    Unlocked,
    release_state,
    slot_is_open,
    units_left,
)
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.models import PricingMethod, Release, TicketType, TimeSlot
from ticketing.pricing import Item, Quote, quote, shares_of
from ticketing.queries.stock import counts_of, counts_of_all
from ticketing.selling import terms_of
from tiqqo.core.money import Money

FEW_LEFT = 20
_BY_WEIGHT = ("on_sale", "scheduled", "paused", "sold_out", "ended")
# Of several releases of a type the shop shows the first in the state that says most.
_TELLING: tuple[State, ...] = ("on_sale", "paused", "scheduled", "sold_out", "closed")


@dataclass(frozen=True, slots=True)
class OfferOption:
    """One of several prices; `price` is all a buyer pays for one."""

    code: str
    name: str
    price: Money
    base_price: Money


@dataclass(frozen=True, slots=True)
class Offer:
    """A row of the shop: a ticket type through the release that counts now.

    `state` is on_sale, scheduled, sold_out, ended or paused; `price` is all a buyer pays for one, the
    lowest where there are several, the least where buyers pay what they want. `left` counts units;
    of a timed type those in the chosen slot.
    """

    ticket_type: TicketType
    release: Release
    state: str
    price: Money
    base_price: Money
    tax: Money
    fee: Money
    left: int | None
    limit: int
    options: tuple[OfferOption, ...]
    parts: tuple[tuple[int, str], ...]
    """Of a bundle: how many of what."""
    needs_slot: bool

    @property
    def is_on_sale(self) -> bool:
        return self.state == "on_sale"

    @property
    def is_free(self) -> bool:
        return self.price.minor == 0

    @property
    def pays_what_they_want(self) -> bool:
        return bool(self.ticket_type.pricing == PricingMethod.PAY_WHAT_YOU_WANT)

    @property
    def suggested(self) -> Money:
        """What is offered first where buyers pay what they want."""
        suggested = self.release.suggested_minor
        return self.base_price if suggested is None else Money(suggested, self.price.currency)

    @property
    def few_left(self) -> bool:
        return self.left is not None and 0 < self.left <= FEW_LEFT


@dataclass(frozen=True, slots=True)
class SlotOffer:
    """A time that can be chosen; `state` is on_sale, sold_out, paused or closed."""

    slot: TimeSlot
    state: str
    left: int | None

    @property
    def few_left(self) -> bool:
        return self.left is not None and 0 < self.left <= FEW_LEFT


def offers(
    event: Event,
    *,
    at: datetime,
    unlocked: Unlocked = NOTHING_UNLOCKED,
    slot: TimeSlot | None = None,
    also: Collection[str] = (),
) -> list[Offer]:
    """What the shop shows, in the organiser's order. One query once the offer is known.

    `also` are codes of releases that are shown besides, whatever their state: what a buyer holds.
    """
    catalogue = catalogue_of(event)
    return _offers(event, catalogue, counts_of(event), at, unlocked, slot, also)


def offers_of(events: Sequence[Event], *, at: datetime) -> dict[int, list[Offer]]:
    """The offers of several events by event id; one query once their offers are known."""
    counts = counts_of_all(events)
    return {
        event.pk: _offers(event, catalogue_of(event), counts, at, NOTHING_UNLOCKED, None)
        for event in events
    }


def slots_on(event: Event, day: date | None, *, at: datetime) -> list[SlotOffer]:
    """The times of a day in the event's zone, with what is left; of every day for None."""
    slots = [
        slot
        for slot in catalogue_of(event).slots
        if day is None or event.local(slot.starts_at).date() == day
    ]
    pools = catalogue_of(event).pools.slots
    counts = counts_of(event, {pool for slot in slots for pool in pools.get(slot.pk, ())})
    return [_slot_offer(slot, pools.get(slot.pk, ()), counts, at) for slot in slots]


def slot_days(event: Event, *, at: datetime) -> list[date]:
    """The days in the event's zone on which there is a time to choose."""
    slots = catalogue_of(event).slots
    return sorted({event.local(s.starts_at).date() for s in slots if at < s.admits_until})


def _slot_offer(slot: TimeSlot, pools: Sequence[int], counts: Counts, at: datetime) -> SlotOffer:
    left = units_left(dict.fromkeys(pools, 1), counts)
    if not slot_is_open(slot, at=at):
        state = "paused" if slot.paused_at and at < slot.admits_until else "closed"
    else:
        state = "sold_out" if left == 0 else "on_sale"
    return SlotOffer(slot, state, left)


def _offers(
    event: Event,
    catalogue: Catalogue,
    counts: Counts,
    at: datetime,
    unlocked: Unlocked,
    slot: TimeSlot | None,
    also: Collection[str] = (),
) -> list[Offer]:
    rows: dict[int, list[tuple[Release, State]]] = {}
    besides: dict[int, list[tuple[Release, State]]] = {}
    for release in catalogue.releases:
        state = release_state(catalogue, release, counts, at=at, unlocked=unlocked)
        if state in _TELLING:
            rows.setdefault(release.ticket_type_id, []).append((release, state))
        if release.code in also:
            besides.setdefault(release.ticket_type_id, []).append((release, state))
    chosen: list[tuple[Release, State]] = []
    for type_id in catalogue.types:
        counted = [_that_counts(rows[type_id])] if type_id in rows else []
        extra = [choice for choice in besides.get(type_id, ()) if choice not in counted]
        chosen += [*extra, *counted]
    return [_offer(event, catalogue, counts, *choice, at, unlocked, slot) for choice in chosen]


def _that_counts(choices: list[tuple[Release, State]]) -> tuple[Release, State]:
    """The first on sale, else what explains best why there is none; of past ones the last."""
    best = min(choices, key=lambda choice: _TELLING.index(choice[1]))
    if best[1] in ("sold_out", "closed"):
        return next(choice for choice in reversed(choices) if choice[1] == best[1])
    return best


def _offer(
    event: Event,
    catalogue: Catalogue,
    counts: Counts,
    release: Release,
    state: State,
    at: datetime,
    unlocked: Unlocked,
    slot: TimeSlot | None,
) -> Offer:
    ticket_type = release.ticket_type
    needs_slot = catalogue.needs_slot(ticket_type)
    pool_places = catalogue.unit_pool_places(
        release,
        slot=slot if needs_slot else None,
        allocation=unlocked.allocation_for(release),
    )
    left = units_left(pool_places, counts)
    shown = _of_event(event, "ended" if state == "closed" else state, at)
    if shown == "on_sale" and left == 0:
        shown = "sold_out"
    priced = _quoted(event, catalogue, release, catalogue.lowest_price(release))
    return Offer(
        ticket_type=ticket_type,
        release=release,
        state=shown,
        price=priced.total,
        base_price=Money(catalogue.lowest_price(release), event.currency),
        tax=Money(priced.tax_minor, event.currency),
        fee=Money(priced.buyer_fee_minor, event.currency),
        left=0 if state in ("sold_out", "closed") and left is not None else left,
        limit=_limit(event, ticket_type, left),
        options=tuple(
            OfferOption(
                code=priced_option.option.code,
                name=priced_option.option.name,
                price=_quoted(event, catalogue, release, priced_option.price_minor).total,
                base_price=Money(priced_option.price_minor, event.currency),
            )
            for priced_option in catalogue.options.get(release.pk, ())
            if ticket_type.pricing == PricingMethod.OPTIONS
        ),
        parts=tuple(
            (part.quantity, part.ticket_type.name)
            for part in catalogue.parts.get(ticket_type.pk, ())
        ),
        needs_slot=needs_slot,
    )


def _of_event(event: Event, state: str, at: datetime) -> str:
    """The state of the release as far as the event sells at all."""
    if state == "on_sale" and event.sales_paused_at is not None:
        return "paused"
    if state in ("on_sale", "scheduled") and not event.sells(at=at):
        return "paused" if event.sales_paused_at else "ended"
    return state


def _limit(event: Event, ticket_type: TicketType, left: int | None) -> int:
    limits = (event.per_order_limit, ticket_type.per_order_limit, left)
    return max(min(limit for limit in limits if limit is not None), 0)


def _quoted(event: Event, catalogue: Catalogue, release: Release, price_minor: int) -> Quote:
    """One unit, with the tax of each part of a bundle."""
    shares = catalogue.shares_of(release)
    prices = shares_of(price_minor, [s.quantity * s.usual_price_minor for s in shares])
    bearer = prices.index(max(prices))
    items = [
        Item(
            "",
            1,
            price,
            tax_rate_bp=part.ticket_type.tax_rate_bp,
            bears_fixed_fee=number == bearer,
        )
        for number, (part, price) in enumerate(zip(shares, prices, strict=True))
    ]
    return quote(items, terms_of(event))


@dataclass(frozen=True, slots=True)
class Listing:
    """An event as a list shows it: what tickets cost that are on sale, and how sales stand.

    `state` is that of an offer, or announced where nothing is on offer yet.
    """

    event: Event
    state: str
    lowest: Money | None
    highest: Money | None
    few_left: bool

    @property
    def is_range(self) -> bool:
        return self.lowest != self.highest


def listings(events: Sequence[Event], *, at: datetime) -> list[Listing]:
    """One query however many events there are, once their offers are known."""
    found = offers_of(events, at=at)
    return [_listing(event, found[event.pk]) for event in events]


def _listing(event: Event, rows: list[Offer]) -> Listing:
    open_rows = [row for row in rows if row.is_on_sale]
    states = [row.state for row in rows]
    state = next((s for s in _BY_WEIGHT if s in states), "announced")
    prices = sorted(
        {
            price.minor
            for row in open_rows
            for price in (row.price, *(option.price for option in row.options))
        }
    )
    return Listing(
        event=event,
        state=state,
        lowest=Money(prices[0], event.currency) if prices else None,
        highest=Money(prices[-1], event.currency) if prices else None,
        few_left=bool(open_rows) and all(row.few_left for row in open_rows),
    )
