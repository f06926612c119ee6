"""The shop's rows of every kind, and what is made of what is sent from them."""

import pytest

from tests.orders import full_event as stalls
from tests.orders.public_pages import rows_of
from tests.orders.visitor import held_lines
from ticketing.models import Reservation, ReservationLine, WaitlistPolicy
from ticketing.operations import change_release, hide, mark_sold_out, pause, set_event_capacity

pytestmark = pytest.mark.django_db


def test_several_prices_have_a_stepper_each(shop, stall):
    stall.offer("Day ticket", pricing="options", options=["Adult", "Child"],
                release={"options": {"Adult": 1800, "Child": 0}})  # fmt: skip

    page = shop.open()

    assert shop.row(page, "Day ticket")[1] == "Free – €18.85 incl. service fee"
    assert page.texts(".ticket-row__pick") == ["Adult €18.85", "Child Free"]
    names = [stall.field("Day ticket", option) for option in ("Adult", "Child")]
    assert page.attributes(".ticket-row__picks input", "name") == names
    assert page.attributes(".ticket-row__picks input", "data-minor") == ["1885", "0"]
    assert page.attributes(".ticket-row__picks input", "data-name") == [
        "Day ticket · Adult",
        "Day ticket · Child",
    ]

    shop.take(**dict(zip(names, ("2", "1"), strict=True)))

    assert held_lines() == [(2, "Day ticket", "Adult", 1800, 0), (1, "Day ticket", "Child", 0, 0)]


def test_own_price_is_asked_for_and_held_to_the_cent(shop, stall):
    stall.offer("Friend", pricing="open", release={"price_minor": 500, "suggested_minor": 1500})

    page = shop.open()

    assert shop.row(page, "Friend")[1] == "From €5.59 incl. €0.59 service fee"
    assert page.texts(".ticket-row__own .field__hint") == [
        "€5.00 or more. The service fee comes on top."
    ]
    price = stall.field("Friend", kind="price")
    assert page.values("Reserve tickets")[price] == "15.00"
    [number] = [i for i in page.all("quantity-stepper input") if i.get("data-own")]
    facts = {name: number.get(f"data-{name}") for name in ("own", "fixed", "rate", "tax")}
    assert facts == {"own": price, "fixed": "49", "rate": "200", "tax": "0"}

    shop.take(**{stall.field("Friend"): "2", price: "17,35"})

    assert held_lines() == [(2, "Friend", "", 1735, 0)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("4.99", "Friend: give €5.00 or more."),
        ("100000.01", "Friend: give €100,000.00 at most."),
        ("a lot", "Enter an amount in numbers, such as 12.50."),
    ],
)
def test_own_price_that_cannot_be_is_told_at_its_row(shop, stall, typed, said):
    stall.offer("Friend", pricing="open", release={"price_minor": 500})
    sent = {stall.field("Friend"): "1", stall.field("Friend", kind="price"): typed}

    page = shop.take(status=422, **sent)

    assert page.alerts == [said]
    assert page.texts(".ticket-row--error .field__error") == [said]
    assert page.values("Reserve tickets") == {stall.field("Audio guide"): "0", **sent}
    assert not Reservation.objects.exists()


def test_free_choice_of_price_may_be_nothing(shop, stall):
    stall.offer("Donation", pricing="open")

    assert shop.row(shop.open(), "Donation")[1] == "Pay what you want"
    shop.take(**{stall.field("Donation"): "1", stall.field("Donation", kind="price"): "0"})

    assert held_lines() == [(1, "Donation", "", 0, 0)]


def test_group_and_bundle_say_what_is_in_them(shop, stall):
    entry, meal = stall.offer("Entry", 1200), stall.offer("Meal", 3000)
    stall.offer("Family", 4000, admits=5)
    parts = [stalls.Bundled(entry, 2, 1200), stalls.Bundled(meal, 1, 3000)]
    stall.offer("Evening out", 5000, parts=parts)

    page = shop.open()

    assert page.texts(".ticket-row__facts li") == ["Lets in 5 people", "2 × Entry, 1 × Meal"]
    shop.take(**{stall.field("Evening out"): "1", stall.field("Family"): "1"})
    places = sorted(line.places for line in ReservationLine.objects.all())
    assert places == [1, 2, 5]


def test_least_and_most_of_an_order_are_said(shop, stall):
    stall.offer("Workshop", 2000, per_order_minimum=2, per_order_limit=6, per_email_limit=4)

    page = shop.open()

    assert page.texts(".ticket-row__facts li") == [
        "At least 2 per order",
        "At most 4 per e-mail address",
    ]
    [number] = page.all(f"#tickets-{stall.field('Workshop')}")
    assert (number.get("data-least"), number.get("max")) == ("2", "6")
    for count, said in (("1", "at least 2 in one order"), ("7", "At most 6 of Workshop")):
        refused = shop.take(status=422, **{stall.field("Workshop"): count})
        assert said in refused.text(".ticket-row--error .field__error")


def test_conditions_fold(shop, stall):
    stall.offer("Student", 900, policy_text="Show your card.\nNo card, no entry.")

    page = shop.open()

    assert page.texts(".ticket-row__conditions summary") == ["Conditions"]
    assert page.texts(".ticket-row__conditions p") == ["Show your card. No card, no entry."]


def test_hidden_paused_and_sold_out_are_three_things(shop, stall):
    for name, act in (("Crew", hide), ("Boat", pause), ("Balcony", mark_sold_out)):
        act(stall.offer(name, 1000), by=stall.house.owner)

    page = shop.open()

    assert [(row[0], row[2]) for row in rows_of(page)] == [
        ("Audio guide", ""),
        ("Boat", "Sales are paused for a moment"),
        ("Balcony", "Sold out"),
    ]


def test_sold_out_leads_to_the_waitlist_while_it_is_open(shop, stall):
    balcony = stall.offer("Balcony", 2500)
    mark_sold_out(balcony, by=stall.house.owner)
    assert "Join the waitlist" not in shop.open().links()

    policy = WaitlistPolicy.objects.create(event=stall.event)

    assert shop.open().links()["Join the waitlist"] == f"{shop.url}waitlist/?type={balcony.code}"
    policy.closed_at = stall.event.published_at
    policy.save()
    assert "Join the waitlist" not in shop.open().links()


def test_refused_selection_keeps_every_field(shop, stall):
    stall.offer(
        "Day ticket", pricing="options", options=["Adult"], release={"options": {"Adult": 1800}}
    )
    stall.offer("Friend", pricing="open", release={"price_minor": 500})
    set_event_capacity(stall.event, capacity=2, by=stall.house.owner)
    sent = {
        stall.field("Audio guide"): "1",
        stall.field("Day ticket", "Adult"): "2",
        stall.field("Friend"): "0",
        stall.field("Friend", kind="price"): "8,50",
    }

    page = shop.take(status=409, **sent)

    assert page.alerts == ["Only 2 places are left for Small Museum. Choose fewer tickets."]
    assert page.attributes(".refusal", "autofocus") == [""]
    assert page.values("Reserve tickets") == sent


def test_option_that_is_not_sold_is_refused_at_its_row(shop, stall):
    stall.offer(
        "Day ticket", pricing="options", options=["Adult"], release={"options": {"Adult": 1800}}
    )

    page = shop.take(status=422, **{stall.field("Day ticket"): "1"})

    assert page.texts(".ticket-row--error .field__error") == [
        "Day ticket: choose one of its prices."
    ]


def test_a_price_that_a_type_does_not_have_is_refused_and_told_at_the_row(shop, stall):
    field = stall.field("Audio guide")

    page = shop.take(status=422, **{field: "1", f"{field}_x": "1"})

    assert "Audio guide has one price only. Choose how many once more." in page.text()
    assert Reservation.objects.count() == 0


def test_more_than_is_held_at_the_old_price_is_refused_and_told_at_the_row(shop, stall):
    field = stall.field("Audio guide")
    shop.take(**{field: "1"})
    held = Reservation.objects.get()
    change_release(stall.releases["Audio guide"], price_minor=9900, by=stall.house.owner)

    page = shop.take(status=409, **{field: "20", "hold": held.secret})

    assert "Audio guide costs €99.00 now. The one that you hold keeps its price" in page.text()
    assert held_lines() == [(1, "Audio guide", "", 500, 0)]
