"""Everything a buyer needs works in a browser that runs no scripts."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looking import PHONE
from tests.browser.shopping import GARDEN, choose, has_tickets, introduce, pay
from tests.browser.site import until

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all


def test_free_tickets_without_javascript(visit):
    buyer = visit(PHONE, java_script_enabled=False)
    buyer.open(GARDEN)
    expect(buyer.page.get_by_role("spinbutton")).to_have_count(2)
    expect(buyer.page.get_by_role("button", name="One Friend more")).to_have_count(0)
    choose(buyer, GARDEN, Friend=2)
    buyer.sees(re.compile(r"^Until"))
    buyer.press("Get tickets")
    buyer.sees("There is a problem")
    introduce(buyer, "Nora", "Noscript")
    buyer.press("Get tickets")

    has_tickets(buyer, 2)
    reload_until_visible(buyer, "Download tickets (PDF)")
    with buyer.page.expect_download() as download:
        buyer.follow("Download tickets (PDF)")
    assert download.value.suggested_filename.endswith(".pdf")


def test_card_payment_without_javascript(visit):
    buyer = visit(PHONE, java_script_enabled=False)
    choose(buyer, GARDEN, Seat=1)
    introduce(buyer, "Noor", "Noscript")
    buyer.press("Pay €25.99")
    pay(buyer)

    has_tickets(buyer, 1)


def reload_until_visible(buyer, link):
    """What a person does who sees "Preparing the PDF …"."""

    def shows():
        buyer.page.reload()
        return buyer.page.get_by_role("link", name=link).count()

    until(shows, what=link)
