"""The waitlist: what can be waited for, the line, and one's own place in it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404

from events.models import Event, EventStatus
from ticketing.availability import Counts, State, has_places_at, release_state, slot_is_open
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.models import (
    QUEUE_ORDER,
    UNDRAWN,
    Release,
    Reservation,
    ReservationStatus,
    TicketType,
    TimeSlot,
    WaitlistEntry,
    WaitlistRequest,
    WaitlistStatus,
    WaitlistWish,
)
from ticketing.queries.stock import counts_of
from ticketing.selling import line_name
from ticketing.waitlist_queue import Waiter, Wish
from tiqqo.core.paging import page_after
from tiqqo.ui.dates import words_for_range

_SELLING = (EventStatus.PUBLISHED, EventStatus.STARTED)
# Of several releases of a type, what tells best whether it is to be had: as in the shop.
_TELLING: tuple[State, ...] = ("on_sale", "paused", "scheduled", "sold_out")


# What can be waited for -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waitable:
    """Something that is sold out: a type, one of its releases while another one sells, or a time."""

    ticket_type: TicketType
    release: Release | None = None
    slot: TimeSlot | None = None

    @property
    def code(self) -> str:
        """What a form calls it."""
        rest = (self.release, self.slot)
        return ".".join([self.ticket_type.code, *(thing.code if thing else "" for thing in rest)])

    @property
    def wish(self) -> Wish:
        return Wish(
            self.ticket_type.pk,
            self.release.pk if self.release else None,
            self.slot.pk if self.slot else None,
        )

    def name(self, event: Event) -> str:
        return wish_words(event, self.ticket_type, self.release, self.slot)


def waitables(event: Event, *, at: datetime) -> list[Waitable]:
    """What people may get in line for now. One query once the offer is known."""
    catalogue, counts = catalogue_of(event), counts_of(event)
    found = []
    for ticket_type in catalogue.types.values():
        states = _states(catalogue, counts, ticket_type, at)
        if catalogue.needs_slot(ticket_type):
            found += _full_slots(catalogue, counts, states, at)
        else:
            found += _sold_out(ticket_type, states)
    return found


def _states(
    catalogue: Catalogue, counts: Counts, ticket_type: TicketType, at: datetime
) -> list[tuple[Release, State]]:
    """The releases that say something to a buyer."""
    releases = [r for r in catalogue.releases if r.ticket_type_id == ticket_type.pk]
    states = [(release, release_state(catalogue, release, counts, at=at)) for release in releases]
    return [(release, state) for release, state in states if state in _TELLING]


def _sold_out(ticket_type: TicketType, states: Sequence[tuple[Release, State]]) -> list[Waitable]:
    sold_out = [release for release, state in states if state == "sold_out"]
    if sold_out and len(sold_out) == len(states):
        return [Waitable(ticket_type)]
    return [Waitable(ticket_type, release) for release in sold_out]


def _full_slots(
    catalogue: Catalogue, counts: Counts, states: Sequence[tuple[Release, State]], at: datetime
) -> list[Waitable]:
    """The times that no release has a place at; a time that one has is none to wait for."""
    selling = [release for release, state in states if state in ("on_sale", "sold_out")]
    return [
        Waitable(release.ticket_type, slot=slot)
        for slot in catalogue.slots
        for release in selling[:1]
        if slot_is_open(slot, at=at)
        and not any(_has_room(catalogue, counts, r, slot) for r in selling)
    ]


def _has_room(catalogue: Catalogue, counts: Counts, release: Release, slot: TimeSlot) -> bool:
    if release.sold_out_at or release.ticket_type.sold_out_at:
        return False
    return has_places_at(catalogue, release, slot, counts)


# The line -------------------------------------------------------------------------------


def waiters_of(event: Event | int, *, first: int | None = None) -> list[Waiter]:
    """Everybody who waits, or the first so many of them, in their order. Two queries."""
    waiting = WaitlistEntry.objects.filter(event=event).waiting().in_queue_order()[:first]
    rows = list(waiting.values_list("pk", "quantity", "pool_ids", "drawn", "priority"))
    wishes = _wishes_by_entry(event, [row[0] for row in rows] if first else None)
    return [
        Waiter(
            pk,
            quantity,
            tuple(wishes.get(pk, ())),
            tuple(pool_ids),
            is_in_lottery_order=drawn != UNDRAWN or priority > 0,
        )
        for pk, quantity, pool_ids, drawn, priority in rows
    ]


def _wishes_by_entry(event: Event | int, entries: list[int] | None) -> dict[int, list[Wish]]:
    """Of these entries, or of everybody who waits."""
    rows = WaitlistWish.objects.order_by("id")
    if entries is None:
        rows = rows.filter(entry__event=event, entry__status=WaitlistStatus.WAITING)
    else:
        rows = rows.filter(entry__in=entries)
    found: defaultdict[int, list[Wish]] = defaultdict(list)
    known: dict[tuple[int, int | None, int | None], Wish] = {}
    values: Any = rows.values_list("entry_id", "ticket_type_id", "release_id", "slot_id")
    for entry_id, *ids in values:
        key = (ids[0], ids[1], ids[2])
        if key not in known:
            known[key] = Wish(*key)
        found[entry_id].append(known[key])
    return found


def waiter_of(entry: WaitlistEntry, wishes: Iterable[Wish]) -> Waiter:
    return Waiter(
        entry.pk,
        entry.quantity,
        tuple(wishes),
        tuple(entry.pool_ids),
        is_in_lottery_order=entry.is_in_lottery_order,
    )


def wishes_of(entry: WaitlistEntry) -> list[Wish]:
    rows = WaitlistWish.objects.filter(entry=entry).order_by("id")
    return [Wish(*ids) for ids in rows.values_list("ticket_type_id", "release_id", "slot_id")]


def queue_position(entry: WaitlistEntry) -> int:
    """Their place among those who wait, from 1."""
    ahead: int = _ahead_of(entry).count()
    return ahead + 1


def _ahead_of(entry: WaitlistEntry) -> "QuerySet[WaitlistEntry]":
    waiting: QuerySet[WaitlistEntry] = WaitlistEntry.objects.filter(event=entry.event_id).waiting()
    return waiting.filter(
        Q(priority__gt=entry.priority)
        | Q(priority=entry.priority, drawn__lt=entry.drawn)
        | Q(priority=entry.priority, drawn=entry.drawn, pk__lt=entry.pk)
    )


def ended_offers() -> "QuerySet[WaitlistEntry]":
    """Offers whose reservation is over, one way or the other."""
    over = [status for status in ReservationStatus if status != ReservationStatus.PENDING]
    found: QuerySet[WaitlistEntry] = WaitlistEntry.objects.filter(
        status=WaitlistStatus.OFFERED, reservation__status__in=over
    )
    return found


def bought_after_all() -> "QuerySet[WaitlistEntry]":
    """Offers that lapsed while their money was on its way."""
    found: QuerySet[WaitlistEntry] = WaitlistEntry.objects.filter(
        status=WaitlistStatus.LAPSED, reservation__status=ReservationStatus.CONFIRMED
    )
    return found


def waitlists_to_serve() -> set[tuple[int, int]]:
    """Event and organiser wherever somebody waits for an event that still sells, or an offer ended."""
    waiting = WaitlistEntry.objects.waiting().filter(event__status__in=_SELLING)
    return {
        pair
        for rows in (waiting, ended_offers())
        for pair in rows.order_by().values_list("event_id", "organiser_id").distinct()
    }


# One's own place ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """What somebody in line sees. `status` is as of now, settled or not; `place` is None where none
    can be told."""

    entry: WaitlistEntry
    status: WaitlistStatus
    place: int | None
    wishes: tuple[str, ...]
    awaits_draw: bool
    is_over: bool
    """The event takes nobody any more."""


def status_after(reservation: Reservation, *, at: datetime) -> WaitlistStatus:
    """What has become of the offer that it is."""
    if reservation.status == ReservationStatus.CONFIRMED:
        return WaitlistStatus.BOUGHT
    if reservation.status == ReservationStatus.CANCELED_MANUALLY:
        return WaitlistStatus.LEFT
    if reservation.is_live(at=at) or reservation.payment_started_at is not None:
        return WaitlistStatus.OFFERED
    return WaitlistStatus.LAPSED


def entry_by_secret(event: Event, secret: str) -> WaitlistEntry | None:
    entry: WaitlistEntry | None = (
        WaitlistEntry.objects.select_related("event__organiser", "reservation")
        .filter(event=event, secret=secret)
        .first()
    )
    return entry


def request_by_secret(event: Event, secret: str, *, at: datetime) -> WaitlistRequest | None:
    """What somebody asked for and has not confirmed yet."""
    request: WaitlistRequest | None = (
        WaitlistRequest.objects.select_related("event__organiser")
        .filter(event=event, secret=secret, expires_at__gt=at)
        .first()
    )
    return request


def words_of_request(request: WaitlistRequest) -> list[str]:
    """What they want to wait for, in words, as far as it is still there."""
    catalogue = catalogue_of(request.event)
    releases = {release.pk: release for release in catalogue.releases}
    slots = {slot.pk: slot for slot in catalogue.slots}
    return [
        wish_words(
            request.event,
            catalogue.types[wish.ticket_type_id],
            releases.get(wish.release_id or 0),
            slots.get(wish.slot_id or 0),
        )
        for wish in (Wish(*ids) for ids in request.wishes)
        if wish.ticket_type_id in catalogue.types
    ]


def own_entry(entry: WaitlistEntry, *, at: datetime) -> OwnEntry:
    status = WaitlistStatus(entry.status)
    if status == WaitlistStatus.OFFERED:
        assert entry.reservation is not None
        status = status_after(entry.reservation, at=at)
    is_waiting = status == WaitlistStatus.WAITING
    return OwnEntry(
        entry=entry,
        status=status,
        place=queue_position(entry) if is_waiting and entry.is_in_lottery_order else None,
        wishes=words_of_wishes(entry.event, [entry])[entry.pk],
        awaits_draw=is_waiting and not entry.is_in_lottery_order,
        is_over=is_over(entry.event, at=at),
    )


def is_over(event: Event, *, at: datetime) -> bool:
    """Whether nothing of it will be sold again; paused is not over."""
    return event.status not in _SELLING or event.ends_at is None or event.ends_at <= at


def wish_words(
    event: Event, ticket_type: TicketType, release: Release | None, slot: TimeSlot | None
) -> str:
    name = line_name(ticket_type.name, release.name) if release else ticket_type.name
    if slot is None:
        return name
    return f"{name} · {words_for_range(slot.starts_at, slot.ends_at, event.time_zone)}"


def words_of_wishes(
    event: Event, entries: Iterable[WaitlistEntry]
) -> defaultdict[int, tuple[str, ...]]:
    """What each of them wants, in words, by entry. One query."""
    found: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    wishes = WaitlistWish.objects.select_related("ticket_type", "release", "slot").order_by("id")
    for wish in wishes.filter(entry__in=[entry.pk for entry in entries]):
        words = wish_words(event, wish.ticket_type, wish.release, wish.slot)
        found[wish.entry_id] += (words,)
    return found


# The organiser's page -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WaitlistRow:
    """Somebody in line; `place` only of those who wait."""

    entry: WaitlistEntry
    place: int | None
    wishes: tuple[str, ...]
    status: WaitlistStatus


@dataclass(frozen=True, slots=True)
class WaitlistCount:
    people: int = 0
    tickets: int = 0


@dataclass(frozen=True, slots=True)
class WaitlistPage:
    """One page of the line. `next_id` continues it; None on the last page."""

    rows: list[WaitlistRow]
    next_id: int | None


def waitlist_counts(event: Event) -> dict[WaitlistStatus, WaitlistCount]:
    """People and tickets in every status. One query."""
    rows = (
        WaitlistEntry.objects.filter(event=event)
        .order_by()
        .values_list("status")
        .annotate(people=Count("pk"), tickets=Sum("quantity"))
    )
    found = {WaitlistStatus(status): WaitlistCount(*count) for status, *count in rows}
    return {status: found.get(status, WaitlistCount()) for status in WaitlistStatus}


def undrawn_count(event: Event) -> int:
    """Who waits for a draw."""
    waiting = WaitlistEntry.objects.filter(event=event).waiting()
    count: int = waiting.filter(drawn=UNDRAWN).count()
    return count


def waitlist_page(
    event: Event, status: WaitlistStatus, *, at: datetime, after: int | None = None
) -> WaitlistPage:
    """Those who wait in their order, all others the newest first; paged by key. Raises Http404 for
    an `after` that is nobody's."""
    rows = WaitlistEntry.objects.select_related("reservation").filter(event=event, status=status)
    last = WaitlistEntry.objects.filter(event=event, pk=after).first() if after else None
    if after and last is None:
        raise Http404
    first_place, order = 1, ["-pk"]
    if status == WaitlistStatus.WAITING:
        order = QUEUE_ORDER
        if last is not None:
            first_place = queue_position(last) + (last.status == WaitlistStatus.WAITING)
    page = page_after(rows, order, last)
    words = words_of_wishes(event, page.rows)
    return WaitlistPage(
        rows=[
            WaitlistRow(
                entry,
                first_place + number
                if entry.is_in_lottery_order and status == WaitlistStatus.WAITING
                else None,
                words[entry.pk],
                status_after(entry.reservation, at=at)
                if status == WaitlistStatus.OFFERED and entry.reservation
                else status,
            )
            for number, entry in enumerate(page.rows)
        ],
        next_id=page.last.pk if page.last else None,
    )
