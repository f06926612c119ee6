"""What a hold or an order costs, explained line by line to who pays it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from django.utils.translation import gettext as _

from orders.models import Order, OrderLine
from ticketing.models import ReservationLine
from ticketing.pricing import Applied, Quote
from tiqqo.core.locales import percent
from tiqqo.core.money import Money
from tiqqo.ui.dates import words_for

_OF_BUNDLE = ": "


@dataclass(frozen=True, slots=True)
class PriceLine:
    """`note` says what is in it and for when."""

    label: str
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Sold:
    """A line of a hold or an order; the parts of a bundle share their release."""

    name: str
    quantity: int
    amount_minor: int
    release_id: int
    ticket_type_id: int
    slot_at: datetime | None


TaxByRate = Mapping[int, int]
"""Minor units of tax by rate in basis points."""


def hold_price_lines(lines: Sequence[ReservationLine], price: Quote, zone: str) -> list[PriceLine]:
    """Items, discounts by name, tax where it comes on top, fee: they add up to the total."""
    terms = price.terms
    return hold_items(lines, price, zone) + _extras(
        price.applied,
        tax={} if terms.prices_include_tax else _by_rate(price),
        tax_name=terms.tax_name,
        fee_minor=price.buyer_fee_minor,
        currency=terms.currency,
    )


def hold_items(lines: Sequence[ReservationLine], price: Quote, zone: str) -> list[PriceLine]:
    """What is held, before anything is taken off or comes on top."""
    sold = [
        _Sold(
            name=priced.name,
            quantity=line.quantity,
            amount_minor=priced.amount_minor,
            release_id=line.release_id,
            ticket_type_id=line.ticket_type_id,
            slot_at=line.slot_starts_at,
        )
        for line, priced in zip(lines, price.lines, strict=True)
    ]
    return _items(sold, price.terms.currency, zone)


def order_price_lines(order: Order, lines: Sequence[OrderLine]) -> list[PriceLine]:
    """As of a hold; `lines` know their slots."""
    sold = [
        _Sold(
            name=line.name,
            quantity=line.quantity,
            amount_minor=line.unit_price_minor * line.quantity,
            release_id=line.release_id,
            ticket_type_id=line.ticket_type_id,
            slot_at=line.slot.starts_at if line.slot else None,
        )
        for line in lines
    ]
    return _items(sold, order.currency, order.event.time_zone) + _extras(
        [Applied(done["promotion"], done["name"], done["minor"]) for done in order.discounts],
        tax=order_tax_by_rate(order, lines) if adds_tax(order, lines) else {},
        tax_name=order.tax_name,
        fee_minor=order.fee_minor,
        currency=order.currency,
    )


def adds_tax(order: Order, lines: Iterable[OrderLine]) -> bool:
    """Whether the tax came on top of the prices."""
    due = sum(line.unit_price_minor * line.quantity - line.discount_minor for line in lines)
    return bool(order.tax_minor) and due == order.net_minor


def order_tax_by_rate(order: Order, lines: Iterable[OrderLine]) -> TaxByRate:
    found: dict[int, int] = {}
    for line in lines:
        rate = order.tax_rate_bp if line.tax_rate_bp is None else line.tax_rate_bp
        found[rate] = found.get(rate, 0) + line.tax_minor
    return found


def hold_tax_words(price: Quote) -> str:
    """The tax that the total contains, where prices include it."""
    if not (price.tax_minor and price.terms.prices_include_tax):
        return ""
    words = tax_words(_by_rate(price), price.terms.tax_name, price.terms.currency)
    return _("incl. %(taxes)s") % {"taxes": words}


def tax_words(by_rate: TaxByRate, name: str, currency: str) -> str:
    """€4.13 VAT; with several rates each of them."""
    taxes = {rate: Money(minor, currency) for rate, minor in sorted(by_rate.items()) if minor}
    if len(taxes) == 1:
        return f"{next(iter(taxes.values()))} {name}"
    return ", ".join(f"{amount} {name} {percent(rate)}" for rate, amount in taxes.items())


def slot_words(at: datetime | None, zone: str) -> str:
    return words_for(at, zone, "datetime") if at else ""


def _by_rate(price: Quote) -> TaxByRate:
    return {at.rate_bp: at.tax_minor for at in price.tax_by_rate}


def _items(sold: Sequence[_Sold], currency: str, zone: str) -> list[PriceLine]:
    return [_item(group, currency, zone) for group in _grouped(sold)]


def _extras(
    applied: Sequence[Applied], *, tax: TaxByRate, tax_name: str, fee_minor: int, currency: str
) -> list[PriceLine]:
    rows = [PriceLine(done.name, Money(-done.amount_minor, currency)) for done in applied]
    rows += [
        PriceLine(f"{tax_name} {percent(rate)}", Money(minor, currency))
        for rate, minor in sorted(tax.items())
        if minor
    ]
    if fee_minor:
        rows.append(PriceLine(_("Service fee"), Money(fee_minor, currency)))
    return rows


def _grouped(sold: Sequence[_Sold]) -> list[list[_Sold]]:
    """The parts of a bundle together: of one release, and each of another type."""
    groups: list[list[_Sold]] = []
    for line in sold:
        last = groups[-1] if groups else []
        if (
            last
            and last[0].release_id == line.release_id
            and line.ticket_type_id not in {part.ticket_type_id for part in last}
        ):
            last.append(line)
        else:
            groups.append([line])
    return groups


def _item(group: Sequence[_Sold], currency: str, zone: str) -> PriceLine:
    slot = next((line.slot_at for line in group if line.slot_at), None)
    notes = [slot_words(slot, zone)]
    name = group[0].name
    if len(group) > 1:
        name, parts = _bundle(group)
        notes.insert(0, parts)
    return PriceLine(
        label=f"{group[0].quantity} × {name}",
        amount=Money(sum(line.amount_minor for line in group), currency),
        note=" · ".join(note for note in notes if note),
    )


def _bundle(parts: Sequence[_Sold]) -> tuple[str, str]:
    """Its name and what is in it: each line is called as `Bundle: 2 × Part`."""
    words = [part.name.split(_OF_BUNDLE) for part in parts]
    same = [w[0] for w in takewhile(lambda w: len(set(w)) == 1, zip(*words, strict=False))]
    common = _OF_BUNDLE.join(same)
    rest = [_OF_BUNDLE.join(w[len(same) :]) for w in words]
    return common, ", ".join(rest)
