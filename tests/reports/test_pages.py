"""Home and overview, and the ways through the dashboard of every role."""

from urllib.parse import urlsplit

import pytest

from accounts.operations import found_organiser
from accounts.permissions import Role
from orders import operations
from orders.models import Delivery, DeliveryStatus
from tests.cast import EventFactory, MembershipFactory
from tests.pages import PageClient, parsed

pytestmark = pytest.mark.django_db


def test_home_shows_what_comes_and_what_was_sold(at_kikker):
    house = at_kikker.house
    with house.scope():
        order, payment = house.begin_payment(2)
        operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")
        EventFactory(organiser=house.organiser, by=house.owner, name="Someday")

    page = at_kikker.get("dashboard:home")

    assert page.h1 == "Blauwe Kikker"
    assert page.texts("#next strong") == ["Night of the Blue Note"]
    assert page.texts("#drafts a") == ["Someday"]
    assert [row[:3] for row in page.rows] == [[order.code, "Carla Buyer", "Night of the Blue Note"]]
    # Revenue is all that was paid; what the organiser gets is less by the fee.
    assert page.texts(".kpi__value") == ["2", "€51.98", "€50.00"]


def test_home_of_a_new_organiser_has_one_next_step(at_kikker):
    empty = found_organiser(name="Empty House", owner=at_kikker.house.owner.user)

    page = at_kikker.pages.get_page(f"/o/{empty.slug}/")

    assert page.texts(".empty__title") == ["Create your first event"]


def test_home_says_which_mails_did_not_go(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(1)
        Delivery.objects.update(status=DeliveryStatus.FAILED)

    page = at_kikker.get("dashboard:home")

    assert page.texts(".task__title") == ["1 mail could not be sent"]
    assert page.links(".task a") == {
        "See the orders: Night of the Blue Note": "/o/blauwe-kikker/events/night-of-the-blue-note/orders/"
    }


def test_overview_of_a_draft_is_a_checklist(at_kikker):
    house = at_kikker.house
    with house.scope():
        draft = EventFactory(organiser=house.organiser, by=house.owner, name="Someday")

    page = at_kikker.pages.get_page(f"/o/blauwe-kikker/events/{draft.slug}/")

    assert page.h1 == "Someday"
    assert "Add a ticket type with a published release" in page.text()
    assert "Publish event" in page.texts("button")


def test_overview_counts_what_was_sold(at_fjord):
    house = at_fjord.house
    with house.scope():
        house.place_invoice(2)
        order, payment = house.begin_payment(1)
        operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")
        house.reserve(free=3)

    page = at_fjord.get("dashboard:overview")

    labels = page.texts(".kpi__label")
    assert dict(zip(labels, page.texts(".kpi__value"), strict=True)) == {
        "Tickets sold": "3",
        "Revenue": "DKK 1,270.49",
        "In checkout now": "3",
        "At the door": "0",
    }
    assert page.texts(".kpi__note") == [
        "in 2 orders", "and DKK 2,540.98 by invoice to come", "of 1 expected",
    ]  # fmt: skip
    assert page.texts("#share .copy__value") == [
        "http://127.0.0.1:8000/fjord-tech/fjord-tech-summit/"
    ]


def test_overview_before_the_first_order(at_kikker):
    assert at_kikker.get("dashboard:overview").texts(".empty__title") == ["No orders yet"]


def test_queries_of_home_and_overview(at_kikker, expect_queries):
    for _order in range(3):
        with at_kikker.house.scope():
            at_kikker.house.place_free(1)
    at_kikker.get("dashboard:home")

    # session · user · membership · upcoming · pools · tickets of 14 days · drafts · latest · pending ·
    # needs: events, invoices, mails, disputes, refunds, refused payments, releases · last 30 days ·
    # organisers of the user
    with expect_queries(18):
        at_kikker.get("dashboard:home")
    # session · user · membership · event · releases on offer · priced releases · sales · pool · admitted ·
    # expected · latest · course · lines by type and day · types · organisers of the user
    with expect_queries(15):
        at_kikker.get("dashboard:overview")


def test_reports_of_an_event_say_what_sold_and_how(at_fjord):
    house = at_fjord.house
    with house.scope():
        house.place_invoice(2)
        house.reserve(free=3)

    page = at_fjord.get("dashboard:event_reports")

    assert page.h1 == "Reports"
    assert page.texts("#by-type .chart-bars__name")[0] == "Full pass DKK 2,500.00"
    assert page.texts("#by-method tbody th") == ["Invoice"]
    assert len(page.texts("#funnel tbody tr")) == 3
    assert page.texts(".tabs [aria-current]") == ["30 days"]


def test_reports_of_the_organiser_show_tickets_and_money(at_kikker):
    house = at_kikker.house
    with house.scope():
        order, payment = house.begin_payment(2)
        operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")

    page = at_kikker.pages.get_page("/o/blauwe-kikker/reports/?days=90")

    assert page.texts(".tabs [aria-current]") == ["90 days"]
    assert page.texts("main h2") == ["Tickets per day", "Revenue per day"]
    assert "€51.98" in page.text()


def test_reports_of_nothing_say_so(at_kikker):
    page = at_kikker.pages.get_page("/o/blauwe-kikker/reports/?days=7")

    assert page.texts(".tabs [aria-current]") == ["30 days"]
    assert page.texts(".empty__title") == ["Nothing was sold in these days"]


def test_queries_of_the_reports(at_kikker, expect_queries):
    for _order in range(3):
        with at_kikker.house.scope():
            at_kikker.house.place_free(1)

    # session · user · membership · sales of the days · organisers of the user
    with expect_queries(5):
        at_kikker.pages.get_page("/o/blauwe-kikker/reports/")
    # session · user · membership · event · lines by type and day · types · methods · baskets ·
    # organisers of the user
    with expect_queries(9):
        at_kikker.get("dashboard:event_reports")


def links_of(page):
    """Addresses on the page that lead to another page of the application."""
    skip = ("/accounts/", "/media/", "/static/", "/ui/")
    return {
        urlsplit(href)._replace(fragment="").geturl()
        for href in page.xpath("//a/@href")
        if href.startswith("/") and not href.startswith(skip)
    }


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.OWNER, Role.SCANNER)])
def test_no_link_leads_to_a_closed_door(at_kikker, role):
    """Whatever a role sees it may open, all the way through the dashboard."""
    house = at_kikker.house
    with house.scope():
        house.place_free(1)
        EventFactory(organiser=house.organiser, by=house.owner, name="Someday")
    client = PageClient().sign_in(MembershipFactory(organiser=house.organiser, role=role).user)
    ahead, seen, closed = ["/o/blauwe-kikker/"], set(), []
    while ahead:
        url = ahead.pop()
        if url in seen:
            continue
        seen.add(url)
        response = client.http.get(url)
        if response.status_code not in (200, 202, 302):
            closed.append(f"{response.status_code} {url}")
        is_page = response.headers["Content-Type"].startswith("text/html")
        if url.startswith("/o/") and is_page and response.status_code in (200, 202):
            ahead += links_of(parsed(response.content.decode(), is_part=False))

    assert closed == []
    assert len(seen) > 5
