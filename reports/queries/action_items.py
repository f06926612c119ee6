"""What needs somebody today, as facts; `reports.action_items` says them in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q, Sum

from accounts.models import Membership
from accounts.permissions import PERMISSIONS_OF, Permission
from checkin.models import Admission
from events.models import Event, EventStatus
from orders.due_dates import NOTICE
from orders.models import (
    Delivery,
    DeliveryStatus,
    Dispute,
    DisputeStatus,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Ticket,
)
from ticketing.models import Release, TicketType
from tiqqo.core import clock
from tiqqo.core.money import Money

PAYS_WITHIN = timedelta(days=14)
CLOSES_WITHIN = timedelta(days=2)
# Roles that are at the door by trade; others may help out.
_DOOR_ROLES = [
    role
    for role, permissions in PERMISSIONS_OF.items()
    if permissions == frozenset({Permission.SCAN})
]


class NeedKind(StrEnum):
    """In the order in which they are told."""

    NOBODY_IN = "nobody_in"
    NO_DOOR_STAFF = "no_door_staff"
    MAILS_FAILED = "mails_failed"
    DISPUTES_OPEN = "disputes_open"
    REFUNDS_STUCK = "refunds_stuck"
    CARDS_REFUSED = "cards_refused"
    INVOICES_LAPSING = "invoices_lapsing"
    INVOICES_UNSENT = "invoices_unsent"
    INVOICES_OVERDUE = "invoices_overdue"
    RELEASE_SOLD_OUT = "release_sold_out"
    RELEASE_CLOSES = "release_closes"
    SALES_PAUSED = "sales_paused"
    DRAFT_WITHOUT_TICKETS = "draft_without_tickets"


_ORDER = list(NeedKind)


@dataclass(frozen=True, slots=True)
class Need:
    """`count` things of `kind` at an event; `at` is when the oldest began, or when it happens."""

    kind: NeedKind
    event_name: str
    event_slug: str
    time_zone: str
    count: int = 1
    amount: Money | None = None
    at: datetime | None = None
    release_name: str = ""
    release_code: str = ""


def needs_of() -> list[Need]:
    """Everything that waits for somebody at the organiser of the scope. Seven queries."""
    now = clock.now()
    found = [
        *_of_events(now),
        *_of_invoices(now),
        *_of_mails(),
        *_of_disputes(),
        *_of_refunds(),
        *_of_refused_payments(now),
        *_of_releases(now),
    ]
    return sorted(
        found,
        key=lambda need: (
            _ORDER.index(need.kind),
            need.at or now,
            need.event_name,
            need.event_slug,
        ),
    )


def _of_events(now: datetime) -> Iterator[Need]:
    live = Q(
        status__in=[EventStatus.PUBLISHED, EventStatus.STARTED],
        ends_at__gt=now,
    )
    events: Any = (
        Event.objects.filter(live | Q(status=EventStatus.DRAFT))
        .annotate(
            has_types=Exists(TicketType.objects.filter(event=OuterRef("pk"))),
            has_admitted=Exists(Admission.objects.filter(event=OuterRef("pk"), undone_at=None)),
            has_guests=Exists(Ticket.objects.valid().filter(event=OuterRef("pk"))),
            has_door_staff=Exists(Membership.objects.filter(role__in=_DOOR_ROLES)),
        )
        .order_by("starts_at", "id")
    )
    for event in events:
        if event.status == EventStatus.DRAFT:
            if not event.has_types:
                yield _need(NeedKind.DRAFT_WITHOUT_TICKETS, event, at=event.created_at)
            continue
        if event.sales_paused_at:
            yield _need(NeedKind.SALES_PAUSED, event, at=event.sales_paused_at)
        if event.starts_at <= now:
            if event.has_guests and not event.has_admitted:
                yield _need(NeedKind.NOBODY_IN, event, at=event.starts_at)
        elif (
            event.local(event.starts_at).date() == event.local(now).date()
            and not event.has_door_staff
        ):
            yield _need(NeedKind.NO_DOOR_STAFF, event, at=event.starts_at)


def _need(kind: NeedKind, event: Event, *, at: datetime) -> Need:
    return Need(kind, event.name, event.slug, event.time_zone, at=at)


def _of_invoices(now: datetime) -> Iterator[Need]:
    is_overdue = Q(invoice_sent_at__lte=now - PAYS_WITHIN)
    is_unsent = Q(invoice_sent_at=None)
    # Their buyers were told; who is to have more time is given another date.
    is_lapsing = Q(payment_due_at__lte=now + NOTICE)
    rows: Any = (
        Order.objects.filter(
            is_overdue | is_unsent | is_lapsing, status=OrderStatus.OFFLINE_PENDING
        )
        .order_by()
        .values("event__name", "event__slug", "event__time_zone", "currency")
        .annotate(
            unsent=Count("pk", filter=is_unsent),
            unsent_minor=Sum("total_minor", filter=is_unsent),
            unsent_at=Min("placed_at", filter=is_unsent),
            lapsing=Count("pk", filter=is_lapsing),
            lapsing_minor=Sum("total_minor", filter=is_lapsing),
            lapsing_at=Min("payment_due_at", filter=is_lapsing),
            overdue=Count("pk", filter=is_overdue),
            overdue_minor=Sum("total_minor", filter=is_overdue),
            overdue_at=Min("invoice_sent_at", filter=is_overdue),
        )
    )
    for row in rows:
        for kind, name in (
            (NeedKind.INVOICES_LAPSING, "lapsing"),
            (NeedKind.INVOICES_UNSENT, "unsent"),
            (NeedKind.INVOICES_OVERDUE, "overdue"),
        ):
            if row[name]:
                yield _grouped(
                    kind,
                    row,
                    "event__",
                    count=row[name],
                    amount=Money(row[f"{name}_minor"], row["currency"]),
                    at=row[f"{name}_at"],
                )


def _of_mails() -> Iterator[Need]:
    rows: Any = (
        Delivery.objects.filter(status=DeliveryStatus.FAILED)
        .order_by()
        .values("order__event__name", "order__event__slug", "order__event__time_zone")
        .annotate(count=Count("pk"), at=Min("requested_at"))
    )
    for row in rows:
        yield _grouped(
            NeedKind.MAILS_FAILED, row, "order__event__", count=row["count"], at=row["at"]
        )


def _of_refunds() -> Iterator[Need]:
    event = "payment__order__event__"
    rows: Any = (
        Refund.objects.filter(
            Q(status=RefundStatus.FAILED) | Q(status=RefundStatus.REQUESTED, attempts__gt=0)
        )
        .order_by()
        .values(f"{event}name", f"{event}slug", f"{event}time_zone", "payment__currency")
        .annotate(count=Count("pk"), minor=Sum("amount_minor"), at=Min("requested_at"))
    )
    for row in rows:
        yield _grouped(
            NeedKind.REFUNDS_STUCK,
            row,
            event,
            count=row["count"],
            amount=Money(row["minor"], row["payment__currency"]),
            at=row["at"],
        )


def _of_disputes() -> Iterator[Need]:
    event = "payment__order__event__"
    rows: Any = (
        Dispute.objects.filter(status=DisputeStatus.OPEN)
        .order_by()
        .values(f"{event}name", f"{event}slug", f"{event}time_zone", "payment__currency")
        .annotate(count=Count("pk"), minor=Sum("amount_minor"), at=Min("opened_at"))
    )
    for row in rows:
        yield _grouped(
            NeedKind.DISPUTES_OPEN,
            row,
            event,
            count=row["count"],
            amount=Money(row["minor"], row["payment__currency"]),
            at=row["at"],
        )


def _of_refused_payments(now: datetime) -> Iterator[Need]:
    """Card payments that the provider would not take, of a day: buyers stand before a closed till."""
    event = "order__event__"
    rows: Any = (
        Payment.objects.filter(
            status=PaymentStatus.FAILED, created_at__gte=now - clock.DAY, order__settled_at=None
        )
        .exclude(last_failure="")
        .order_by()
        .values(f"{event}name", f"{event}slug", f"{event}time_zone")
        .annotate(count=Count("order", distinct=True), at=Min("created_at"))
    )
    for row in rows:
        yield _grouped(NeedKind.CARDS_REFUSED, row, event, count=row["count"], at=row["at"])


def _of_releases(now: datetime) -> Iterator[Need]:
    """Those on sale that are full, or close soon, of events that still sell."""
    is_full = Q(pool__capacity__lte=F("pool__held") + F("pool__sold"))
    closes_soon = Q(closes_at__lte=now + CLOSES_WITHIN)
    event = "ticket_type__event__"
    rows: Any = (
        Release.objects.published()
        .filter(
            is_full | closes_soon,
            Q(opens_at=None) | Q(opens_at__lte=now),
            Q(closes_at=None) | Q(closes_at__gt=now),
            ticket_type__event__status__in=[EventStatus.PUBLISHED, EventStatus.STARTED],
            ticket_type__event__ends_at__gt=now,
        )
        .values(
            "name",
            "code",
            "closes_at",
            "ticket_type__name",
            "pool__capacity",
            "pool__held",
            "pool__sold",
            f"{event}name",
            f"{event}slug",
            f"{event}time_zone",
        )
        .order_by("id")
    )
    for row in rows:
        capacity = row["pool__capacity"]
        full = capacity is not None and capacity <= row["pool__held"] + row["pool__sold"]
        yield _grouped(
            NeedKind.RELEASE_SOLD_OUT if full else NeedKind.RELEASE_CLOSES,
            row,
            event,
            at=None if full else row["closes_at"],
            release_name=f"{row['ticket_type__name']} · {row['name']}",
            release_code=row["code"],
        )


def _grouped(kind: NeedKind, row: dict[str, Any], prefix: str, **facts: Any) -> Need:
    return Need(
        kind, row[f"{prefix}name"], row[f"{prefix}slug"], row[f"{prefix}time_zone"], **facts
    )
