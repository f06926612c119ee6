"""Cards: every way that a payment can go, and every order in which its news can arrive."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.shopping import (
    ASKING_CARD,
    DECLINED_CARD,
    GARDEN,
    choose,
    has_tickets,
    introduce,
    order_code,
    pay,
)

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all


@pytest.fixture
def held_webhooks(site):
    """The provider's messages wait until the test is over."""
    site.stripe("webhooks", mode="hold")
    yield
    site.stripe("webhooks/release")


def at_card_page(buyer, last_name):
    choose(buyer, GARDEN, Seat=1)
    email = introduce(buyer, "Carl", last_name)
    buyer.press(re.compile("^Pay €25.99$"))
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Pay €25.99")
    return email


def assert_settled_with_one_payment(desk, code):
    desk.open(f"/o/blauwe-kikker/events/garden-party/orders/{code}/")
    payments = desk.page.locator("#payments li")
    expect(payments).to_have_count(1)
    expect(payments).to_contain_text("€25.99")
    expect(payments.locator(".pill")).to_have_text("Succeeded")
    expect(desk.page.locator(".page-header .pill")).to_have_text("Settled")


def test_declined_card_and_then_a_good_one_is_one_payment(visit, viewport, key):
    buyer = visit(viewport)
    at_card_page(buyer, f"Declined {viewport.name}")
    pay(buyer, DECLINED_CARD)
    buyer.sees("Your card was declined.")
    buyer.look("card-declined")
    pay(buyer)
    has_tickets(buyer, 1)

    desk = visit(viewport, storage_state=key("ana@blauwekikker.example"))
    assert_settled_with_one_payment(desk, order_code(buyer))
    desk.look("desk-order-declined-once")


def test_payment_that_the_bank_confirms_settles(visit):
    buyer = visit()
    at_card_page(buyer, "Confirmed")
    pay(buyer, ASKING_CARD)
    buyer.look("3ds", heading="3-D Secure authentication")
    buyer.press("Complete authentication")

    has_tickets(buyer, 1)


def test_payment_that_the_bank_refuses_may_be_tried_again(visit, key):
    buyer = visit()
    at_card_page(buyer, "Refused")
    pay(buyer, ASKING_CARD)
    buyer.press("Fail authentication")
    buyer.sees(re.compile("unable to authenticate"))
    buyer.follow("Back")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")
    buyer.sees(re.compile("did not go through|Your tickets are still held"))

    buyer.press(re.compile("^Pay €25.99$"))
    pay(buyer)
    has_tickets(buyer, 1)
    desk = visit(storage_state=key("ana@blauwekikker.example"))
    assert_settled_with_one_payment(desk, order_code(buyer))


def test_buyer_who_comes_back_without_paying_finds_everything_kept(visit, viewport):
    buyer = visit(viewport)
    choose(buyer, GARDEN, Seat=1)
    email = introduce(buyer, "Bea", f"Back {viewport.name}")
    buyer.page.get_by_text("Ticket 1: Seat").click()
    buyer.fill(first_name_1="Gus", last_name_1="Guest", email_1="gus@example.org")
    buyer.page.locator("[name=consent]").check()
    buyer.press("Pay €25.99")
    buyer.follow("Back")

    buyer.sees("Your tickets are still held")
    for name, value in {
        "first_name": "Bea",
        "email": email,
        "first_name_1": "Gus",
        "email_1": "gus@example.org",
    }.items():
        expect(buyer.page.locator(f"[name={name}]")).to_have_value(value)
    expect(buyer.page.locator("[name=consent]")).to_be_checked()
    buyer.look("checkout-back")


@pytest.mark.usefixtures("held_webhooks")
def test_return_of_the_buyer_alone_settles_the_order(visit, key):
    buyer = visit()
    at_card_page(buyer, "Returns")
    pay(buyer)

    has_tickets(buyer, 1)
    desk = visit(storage_state=key("ana@blauwekikker.example"))
    assert_settled_with_one_payment(desk, order_code(buyer))


def test_webhook_alone_settles_the_order_of_a_buyer_who_never_returns(visit, site, key):
    buyer = visit()
    email = at_card_page(buyer, "Gone")
    session = buyer.page.url.rpartition("/")[2]
    site.stripe(f"sessions/{session}/pay")

    buyer.open(site.mail_to(email, about="tickets").link("/orders/"))
    has_tickets(buyer, 1)
    desk = visit(storage_state=key("ana@blauwekikker.example"))
    assert_settled_with_one_payment(desk, order_code(buyer))
