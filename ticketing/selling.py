"""From what a buyer chose to what is held: rules, prices, discounts, pools. Nothing is written here.

The shop's preview and the reservation make the same plan, so what is shown is what is held.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from events.models import Event
from ticketing.availability import (
    NOTHING_UNLOCKED,
    Counts,
    Unlocked,
    release_state,
    slot_is_open,
)
from ticketing.catalogue import Catalogue
from ticketing.codes import Claim, automatic_discounts
from ticketing.errors import (
    CodeCoversNothing,
    CodeNeedsMore,
    CodeNeedsMoreTickets,
    CodeSavesNothing,
    NothingSelected,
    NotOnSale,
    OptionMissing,
    OptionUnknown,
    PriceRose,
    PriceTooHigh,
    PriceTooLow,
    SalesClosed,
    SalesPaused,
    SeveralPrices,
    SeveralSlots,
    SlotClosed,
    SlotMissing,
    TooFewTickets,
    TooManyPeople,
    TooManyTickets,
)
from ticketing.models import (
    Allocation,
    PriceOption,
    PricingMethod,
    Release,
    ReservationLine,
    TicketType,
    TimeSlot,
)
from ticketing.pricing import (
    Applied,
    Discount,
    Item,
    Quote,
    Refusal,
    Terms,
    discounted,
    quote,
    refusal_of,
    shares_of,
)
from tiqqo.core.money import Money

# What one ticket costs at most: beyond it somebody's finger slipped (minor units).
MOST_FOR_ONE = 10_000_000


@dataclass(frozen=True, slots=True)
class Choice:
    """So many units of a release, as a buyer chose them: codes of release, option and slot.

    `price_minor` is what they want to pay for one, where they may say.
    """

    release: str
    quantity: int
    option: str = ""
    slot: str = ""
    price_minor: int | None = None


Selection = Mapping[str, int] | Iterable[Choice]
Key = tuple[int, int | None, int | None]
"""Ids of release, option and slot."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a hold has of one thing: so many units, at the price of one."""

    quantity: int
    unit_price_minor: int


NOTHING_KEPT: Mapping[Key, Kept] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A choice that was found in the catalogue: one for each thing that can be held.

    `named_minor` is the price that the buyer named, where they may.
    """

    release: Release
    option: PriceOption | None
    slot: TimeSlot | None
    quantity: int
    named_minor: int | None
    usual_minor: int
    """What one costs at this moment; where the buyer names the price, the least."""

    @property
    def key(self) -> Key:
        option, slot = self.option, self.slot
        return (self.release.pk, option.pk if option else None, slot.pk if slot else None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A choice that was found in the catalogue and may be sold, with its price of this moment."""

    release: Release
    quantity: int
    unit_price_minor: int
    option: PriceOption | None
    slot: TimeSlot | None
    allocation: Allocation | None

    @property
    def ticket_type(self) -> TicketType:
        return self.release.ticket_type

    @property
    def name(self) -> str:
        return line_name(
            self.ticket_type.name, self.release.name, self.option.name if self.option else ""
        )


@dataclass(frozen=True, slots=True)
class SalePlan:
    """What will be held: lines that are not saved yet, and what lowered their price."""

    wanted: tuple[Wanted, ...]
    lines: tuple[ReservationLine, ...]
    applied: tuple[Applied, ...]
    claim: Claim | None
    """The code, where it had an effect and so takes a use."""
    has_more: bool
    """Something is in it that the hold did not have: that is a sale of this moment, by its terms."""

    @property
    def discounts(self) -> list[dict[str, int | str]]:
        return [
            {"promotion": done.key, "name": done.name, "minor": done.amount_minor}
            for done in self.applied
        ]


def fixed_fee(currency: str) -> Money:
    """The fixed part of the service fee on a paid ticket; nothing in a currency that none is set for."""
    return Money.from_decimal(settings.SERVICE_FEE_FIXED.get(currency, Decimal(0)), currency)


def terms_of(event: Event) -> Terms:
    """The terms that a sale of this moment freezes."""
    return Terms(
        currency=event.currency,
        tax_name=event.tax_name,
        tax_rate_bp=event.tax_rate_bp,
        prices_include_tax=event.prices_include_tax,
        fee_payer=event.fee_payer,
        fee_fixed_minor=fixed_fee(event.currency).minor,
        fee_rate_bp=settings.SERVICE_FEE_RATE_BP,
    )


def line_name(ticket_name: str, release_name: str, option_name: str = "") -> str:
    """What a buyer reads: a release that is just called as its type is not said twice."""
    names = [ticket_name] if ticket_name == release_name else [ticket_name, release_name]
    return " · ".join([*names, option_name] if option_name else names)


def as_choices(selection: Selection) -> list[Choice]:
    """What is asked for at all, the same thing once."""
    if isinstance(selection, Mapping):
        selection = [Choice(release, quantity) for release, quantity in selection.items()]
    merged: dict[tuple[str, str, str, int | None], int] = {}
    for choice in selection:
        if choice.quantity > 0:
            key = (choice.release, choice.option, choice.slot, choice.price_minor)
            merged[key] = merged.get(key, 0) + choice.quantity
    return [
        Choice(release, quantity, option, slot, price)
        for (release, option, slot, price), quantity in merged.items()
    ]


def plan_sale(
    event: Event,
    catalogue: Catalogue,
    choices: Sequence[Choice],
    counts: Counts,
    *,
    at: datetime,
    claim: Claim | None = None,
    from_line: bool = False,
    kept: Mapping[Key, Kept] = NOTHING_KEPT,
) -> SalePlan:
    """What these choices come to. `counts` are those of releases that others follow, see
    `chain_pools`; whether places are left is the business of the statement that takes them.

    `from_line` is an offer to somebody in the waitlist's line: windows do not matter to them. What a
    hold has already (`kept`) may stay in it at its price, on sale or not; more than that may not.
    Raises NothingSelected, TooManyTickets, TooManyPeople, TooFewTickets, SalesPaused, SalesClosed, NotOnSale,
    OptionMissing, OptionUnknown, SlotMissing, SlotClosed, SeveralSlots, PriceTooLow, PriceTooHigh,
    PriceRose, SeveralPrices, and CodeRefused in its kinds.
    """
    _refuse_event(event, choices, at)
    unlocked = claim.unlocked if claim else NOTHING_UNLOCKED
    asked_for = _asked_for(catalogue, choices, at)
    wanted = tuple(
        _wanted(event, catalogue, asked, counts, at, unlocked, kept, from_line=from_line)
        for asked in asked_for
    )
    _refuse_quantities(wanted)
    _refuse_crowd(catalogue, wanted)
    items = [
        Item(
            name=asked.name,
            quantity=asked.quantity,
            unit_price_minor=asked.unit_price_minor,
            ticket_type_id=asked.ticket_type.pk,
            release_id=asked.release.pk,
        )
        for asked in wanted
    ]
    code = claim.discount if claim else None
    done = discounted(items, automatic=automatic_discounts(catalogue, at=at), code=code)
    if claim and code:
        _refuse_code(claim, code, items, done.applied, event.currency)
    lines = [
        line
        for asked, item in zip(wanted, done.items, strict=True)
        for line in _lines(catalogue, asked, item.discount_minor)
    ]
    took_effect = claim is not None and (
        code is not None or any(claim.unlocked.opens(asked.release) for asked in wanted)
    )
    return SalePlan(
        wanted,
        tuple(lines),
        done.applied,
        claim if took_effect else None,
        has_more=any(asked.quantity > _kept_of(asked, kept) for asked in asked_for),
    )


def chain_pools(catalogue: Catalogue, choices: Sequence[Choice]) -> set[int]:
    """The pools whose counters decide whether it is the turn of the chosen releases."""
    chosen = {choice.release for choice in choices}
    before = {r.follows_id for r in catalogue.releases if r.code in chosen and r.follows_id}
    return {pool for release in before for pool in catalogue.pools.releases.get(release, ())}


def kept_prices(lines: Sequence[ReservationLine]) -> dict[Key, Kept]:
    """What a hold has, as a buyer chose it: the parts of a bundle are one thing again."""
    found: dict[Key, Kept] = {}
    # A part of a bundle that needs no time belongs to the one time of the others.
    slots = {line.release_id: line.slot_id for line in lines if line.bundle_id and line.slot_id}
    for line in lines:
        slot_id = line.slot_id or slots.get(line.release_id)
        key = (line.release_id, line.option_id, slot_id)
        price = found[key].unit_price_minor if line.bundle_id and key in found else 0
        found[key] = Kept(line.quantity, price + line.unit_price_minor)
    return found


def units_of(lines: Iterable[ReservationLine]) -> Counter[int]:
    """How many of each type, by its id, were chosen: a bundle is one, whatever its parts are."""
    units: Counter[int] = Counter()
    for line in lines:
        if line.bears_fixed_fee:
            units[line.bundle_id or line.ticket_type_id] += line.quantity
    return units


def quote_lines(
    lines: Iterable[ReservationLine], terms: Terms, applied: Sequence[Applied] = ()
) -> Quote:
    """What lines cost by the prices and discounts frozen in them; a bundle's parts are lines."""
    return quote([item_of(line) for line in lines], terms, applied)


def item_of(line: ReservationLine) -> Item:
    return Item(
        name=name_of(line),
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        ticket_type_id=line.bundle_id or line.ticket_type_id,
        release_id=line.release_id,
        tax_rate_bp=line.tax_rate_bp,
        bears_fixed_fee=line.bears_fixed_fee,
        discount_minor=line.discount_minor,
    )


def name_of(line: ReservationLine) -> str:
    """What a buyer reads of a line; of a bundle's part, the bundle too."""
    if line.bundle_name:
        many = f"{line.admits} × " if line.admits > 1 else ""
        return f"{line.bundle_name}: {many}{line.ticket_name}"
    return line_name(line.ticket_name, line.release_name, line.option_name)


def _refuse_event(event: Event, choices: Sequence[Choice], at: datetime) -> None:
    if not choices:
        raise NothingSelected
    if sum(choice.quantity for choice in choices) > event.per_order_limit:
        raise TooManyTickets(limit=event.per_order_limit)
    if event.sales_paused_at is not None:
        raise SalesPaused
    if not event.sells(at=at):
        raise SalesClosed


def _asked_for(catalogue: Catalogue, choices: Sequence[Choice], at: datetime) -> list[Asked]:
    """The choices by what they mean, so that nothing is there twice however it was written."""
    found: dict[Key, Asked] = {}
    for choice in choices:
        asked = _found(catalogue, choice, at)
        before = found.get(asked.key)
        if before is not None:
            if before.named_minor != asked.named_minor:
                raise SeveralPrices(subject=asked.release.ticket_type.name)
            asked = replace(asked, quantity=before.quantity + asked.quantity)
        found[asked.key] = asked
    _refuse_several_slots(catalogue, list(found.values()))
    return list(found.values())


def _found(catalogue: Catalogue, choice: Choice, at: datetime) -> Asked:
    release = catalogue.release_by_code(choice.release)
    if release is None:
        raise NotOnSale(subject=_("A chosen ticket"))
    ticket_type = release.ticket_type
    is_open = ticket_type.pricing == PricingMethod.PAY_WHAT_YOU_WANT
    option, usual_minor = _option_and_price(catalogue, release, choice)
    return Asked(
        release=release,
        option=option,
        slot=_slot(catalogue, ticket_type, choice, at),
        quantity=choice.quantity,
        named_minor=choice.price_minor if is_open else None,
        usual_minor=usual_minor,
    )


def _refuse_several_slots(catalogue: Catalogue, asked_for: Sequence[Asked]) -> None:
    """The parts of a bundle that need no time cannot belong to two of them."""
    times = Counter(asked.release.pk for asked in asked_for if asked.slot)
    for asked in asked_for:
        shares = catalogue.shares_of(asked.release)
        if times[asked.release.pk] > 1 and not all(s.ticket_type.is_timed for s in shares):
            raise SeveralSlots(subject=asked.release.ticket_type.name)


def _kept_of(asked: Asked, kept: Mapping[Key, Kept]) -> int:
    has = kept.get(asked.key)
    return has.quantity if has else 0


def _wanted(
    event: Event,
    catalogue: Catalogue,
    asked: Asked,
    counts: Counts,
    at: datetime,
    unlocked: Unlocked,
    kept: Mapping[Key, Kept],
    *,
    from_line: bool,
) -> Wanted:
    release = asked.release
    has = kept.get(asked.key)
    stays = has is not None and asked.quantity <= has.quantity
    if not (from_line or stays) and not _may_be_asked_for(catalogue, release, counts, at, unlocked):
        raise NotOnSale(subject=release.ticket_type.name)
    return Wanted(
        release=release,
        quantity=asked.quantity,
        unit_price_minor=_price(event, asked, has),
        option=asked.option,
        slot=asked.slot,
        allocation=unlocked.allocation_for(release),
    )


def _may_be_asked_for(
    catalogue: Catalogue, release: Release, counts: Counts, at: datetime, unlocked: Unlocked
) -> bool:
    """Whether it is on sale but for stock, which is asked for by the statement that takes it."""
    if release.ticket_type.sold_out_at or release.sold_out_at:
        return False
    state = release_state(catalogue, release, counts, at=at, unlocked=unlocked)
    return state in ("on_sale", "sold_out")


def _option_and_price(
    catalogue: Catalogue, release: Release, choice: Choice
) -> tuple[PriceOption | None, int]:
    """The option that was chosen, and what one costs at this moment."""
    ticket_type = release.ticket_type
    if ticket_type.pricing != PricingMethod.OPTIONS:
        if choice.option:
            raise OptionUnknown(subject=ticket_type.name)
        return None, release.price_minor
    priced = catalogue.option_by_code(release, choice.option)
    if priced is None:
        raise OptionMissing(subject=ticket_type.name)
    return priced.option, priced.price_minor


def _price(event: Event, asked: Asked, has: Kept | None) -> int:
    """What one costs: the price that it is held at, for as many as are held; otherwise today's.

    One price holds for all of a thing, so more of what is held at a lower price is refused.
    """
    ticket_type, least, named = asked.release.ticket_type, asked.usual_minor, asked.named_minor
    if has is not None and named in (None, has.unit_price_minor):
        is_named = ticket_type.pricing == PricingMethod.PAY_WHAT_YOU_WANT
        if asked.quantity <= has.quantity or (is_named and has.unit_price_minor >= least):
            return has.unit_price_minor
        if has.unit_price_minor < least:
            now = Money(least, event.currency)
            raise PriceRose(subject=ticket_type.name, price=now, held=has.quantity)
    if named is None:
        return least
    if named < least:
        raise PriceTooLow(subject=ticket_type.name, minimum=Money(least, event.currency))
    if named > MOST_FOR_ONE:
        raise PriceTooHigh(subject=ticket_type.name, maximum=Money(MOST_FOR_ONE, event.currency))
    return named


def _slot(
    catalogue: Catalogue, ticket_type: TicketType, choice: Choice, at: datetime
) -> TimeSlot | None:
    if not catalogue.needs_slot(ticket_type):
        return None
    slot = catalogue.slot_by_code(choice.slot)
    if slot is None:
        raise SlotMissing(subject=ticket_type.name)
    if not slot_is_open(slot, at=at):
        raise SlotClosed
    return slot


def _refuse_quantities(wanted: Sequence[Wanted]) -> None:
    asked: Counter[int] = Counter()
    for line in wanted:
        asked[line.ticket_type.pk] += line.quantity
    for ticket_type in {line.ticket_type.pk: line.ticket_type for line in wanted}.values():
        limit, minimum = ticket_type.per_order_limit, ticket_type.per_order_minimum
        if limit is not None and asked[ticket_type.pk] > limit:
            raise TooManyTickets(limit=limit, subject=ticket_type.name)
        if minimum is not None and asked[ticket_type.pk] < minimum:
            raise TooFewTickets(minimum=minimum, subject=ticket_type.name)


def _refuse_crowd(catalogue: Catalogue, wanted: Sequence[Wanted]) -> None:
    """The checkout asks about everybody in one form, which must not grow beyond what can be sent."""
    people = sum(
        line.quantity * sum(share.quantity for share in catalogue.shares_of(line.release))
        for line in wanted
    )
    if people > settings.MOST_PEOPLE_IN_ORDER:
        raise TooManyPeople(limit=settings.MOST_PEOPLE_IN_ORDER)


def _refuse_code(
    claim: Claim, code: Discount, items: Sequence[Item], applied: Sequence[Applied], currency: str
) -> None:
    """Each reason in its own words. A code that also unlocks is welcome without a saving."""
    if any(done.key == code.key for done in applied):
        return
    text = claim.code.text
    match refusal_of(code, items):
        case Refusal.NOTHING_COVERED:
            raise CodeCoversNothing(text=text)
        case Refusal.SUBTOTAL_TOO_LOW:
            raise CodeNeedsMore(text=text, minimum=str(Money(code.min_subtotal_minor, currency)))
        case Refusal.TOO_FEW:
            raise CodeNeedsMoreTickets(text=text, minimum=code.min_quantity)
    if not claim.promotion.unlocks:
        raise CodeSavesNothing(text=text)


def _lines(catalogue: Catalogue, asked: Wanted, discount_minor: int) -> list[ReservationLine]:
    """One line, or one for each part of a bundle: price and discount are shared out exactly.

    The part that is worth most bears the fixed part of the service fee.
    """
    shares = catalogue.shares_of(asked.release)
    weights = [share.quantity * share.usual_price_minor for share in shares]
    prices = shares_of(asked.unit_price_minor, weights)
    amounts = [price * asked.quantity for price in prices]
    discounts = shares_of(discount_minor, amounts)
    bearer = prices.index(max(prices))
    is_bundle = shares[0].ticket_type != asked.ticket_type
    return [
        ReservationLine(
            ticket_type=share.ticket_type,
            release=asked.release,
            option=asked.option,
            slot=asked.slot if share.ticket_type.is_timed else None,
            bundle=asked.ticket_type if is_bundle else None,
            quantity=asked.quantity,
            admits=share.quantity,
            ticket_name=share.ticket_type.name,
            release_name=asked.release.name,
            option_name=asked.option.name if asked.option else "",
            bundle_name=asked.ticket_type.name if is_bundle else "",
            slot_starts_at=asked.slot.starts_at
            if asked.slot and share.ticket_type.is_timed
            else None,
            unit_price_minor=price,
            discount_minor=discount,
            tax_rate_bp=share.ticket_type.tax_rate_bp,
            bears_fixed_fee=number == bearer,
            pool_ids=list(
                catalogue.pool_ids_of(
                    share, asked.release, slot=asked.slot, allocation=asked.allocation
                )
            ),
        )
        for number, (share, price, discount) in enumerate(
            zip(shares, prices, discounts, strict=True)
        )
    ]
