"""Holds: made, changed, extended, confirmed, expired, canceled."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from events.models import Event
from ticketing import stock
from ticketing.card_amounts import refuse_unpayable
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.codes import Claim, claim_of, ended_at, normalised, unlocked_by
from ticketing.errors import (
    AlreadyExtended,
    CodeUsedByYou,
    CodeUsedUp,
    NotOnSale,
    PaymentUnderWay,
    ReservationOver,
    SoldOut,
    TooManyForOnePerson,
)
from ticketing.locks import lock_buyer, lock_reservation, lock_reservation_row
from ticketing.models import (
    Allocation,
    CapacityPool,
    Code,
    Reservation,
    ReservationLine,
    ReservationStatus,
)
from ticketing.operations.returning import return_due_to
from ticketing.pricing import Terms
from ticketing.queries import counts_of, frozen_terms, lines_of, tickets_bought_by, uses_by
from ticketing.selling import (
    NOTHING_KEPT,
    Choice,
    Kept,
    Key,
    SalePlan,
    Selection,
    as_choices,
    chain_pools,
    kept_prices,
    line_name,
    plan_sale,
    quote_lines,
    terms_of,
    units_of,
)
from ticketing.shares import Asker, refuse_more_than_share
from tiqqo.core import clock
from tiqqo.core.compiled import Compiled, Insert, Param
from tiqqo.ui.dates import words_for

SWEEP_BATCH = 200

_INSERT_HOLD, _INSERT_LINES = Insert(Reservation), Insert(ReservationLine)
_OVERDUE = Compiled(
    Reservation,
    lambda rows: (
        rows.overdue(Param("at"))  # type: ignore[attr-defined]
        .without_payment_in_flight()
        .filter(lines__pool_ids__overlap=Param("pools"))[:1]
    ),
)


class _NoRoom(Exception):
    def __init__(self, pool_ids: set[int]) -> None:
        self.pool_ids = pool_ids


class _NoUse(Exception):
    """The code's uses are all taken, some perhaps by holds that are overdue."""


class _ChangedMeanwhile(Exception):
    """What the hold has is not what the plan was made for: somebody changed it a moment ago."""


# Beyond one extension a hold lasts for so long while its buyer pays, in whatever number of tries.
TIME_FOR_PAYING = timedelta(minutes=20)


def reserve_tickets(
    event: Event,
    *,
    selection: Selection,
    code: str = "",
    is_buyer: bool = False,
    asker: Asker | None = None,
) -> Reservation:
    """The selection (release code → quantity, or choices) is held for the event's `hold_minutes`.

    The buyer pays the prices and discounts of this moment, whatever changes later. If a pool or the
    code looks used up, expired holds on it are reclaimed first, so a sale never waits for the sweeper.
    `is_buyer` is somebody who will pay as the shop offers it; `asker` may hold a share of the places.
    Raises NothingSelected, TooManyTickets, TooFewTickets, NotOnSale, SalesPaused, SalesClosed,
    SoldOut, OptionMissing, SlotMissing, SlotClosed, PriceTooLow, PriceTooHigh, CodeRefused,
    TooLittleForCard, TooMuchForCard, TooManyHeld, ProofNeeded.
    """
    now = clock.now()
    plan = _plan(event, as_choices(selection), code, now)
    if is_buyer:
        refuse_unpayable(event, quote_lines(plan.lines, terms_of(event), plan.applied).total)
    _refuse_at_a_glance(event, plan, now)
    expires_at = now + timedelta(minutes=event.hold_minutes)
    # Never where the transaction does more, such as placing an order.
    alone = settings.HOLDS_ARE_FORGETTABLE and not connection.in_atomic_block
    return _trying_again(
        event,
        plan,
        now,
        lambda: _hold(event, plan, now, expires_at, is_forgettable=alone, asker=asker),
    )


def offer_tickets(event: Event, *, selection: Selection, lasts: timedelta) -> Reservation:
    """The selection is held for somebody in the waitlist's line, who was promised it for so long.

    Places that the line waits for are theirs to have. Raises as `reserve_tickets`.
    """
    now = clock.now()
    plan = _plan(event, as_choices(selection), "", now, from_line=True)
    return _trying_again(
        event, plan, now, lambda: _hold(event, plan, now, now + lasts, from_line=True)
    )


def change_reservation(
    reservation: Reservation,
    *,
    selection: Selection,
    code: str = "",
    asker: Asker | None = None,
) -> Reservation:
    """The hold is for the new selection and lasts as long as before; nothing is let go in between.

    What stays in it keeps the price and the terms it was held at. Where there is more in it than
    before, tax and fee are those of this moment, and what rose in price is refused. What only the code
    opened does not stay without it.
    Raises as `reserve_tickets`, and then nothing has changed; also PriceRose, ReservationOver,
    PaymentUnderWay.
    """
    choices = as_choices(selection)
    while True:
        now = clock.now()
        kept, had = kept_prices(lines_of(reservation)), _code_of(reservation)
        stays = kept if had is None else _without_opened_by(had, kept, reservation.event, code)
        plan = _plan(reservation.event, choices, code, now, kept=stays)
        terms = terms_of(reservation.event) if plan.has_more else frozen_terms(reservation)
        total = quote_lines(plan.lines, terms, plan.applied).total
        refuse_unpayable(reservation.event, total)
        change = partial(_change, reservation, plan, now, asker, kept=kept, had=had)
        try:
            return _trying_again(reservation.event, plan, now, change)
        except _ChangedMeanwhile:
            continue


def _code_of(reservation: Reservation) -> Code | None:
    code: Code | None = Code.objects.filter(reservations=reservation.pk).first()
    return code


def _without_opened_by(
    had: Code, kept: Mapping[Key, Kept], event: Event, code: str
) -> Mapping[Key, Kept]:
    """What stays in a hold that had a code and now asks with this one: its use goes back to others, so
    hidden tickets that it opened go with it."""
    if normalised(code) == had.text:
        return kept
    catalogue = catalogue_of(event)
    unlocked = unlocked_by(had, catalogue)
    opened = {
        release.pk
        for release in catalogue.releases
        if (release.hidden_at or release.ticket_type.hidden_at) and unlocked.opens(release)
    }
    return {key: has for key, has in kept.items() if key[0] not in opened}


def _plan(
    event: Event,
    choices: list[Choice],
    code: str,
    now: datetime,
    *,
    from_line: bool = False,
    kept: Mapping[Key, Kept] = NOTHING_KEPT,
) -> SalePlan:
    catalogue: Catalogue = catalogue_of(event)
    before = chain_pools(catalogue, choices)
    return plan_sale(
        event,
        catalogue,
        choices,
        counts_of(event, before) if before else {},
        at=now,
        claim=claim_of(event, catalogue, code, at=now),
        from_line=from_line,
        kept=kept,
    )


def _trying_again(
    event: Event, plan: SalePlan, now: datetime, hold: Callable[[], Reservation]
) -> Reservation:
    """Once more, after what is overdue has been reclaimed."""
    try:
        return hold()
    except _NoRoom as full:
        _note_full(full.pool_ids)
        _reclaim(event, full.pool_ids, now)
    except _NoUse:
        reclaim_overdue_uses(_claimed(plan).code.pk, at=now)
    try:
        return hold()
    except _NoRoom as full:
        raise _sold_out(full.pool_ids, sum(line.places for line in plan.lines)) from None
    except _NoUse:
        raise CodeUsedUp(text=_claimed(plan).code.text) from None


# When a pool was last seen without room by this process. It says where to look before taking, no more.
_seen_full: dict[int, float] = {}
LOOK_FIRST_SECONDS = 2.0
MOST_SEEN = 10_000


def _note_full(pool_ids: Iterable[int]) -> None:
    if len(_seen_full) > MOST_SEEN:
        forget_full_pools()
    _seen_full.update(dict.fromkeys(pool_ids, time.monotonic()))


def forget_full_pools() -> None:
    """The next hold is tried without a look before."""
    _seen_full.clear()


def _refuse_at_a_glance(event: Event, plan: SalePlan, now: datetime) -> None:
    """Where there was no room a moment ago, a look at the counters comes before the attempt: of a
    crowd at a sold-out event, everybody would write a hold only to take it back. Raises SoldOut.
    """
    pool_places = stock.pool_places_of(plan.lines)
    lately = time.monotonic() - LOOK_FIRST_SECONDS
    if not any(_seen_full.get(pool, float("-inf")) > lately for pool in pool_places):
        return
    short = stock.short_of(pool_places)
    if not short:
        return
    pool_ids = set(short)
    over = _ended_allocations(event, pool_ids, now)
    if over or _OVERDUE.first(at=now, pools=list(pool_ids)):
        return  # Reclaiming may help.
    _note_full(pool_ids)
    tightest = min(short, key=lambda pool: short[pool])
    raise _sold_out({tightest}, sum(line.places for line in plan.lines))


def _reclaim(event: Event, pool_ids: set[int], now: datetime) -> None:
    """Overdue holds, and what partners had until now, are on sale again."""
    over = _ended_allocations(event, pool_ids, now)
    pools = catalogue_of(event).pools
    of_partners = {pools.allocations[allocation.pk] for allocation in over}
    reclaim_overdue(pool_ids | of_partners, at=now)
    return_due_to(over, at=now)


def _ended_allocations(event: Event, pool_ids: set[int], now: datetime) -> list[Allocation]:
    """Those whose places belong to these pools again, although nobody has returned them yet."""
    return [
        allocation
        for allocation in catalogue_of(event).allocations.values()
        if ended_at(allocation, at=now) and not pool_ids.isdisjoint(allocation.from_pool_ids)
    ]


def _claimed(plan: SalePlan) -> Claim:
    assert plan.claim is not None
    return plan.claim


@transaction.atomic
def _hold(
    event: Event,
    plan: SalePlan,
    now: datetime,
    expires_at: datetime,
    *,
    from_line: bool = False,
    is_forgettable: bool = False,
    asker: Asker | None = None,
) -> Reservation:
    if asker is not None:
        pool_places = stock.pool_places_of(plan.lines)
        refuse_more_than_share(event, catalogue_of(event), pool_places, asker, at=now)
    reservation = Reservation(
        event=event,
        created_at=now,
        expires_at=expires_at,
        ends_by=expires_at + timedelta(minutes=event.hold_minutes) + TIME_FOR_PAYING,
        client=asker.client if asker else "",
        network=asker.network if asker else "",
        code=plan.claim.code if plan.claim else None,
        discounts=plan.discounts,
    )
    _freeze(reservation, terms_of(event))
    _INSERT_HOLD([reservation])
    lines = _write_lines(reservation, plan.lines)
    if plan.claim and not stock.claim_code(plan.claim.code.pk):
        raise _NoUse
    full = stock.hold(
        stock.pool_places_of(lines), from_line=from_line, is_forgettable=is_forgettable
    )
    if full:
        raise _NoRoom(full)
    return reservation


def _freeze(reservation: Reservation, terms: Terms) -> list[str]:
    """The hold has these terms, which its caller saves: the names of the fields."""
    for field in terms.__slots__:
        setattr(reservation, field, getattr(terms, field))
    return list(terms.__slots__)


def _write_lines(
    reservation: Reservation, planned: Iterable[ReservationLine]
) -> list[ReservationLine]:
    lines = list(planned)
    for line in lines:
        line.pk, line.reservation = None, reservation
    return _INSERT_LINES(lines)


@transaction.atomic
def _change(
    held: Reservation,
    plan: SalePlan,
    now: datetime,
    asker: Asker | None,
    *,
    kept: Mapping[Key, Kept],
    had: Code | None,
) -> Reservation:
    if asker is not None:
        event, pool_places = held.event, stock.pool_places_of(plan.lines)
        refuse_more_than_share(
            event, catalogue_of(event), pool_places, asker, at=now, but_for=held.pk
        )
    reservation, before = lock_reservation(held.pk)
    if not reservation.is_live(at=now):
        raise ReservationOver
    if reservation.payment_started_at is not None:
        raise PaymentUnderWay
    had_id = had.pk if had else None
    if kept_prices(before) != kept or reservation.code_id != had_id:
        raise _ChangedMeanwhile
    ReservationLine.objects.filter(reservation=reservation).delete()
    lines = _write_lines(reservation, plan.lines)
    has = plan.claim.code.pk if plan.claim else None
    reservation.code_id, reservation.discounts = has, plan.discounts
    changed = ["code", "discounts"]
    if asker is not None:
        # What is in it now was asked for, and counted, by whoever changes it.
        reservation.client, reservation.network = asker.client, asker.network
        changed += ["client", "network"]
    if plan.has_more:
        changed += _freeze(reservation, terms_of(held.event))
    reservation.save(update_fields=changed)
    if had_id != has:
        stock.drop_codes([had_id])
        if has is not None and not stock.claim_code(has):
            raise _NoUse
    more: Counter[int] = stock.pool_places_of(lines)
    more.subtract(stock.pool_places_of(before))
    full = stock.hold({pool: count for pool, count in more.items() if count})
    if full:
        raise _NoRoom(full)
    return reservation


def _sold_out(pool_ids: set[int], requested: int) -> SoldOut:
    """Name the tightest pool that refused."""
    pools = stock.pools_by_id(pool_ids).values()
    if not pools:  # It was deleted a moment ago.
        raise NotOnSale(subject=_("A chosen ticket"))
    pool = min(pools, key=lambda pool: pool.free_to_all or 0)
    return SoldOut(subject=_words_of(pool), requested=requested, available=pool.free_to_all or 0)


def _words_of(pool: CapacityPool) -> str:
    """What a buyer calls what is counted: a time in the event's zone, and no partner's name."""
    if pool.slot is not None:
        return words_for(pool.slot.starts_at, pool.event.time_zone, "datetime")
    if pool.release is not None:
        return line_name(pool.release.ticket_type.name, pool.release.name)
    return str(pool.allocation.ticket_type if pool.allocation else pool.subject)


def _end(reservation: Reservation, lines: list[ReservationLine], status: ReservationStatus) -> None:
    reservation.status, reservation.ended_at = status, clock.now()
    reservation.save(update_fields=["status", "ended_at"])
    stock.drop_codes([reservation.code_id])
    stock.release(stock.pool_places_of(lines))


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
def reclaim_overdue_uses(code_id: int, *, at: datetime) -> int:
    """Overdue holds that have a use of this code are EXPIRED; the number of holds."""
    overdue = Reservation.objects.overdue(at).without_payment_in_flight().filter(code=code_id)
    return _expire(list(overdue.values_list("pk", flat=True)[:SWEEP_BATCH]))


@transaction.atomic
def expire_reservations(*, at: datetime) -> int:
    """A batch of overdue holds without a payment in flight is EXPIRED; the number of holds."""
    overdue = Reservation.objects.overdue(at).without_payment_in_flight()
    return _expire(list(overdue.order_by("expires_at").values_list("pk", flat=True)[:SWEEP_BATCH]))


def _expire(candidate_ids: list[int]) -> int:
    """Those candidates that nobody else is busy with and that are still overdue end now."""
    now = clock.now()
    found = (
        Reservation.objects.overdue(now)
        .without_payment_in_flight()
        .filter(pk__in=candidate_ids)
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("pk")
        .values_list("pk", "code_id")
    )
    codes = dict(found)
    locked = list(codes)
    if not locked:
        return 0
    Reservation.objects.filter(pk__in=locked).update(status=ReservationStatus.EXPIRED, ended_at=now)
    lines = ReservationLine.objects.filter(reservation__in=locked)
    stock.drop_codes(codes.values())
    stock.release(stock.pool_places_of(lines))
    return len(locked)


@transaction.atomic
def extend_reservation(reservation: Reservation) -> Reservation:
    """The hold lasts as long again from now, once; an offer to the line, which lasts for hours, not
    less than it did. Raises ReservationOver, AlreadyExtended."""
    reservation = lock_reservation_row(reservation.pk)
    now = clock.now()
    if not reservation.is_live(at=now):
        raise ReservationOver
    if reservation.extended_at is not None:
        raise AlreadyExtended
    reservation.extended_at = now
    again = now + timedelta(minutes=reservation.event.hold_minutes)
    reservation.expires_at = max(reservation.expires_at, _bounded(reservation, again))
    reservation.save(update_fields=["extended_at", "expires_at"])
    return reservation


def hold_until(reservation: Reservation, until: datetime) -> None:
    """The hold that was just made lasts until then: somebody was promised that long."""
    reservation.expires_at, reservation.ends_by = until, until + TIME_FOR_PAYING
    reservation.save(update_fields=["expires_at", "ends_by"])


def hold_longer(reservation: Reservation, until: datetime) -> None:
    """The hold, which is locked, lasts until then if that is later, but not beyond its bound."""
    reservation.expires_at = max(reservation.expires_at, _bounded(reservation, until))
    reservation.save(update_fields=["expires_at"])


def _bounded(reservation: Reservation, until: datetime) -> datetime:
    """As long as that, but no longer than any hold lasts."""
    return until if reservation.ends_by is None else min(until, reservation.ends_by)


@transaction.atomic
def mark_payment_started(reservation: Reservation, *, until: datetime) -> None:
    """Nobody lets this hold go without asking the provider; it lasts until the payment page closes, but
    not beyond its bound, however often somebody goes to pay.

    Raises ReservationOver.
    """
    reservation = lock_reservation_row(reservation.pk)
    now = clock.now()
    if not reservation.is_live(at=now):
        raise ReservationOver
    reservation.payment_started_at = now
    reservation.expires_at = max(reservation.expires_at, _bounded(reservation, until))
    reservation.save(update_fields=["payment_started_at", "expires_at"])


def release_payment(reservation: Reservation) -> None:
    """No payment is in flight any more: the hold may expire like any other."""
    Reservation.objects.filter(pk=reservation.pk).update(payment_started_at=None)


@transaction.atomic
def confirm_reservation(reservation: Reservation) -> None:
    """The held places are sold. Call it last in the transaction: it takes the hot rows.

    A hold that is overdue but not yet swept still counts. Raises ReservationOver.
    """
    confirm_locked(*lock_reservation(reservation.pk))


def confirm_locked(reservation: Reservation, lines: Sequence[ReservationLine]) -> None:
    """As `confirm_reservation`, for a caller that has the lock and the lines in hand."""
    if reservation.status != ReservationStatus.PENDING:
        raise ReservationOver
    reservation.status, reservation.payment_started_at = ReservationStatus.CONFIRMED, None
    reservation.save(update_fields=["status", "payment_started_at", "email_key"])
    stock.use_codes([reservation.code_id])
    stock.confirm(stock.pool_places_of(lines))


@transaction.atomic
def reacquire_reservation(reservation: Reservation) -> None:
    """Places that were let go are bought after all, if they are still there: late money's first hope.

    Raises SoldOut, and ReservationOver when it is not an expired or canceled one.
    """
    reservation, lines = lock_reservation(reservation.pk)
    if reservation.status not in (ReservationStatus.EXPIRED, ReservationStatus.CANCELED):
        raise ReservationOver
    # A code that was used up in the meantime does not cost the buyer, who paid, the tickets.
    if reservation.code_id is not None and not stock.take_code_again(reservation.code_id):
        reservation.code_id = None
    full = stock.sell(stock.pool_places_of(lines))
    if full:
        raise _sold_out(full, sum(line.places for line in lines))
    reservation.status, reservation.ended_at = ReservationStatus.CONFIRMED, None
    reservation.payment_started_at = None
    reservation.save(update_fields=["status", "ended_at", "payment_started_at", "code"])


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
        stock.return_codes([reservation.code_id])
        stock.give_back(stock.pool_places_of(lines))
    elif reservation.status == ReservationStatus.EXPIRED:
        raise ReservationOver


def note_buyer(
    reservation: Reservation,
    lines: Sequence[ReservationLine],
    *,
    email_key: str,
    is_confirmed_next: bool = False,
) -> None:
    """The hold is this e-mail address's, and within what one address may buy: of a type, through
    whichever releases, options and times, with what it bought and holds. The caller holds its
    lock; whoever buys with the same address at the same moment waits. `is_confirmed_next` leaves the
    writing to `confirm_locked`, which follows in the same transaction.

    Raises TooManyForOnePerson, CodeUsedByYou.
    """
    limited = _limited_types(reservation.event, lines)
    promotion = reservation.code.promotion if reservation.code else None
    if limited or (promotion and promotion.per_email_limit is not None):
        lock_buyer(reservation.event_id, email_key)
    if limited:
        _refuse_more_than_allowed(reservation, lines, limited, email_key)
    if promotion is not None and promotion.per_email_limit is not None:
        limit: int = promotion.per_email_limit
        if uses_by(email_key, promotion, reservation) >= limit:
            raise CodeUsedByYou(text=str(reservation.code), limit=limit)
    reservation.email_key = email_key
    if not is_confirmed_next:
        reservation.save(update_fields=["email_key"])


def _limited_types(event: Event, lines: Iterable[ReservationLine]) -> dict[int, tuple[str, int]]:
    """Name and limit of the chosen types that one e-mail address may have so many of."""
    types = catalogue_of(event).types
    return {
        type_id: (types[type_id].name, limit)
        for type_id in units_of(lines)
        if (limit := types[type_id].per_email_limit) is not None
    }


def _refuse_more_than_allowed(
    reservation: Reservation,
    lines: Iterable[ReservationLine],
    limited: Mapping[int, tuple[str, int]],
    email_key: str,
) -> None:
    bought = tickets_bought_by(email_key, reservation)
    asked = units_of(lines)
    for type_id, (name, limit) in limited.items():
        left = max(limit - bought[type_id], 0)
        if asked[type_id] > left:
            raise TooManyForOnePerson(limit=limit, left=left, subject=name)
