"""A purchase, a scan and the way around with the keyboard alone."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.shopping import GARDEN, has_tickets
from tests.browser.site import until

OWNER = "ana@blauwekikker.example"
SUPPER = "/o/blauwe-kikker/events/harvest-supper/"
A_BREATH = 300  # ms; what comes faster than a person is a hand-held reader's, and dismisses nothing
DOOR = "/door/blauwe-kikker/harvest-supper/"

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


def test_scan_with_the_keyboard(visit, site, key):
    """A typed code goes in, comes a second time, and is taken back."""
    scanner = visit(storage_state=key(OWNER))
    scanner.expects("409 .Conflict.")
    page = scanner.page
    scanner.open(DOOR)
    count = page.locator("#door-count")
    before = count.inner_text()
    code = page.get_by_label("Type a code")
    expect(code).to_be_focused()

    page.keyboard.type(site.planted["busy"]["ticket"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Fenna de Boer")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(count).not_to_have_text(before)
    tab_to(code)
    page.keyboard.type(site.planted["busy"]["ticket"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Already in")
    expect(page.get_by_role("link", name="Understood, next")).to_be_focused()
    page.wait_for_timeout(A_BREATH)
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    tab_to(page.get_by_role("button", name="Undo the entry of Fenna de Boer").first)
    page.keyboard.press("Enter")

    expect(count).to_have_text(before)


def test_slash_goes_to_the_search(visit, key):
    member = visit(storage_state=key(OWNER))
    member.open(f"{SUPPER}orders/")
    search = member.page.locator("[type=search]").first
    expect(search).not_to_be_focused()

    member.page.keyboard.press("/")
    expect(search).to_be_focused()
    member.page.keyboard.type("a/b")

    expect(search).to_have_value("a/b")


def test_question_mark_opens_help_and_escape_returns(visit, key):
    member = visit(storage_state=key(OWNER))
    page = member.page
    member.open(f"{SUPPER}orders/")
    link = page.get_by_role("link", name="People", exact=True).first
    link.focus()
    help_ = page.locator("dialog#keyboard-help")
    expect(help_).not_to_be_visible()

    page.keyboard.press("?")
    expect(help_).to_be_visible()
    assert help_.evaluate(
        "(dialog) => dialog.matches(':modal') && dialog.contains(document.activeElement)"
    )
    member.look("keyboard-help")
    page.keyboard.press("Escape")

    expect(help_).not_to_be_visible()
    expect(link).to_be_focused()


def test_question_mark_in_a_field_is_a_question_mark(visit, key):
    member = visit(storage_state=key(OWNER))
    member.open(f"{SUPPER}orders/")
    member.page.keyboard.press("/")
    expect(member.page.locator("[type=search]").first).to_be_focused()

    member.page.keyboard.type("?")

    expect(member.page.locator("[type=search]").first).to_have_value("?")
    expect(member.page.locator("dialog#keyboard-help")).not_to_be_visible()


def test_menu_is_walked_with_arrows(visit, key):
    member = visit(storage_state=key(OWNER))
    page = member.page
    member.open("/o/blauwe-kikker/")
    opener = page.get_by_role("button", name="Your account")
    tab_to(opener)
    page.keyboard.press("Enter")
    items = page.locator("#user-menu .menu__item")
    expect(items.first).to_be_visible()

    page.keyboard.press("ArrowDown")
    expect(items.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(items.nth(0)).to_be_focused()
    page.keyboard.press("End")
    expect(items.last).to_be_focused()
    page.keyboard.press("Home")
    expect(items.first).to_be_focused()
    page.keyboard.press("Escape")

    expect(items.first).not_to_be_visible()
    expect(opener).to_be_focused()


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
