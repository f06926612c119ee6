"""How the organiser steers a waitlist: on, closed, paused, drawn, who goes ahead."""

from random import SystemRandom

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import Membership
from events.models import Event
from ticketing.locks import lock_catalogue, lock_entries, lock_waitlist
from ticketing.models import (
    UNDRAWN,
    WaitlistEntry,
    WaitlistMethod,
    WaitlistPolicy,
    WaitlistStatus,
)
from ticketing.organiser_errors import NobodyToDraw, NotALottery, NotWaiting
from tiqqo.core import audit, clock
from tiqqo.core.tasks import after_commit

# One statement for a line of any length.
_DRAW = """
UPDATE ticketing_waitlistentry entry SET drawn = %(last)s + lot.place
  FROM unnest(%(order)s::bigint[]) WITH ORDINALITY AS lot (id, place)
 WHERE entry.id = lot.id
"""


@transaction.atomic
def set_waitlist(
    event: Event, *, method: WaitlistMethod, offer_hours: int, by: Membership
) -> WaitlistPolicy:
    """The event has a waitlist that is served in this way. Offers that are out keep their time.

    Who waits when the lot is chosen takes part in the draw; who waits when it is given up stands in
    the order in which they came.
    """
    lock_catalogue(event)
    policy = lock_waitlist(event)
    if policy is None:
        policy = WaitlistPolicy(event=event)
    elif policy.method != method:
        waiting = WaitlistEntry.objects.filter(event=event).waiting()
        waiting.update(drawn=UNDRAWN if method == WaitlistMethod.LOTTERY else 0)
    policy.method, policy.offer_hours = method, offer_hours
    policy.save()
    audit.record(event, "waitlist.set", by=by, method=str(method), hours=offer_hours)
    after_commit("ticketing.tasks.serve_waitlist", event.pk)
    return policy


def close_waitlist(event: Event, *, by: Membership) -> None:
    """Nobody new gets in line; who is in it stays. Twice is harmless."""
    _mark(event, "closed_at", "closed", by)


def reopen_waitlist(event: Event, *, by: Membership) -> None:
    """People may get in line again. Twice is harmless."""
    _unmark(event, "closed_at", "reopened", by)


def pause_offers(event: Event, *, by: Membership) -> None:
    """No offers go out for now; what the line waits for is kept for it. Twice is harmless."""
    _mark(event, "paused_at", "paused", by)


def resume_offers(event: Event, *, by: Membership) -> None:
    """The line is served again. Twice is harmless."""
    _unmark(event, "paused_at", "resumed", by)
    after_commit("ticketing.tasks.serve_waitlist", event.pk)


@transaction.atomic
def _mark(event: Event, column: str, word: str, by: Membership) -> None:
    lock_catalogue(event)
    rows = WaitlistPolicy.objects.filter(event=event, **{column: None})
    if rows.update(**{column: clock.now()}):
        audit.record(event, f"waitlist.{word}", by=by)


@transaction.atomic
def _unmark(event: Event, column: str, word: str, by: Membership) -> None:
    lock_catalogue(event)
    rows = WaitlistPolicy.objects.filter(event=event, **{f"{column}__isnull": False})
    if rows.update(**{column: None}):
        audit.record(event, f"waitlist.{word}", by=by)


@transaction.atomic
def put_ahead(entry: WaitlistEntry, *, by: Membership) -> None:
    """They are the first in line, before others who were put ahead earlier. Raises NotWaiting."""
    lock_waitlist(entry.event_id)
    entry = _waiting(entry)
    highest = (
        WaitlistEntry.objects.filter(event=entry.event_id)
        .waiting()
        .aggregate(highest=Max("priority"))["highest"]
    )
    entry.priority = max(highest or 0, 0) + 1
    entry.save(update_fields=["priority"])
    audit.record(entry, "waitlist.put_ahead", by=by)
    after_commit("ticketing.tasks.serve_waitlist", entry.event_id)


@transaction.atomic
def put_back(entry: WaitlistEntry, *, by: Membership) -> None:
    """They stand where they came or were drawn. Raises NotWaiting; twice is harmless."""
    lock_waitlist(entry.event_id)
    entry = _waiting(entry)
    if entry.priority:
        entry.priority = 0
        entry.save(update_fields=["priority"])
        audit.record(entry, "waitlist.put_back", by=by)


def _waiting(entry: WaitlistEntry) -> WaitlistEntry:
    entry = lock_entries([entry.pk])[entry.pk]
    if entry.status != WaitlistStatus.WAITING:
        raise NotWaiting
    return entry


@transaction.atomic
def draw_lots(event: Event, *, by: Membership) -> int:
    """Everybody who waits and was not drawn yet has a place by lot, behind those drawn before; how
    many. The order stands in the audit log. Raises NotALottery, NobodyToDraw.
    """
    policy = lock_waitlist(event)
    if policy is None or policy.method != WaitlistMethod.LOTTERY:
        raise NotALottery
    rows = WaitlistEntry.objects.filter(event=event)
    undrawn = rows.waiting().filter(drawn=UNDRAWN).select_for_update(of=("self",)).order_by("pk")
    order = list(undrawn.values_list("pk", flat=True))
    if not order:
        raise NobodyToDraw
    SystemRandom().shuffle(order)
    last = rows.exclude(drawn=UNDRAWN).aggregate(last=Max("drawn"))["last"] or 0
    with connection.cursor() as cursor:
        cursor.execute(_DRAW, {"last": last, "order": order})
    audit.record(event, "waitlist.drawn", by=by, count=len(order), order=order)
    after_commit("ticketing.tasks.serve_waitlist", event.pk)
    return len(order)
