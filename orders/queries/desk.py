"""What the orders desk sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from events.models import Event
from orders.models import (
    Delivery,
    Dispute,
    Order,
    OrderLine,
    Payment,
    PaymentMethod,
    Refund,
    Stage,
    Ticket,
    TicketStatus,
)
from orders.price_lines import slot_words
from people.models import Person
from ticketing.models import Release, TicketType
from ticketing.selling import line_name
from tiqqo.core import audit
from tiqqo.core.codes import normalise_code
from tiqqo.core.models import AuditEntry
from tiqqo.core.money import Money
from tiqqo.core.paging import page_after

TICKET_COUNTS = {
    "matches": _("Matches"),
    "missing": _("Missing"),
    "none": _("None generated"),
    "too_many": _("Too many"),
}
MATRIX_METHODS = [
    PaymentMethod.INVOICE,
    PaymentMethod.CARD,
    PaymentMethod.SPONSORED,
    PaymentMethod.FREE,
]
MATRIX_STAGES = [Stage.REQUESTED, Stage.INVOICE_SENT, Stage.SETTLED]


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What the filter panel asks. Dates are days in the event's time zone, both inclusive."""

    search: str = ""
    stage: str = ""
    payment_method: str = ""
    placed_from: date | None = None
    placed_to: date | None = None
    ticket_count: str = ""
    sold: str = ""
    """What they contain, as `type-CODE`, `release-CODE`, `slot-CODE`, or `promotion-ID`."""

    @property
    def is_active(self) -> bool:
        return self != OrderFilter()

    @property
    def is_set_in_panel(self) -> bool:
        return self != OrderFilter(sold=self.sold)


def _orders_of(event: Event) -> QuerySet[Any]:
    issued = (
        Ticket.objects.valid()
        .filter(order=OuterRef("pk"))
        .order_by()
        .values("order")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return (
        Order.objects.with_stage()
        .filter(event=event)
        .annotate(ticket_count=Coalesce(Subquery(issued), 0))
    )


def filtered_orders(event: Event, asked: OrderFilter) -> QuerySet[Any]:
    """The orders of the event that match, newest first."""
    rows = _orders_of(event)
    if asked.search:
        words = asked.search.strip()
        rows = rows.filter(
            Q(company_name__icontains=words)
            | Q(first_name__icontains=words)
            | Q(last_name__icontains=words)
            | Q(email__icontains=words)
            | Q(code=normalise_code(words))
        )
    if asked.stage:
        rows = rows.filter(stage_value=asked.stage)
    if asked.payment_method:
        rows = rows.filter(payment_method=asked.payment_method)
    if asked.placed_from:
        rows = rows.filter(placed_at__gte=_midnight(asked.placed_from, event))
    if asked.placed_to and asked.placed_to < date.max:
        rows = rows.filter(placed_at__lt=_midnight(asked.placed_to + timedelta(days=1), event))
    counts = {
        "matches": Q(ticket_count=F("quantity")),
        "missing": Q(ticket_count__lt=F("quantity")),
        "none": Q(ticket_count=0),
        "too_many": Q(ticket_count__gt=F("quantity")),
    }
    if asked.ticket_count in counts:
        rows = rows.filter(counts[asked.ticket_count])
    if asked.sold:
        rows = rows.filter(_contains(*asked.sold.split("-", 1)))
    return rows.order_by("-placed_at", "-id")


def _contains(kind: str, key: str) -> Q:
    if kind == "promotion":
        return Q(reservation__code__promotion=key) | Q(
            discounts__contains=[{"promotion": int(key)}]
        )
    lines = {
        "type": Q(ticket_type__code=key) | Q(release__ticket_type__code=key),
        "release": Q(release__code=key),
        "slot": Q(slot__code=key),
    }[kind]
    return Q(pk__in=OrderLine.objects.filter(lines).values("order"))


def sold_words(event: Event, asked: OrderFilter) -> str:
    """The name of what the list is limited to."""
    kind, _dash, key = asked.sold.partition("-")
    match kind:
        case "type":
            ticket_type = TicketType.objects.filter(event=event, code=key).first()
            return ticket_type.name if ticket_type else key
        case "release":
            release = Release.objects.select_related("ticket_type").filter(code=key).first()
            return line_name(release.ticket_type.name, release.name) if release else key
        case "slot":
            slot = event.slots.filter(code=key).first()
            return slot_words(slot.starts_at, event.time_zone) if slot else key
        case "promotion":
            promotion = event.promotions.filter(pk=key).first()
            return promotion.name if promotion else key
    return ""


def _midnight(day: date, event: Event) -> datetime:
    return datetime.combine(day, time(), tzinfo=event.zone)


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """One page of the list. `next_cursor` continues it; empty on the last page."""

    orders: list[Order]
    next_cursor: str


def orders_page(event: Event, asked: OrderFilter, *, cursor: str = "") -> OrdersPage:
    """Paged by key, so that the thousandth page costs as much as the first."""
    rows, after = filtered_orders(event, asked), None
    if cursor:
        placed, _separator, pk = cursor.partition("_")
        try:
            placed_at, last_pk = datetime.fromisoformat(placed), int(pk)
        except ValueError:
            raise Http404 from None
        if placed_at.tzinfo is None:
            raise Http404
        after = {"placed_at": placed_at, "pk": last_pk}
    page = page_after(rows, ["-placed_at", "-pk"], after)
    last = page.last
    return OrdersPage(page.rows, f"{last.placed_at.isoformat()}_{last.pk}" if last else "")


@dataclass(frozen=True, slots=True)
class Cell:
    orders: int = 0
    tickets: int = 0
    amount: Money = field(default_factory=lambda: Money(0, "EUR"))

    def __add__(self, other: "Cell") -> "Cell":
        return Cell(
            self.orders + other.orders, self.tickets + other.tickets, self.amount + other.amount
        )


@dataclass(frozen=True, slots=True)
class MatrixRow:
    label: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class SummaryMatrix:
    """Stage × payment method; the last cell of a row and the last row are totals."""

    methods: list[str]
    rows: list[MatrixRow]


def summary_matrix(event: Event, asked: OrderFilter) -> SummaryMatrix:
    """Orders, tickets ordered and money of the filtered list. Cancelled and refunded stay outside."""
    nothing = Cell(amount=Money(0, event.currency))
    cells: dict[tuple[str, str], Cell] = {}
    grouped = (
        filtered_orders(event, asked)
        .order_by()
        .values("stage_value", "payment_method")
        .annotate(count=Count("pk"), places=Sum("quantity"), amount=Sum("total_minor"))
    )
    for row in grouped:
        cells[row["stage_value"], row["payment_method"]] = Cell(
            row["count"], row["places"], Money(row["amount"], event.currency)
        )
    rows = []
    for stage in MATRIX_STAGES:
        found = [cells.get((stage, method), nothing) for method in MATRIX_METHODS]
        rows.append(MatrixRow(str(stage.label), [*found, sum(found, nothing)]))
    totals = [sum((row.cells[i] for row in rows), nothing) for i in range(len(MATRIX_METHODS) + 1)]
    rows.append(MatrixRow(str(_("Total")), totals))
    return SummaryMatrix(
        methods=[*(str(method.label) for method in MATRIX_METHODS), str(_("Total"))], rows=rows
    )


def order_or_404(event: Event, code: str) -> Order:
    order: Order | None = (
        _orders_of(event)
        .select_related("event__organiser", "reservation", "contact", "company")
        .filter(code=code)
        .first()
    )
    if order is None:
        raise Http404
    return order


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """The order page of the desk."""

    order: Order
    lines: list[OrderLine]
    tickets: list[Ticket]
    payments: list[Payment]
    refunds: list[Refund]
    disputes: list[Dispute]
    deliveries: list[Delivery]
    history: Sequence[AuditEntry]

    @property
    def has_valid_tickets(self) -> bool:
        return any(ticket.status == TicketStatus.VALID for ticket in self.tickets)


def order_details(order: Order) -> OrderDetails:
    return OrderDetails(
        order=order,
        lines=list(order.lines.select_related("slot").order_by("id")),
        tickets=list(
            Ticket.objects.select_related("ticket_type").filter(order=order).order_by("id")
        ),
        payments=list(Payment.objects.filter(order=order).order_by("attempt")),
        refunds=list(
            Refund.objects.select_related("payment").filter(payment__order=order).order_by("id")
        ),
        disputes=list(
            Dispute.objects.select_related("payment").filter(payment__order=order).order_by("id")
        ),
        deliveries=list(Delivery.objects.filter(order=order).order_by("id")),
        history=list(audit.history_of(order)),
    )


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of an event's attendees by name; `next_id` continues after its last, 0 on the last page."""

    people: list[Any]
    total: int
    next_id: int


def people_of(event: Event, *, search: str = "", after: int = 0) -> PeoplePage:
    """The attendees of the event with their valid tickets, by name, paged by key."""
    rows = Person.objects.filter(event=event)
    for word in search.split():
        rows = rows.filter(
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
            | Q(company__name__icontains=word)
        )
    total = rows.count()
    last = Person.objects.filter(event=event, pk=after).first() if after else None
    if after and last is None:
        raise Http404
    rows = rows.select_related("contact", "company").annotate(
        valid_tickets=Count("tickets", filter=Q(tickets__status="valid"))
    )
    page = page_after(rows, ["last_name", "first_name", "pk"], last)
    return PeoplePage(page.rows, total, page.next_id)
