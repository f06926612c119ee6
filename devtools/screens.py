"""`bin/screens`: the reference pictures in docs/screens/, of a demo that always plays at the same moment.

`bin/screens NAME…` takes only those. Each is a phone's or a laptop's screen, by day and by night.
"""

import argparse
import io
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from demo.logins import PASSWORD
from devtools.folder_locks import Claimed
from devtools.paths import REPOSITORY, VAR
from devtools.services import CannotStart
from devtools.stack import NotReady, Plan, Stack
from devtools.supervisor import ChildEnded, StopRequested, say, stop_signals_raise

FOLDER = REPOSITORY / "docs" / "screens"
MOMENT = datetime(2026, 11, 22, 16, 40, tzinfo=UTC)
SIZES = {390: 844, 1280: 900}
SCHEMES = ("light", "dark")
COLOURS = 128  # in the palette of a picture
SHOP = "/blauwe-kikker/paper-lantern-collective/"
EVENT = "/o/blauwe-kikker/events/paper-lantern-collective/"
DOOR = "/door/blauwe-kikker/paper-lantern-collective/"
SAM = "sam@example.com"
ANA = "ana@example.com"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def main(arguments: list[str]) -> int:
    """0 when every picture that was asked for is written."""
    names = _parse(arguments)
    shift = MOMENT - datetime.now(UTC)
    plan = Plan(
        VAR / "screens",
        debug=False,
        durable=False,
        demo=True,
        ready_at="/healthz",
        environment={
            "TIQQO_TEST": "1",
            "TIQQO_SHIFT_SECONDS": str(shift.total_seconds()),
            "PYTHONPATH": str(Path(__file__).parent / "time_shift"),
        },
    )
    began = time.monotonic()
    with stop_signals_raise():
        try:
            _forget(plan.var_dir)
            with Stack(plan) as stack, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
                written = [path for name in names for path in take(name, browser, stack, shift)]
                browser.close()
        except (Claimed, CannotStart, NotReady, ChildEnded) as error:
            say(f"bin/screens: {error}")
            return 1
        except StopRequested:
            return 130
    size = sum(path.stat().st_size for path in FOLDER.glob("*.png"))
    say(
        f"{len(written)} pictures in {time.monotonic() - began:.0f} s; the folder has {size:,} bytes"
    )
    return 0


def _forget(var_dir: Path) -> None:
    """The demo is told anew: yesterday's belongs to another moment."""
    for name in ("postgres", "redis", "mail", "media", "stripe", "beat"):
        shutil.rmtree(var_dir / name, ignore_errors=True)


def _chromium() -> str:
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    raise NotReady("There is no Chromium. Run bin/setup.")


# Who looks ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """One picture: who takes it, how wide, in which scheme."""

    browser: Browser
    base_url: str
    shift: timedelta
    """From this moment to that of the stack."""
    width: int
    scheme: str

    @property
    def number(self) -> int:
        """0 for the first look at a screen, 3 for the last."""
        return list(SIZES).index(self.width) * len(SCHEMES) + SCHEMES.index(self.scheme)

    @contextmanager
    def page(self, email: str = "") -> Iterator[Page]:
        """A new browser at this size; with an address, signed in."""
        context: BrowserContext = self.browser.new_context(
            base_url=self.base_url,
            viewport={"width": self.width, "height": SIZES[self.width]},
            is_mobile=self.width < 600,
            has_touch=self.width < 600,
            color_scheme=self.scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Amsterdam",
        )
        context.clock.install(time=datetime.now(UTC) + self.shift)
        page = context.new_page()
        if email:
            page.goto("/accounts/login/")
            page.locator("[name=login]").fill(email)
            page.locator("[name=password]").fill(PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url(lambda url: "/login/" not in url)
        yield page
        context.close()


def take(name: str, browser: Browser, stack: Stack, shift: timedelta) -> list[Path]:
    """The pictures of one screen, at every size in every scheme."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = []
    for width in SIZES:
        for scheme in SCHEMES:
            png = SCREENS[name](Look(browser, stack.base_url, shift, width, scheme))
            if png is None:
                continue
            path = FOLDER / f"{name}-{width}-{scheme}.png"
            picture = Image.open(io.BytesIO(png)).convert("RGB")
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
            written.append(path)
    say(f"{name}: {len(written)}")
    return written


# The screens ----------------------------------------------------------------------------

Screen = Callable[[Look], bytes | None]


def plain(path: str, email: str = "") -> Screen:
    """What stands at an address."""

    def shot(look: Look) -> bytes:
        with look.page(email) as page:
            page.goto(path, wait_until="networkidle")
            page.evaluate("() => scrollTo(0, 0)")  # an error summary takes the focus
            return page.screenshot()

    return shot


def reserve(page: Page) -> None:
    """The visitor is at the checkout with two tickets."""
    page.goto(SHOP)
    page.get_by_role("spinbutton").first.fill("2")
    page.get_by_role("button", name="Reserve tickets").click()
    page.wait_for_url("**/checkout/**")


def checkout(look: Look) -> bytes:
    with look.page() as page:
        reserve(page)
        page.wait_for_load_state("networkidle")
        return page.screenshot()


def buy(page: Page) -> None:
    """The visitor has two free tickets and looks at the order page."""
    page.goto(SHOP)
    page.get_by_role("spinbutton").last.fill("2")
    page.get_by_role("button", name="Reserve tickets").click()
    page.wait_for_url("**/checkout/**")
    for name, value in {
        "first_name": "Noor",
        "last_name": "Visser",
        "email": "noor@example.org",
    }.items():
        page.locator(f"[name={name}]").fill(value)
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/**")


def order(look: Look) -> bytes:
    with look.page() as page:
        buy(page)
        page.locator("a[href$='tickets.pdf']").first.wait_for(timeout=60_000)
        return page.screenshot()


def ticket(look: Look) -> bytes | None:
    """The first page of the tickets' PDF: paper has one size and no dark side."""
    if (look.width, look.scheme) != (1280, "light"):
        return None
    with look.page() as page:
        buy(page)
        link = page.locator("a[href$='tickets.pdf']").first
        link.wait_for(timeout=60_000)
        pdf = page.request.get(str(link.get_attribute("href")), timeout=60_000).body()
        with pypdfium2.PdfDocument(pdf) as document:
            picture = document[0].render(scale=1.6).to_pil()
        png = io.BytesIO()
        picture.save(png, "PNG")
        return png.getvalue()


def desk_order(look: Look) -> bytes:
    with look.page(ANA) as page:
        page.goto(f"{EVENT}orders/")
        link = page.locator("main table a[href*='/orders/']").last
        page.goto(str(link.get_attribute("href")), wait_until="networkidle")
        return page.screenshot()


def door(look: Look) -> bytes:
    """Somebody is let in. Every picture needs a ticket of its own, for each is let in once."""
    with look.page(ANA) as page:
        page.goto(f"{EVENT}orders/")
        page.goto(str(page.locator("td.actions a").nth(look.number).get_attribute("href")))
        code = page.locator("main td.code").first.inner_text()
    return answer_to(code, look)


def door_refused(look: Look) -> bytes:
    """A code that is none."""
    return answer_to("ABCD2345", look)


def answer_to(code: str, look: Look) -> bytes:
    with look.page(SAM) as page:
        page.goto(DOOR)
        page.get_by_label("Type a code").fill(code)
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        return page.screenshot()


SCREENS: dict[str, Screen] = {
    "front": plain("/"),
    "organiser": plain("/blauwe-kikker/"),
    "shop": plain(SHOP),
    "checkout": checkout,
    "dashboard": plain("/o/blauwe-kikker/", ANA),
    "overview": plain(EVENT, ANA),
    "tickets": plain(f"{EVENT}tickets/", ANA),
    "orders": plain(f"{EVENT}orders/", ANA),
    "desk-order": desk_order,
    "door": door,
    "door-refused": door_refused,
    "reports": plain(f"{EVENT}reports/", ANA),
    "styleguide": plain("/styleguide/"),
    # Last, because they buy.
    "order": order,
    "ticket": ticket,
}


def _parse(arguments: list[str]) -> list[str]:
    parser = argparse.ArgumentParser(prog="bin/screens", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(SCREENS)}; all if none is named")
    names = parser.parse_args(arguments).name
    if unknown := set(names) - SCREENS.keys():
        parser.error(f"there is no screen {', '.join(sorted(unknown))}")
    return names or list(SCREENS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
