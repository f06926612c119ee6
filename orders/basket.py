"""What a buyer chose in the shop: as its form sends it, and as the page shows it again."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from django.core.exceptions import ValidationError

from orders.errors import AmountUnclear
from ticketing.catalogue import Catalogue
from ticketing.models import PricingMethod, Reservation, ReservationLine
from ticketing.selling import Choice, kept_prices
from tiqqo.ui.forms import MoneyField

QUANTITY, PRICE = "quantity_", "price_"
_CODE = "[0-9A-Za-z]{1,8}"
_QUANTITY = re.compile(rf"{QUANTITY}({_CODE})(?:_({_CODE}))?")
_PRICE = re.compile(rf"{PRICE}({_CODE})")
_COUNT = re.compile(r"[0-9]{1,4}")
_PLAIN = {
    "slot": re.compile(_CODE),
    "hold": re.compile(r"[0-9A-Za-z_-]{1,64}"),
    "day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
}
# Longer than any code or amount: enough to show what was typed.
_SHOWN = 40
# More than a shop has. All of it is in each link of the page that shows it again.
MOST_PICKS = 700

Pick = tuple[str, str]
"""Codes of a release and of an option, which is empty where the type has one price."""


@dataclass(frozen=True, slots=True)
class Basket:
    """Numbers, and as it was typed: own prices by release, the code. `hold` is the secret of a hold
    that is being changed, `day` the day whose times are looked at."""

    quantities: Mapping[Pick, int]
    prices: Mapping[str, str]
    slot: str = ""
    code: str = ""
    hold: str = ""
    day: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """From a query string or a form. What makes no sense counts as nothing chosen."""
        quantities, prices = {}, {}
        for name, value in sent.items():
            if (found := _QUANTITY.fullmatch(name)) and _COUNT.fullmatch(value):
                quantities[found[1], found[2] or ""] = int(value)
            elif found := _PRICE.fullmatch(name):
                prices[found[1]] = _printable(value)
            if len(quantities) + len(prices) == MOST_PICKS:
                break
        plain = {
            name: value
            for name, form in _PLAIN.items()
            if form.fullmatch(value := sent.get(name, ""))
        }
        return cls(quantities, prices, code=_printable(sent.get("code", "")), **plain)

    @classmethod
    def of_hold(
        cls, reservation: Reservation, lines: Iterable[ReservationLine], catalogue: Catalogue
    ) -> Self:
        """What a hold has, in the fields of the shop."""
        releases = {release.pk: release for release in catalogue.releases}
        slots = {slot.pk: slot.code for slot in catalogue.slots}
        field = MoneyField(currency=reservation.currency)
        quantities, prices, slot = {}, {}, ""
        for (release_id, option_id, slot_id), kept in kept_prices(list(lines)).items():
            release = releases[release_id]
            option = next(
                (
                    o.option.code
                    for o in catalogue.options.get(release_id, ())
                    if o.option.pk == option_id
                ),
                "",
            )
            quantities[release.code, option] = kept.quantity
            if release.ticket_type.pricing == PricingMethod.PAY_WHAT_YOU_WANT:
                prices[release.code] = str(field.prepare_value(kept.unit_price_minor))
            slot = slots.get(slot_id or 0, slot)
        code = reservation.code.text if reservation.code else ""
        return cls(quantities, prices, slot=slot, code=code)

    def choices(self, currency: str) -> list[Choice]:
        """For the sale. Raises AmountUnclear for an own price that is no amount."""
        return [
            Choice(release, quantity, option, self.slot, self._price(release, currency))
            for (release, option), quantity in self.quantities.items()
            if quantity
        ]

    def _price(self, release: str, currency: str) -> int | None:
        """None leaves it to the release."""
        try:
            price: int | None = MoneyField(currency=currency, required=False).clean(
                self.prices.get(release, "")
            )
        except ValidationError as error:
            raise AmountUnclear(error.messages[0], release=release) from error
        return price

    @property
    def is_empty(self) -> bool:
        return not any(self.quantities.values())

    @property
    def fields(self) -> dict[str, str]:
        """The fields of a form that sends the same again."""
        sent = {
            f"{QUANTITY}{release}{f'_{option}' if option else ''}": str(quantity)
            for (release, option), quantity in self.quantities.items()
            if quantity
        }
        sent |= {f"{PRICE}{release}": typed for release, typed in self.prices.items() if typed}
        rest = {"slot": self.slot, "code": self.code, "hold": self.hold, "day": self.day}
        return sent | {name: value for name, value in rest.items() if value}

    def query(self, *, day: str | None = None, code: str | None = None) -> str:
        """The query string of the shop with the same in it, but for another day or code."""
        day, code = self.day if day is None else day, self.code if code is None else code
        return urlencode(replace(self, day=day, code=code).fields)


NOTHING_CHOSEN = Basket({}, {})


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()[:_SHOWN].strip()
