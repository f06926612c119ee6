"""Somebody who holds many places shows that they are in earnest: by work, or by waiting."""

import pytest
from playwright.sync_api import expect

from tests.browser.looking import DESK, PHONE
from tests.browser.shopping import choose

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

CELLAR, ATTIC = "/blauwe-kikker/crowded-cellar/", "/blauwe-kikker/crowded-attic/"


def wants(buyer, count):
    buyer.open(CELLAR)
    buyer.page.get_by_label("Number of tickets: Friend").fill(str(count))
    buyer.page.evaluate("document.querySelector('#tickets form').requestSubmit()")


def is_worked(buyer):
    expect(buyer.page.locator("input[name=worked]")).not_to_have_value("", timeout=20_000)


def test_who_holds_much_works_for_more_and_at_last_is_refused(visit):
    buyer = visit(DESK)
    choose(buyer, CELLAR, Friend=9)

    wants(buyer, 6)
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("One moment, please")
    is_worked(buyer)
    buyer.look("proof")
    buyer.press("Get these tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")

    wants(buyer, 6)
    buyer.sees("From your connection 15 places of this event are being held")
    buyer.look("too-many-held")


def test_without_javascript_one_is_told_to_wait(visit):
    buyer = visit(PHONE, java_script_enabled=False)
    choose(buyer, ATTIC, Friend=9)
    buyer.open(ATTIC)
    buyer.page.get_by_label("Number of tickets: Friend").fill("6")
    buyer.press("Reserve tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("One moment, please")
    buyer.sees("Without JavaScript: wait 20 seconds, then continue.")

    buyer.press("Get these tickets")
    buyer.sees("That did not count, perhaps because it was too early or too late.")
