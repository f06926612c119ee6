"""Holds and what they cost; who bought what already."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from ticketing.models import Promotion, Reservation, ReservationLine, ReservationStatus
from ticketing.pricing import Applied, Quote, Terms
from ticketing.selling import quote_lines
from tiqqo.core import clock
from tiqqo.core.compiled import Compiled, Param

_BY_SECRET = Compiled(
    Reservation,
    lambda rows: rows.select_related("event__organiser").filter(secret=Param("secret")),
)
_LINES = Compiled(
    ReservationLine,
    lambda rows: rows.filter(reservation=Param("reservation")).order_by("id"),
)


def frozen_terms(reservation: Reservation) -> Terms:
    return Terms(
        currency=reservation.currency,
        tax_name=reservation.tax_name,
        tax_rate_bp=reservation.tax_rate_bp,
        prices_include_tax=reservation.prices_include_tax,
        fee_payer=reservation.fee_payer,
        fee_fixed_minor=reservation.fee_fixed_minor,
        fee_rate_bp=reservation.fee_rate_bp,
    )


def frozen_discounts(reservation: Reservation) -> list[Applied]:
    return [
        Applied(done["promotion"], done["name"], done["minor"]) for done in reservation.discounts
    ]


def quote_of(reservation: Reservation, lines: Iterable[ReservationLine]) -> Quote:
    """What the hold costs, by its frozen prices, discounts and terms."""
    return quote_lines(lines, frozen_terms(reservation), frozen_discounts(reservation))


def reservation_by_secret(secret: str) -> Reservation | None:
    return _BY_SECRET.first(secret=secret)


def lines_of(reservation: Reservation) -> list[ReservationLine]:
    return _LINES.all(reservation=reservation.pk)


def tickets_bought_by(email_key: str, apart_from: Reservation) -> Counter[int]:
    """Units of each ticket type that this e-mail address has at the event, with those that the same client
    holds for it."""
    rows = (
        ReservationLine.objects.filter(
            reservation__in=_of_buyer(email_key, apart_from), bears_fixed_fee=True
        )
        .annotate(subject=Coalesce("bundle_id", "ticket_type_id"))
        .values_list("subject")
        .annotate(units=Sum("quantity"))
    )
    return Counter(dict(rows))


def uses_by(email_key: str, promotion: Promotion, apart_from: Reservation) -> int:
    """How often this e-mail address has used codes of the promotion, with those of the same client's
    holds."""
    uses: int = _of_buyer(email_key, apart_from).filter(code__promotion=promotion).count()
    return uses


def _of_buyer(email_key: str, apart_from: Reservation) -> QuerySet[Reservation]:
    """What was bought with the address, and what the same client holds: what others hold with it counts
    once it is theirs, for anybody may type it."""
    rows: QuerySet[Reservation] = Reservation.objects.counted(at=clock.now()).filter(
        Q(status=ReservationStatus.CONFIRMED) | Q(client=apart_from.client),
        event=apart_from.event_id,
        email_key=email_key,
    )
    return rows.exclude(pk=apart_from.pk)
