"""Times to visit: made by a rule in the event's zone, limited, paused, deleted."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.operations import change_event, publish_event
from tests.cast import EventFactory, ReleaseFactory, TicketTypeFactory
from ticketing.availability import Count, has_places
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.errors import CapBelowSold, SlotClosed
from ticketing.models import CapacityPool, TimeSlot
from ticketing.operations import (
    SlotRule,
    bounds,
    delete_slots,
    make_slots,
    pause_slots,
    reserve_tickets,
    resume_slots,
    set_slot_capacity,
)
from ticketing.operations.bounds import MOST
from ticketing.organiser_errors import (
    DaysBackward,
    EventHasEnough,
    NoSlots,
    OrganiserHasEnough,
    SlotsOutsideEvent,
    SlotsSold,
    TooManySlots,
)
from ticketing.queries import recount, slot_board, slots_of_day
from ticketing.selling import Choice
from tiqqo.core import audit
from tiqqo.core.models import AuditEntry

EVERY_DAY = frozenset(range(7))


@pytest.fixture
def museum(kikker):
    """Open all of October 2027 in Amsterdam; clocks go back on the 31st at three."""
    return EventFactory(
        organiser=kikker.organiser,
        by=kikker.owner,
        name="Museum",
        starts_at=datetime(2027, 9, 30, 22, tzinfo=UTC),
        ends_at=datetime(2027, 11, 1, 23, tzinfo=UTC),
    )


def rule(**changes):
    facts = {
        "first_on": date(2027, 10, 4),
        "last_on": date(2027, 10, 8),
        "weekdays": EVERY_DAY,
        "opens": time(10),
        "closes": time(12),
        "every_minutes": 30,
        "capacity": 5,
        "grace_minutes": 10,
    }
    return SlotRule(**facts | changes)


def make(museum, by, **changes):
    return make_slots(museum, rule=rule(**changes), by=by)


def starts(museum):
    """Wall clocks of the museum."""
    slots = TimeSlot.objects.filter(event=museum).order_by("starts_at")
    return [f"{museum.local(slot.starts_at):%a %d %H:%M}" for slot in slots]


def test_a_rule_makes_a_slot_with_a_pool_at_each_time(museum, kikker):
    done = make(museum, kikker.owner, weekdays=frozenset({0, 4}))

    assert (done.made, done.kept) == (8, 0)
    assert starts(museum) == [
        "Mon 04 10:00", "Mon 04 10:30", "Mon 04 11:00", "Mon 04 11:30",
        "Fri 08 10:00", "Fri 08 10:30", "Fri 08 11:00", "Fri 08 11:30",
    ]  # fmt: skip
    slot = TimeSlot.objects.order_by("starts_at").first()
    assert slot.starts_at == datetime(2027, 10, 4, 8, tzinfo=UTC)
    assert slot.ends_at - slot.starts_at == timedelta(minutes=30)
    assert (slot.grace_minutes, slot.pool.capacity) == (10, 5)
    [*_, entry] = audit.history_of(museum)
    assert (entry.action, entry.data) == ("slots.made", {"count": 8, "capacity": 5})


def test_an_event_has_room_for_so_many_times(museum, kikker, monkeypatch):
    _most, *words = MOST[TimeSlot]
    monkeypatch.setitem(MOST, TimeSlot, (5, *words))
    for _ in range(2):
        make(museum, kikker.owner, last_on=date(2027, 10, 4))

    with pytest.raises(EventHasEnough):
        make(museum, kikker.owner, last_on=date(2027, 10, 5))
    assert TimeSlot.objects.filter(event=museum).count() == 4


def test_times_and_releases_are_bounded_together(museum, kikker, monkeypatch):
    """A page of the event looks at each time for each release."""
    visit = TicketTypeFactory(event=museum, name="Visit", is_timed=True, by=kikker.owner)
    for name in ("Early", "Late"):
        ReleaseFactory(ticket_type=visit, name=name, by=kikker.owner)
    monkeypatch.setattr(bounds, "MOST_TIMES_RELEASES", 8)
    make(museum, kikker.owner, last_on=date(2027, 10, 4))

    with pytest.raises(EventHasEnough) as times:
        make(museum, kikker.owner, last_on=date(2027, 10, 5))
    with pytest.raises(EventHasEnough) as releases:
        ReleaseFactory(ticket_type=visit, name="Last minute", by=kikker.owner)

    assert (times.value.limit, releases.value.limit) == (4, 2)
    assert TimeSlot.objects.filter(event=museum).count() == 4


def test_all_events_of_an_organiser_have_room_for_so_many_times_to_come(
    museum, kikker, monkeypatch
):
    monkeypatch.setattr(bounds, "MOST_TIMES_TO_COME", 5)
    other = EventFactory(
        organiser=kikker.organiser,
        by=kikker.owner,
        name="Annex",
        starts_at=museum.starts_at,
        ends_at=museum.ends_at,
    )
    make(museum, kikker.owner, last_on=date(2027, 10, 4))

    with pytest.raises(OrganiserHasEnough):
        make(other, kikker.owner, last_on=date(2027, 10, 4))
    assert TimeSlot.objects.count() == 4


def test_times_without_room_are_passed_at_a_glance(museum, kikker, monkeypatch):
    """Of a museum that is sold out for a year there are thousands, for each release."""
    visit = TicketTypeFactory(event=museum, name="Visit", is_timed=True, by=kikker.owner)
    release = ReleaseFactory(ticket_type=visit, by=kikker.owner)
    make(museum, kikker.owner)
    museum.refresh_from_db()
    catalogue, looked = catalogue_of(museum), []
    full = {
        pool: Count(capacity=5, held=5, sold=0, set_aside=0, waiting=0)
        for pools in catalogue.pools.slots.values()
        for pool in pools
    }
    one_free = full | {max(full): Count(capacity=5, held=4, sold=0, set_aside=0, waiting=0)}
    pool_places = Catalogue.unit_pool_places
    monkeypatch.setattr(
        Catalogue,
        "unit_pool_places",
        lambda *args, **facts: looked.append(1) or pool_places(*args, **facts),
    )
    release = catalogue.release_by_code(release.code)

    assert not has_places(catalogue, release, full, museum.starts_at)
    assert len(looked) == 1
    assert has_places(catalogue, release, one_free, museum.starts_at)
    assert has_places(catalogue, release, {}, museum.starts_at)


def test_a_last_slot_that_would_be_too_long_is_left_out(museum, kikker):
    make(museum, kikker.owner, last_on=date(2027, 10, 4), every_minutes=45)

    assert starts(museum) == ["Mon 04 10:00", "Mon 04 10:45"]


def test_the_same_rule_again_makes_only_what_is_missing(museum, kikker):
    make(museum, kikker.owner, last_on=date(2027, 10, 4))
    TimeSlot.objects.filter(event=museum).order_by("starts_at").last().delete()

    done = make(museum, kikker.owner, last_on=date(2027, 10, 4), capacity=9)

    assert (done.made, done.kept) == (1, 3)
    assert sorted(CapacityPool.objects.filter(slot__isnull=False).values_list("capacity", flat=True)) == [5, 5, 5, 9]  # fmt: skip


def test_hours_stay_those_of_the_wall_across_a_change(museum, kikker):
    make(
        museum, kikker.owner,
        first_on=date(2027, 10, 30), last_on=date(2027, 11, 1), closes=time(11), every_minutes=60,
    )  # fmt: skip

    assert starts(museum) == ["Sat 30 10:00", "Sun 31 10:00", "Mon 01 10:00"]
    hours = [slot.starts_at.hour for slot in TimeSlot.objects.order_by("starts_at")]
    assert hours == [8, 9, 9]


def test_the_night_on_which_clocks_go_back_has_an_hour_more(museum, kikker):
    make(
        museum, kikker.owner,
        first_on=date(2027, 10, 30), last_on=date(2027, 10, 30),
        opens=time(23), closes=time(4), every_minutes=60,
    )  # fmt: skip

    assert starts(museum) == [
        "Sat 30 23:00", "Sun 31 00:00", "Sun 31 01:00", "Sun 31 02:00", "Sun 31 02:00",
        "Sun 31 03:00",
    ]  # fmt: skip


def test_the_night_on_which_clocks_go_forward_has_an_hour_less(kikker):
    spring = EventFactory(
        organiser=kikker.organiser,
        by=kikker.owner,
        starts_at=datetime(2027, 3, 27, 12, tzinfo=UTC),
        ends_at=datetime(2027, 3, 28, 12, tzinfo=UTC),
    )
    night = date(2027, 3, 27)
    make(
        spring, kikker.owner,
        first_on=night, last_on=night, opens=time(23), closes=time(4), every_minutes=60,
    )  # fmt: skip

    assert starts(spring) == ["Sat 27 23:00", "Sun 28 00:00", "Sun 28 01:00", "Sun 28 03:00"]


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"last_on": date(2027, 10, 3)}, DaysBackward, "last_on"),
        ({"weekdays": frozenset()}, NoSlots, None),
        ({"weekdays": frozenset({6})}, NoSlots, None),
        ({"every_minutes": 121}, NoSlots, None),
        ({"first_on": date(2027, 9, 30)}, SlotsOutsideEvent, "first_on"),
        ({"last_on": date(2027, 11, 2)}, SlotsOutsideEvent, "last_on"),
        (
            {"first_on": date(2027, 10, 1), "last_on": date(2027, 10, 31), "every_minutes": 5,
             "opens": time(0), "closes": time(0)},
            TooManySlots,
            "last_on",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(museum, kikker, changes, error, field):
    before = AuditEntry.objects.count()

    with pytest.raises(error) as refused:
        make(museum, kikker.owner, **changes)

    assert refused.value.field == field
    assert not TimeSlot.objects.exists()
    assert AuditEntry.objects.count() == before


def test_two_thousand_slots_come_in_few_statements(museum, kikker):
    with CaptureQueriesContext(connection) as asked:
        done = make(
            museum, kikker.owner,
            first_on=date(2027, 10, 1), last_on=date(2027, 10, 10),
            opens=time(0), closes=time(16, 40), every_minutes=5,
        )  # fmt: skip

    assert done.made == 2000
    assert CapacityPool.objects.filter(slot__isnull=False).count() == 2000
    inserts = [q for q in asked.captured_queries if q["sql"].startswith("INSERT")]
    # slots · pools · audit
    assert len(inserts) == 3


# What is done with them -------------------------------------------------------------------


@pytest.fixture
def sold(museum, kikker):
    """Four slots, of which the first holds two visitors."""
    make(museum, kikker.owner, last_on=date(2027, 10, 4))
    visit = TicketTypeFactory(event=museum, name="Visit", is_timed=True, by=kikker.owner)
    release = ReleaseFactory(ticket_type=visit, by=kikker.owner)
    museum = publish_event(museum, by=kikker.owner)
    first = TimeSlot.objects.order_by("starts_at").first()
    reserve_tickets(museum, selection=[Choice(release.code, 2, slot=first.code)])
    return first, release


def test_places_of_a_slot_change_but_not_below_what_is_taken(sold, kikker):
    first, _release = sold
    with pytest.raises(CapBelowSold) as refused:
        set_slot_capacity(first, capacity=1, by=kikker.owner)
    assert refused.value.taken == 2

    set_slot_capacity(first, capacity=2, by=kikker.owner)
    set_slot_capacity(first, capacity=2, by=kikker.owner)
    assert CapacityPool.objects.get(slot=first).capacity == 2
    assert [e.action for e in audit.history_of(first)] == ["slot.capacity_set"]


def test_a_paused_slot_cannot_be_chosen_until_it_is_resumed(sold, kikker, museum):
    first, release = sold
    choice = [Choice(release.code, 1, slot=first.code)]
    assert pause_slots(museum, [first], by=kikker.owner) == 1
    assert pause_slots(museum, [first], by=kikker.owner) == 0
    museum.refresh_from_db()
    with pytest.raises(SlotClosed):
        reserve_tickets(museum, selection=choice)

    assert resume_slots(museum, [first], by=kikker.owner) == 1
    assert resume_slots(museum, [first], by=kikker.owner) == 0
    museum.refresh_from_db()
    reserve_tickets(museum, selection=choice)
    assert [count for count in recount() if count.differs] == []
    actions = [e.action for e in audit.history_of(museum)]
    assert actions[-2:] == ["slots.paused", "slots.resumed"]


def test_only_slots_that_nobody_reserved_are_deleted(sold, kikker, museum):
    museum.refresh_from_db()
    day = slots_of_day(museum, date(2027, 10, 4))
    assert delete_slots(museum, day, by=kikker.owner) == 3

    first, _release = sold
    assert list(TimeSlot.objects.all()) == [first]
    with pytest.raises(SlotsSold):
        delete_slots(museum, [first], by=kikker.owner)
    assert not CapacityPool.objects.filter(slot__isnull=False).exclude(slot=first).exists()


def test_a_slot_that_somebody_waits_for_stays(museum, kikker):
    make(museum, kikker.owner, last_on=date(2027, 10, 4))
    slots = list(TimeSlot.objects.all())
    CapacityPool.objects.filter(slot__isnull=False).update(waiting=1)

    with pytest.raises(SlotsSold):
        delete_slots(museum, slots, by=kikker.owner)
    assert TimeSlot.objects.count() == 4


def test_the_board_sums_each_day_and_shows_the_next(sold, kikker, museum):
    make(museum, kikker.owner, first_on=date(2027, 10, 6), last_on=date(2027, 10, 6), capacity=None)
    museum.refresh_from_db()

    board = slot_board(museum, day=None, at=datetime(2027, 10, 1, tzinfo=UTC))
    assert [(d.on.day, d.count, d.capacity, d.held, d.free) for d in board.days] == [
        (4, 4, 20, 2, 18),
        (6, 4, None, 0, None),
    ]
    assert board.shown.on == date(2027, 10, 4)
    assert [row.state for row in board.rows] == ["on_sale"] * 4
    later = slot_board(museum, day=None, at=datetime(2027, 10, 5, tzinfo=UTC))
    assert later.shown.on == date(2027, 10, 6)
    chosen = slot_board(museum, day=date(2027, 10, 4), at=datetime(2027, 10, 5, tzinfo=UTC))
    assert [row.state for row in chosen.rows] == ["closed"] * 4
    over = slot_board(museum, day=None, at=datetime(2027, 10, 9, tzinfo=UTC))
    assert over.shown.on == date(2027, 10, 6)


def test_slots_of_an_event_in_another_zone_are_its_own(museum, kikker):
    museum = change_event(museum, by=kikker.owner, time_zone="America/New_York")
    make(museum, kikker.owner, last_on=date(2027, 10, 4))

    assert starts(museum)[0] == "Mon 04 10:00"
    assert TimeSlot.objects.order_by("starts_at").first().starts_at.hour == 14
