"""Times: which days and times are shown, what is left of each, and what is held."""

from datetime import timedelta

import pytest
import time_machine

from orders.basket import Basket
from tests.orders import full_event as stalls
from tests.orders.visitor import times_of
from ticketing.models import CapacityPool, ReservationLine, TimeSlot
from ticketing.operations import pause_slots, reserve_tickets
from ticketing.selling import Choice
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def first_day(stall):
    """Tours at each hour from 10 to 16, three days long, four people each."""
    day = stalls.timed(stall, days=3, every=60, capacity=4)
    stall.offer("Tour", 1000, is_timed=True)
    return day


def days_of(page):
    return page.texts(".slot-picker__days a")


def hold(stall, slot, count):
    release = stall.releases["Tour"].code
    return reserve_tickets(stall.fresh(), selection=[Choice(release, count, slot=slot.code)])


def test_a_shop_without_timed_tickets_asks_for_no_time(shop, stall):
    stalls.timed(stall)

    assert shop.open().all(".slot-picker") == []


def test_the_first_day_is_shown_with_its_times(shop, stall, first_day):
    page = shop.open()

    assert page.texts(".slot-picker__legend") == ["When do you come?"]
    assert len(days_of(page)) == 3
    assert page.attributes(".slot-picker__days a", "aria-current") == ["date", None, None]
    assert times_of(page) == [f"+ {hour}:00 4 left" for hour in range(10, 17)]


def test_what_was_chosen_is_written_once_for_each_day_that_is_shown(shop, stall, monkeypatch):
    """It is as long as somebody sends it, and there may be times on thousands of days."""
    stalls.timed(stall, days=30)
    stall.offer("Tour", 1000, is_timed=True)
    written, query = [], Basket.query
    monkeypatch.setattr(
        Basket, "query", lambda *args, **facts: written.append(1) or query(*args, **facts)
    )

    assert len(days_of(shop.open())) == 8
    assert len(written) < 12


def test_a_day_is_a_link_that_works_without_scripts(shop, stall, first_day):
    page = shop.open()
    second = page.attributes(".slot-picker__days a", "href")[1]
    assert second == f"{shop.url}?day={first_day + timedelta(days=1)}#tickets"

    page = shop.follow(second)

    assert page.attributes(".slot-picker__days a", "aria-current") == [None, "date", None]
    assert page.values("Reserve tickets")["day"] == str(first_day + timedelta(days=1))


def test_what_is_left_of_each_time(shop, stall, first_day):
    ten, eleven, twelve, *_ = stall.slots()
    hold(stall, ten, 4)
    hold(stall, eleven, 3)
    pause_slots(stall.event, [twelve], by=stall.house.owner)

    page = shop.open()

    assert times_of(page)[:4] == [
        "- 10:00 Sold out",
        "+ 11:00 1 left",
        "- 12:00 Paused",
        "+ 13:00 4 left",
    ]


def test_times_that_passed_are_over_and_past_days_gone(shop, stall, first_day):
    noon = stall.slots()[2].starts_at + timedelta(minutes=5)
    next_noon = noon + timedelta(days=1)

    with time_machine.travel(noon, tick=False):
        assert times_of(shop.open())[:3] == ["- 10:00 Over", "- 11:00 Over", "+ 12:00 4 left"]
    with time_machine.travel(next_noon, tick=False):
        assert len(days_of(shop.open())) == 2


def test_a_day_that_is_full_says_so_and_is_not_the_first_choice(shop, stall, first_day):
    CapacityPool.objects.filter(slot__in=stall.slots()[:7]).update(capacity=0)

    page = shop.open()

    assert "full" in days_of(page)[0]
    assert page.attributes(".slot-picker__days a", "aria-current") == [None, "date", None]


def test_many_days_are_a_week_at_a_time(shop, stall):
    stalls.timed(stall, days=20)
    stall.offer("Tour", 1000, is_timed=True)

    page = shop.open()
    assert (len(days_of(page)), days_of(page)[-1]) == (8, "Later")
    page = shop.follow(page.links(".slot-picker__days a")["Later"])
    assert (days_of(page)[0], len(days_of(page)), days_of(page)[-1]) == ("Earlier", 9, "Later")
    page = shop.follow(page.links(".slot-picker__days a")["Later"])
    assert (days_of(page)[0], len(days_of(page))) == ("Earlier", 7)


def test_the_chosen_time_is_held_for_every_timed_ticket(shop, stall, first_day, pages):
    stall.offer("Child", 500, is_timed=True)
    slot = stall.slots()[8]

    answer = shop.take(
        slot=slot.code,
        **{stall.field("Tour"): "1", stall.field("Child"): "2", stall.field("Audio guide"): "1"},
    )

    held = {line.ticket_name: line.slot_id for line in ReservationLine.objects.all()}
    assert held == {"Tour": slot.pk, "Child": slot.pk, "Audio guide": None}
    lines = pages.follow(answer).texts(".price-lines__line")
    assert "11:00" in lines[0] and "11:00" in lines[1] and ":" not in lines[2]


def test_a_missing_time_is_asked_for_at_the_picker(shop, stall, first_day):
    day = str(first_day + timedelta(days=2))

    page = shop.take(status=422, day=day, **{stall.field("Tour"): "2"})

    assert page.alerts == ["Tour: choose the time of your visit."]
    assert page.texts("#slots_error") == ["Tour: choose the time of your visit."]
    assert page.texts(".ticket-row--error") == []
    kept = page.values("Reserve tickets")
    assert (kept["day"], kept[stall.field("Tour")]) == (day, "2")


def test_a_time_that_closed_meanwhile_is_told_at_the_picker(shop, stall, first_day):
    slot = stall.slots()[0]
    pause_slots(stall.event, [slot], by=stall.house.owner)

    page = shop.take(status=409, slot=slot.code, **{stall.field("Tour"): "1"})

    assert page.texts("#slots_error") == ["That time can no longer be chosen. Choose another one."]


def test_a_full_time_keeps_the_rest_and_shows_what_is_left(shop, stall, first_day):
    slot = stall.slots()[8]
    hold(stall, slot, 3)

    page = shop.take(status=409, slot=slot.code, **{stall.field("Tour"): "2"})

    day = first_day + timedelta(days=1)
    assert page.alerts == [
        (
            f"Only 1 place is left for {day:%a} {day.day} {day:%b} {day.year}, 11:00."
            " Choose fewer tickets."
        )
    ]
    assert times_of(page)[1] == "* 11:00 1 left"
    assert page.values("Reserve tickets")["slot"] == slot.code
    assert shop.row(page, "Tour")[0] == "Tour 1 left"


def test_a_link_may_name_its_time(shop, stall, first_day):
    slot = stall.slots()[9]

    page = shop.open(slot=slot.code)

    assert times_of(page)[2] == "* 12:00 4 left"


@pytest.mark.parametrize("day", ["2020-01-01", "tomorrow", "2026-99-99", "\x00"])
def test_a_day_without_times_shows_the_first(shop, stall, first_day, day):
    page = shop.open(day=day)

    assert page.attributes(".slot-picker__days a", "aria-current")[0] == "date"


def test_a_slot_of_another_event_is_none(shop, stall, first_day, kikker):
    other = stalls.opened(kikker, "Elsewhere")
    stalls.timed(other)
    foreign = TimeSlot.objects.filter(event=other.event).first()

    page = shop.take(status=422, slot=foreign.code, **{stall.field("Tour"): "1"})

    assert page.texts("#slots_error") == ["Tour: choose the time of your visit."]


def test_hundreds_of_times_cost_no_more_queries(shop, stall, expect_queries):
    stalls.timed(stall, days=20, every=15)
    stall.offer("Tour", 1000, is_timed=True)
    shop.open()

    # organiser · event · pools of times · pools
    with expect_queries(4):
        shop.open()
    assert clock.now() < stall.event.starts_at
