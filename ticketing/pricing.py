"""The price engine: pure, exact, explained line by line.

Order of computation: items, plus tax (or the tax within), plus service fee.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from events.models import FeePayer
from tiqqo.core.money import Money, share, tax_within


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
    name: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line, in minor units. `gross` is net plus tax; `fee` is the service fee on top or within."""

    name: str
    quantity: int
    unit_price_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What the buyer pays and why.

    `fee_minor` is the whole service fee; only when the buyer pays it does it add to the total.
    """

    terms: Terms
    lines: tuple[PricedLine, ...]

    @property
    def net_minor(self) -> int:
        return sum(line.net_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        return sum(line.tax_minor for line in self.lines)

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


def quote(items: Sequence[Item], terms: Terms) -> Quote:
    """The exact amounts of a selection. A free ticket bears no fee."""
    return Quote(terms, tuple(_priced(item, terms) for item in items))


def _priced(item: Item, terms: Terms) -> PricedLine:
    amount = item.unit_price_minor * item.quantity
    if terms.prices_include_tax:
        tax = tax_within(amount, terms.tax_rate_bp)
        net = amount - tax
    else:
        net, tax = amount, share(amount, terms.tax_rate_bp)
    fee = 0
    if item.unit_price_minor:
        unit_fee = terms.fee_fixed_minor + share(item.unit_price_minor, terms.fee_rate_bp)
        fee = unit_fee * item.quantity
    return PricedLine(item.name, item.quantity, item.unit_price_minor, net, tax, net + tax, fee)
