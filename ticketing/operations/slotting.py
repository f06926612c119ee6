"""Times to visit: slots made by a rule, their places, paused and resumed, deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import Membership
from events.models import Event
from ticketing.locks import lock_catalogue
from ticketing.models import CapacityPool, ReservationLine, TimeSlot
from ticketing.operations.bounds import refuse_more, refuse_more_to_come
from ticketing.operations.pooling import limit_pool
from ticketing.organiser_errors import (
    DaysBackward,
    NoSlots,
    SlotsOutsideEvent,
    SlotsSold,
    TooManySlots,
)
from tiqqo.core import audit, clock

MOST_AT_ONCE = 2000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SlotRule:
    """Every `every_minutes` from `opens` to `closes`, on some days of the week, from the first day
    to the last. A day that closes no later than it opens closes on the next one."""

    first_on: date
    last_on: date
    weekdays: frozenset[int]
    """0 is Monday."""
    opens: time
    closes: time
    every_minutes: int
    capacity: int | None
    grace_minutes: int = 0


@dataclass(frozen=True, slots=True)
class MadeSlots:
    """How many are new, and how many were there at the same minute already."""

    made: int
    kept: int


@transaction.atomic
def make_slots(event: Event, *, rule: SlotRule, by: Membership) -> MadeSlots:
    """There is a slot with a pool of its own at each time of the rule; those that exist stay as they
    are. Wall clocks are the event's: a night on which they change has an hour more or less.

    Raises DaysBackward, NoSlots, TooManySlots, SlotsOutsideEvent, EventHasEnough, OrganiserHasEnough.
    """
    event = lock_catalogue(event)
    starts = _starts(rule, ZoneInfo(event.time_zone))
    _refuse_outside(event, starts, rule)
    taken = set(
        TimeSlot.objects.filter(event=event, starts_at__in=starts).values_list(
            "starts_at", flat=True
        )
    )
    new = len(starts) - len(taken)
    refuse_more(TimeSlot, event.pk, adding=new)
    refuse_more_to_come(adding=new, at=clock.now())
    length = timedelta(minutes=rule.every_minutes)
    slots: list[TimeSlot] = TimeSlot.objects.bulk_create(
        TimeSlot(
            event=event,
            starts_at=starts_at,
            ends_at=starts_at + length,
            grace_minutes=rule.grace_minutes,
        )
        for starts_at in starts
        if starts_at not in taken
    )
    CapacityPool.objects.bulk_create(
        CapacityPool(event=event, slot=slot, capacity=rule.capacity) for slot in slots
    )
    if slots:
        audit.record(event, "slots.made", by=by, count=len(slots), capacity=rule.capacity)
    return MadeSlots(made=len(slots), kept=len(taken))


@transaction.atomic
def set_slot_capacity(slot: TimeSlot, *, capacity: int | None, by: Membership) -> None:
    """So many may come at that time; None leaves it to the other limits. Raises CapBelowSold."""
    lock_catalogue(slot.event_id)
    if limit_pool(CapacityPool.objects.get(slot=slot), capacity):
        audit.record(slot, "slot.capacity_set", by=by, capacity=capacity)


@transaction.atomic
def pause_slots(event: Event, slots: Iterable[TimeSlot], *, by: Membership) -> int:
    """These times are shown and cannot be chosen for now; how many were not paused yet."""
    found = TimeSlot.objects.filter(pk__in=[slot.pk for slot in slots], paused_at=None)
    count: int = found.update(paused_at=clock.now())
    if count:
        audit.record(event, "slots.paused", by=by, count=count)
    return count


@transaction.atomic
def resume_slots(event: Event, slots: Iterable[TimeSlot], *, by: Membership) -> int:
    """These times can be chosen again; how many were paused."""
    found = TimeSlot.objects.filter(pk__in=[slot.pk for slot in slots], paused_at__isnull=False)
    count: int = found.update(paused_at=None)
    if count:
        audit.record(event, "slots.resumed", by=by, count=count)
    return count


@transaction.atomic
def delete_slots(event: Event, slots: Iterable[TimeSlot], *, by: Membership) -> int:
    """Of these, the slots that nobody ever reserved or waits for are gone; how many.

    Raises SlotsSold when all of them must stay.
    """
    lock_catalogue(event)
    ids = [slot.pk for slot in slots]
    reserved = ReservationLine.objects.filter(slot__in=ids).values("slot_id")
    unsold = list(
        CapacityPool.objects.select_for_update(of=("self",))
        .filter(slot__in=ids, held=0, sold=0, set_aside=0, waiting=0)
        .exclude(slot__in=reserved)
        .order_by("id")
        .values_list("slot_id", flat=True)
    )
    if not unsold:
        raise SlotsSold
    TimeSlot.objects.filter(pk__in=unsold).delete()
    audit.record(event, "slots.deleted", by=by, count=len(unsold))
    return len(unsold)


# The rule ---------------------------------------------------------------------------------


def _starts(rule: SlotRule, zone: ZoneInfo) -> list[datetime]:
    """Every start in UTC, ascending. Raises DaysBackward, NoSlots, TooManySlots."""
    if rule.last_on < rule.first_on:
        raise DaysBackward
    found: list[datetime] = []
    for offset in range((rule.last_on - rule.first_on).days + 1):
        day = rule.first_on + offset * _DAY
        if day.weekday() in rule.weekdays:
            found += _starts_on(day, rule, zone)
        if len(found) > MOST_AT_ONCE:
            raise TooManySlots(limit=MOST_AT_ONCE)
    if not found:
        raise NoSlots
    # Nights that run into the next day may meet it.
    return sorted(set(found))


def _starts_on(day: date, rule: SlotRule, zone: ZoneInfo) -> list[datetime]:
    """Steps of real time between two wall clocks, so that no slot is lost or doubled by a change."""
    last_day = day if rule.closes > rule.opens else day + _DAY
    at = datetime.combine(day, rule.opens, zone).astimezone(UTC)
    end = datetime.combine(last_day, rule.closes, zone).astimezone(UTC)
    step = timedelta(minutes=rule.every_minutes)
    found = []
    while at + step <= end:
        found.append(at)
        at += step
    return found


def _refuse_outside(event: Event, starts: list[datetime], rule: SlotRule) -> None:
    step = timedelta(minutes=rule.every_minutes)
    if event.starts_at is not None and starts[0] < event.starts_at:
        raise SlotsOutsideEvent(field="first_on")
    if event.ends_at is not None and starts[-1] + step > event.ends_at:
        raise SlotsOutsideEvent(field="last_on")
