"""What the page of the shop shows a buyer: rows, times, code, and what was typed before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from babel.numbers import get_currency_symbol
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.models import Event, FeePayer
from orders.basket import PRICE, QUANTITY, Basket
from orders.errors import AmountUnclear
from orders.savings import (
    automatic_promotions,
    promotion_words,
    reduced,
    row_discounts,
    takes_codes,
)
from ticketing.availability import NOTHING_UNLOCKED
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.codes import Claim, claim_of
from ticketing.errors import (
    CodeRefused,
    CodeUnknown,
    PriceTooHigh,
    PriceTooLow,
    SlotClosed,
    SlotMissing,
)
from ticketing.models import Reservation, TimeSlot
from ticketing.pricing import Discount, Terms
from ticketing.queries import Offer, SlotOffer, lines_of, offers, slots_on
from ticketing.selling import line_name, terms_of
from tiqqo.core.errors import DomainError
from tiqqo.core.locales import current_locale
from tiqqo.core.money import Money
from tiqqo.ui.forms import MoneyField

DAYS_AT_ONCE = 7


@dataclass(frozen=True, slots=True)
class HeldTickets:
    """A hold that its buyer wants to change, and what is in it."""

    reservation: Reservation
    basket: Basket

    def count(self, offer: Offer) -> int:
        return sum(
            quantity
            for (release, _option), quantity in self.basket.quantities.items()
            if release == offer.release.code
        )


@dataclass(frozen=True, slots=True)
class PickField:
    """A number to choose, of a type or of one of its prices. `price` is all that one costs, `was`
    what it costs without the discounts that apply to it."""

    input_name: str
    label: str
    full_name: str
    price: Money
    was: Money | None
    quantity: int
    most: int


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """Where buyers pay what they want: the amount before tax and fee that come on top."""

    input_name: str
    typed: str
    symbol: str
    is_wrong: bool
    least: Money
    terms: Terms

    @property
    def is_added_to(self) -> bool:
        """Whether more than the amount is charged."""
        return self.fee_fixed_minor + self.fee_rate_bp + self.tax_rate_bp > 0

    @property
    def tax_rate_bp(self) -> int:
        return 0 if self.terms.prices_include_tax else self.terms.tax_rate_bp

    @property
    def fee_fixed_minor(self) -> int:
        return self.terms.fee_fixed_minor if self.terms.fee_payer == FeePayer.BUYER else 0

    @property
    def fee_rate_bp(self) -> int:
        return self.terms.fee_rate_bp if self.terms.fee_payer == FeePayer.BUYER else 0


@dataclass(frozen=True, slots=True)
class ShopRow:
    """A ticket type. `is_open` says whether it can be chosen, from stock or because it is held."""

    offer: Offer
    picks: tuple[PickField, ...]
    own_price: OwnPrice | None
    is_open: bool
    has_fee: bool
    has_waitlist: bool
    facts: tuple[str, ...]
    error: str

    @property
    def lowest(self) -> Money:
        return min(pick.price for pick in self.picks)

    @property
    def highest(self) -> Money:
        return max(pick.price for pick in self.picks)


@dataclass(frozen=True, slots=True)
class SlotTime:
    """A time of the day that is looked at; `left` None is as many as one likes."""

    slot: TimeSlot
    state: str
    left: int | None
    few_left: bool
    is_open: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class SlotDay:
    """`at` is an instant of it to tell it by, `query` the query string of the page that shows it."""

    day: date
    at: datetime
    query: str
    is_shown: bool
    is_full: bool


@dataclass(frozen=True, slots=True)
class SlotPicker:
    """A week of days with times, and the times of one of them."""

    days: tuple[SlotDay, ...]
    earlier: SlotDay | None
    later: SlotDay | None
    times: tuple[SlotTime, ...]
    error: str

    @property
    def shown(self) -> SlotDay:
        return next(day for day in self.days if day.is_shown)


@dataclass(frozen=True, slots=True)
class CodeField:
    """`words` say what a good code promises; `without` is the query string of the page without it."""

    typed: str
    words: str
    is_applied: bool
    error: str
    is_unknown: bool
    without: str


@dataclass(frozen=True, slots=True)
class ShopPage:
    basket: Basket
    rows: tuple[ShopRow, ...]
    slots: SlotPicker | None
    code: CodeField | None
    savings: tuple[str, ...]
    """Automatic discounts in words."""
    has_later_savings: bool
    """The next page takes off more than the prices here show."""
    held: Reservation | None
    error: str

    @property
    def can_buy(self) -> bool:
        return any(row.is_open for row in self.rows)


def held_tickets(event: Event, reservation: Reservation) -> HeldTickets:
    basket = Basket.of_hold(reservation, lines_of(reservation), catalogue_of(event))
    return HeldTickets(reservation, basket)


def shop_page(
    event: Event,
    basket: Basket,
    *,
    at: datetime,
    held: HeldTickets | None = None,
    refusal: DomainError | None = None,
) -> ShopPage:
    """One query for the stock, one for the times where tickets are for a time, one for a code."""
    catalogue = catalogue_of(event)
    claim, code_refusal = _claimed(event, catalogue, basket, at)
    if isinstance(refusal, CodeRefused):
        code_refusal = refusal
    slots = _slot_picker(event, catalogue, basket, held, refusal, at)
    found = offers(
        event,
        at=at,
        unlocked=claim.unlocked if claim else NOTHING_UNLOCKED,
        slot=_slot_with_places(slots),
        also=_held_releases(held),
    )
    shown = {offer.ticket_type.pk for offer in found}
    automatic = automatic_promotions(catalogue, at=at, shown=shown)
    discounts, has_others = row_discounts(automatic, claim)
    making = _Rows(event, catalogue, basket, held, discounts, refusal)
    rows = tuple(making.row(offer) for offer in found)
    return ShopPage(
        basket=basket,
        rows=rows,
        slots=slots if any(row.is_open and row.offer.needs_slot for row in rows) else None,
        code=_code_field(event, catalogue, basket, claim, code_refusal, shown, at),
        savings=tuple(
            f"{promotion.name}: {promotion_words(promotion, catalogue, event.currency, shown=shown)}"
            for promotion in automatic
        ),
        has_later_savings=has_others or making.left_out,
        held=held.reservation if held else None,
        error=str(refusal) if refusal and refusal is not code_refusal else "",
    )


def _held_releases(held: HeldTickets | None) -> set[str]:
    """Codes of the releases that are shown whether they are on sale or not."""
    return {release for release, _option in held.basket.quantities} if held else set()


# Code ------------------------------------------------------------------------------------


def _claimed(
    event: Event, catalogue: Catalogue, basket: Basket, at: datetime
) -> tuple[Claim | None, CodeRefused | None]:
    try:
        return claim_of(event, catalogue, basket.code, at=at), None
    except CodeRefused as refused:
        return None, refused


def _code_field(
    event: Event,
    catalogue: Catalogue,
    basket: Basket,
    claim: Claim | None,
    refusal: CodeRefused | None,
    shown: set[int],
    at: datetime,
) -> CodeField | None:
    """Nothing where no code could do anything, unless somebody came with one."""
    if not (basket.code or (takes_codes(catalogue) and event.sells(at=at))):
        return None
    words = (
        promotion_words(claim.promotion, catalogue, event.currency, shown=shown) if claim else ""
    )
    return CodeField(
        typed=claim.code.text if claim else basket.code,
        words=words,
        is_applied=claim is not None and refusal is None,
        error=str(refusal or ""),
        is_unknown=isinstance(refusal, CodeUnknown),
        # Said even when it is empty: a hold that is being changed has a code of its own.
        without="&".join(part for part in (basket.query(code=""), "code=") if part),
    )


# Times -----------------------------------------------------------------------------------


def _slot_picker(
    event: Event,
    catalogue: Catalogue,
    basket: Basket,
    held: HeldTickets | None,
    refusal: DomainError | None,
    at: datetime,
) -> SlotPicker | None:
    if not any(catalogue.needs_slot(release.ticket_type) for release in catalogue.releases):
        return None
    by_day: dict[date, list[SlotOffer]] = {}
    for offer in slots_on(event, None, at=at):
        by_day.setdefault(event.local(offer.slot.starts_at).date(), []).append(offer)
    by_day = {
        day: times for day, times in by_day.items() if any(t.state != "closed" for t in times)
    }
    if not by_day:
        return None
    shown = _day_to_show(event, catalogue, basket, by_day)

    def day_of(day: date) -> SlotDay:
        times = by_day[day]
        return SlotDay(
            day=day,
            at=times[0].slot.starts_at,
            query=basket.query(day=day.isoformat()),
            is_shown=day == shown,
            is_full=all(t.state != "on_sale" for t in times),
        )

    days = list(by_day)
    first = days.index(shown) // DAYS_AT_ONCE * DAYS_AT_ONCE
    after = first + DAYS_AT_ONCE
    held_slot = held.basket.slot if held else ""
    return SlotPicker(
        days=tuple(day_of(day) for day in days[first:after]),
        earlier=day_of(days[first - 1]) if first else None,
        later=day_of(days[after]) if after < len(days) else None,
        times=tuple(_slot_time(offer, basket, held_slot) for offer in by_day[shown]),
        error=str(refusal) if isinstance(refusal, SlotMissing | SlotClosed) else "",
    )


def _day_to_show(
    event: Event,
    catalogue: Catalogue,
    basket: Basket,
    by_day: Mapping[date, Sequence[SlotOffer]],
) -> date:
    """The one that was asked for, that of the chosen time, or the first with a place."""
    chosen = catalogue.slot_by_code(basket.slot)
    asked = {day.isoformat(): day for day in by_day}.get(basket.day)
    if asked is None and chosen is not None:
        asked = event.local(chosen.starts_at).date()
    if asked in by_day:
        return asked  # type: ignore[return-value]
    with_places = (day for day, times in by_day.items() if any(t.state == "on_sale" for t in times))
    return next(with_places, next(iter(by_day)))


def _slot_time(offer: SlotOffer, basket: Basket, held_slot: str) -> SlotTime:
    is_held = offer.state == "sold_out" and offer.slot.code == held_slot
    is_open = offer.state == "on_sale" or is_held
    return SlotTime(
        slot=offer.slot,
        state=offer.state,
        left=offer.left,
        few_left=offer.few_left,
        is_open=is_open,
        is_chosen=is_open and offer.slot.code == basket.slot,
    )


def _slot_with_places(picker: SlotPicker | None) -> TimeSlot | None:
    """The chosen time, for which the rows say what is left."""
    times = picker.times if picker else ()
    return next((t.slot for t in times if t.is_chosen and t.state == "on_sale"), None)


# Rows ------------------------------------------------------------------------------------


class _Rows:
    """Makes the rows of one page. `left_out`: a discount applies to a row that cannot show it."""

    def __init__(
        self,
        event: Event,
        catalogue: Catalogue,
        basket: Basket,
        held: HeldTickets | None,
        discounts: Sequence[Discount],
        refusal: DomainError | None,
    ) -> None:
        self.event, self.catalogue, self.basket = event, catalogue, basket
        self.held, self.discounts, self.refusal = held, discounts, refusal
        self.terms = terms_of(event)
        self.left_out = False

    def row(self, offer: Offer) -> ShopRow:
        line = self.catalogue.waitlist
        is_open = offer.is_on_sale or self._held(offer) > 0
        picks = self._picks(offer)
        return ShopRow(
            offer=offer,
            picks=picks,
            own_price=self._own_price(offer) if offer.pays_what_they_want else None,
            is_open=is_open,
            has_fee=_adds_fee(self.terms) and any(pick.price.minor for pick in picks),
            has_waitlist=not is_open
            and offer.state == "sold_out"
            and line is not None
            and line.closed_at is None,
            facts=tuple(_facts(offer)),
            error=self._error(offer),
        )

    def _picks(self, offer: Offer) -> tuple[PickField, ...]:
        prices = [("", "", offer.price, offer.base_price)]
        if offer.options:
            prices = [(o.code, o.name, o.price, o.base_price) for o in offer.options]
        return tuple(
            self._pick(offer, code, name, price, base.minor) for code, name, price, base in prices
        )

    def _pick(
        self, offer: Offer, option: str, option_name: str, price: Money, base_minor: int
    ) -> PickField:
        release = offer.release
        less = self._reduced(offer, base_minor)
        return PickField(
            input_name=f"{QUANTITY}{release.code}{f'_{option}' if option else ''}",
            label=option_name,
            full_name=line_name(offer.ticket_type.name, offer.ticket_type.name, option_name),
            price=price if less is None else less,
            was=None if less in (None, price) else price,
            quantity=self.basket.quantities.get((release.code, option), 0),
            most=self._most(offer, option),
        )

    def _reduced(self, offer: Offer, base_minor: int) -> Money | None:
        if not any(
            not (d.ticket_type_ids or d.release_ids)
            or offer.ticket_type.pk in d.ticket_type_ids
            or offer.release.pk in d.release_ids
            for d in self.discounts
        ):
            return None
        is_known = not (offer.parts or offer.pays_what_they_want)
        less = reduced(base_minor, offer.release, self.discounts, self.terms) if is_known else None
        self.left_out |= less is None and (base_minor > 0 or offer.pays_what_they_want)
        return less

    def _own_price(self, offer: Offer) -> OwnPrice:
        field = MoneyField(currency=self.event.currency)
        suggested = str(field.prepare_value(offer.suggested.minor))
        rate = offer.ticket_type.tax_rate_bp
        terms = self.terms
        return OwnPrice(
            input_name=f"{PRICE}{offer.release.code}",
            typed=self.basket.prices.get(offer.release.code) or suggested,
            is_wrong=isinstance(self.refusal, AmountUnclear | PriceTooLow | PriceTooHigh)
            and bool(self._error(offer)),
            symbol=get_currency_symbol(self.event.currency, locale=current_locale()),
            least=offer.base_price,
            terms=terms if rate is None else replace(terms, tax_rate_bp=rate),
        )

    def _held(self, offer: Offer) -> int:
        return self.held.count(offer) if self.held else 0

    def _most(self, offer: Offer, option: str) -> int:
        """With what is held already: those places are the buyer's, on sale or not."""
        held = self._held(offer)
        if self.held and not offer.is_on_sale:
            return self.held.basket.quantities.get((offer.release.code, option), 0)
        if not held:
            return offer.limit
        limits = (self.event.per_order_limit, offer.ticket_type.per_order_limit)
        left = None if offer.left is None else offer.left + held
        return max(min(limit for limit in (*limits, left) if limit is not None), 0)

    def _error(self, offer: Offer) -> str:
        refusal = self.refusal
        if refusal is None or isinstance(refusal, SlotMissing | CodeRefused):
            return ""
        is_here = (
            refusal.release == offer.release.code  # type: ignore[attr-defined]
            if isinstance(refusal, AmountUnclear)
            else getattr(refusal, "subject", None) == offer.ticket_type.name
        )
        return str(refusal) if is_here else ""


def _adds_fee(terms: Terms) -> bool:
    return terms.fee_payer == FeePayer.BUYER and terms.fee_fixed_minor + terms.fee_rate_bp > 0


def _facts(offer: Offer) -> list[str]:
    """What a buyer must know of one: who it lets in, what is in it, how many at least."""
    found, ticket_type = [], offer.ticket_type
    if offer.parts:
        found.append(", ".join(f"{count} × {name}" for count, name in offer.parts))
    elif ticket_type.admits > 1:
        found.append(
            ngettext("Lets in %(count)s person", "Lets in %(count)s people", ticket_type.admits)
            % {"count": ticket_type.admits}
        )
    if ticket_type.per_order_minimum and ticket_type.per_order_minimum > 1:
        found.append(_("At least %(count)s per order") % {"count": ticket_type.per_order_minimum})
    if ticket_type.per_email_limit:
        found.append(
            _("At most %(count)s per e-mail address") % {"count": ticket_type.per_email_limit}
        )
    return found
