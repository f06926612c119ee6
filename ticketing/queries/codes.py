"""Promotions and codes: what they promise, who used them, and what that came to.

Money is what reservations froze, after discount and before fees; only confirmed ones count as used.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import connection
from django.db.models import Count, Min, QuerySet, Sum
from django.http import Http404
from django.utils.translation import gettext as _

from events.models import Event
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.models import Code, Promotion, PromotionKind
from ticketing.selling import line_name
from tiqqo.core.locales import percent
from tiqqo.core.money import Money
from tiqqo.core.paging import page_after

_A_NUMBER = re.compile(r"[0-9]{1,18}")

PromotionState = Literal["running", "scheduled", "paused", "over"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a promotion: uses that are held, uses for good, their sales, what it took off."""

    held: int
    used: int
    sales: Money
    discount: Money


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """`terms`, `covers` and `conditions` are words; `only_code` is its code where it has just one."""

    promotion: Promotion
    state: PromotionState
    terms: str
    covers: str
    conditions: tuple[str, ...]
    code_count: int
    only_code: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class PromotionBoard:
    coded: list[PromotionRow]
    automatic: list[PromotionRow]


@dataclass(frozen=True, slots=True)
class CodesPage:
    """One page of a promotion's codes. `next_cursor` continues it; empty on the last page."""

    codes: list[Code]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class CodeTotals:
    """All codes of a promotion. `limit` is None where one of them has none."""

    count: int
    held: int
    used: int
    limit: int | None


# One row for each promotion that a live or confirmed reservation was made with: by its code, or by
# what it took off.
_FIGURES = """
WITH touched AS (
    SELECT reservation.id, reservation.status, code.promotion_id
      FROM ticketing_reservation reservation
      JOIN ticketing_code code ON code.id = reservation.code_id
     WHERE reservation.event_id = %(event)s AND reservation.status IN ('PENDING', 'CONFIRMED')
    UNION
    SELECT reservation.id, reservation.status, (done ->> 'promotion')::bigint
      FROM ticketing_reservation reservation
     CROSS JOIN jsonb_array_elements(reservation.discounts) AS done
     WHERE reservation.event_id = %(event)s AND reservation.status IN ('PENDING', 'CONFIRMED')
)
SELECT touched.promotion_id,
       count(*) FILTER (WHERE touched.status = 'PENDING'),
       count(*) FILTER (WHERE touched.status = 'CONFIRMED'),
       coalesce(sum(sold.minor) FILTER (WHERE touched.status = 'CONFIRMED'), 0)::bigint,
       coalesce(sum(off.minor) FILTER (WHERE touched.status = 'CONFIRMED'), 0)::bigint
  FROM touched
 CROSS JOIN LATERAL (
        SELECT sum(line.quantity * line.unit_price_minor - line.discount_minor) AS minor
          FROM ticketing_reservationline line WHERE line.reservation_id = touched.id) sold
 CROSS JOIN LATERAL (
        SELECT sum((done ->> 'minor')::bigint) AS minor
          FROM ticketing_reservation reservation
         CROSS JOIN jsonb_array_elements(reservation.discounts) AS done
         WHERE reservation.id = touched.id
           AND (done ->> 'promotion')::bigint = touched.promotion_id) off
 WHERE %(promotion)s::bigint IS NULL OR touched.promotion_id = %(promotion)s::bigint
 GROUP BY touched.promotion_id
"""


def promotion_board(event: Event, *, at: datetime) -> PromotionBoard:
    """Every promotion but those of allocations, the newest first."""
    found: QuerySet[Promotion] = Promotion.objects.filter(event=event, allocation=None)
    promotions = list(found.order_by("-id"))
    catalogue = catalogue_of(event)
    figures = _figures(event)
    codes = {
        promotion_id: (count, first)
        for promotion_id, count, first in Code.objects.filter(event=event)
        .values_list("promotion_id")
        .annotate(count=Count("pk"), first=Min("text"))
    }
    rows = [
        _row(
            event,
            catalogue,
            promotion,
            codes.get(promotion.pk, (0, "")),
            figures.get(promotion.pk),
            at,
        )
        for promotion in promotions
    ]
    return PromotionBoard(
        coded=[row for row in rows if not row.promotion.is_automatic],
        automatic=[row for row in rows if row.promotion.is_automatic],
    )


def promotion_row(promotion: Promotion, event: Event, *, at: datetime) -> PromotionRow:
    codes = Code.objects.filter(promotion=promotion).aggregate(count=Count("pk"), first=Min("text"))
    return _row(
        event,
        catalogue_of(event),
        promotion,
        (codes["count"], codes["first"] or ""),
        _figures(event, promotion).get(promotion.pk),
        at,
    )


def promotion_or_404(event: Event, pk: int) -> Promotion:
    """Those of allocations have a page of their own."""
    promotion: Promotion | None = Promotion.objects.filter(
        event=event, allocation=None, pk=pk
    ).first()
    if promotion is None:
        raise Http404
    return promotion


def code_or_404(promotion: Promotion, text: str) -> Code:
    code: Code | None = (
        Code.objects.select_related("promotion").filter(promotion=promotion, text=text).first()
    )
    if code is None:
        raise Http404
    return code


def codes_page(promotion: Promotion, *, search: str = "", cursor: str = "") -> CodesPage:
    """In the order they were made, paged by key; `search` is a part of the code."""
    rows, after = Code.objects.filter(promotion=promotion), None
    if search:
        rows = rows.filter(text__contains=search)
    if cursor:
        if not _A_NUMBER.fullmatch(cursor):
            raise Http404
        after = {"pk": int(cursor)}
    page = page_after(rows, ["pk"], after)
    return CodesPage(page.rows, str(page.next_id or ""))


def code_totals(promotion: Promotion) -> CodeTotals:
    rows = Code.objects.filter(promotion=promotion)
    sums = rows.aggregate(
        count=Count("pk"),
        held=Sum("held", default=0),
        used=Sum("used", default=0),
        limited=Count("uses_limit"),
        limit=Sum("uses_limit", default=0),
    )
    limit = sums["limit"] if sums["limited"] == sums["count"] else None
    return CodeTotals(sums["count"], sums["held"], sums["used"], limit)


def codes_of(promotion: Promotion) -> Iterable[tuple[str, int | None, int, int]]:
    """Text, limit, uses and held ones of each code, in the order they were made."""
    rows = Code.objects.filter(promotion=promotion).order_by("id")
    return list(rows.values_list("text", "uses_limit", "used", "held"))


def _figures(event: Event, promotion: Promotion | None = None) -> dict[int, Figures]:
    with connection.cursor() as cursor:
        asked = {"event": event.pk, "promotion": promotion.pk if promotion else None}
        cursor.execute(_FIGURES, asked)
        return {
            promotion_id: Figures(
                held, used, Money(sales, event.currency), Money(off, event.currency)
            )
            for promotion_id, held, used, sales, off in cursor.fetchall()
        }


def _row(
    event: Event,
    catalogue: Catalogue,
    promotion: Promotion,
    codes: tuple[int, str],
    figures: Figures | None,
    at: datetime,
) -> PromotionRow:
    count, first = codes
    nothing = Money(0, event.currency)
    return PromotionRow(
        promotion=promotion,
        state=promotion_state(promotion, at=at),
        terms=terms_words(promotion, event.currency),
        covers=covers_words(promotion, catalogue),
        conditions=tuple(_conditions(promotion, event.currency)),
        code_count=count,
        only_code=first if count == 1 else "",
        figures=figures or Figures(0, 0, nothing, nothing),
    )


def promotion_state(promotion: Promotion, *, at: datetime) -> PromotionState:
    if promotion.closes_at is not None and promotion.closes_at <= at:
        return "over"
    if promotion.paused_at is not None:
        return "paused"
    if promotion.opens_at is not None and at < promotion.opens_at:
        return "scheduled"
    return "running"


# In words -------------------------------------------------------------------------------


def terms_words(promotion: Promotion, currency: str) -> str:
    """“20% off”, “€10.00 off the order”; empty when it only unlocks."""
    amount = Money(promotion.amount_minor, currency)
    match promotion.kind:
        case PromotionKind.PERCENT:
            return _("%(rate)s off") % {"rate": percent(promotion.rate_bp)}
        case PromotionKind.AMOUNT:
            return _("%(amount)s off the order") % {"amount": amount}
        case PromotionKind.FIXED_PRICE:
            return _("%(amount)s per ticket") % {"amount": amount}
        case PromotionKind.BUY_X_GET_Y:
            return _("Buy %(buy)s, get %(get)s free") % {
                "buy": promotion.buy,
                "get": promotion.get,
            }
    return ""


def covers_words(promotion: Promotion, catalogue: Catalogue) -> str:
    """The types and releases that it names; what was deleted since is not among them."""
    if not (promotion.ticket_type_ids or promotion.release_ids):
        return _("Everything")
    types = [found.name for pk, found in catalogue.types.items() if pk in promotion.ticket_type_ids]
    releases = [
        line_name(found.ticket_type.name, found.name)
        for found in catalogue.releases
        if found.pk in promotion.release_ids
    ]
    return ", ".join([*types, *releases]) or _("Nothing that is still there")


def _conditions(promotion: Promotion, currency: str) -> Iterator[str]:
    if promotion.min_subtotal_minor:
        least = Money(promotion.min_subtotal_minor, currency)
        yield _("from a subtotal of %(amount)s") % {"amount": least}
    if promotion.min_quantity:
        yield _("from %(count)s tickets") % {"count": promotion.min_quantity}
    if promotion.per_email_limit is not None:
        limit = promotion.per_email_limit
        yield (
            _("once per e-mail address")
            if limit == 1
            else _("%(count)s times per e-mail address") % {"count": limit}
        )
