"""The Allocations tab: set aside, change, return."""

from datetime import timedelta

import pytest

from accounts.permissions import Role
from tests.cast import MembershipFactory
from tests.pages import PageClient
from ticketing.models import Allocation, CapacityPool, Code
from ticketing.operations import allocate_stock, reserve_tickets, return_allocation
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


def set_aside(desk, quantity=10, company_name="Acme BV", returns_at=None):
    house = desk.house
    with house.scope():
        return allocate_stock(
            house.priced.ticket_type,
            company_name=company_name,
            quantity=quantity,
            returns_at=returns_at,
            by=house.owner,
            code="ACME",
        )


def type_of(desk):
    with desk.house.scope():
        return desk.house.priced.ticket_type.code


def hold(desk, count):
    with desk.house.scope():
        event = type(desk.house.event).objects.get(pk=desk.house.event.pk)
        reserve_tickets(event, selection={desk.house.priced.code: count}, code="ACME")


def pool_of(desk, allocation):
    with desk.house.scope():
        return CapacityPool.objects.get(allocation=allocation)


def test_a_bare_event_offers_the_first_step(at_kikker):
    page = at_kikker.get("ticketing:allocations")

    assert page.texts(".empty__title") == ["No places are set aside"]
    assert "Set places aside" in page.links()


def test_places_are_set_aside_with_a_link_for_the_partner(at_kikker):
    page = at_kikker.get("ticketing:new_allocation")

    page = at_kikker.pages.follow(
        page.submit(
            "Set places aside",
            company_name="Hotel Zon",
            ticket_type=type_of(at_kikker),
            quantity="12",
            returns_at="2099-12-20T18:00",
            kind="percent",
            percent="10",
        )
    )

    assert page.alerts == ["The places are set aside. Send the link to Hotel Zon."]
    with at_kikker.house.scope():
        [made] = Allocation.objects.all()
        code = Code.objects.get().text
    assert code.startswith("HOTELZON-")
    assert len(code) == len("HOTELZON-") + 8
    assert page.rows == [
        [
            "Hotel Zon Regular · 10% off",
            "12 places = 0 sold + 0 held + 12 free",
            "Set aside until Sun 20 Dec 2099, 18:00",
            f"{code}Copy Link for Hotel Zon",
            "Return Hotel Zon",
        ]
    ]
    assert page.attributes("copy-button", "data-value") == [
        f"http://127.0.0.1:8000/blauwe-kikker/night-of-the-blue-note/?code={code}"
    ]
    assert pool_of(at_kikker, made).capacity == 12


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"company_name": ""}, {"company_name": "Fill in “Company”."}),
        ({"quantity": "0"}, {"quantity": "Set aside 1 place or more."}),
        ({"quantity": "41"}, {"quantity": "Only 40 places of Night of the Blue Note are free for this. Set aside fewer, or make room first."}),
        ({"returns_at": "2020-01-01T10:00"}, {"returns_at": "Choose a moment to come, or leave it empty."}),
        ({"text": "A B"}, {"text": "Use letters from A to Z, digits, - and _, at most 20 of them."}),
        ({"kind": "percent"}, {"percent": "Enter a percentage above 0 and up to 100."}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_at_its_field(at_kikker, typed, errors):
    facts = {"company_name": "Hotel Zon", "quantity": "5"} | typed

    page = at_kikker.get("ticketing:new_allocation")
    page = page.submit("Set places aside", status=422, **facts)

    assert page.errors == errors
    with at_kikker.house.scope():
        assert not Allocation.objects.exists()


def test_more_or_fewer_places_until_another_day(at_kikker):
    allocation = set_aside(at_kikker)
    hold(at_kikker, 4)
    page = at_kikker.get("ticketing:allocation", allocation_code=allocation.code)
    assert page.text("article .stock span") == "10 places = 0 sold + 4 held + 6 free"

    refused = page.submit("Save places", status=422, quantity="3")
    page = at_kikker.pages.follow(
        page.submit("Save places", quantity="8", returns_at="2099-12-24T12:00")
    )

    assert refused.errors == {
        "quantity": "4 places of it are sold or held, so it cannot be less than that."
    }
    assert page.rows[0][1:4] == [
        "8 places = 0 sold + 4 held + 4 free",
        "Set aside until Thu 24 Dec 2099, 12:00",
        "ACMECopy Link for Acme BV",
    ]


def test_free_places_are_returned_after_a_question(at_kikker):
    allocation = set_aside(at_kikker)
    hold(at_kikker, 4)
    page = at_kikker.get("ticketing:allocation_return", allocation_code=allocation.code)
    assert "6 free places are back on sale at once" in page.text("article")

    page = at_kikker.pages.follow(page.submit("Return 6 places"))

    assert page.alerts == ["6 places are back on sale."]
    [row] = page.rows
    assert row[1] == "4 places = 0 sold + 4 held + 0 free"
    assert row[2].startswith("Back on sale since ")
    assert row[3:] == ["ACME", ""]
    page = at_kikker.get("ticketing:allocation", allocation_code=allocation.code)
    assert not page.all("article form")


def test_places_that_were_due_are_shown_as_returned(at_kikker):
    allocation = set_aside(at_kikker, returns_at=clock.now() + timedelta(days=1))
    with at_kikker.house.scope():
        Allocation.objects.filter(pk=allocation.pk).update(returns_at=clock.now())

    page = at_kikker.get("ticketing:allocations")

    assert [row[2].split(" since ")[0] for row in page.rows] == ["Back on sale"]


def test_who_may_only_look_sees_no_partners_link(at_kikker):
    set_aside(at_kikker)
    viewer = MembershipFactory(organiser=at_kikker.house.organiser, role=Role.VIEWER)
    pages = PageClient().sign_in(viewer.user)

    pages.get_page(at_kikker.url("ticketing:allocations"), status=403)


def test_an_allocation_of_somebody_else_is_not_found(at_kikker, cast):
    with cast.fjord.scope():
        foreign = allocate_stock(
            cast.fjord.priced.ticket_type,
            company_name="Hemmelig",
            quantity=1,
            returns_at=None,
            by=cast.fjord.owner,
        )

    at_kikker.get("ticketing:allocation", allocation_code=foreign.code, status=404)


def test_the_list_costs_the_same_however_many_there_are(at_kikker, expect_queries):
    set_aside(at_kikker, 1)
    at_kikker.get("ticketing:allocations")
    with expect_queries(7):
        at_kikker.get("ticketing:allocations")

    house = at_kikker.house
    with house.scope():
        for number in range(4):
            made = allocate_stock(
                house.priced.ticket_type,
                company_name=f"Partner {number}",
                quantity=1,
                returns_at=None,
                by=house.owner,
            )
        return_allocation(made, by=house.owner)
    at_kikker.get("ticketing:allocations")
    with expect_queries(7):
        at_kikker.get("ticketing:allocations")
