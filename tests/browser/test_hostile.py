"""Names without spaces, letters from the right, emoji, loud colours, many or no tickets, odd money."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hostile import AWKWARD, Awkward
from tests.browser.looking import bring_eyes, faults_of_data, misfits, misfits_at_every_width, told

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

BY_SLUG = {awkward.slug: awkward for awkward in AWKWARD}
# What one of each type costs, with the service fee (49 minor units and 2 %), and all of them.
PRICES = {
    "long": (["Free", "€25.99", "€20.88"], "€46.87"),
    "hebrew": (["¥1,299", "Free", "¥2,040,075"], "¥2,041,374"),
    "emoji": (["KWD 12.750", "Free", "KWD 0.306"], "KWD 13.056"),
}


@pytest.fixture
def addresses(site):
    """Of the event of an awkward organiser: in public, at the desk, at the door, an order's page."""

    def addresses(awkward: Awkward) -> dict[str, str]:
        known = site.planted["hostile"][awkward.slug]
        here, event = known["organiser_slug"], f"{known['organiser_slug']}/{known['event_slug']}"
        found = {
            "organiser": f"/{here}/",
            "shop": f"/{event}/",
            "home": f"/o/{here}/",
            "desk": f"/o/{here}/events/{known['event_slug']}/",
            "door": f"/door/{event}/",
        }
        if awkward.prices:
            found["order"] = f"/{event}/orders/{known['code']}/{known['secret']}/"
            found["desk order"] = f"{found['desk']}orders/{known['code']}/"
        return found

    return addresses


@pytest.fixture
def owner_of(visit, key):
    return lambda awkward: visit(storage_state=key(f"owner@{awkward.slug}.example"))


@pytest.mark.parametrize("slug", PRICES)
def test_shop_to_order_page(visit, addresses, slug):
    awkward, at = BY_SLUG[slug], addresses(BY_SLUG[slug])
    prices, total = PRICES[slug]
    buyer = visit()
    faults = {}

    def look(name: str) -> None:
        buyer.shoot(f"{slug}-{name}")
        faults[name] = faults_of_data(buyer.page)

    buyer.open(at["organiser"])
    look("organiser")
    buyer.open(at["shop"])
    look("shop")
    assert [shown.split(" incl")[0] for shown in shown_prices(buyer.page)] == prices
    for number, price in enumerate(awkward.prices):
        if price:
            buyer.page.get_by_role("spinbutton").nth(number).fill("1")
    buyer.press("Reserve tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")
    words = r"\s".join(map(re.escape, total.split()))
    expect(buyer.page.locator("main")).to_contain_text(re.compile(rf"Total\s*{words}"))
    look("checkout")
    buyer.open(at["order"])
    look("order")

    assert not told(faults), told(faults)


@pytest.mark.parametrize("slug", ["long", "hebrew", "emoji", "arabic"])
def test_dashboard_and_door(owner_of, addresses, slug):
    awkward, at = BY_SLUG[slug], addresses(BY_SLUG[slug])
    desk = at["desk"]
    pages = [at["home"], desk, f"{desk}tickets/", f"{desk}setup/"]
    if awkward.prices:
        pages += [f"{desk}orders/", at["desk order"], f"{desk}people/", at["door"]]
    owner = owner_of(awkward)
    faults = {}

    for number, page in enumerate(pages):
        owner.open(page)
        owner.shoot(f"{slug}-desk-{number}")
        faults[page] = faults_of_data(owner.page)

    assert not told(faults), told(faults)


def test_event_without_tickets_has_a_page_for_its_team(owner_of, addresses):
    owner = owner_of(BY_SLUG["arabic"])
    owner.open(addresses(BY_SLUG["arabic"])["shop"])
    owner.shoot("arabic-shop")

    expect(owner.page.get_by_role("spinbutton")).to_have_count(0)
    found = {"arabic": faults_of_data(owner.page)}
    assert not told(found), told(found)


def test_two_hundred_ticket_types_fit(visit, owner_of, addresses):
    """They are alike, so axe has nothing to say that it does not say of three."""
    awkward, at = BY_SLUG["many"], addresses(BY_SLUG["many"])
    buyer, owner = visit(), owner_of(awkward)
    faults = {}

    for visitor, address in (
        (buyer, at["shop"]),
        (owner, at["desk"]),
        (owner, f"{at['desk']}tickets/"),
    ):
        visitor.open(address)
        bring_eyes(visitor.page)
        faults[address] = [*misfits(visitor.page), *misfits_at_every_width(visitor.page)]

    assert not told(faults), told(faults)
    assert shown_prices(buyer.page) == ["$11.20 incl. $0.70 service fee"] * 200


def shown_prices(page: Page) -> list[str]:
    """One for each row of the shop."""
    texts = page.locator(".ticket-row__price").all_inner_texts()
    return [" ".join(text.split()) for text in texts]
