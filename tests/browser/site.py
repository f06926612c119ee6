"""The running site, its mails, and the people who visit it."""

import re
import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from json import dumps
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect

from devtools.processes import LOOPBACK
from devtools.stack import Stack
from tests.browser.looking import DESK, PHONE, Viewport, faults, faults_at_first_sight, told

Found = TypeVar("Found")

PATIENCE = 20.0
CODE = re.compile(r"\b[0-9A-Z]{8}\b|\d+")


def until(ask: Callable[[], Found], *, what: str) -> Found:
    """The first answer that is true. For files and processes, which do not announce themselves."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {PATIENCE:.0f} s")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it was handed over for sending."""

    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["subject"])

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body else ""

    @property
    def attachments(self) -> dict[str, str]:
        """File name → type."""
        return {
            str(part.get_filename()): part.get_content_type()
            for part in self.message.iter_attachments()
        }

    @property
    def code(self) -> str:
        """The code that proves the address, which stands on a line of its own."""
        return re.search(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", self.text, re.MULTILINE)[0]

    def link(self, containing: str) -> str:
        """The address in the text that contains this."""
        return next(url for url in re.findall(r"https?://\S+", self.text) if containing in url)


def _pattern_of(url: str) -> str:
    """The name of the route, or the path of what is not ours."""
    path = urlsplit(url).path
    try:
        return resolve(path).view_name
    except Resolver404:
        return path


class Site:
    """The stack under test."""

    def __init__(self, stack: Stack, planted: dict[str, Any]) -> None:
        self.stack = stack
        self.planted = planted
        """Parts of addresses that only the seed knows."""
        self.base_url = stack.base_url
        self.looked_at: set[tuple[Viewport, str, str]] = set()
        self.shots = stack.var_dir / "shots"
        self.shots.mkdir(parents=True, exist_ok=True)

    def mails_to(self, address: str) -> list[Mail]:
        """Oldest first."""
        mails = [
            message_from_bytes(chunk, policy=policy.default)
            for path in sorted((self.stack.var_dir / "mail").glob("*.log"))
            for chunk in path.read_bytes().split(b"\n" + b"-" * 79 + b"\n")
            if chunk.strip()
        ]
        return [Mail(mail) for mail in mails if address in str(mail["to"])]

    def mail_to(self, address: str, *, about: str = "") -> Mail:
        """The newest mail with these words in its subject, as soon as there is one."""

        def newest() -> Mail | None:
            found = [mail for mail in self.mails_to(address) if about in mail.subject]
            return found[-1] if found else None

        return until(newest, what=f"mail to {address} about {about!r}")

    def run(self, script: str) -> str:
        """The output of a script inside the stack."""
        return self.stack.manage("shell", "--no-imports", "-c", script).strip()

    def stripe(self, path: str, **body: Any) -> None:
        """A test control of the local Stripe."""
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.stack.stripe_port}/_test/{path}",
            data=dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


class Visitor(AbstractContextManager["Visitor"]):
    """Somebody with a browser profile of their own, looking at one page."""

    def __init__(self, site: Site, browser: Browser, viewport: Viewport, **options: Any) -> None:
        self.site, self.viewport = site, viewport
        self.has_javascript = options.get("java_script_enabled", True)
        self.context = browser.new_context(
            base_url=site.base_url,
            viewport={"width": viewport.width, "height": viewport.height},
            is_mobile=viewport.is_mobile,
            has_touch=viewport.is_mobile,
            locale="en-GB",
            timezone_id="Europe/Amsterdam",
            reduced_motion="reduce",
            **options,
        )
        self.context.set_default_timeout(PATIENCE * 1000)
        self.problems: list[str] = []
        self.context.on("console", self._note)
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.context.on("response", self._note_document)
        self._documents: set[str] = set()
        self._expected: list[re.Pattern[str]] = []
        self.page: Page = self.context.new_page()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.context.close()
        if failure[0] is None:
            unexpected = self._unexpected()
            assert not unexpected, f"The console says: {unexpected}"

    def expects(self, pattern: str) -> None:
        """Messages of the console that belong to the test."""
        self._expected.append(re.compile(pattern))

    def _unexpected(self) -> list[str]:
        return [p for p in self.problems if not any(e.search(p) for e in self._expected)]

    def _note(self, message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        # The browser calls a page of status 404 or 422 an error, too; tests look at the status.
        if message.type == "error" and not (
            message.text.startswith("Failed to load resource") and address in self._documents
        ):
            self.problems.append(f"{message.text} ({address})")

    def _note_document(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self._documents.add(response.url)

    # Looking --------------------------------------------------------------------------------

    def open(self, address: str, *, status: int = 200) -> None:
        response = self.page.goto(address)
        assert response is not None
        assert response.status == status, f"{address}: {response.status}"

    def look(self, name: str, *, heading: str | re.Pattern[str] | None = None) -> None:
        """The page is the one with this heading, and fit for everybody.

        A page is looked at from all sides once in a run; after that, at this size in this scheme.
        """
        h1 = self.page.get_by_role("heading", level=1)
        if heading is not None:
            expect(h1).to_have_text(heading)
        self.shoot(name)
        seen = (self.viewport, _pattern_of(self.page.url), CODE.sub("#", h1.inner_text()))
        is_new = seen not in self.site.looked_at
        self.site.looked_at.add(seen)
        found = faults(self.page, self.viewport) if is_new else faults_at_first_sight(self.page)
        assert not found, told({name: found})

    def look_everywhere(self, name: str) -> None:
        """The page is fit for everybody from all sides, on a desk and on a phone."""
        found = {}
        for viewport in (DESK, PHONE):
            self.page.set_viewport_size({"width": viewport.width, "height": viewport.height})
            self.shoot(f"{name}-{viewport.name}")
            found[viewport.name] = faults(self.page, viewport)
        assert not told(found), f"{name}:\n{told(found)}"

    def shoot(self, name: str) -> None:
        """A picture of the page, for people."""
        path = self.site.shots / f"{self.viewport.name}-{name}.jpg"
        self.page.screenshot(path=path, full_page=True, type="jpeg", quality=70)

    # Acting ---------------------------------------------------------------------------------

    def field(self, label: str) -> Locator:
        """The input with this label, said to be optional or not."""
        return self.page.get_by_label(re.compile(rf"^{re.escape(label)}( \(optional\))?$"))

    def fill(self, **values: str) -> None:
        """By the names of the fields."""
        for name, value in values.items():
            self.page.locator(f"[name='{name}']").fill(value)

    def press(self, button: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=button, exact=isinstance(button, str)).click()

    def follow(self, link: str | re.Pattern[str]) -> None:
        self.page.get_by_role("link", name=link, exact=isinstance(link, str)).first.click()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Waits for it."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def sign_in(self, email: str, password: str) -> None:
        self.open("/accounts/login/")
        self.fill(login=email, password=password)
        self.press("Sign in")
        expect(self.page).not_to_have_url(re.compile("/accounts/login/"))
