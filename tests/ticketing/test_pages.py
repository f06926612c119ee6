"""The tickets page: types, releases, places, and the proof of the stock."""

from datetime import UTC, date, datetime

import pytest

from accounts.permissions import Role
from events.operations import change_event
from tests.cast import EventFactory, MembershipFactory
from tests.pages import PageClient
from ticketing.models import CapacityPool, Release, TicketType

pytestmark = pytest.mark.django_db


def type_of(house):
    """The code of the type that costs."""
    with house.scope():
        return TicketType.objects.get(pk=house.priced.ticket_type_id).code


def release_of(desk, name):
    with desk.house.scope():
        return Release.objects.select_related("ticket_type", "pool").get(name=name)


def test_board_shows_types_releases_and_stock(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(2)
        at_kikker.house.reserve(priced=3)

    page = at_kikker.get("ticketing:tickets")

    assert page.texts("#capacity .stock span") == ["40 places = 2 sold + 3 held + 35 free"]
    assert page.texts("main h2") == [
        "Places of the event",
        "Regular",
        "Under 12",
        "Shared places",
    ]
    assert page.rows == [
        ["Regular", "€25.00", "at once – end of the event", "0", "3", "–", "On sale hide, pause … Regular", "Withdraw Regular"]
    ]  # fmt: skip


def test_every_number_of_the_board_leads_to_its_rows(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(2)
        at_kikker.house.reserve(priced=3)

    page = at_kikker.get("ticketing:tickets")

    links = page.links()
    assert links["3 held"] == f"{at_kikker.url('ticketing:inventory')}#holds"
    under_12 = made_type(at_kikker, "Under 12")
    assert links["2 sold"] == f"{at_kikker.url('orders:list')}?sold=type-{under_12.code}"
    page = at_kikker.pages.get_page(links["2 sold"])
    assert len(page.rows) == 1
    assert "Only orders with Under 12." in page.text("main")


def test_board_of_a_bare_event_offers_the_first_step(at_kikker):
    house = at_kikker.house
    with house.scope():
        bare = EventFactory(organiser=house.organiser, by=house.owner, name="Bare")

    page = at_kikker.pages.get_page(f"/o/blauwe-kikker/events/{bare.slug}/tickets/")

    assert page.texts(".empty__title") == ["No ticket types yet"]
    assert page.texts("main a.button") == ["New ticket type"]


def test_who_may_only_look_finds_no_way_to_change(at_kikker):
    viewer = MembershipFactory(organiser=at_kikker.house.organiser, role=Role.VIEWER)

    page = PageClient().sign_in(viewer.user).get_page(at_kikker.url("ticketing:tickets"))

    assert page.texts("main button") == []
    assert list(page.links("#capacity a, main .card a")) == ["Verify"]


def test_type_leads_to_its_first_release(at_kikker):
    page = at_kikker.get("ticketing:new_type")

    page = at_kikker.pages.follow(
        page.submit("Create ticket type", name="VIP", description="Front row", capacity="10")
    )

    assert page.h1 == "New release of VIP"
    assert page.alerts == ["VIP is ready. Give it a release, so that it can be sold."]
    page = at_kikker.pages.follow(
        page.submit(
            "Save and publish release",
            name="Early",
            price="49,50",
            capacity="5",
            opens_at="2026-01-05T20:00",
        )
    )
    assert page.alerts == ["Release saved."]
    release = release_of(at_kikker, "Early")
    assert (release.price_minor, release.pool.capacity) == (4950, 5)
    assert release.published_at is not None
    assert release.opens_at.isoformat() == "2026-01-05T19:00:00+00:00"


def test_release_may_stay_a_draft(at_kikker):
    code = type_of(at_kikker.house)
    page = at_kikker.get("ticketing:new_release", type_code=code)

    page = at_kikker.pages.follow(page.submit("Save as draft", name="Late", price="30"))

    assert page.alerts == ["Release saved."]
    assert [row[0] for row in page.rows if row[6] == "Draft"] == ["Late"]
    assert page.values("Publish Late").keys() == {"csrfmiddlewaretoken"}


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"name": ""}, {"name": "Fill in “Name”."}),
        ({"name": "Regular"}, {"name": "That name is already used here. Choose another one."}),
        ({"capacity": "-1"}, {"capacity": "Ensure this value is greater than or equal to 0."}),
        ({"per_order_limit": "51"}, {"per_order_limit": "Ensure this value is less than or equal to 50."}),
        ({"name": "x" * 61}, {"name": "Ensure this value has at most 60 characters (it has 61)."}),
    ],
)  # fmt: skip
def test_type_that_makes_no_sense_is_refused(at_kikker, typed, errors):
    facts = {"name": "VIP", "description": "Front row"} | typed

    page = at_kikker.get("ticketing:new_type").submit("Create ticket type", status=422, **facts)

    assert page.errors == errors
    assert page.values("Create ticket type")["description"] == "Front row"
    with at_kikker.house.scope():
        assert TicketType.objects.filter(event=at_kikker.house.event).count() == 2


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Regular"}, "name"),
        ({"price": ""}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "12.345"}, "price"),
        ({"price": "a lot"}, "price"),
        ({"opens_at": "2030-01-01T10:00", "closes_at": "2029-01-01T10:00"}, "closes_at"),
        ({"closes_at": "2999-01-01T10:00"}, "closes_at"),
        ({"opens_at": "2999-01-01T10:00"}, "opens_at"),
    ],
)
def test_release_that_makes_no_sense_is_refused(at_kikker, typed, field):
    code = type_of(at_kikker.house)
    facts = {"name": "Late", "price": "30", "capacity": "7"} | typed

    page = at_kikker.get("ticketing:new_release", type_code=code).submit(
        "Save and publish release", status=422, **facts
    )

    assert list(page.errors) == [field]
    assert page.values("Save and publish release")["capacity"] == "7"
    with at_kikker.house.scope():
        assert Release.objects.filter(ticket_type__event=at_kikker.house.event).count() == 2


def test_type_and_release_save_what_they_show(at_kikker):
    release = release_of(at_kikker, "Regular")

    page = at_kikker.get("ticketing:type", type_code=release.ticket_type.code)
    assert page.values("Save ticket type")["name"] == "Regular"
    page = at_kikker.pages.follow(page.submit("Save ticket type", capacity="30"))
    assert page.alerts == ["Ticket type saved."]
    page = at_kikker.get("ticketing:release", release_code=release.code)
    assert page.values("Save release")["price"] == "25.00"
    page = at_kikker.pages.follow(page.submit("Save release"))

    assert page.alerts == ["Release saved."]
    again = release_of(at_kikker, "Regular")
    assert (again.price_minor, again.opens_at, again.pool.capacity) == (2500, None, None)


def test_less_than_what_is_sold_is_refused(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(3)

    page = at_kikker.get("ticketing:capacity").submit("Save places", status=422, capacity="2")

    assert page.errors == {
        "capacity": "3 places are already sold, held or set aside, so it cannot be less than that."
    }
    with at_kikker.house.scope():
        assert CapacityPool.objects.get(ticket_type=None, release=None).capacity == 40


def test_places_are_saved_and_may_be_without_limit(at_kikker):
    page = at_kikker.get("ticketing:capacity")
    assert page.values("Save places")["capacity"] == "40"

    page = at_kikker.pages.follow(page.submit("Save places", capacity=""))

    assert page.alerts == ["Places of the event saved."]
    assert "No limit for the event as a whole" in page.text()


def test_release_is_withdrawn_and_published_again(at_kikker):
    page = at_kikker.get("ticketing:tickets")

    page = at_kikker.pages.follow(page.submit("Withdraw Regular"))
    assert page.alerts == ["The release is a draft again and not in the shop."]
    assert page.rows[0][6] == "Draft"
    page = at_kikker.pages.follow(page.submit("Publish Regular"))
    assert page.alerts == ["The release is published."]


def test_release_nobody_bought_is_deleted(at_kikker):
    release = release_of(at_kikker, "Under 12")

    page = at_kikker.get("ticketing:release", release_code=release.code).submit("Delete release")

    assert at_kikker.pages.follow(page).alerts == ["The release is deleted."]
    with at_kikker.house.scope():
        assert not Release.objects.filter(pk=release.pk).exists()


def test_release_somebody_bought_stays(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(1)
    release = release_of(at_kikker, "Under 12")

    page = at_kikker.get("ticketing:release", release_code=release.code)
    page = page.submit("Delete release", status=409)

    assert page.alerts == ["Tickets of it were sold or are held, so it cannot be deleted."]
    with at_kikker.house.scope():
        assert Release.objects.filter(pk=release.pk).exists()


def test_what_is_another_events_is_not_here(at_kikker, cast):
    foreign = cast.fjord.priced

    at_kikker.get("ticketing:release", release_code=foreign.code, status=404)
    at_kikker.get("ticketing:type", type_code=type_of(cast.fjord), status=404)
    at_kikker.get("ticketing:type", type_code="é", status=404)


def test_queries_of_the_board(at_kikker, expect_queries):
    at_kikker.get("ticketing:tickets")

    # session · user · membership · event · pools · organisers of the user
    with expect_queries(6):
        at_kikker.get("ticketing:tickets")


# What a type can be ------------------------------------------------------------------------


def made_type(desk, name):
    with desk.house.scope():
        return TicketType.objects.get(event=desk.house.event, name=name)


def test_type_with_several_prices_asks_for_each_in_its_release(at_kikker):
    page = at_kikker.get("ticketing:new_type")
    page = at_kikker.pages.follow(
        page.submit(
            "Create ticket type",
            name="Entry",
            pricing="options",
            options="Adult\n  Child \n\nadult\n",
            tax_rate="21",
            zones="Hall, Bar,, hall",
            per_order_minimum="2",
            per_email_limit="6",
        )
    )
    made = made_type(at_kikker, "Entry")
    assert (made.tax_rate_bp, made.zones, made.per_order_minimum) == (2100, ["hall", "Bar"], 2)
    with at_kikker.house.scope():
        adult, child = made.options.order_by("position")
    assert [adult.name, child.name] == ["adult", "Child"]

    amounts = {f"option_{adult.code}": "30", f"option_{child.code}": ""}
    page = at_kikker.pages.follow(page.submit("Save and publish release", name="Early", **amounts))
    assert page.alerts == ["Release saved."]
    with at_kikker.house.scope():
        release = release_of(at_kikker, "Early")
        assert list(release.option_prices.values_list("option__name", "price_minor")) == [
            ("adult", 3000)
        ]

    page = at_kikker.get("ticketing:release", release_code=release.code)
    assert page.values("Save release")[f"option_{adult.code}"] == "30.00"
    page = page.submit("Save release", status=422, **{f"option_{adult.code}": ""})
    assert page.general_errors == ["Early: give at least one of its prices an amount."]


def test_a_release_without_prices_is_neither_published_nor_left_behind(at_kikker):
    at_kikker.get("ticketing:new_type").submit(
        "Create ticket type", name="Entry", pricing="options", options="Adult"
    )
    code = made_type(at_kikker, "Entry").code

    page = at_kikker.get("ticketing:new_release", type_code=code)
    page = page.submit("Save and publish release", status=422, name="Early")

    assert page.general_errors == ["Early: give at least one of its prices an amount."]
    with at_kikker.house.scope():
        assert not Release.objects.filter(name="Early").exists()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"pricing": "options", "options": " \n"}, "options"),
        ({"pricing": "options", "options": "x" * 61}, "options"),
        ({"zones": "x" * 41}, "zones"),
        ({"tax_rate": "101"}, "tax_rate"),
        ({"admits": "51"}, "admits"),
        ({"per_order_minimum": "5", "per_order_limit": "4"}, "per_order_limit"),
    ],
)
def test_details_that_make_no_sense_are_refused_at_their_field(at_kikker, typed, field):
    page = at_kikker.get("ticketing:new_type")
    page = page.submit("Create ticket type", status=422, name="VIP", **typed)

    assert list(page.errors) == [field]
    with at_kikker.house.scope():
        assert TicketType.objects.filter(event=at_kikker.house.event).count() == 2


def test_pay_what_you_want_suggests_an_amount(at_kikker):
    page = at_kikker.get("ticketing:new_type")
    page = at_kikker.pages.follow(page.submit("Create ticket type", name="Gift", pricing="open"))
    refused = page.submit("Save as draft", status=422, name="Gift", price="10", suggested="5")
    assert refused.errors == {"suggested": "Suggest at least the least that is to be paid."}
    page.submit("Save as draft", name="Gift", price="5", suggested="10")

    release = release_of(at_kikker, "Gift")
    assert (release.price_minor, release.suggested_minor) == (500, 1000)
    page = at_kikker.get("ticketing:tickets")
    assert "from €5.00" in page.text()


def test_days_of_a_longer_event_can_be_ticked(at_kikker):
    house = at_kikker.house
    with house.scope():
        change_event(
            house.event,
            by=house.owner,
            starts_at=datetime(2027, 6, 4, 18, tzinfo=UTC),
            ends_at=datetime(2027, 6, 6, 2, tzinfo=UTC),
        )

    page = at_kikker.get("ticketing:new_type")
    assert page.texts("#id_days_field .choice") == ["4 June 2027", "5 June 2027"]
    page.submit("Create ticket type", name="Saturday", days=["2027-06-05"])

    made = made_type(at_kikker, "Saturday")
    assert made.days == [date(2027, 6, 5)]
    page = at_kikker.get("ticketing:type", type_code=made.code)
    assert page.attributes("#id_days_field input[checked]", "value") == ["2027-06-05"]


def test_bundle_is_made_of_other_types_at_their_prices_of_now(at_kikker):
    regular = made_type(at_kikker, "Regular")
    under = made_type(at_kikker, "Under 12")
    page = at_kikker.get("ticketing:new_type")
    shown = page.values("Create ticket type")
    assert (shown[f"usual_{regular.code}"], shown[f"usual_{under.code}"]) == ("25.00", "0.00")

    refused = page.submit(
        "Create ticket type",
        status=422,
        name="Family",
        **{f"part_{regular.code}": "2", f"usual_{regular.code}": ""},
    )
    assert list(refused.errors) == [f"usual_{regular.code}"]
    page.submit(
        "Create ticket type",
        name="Family",
        **{f"part_{regular.code}": "2", f"part_{under.code}": "1"},
    )

    page = at_kikker.get("ticketing:tickets")
    assert "Bundle of 2 × Regular, 1 × Under 12" in page.texts(".type-facts li")
    family = made_type(at_kikker, "Family")
    page = at_kikker.get("ticketing:type", type_code=family.code)
    assert page.values("Save ticket type")[f"part_{regular.code}"] == "2"
    # A part is no bundle itself.
    page = at_kikker.get("ticketing:type", type_code=regular.code)
    assert "Bundle of other tickets" not in page.texts("legend")
    page.submit("Save ticket type", status=422, admits="3")


def test_what_is_sold_refuses_to_become_something_else(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.reserve(priced=1)
    page = at_kikker.get("ticketing:type", type_code=type_of(at_kikker.house))

    page = page.submit("Save ticket type", status=422, admits="2")

    assert page.errors == {
        "admits": "Tickets of it are held or sold, so the number of people cannot change any more."
        " Hide this type and make another one."
    }


def test_types_move_by_their_buttons(at_kikker):
    page = at_kikker.get("ticketing:tickets")
    page = at_kikker.pages.follow(page.submit("Move Under 12 up"))
    assert page.texts("main h2")[1:3] == ["Under 12", "Regular"]
    page = at_kikker.pages.follow(page.submit("Move Under 12 down"))
    assert page.texts("main h2")[1:3] == ["Regular", "Under 12"]


def test_release_waits_for_another_and_never_in_a_circle(at_kikker):
    code = type_of(at_kikker.house)
    first = release_of(at_kikker, "Regular")
    page = at_kikker.get("ticketing:new_release", type_code=code)
    page.submit("Save and publish release", name="Late", price="30", follows=first.code)
    late = release_of(at_kikker, "Late")

    page = at_kikker.get("ticketing:tickets")
    assert page.rows[1][:3] == ["Late after Regular", "€30.00", "when it is its turn – end of the event"]  # fmt: skip
    assert page.rows[1][6] == "Waits its turn hide, pause … Late"
    [warning] = page.texts(".releases__warnings li")
    assert warning.startswith("Late waits for Regular, which has neither an end nor a number of")
    page = at_kikker.get("ticketing:release", release_code=first.code)
    page = page.submit("Save release", status=422, follows=late.code)
    assert page.errors == {
        "follows": "Late waits for this release already, so neither would ever open. Choose another"
        " one."
    }


# Hide, pause, sold out ---------------------------------------------------------------------


def test_dialog_says_what_hangs_on_a_type_and_acts(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.reserve(priced=2)
    code = type_of(at_kikker.house)

    page = at_kikker.get("ticketing:type_availability", type_code=code)
    assert page.h1 == "Hide, pause or end the sale of Regular"
    assert page.texts(".connected__list li") == [
        "2 tickets are held at this moment; their buyers may finish."
    ]
    page = at_kikker.pages.follow(page.submit("Pause"))
    assert page.alerts == ["Regular is paused."]
    assert page.texts(".type-facts .pill") == ["Paused"]
    assert page.rows[0][6] == "Paused hide, pause … Regular"
    page = at_kikker.get("ticketing:type_availability", type_code=code)
    page = at_kikker.pages.follow(page.submit("Resume"))
    assert page.alerts == ["Regular can be bought again."]
    assert page.texts(".type-facts .pill") == []


def test_dialog_of_a_release_acts_on_it_alone(at_kikker):
    release = release_of(at_kikker, "Regular")

    page = at_kikker.get("ticketing:release_availability", release_code=release.code)
    assert page.text(".connected p").startswith("Nothing: no code")
    page = at_kikker.pages.follow(page.submit("Mark sold out"))
    assert page.alerts == ["Regular · Regular is marked sold out."]
    assert page.rows[0][6] == "Sold out hide, pause … Regular"
    page = at_kikker.get("ticketing:release_availability", release_code=release.code)
    page = at_kikker.pages.follow(page.submit("Hide"))
    assert page.rows[0][6] == "Hidden hide, pause … Regular"

    at_kikker.post(
        "ticketing:release_availability", {"act": "explode"}, status=404, release_code=release.code
    )


# Shared places -----------------------------------------------------------------------------


def test_places_are_shared_changed_and_deleted(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(2)
    page = at_kikker.get("ticketing:new_pool")
    assert page.texts("#id_members_field .choice") == ["Regular", "Under 12 2 sold or held so far"]
    refused = page.submit("Share places", status=422, name="Hall", capacity="5")
    assert list(refused.errors) == ["members"]
    both = [f"type:{made_type(at_kikker, name).code}" for name in ("Regular", "Under 12")]
    page = at_kikker.pages.follow(
        page.submit("Share places", name="Hall", capacity="5", members=both)
    )
    assert page.alerts == ["The shared places are counted from now on."]
    assert page.texts("#pools li p") == [
        "Hall 5 places = 0 sold + 0 held + 5 free Change",
        "Shared by Regular, Under 12",
    ]

    with at_kikker.house.scope():
        at_kikker.house.event.refresh_from_db()
        at_kikker.house.reserve(priced=1)
        pool = CapacityPool.objects.get(name="Hall").pk
    page = at_kikker.get("ticketing:pool", pool_id=pool)
    refused = page.submit("Save shared places", status=422, capacity="0", members=both)
    assert list(refused.errors) == ["capacity"]
    page = at_kikker.get("ticketing:pool", pool_id=pool)
    assert page.submit("Delete shared places", status=409).alerts[0].startswith("1 place of it is")
    page = at_kikker.get("ticketing:pool", pool_id=pool)
    page = at_kikker.pages.follow(
        page.submit("Save shared places", name="Big hall", members=both[:1])
    )
    assert page.texts("#pools li p")[1] == "Shared by Regular"


def test_only_shared_pools_have_a_page(at_kikker, cast):
    with at_kikker.house.scope():
        event_pool = CapacityPool.objects.get(ticket_type=None, release=None).pk
    with cast.fjord.scope():
        foreign = CapacityPool.objects.order_by("pk").first().pk

    at_kikker.get("ticketing:pool", pool_id=event_pool, status=404)
    at_kikker.get("ticketing:pool", pool_id=foreign, status=404)
