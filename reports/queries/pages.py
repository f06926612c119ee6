"""Home and the event overview: one query function per page."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from accounts.models import Organiser
from checkin.queries import DoorCount, door_count
from events.models import Event, EventStatus
from events.readiness import Item, checklist
from orders.models import Order
from payouts.queries import pending_balance
from reports.queries.action_items import Need, needs_of
from reports.queries.series import tickets_by_event
from ticketing.models import CapacityPool
from tiqqo.core import clock
from tiqqo.core.money import Money


@dataclass(frozen=True, slots=True)
class Sales:
    """What an event has sold. `invoiced` is ordered by invoice and not paid yet."""

    orders: int
    tickets: int
    revenue: Money
    invoiced: Money
    held: int
    sold: int
    capacity: int | None


def sales_of(event: Event) -> Sales:
    settled = Q(status__in=["PAID", "FREE"])
    waiting = Q(status="OFFLINE_PENDING")
    sums = (
        Order.objects.confirmed()
        .filter(event=event)
        .aggregate(
            orders=Count("pk"),
            tickets=Sum("quantity"),
            revenue=Sum("total_minor", filter=settled),
            invoiced=Sum("total_minor", filter=waiting),
        )
    )
    pool = CapacityPool.objects.filter(event=event, ticket_type=None, release=None).first()
    return Sales(
        orders=sums["orders"],
        tickets=sums["tickets"] or 0,
        revenue=Money(sums["revenue"] or 0, event.currency),
        invoiced=Money(sums["invoiced"] or 0, event.currency),
        held=pool.held if pool else 0,
        sold=pool.sold if pool else 0,
        capacity=pool.capacity if pool else None,
    )


@dataclass(frozen=True, slots=True)
class Overview:
    """The event's overview: set-up until it is published, then live numbers."""

    event: Event
    steps: list[Item]
    sales: Sales
    door: DoorCount
    latest: list[Order]

    @property
    def is_ready(self) -> bool:
        return all(step.is_done for step in self.steps if step.is_blocking)


def overview_of(event: Event) -> Overview:
    return Overview(
        event=event,
        steps=checklist(event),
        sales=sales_of(event),
        door=door_count(event),
        latest=list(
            Order.objects.with_stage().filter(event=event).order_by("-placed_at", "-id")[:8]
        ),
    )


@dataclass(frozen=True, slots=True)
class NextEvent:
    """`course` is tickets per day of the last two weeks."""

    event: Event
    sold: int
    capacity: int | None
    course: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """What an organiser sees first: what needs them, what comes, what was just sold."""

    upcoming: list[NextEvent]
    drafts: list[Event]
    latest: list[Order]
    pending: Money
    needs: list[Need]

    @property
    def is_new(self) -> bool:
        return not (self.upcoming or self.drafts or self.latest)


def home_of(organiser: Organiser) -> Home:
    now = clock.now()
    events = list(Event.objects.upcoming(now).select_related("organiser")[:6])
    pools: dict[int, Any] = {
        pool.event_id: pool
        for pool in CapacityPool.objects.filter(event__in=events, ticket_type=None, release=None)
    }
    courses = tickets_by_event(events)
    return Home(
        upcoming=[
            NextEvent(
                event,
                pools[event.pk].sold if event.pk in pools else 0,
                pools[event.pk].capacity if event.pk in pools else None,
                courses[event.pk],
            )
            for event in events
        ],
        drafts=list(Event.objects.filter(status=EventStatus.DRAFT).order_by("-created_at")[:6]),
        latest=list(
            Order.objects.with_stage()
            .select_related("event")
            .filter(confirmed_at__isnull=False)
            .order_by("-placed_at", "-id")[:8]
        ),
        pending=pending_balance(organiser.currency),
        needs=needs_of(),
    )
