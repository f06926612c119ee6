"""The price engine: pure, exact, explained line by line.

Order of computation: items, minus discount, plus tax (or the tax within), plus service fee.
All amounts are in minor units and all rates in basis points.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from events.models import FeePayer
from tiqqo.core.money import Money, share, tax_within

NO_CURRENCY = "XXX"  # ISO 4217: allocating asks for a currency and does not depend on it
WHOLE_BP = 10_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What turns prices into amounts; frozen in each reservation. Rates in basis points."""

    currency: str
    tax_name: str
    tax_rate_bp: int
    prices_include_tax: bool
    fee_payer: str
    fee_fixed_minor: int
    fee_rate_bp: int


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked for: units of one type through one release, at one price.

    `tax_rate_bp` None is the rate of the terms. Of the parts of a bundle only the first bears the
    fixed part of the fee. `discount_minor` is what was taken off the whole line already.
    """

    name: str
    quantity: int
    unit_price_minor: int
    ticket_type_id: int = 0
    release_id: int = 0
    tax_rate_bp: int | None = None
    bears_fixed_fee: bool = True
    discount_minor: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.discount_minor <= self.amount_minor:
            raise ValueError(
                f"{self.name}: the discount of a line is from 0 to its amount"
                f" ({self.amount_minor}), not {self.discount_minor}."
            )

    @property
    def amount_minor(self) -> int:
        """Before any discount."""
        return self.quantity * self.unit_price_minor

    @property
    def due_minor(self) -> int:
        """After what was taken off."""
        return self.amount_minor - self.discount_minor

    @property
    def unit_prices(self) -> tuple[int, ...]:
        """What each unit costs after the discount of the line, spread evenly; dearest first."""
        if not self.quantity:
            return ()
        each, dearer = divmod(self.due_minor, self.quantity)
        return (each + 1,) * dearer + (each,) * (self.quantity - dearer)


class DiscountKind(StrEnum):
    PERCENT = "percent"
    AMOUNT = "amount"
    FIXED_PRICE = "fixed_price"
    BUY_X_GET_Y = "buy_x_get_y"


@dataclass(frozen=True, slots=True)
class Discount:
    """A rule that takes something off the items it covers; `name` is what the buyer reads.

    `amount_minor` is taken off once per order (AMOUNT) or is what a unit costs (FIXED_PRICE).
    Without types and releases every item is covered. The minimums look at the covered items as
    they are before any discount.
    """

    key: int
    name: str
    kind: DiscountKind
    rate_bp: int = 0
    amount_minor: int = 0
    buy: int = 0
    get: int = 0
    ticket_type_ids: frozenset[int] = frozenset()
    release_ids: frozenset[int] = frozenset()
    min_subtotal_minor: int = 0
    min_quantity: int = 0

    def __post_init__(self) -> None:
        if self.kind not in list(DiscountKind):
            raise ValueError(f"{self.name}: “{self.kind}” is not a kind of discount.")
        if self.kind == DiscountKind.PERCENT and not 1 <= self.rate_bp <= WHOLE_BP:
            raise ValueError(
                f"{self.name}: a percentage is from 1 to {WHOLE_BP} basis points, not {self.rate_bp}."
            )
        if self.kind == DiscountKind.BUY_X_GET_Y and min(self.buy, self.get) < 1:
            raise ValueError(
                f"{self.name}: buy and get are at least 1, not {self.buy} and {self.get}."
            )
        if min(self.amount_minor, self.min_subtotal_minor, self.min_quantity) < 0:
            raise ValueError(f"{self.name}: amounts and minimums are not below 0.")

    def covers(self, item: Item) -> bool:
        return (
            not (self.ticket_type_ids or self.release_ids)
            or item.ticket_type_id in self.ticket_type_ids
            or item.release_id in self.release_ids
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """What a discount took off, more than nothing."""

    key: int
    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Discounted:
    items: tuple[Item, ...]
    applied: tuple[Applied, ...]


class Refusal(StrEnum):
    """Why a discount takes nothing off."""

    NOTHING_COVERED = "nothing_covered"
    SUBTOTAL_TOO_LOW = "subtotal_too_low"
    TOO_FEW = "too_few"
    NO_SAVING = "no_saving"


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line, in minor units. `gross` is net plus tax; `fee` is the service fee on top or within.

    Net, tax and fee are those of the discounted amount.
    """

    name: str
    quantity: int
    unit_price_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    fee_minor: int
    discount_minor: int = 0
    tax_rate_bp: int = 0

    @property
    def amount_minor(self) -> int:
        """Before the discount."""
        return self.quantity * self.unit_price_minor


class TaxAtRate(NamedTuple):
    rate_bp: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What the buyer pays and why.

    `fee_minor` is the whole service fee; only when the buyer pays it does it add to the total.
    """

    terms: Terms
    lines: tuple[PricedLine, ...]
    applied: tuple[Applied, ...] = ()

    @property
    def discount_minor(self) -> int:
        return sum(line.discount_minor for line in self.lines)

    @property
    def net_minor(self) -> int:
        return sum(line.net_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        return sum(line.tax_minor for line in self.lines)

    @property
    def tax_by_rate(self) -> tuple[TaxAtRate, ...]:
        """What is taxed at each rate and the tax on it, by rising rate."""
        return tuple(
            TaxAtRate(
                rate,
                sum(line.net_minor for line in self.lines if line.tax_rate_bp == rate),
                sum(line.tax_minor for line in self.lines if line.tax_rate_bp == rate),
            )
            for rate in sorted({line.tax_rate_bp for line in self.lines})
        )

    @property
    def gross_minor(self) -> int:
        return self.net_minor + self.tax_minor

    @property
    def fee_minor(self) -> int:
        return sum(line.fee_minor for line in self.lines)

    @property
    def buyer_fee_minor(self) -> int:
        return self.fee_minor if self.terms.fee_payer == FeePayer.BUYER else 0

    @property
    def total_minor(self) -> int:
        return self.gross_minor + self.buyer_fee_minor

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.terms.currency)

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)


def quote(items: Sequence[Item], terms: Terms, applied: Sequence[Applied] = ()) -> Quote:
    """The exact amounts of a selection. A free ticket bears no fee.

    The tax is that on the sum of each rate (EN 16931, BR-CO-17), shared out among its lines, so that
    the lines add up to what "19 % on 30.90" says.
    """
    taxes = _taxes(items, terms)
    lines = tuple(_priced(item, tax, terms) for item, tax in zip(items, taxes, strict=True))
    return Quote(terms, lines, tuple(applied))


def _taxes(items: Sequence[Item], terms: Terms) -> list[int]:
    """The tax of each item: its part of the tax on all that has its rate."""
    taxes = [0] * len(items)
    by_rate: dict[int, list[int]] = {}
    for position, item in enumerate(items):
        if item.due_minor:
            by_rate.setdefault(_rate(item, terms), []).append(position)
    for rate, positions in by_rate.items():
        # Who gets the odd cent must not depend on the order in which things were chosen.
        positions.sort(key=lambda position: _rank(items[position]))
        due = [items[position].due_minor for position in positions]
        whole = tax_within(sum(due), rate) if terms.prices_include_tax else share(sum(due), rate)
        for position, part in zip(positions, Money(whole, NO_CURRENCY).allocate(due), strict=True):
            taxes[position] = part.minor
    return taxes


def _rate(item: Item, terms: Terms) -> int:
    return terms.tax_rate_bp if item.tax_rate_bp is None else item.tax_rate_bp


def discounted(
    items: Sequence[Item], *, automatic: Sequence[Discount] = (), code: Discount | None = None
) -> Discounted:
    """The items after the automatic discount that saves most, then the code on what remains.

    Of automatic discounts that save the same, the first applies. What an item has been discounted
    already is not given again.
    """
    best = max(automatic, key=lambda discount: sum(_savings(discount, items)), default=None)
    applied = []
    for discount in (best, code):
        savings = _savings(discount, items) if discount else []
        if discount and any(savings):
            items = [
                replace(item, discount_minor=item.discount_minor + saving)
                for item, saving in zip(items, savings, strict=True)
            ]
            applied.append(Applied(discount.key, discount.name, sum(savings)))
    return Discounted(tuple(items), tuple(applied))


def refusal_of(discount: Discount, items: Sequence[Item]) -> Refusal | None:
    """Why the discount takes nothing off these items; None when it does."""
    covered = [item for item in items if discount.covers(item)]
    if not covered:
        return Refusal.NOTHING_COVERED
    if sum(item.amount_minor for item in covered) < discount.min_subtotal_minor:
        return Refusal.SUBTOTAL_TOO_LOW
    if sum(item.quantity for item in covered) < discount.min_quantity:
        return Refusal.TOO_FEW
    return None if any(_taken_off(discount, covered)) else Refusal.NO_SAVING


def shares_of(price_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """The parts of a bundle's price, which add up to it; equal parts when no part weighs anything.

    Raises ValueError when there are no parts or one weighs less than nothing.
    """
    parts = Money(price_minor, NO_CURRENCY).allocate(
        weights if any(weights) else [1] * len(weights)
    )
    return tuple(part.minor for part in parts)


def _savings(discount: Discount, items: Sequence[Item]) -> list[int]:
    """What the discount takes off each item."""
    savings = [0] * len(items)
    if refusal_of(discount, items):
        return savings
    # Who gets the odd cent must not depend on the order in which things were chosen.
    positions = sorted(
        (position for position, item in enumerate(items) if discount.covers(item)),
        key=lambda position: _rank(items[position]),
    )
    taken = _taken_off(discount, [items[position] for position in positions])
    for position, saving in zip(positions, taken, strict=True):
        savings[position] = saving
    return savings


def _rank(item: Item) -> tuple[int | str, ...]:
    """Dearest first, then by everything else that tells two items apart."""
    return (
        -item.unit_price_minor,
        item.ticket_type_id,
        item.release_id,
        item.name,
        item.quantity,
        item.discount_minor,
        -1 if item.tax_rate_bp is None else item.tax_rate_bp,
        item.bears_fixed_fee,
    )


def _taken_off(discount: Discount, covered: Sequence[Item]) -> Sequence[int]:
    due = [item.due_minor for item in covered]
    match discount.kind:
        case DiscountKind.PERCENT:
            return shares_of(share(sum(due), discount.rate_bp), due)
        case DiscountKind.AMOUNT:
            return shares_of(min(discount.amount_minor, sum(due)), due)
        case DiscountKind.FIXED_PRICE:
            return [_above(discount.amount_minor, item) for item in covered]
        case DiscountKind.BUY_X_GET_Y:
            return _free_units(discount, covered)


def _above(price_minor: int, item: Item) -> int:
    """What the units of an item cost more than a price."""
    return sum(max(0, unit - price_minor) for unit in item.unit_prices)


def _free_units(discount: Discount, covered: Sequence[Item]) -> list[int]:
    """The cheapest `get` of each full block of `buy + get` units, dearest block first."""
    units = [(price, line) for line, item in enumerate(covered) for price in item.unit_prices]
    units.sort(key=lambda unit: -unit[0])
    block = discount.buy + discount.get
    savings = [0] * len(covered)
    for start in range(0, len(units) - block + 1, block):
        for price, line in units[start + discount.buy : start + block]:
            savings[line] += price
    return savings


def _priced(item: Item, tax: int, terms: Terms) -> PricedLine:
    net = item.due_minor - tax if terms.prices_include_tax else item.due_minor
    return PricedLine(
        name=item.name,
        quantity=item.quantity,
        unit_price_minor=item.unit_price_minor,
        net_minor=net,
        tax_minor=tax,
        gross_minor=net + tax,
        fee_minor=_fee(item, terms),
        discount_minor=item.discount_minor,
        tax_rate_bp=_rate(item, terms),
    )


def _fee(item: Item, terms: Terms) -> int:
    """The service fee of all units; one that costs nothing bears none."""
    fixed = terms.fee_fixed_minor if item.bears_fixed_fee else 0
    return sum(
        count * (fixed + share(price, terms.fee_rate_bp))
        for price, count in Counter(item.unit_prices).items()
        if price
    )
