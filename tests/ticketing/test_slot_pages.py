"""The page of time slots: by rule, by day, one by one."""

from datetime import UTC, datetime

import pytest

from events.operations import change_event
from ticketing.models import CapacityPool, TimeSlot

pytestmark = pytest.mark.django_db
RULE = {
    "first_on": "2027-06-05",
    "last_on": "2027-06-06",
    "weekdays": ["5", "6"],
    "opens": "10:00",
    "closes": "12:00",
    "every_minutes": "60",
    "capacity": "8",
    "grace_minutes": "15",
}


@pytest.fixture
def museum(at_kikker):
    """Four days in June."""
    house = at_kikker.house
    with house.scope():
        house.event = change_event(
            house.event,
            by=house.owner,
            starts_at=datetime(2027, 6, 4, 6, tzinfo=UTC),
            ends_at=datetime(2027, 6, 7, 20, tzinfo=UTC),
        )
    return at_kikker


@pytest.fixture
def open_museum(museum):
    museum.get("ticketing:new_slots").submit("Make time slots", **RULE)
    return museum


def slots(desk):
    with desk.house.scope():
        return list(TimeSlot.objects.select_related("pool").order_by("starts_at"))


def test_no_slots_offer_the_first_step(museum):
    page = museum.get("ticketing:slots")

    assert page.texts(".empty__title") == ["No time slots yet"]
    assert "Make time slots" in page.links()


def test_slots_are_made_by_a_rule(museum):
    page = museum.get("ticketing:new_slots")
    shown = page.values("Make time slots")
    assert (shown["first_on"], shown["last_on"]) == ("2027-06-04", "2027-06-07")

    page = museum.pages.follow(page.submit("Make time slots", **RULE))

    assert page.alerts == ["4 time slots are new."]
    assert page.texts(".slot-days__day") == [
        "Sat 5 Jun 0 sold, 16 free",
        "Sun 6 Jun 0 sold, 16 free",
    ]
    assert [row[:3] for row in page.rows] == [
        ["10:00–11:00 + 15 min of grace", "8 places = 0 sold + 0 held + 8 free", "On sale"],
        ["11:00–12:00 + 15 min of grace", "8 places = 0 sold + 0 held + 8 free", "On sale"],
    ]
    assert page.texts(".slot-days [aria-current]") == ["Sat 5 Jun 0 sold, 16 free"]
    page = museum.pages.follow(museum.get("ticketing:new_slots").submit("Make time slots", **RULE))
    assert page.alerts == ["0 time slots are new. 4 were there already and stay as they were."]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"last_on": "2027-06-01"}, "last_on"),
        ({"last_on": "2027-06-08", "weekdays": ["1"]}, "last_on"),
        ({"first_on": "2027-06-03", "weekdays": ["3"]}, "first_on"),
        ({"first_on": ""}, "first_on"),
        ({"opens": "10"}, "opens"),
        ({"every_minutes": "4"}, "every_minutes"),
        ({"grace_minutes": "-1"}, "grace_minutes"),
        ({"capacity": "-1"}, "capacity"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_field(museum, typed, field):
    page = museum.get("ticketing:new_slots")

    page = page.submit("Make time slots", status=422, **RULE | typed)

    assert list(page.errors) == [field]
    assert slots(museum) == []


def test_a_rule_that_makes_nothing_says_so(museum):
    page = museum.get("ticketing:new_slots")
    page = page.submit("Make time slots", status=422, **RULE | {"weekdays": ["2"]})

    assert page.general_errors[0].startswith("No time fits.")


def test_days_are_paused_and_resumed_whole(open_museum):
    page = open_museum.get("ticketing:slots", {"day": "2027-06-06"})
    page = open_museum.pages.follow(page.submit("Pause this day"))

    assert page.alerts == ["2 times are paused."]
    assert [row[2] for row in page.rows] == ["Paused", "Paused"]
    assert [slot.paused_at is None for slot in slots(open_museum)] == [True, True, False, False]
    page = open_museum.pages.follow(page.submit("Resume this day"))
    assert [row[2] for row in page.rows] == ["On sale", "On sale"]


def test_one_time_is_paused_limited_and_deleted(open_museum):
    page = open_museum.get("ticketing:slots")
    page = open_museum.pages.follow(page.submit("Pause 10:00"))
    assert [row[2] for row in page.rows] == ["Paused", "On sale"]
    page = open_museum.pages.follow(page.submit("Resume 10:00"))
    first, second, *_ = slots(open_museum)

    page = open_museum.get("ticketing:slot", slot_code=first.code)
    assert page.h1 == "Sat 5 Jun 2027, 10:00–11:00"
    page = open_museum.pages.follow(page.submit("Save places", capacity="3"))
    assert page.rows[0][1] == "3 places = 0 sold + 0 held + 3 free"
    page = open_museum.pages.follow(page.submit("Delete 11:00"))
    assert page.alerts == ["1 time is deleted."]
    assert second not in slots(open_museum)


def test_what_is_taken_stays(open_museum):
    first = slots(open_museum)[0]
    with open_museum.house.scope():
        CapacityPool.objects.filter(slot=first).update(sold=2)

    page = open_museum.get("ticketing:slot", slot_code=first.code)
    page = page.submit("Save places", status=422, capacity="1")
    assert list(page.errors) == ["capacity"]
    page = open_museum.get("ticketing:slots")
    assert "Delete 10:00" not in page.texts("main button")
    page = open_museum.pages.follow(page.submit("Delete what nobody bought"))
    assert page.alerts == ["1 time is deleted. Those that somebody reserved stay."]
    page = open_museum.get("ticketing:slots").submit("Delete what nobody bought", status=409)
    assert page.alerts[0].startswith("Tickets for it were reserved")


def test_days_and_slots_that_are_not_there_are_not_found(open_museum, cast):
    for name in ("day_pause", "day_resumption", "day_deletion"):
        open_museum.post(f"ticketing:{name}", status=404, day="2027-06-07")
        open_museum.post(f"ticketing:{name}", status=404, day="tomorrow")
    open_museum.get("ticketing:slot", slot_code="NOSUCH00", status=404)
    assert open_museum.get("ticketing:slots", {"day": "tomorrow"}).rows


def test_the_tickets_page_sums_the_next_day(open_museum):
    page = open_museum.get("ticketing:tickets")

    assert page.texts("#slots p") == [
        "Sat 5 Jun 16 places = 0 sold + 0 held + 16 free",
        "2 times on that day",
    ]


def test_a_type_for_a_time_slot_asks_for_slots(museum):
    museum.get("ticketing:new_type").submit("Create ticket type", name="Visit", is_timed="on")

    page = museum.get("ticketing:tickets")
    assert page.alerts[1:] == ["It is for a time slot, and there is none yet. Make time slots"]


def test_queries_of_the_slots(open_museum, expect_queries):
    open_museum.get("ticketing:slots")

    # session · user · membership · event · pools of slots · organisers of the user
    with expect_queries(6):
        open_museum.get("ticketing:slots")
