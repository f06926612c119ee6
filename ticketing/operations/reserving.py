"""Holds: made, extended, confirmed, expired, canceled."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from events.models import Event
from ticketing import stock
from ticketing.errors import (
    AlreadyExtended,
    NothingSelected,
    NotOnSale,
    ReservationOver,
    SalesClosed,
    SalesPaused,
    SoldOut,
    TooManyTickets,
)
from ticketing.locks import lock_reservation, lock_reservation_row
from ticketing.models import (
    CapacityPool,
    Release,
    Reservation,
    ReservationLine,
    ReservationStatus,
)
from tiqqo.core import clock

SWEEP_BATCH = 200


class _NoRoom(Exception):
    def __init__(self, pool_ids: set[int]) -> None:
        self.pool_ids = pool_ids


def reserve_tickets(event: Event, *, selection: Mapping[str, int]) -> Reservation:
    """The selection (release code → quantity) is held for the event's `hold_minutes`.

    The buyer pays the prices of this moment, whatever changes later. If a pool looks full, expired
    holds on it are reclaimed first, so a sale never waits for the sweeper.
    Raises NothingSelected, TooManyTickets, NotOnSale, SalesPaused, SalesClosed, SoldOut.
    """
    wanted = {code: quantity for code, quantity in selection.items() if quantity > 0}
    now = clock.now()
    _refuse_selection(event, wanted, now)
    releases = {
        release.code: release
        for release in Release.objects.select_related("ticket_type").filter(
            code__in=wanted, ticket_type__event=event
        )
    }
    _refuse_releases(releases, wanted, now)
    pools = _pools_of(event, list(releases.values()))
    try:
        return _hold(event, releases, wanted, pools, now)
    except _NoRoom as full:
        reclaim_overdue(full.pool_ids, at=now)
    try:
        return _hold(event, releases, wanted, pools, now)
    except _NoRoom as full:
        raise _sold_out(full.pool_ids, sum(wanted.values())) from None


def _refuse_selection(event: Event, wanted: Mapping[str, int], now: datetime) -> None:
    if not wanted:
        raise NothingSelected
    if sum(wanted.values()) > event.per_order_limit:
        raise TooManyTickets(limit=event.per_order_limit)
    if event.sales_paused_at is not None:
        raise SalesPaused
    if not event.sells(at=now):
        raise SalesClosed


def _refuse_releases(
    releases: Mapping[str, Release], wanted: Mapping[str, int], now: datetime
) -> None:
    per_type: dict[int, int] = {}
    for code, quantity in wanted.items():
        release = releases.get(code)
        if release is None or not release.is_open(at=now):
            raise NotOnSale(subject=release.ticket_type.name if release else _("A chosen ticket"))
        ticket_type = release.ticket_type
        per_type[ticket_type.pk] = per_type.get(ticket_type.pk, 0) + quantity
        limit = ticket_type.per_order_limit
        if limit is not None and per_type[ticket_type.pk] > limit:
            raise TooManyTickets(limit=limit, subject=ticket_type.name)


def _pools_of(event: Event, releases: list[Release]) -> dict[int, list[int]]:
    """For each release, the pools a sale of it draws on: of the event, its type, itself."""
    rows = CapacityPool.objects.filter(event=event).values_list(
        "id", "ticket_type_id", "release_id"
    )
    pools: dict[int, list[int]] = {release.pk: [] for release in releases}
    for pool_id, type_id, release_id in rows:
        for release in releases:
            of_event = type_id is None and release_id is None
            if of_event or type_id == release.ticket_type_id or release_id == release.pk:
                pools[release.pk].append(pool_id)
    return pools


@transaction.atomic
def _hold(
    event: Event,
    releases: Mapping[str, Release],
    wanted: Mapping[str, int],
    pools: Mapping[int, list[int]],
    now: datetime,
) -> Reservation:
    reservation: Reservation = Reservation.objects.create(
        event=event,
        created_at=now,
        expires_at=now + timedelta(minutes=event.hold_minutes),
        currency=event.currency,
        tax_name=event.tax_name,
        tax_rate_bp=event.tax_rate_bp,
        prices_include_tax=event.prices_include_tax,
        fee_payer=event.fee_payer,
        fee_fixed_minor=settings.SERVICE_FEE_FIXED_MINOR,
        fee_rate_bp=settings.SERVICE_FEE_RATE_BP,
    )
    lines = ReservationLine.objects.bulk_create(
        ReservationLine(
            reservation=reservation,
            ticket_type=releases[code].ticket_type,
            release=releases[code],
            quantity=quantity,
            ticket_name=releases[code].ticket_type.name,
            release_name=releases[code].name,
            unit_price_minor=releases[code].price_minor,
            pool_ids=pools[releases[code].pk],
        )
        for code, quantity in wanted.items()
    )
    full = stock.hold(stock.draws_of(lines))
    if full:
        raise _NoRoom(full)
    return reservation


def _sold_out(pool_ids: set[int], requested: int) -> SoldOut:
    """Name the tightest pool that refused."""
    pools = stock.pools_by_id(pool_ids).values()
    pool = min(pools, key=lambda pool: pool.free if pool.free is not None else 0)
    return SoldOut(subject=str(pool.subject), requested=requested, available=pool.free or 0)


def _end(reservation: Reservation, lines: list[ReservationLine], status: ReservationStatus) -> None:
    reservation.status, reservation.ended_at = status, clock.now()
    reservation.save(update_fields=["status", "ended_at"])
    stock.release(stock.draws_of(lines))


@transaction.atomic
def reclaim_overdue(pool_ids: set[int], *, at: datetime) -> int:
    """Overdue holds on these pools are EXPIRED and their places free; the number of holds.

    Holds with a payment in flight are left to the sweeper, which asks the provider first.
    """
    overdue = (
        Reservation.objects.overdue(at)
        .without_payment_in_flight()
        .filter(lines__pool_ids__overlap=list(pool_ids))
    )
    return _expire(list(overdue.values_list("pk", flat=True)[:SWEEP_BATCH]))


@transaction.atomic
def expire_reservations(*, at: datetime) -> int:
    """A batch of overdue holds without a payment in flight is EXPIRED; the number of holds."""
    overdue = Reservation.objects.overdue(at).without_payment_in_flight()
    return _expire(list(overdue.order_by("expires_at").values_list("pk", flat=True)[:SWEEP_BATCH]))


def _expire(candidate_ids: list[int]) -> int:
    """Those candidates that nobody else is busy with and that are still overdue end now."""
    now = clock.now()
    locked = list(
        Reservation.objects.overdue(now)
        .without_payment_in_flight()
        .filter(pk__in=candidate_ids)
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if not locked:
        return 0
    Reservation.objects.filter(pk__in=locked).update(status=ReservationStatus.EXPIRED, ended_at=now)
    lines = ReservationLine.objects.filter(reservation__in=locked)
    stock.release(stock.draws_of(lines))
    return len(locked)


@transaction.atomic
def extend_reservation(reservation: Reservation) -> Reservation:
    """The hold lasts as long again from now, once. Raises ReservationOver, AlreadyExtended."""
    reservation = lock_reservation_row(reservation.pk)
    now = clock.now()
    if not reservation.is_live(at=now):
        raise ReservationOver
    if reservation.extended_at is not None:
        raise AlreadyExtended
    reservation.extended_at = now
    reservation.expires_at = now + timedelta(minutes=reservation.event.hold_minutes)
    reservation.save(update_fields=["extended_at", "expires_at"])
    return reservation


@transaction.atomic
def mark_payment_started(reservation: Reservation, *, until: datetime) -> None:
    """Nobody lets this hold go without asking the provider; it lasts until the payment page closes.

    Raises ReservationOver.
    """
    reservation = lock_reservation_row(reservation.pk)
    now = clock.now()
    if not reservation.is_live(at=now):
        raise ReservationOver
    reservation.payment_started_at = now
    reservation.expires_at = max(reservation.expires_at, until)
    reservation.save(update_fields=["payment_started_at", "expires_at"])


def release_payment(reservation: Reservation) -> None:
    """No payment is in flight any more: the hold may expire like any other."""
    Reservation.objects.filter(pk=reservation.pk).update(payment_started_at=None)


@transaction.atomic
def confirm_reservation(reservation: Reservation) -> None:
    """The held places are sold. Call it last in the transaction: it takes the hot rows.

    A hold that is overdue but not yet swept still counts. Raises ReservationOver.
    """
    reservation, lines = lock_reservation(reservation.pk)
    if reservation.status != ReservationStatus.PENDING:
        raise ReservationOver
    reservation.status, reservation.payment_started_at = ReservationStatus.CONFIRMED, None
    reservation.save(update_fields=["status", "payment_started_at"])
    stock.confirm(stock.draws_of(lines))


@transaction.atomic
def reacquire_reservation(reservation: Reservation) -> None:
    """Places that were let go are bought after all, if they are still there: late money's first hope.

    Raises SoldOut, and ReservationOver when it is not an expired or canceled one.
    """
    reservation, lines = lock_reservation(reservation.pk)
    if reservation.status not in (ReservationStatus.EXPIRED, ReservationStatus.CANCELED):
        raise ReservationOver
    full = stock.sell(stock.draws_of(lines))
    if full:
        raise _sold_out(full, sum(line.quantity for line in lines))
    reservation.status, reservation.ended_at = ReservationStatus.CONFIRMED, None
    reservation.payment_started_at = None
    reservation.save(update_fields=["status", "ended_at", "payment_started_at"])


@transaction.atomic
def expire_reservation(reservation: Reservation) -> None:
    """This hold is EXPIRED, now. For the one whose payment page was closed first. Twice is harmless."""
    reservation, lines = lock_reservation(reservation.pk)
    if reservation.status == ReservationStatus.PENDING:
        _end(reservation, lines, ReservationStatus.EXPIRED)


@transaction.atomic
def cancel_reservation(reservation: Reservation, *, manually: bool) -> None:
    """The places are free at once. Manually: by buyer or organiser; otherwise because payment failed.

    Twice is harmless. Raises ReservationOver for an expired one.
    """
    reservation, lines = lock_reservation(reservation.pk)
    status = ReservationStatus.CANCELED_MANUALLY if manually else ReservationStatus.CANCELED
    if reservation.status == ReservationStatus.PENDING:
        _end(reservation, lines, status)
    elif reservation.status == ReservationStatus.CONFIRMED and manually:
        reservation.status, reservation.ended_at = status, clock.now()
        reservation.save(update_fields=["status", "ended_at"])
        stock.give_back(stock.draws_of(lines))
    elif reservation.status == ReservationStatus.EXPIRED:
        raise ReservationOver
