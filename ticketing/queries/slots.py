"""The times to visit, day by day, for the organiser."""

from dataclasses import dataclass
from datetime import date, datetime

from events.models import Event
from ticketing.catalogue import catalogue_of
from ticketing.models import CapacityPool, TimeSlot
from ticketing.queries.board import SlotDay, slot_days_of


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A time with its stock; `state` is on_sale, sold_out, paused or closed."""

    slot: TimeSlot
    pool: CapacityPool
    state: str


@dataclass(frozen=True, slots=True)
class SlotBoard:
    """Every day with its sums, and the times of one of them."""

    days: list[SlotDay]
    shown: SlotDay | None
    rows: list[SlotRow]


def slot_board(event: Event, *, day: date | None, at: datetime) -> SlotBoard:
    """`day`, or where it has no times, the next one that has. One query once the offer is known."""
    catalogue = catalogue_of(event)
    found = CapacityPool.objects.filter(event=event, slot__isnull=False)
    pools = {pool.slot_id: pool for pool in found if pool.slot_id}
    days = slot_days_of(event, catalogue, pools)
    today = event.local(at).date()
    shown = next(
        (d for d in days if d.on == day),
        next((d for d in days if d.on >= today), days[-1] if days else None),
    )
    rows = [
        SlotRow(slot, pools[slot.pk], _state(slot, pools[slot.pk], at))
        for slot in catalogue.slots
        if shown and slot.pk in pools and event.local(slot.starts_at).date() == shown.on
    ]
    return SlotBoard(days, shown, rows)


def slots_of_day(event: Event, day: date) -> list[TimeSlot]:
    """The times of one day in the event's zone."""
    return [s for s in catalogue_of(event).slots if event.local(s.starts_at).date() == day]


def _state(slot: TimeSlot, pool: CapacityPool, at: datetime) -> str:
    if at >= slot.admits_until:
        return "closed"
    if slot.paused_at is not None:
        return "paused"
    return "sold_out" if pool.free is not None and pool.free <= 0 else "on_sale"
