"""A PDF that the worker draws: the page waits for it, and then downloads it by itself."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looking import PHONE
from tests.browser.shopping import GARDEN, choose, has_tickets, introduce

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

PATIENCE_MS = 90_000


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_tickets_for_the_phone_download_when_they_are_drawn(visit, has_scripts):
    buyer = visit(PHONE, java_script_enabled=has_scripts)
    choose(buyer, GARDEN, Friend=1)
    introduce(buyer, "Nora", "Patience")
    buyer.press("Get tickets")
    has_tickets(buyer, 1)
    link = buyer.page.get_by_role("link", name="For your phone (PDF)")

    with buyer.page.expect_download(timeout=PATIENCE_MS) as download:
        link.click()

    assert re.fullmatch(r"tickets-\w+-phone\.pdf", download.value.suggested_filename)
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def test_the_page_that_waits_says_so_and_leads_back(visit):
    buyer = visit(PHONE)
    choose(buyer, GARDEN, Friend=1)
    introduce(buyer, "Nora", "Patience")
    buyer.press("Get tickets")
    has_tickets(buyer, 1)
    order = buyer.page.url
    address = buyer.page.get_by_role("link", name="For your phone (PDF)").get_attribute("href")

    with buyer.page.expect_download(timeout=PATIENCE_MS):
        buyer.page.goto(f"{address}?page=")
        expect(buyer.page.get_by_role("heading", level=1)).to_have_text(
            re.compile("Your PDF is (being made|ready)")
        )
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Your PDF is ready")
    buyer.look("pdf-ready", heading="Your PDF is ready")
    buyer.page.get_by_role("link", name="Back to the order").click()
    expect(buyer.page).to_have_url(order)
