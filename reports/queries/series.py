"""Sales over time, by type and by method. Days are days of the organiser's or the event's zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, DateField, F, Func, Min, Q, Sum, Value
from django.db.models.functions import Cast, TruncDate

from accounts.models import Organiser
from events.models import Event
from orders.models import (
    SETTLED_STATUSES,
    Order,
    OrderLine,
    PaymentMethod,
    Refund,
    RefundStatus,
)
from ticketing.models import Reservation, ReservationStatus, TicketType
from tiqqo.core import clock
from tiqqo.core.money import Money

DAY = timedelta(days=1)


def _today(zone: tzinfo) -> date:
    return clock.now().astimezone(zone).date()


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _days_to(last: date, count: int) -> tuple[date, ...]:
    return tuple(last - (count - 1 - index) * DAY for index in range(count))


# An organiser's last days ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MoneyByDay:
    """One currency. `refunds` are negative; the sums are of the same time before these days."""

    currency: str
    revenue: tuple[int, ...]
    refunds: tuple[int, ...]
    earlier: int

    @property
    def total(self) -> Money:
        return Money(sum(self.revenue), self.currency)

    @property
    def refunded(self) -> Money:
        return Money(-sum(self.refunds), self.currency)

    @property
    def has_moved(self) -> bool:
        return any(self.revenue) or any(self.refunds)


@dataclass(frozen=True, slots=True)
class SalesByDay:
    """Tickets by the day their order was confirmed, money by the day it was settled or returned."""

    days: tuple[date, ...]
    tickets: tuple[int, ...]
    tickets_earlier: int
    money: tuple[MoneyByDay, ...]

    @property
    def ticket_count(self) -> int:
        return sum(self.tickets)


_TICKETS, _REVENUE, _REFUNDS = "tickets", "revenue", "refunds"


def sales_by_day(organiser: Organiser, *, days: int = 30) -> SalesByDay:
    """All events of the organiser, the last `days` days with today, and as many before. One query."""
    zone = ZoneInfo(organiser.time_zone)
    shown = _days_to(_today(zone), days)
    asked = _days_to(shown[-1], 2 * days)
    since = _midnight(asked[0], zone)
    found: dict[tuple[str, str], dict[date, int]] = {}
    for kind, currency, day, amount in _movements(since, zone):
        found.setdefault((kind, currency), {})[day] = amount

    def course(kind: str, currency: str = "") -> tuple[int, ...]:
        by_day = found.get((kind, currency), {})
        return tuple(by_day.get(day, 0) for day in asked)

    tickets = course(_TICKETS)
    currencies = sorted({currency for kind, currency in found if currency} | {organiser.currency})
    return SalesByDay(
        days=shown,
        tickets=tickets[days:],
        tickets_earlier=sum(tickets[:days]),
        money=tuple(
            MoneyByDay(
                currency,
                revenue[days:],
                tuple(-amount for amount in refunds[days:]),
                sum(revenue[:days]),
            )
            for currency in sorted(currencies, key=lambda code: code != organiser.currency)
            for revenue, refunds in [(course(_REVENUE, currency), course(_REFUNDS, currency))]
        ),
    )


def _movements(since: datetime, zone: tzinfo) -> Sequence[tuple[str, str, date, int]]:
    """(kind, currency, day, sum) of everything that was sold, settled or returned."""

    def summed(kind: str, rows: Any, *, at: str, currency: Any, amount: str) -> Any:
        return (
            rows.order_by()
            .filter(**{f"{at}__gte": since})
            .values(kind=Value(kind), money=currency, day=TruncDate(at, tzinfo=zone))
            .annotate(sum=Sum(amount))
            .values_list("kind", "money", "day", "sum")
        )

    settled = Order.objects.filter(status__in=SETTLED_STATUSES)
    returned = Refund.objects.filter(status=RefundStatus.SUCCEEDED)
    return list(
        summed(
            _TICKETS,
            Order.objects.confirmed(),
            at="confirmed_at",
            currency=Value(""),
            amount="quantity",
        ).union(
            summed(
                _REVENUE, settled, at="settled_at", currency=F("currency"), amount="total_minor"
            ),
            summed(
                _REFUNDS,
                returned,
                at="succeeded_at",
                currency=F("payment__currency"),
                amount="amount_minor",
            ),
            all=True,
        )
    )


# Upcoming events side by side -----------------------------------------------------------


def tickets_by_event(events: Sequence[Event], *, days: int = 14) -> dict[int, tuple[int, ...]]:
    """Tickets per day of each event, in its own zone, up to its today. One query."""
    if not events:
        return {}
    # A day more, for zones differ; what is outside of an event's own days is not looked up.
    since = clock.now() - (days + 1) * DAY
    rows: Any = (
        Order.objects.confirmed()
        .filter(event__in=events, confirmed_at__gte=since)
        .order_by()
        .values("event_id", day=_local_day("confirmed_at", "event__time_zone"))
        .annotate(places=Sum("quantity"))
    )
    sold = {(row["event_id"], row["day"]): row["places"] for row in rows}
    return {
        event.pk: tuple(sold.get((event.pk, day), 0) for day in _days_to(_today(event.zone), days))
        for event in events
    }


def _local_day(instant: str, zone: str) -> Cast:
    """The day of an instant where the column `zone` says."""
    return Cast(Func(F(zone), F(instant), function="timezone"), DateField())


# One event ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventCourse:
    """Tickets per day since the event was published, up to today or its end."""

    days: tuple[date, ...]
    tickets: tuple[int, ...]

    @property
    def running(self) -> tuple[int, ...]:
        """How many were sold by the end of each day."""
        total, found = 0, []
        for count in self.tickets:
            total += count
            found.append(total)
        return tuple(found)


def course_of(event: Event) -> EventCourse:
    """From the day of publishing, or of the first sale if that came before. One query."""
    rows: Any = (
        Order.objects.confirmed()
        .filter(event=event)
        .order_by()
        .values(day=TruncDate("confirmed_at", tzinfo=event.zone))
        .annotate(places=Sum("quantity"))
    )
    sold = {row["day"]: row["places"] for row in rows}
    starts = [event.local(event.published_at).date()] if event.published_at else []
    first = min([*starts, *sold], default=None)
    if first is None:
        return EventCourse((), ())
    last = min(_today(event.zone), event.local(event.ends_at).date() if event.ends_at else date.max)
    days = _days_to(last, max((last - first).days + 1, 1))
    return EventCourse(days, tuple(sold.get(day, 0) for day in days))


@dataclass(frozen=True, slots=True)
class TypeSales:
    """A ticket type: what was sold of it, for how much without the service fee, and its course."""

    name: str
    code: str
    tickets: int
    amount: Money
    capacity: int | None
    course: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SalesByType:
    days: tuple[date, ...]
    types: tuple[TypeSales, ...]


def sales_by_type(event: Event, *, days: int = 14) -> SalesByType:
    """Every type of the event, in the organiser's order, with its last days. Two queries."""
    types = TicketType.objects.filter(event=event).order_by("position", "id")
    rows: Any = (
        OrderLine.objects.filter(order__in=Order.objects.confirmed().filter(event=event).order_by())
        .order_by()
        .values("ticket_type_id", day=TruncDate("order__confirmed_at", tzinfo=event.zone))
        .annotate(places=Sum("quantity"), minor=Sum(F("net_minor") + F("tax_minor")))
    )
    sold: dict[int, dict[date, tuple[int, int]]] = {}
    for row in rows:
        sold.setdefault(row["ticket_type_id"], {})[row["day"]] = (row["places"], row["minor"])
    shown = _days_to(_today(event.zone), days)
    return SalesByType(
        days=shown,
        types=tuple(
            TypeSales(
                name=kind["name"],
                code=kind["code"],
                tickets=sum(tickets for tickets, _minor in by_day.values()),
                amount=Money(sum(minor for _tickets, minor in by_day.values()), event.currency),
                capacity=kind["pool__capacity"],
                course=tuple(by_day.get(day, (0, 0))[0] for day in shown),
            )
            for kind in types.values("id", "name", "code", "pool__capacity")
            for by_day in [sold.get(kind["id"], {})]
        ),
    )


@dataclass(frozen=True, slots=True)
class MethodSales:
    method: PaymentMethod
    orders: int
    tickets: int
    amount: Money


def sales_by_method(event: Event) -> list[MethodSales]:
    """What was ordered by each way to pay, the largest amount first. One query."""
    rows: Any = (
        Order.objects.confirmed()
        .filter(event=event)
        .order_by()
        .values("payment_method")
        .annotate(orders=Count("pk"), places=Sum("quantity"), minor=Sum("total_minor"))
        .order_by("-minor", "payment_method")
    )
    return [
        MethodSales(
            PaymentMethod(row["payment_method"]),
            row["orders"],
            row["places"],
            Money(row["minor"], event.currency),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class CheckoutFunnel:
    """Baskets since the first one: held, then an order with a name on it, then confirmed.

    Views of the shop are not stored. Orders that the desk placed by hand are held like any other.
    """

    held: int
    ordered: int
    confirmed: int
    still_open: int
    since: datetime | None


def checkout_funnel(event: Event) -> CheckoutFunnel:
    """One query."""
    now = clock.now()
    facts = Reservation.objects.filter(event=event).aggregate(
        held=Count("pk"),
        ordered=Count("order"),
        confirmed=Count("order", filter=Q(order__confirmed_at__isnull=False)),
        still_open=Count("pk", filter=Q(status=ReservationStatus.PENDING, expires_at__gt=now)),
        since=Min("created_at"),
    )
    return CheckoutFunnel(**facts)
