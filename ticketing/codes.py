"""Codes as people write them, and what a promotion means to the price engine."""

import re
from dataclasses import dataclass
from datetime import datetime

from events.models import Event
from ticketing.availability import Unlocked
from ticketing.catalogue import Catalogue
from ticketing.errors import (
    CodePaused,
    CodePlacesReturned,
    CodeTooEarly,
    CodeTooLate,
    CodeUnknown,
    CodeUsedUp,
)
from ticketing.models import Allocation, Code, Promotion, PromotionKind
from ticketing.pricing import Discount, DiscountKind
from tiqqo.core.codes import CROCKFORD
from tiqqo.ui.dates import words_for

LONGEST = 20
_WRITTEN = re.compile(rf"[A-Z0-9_-]{{1,{LONGEST}}}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A code that a buyer gave, and what it promises."""

    code: Code
    promotion: Promotion
    unlocked: Unlocked

    @property
    def discount(self) -> Discount | None:
        return discount_of(self.promotion)


def normalised(text: str) -> str:
    """A code as it is compared: upper case, no spaces around. Letters, digits, `-` and `_`."""
    return text.strip().upper()


def is_written_well(text: str) -> bool:
    """Whether a normalised text can be a code."""
    return _WRITTEN.fullmatch(text) is not None


def guesses_per_hit(length: int, *, among: int) -> int:
    """So many random guesses hit one of that many codes once, on average."""
    combinations: int = len(CROCKFORD) ** length
    return combinations // max(among, 1)


def discount_of(promotion: Promotion) -> Discount | None:
    """What the price engine takes off by it; None when it only unlocks."""
    if promotion.kind == PromotionKind.NONE:
        return None
    return Discount(
        key=promotion.pk,
        name=promotion.name,
        kind=DiscountKind(promotion.kind),
        rate_bp=promotion.rate_bp,
        amount_minor=promotion.amount_minor,
        buy=promotion.buy,
        get=promotion.get,
        ticket_type_ids=frozenset(promotion.ticket_type_ids),
        release_ids=frozenset(promotion.release_ids),
        min_subtotal_minor=promotion.min_subtotal_minor,
        min_quantity=promotion.min_quantity,
    )


def automatic_discounts(catalogue: Catalogue, *, at: datetime) -> list[Discount]:
    """Those that apply by rule at this moment, in the order they were made."""
    return [
        discount
        for promotion in catalogue.promotions.values()
        if promotion.is_automatic
        and is_running(promotion, at=at)
        and (discount := discount_of(promotion)) is not None
    ]


def is_running(promotion: Promotion, *, at: datetime) -> bool:
    return (
        promotion.paused_at is None
        and (promotion.opens_at is None or promotion.opens_at <= at)
        and (promotion.closes_at is None or at < promotion.closes_at)
    )


def claim_of(event: Event, catalogue: Catalogue, text: str, *, at: datetime) -> Claim | None:
    """What the code that a buyer typed or clicked promises; None when they gave none.

    Raises CodeUnknown, CodeTooEarly, CodeTooLate, CodePaused, CodePlacesReturned, CodeUsedUp. Whether
    it applies to what they choose, and whether a use is left, is decided when they reserve.
    """
    text = normalised(text)
    if not text:
        return None
    code: Code | None = Code.objects.filter(event=event, text=text).first()
    promotion = catalogue.promotions.get(code.promotion_id) if code else None
    if code is None or promotion is None:
        raise CodeUnknown(text=text)
    allocation = catalogue.allocations.get(promotion.allocation_id or 0)
    if allocation is not None and (over_since := ended_at(allocation, at=at)) is not None:
        raise CodePlacesReturned(text=text, when=words_for(over_since, event.time_zone, "datetime"))
    _refuse(event, code, promotion, at)
    return Claim(code, promotion, Unlocked(promotion, allocation))


def unlocked_by(code: Code, catalogue: Catalogue) -> Unlocked:
    """What the code opens, whether or not it may be claimed at this moment."""
    promotion = catalogue.promotions[code.promotion_id]
    return Unlocked(promotion, catalogue.allocations.get(promotion.allocation_id or 0))


def ended_at(allocation: Allocation, *, at: datetime) -> datetime | None:
    """Since when its places are back on sale, or due to be; None while they are the partner's."""
    due = allocation.returns_at if allocation.returns_at and allocation.returns_at <= at else None
    return allocation.returned_at or due


def _refuse(event: Event, code: Code, promotion: Promotion, at: datetime) -> None:
    if promotion.paused_at is not None:
        raise CodePaused(text=code.text)
    if promotion.opens_at is not None and at < promotion.opens_at:
        raise CodeTooEarly(
            text=code.text, when=words_for(promotion.opens_at, event.time_zone, "datetime")
        )
    if promotion.closes_at is not None and promotion.closes_at <= at:
        raise CodeTooLate(
            text=code.text, when=words_for(promotion.closes_at, event.time_zone, "datetime")
        )
    # Uses that are only held may come back, so they are left to the moment of reserving.
    if code.uses_limit is not None and code.used >= code.uses_limit:
        raise CodeUsedUp(text=code.text)
