"""The tickets page: types, releases, places, and the proof of the stock."""

import pytest

from accounts.permissions import Role
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
    assert page.texts("main h2") == ["Places of the event", "Regular", "Under 12"]
    assert page.rows == [
        ["Regular", "€25.00", "at once – end of the event", "0", "3", "–", "On sale", "Withdraw Regular"]
    ]  # fmt: skip


def test_board_of_a_bare_event_offers_the_first_step(at_kikker):
    house = at_kikker.house
    with house.scope():
        bare = EventFactory(organiser=house.organiser, by=house.owner, name="Bare")

    page = at_kikker.pages.get_page(f"/o/blauwe-kikker/events/{bare.slug}/tickets/")

    assert page.texts(".empty__title") == ["No ticket types yet"]


def test_who_may_only_look_finds_no_way_to_change(at_kikker):
    viewer = MembershipFactory(organiser=at_kikker.house.organiser, role=Role.VIEWER)

    page = PageClient().sign_in(viewer.user).get_page(at_kikker.url("ticketing:tickets"))

    assert page.texts("main button") == []
    assert list(page.links()) == ["Verify"]


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
    page = at_kikker.get("ticketing:new_release", ticket_type=code)

    page = at_kikker.pages.follow(page.submit("Save as draft", name="Late", price="30"))

    assert page.alerts == ["Release saved."]
    assert [row[0] for row in page.rows if row[6] == "Draft"] == ["Late"]


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

    page = at_kikker.get("ticketing:new_release", ticket_type=code).submit(
        "Save and publish release", status=422, **facts
    )

    assert list(page.errors) == [field]
    assert page.values("Save and publish release")["capacity"] == "7"
    with at_kikker.house.scope():
        assert Release.objects.filter(ticket_type__event=at_kikker.house.event).count() == 2


def test_type_and_release_save_what_they_show(at_kikker):
    release = release_of(at_kikker, "Regular")

    page = at_kikker.get("ticketing:type", ticket_type=release.ticket_type.code)
    assert page.values("Save ticket type")["name"] == "Regular"
    page = at_kikker.pages.follow(page.submit("Save ticket type", capacity="30"))
    assert page.alerts == ["Ticket type saved."]
    page = at_kikker.get("ticketing:release", release=release.code)
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
        "capacity": "3 tickets are already sold or held, so it cannot be less than that."
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

    page = at_kikker.get("ticketing:release", release=release.code).submit("Delete release")

    assert at_kikker.pages.follow(page).alerts == ["The release is deleted."]
    with at_kikker.house.scope():
        assert not Release.objects.filter(pk=release.pk).exists()


def test_release_somebody_bought_stays(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(1)
    release = release_of(at_kikker, "Under 12")

    page = at_kikker.get("ticketing:release", release=release.code)
    page = page.submit("Delete release", status=409)

    assert page.alerts == ["Tickets of it were sold or are held, so it cannot be deleted."]
    with at_kikker.house.scope():
        assert Release.objects.filter(pk=release.pk).exists()


def test_what_is_another_events_is_not_here(at_kikker, cast):
    foreign = cast.fjord.priced

    at_kikker.get("ticketing:release", release=foreign.code, status=404)
    at_kikker.get("ticketing:type", ticket_type=type_of(cast.fjord), status=404)
    at_kikker.get("ticketing:type", ticket_type="é", status=404)


def test_inventory_proves_itself(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(2)
        at_kikker.house.reserve(priced=3)

    page = at_kikker.get("ticketing:inventory")

    assert page.alerts == ["0 differences: every place is accounted for."]
    assert page.rows[0] == ["Night of the Blue Note", "40", "2", "2", "3", "3"]


def test_inventory_that_is_wrong_says_so(at_kikker):
    with at_kikker.house.scope():
        CapacityPool.objects.filter(ticket_type=None, release=None).update(sold=5)

    page = at_kikker.get("ticketing:inventory")

    assert page.alerts == ["1 counter differs from its rows. Tell us at once."]
    assert page.rows[0][0] == "Night of the Blue Note differs"


def test_queries_of_the_board(at_kikker, expect_queries):
    at_kikker.get("ticketing:tickets")

    # user · membership · event · pools · releases with types · types · organisers of the user
    with expect_queries(7):
        at_kikker.get("ticketing:tickets")
    # user · membership · event · recount · organisers of the user
    with expect_queries(5):
        at_kikker.get("ticketing:inventory")
