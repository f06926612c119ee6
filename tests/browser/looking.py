"""What is wrong with a page that a browser shows: for readers, at every size, by day and by night."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Page

AXE = settings.ROOT / "node_modules/axe-core/axe.min.js"
OURS = Path(__file__).with_name("looking.js")
WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# All that a colour scheme can change.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
NARROW = 320  # WCAG 2.2, 1.4.10: as wide as 1280 px at 400 %
LARGE_TEXT = {"standard": 32, "fixed": 26}  # twice the default, WCAG 2.2, 1.4.4


@dataclass(frozen=True, slots=True)
class Viewport:
    name: str
    width: int
    height: int
    is_mobile: bool = False


PHONE = Viewport("phone", 390, 844, is_mobile=True)
DESK = Viewport("desk", 1280, 900)


def told(faults: Mapping[str, list[str]]) -> str:
    """The faults of several pages, a line each; nothing if there are none."""
    return "\n".join(f"{page}: {fault}" for page, found in faults.items() for fault in found)


def faults(page: Page, viewport: Viewport) -> list[str]:
    """Everything that is wrong with the page as it stands: none, if it is fit for everybody.

    axe in light and in dark; no sideways scrolling and no cut text, on a phone also at 320 px, on a
    desk also at 200 % zoom and with letters of twice the size.
    """
    found = faults_at_first_sight(page)
    with in_the_dark(page):
        found += [f"dark: {fault}" for fault in violations(page, COLOURS)]
    if viewport.width < DESK.width:
        with as_wide_as(page, NARROW, viewport):
            found += [f"{NARROW} px: {fault}" for fault in misfits(page)]
    else:
        with as_wide_as(page, viewport.width // 2, viewport):
            found += [f"200 % zoom: {fault}" for fault in misfits(page)]
        with large_text(page):
            found += [f"200 % text: {fault}" for fault in misfits(page)]
    return found


def faults_of_data(page: Page) -> list[str]:
    """What the words and colours of somebody's data break: on a page that is sound without them."""
    found = faults_at_first_sight(page)
    with in_the_dark(page):
        found += [f"dark: {fault}" for fault in violations(page, COLOURS)]
    return found + misfits_at_every_width(page)


def misfits_at_every_width(page: Page) -> list[str]:
    found = []
    for width in (DESK.width // 2, PHONE.width, NARROW):
        with as_wide_as(page, width, DESK):
            found += [f"{width} px: {fault}" for fault in misfits(page)]
    return found


def faults_at_first_sight(page: Page) -> list[str]:
    """What is wrong at this size and in this scheme."""
    bring_eyes(page)
    return [*violations(page, WCAG), *misfits(page)]


def bring_eyes(page: Page) -> None:
    """axe and our own functions are in the page."""
    # Evaluated: the content security policy lets no script be added.
    if not page.evaluate("() => 'looking' in window"):
        page.evaluate(AXE.read_text())
        page.evaluate(OURS.read_text())


def violations(page: Page, rules: dict[str, object]) -> list[str]:
    """What axe says."""
    return page.evaluate("(rules) => looking.violations(rules)", rules)


def misfits(page: Page) -> list[str]:
    """What makes the page scroll sideways, text that is cut, and words in pieces."""
    return page.evaluate("() => [...looking.overflowing(), ...looking.cut(), ...looking.broken()]")


@contextmanager
def in_the_dark(page: Page) -> Iterator[None]:
    page.emulate_media(color_scheme="dark")
    page.evaluate("() => looking.settled()")
    yield
    page.emulate_media(color_scheme="light")


@contextmanager
def as_wide_as(page: Page, width: int, viewport: Viewport) -> Iterator[None]:
    """For so long; the viewport is what the page has otherwise."""
    page.set_viewport_size({"width": width, "height": viewport.height})
    yield
    page.set_viewport_size({"width": viewport.width, "height": viewport.height})


@contextmanager
def large_text(page: Page) -> Iterator[None]:
    """As with the size of letters set in the browser: what is said in rem grows, media queries too."""
    browser = page.context.new_cdp_session(page)
    browser.send("Page.setFontSizes", {"fontSizes": LARGE_TEXT})
    yield
    browser.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    browser.detach()
