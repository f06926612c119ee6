"""A client that checks every page it fetches, as a careful reader would, and gives it back parsed.

    page = pages.get_page(url)                      # 200, sound HTML, nothing of the other organiser
    page.texts("td.number")                         # by CSS selector
    page.submit("Save event", name="New name")      # what a browser without JavaScript sends

A folder's `conftest.py` imports the fixtures `pages`, `at_kikker`, `at_fjord` and `expect_queries`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

import cssselect2
import html5lib
import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve, reverse
from html5lib.constants import E
from lxml import etree

from tests.cast import Cast, House

# Forms of these addresses act for nobody in particular: the secret in the address is the permission.
CAPABILITIES = {"shop:reservations", "shop:checkout", "shop:extension", "shop:cancellation", "shop:deliveries", "shop:substitute_acceptance", "shop:substitute_refusal", "shop:waitlist", "shop:waitlist_departure", "shop:waitlist_confirmation", "shop:address", "consent", "ui:language"}  # fmt: skip
TYPED = "//input[not(@type='hidden' or @type='submit')] | //select | //textarea"


# The parsed page -------------------------------------------------------------------------


@dataclass
class Page:
    """A page or, from htmx, a part of one."""

    response: HttpResponse
    tree: Any
    address: str
    client: "PageClient"

    @cached_property
    def _root(self) -> Any:
        return cssselect2.ElementWrapper.from_html_root(self.tree)

    def all(self, css: str) -> list[Any]:
        return [found.etree_element for found in self._root.query_all(css)]

    def texts(self, css: str) -> list[str]:
        """What they say, with single spaces."""
        return [text_of(element) for element in self.all(css)]

    def text(self, css: str = "main") -> str:
        """What the only one says."""
        [found] = self.texts(css)
        return found

    def attributes(self, css: str, name: str) -> list[str]:
        return [element.get(name) for element in self.all(css)]

    def links(self, css: str = "main a") -> dict[str, str]:
        """Text → address."""
        return {text_of(link): link.get("href") for link in self.all(css)}

    @property
    def h1(self) -> str:
        return self.text("h1")

    @property
    def alerts(self) -> list[str]:
        return self.texts(".alert")

    @property
    def rows(self) -> list[list[str]]:
        """The body of the page's first table inside `main` that is not the summary."""
        [table, *_] = (
            table
            for table in self.all("main table:not(.matrix)")
            if not table.xpath("ancestor::*[contains(@class, 'chart')]")
        )
        return [
            [text_of(cell) for cell in row.xpath("./td|./th")] for row in table.xpath("./tbody/tr")
        ]

    @property
    def errors(self) -> dict[str, str]:
        """Field → what is wrong, as it stands at the field. Each stands in the summary, too."""
        summary = " ".join(self.texts("error-summary li"))
        found = {}
        for typed in self.tree.xpath(TYPED):
            if typed.get("aria-invalid") == "true":
                said = self.tree.xpath("//*[@id=$id]", id=f"{self._error_anchor(typed)}_error")
                assert said, f"{typed.get('name')} is invalid, and nobody says why"
                text = text_of(said[0]).replace("Error: ", "")
                assert text in summary, f"“{text}” is not in the summary: {summary}"
                found[typed.get("name")] = text
        return found

    def _error_anchor(self, typed: Any) -> str:
        anchor = typed.get("id") or ""
        return (
            re.sub(r"_\d+$", "", anchor) if typed.get("type") in ("radio", "checkbox") else anchor
        )

    @property
    def general_errors(self) -> list[str]:
        """What the summary says without pointing to a field."""
        return [text_of(item) for item in self.all("error-summary li") if not item.findall("a")]

    # Forms

    def form(self, button: str) -> Any:
        """The form that the button with this text sends."""
        buttons = [b for b in self.all("button") if text_of(b) == button]
        assert len(buttons) == 1, (
            f"{len(buttons)} buttons “{button}”; there are {self.texts('button')}"
        )
        anchor = buttons[0].get("form")
        if anchor:
            return self.tree.xpath("//form[@id=$id]", id=anchor)[0]
        return buttons[0].xpath("ancestor::form")[0]

    def values(self, button: str) -> dict[str, Any]:
        """What a browser would send, with the name of the button if it has one."""
        form = self.form(button)
        sent: dict[str, Any] = {}
        inside = form.xpath(".//input | .//select | .//textarea")
        outside = self.tree.xpath("//*[@form=$id]", id=form.get("id") or "-")
        for typed in [*inside, *(o for o in outside if o.tag != "button")]:
            name, kind = typed.get("name"), typed.get("type")
            if not name or kind in ("file", "submit"):
                continue
            if kind in ("radio", "checkbox"):
                if typed.get("checked") is not None:
                    sent[name] = typed.get("value", "on")
            elif typed.tag == "select":
                options = typed.findall(".//option")
                chosen = [o for o in options if o.get("selected") is not None] or options[:1]
                sent[name] = chosen[0].get("value") if chosen else ""
            elif typed.tag == "textarea":
                sent[name] = (typed.text or "").removeprefix("\n")
            else:
                sent[name] = typed.get("value", "")
        [pressed] = [b for b in self.all("button") if text_of(b) == button]
        if pressed.get("name"):
            sent[pressed.get("name")] = pressed.get("value", "")
        return sent

    def submit(self, button: str, *, status: int = 302, **typed: Any) -> Any:
        """Press the button as a browser without JavaScript does, its token included."""
        form = self.form(button)
        url = urljoin(self.address, form.get("action"))
        sent = {**self.values(button), **typed}
        if (form.get("method") or "get").lower() == "get":
            return self.client.get_page(url, sent, status=status)
        return self.client.post(url, sent, status=status)


_BLOCKS = {
    "p",
    "div",
    "dt",
    "dd",
    "li",
    "td",
    "th",
    "tr",
    "br",
    "h1",
    "h2",
    "h3",
    "summary",
    "label",
}


def text_of(element: Any) -> str:
    """What it says, with single spaces; blocks stand apart."""
    return " ".join("".join(_said(element)).split())


def _said(element: Any) -> Iterator[str]:
    gap = " " if element.tag in _BLOCKS else ""
    yield gap + (element.text or "" if isinstance(element.tag, str) else "")
    for child in element:
        yield from _said(child)
        yield child.tail or ""
    yield gap


# The checks ------------------------------------------------------------------------------


def parsed(html: str, *, is_part: bool) -> Any:
    """The tree of strictly valid HTML."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("lxml"), namespaceHTMLElements=False)
    if is_part:
        html = f"<!doctype html><html lang='en'><head><title>part</title></head><body>{html}</body></html>"
    tree = parser.parse(html).getroot()
    lines = html.splitlines()
    problems = [
        f"line {line}: {E[code] % facts} in {lines[line - 1].strip()[:200]}"
        for (line, _column), code, facts in parser.errors
    ]
    assert not problems, "not valid HTML:\n" + "\n".join(problems)
    return tree


# Attributes whose value is one id or several.
REFERENCES = (
    "for", "form", "list", "headers", "popovertarget", "commandfor", "aria-activedescendant",
    "aria-controls", "aria-describedby", "aria-details", "aria-errormessage", "aria-flowto",
    "aria-labelledby", "aria-owns",
)  # fmt: skip
LABELABLE = {"button", "input", "meter", "output", "progress", "select", "textarea"}
INTERACTIVE = ("a[@href]", "button", "input[not(@type='hidden')]", "select", "textarea", "summary")
BLOCKS = "address|article|aside|blockquote|div|dl|fieldset|figure|footer|form|header|hr|main|nav|ol|p|pre|section|table|ul"
ONLY_PHRASES = ("button", "h1", "h2", "h3", "h4", "h5", "h6", "label", "legend", "p", "span")
CHILDREN = {
    "ul": {"li", "script", "template"},
    "ol": {"li", "script", "template"},
    "dl": {"dt", "dd", "div", "script", "template"},
    "select": {"option", "optgroup", "hr", "script", "template"},
}


def check_content(tree: Any) -> None:
    """What the parser lets pass, though HTML does not allow it: what may stand in what."""
    for name in ONLY_PHRASES:
        for inner in tree.xpath(f"//{name}//*[contains('|{BLOCKS}|', concat('|', name(), '|'))]"):
            raise AssertionError(f"a block in <{name}>: {_shown(inner)}")
    for name, allowed in CHILDREN.items():
        for child in tree.xpath(f"//{name}/*"):
            assert child.tag in allowed or not isinstance(child.tag, str), (
                f"<{child.tag}> in <{name}>: {_shown(child)}"
            )
    for outer in ("a[@href]", "button"):
        nested = tree.xpath(" | ".join(f"//{outer}//{inner}" for inner in (*INTERACTIVE, "label")))
        assert not nested, f"a control in a control: {_shown(nested[0])}"
    for button in tree.xpath("//button[not(@type)]"):
        assert button.get("form") or button.xpath("ancestor::form"), (
            f"a button without a form and a type: {_shown(button)}"
        )
    for picture in tree.xpath("//*[local-name() = 'svg'][not(ancestor::*[local-name() = 'svg'])]"):
        named = picture.get("aria-label") or picture.get("aria-labelledby")
        assert picture.get("aria-hidden") == "true" or (picture.get("role") == "img" and named), (
            f"a drawing that is neither hidden nor named: {_shown(picture)}"
        )


def _shown(element: Any) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)[:200]


def check_names(tree: Any) -> None:
    """Ids are unique, what is referred to exists, what is typed into has a label."""
    ids = tree.xpath("//@id")
    assert sorted({i for i in ids if ids.count(i) > 1}) == [], "ids stand more than once"
    assert all(ids), "an empty id"
    assert not [i for i in ids if i != "".join(i.split())], "an id with a space in it"
    for name in REFERENCES:
        for value in tree.xpath(f"//@{name}"):
            missing = set(value.split()) - set(ids)
            assert value.split() and not missing, f"{name} refers to what is not there: {missing}"
    for label in tree.xpath("//label[@for]"):
        [target] = tree.xpath("//*[@id=$id]", id=label.get("for"))
        assert target.tag in LABELABLE or "-" in target.tag, f"a label of {_shown(target)}"
    for link in tree.xpath("//a/@href[starts-with(., '#') and string-length(.) > 1]"):
        assert link[1:] in ids, f"a link to {link}, which is not there"
    assert not tree.xpath("//a[@href='']"), "a link to nowhere"
    for typed in tree.xpath(TYPED):
        labelled = (
            typed.get("aria-label")
            or typed.get("aria-labelledby")
            or typed.xpath("ancestor::label")
            or tree.xpath("//label[@for=$id]", id=typed.get("id") or "-")
        )
        assert labelled, f"no label: {_shown(typed)}"
    for image in tree.xpath("//img"):
        assert image.get("alt") is not None, f"no alt: {_shown(image)}"
    for button in tree.xpath("//button | //a[@href]"):
        drawn = ".//img[@alt!=''] | .//*[local-name() = 'svg'][@aria-label]"
        assert text_of(button) or button.get("aria-label") or button.xpath(drawn), (
            f"no name: {_shown(button)}"
        )


def check_forms(tree: Any, address: str) -> None:
    for form in tree.iter("form"):
        method = (form.get("method") or "get").lower()
        if method == "dialog":
            continue
        action = form.get("action")
        assert action, f"a form without an action: {etree.tostring(form)[:200]!r}"
        if method == "post":
            token = form.xpath(".//input[@name='csrfmiddlewaretoken']")
            assert token or _name_of(urljoin(address, action)) in CAPABILITIES, (
                f"no csrf token: {action}"
            )
        assert form.xpath(".//button[not(@type) or @type='submit']") or tree.xpath(
            "//button[@form=$id]", id=form.get("id") or "-"
        ), f"a form without a button: {action}"


def _name_of(url: str) -> str:
    try:
        return resolve(urlsplit(url).path).view_name
    except Resolver404:
        return ""


def check_policy(response: HttpResponse, tree: Any) -> None:
    """A strict content security policy, and nothing on the page that it would stop."""
    policy = response.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy, "no content security policy"
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert not tree.xpath("//*[@style] | //style"), "inline style"
    assert not tree.xpath("//script[not(@src)][not(@type='application/json')]"), "inline script"
    assert not tree.xpath("//@*[starts-with(name(), 'on')]"), "inline handler"
    assert not tree.xpath("//a[starts-with(@href, 'javascript:')]"), "inline script in a link"


def check_head(tree: Any) -> None:
    assert tree.get("lang"), "no language"
    headings = [text_of(h) for h in tree.iter("h1")]
    assert len(headings) == 1, f"not one h1 but {headings}"
    assert headings[0], "an empty h1"
    title = text_of(tree.find(".//title"))
    assert title.startswith(headings[0]), f"title “{title}” does not begin with “{headings[0]}”"


def sound_tree(response: HttpResponse, address: str, *, is_part: bool) -> Any:
    """The tree of an answer that has passed every check."""
    tree = parsed(response.content.decode(), is_part=is_part)
    if not is_part:
        check_head(tree)
    check_content(tree)
    check_names(tree)
    check_forms(tree, address)
    check_policy(response, tree)
    return tree


class CheckedClient(Client):
    """Django's client, which takes no unsound page from the application: the fixture `client`."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and response.content and not request["PATH_INFO"].startswith("/admin/"):
            is_part = not response.content.lstrip()[:9].lower().startswith(b"<!doctype")
            sound_tree(response, request["PATH_INFO"], is_part=is_part)
        return response


def words_of(house: House) -> list[str]:
    """What must never be on a page of anybody else."""
    people = [house.owner.user, house.scanner.user]
    return [
        house.organiser.name,
        house.organiser.support_email,
        house.event.name,
        *(word for user in people for word in (user.name, user.email)),
        *SECRET_BUYERS[house.organiser.slug].values(),
    ]


# A buyer at each house, so that a list that leaks shows somebody.
SECRET_BUYERS = {
    "blauwe-kikker": {
        "first_name": "Geertruida",
        "last_name": "Kikkerhuis",
        "email": "geertruida@kikkerhuis.example",
        "company_name": "Kikkerhuis BV",
    },
    "fjord-tech": {
        "first_name": "Torbjørn",
        "last_name": "Hemmelig",
        "email": "torbjorn@hemmelig.example",
        "company_name": "Hemmelig Holding",
    },
}


# The client ------------------------------------------------------------------------------


@dataclass
class PageClient:
    """Django's client, with CSRF checks on, and every page checked."""

    cast: Cast | None = None
    http: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def sign_in(self, user: Any) -> "PageClient":
        self.http.force_login(user)
        return self

    def get_page(
        self, url: str, query: dict[str, Any] | None = None, *, status: int = 200, **extra: Any
    ) -> Page:
        return self._checked(url, self.http.get(url, query or {}, **extra), status)

    def get_part(self, url: str, *, status: int = 200) -> Page:
        """What htmx gets."""
        response = self.http.get(url, headers={"HX-Request": "true"})
        return self._checked(url, response, status, is_part=True)

    def get(self, url: str, *, status: int = 200, **extra: Any) -> HttpResponse:
        """Something that is not a page: a file, a redirection."""
        response = self.http.get(url, **extra)
        assert response.status_code == status, _wrong(response, status)
        return response

    def post(
        self, url: str, data: dict[str, Any] | None = None, *, status: int = 302, **extra: Any
    ) -> Any:
        """A checked page, or for 302 and 303 the bare response."""
        data = dict(data or {})
        token = settings.CSRF_COOKIE_NAME
        if "csrfmiddlewaretoken" not in data and token in self.http.cookies:
            data["csrfmiddlewaretoken"] = self.http.cookies[token].value
        response = self.http.post(url, data, **extra)
        if status in (302, 303):
            assert response.status_code == status, _wrong(response, status)
            return response
        return self._checked(url, response, status)

    def follow(self, response: HttpResponse, *, status: int = 200) -> Page:
        return self.get_page(response.headers["Location"], status=status)

    def _checked(self, url: str, response: Any, status: int, *, is_part: bool = False) -> Page:
        assert response.status_code == status, _wrong(response, status)
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        tree = sound_tree(response, url, is_part=is_part)
        self._check_strangers(url, response.content.decode())
        return Page(response, tree, url, self)

    def _check_strangers(self, url: str, html: str) -> None:
        if self.cast is None:
            return
        segments = urlsplit(url).path.split("/")
        houses = [self.cast.kikker, self.cast.fjord]
        at_home = [house for house in houses if house.organiser.slug in segments]
        for house in houses if at_home else []:
            if house not in at_home:
                leaked = [word for word in words_of(house) if word in html]
                assert not leaked, f"{url} shows what is {house.organiser.name}'s: {leaked}"


def _wrong(response: Any, status: int) -> str:
    said = ""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        tree = html5lib.parse(response.content.decode(), "lxml", namespaceHTMLElements=False)
        parts = tree.xpath("//h1 | //error-summary | //*[contains(@class,'alert')]")
        said = " · ".join(text_of(part) for part in parts)[:600]
    return (
        f"{response.status_code} instead of {status}; {response.headers.get('Location', '')} {said}"
    )


# What a page costs -----------------------------------------------------------------------

_BOOKKEEPING = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT")


@contextmanager
def queries_are(count: int) -> Iterator[None]:
    """Exactly so many statements reach the database; savepoints do not count."""
    with CaptureQueriesContext(connection) as captured:
        yield
    asked = [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(_BOOKKEEPING)]
    if len(asked) != count:
        pytest.fail(
            f"{len(asked)} queries instead of {count}:\n"
            + "\n".join(f"{number:3} {_short(sql)}" for number, sql in enumerate(asked, start=1)),
            pytrace=False,
        )


def _short(sql: str) -> str:
    return re.sub(r"SELECT .*? FROM", "SELECT … FROM", " ".join(sql.split()), count=1)[:240]


# Fixtures --------------------------------------------------------------------------------


@pytest.fixture
def expect_queries() -> Callable[[int], Any]:
    return queries_are


@pytest.fixture
def pages(cast: Cast) -> PageClient:
    """Somebody who is not signed in."""
    return PageClient(cast)


def _secret_order(house: House) -> None:
    facts = SECRET_BUYERS[house.organiser.slug]
    with house.scope():
        house.place(priced=1, method="INVOICE", by=house.owner, **facts)


@dataclass
class Desk:
    """A house and its owner at the screen. The other house has sold something."""

    house: House
    pages: PageClient

    def url(self, name: str, **more: Any) -> str:
        """Of a page of the house, or of its event."""
        here = {"organiser_slug": self.house.organiser.slug}
        if name.partition(":")[0] not in {"accounts", "organiser", "invitation"} and name not in {
            "dashboard:home", "events:list", "events:new", "events:first",
        }:  # fmt: skip
            here["event_slug"] = self.house.event.slug
        return reverse(name, kwargs=here | more)

    def get(
        self, name: str, query: dict[str, Any] | None = None, *, status: int = 200, **more: Any
    ) -> Page:
        return self.pages.get_page(self.url(name, **more), query, status=status)

    def post(
        self, name: str, data: dict[str, Any] | None = None, *, status: int = 302, **more: Any
    ) -> Any:
        return self.pages.post(self.url(name, **more), data, status=status)


@pytest.fixture
def at_kikker(cast: Cast) -> Desk:
    """Ana's screen at the jazz club."""
    _secret_order(cast.fjord)
    return Desk(cast.kikker, PageClient(cast).sign_in(cast.kikker.owner.user))


@pytest.fixture
def at_fjord(cast: Cast) -> Desk:
    """Bo's screen at the conference."""
    _secret_order(cast.kikker)
    return Desk(cast.fjord, PageClient(cast).sign_in(cast.fjord.owner.user))


@pytest.fixture
def in_kikker_shop(cast: Cast) -> Desk:
    """A visitor of the jazz club's shop."""
    return Desk(cast.kikker, PageClient(cast))


@pytest.fixture
def in_fjord_shop(cast: Cast) -> Desk:
    """A visitor of the conference's shop."""
    return Desk(cast.fjord, PageClient(cast))
