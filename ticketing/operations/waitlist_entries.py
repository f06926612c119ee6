"""Getting in a waitlist's line and leaving it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from events.models import Event
from people.operations import normalise_email
from ticketing import facts, stock
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.errors import (
    AlreadyInLine,
    NothingWished,
    NotSoldOut,
    NoWaitlist,
    PaymentUnderWay,
    SalesClosed,
    TooFewTickets,
    TooManyTickets,
    WaitlistClosed,
)
from ticketing.locks import lock_entries, lock_reservation_row
from ticketing.models import (
    UNDRAWN,
    ReservationStatus,
    WaitlistEntry,
    WaitlistMethod,
    WaitlistPolicy,
    WaitlistStatus,
    WaitlistWish,
)
from ticketing.operations.reserving import cancel_reservation, expire_reservation
from ticketing.queries.stock import counts_of
from ticketing.queries.waitlist import is_over, status_after, waitables, wish_words
from ticketing.waitlist_queue import Waiter, Ways, Wish, free_behind_the_queue, kept_for
from tiqqo.core import audit, clock
from tiqqo.core.audit import BUYER, Actor
from tiqqo.core.tasks import after_commit

# Whoever knows an address could make us write to it: not more often than this.
WRITES_AGAIN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who gets in line, as they wrote it themselves."""

    name: str
    email: str
    consent_text: str
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody in line stands: an id that was set aside when they asked."""

    entry_id: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A request that its owner confirmed: its secret goes on, and its place, if it was kept."""

    secret: str
    place: Place | None


def join_waitlist(
    event: Event,
    *,
    who: Newcomer,
    quantity: int,
    wishes: Sequence[Wish],
    confirmed: Confirmed | None = None,
) -> WaitlistEntry:
    """They are in line for so many tickets of any one of the wishes, the last of all unless a place was
    kept for them, and what stands in their way is kept for the line from now on.

    The caller knows that the address is theirs: `request_place` is for whoever says so.
    Raises NoWaitlist, WaitlistClosed, SalesClosed, NothingWished, NotSoldOut, TooManyTickets,
    TooFewTickets, AlreadyInLine.
    """
    policy = refuse_to_wait(event, wishes=wishes, quantity=quantity)
    end_overdue_offer(event, normalise_email(who.email))
    drawn = UNDRAWN if policy.method == WaitlistMethod.LOTTERY else 0
    return _join(
        event, catalogue_of(event), who, quantity, wishes, drawn=drawn, confirmed=confirmed
    )


def refuse_to_wait(event: Event, *, wishes: Sequence[Wish], quantity: int) -> WaitlistPolicy:
    """Raises NoWaitlist, WaitlistClosed, SalesClosed, NothingWished, NotSoldOut, TooManyTickets,
    TooFewTickets; the policy of a line that takes them."""
    catalogue = catalogue_of(event)
    policy = _open_policy(event, catalogue)
    _refuse_wishes(event, catalogue, wishes)
    _refuse_quantity(event, catalogue, wishes, quantity)
    return policy


@transaction.atomic
def _join(
    event: Event,
    catalogue: Catalogue,
    who: Newcomer,
    quantity: int,
    wishes: Sequence[Wish],
    *,
    drawn: int,
    confirmed: Confirmed | None,
) -> WaitlistEntry:
    now, counts = clock.now(), counts_of(event)
    kept = kept_for(
        Waiter(0, quantity, tuple(wishes)),
        Ways(event, catalogue, counts, at=now),
        free_behind_the_queue(counts),
    )
    entry = WaitlistEntry(
        event=event,
        name=" ".join(who.name.split()),
        email=who.email.strip(),
        email_key=normalise_email(who.email),
        locale=who.locale,
        quantity=quantity,
        consent_text=who.consent_text,
        joined_at=now,
        drawn=drawn,
        pool_ids=list(kept),
    )
    if confirmed is not None:
        entry.secret = confirmed.secret
        # They have the page before them, and the mail that led there leads back.
        entry.told, entry.told_at = WaitlistStatus.WAITING, now
        if confirmed.place is not None:
            entry.pk, entry.joined_at = confirmed.place.entry_id, confirmed.place.asked_at
    _write(entry)
    WaitlistWish.objects.bulk_create(
        WaitlistWish(
            entry=entry,
            ticket_type_id=wish.ticket_type_id,
            release_id=wish.release_id,
            slot_id=wish.slot_id,
        )
        for wish in wishes
    )
    if confirmed is None:
        announce(entry)
    stock.wait(places_kept([entry]))
    return entry


def _open_policy(event: Event, catalogue: Catalogue) -> WaitlistPolicy:
    policy = catalogue.waitlist
    if policy is None:
        raise NoWaitlist
    if policy.closed_at is not None:
        raise WaitlistClosed
    if is_over(event, at=clock.now()):
        raise SalesClosed
    return policy


def _refuse_wishes(event: Event, catalogue: Catalogue, wishes: Sequence[Wish]) -> None:
    if not wishes:
        raise NothingWished
    found = {waitable.wish for waitable in waitables(event, at=clock.now())}
    releases = {release.pk: release for release in catalogue.releases}
    slots = {slot.pk: slot for slot in catalogue.slots}
    for wish in wishes:
        if wish not in found:
            raise NotSoldOut(
                subject=wish_words(
                    event,
                    catalogue.types[wish.ticket_type_id],
                    releases.get(wish.release_id or 0),
                    slots.get(wish.slot_id or 0),
                )
            )


def _refuse_quantity(
    event: Event, catalogue: Catalogue, wishes: Sequence[Wish], quantity: int
) -> None:
    """Within what one order may have of each wish: any of them may be the one."""
    if quantity > event.per_order_limit:
        raise TooManyTickets(limit=event.per_order_limit)
    for ticket_type in {catalogue.types[wish.ticket_type_id] for wish in wishes}:
        limits = (ticket_type.per_order_limit, ticket_type.per_email_limit)
        limit = min((found for found in limits if found is not None), default=None)
        if limit is not None and quantity > limit:
            raise TooManyTickets(limit=limit, subject=ticket_type.name)
        minimum = ticket_type.per_order_minimum or 1
        if quantity < minimum:
            raise TooFewTickets(minimum=minimum, subject=ticket_type.name)


@transaction.atomic
def end_overdue_offer(event: Event, email_key: str) -> None:
    """Who was in line before may be again as soon as the time for what they were offered is over."""
    entry = WaitlistEntry.objects.filter(
        event=event, email_key=email_key, status=WaitlistStatus.OFFERED
    ).first()
    if entry is None:
        return
    entry = lock_entries([entry.pk])[entry.pk]
    if entry.status != WaitlistStatus.OFFERED:
        return
    assert entry.reservation_id is not None, "an offer is a reservation"
    reservation = lock_reservation_row(entry.reservation_id)
    if status_after(reservation, at=clock.now()) == WaitlistStatus.LAPSED:
        _end(entry, WaitlistStatus.LAPSED)
        expire_reservation(reservation)
    else:
        settle(entry)


def _write(entry: WaitlistEntry) -> None:
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        if "waitlist_entry_once" in str(error):
            raise AlreadyInLine from error
        raise


@transaction.atomic
def send_place_again(event: Event, *, email: str) -> None:
    """Whoever is in line with this address gets their link once more, if they are and none went out
    just now. The caller learns nothing."""
    lately = clock.now() - WRITES_AGAIN_AFTER
    entry = WaitlistEntry.objects.filter(
        event=event,
        email_key=normalise_email(email),
        status__in=[WaitlistStatus.WAITING, WaitlistStatus.OFFERED],
        told_at__lte=lately,
    ).first()
    if entry is not None:
        WaitlistEntry.objects.filter(pk=entry.pk).update(told="")
        announce(entry)


def mark_told(entry: WaitlistEntry, status: WaitlistStatus) -> None:
    """A mail told them of this status."""
    WaitlistEntry.objects.filter(pk=entry.pk).update(told=status, told_at=clock.now())


@transaction.atomic
def leave_waitlist(entry: WaitlistEntry, *, by: Actor = BUYER) -> WaitlistEntry:
    """They are out of line, and what was kept or held for them is there for the next. Twice is
    harmless, and what was bought stays bought.

    Raises PaymentUnderWay.
    """
    entry = lock_entries([entry.pk])[entry.pk]
    if entry.status == WaitlistStatus.WAITING:
        kept = places_kept([entry])
        _end(entry, WaitlistStatus.LEFT)
        audit.record(entry, "waitlist.left", by=by)
        after_commit("ticketing.tasks.serve_waitlist", entry.event_id)
        stock.wait(less(kept))
    elif entry.status == WaitlistStatus.OFFERED:
        assert entry.reservation_id is not None, "an offer is a reservation"
        reservation = lock_reservation_row(entry.reservation_id)
        if reservation.status != ReservationStatus.PENDING:
            settle(entry)
            return entry
        if reservation.payment_started_at is not None:
            raise PaymentUnderWay
        _end(entry, WaitlistStatus.LEFT)
        audit.record(entry, "waitlist.left", by=by)
        after_commit("ticketing.tasks.serve_waitlist", entry.event_id)
        cancel_reservation(reservation, manually=True)
    return entry


# What serving shares --------------------------------------------------------------------


_AFTER = {
    ReservationStatus.CONFIRMED: WaitlistStatus.BOUGHT,
    ReservationStatus.EXPIRED: WaitlistStatus.LAPSED,
    ReservationStatus.CANCELED: WaitlistStatus.LAPSED,
    ReservationStatus.CANCELED_MANUALLY: WaitlistStatus.LEFT,
}


def settle(entry: WaitlistEntry) -> None:
    """The entry, which the caller has locked, is what has become of its offer."""
    assert entry.reservation is not None, "only what was offered is settled"
    status = _AFTER.get(ReservationStatus(entry.reservation.status))
    if status is not None and status != entry.status:
        _end(entry, status)
        announce(entry)


def _end(entry: WaitlistEntry, status: WaitlistStatus) -> None:
    entry.status, entry.ended_at, entry.pool_ids = status, clock.now(), []
    entry.save(update_fields=["status", "ended_at", "pool_ids"])


def announce(entry: WaitlistEntry) -> None:
    """They have news; whoever tells them hears of it after the commit."""
    transaction.on_commit(
        lambda: facts.waitlist_moved.send(
            WaitlistEntry, entry_id=entry.pk, organiser_id=entry.organiser_id
        ),
        robust=True,
    )


def places_kept(entries: Iterable[WaitlistEntry]) -> Counter[int]:
    """How many places are kept for them, by pool."""
    kept: Counter[int] = Counter()
    for entry in entries:
        for pool_id in entry.pool_ids:
            kept[pool_id] += entry.quantity
    return kept


def less(places: Counter[int]) -> dict[int, int]:
    return {pool: -count for pool, count in places.items()}
