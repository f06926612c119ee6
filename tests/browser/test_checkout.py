"""From the shop to an order that needs no card: holds, races, invoices."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.shopping import GARDEN, SUMMIT, choose, has_tickets, introduce, order_code

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

SEAT = "/blauwe-kikker/{}/"
END_HOLD = """
from accounts.models import Organiser
from ticketing.models import Reservation
from tiqqo.core import clock
from tiqqo.core.tenancy import tenant_scope
with tenant_scope(Organiser.objects.get(slug="blauwe-kikker")):
    print(Reservation.objects.filter(secret="{secret}").update(expires_at=clock.now()))
"""


def test_free_order_has_its_tickets_at_once(visit, viewport):
    buyer = visit(viewport)
    choose(buyer, GARDEN, Friend=2)
    buyer.look("checkout-free")
    introduce(buyer, "Frida", f"Free {viewport.name}")
    buyer.press("Get tickets")

    has_tickets(buyer, 2)
    buyer.look("order-free")


def test_nothing_chosen_is_told_in_the_shop(visit, viewport):
    buyer = visit(viewport)
    buyer.open(GARDEN)
    buyer.look("shop", heading="Garden Party")
    buyer.press("Reserve tickets")

    buyer.sees("Choose at least one ticket.")
    buyer.look("shop-nothing-chosen")


def test_what_is_missing_is_told_at_its_field_and_the_rest_is_kept(visit, viewport):
    buyer = visit(viewport)
    choose(buyer, GARDEN, Friend=1)
    buyer.fill(first_name="Hal")
    buyer.press("Get tickets")

    summary = buyer.page.get_by_role("alert").filter(has_text="There is a problem")
    expect(summary).to_be_focused()
    assert buyer.page.locator("[name=first_name]").input_value() == "Hal"
    buyer.look("checkout-errors")
    summary.get_by_role("link", name="Last name").click()
    expect(buyer.page.locator("[name=last_name]")).to_be_focused()


def test_invoice_order_waits_for_its_settlement(visit, viewport, site, key):
    buyer = visit(viewport)
    choose(buyer, SUMMIT, Full_pass=1)
    buyer.page.get_by_label("Invoice to a company").check()
    email = introduce(buyer, "Ingrid", f"Invoice {viewport.name}")
    buyer.press("Place order")
    expect(buyer.page.locator("#id_company_name_error")).to_contain_text(
        "An invoice needs the name of your company."
    )
    buyer.look("checkout-invoice")
    assert buyer.page.locator("[name=email]").input_value() == email
    expect(buyer.page.get_by_label("Invoice to a company")).to_be_checked()
    buyer.fill(company_name="Acme ApS")
    buyer.press("Place order")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    buyer.look("checkout-address-asked")
    buyer.open(site.mail_to(email, about="Confirm your order").link("/confirmations/"))
    buyer.look("checkout-address", heading="Confirm your order")
    buyer.press("Place the order")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("We have your order")
    buyer.sees("Your places are booked.")
    expect(buyer.page.get_by_alt_text("QR code of this ticket")).to_have_count(0)
    buyer.look("order-invoice")

    desk = visit(viewport, storage_state=key("bo@fjord.example"))
    desk.open(f"/o/fjord-tech/events/fjord-tech-summit/orders/{order_code(buyer)}/")
    desk.look("desk-invoice")
    desk.press("Send invoice")
    expect(desk.page.get_by_role("button", name="Send invoice")).to_have_count(0)
    desk.press(re.compile("^Mark DKK.1,273.65 settled$"))
    desk.sees("Settled")
    desk.look("desk-invoice-settled")

    buyer.page.reload()
    has_tickets(buyer, 1)
    mail = site.mail_to(email, about="tickets")
    assert "application/pdf" in mail.attachments.values()


def test_last_place_goes_to_one_of_two(visit):
    rivals = [visit(), visit()]
    for rival in rivals:
        rival.open(SEAT.format("last-chair"))
        rival.page.get_by_label("Number of tickets: Seat").fill("1")

    for rival in rivals:
        rival.page.evaluate("document.querySelector('#tickets form').requestSubmit()")
    for rival in rivals:
        expect(rival.page.locator("h1:text-is('Checkout'), .alert--negative")).to_be_visible()
    headings = [rival.page.locator("h1").inner_text() for rival in rivals]
    assert sorted(headings) == ["Checkout", "Last Chair"]
    loser = rivals[headings.index("Last Chair")]
    loser.sees("Last Chair is sold out.")
    loser.look("shop-sold-out")


def test_hold_that_ran_out_can_be_taken_again(visit, site):
    buyer = visit()
    choose(buyer, SEAT.format("fleeting-moment"), Seat=1)
    secret = re.search(r"/checkout/([^/]+)/", buyer.page.url)[1]
    assert site.run(END_HOLD.format(secret=secret)) == "1"

    buyer.page.reload()
    buyer.look("expired", heading="Your time ran out")
    buyer.press("Reserve again")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")
    assert secret not in buyer.page.url


def test_hold_is_extended_once(visit):
    buyer = visit()
    choose(buyer, GARDEN, Friend=1)
    ends_at = buyer.page.locator("count-down").get_attribute("data-until")

    buyer.press("I need more time")
    expect(buyer.page.get_by_role("button", name="I need more time")).to_have_count(0)
    assert buyer.page.locator("count-down").get_attribute("data-until") > ends_at
    buyer.look("checkout-extended", heading="Checkout")


def test_tickets_let_go_are_free_again(visit):
    buyer = visit()
    choose(buyer, GARDEN, Friend=1)
    checkout = buyer.page.url
    buyer.press("Let these tickets go")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Garden Party")

    buyer.open(checkout, status=410)
    buyer.look("let-go", heading="You let these tickets go")
