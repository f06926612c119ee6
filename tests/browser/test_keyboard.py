"""A purchase with the keyboard alone."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.shopping import GARDEN, has_tickets
from tests.browser.site import until

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

# The focus shows, and nothing lies over it (WCAG 2.4.7 and 2.4.11).
IS_SEEN = """
(element) => {
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 || boxShadow !== "none")
    && (element.contains(top) || top?.contains(element) || top?.closest("label")?.control === element);
}
"""


def test_free_tickets_with_the_keyboard(visit):
    buyer = visit()
    buyer.open(GARDEN)
    page = buyer.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page.get_by_label("Number of tickets: Friend"))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    tab_to(page.get_by_role("button", name="Reserve tickets"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Checkout")
    for name, text in {
        "first_name": "Kay",
        "last_name": "Keys",
        "email": "kay@example.org",
    }.items():
        tab_to(page.locator(f"[name={name}]"))
        page.keyboard.type(text)
    tab_to(page.locator("summary", has_text="Ticket 1"))
    page.keyboard.press("Enter")
    tab_to(page.locator("[name=first_name_1]"))
    page.keyboard.type("Kim")
    tab_to(page.locator("[name=consent]"))
    page.keyboard.press("Space")
    tab_to(page.get_by_role("button", name="Get tickets"))
    page.keyboard.press("Enter")

    has_tickets(buyer, 1)
    buyer.sees("Kim")
    tab_to(page.get_by_role("link", name="Add to calendar"))


def tab_to(target: Locator) -> None:
    """Tab until the target has the focus; every stop on the way can be seen."""
    page = target.page
    for _ in range(30):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
        focused = page.locator("*:focus")
        stop = focused.evaluate("(element) => element.outerHTML")
        until(lambda focused=focused: focused.evaluate(IS_SEEN), what=f"focus seen at {stop}")
    raise AssertionError(f"Tab does not reach {target}")
