"""What promotions save, in words and to the cent, before anything is chosen."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ticketing.catalogue import Catalogue
from ticketing.codes import Claim, discount_of, is_running
from ticketing.models import Promotion, PromotionKind, Release
from ticketing.pricing import Discount, DiscountKind, Item, Terms, discounted, quote
from tiqqo.core.locales import percent
from tiqqo.core.money import Money

# So many tickets show whether what one saves, each of many saves.
_MANY = 10_000


def promotion_words(
    promotion: Promotion, catalogue: Catalogue, currency: str, *, shown: Collection[int]
) -> str:
    """20% off Balcony, from 5 tickets. Of the types it covers only the `shown` are named."""
    saved = _saved(promotion, currency)
    names = _covered(promotion, catalogue, shown)
    if promotion.kind == PromotionKind.NONE:
        return _("for %(names)s") % {"names": names} if names else ""
    words = _("%(saved)s on %(names)s") % {"saved": saved, "names": names} if names else saved
    conditions = [words]
    if promotion.min_quantity > 1:
        conditions.append(
            ngettext("from %(count)s ticket", "from %(count)s tickets", promotion.min_quantity)
            % {"count": promotion.min_quantity}
        )
    if promotion.min_subtotal_minor:
        least = Money(promotion.min_subtotal_minor, currency)
        conditions.append(_("from %(amount)s") % {"amount": least})
    return ", ".join(conditions)


def automatic_promotions(
    catalogue: Catalogue, *, at: datetime, shown: Collection[int]
) -> list[Promotion]:
    """Those that apply by rule at this moment to something that is shown."""
    return [
        promotion
        for promotion in catalogue.promotions.values()
        if promotion.is_automatic
        and is_running(promotion, at=at)
        and (not _is_scoped(promotion) or _covered(promotion, catalogue, shown))
    ]


def takes_codes(catalogue: Catalogue) -> bool:
    return any(not promotion.is_automatic for promotion in catalogue.promotions.values())


def row_discounts(
    automatic: Iterable[Promotion], claim: Claim | None
) -> tuple[tuple[Discount, ...], bool]:
    """The discounts that a single price can show, and whether there are others besides.

    Without conditions, and of the automatic ones the only one: of several the best for the whole
    order applies, which no single row knows.
    """
    by_rule = [found for promotion in automatic if (found := discount_of(promotion))]
    plain = [discount for discount in by_rule if _is_plain(discount)]
    shown = plain if len(plain) == 1 else []
    given = claim.discount if claim else None
    if given and _is_plain(given):
        shown = [*shown, given]
    return tuple(shown), len(shown) < len(by_rule) + bool(given)


def reduced(
    price_minor: int, release: Release, discounts: Sequence[Discount], terms: Terms
) -> Money | None:
    """All that a buyer pays for one by these discounts; None where they do not save the same to the
    cent on each, however many are chosen."""
    saving = _saving(price_minor, release, discounts, 1)
    if _saving(price_minor, release, discounts, _MANY) != saving * _MANY:
        return None
    return quote([_item(price_minor, release, 1, saving)], terms).total


def _saving(price_minor: int, release: Release, discounts: Sequence[Discount], count: int) -> int:
    item = _item(price_minor, release, count)
    for discount in discounts:
        [item] = discounted([item], code=discount).items
    return item.discount_minor


def _item(price_minor: int, release: Release, count: int, saving: int = 0) -> Item:
    return Item(
        name="",
        quantity=count,
        unit_price_minor=price_minor,
        ticket_type_id=release.ticket_type_id,
        release_id=release.pk,
        tax_rate_bp=release.ticket_type.tax_rate_bp,
        discount_minor=saving,
    )


def _is_plain(discount: Discount) -> bool:
    return (
        discount.kind in (DiscountKind.PERCENT, DiscountKind.FIXED_PRICE)
        and discount.min_quantity <= 1
        and not discount.min_subtotal_minor
    )


def _saved(promotion: Promotion, currency: str) -> str:
    amount = Money(promotion.amount_minor, currency)
    match promotion.kind:
        case PromotionKind.PERCENT:
            return _("%(rate)s off") % {"rate": percent(promotion.rate_bp)}
        case PromotionKind.AMOUNT:
            return _("%(amount)s off") % {"amount": amount}
        case PromotionKind.FIXED_PRICE:
            return _("%(amount)s a ticket") % {"amount": amount}
        case PromotionKind.BUY_X_GET_Y:
            return _("%(get)s free with every %(buy)s") % {
                "buy": promotion.buy,
                "get": promotion.get,
            }
    return ""


def _is_scoped(promotion: Promotion) -> bool:
    return bool(promotion.ticket_type_ids or promotion.release_ids)


def _covered(promotion: Promotion, catalogue: Catalogue, shown: Collection[int]) -> str:
    """Names of the shown types that it is about; nothing when it is about everything."""
    by_release = {r.ticket_type_id for r in catalogue.releases if r.pk in promotion.release_ids}
    covered = {*promotion.ticket_type_ids, *by_release}
    if promotion.allocation_id:
        covered.add(catalogue.allocations[promotion.allocation_id].ticket_type_id)
    return ", ".join(
        found.name for pk, found in catalogue.types.items() if pk in covered and pk in shown
    )
