"""What a page weighs on its first visit, and whether it holds still while it comes.

Measured over HTTP in a browser with an empty cache, served as in production: DEBUG off, static files
compressed and named after their content. `-s` shows the table; it is kept in var/…/budgets.txt.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import CDPSession, expect

from devtools.stack import Plan, Stack
from tests.browser.looking import DESK, PHONE
from tests.browser.shopping import choose
from tests.browser.site import Site, Visitor
from tests.cast import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

KB = 1000
OWNER = "ana@blauwekikker.example"
SUPPER = "/blauwe-kikker/harvest-supper/"
EVENT = "/o/blauwe-kikker/events/harvest-supper/"
DASHBOARD = 110 * KB
ALL_CSS, OWN_SCRIPTS = 25 * KB, 15 * KB

# A phone on a middling network: what comes late shows, as fonts and pictures do.
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
STILL = 0.01
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) shifts.push([entry.value, entry.sources.map(({ node }) => node?.nodeName + "." + node?.className)]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
SETTLED = """
async () => {
  await document.fonts.ready;
  await new Promise((done) => setTimeout(done, 400));
  return window.shifts;
}
"""


@dataclass(slots=True)
class File:
    url: str
    kind: str
    wire: int = 0

    @property
    def is_scanner(self) -> bool:
        """What reads codes from the camera: only the door loads it, and it has no budget."""
        return "/vendor/zxing/" in self.url or "/vendor/barcode-detector/" in self.url

    @property
    def is_own_script(self) -> bool:
        """Neither a library nor the reading of codes, which only the door loads."""
        return self.kind == "Script" and "/js/" in self.url and "ticket-scanner" not in self.url


@dataclass(slots=True)
class Load:
    """What one visit brought."""

    files: dict[str, File] = field(default_factory=dict)

    def wire(self, *kinds: str) -> int:
        """Bytes of these kinds, else of all but the scanner."""
        files = [file for file in self.files.values() if not file.is_scanner]
        return sum(file.wire for file in files if not kinds or file.kind in kinds)

    @property
    def own_scripts(self) -> int:
        return sum(file.wire for file in self.files.values() if file.is_own_script)

    @property
    def origins(self) -> set[str]:
        return {
            f"{at.scheme}://{at.netloc}"
            for at in (urlsplit(file.url) for file in self.files.values())
            if at.scheme != "data"
        }


@pytest.fixture(scope="module")
def production(site: Site) -> Iterator[Site]:
    """A web server as in production, on the data of the browser tests."""
    plan = Plan(
        Path(settings.VAR_DIR) / "production",
        debug=False,
        worker=False,
        beat=False,
        database_url=site.stack.environment["DATABASE_URL"],
        owner_url=site.stack.environment["OWNER_DATABASE_URL"],
        redis_url=site.stack.environment["REDIS_URL"],
        environment={
            "SECRET_KEY": site.stack.environment["SECRET_KEY"],
            "ENCRYPTION_KEYS": site.stack.environment["ENCRYPTION_KEYS"],
            "STRIPE_API_KEY": "sk_test_never_asked",
            "STRIPE_WEBHOOK_SECRET": "whsec_never_asked",
            "STRIPE_API_BASE": site.stack.environment["STRIPE_API_BASE"],
        },
    )
    with Stack(plan, report=lambda _: None) as stack:
        yield Site(stack, site.planted)


@pytest.fixture
def arrive(production, chromium) -> Iterator[Callable[..., Visitor]]:
    """Somebody at the production-like server; with an address, signed in there."""
    with ExitStack() as visitors:

        def arrive(viewport=DESK, email: str = "") -> Visitor:
            # A service worker answers from the second visit on; the first one is what counts.
            somebody = visitors.enter_context(
                Visitor(production, chromium, viewport, service_workers="block")
            )
            if email:
                somebody.sign_in(email, PASSWORD)
            return somebody

        yield arrive


@pytest.fixture(scope="module")
def table(production) -> Iterator[list[str]]:
    """The lines of figures, shown and kept."""
    lines = [f"{'':<16}{'requests':>9}{'all':>9}{'html':>9}{'css':>9}{'own js':>9}{'fonts':>9}"]
    yield lines
    text = "\n".join(lines)
    (production.stack.var_dir / "budgets.txt").write_text(f"{text}\n")
    print(f"\nBytes over the wire\n{text}")


def loaded(somebody: Visitor, path: str) -> Load:
    """What the browser fetches for this page when it knows nothing yet."""
    load = Load()
    browser = somebody.context.new_cdp_session(somebody.page)
    browser.send("Network.enable")
    browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
    _listen(browser, load)
    somebody.page.goto(path, wait_until="networkidle")
    browser.detach()
    return load


def _listen(browser: CDPSession, load: Load) -> None:
    def asked(event: dict) -> None:
        load.files[event["requestId"]] = File(event["request"]["url"], event["type"])

    def done(event: dict) -> None:
        # What was asked for before somebody listened belongs to the page before.
        if file := load.files.get(event["requestId"]):
            file.wire = round(event["encodedDataLength"])

    browser.on("Network.requestWillBeSent", asked)
    browser.on("Network.loadingFinished", done)


def hold(somebody: Visitor) -> str:
    """The path of a checkout with two tickets in it."""
    choose(somebody, SUPPER, Chair_at_the_table=2)
    return urlsplit(somebody.page.url).path


def order(somebody: Visitor) -> str:
    known = somebody.site.planted["busy"]
    return f"{SUPPER}orders/{known['code']}/{known['secret']}/"


def test_weight_of_the_browser_is_what_the_server_sent(arrive):
    """The measure itself: a file of known size weighs as much as it does on disk, compressed."""
    load = loaded(arrive(), SUPPER)

    [css] = [file for file in load.files.values() if "/ui/tiqqo-" in file.url]
    plain = len(arrive().context.request.get(css.url).body())
    assert 1 * KB < css.wire < plain / 2, "it came uncompressed, or was not counted"


@pytest.mark.parametrize(
    ("name", "page", "budget"),
    [
        ("shop", SUPPER, 60 * KB),
        ("checkout", hold, 70 * KB),
        ("order page", order, DASHBOARD),
        ("dashboard home", "/o/blauwe-kikker/", DASHBOARD),
        ("event overview", EVENT, DASHBOARD),
        ("ticket orders", f"{EVENT}orders/", DASHBOARD),
        ("door", "/door/blauwe-kikker/harvest-supper/", DASHBOARD),
    ],
)
def test_page_keeps_its_budget(arrive, table, production, name, page, budget):
    somebody = arrive(email=OWNER if isinstance(page, str) and page != SUPPER else "")
    path = page if isinstance(page, str) else page(somebody)
    if name == "door":
        somebody.expects("camera|NotFound|NotAllowed")

    load = loaded(somebody, path)

    everything, css = load.wire(), load.wire("Stylesheet")
    figures = [everything, load.wire("Document"), css, load.own_scripts, load.wire("Font")]
    table.append(f"{name:<16}{len(load.files):>9}" + "".join(f"{f / KB:>9.1f}" for f in figures))
    assert load.origins == {production.base_url}
    assert css <= ALL_CSS
    assert load.own_scripts <= OWN_SCRIPTS
    assert everything <= budget, "\n".join(
        f"{file.wire:>8} {file.url}" for file in sorted(load.files.values(), key=lambda f: -f.wire)
    )


@pytest.mark.parametrize(
    ("viewport", "email", "page"),
    [
        (PHONE, "", SUPPER),
        (PHONE, "", hold),
        (PHONE, OWNER, "/o/blauwe-kikker/"),
        (DESK, "", SUPPER),
        (DESK, OWNER, "/o/blauwe-kikker/"),
    ],
    ids=["shop-phone", "checkout-phone", "home-phone", "shop-desk", "home-desk"],
)
def test_page_holds_still_while_it_loads(arrive, viewport, email, page):
    somebody = arrive(viewport, email)
    path = page if isinstance(page, str) else page(somebody)
    browser = somebody.context.new_cdp_session(somebody.page)
    browser.send("Network.enable")
    browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
    browser.send("Network.emulateNetworkConditions", SLOW)
    somebody.page.add_init_script(WATCH_SHIFTS)
    somebody.open(path)
    expect(somebody.page.locator("h1")).to_be_attached()

    shifts = somebody.page.evaluate(SETTLED)

    assert sum(value for value, _nodes in shifts) <= STILL, shifts
