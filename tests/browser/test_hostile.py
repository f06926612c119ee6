"""Names without spaces, letters from the right, emoji, loud colours, many or no tickets, odd money."""

import pytest
from playwright.sync_api import expect

from tests.browser.hostile import AWKWARD, Awkward

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

SELLING = [awkward for awkward in AWKWARD if awkward.types]
BARE = [awkward for awkward in AWKWARD if not awkward.types]
# What one of each of the first two types that cost something comes to, with the service fee (49 minor
# units and 2 % of each): 25.00 + 0.99 and 19.99 + 0.89; 1,200 + 73 and 2,000,000 + 40,049 …
TOTALS = {"long": "€46.87", "hebrew": "¥2,041,322", "emoji": "KWD 12.849"}
PRICES = {
    "long": ["€25.99", "€20.88", "Free"],
    "hebrew": ["¥1,273", "¥2,040,049", "Free"],
    "emoji": ["KWD 12.799", "KWD 0.050", "Free"],
}


def named(awkward: Awkward) -> str:
    return awkward.slug


@pytest.fixture
def owner_of(visit, key):
    def owner_of(awkward: Awkward):
        return visit(storage_state=key(f"owner@{awkward.slug}.example"))

    return owner_of


@pytest.mark.parametrize("awkward", SELLING, ids=named)
def test_shop_to_order_page(visit, site, awkward):
    known = site.planted["hostile"][awkward.slug]
    shop = f"/{known['organiser']}/{known['event']}/"
    buyer = visit()
    faults = {}

    buyer.open(f"/{known['organiser']}/")
    faults["organiser"] = buyer.faults_everywhere(f"{awkward.slug}-organiser")
    buyer.open(shop)
    faults["shop"] = buyer.faults_everywhere(f"{awkward.slug}-shop")
    prices = buyer.page.locator(".ticket-row__price").all_inner_texts()
    assert len(prices) == awkward.types
    assert all(any(price in shown for shown in prices) for price in PRICES[awkward.slug]), prices[
        :3
    ]
    steppers = buyer.page.get_by_role("spinbutton")
    for number, price in enumerate(awkward.prices):
        if price:
            steppers.nth(number).fill("1")
    buyer.press("Reserve tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")
    faults["checkout"] = buyer.faults_everywhere(f"{awkward.slug}-checkout")
    total = buyer.page.locator(".price-lines__total").last
    expect(total).to_contain_text(TOTALS[awkward.slug])
    buyer.open(f"{shop}orders/{known['code']}/{known['secret']}/")
    faults["order page"] = buyer.faults_everywhere(f"{awkward.slug}-order")

    assert {page: found for page, found in faults.items() if found} == {}


@pytest.mark.parametrize("awkward", AWKWARD, ids=named)
def test_dashboard_and_door(owner_of, site, awkward):
    known = site.planted["hostile"][awkward.slug]
    event = f"/o/{known['organiser']}/events/{known['event']}/"
    pages = [f"/o/{known['organiser']}/", event, f"{event}tickets/", f"{event}setup/"]
    if awkward.types:
        pages += [f"{event}orders/", f"{event}orders/{known['code']}/", f"{event}people/"]
        pages += [f"/door/{known['organiser']}/{known['event']}/"]
    owner = owner_of(awkward)
    faults = {}

    for number, page in enumerate(pages):
        owner.open(page)
        faults[page] = owner.faults_everywhere(f"{awkward.slug}-desk-{number}")

    assert {page: found for page, found in faults.items() if found} == {}


@pytest.mark.parametrize("awkward", BARE, ids=named)
def test_event_without_tickets_has_a_page_for_its_team(owner_of, site, awkward):
    known = site.planted["hostile"][awkward.slug]
    owner = owner_of(awkward)
    owner.open(f"/{known['organiser']}/{known['event']}/")

    expect(owner.page.get_by_role("spinbutton")).to_have_count(0)
    assert owner.faults_everywhere(f"{awkward.slug}-shop") == []
