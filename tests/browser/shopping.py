"""What buyers do, step by step."""

import re

from playwright.sync_api import expect

from tests.browser.site import Visitor

GARDEN = "/blauwe-kikker/garden-party/"
SUMMIT = "/fjord-tech/fjord-tech-summit/"
GOOD_CARD, DECLINED_CARD, ASKING_CARD = "4242424242424242", "4000000000000002", "4000002760003184"


def choose(buyer: Visitor, shop: str, **quantities: int) -> None:
    """The tickets are held, and the buyer is at the checkout."""
    buyer.open(shop)
    for name, quantity in quantities.items():
        buyer.page.get_by_label(f"Number of tickets: {name.replace('_', ' ')}").fill(str(quantity))
    buyer.press("Reserve tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")


def introduce(buyer: Visitor, first: str, last: str) -> str:
    """Who buys. The address, which is new each time."""
    email = f"{first}.{last}@example.org".lower().replace(" ", "-")
    buyer.fill(first_name=first, last_name=last, email=email)
    return email


def pay(buyer: Visitor, card: str = GOOD_CARD) -> None:
    """The card page is filled in and sent."""
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text(re.compile("^Pay "))
    buyer.fill(card_number=card, expiry="12 / 34", cvc="123", name="Card Holder")
    buyer.press(re.compile("^Pay "))


def has_tickets(buyer: Visitor, count: int) -> None:
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Your tickets")
    expect(buyer.page.get_by_alt_text("QR code of this ticket")).to_have_count(count)


def order_code(buyer: Visitor) -> str:
    """The code of the order whose page is open."""
    found = re.search(r"/orders/(\w+)/", buyer.page.url)
    assert found
    return found[1]
