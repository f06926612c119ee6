"""Reads of ticketing, shaped for the shop, the tickets page and the recount."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from events.models import Event
from events.readiness import Item as ChecklistItem
from ticketing.models import CapacityPool, Release, Reservation, ReservationLine, TicketType
from ticketing.pricing import Item, Quote, Terms, quote
from tiqqo.core.money import Money

FEW_LEFT = 20
_BY_WEIGHT = ("on_sale", "scheduled", "paused", "sold_out", "ended")


def terms_of(event: Event) -> Terms:
    """The terms that a sale of this moment freezes."""
    return Terms(
        currency=event.currency,
        tax_name=event.tax_name,
        tax_rate_bp=event.tax_rate_bp,
        prices_include_tax=event.prices_include_tax,
        fee_payer=event.fee_payer,
        fee_fixed_minor=settings.SERVICE_FEE_FIXED_MINOR,
        fee_rate_bp=settings.SERVICE_FEE_RATE_BP,
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


def line_name(ticket_name: str, release_name: str) -> str:
    """What a buyer reads: a release that is just called as its type is not said twice."""
    return ticket_name if ticket_name == release_name else f"{ticket_name} · {release_name}"


def quote_of(reservation: Reservation, lines: Iterable[ReservationLine]) -> Quote:
    """What the hold costs, by its frozen prices and terms."""
    items = [
        Item(line_name(line.ticket_name, line.release_name), line.quantity, line.unit_price_minor)
        for line in lines
    ]
    return quote(items, frozen_terms(reservation))


@dataclass(frozen=True, slots=True)
class Offer:
    """A row of the shop: a ticket type through the release that counts now.

    `state` is on_sale, scheduled, sold_out, ended or paused; `price` is all a buyer pays for one.
    """

    ticket_type: TicketType
    release: Release
    state: str
    price: Money
    base_price: Money
    tax: Money
    fee: Money
    left: int | None
    limit: int

    @property
    def is_on_sale(self) -> bool:
        return self.state == "on_sale"

    @property
    def is_free(self) -> bool:
        return self.price.minor == 0

    @property
    def few_left(self) -> bool:
        return self.left is not None and 0 < self.left <= FEW_LEFT


def offers(event: Event, *, at: datetime) -> list[Offer]:
    """What the shop shows, in the organiser's order. Two queries."""
    return offers_of([event], at=at)[event.pk]


def offers_of(events: Sequence[Event], *, at: datetime) -> dict[int, list[Offer]]:
    """The offers of several events by event id; two queries however many there are."""
    releases = defaultdict(list)
    for release in (
        Release.objects.published()
        .select_related("ticket_type")
        .filter(ticket_type__event__in=events)
        .chronologically()
    ):
        releases[release.ticket_type.event_id].append(release)
    pools = defaultdict(list)
    for pool in CapacityPool.objects.filter(event__in=events):
        pools[pool.event_id].append(pool)
    return {event.pk: _offers(event, releases[event.pk], pools[event.pk], at) for event in events}


def _offers(
    event: Event, releases: list[Release], pools: list[CapacityPool], at: datetime
) -> list[Offer]:
    of_event = next((p for p in pools if not p.ticket_type_id and not p.release_id), None)
    of_type = {p.ticket_type_id: p for p in pools if p.ticket_type_id}
    of_release = {p.release_id: p for p in pools if p.release_id}

    rows: dict[int, list[tuple[Release, int | None]]] = {}
    for release in releases:
        limits = [of_event, of_type.get(release.ticket_type_id), of_release.get(release.pk)]
        free = [pool.free for pool in limits if pool is not None and pool.free is not None]
        rows.setdefault(release.ticket_type_id, []).append((release, min(free, default=None)))
    return [_offer(event, choices, at) for choices in rows.values()]


@dataclass(frozen=True, slots=True)
class Listing:
    """An event as a list shows it: what tickets cost that are on sale, and how sales stand.

    `state` is that of an offer, or announced where nothing is on offer yet.
    """

    event: Event
    state: str
    lowest: Money | None
    highest: Money | None
    few_left: bool

    @property
    def is_range(self) -> bool:
        return self.lowest != self.highest


def listings(events: Sequence[Event], *, at: datetime) -> list[Listing]:
    """Two queries however many events there are."""
    found = offers_of(events, at=at)
    return [_listing(event, found[event.pk]) for event in events]


def _listing(event: Event, rows: list[Offer]) -> Listing:
    open_rows = [row for row in rows if row.is_on_sale]
    states = [row.state for row in rows]
    state = next((s for s in _BY_WEIGHT if s in states), "announced")
    prices = sorted({row.price.minor for row in open_rows})
    return Listing(
        event=event,
        state=state,
        lowest=Money(prices[0], event.currency) if prices else None,
        highest=Money(prices[-1], event.currency) if prices else None,
        few_left=bool(open_rows) and all(row.few_left for row in open_rows),
    )


def _offer(event: Event, choices: list[tuple[Release, int | None]], at: datetime) -> Offer:
    release, left, state = _that_counts(choices, at)
    if state == "on_sale" and event.sales_paused_at is not None:
        state = "paused"
    elif state in ("on_sale", "scheduled") and not event.sells(at=at):
        state = "paused" if event.sales_paused_at else "ended"
    priced = quote([Item("", 1, release.price_minor)], terms_of(event))
    limit = min(
        event.per_order_limit,
        release.ticket_type.per_order_limit or event.per_order_limit,
        event.per_order_limit if left is None else left,
    )
    return Offer(
        ticket_type=release.ticket_type,
        release=release,
        state=state,
        price=priced.total,
        base_price=Money(release.price_minor, event.currency),
        tax=Money(priced.tax_minor, event.currency),
        fee=Money(priced.buyer_fee_minor, event.currency),
        left=left,
        limit=max(limit, 0),
    )


def _that_counts(
    choices: list[tuple[Release, int | None]], at: datetime
) -> tuple[Release, int | None, str]:
    """The first open release with stock, else what explains best why there is none."""
    opened = [(r, left) for r, left in choices if r.is_open(at=at)]
    for release, left in opened:
        if left is None or left > 0:
            return release, left, "on_sale"
    for release, left in choices:
        if release.opens_at and release.opens_at > at:
            return release, left, "scheduled"
    if opened:
        return opened[-1][0], 0, "sold_out"
    return choices[-1][0], choices[-1][1], "ended"


def has_tickets(event: Event) -> ChecklistItem:
    """Checklist: at least one type can be bought through a published release."""
    count = (
        Release.objects.published()
        .filter(ticket_type__event=event)
        .values("ticket_type_id")
        .distinct()
        .count()
    )
    return ChecklistItem(
        code="tickets",
        title=_("Add a ticket type with a published release"),
        hint=_("%(count)s on offer.") % {"count": count}
        if count
        else _("A release is a sales window with a price."),
        page="ticketing:tickets",
        is_done=count > 0,
    )


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    release: Release
    pool: CapacityPool
    state: str
    price: Money


@dataclass(frozen=True, slots=True)
class TypeRow:
    ticket_type: TicketType
    pool: CapacityPool
    releases: list[ReleaseRow]


@dataclass(frozen=True, slots=True)
class TicketBoard:
    """The tickets page: every type with its releases and stock. Three queries."""

    event_pool: CapacityPool | None
    types: list[TypeRow]


def ticket_board(event: Event, *, at: datetime) -> TicketBoard:
    pools = list(CapacityPool.objects.filter(event=event))
    releases = list(
        Release.objects.select_related("ticket_type")
        .filter(ticket_type__event=event)
        .chronologically()
    )
    of_type = {p.ticket_type_id: p for p in pools if p.ticket_type_id}
    of_release = {p.release_id: p for p in pools if p.release_id}
    types = TicketType.objects.filter(event=event).order_by("position", "id")
    return TicketBoard(
        event_pool=next((p for p in pools if not p.ticket_type_id and not p.release_id), None),
        types=[
            TypeRow(
                ticket_type,
                of_type[ticket_type.pk],
                [
                    ReleaseRow(
                        release,
                        of_release[release.pk],
                        release_state(release, of_release[release.pk], at=at),
                        Money(release.price_minor, event.currency),
                    )
                    for release in releases
                    if release.ticket_type_id == ticket_type.pk
                ],
            )
            for ticket_type in types
        ],
    )


def release_state(release: Release, pool: CapacityPool, *, at: datetime) -> str:
    """draft, scheduled, closed, sold_out or on_sale."""
    if release.published_at is None:
        return "draft"
    if release.opens_at and at < release.opens_at:
        return "scheduled"
    if release.closes_at and release.closes_at <= at:
        return "closed"
    return "sold_out" if pool.free is not None and pool.free <= 0 else "on_sale"


@dataclass(frozen=True, slots=True)
class PoolCount:
    """One pool: what its counters say, and what the rows say."""

    pool_id: int
    event_id: int
    organiser_id: int
    label: str
    capacity: int | None
    held: int
    sold: int
    rows_held: int
    rows_sold: int

    @property
    def differs(self) -> bool:
        return (self.held, self.sold) != (self.rows_held, self.rows_sold)


_RECOUNT = """
SELECT pool.id, pool.event_id, pool.organiser_id,
       concat_ws(' · ', event.name, coalesce(type.name, release_type.name), release.name),
       pool.capacity, pool.held, pool.sold, coalesce(r.held, 0), coalesce(r.sold, 0)
  FROM ticketing_capacitypool pool
  JOIN events_event event ON event.id = pool.event_id
  LEFT JOIN ticketing_tickettype type ON type.id = pool.ticket_type_id
  LEFT JOIN ticketing_release release ON release.id = pool.release_id
  LEFT JOIN ticketing_tickettype release_type ON release_type.id = release.ticket_type_id
  LEFT JOIN (
        SELECT pool_id,
               sum(line.quantity) FILTER (WHERE reservation.status = 'PENDING') AS held,
               sum(line.quantity) FILTER (WHERE reservation.status = 'CONFIRMED') AS sold
          FROM ticketing_reservationline line
          JOIN ticketing_reservation reservation ON reservation.id = line.reservation_id
         CROSS JOIN unnest(line.pool_ids) AS pool_id
         GROUP BY pool_id) r ON r.pool_id = pool.id
 WHERE %(event)s::bigint IS NULL OR pool.event_id = %(event)s
 ORDER BY pool.event_id, pool.id
"""


def recount(event: Event | None = None) -> list[PoolCount]:
    """Every pool in scope, counted again from the reservations' rows in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, {"event": event.pk if event else None})
        return [PoolCount(*row) for row in cursor.fetchall()]


def reservation_by_secret(secret: str) -> Reservation | None:
    reservation: Reservation | None = (
        Reservation.objects.select_related("event__organiser").filter(secret=secret).first()
    )
    return reservation


def lines_of(reservation: Reservation) -> list[ReservationLine]:
    return list(ReservationLine.objects.filter(reservation=reservation).order_by("id"))
