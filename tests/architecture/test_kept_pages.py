"""What is kept depends on nothing but its key: whoever asked before, a stranger gets a stranger's page.

Every page and answer that is kept is found by walking, and asked for with what a request can bring. After
each of them a stranger's answer is what it would be without any keeping, and the other way round.
"""

import ast
import gzip
import re
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from django.conf import settings as project
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from tests.architecture.test_routes import patterns
from tiqqo.core import page_cache
from tiqqo.core.messages import HostCookieStorage

pytestmark = pytest.mark.django_db
ROOT = Path(project.ROOT)
APPS = ("tiqqo", "accounts", "events", "people", "ticketing", "orders", "checkin", "reports")
PAGES = {
    route.name: address
    for address, route in patterns(get_resolver())
    if getattr(route.callback, "is_kept_for_strangers", False)
}


def callers_of(name):
    """`module.function` of every function that calls it."""
    found = set()
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                called = {
                    node.func.id
                    for node in ast.walk(function)
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                }
                if name in called:
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                    found.add(f"{module}.{function.name}")
    return found


def refused(cast):
    """More than one order may hold, which many are told."""
    shop = {"organiser_slug": "blauwe-kikker", "event_slug": cast.kikker.event.slug}
    return reverse("shop:reservations", kwargs=shop), {f"quantity_{cast.kikker.priced.code}": "21"}


# How each kept answer is come by: address and what is sent to it.
ANSWERS = {"orders.views.shop._refused": refused}


def test_every_kept_answer_is_tried():
    assert callers_of("kept_answer") == set(ANSWERS)
    assert set(PAGES) == {"front", "organiser", "event"}


KEPT = [*PAGES, *ANSWERS]


def address_of(cast, name):
    if name in ANSWERS:
        return ANSWERS[name](cast)
    known = {"organiser_slug": "blauwe-kikker", "event_slug": cast.kikker.event.slug}
    return "/" + re.sub(r"<\w+:(\w+)>", lambda match: known[match[1]], PAGES[name]), None


def session_of(user):
    client = Client()
    client.force_login(user)
    return client.cookies.output(header="", sep=";").split(";")[0].strip()


def message_cookie():
    """A message that somebody was to read on their next page, signed by us."""
    storage = HostCookieStorage(RequestFactory().get("/"))
    told = storage._encode([Message(constants.SUCCESS, "Pay by transfer at evil.example")])
    return SimpleCookie({project.MESSAGES_COOKIE_NAME: told}).output(header="").strip()


def requests_of(cast):
    """What a request can bring, by name: more of the address, and what the server is told of it."""
    csrf = f"{project.CSRF_COOKIE_NAME}={'a' * 32}"
    member, other = (session_of(house.owner.user) for house in (cast.kikker, cast.fjord))
    return {
        "a stranger": ("", {}),
        "a German by cookie": ("", {"HTTP_COOKIE": f"{project.LANGUAGE_COOKIE_NAME}=de"}),
        "a Dutch browser": ("", {"HTTP_ACCEPT_LANGUAGE": "nl-BE,nl;q=0.8"}),
        "a browser that unzips": ("", {"HTTP_ACCEPT_ENCODING": "gzip, br"}),
        "a browser that says something like gzip": ("", {"HTTP_ACCEPT_ENCODING": "xgzip"}),
        "a member": ("", {"HTTP_COOKIE": member}),
        "a member of another": ("", {"HTTP_COOKIE": other}),
        "a message": ("", {"HTTP_COOKIE": message_cookie()}),
        "a message and a language": (
            "",
            {"HTTP_COOKIE": f"{project.LANGUAGE_COOKIE_NAME}=en; {message_cookie()}"},
        ),
        "a message for a member": ("", {"HTTP_COOKIE": f"{member}; {message_cookie()}"}),
        "a token": ("", {"HTTP_COOKIE": csrf}),
        "a token and a message": ("", {"HTTP_COOKIE": f"{csrf}; {message_cookie()}"}),
        "a cookie of nobody": ("", {"HTTP_COOKIE": "wanted=cheese"}),
        "a session that never was": (
            "",
            {"HTTP_COOKIE": f"{project.SESSION_COOKIE_NAME}={'x' * 32}"},
        ),
        "htmx": ("", {"HTTP_HX_REQUEST": "true"}),
        "htmx, boosted": ("", {"HTTP_HX_REQUEST": "true", "HTTP_HX_BOOSTED": "true"}),
        "a language in the address": ("?lang=de", {}),
        "a code in the address": ("?code=EVIL", {}),
        "words for tracking in the address": ('?utm_source="><b>evil</b>&fbclid=1', {}),
        "words for tracking and a code": ("?utm_source=x&code=EVIL", {}),
        "junk in the address": ('?"><b>evil</b>', {}),
        "another host": ("", {"HTTP_HOST": "localhost"}),
        "another port": ("", {"HTTP_HOST": "testserver:8443"}),
        "another scheme": ("", {"wsgi.url_scheme": "https"}),
        "another host by a proxy": ("", {"HTTP_X_FORWARDED_HOST": "evil.example"}),
        "another scheme by a proxy": ("", {"HTTP_X_FORWARDED_PROTO": "https"}),
        "another script": ("", {"HTTP_X_SCRIPT_NAME": "/evil"}),
        "another address by a proxy": ("", {"HTTP_X_ORIGINAL_URL": "/evil", "HTTP_X_REWRITE_URL": "/evil"}),
        "a program": ("", {"HTTP_ACCEPT": "application/json"}),
        "a script": ("", {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}),
        "a key": ("", {"HTTP_AUTHORIZATION": "Bearer s3cret"}),
        "somewhere else": ("", {"HTTP_REFERER": "https://evil.example/", "HTTP_ORIGIN": "null"}),
        "a telephone": ("", {"HTTP_USER_AGENT": "Evil/1.0 (iPhone)", "HTTP_SAVE_DATA": "on"}),
        "what was seen before": (
            "",
            {"HTTP_IF_NONE_MATCH": "*", "HTTP_IF_MODIFIED_SINCE": "Sat, 28 Nov 2026 08:00:00 GMT"},
        ),
        "a part": ("", {"HTTP_RANGE": "bytes=0-9"}),
        "another method": ("", {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"}),
    }  # fmt: skip


def ask(client, target, brought):
    """What comes back, without what differs each time: tokens, and the padding of what is zipped."""
    (address, sent), (more, extra) = target, brought
    client.cookies.clear()
    extra = {"HTTP_HOST": "testserver", **extra}
    if sent is None:
        answer = client.get(address + more, **extra)
    else:
        answer = client.post(address + more, sent, **extra)
    body = answer.content
    if answer.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    body = re.sub(rb'(name="csrfmiddlewaretoken" value=)"\w+"', rb"\1", body)
    # What is never kept expires at the second in which it is sent.
    headers = {k: v for k, v in answer.headers.items() if k not in {"Content-Length", "Expires"}}
    return answer.status_code, headers, sorted(answer.cookies), body


@pytest.fixture
def keeping(settings):
    """Asks in order, with keeping, of a process that has kept nothing."""
    settings.STATUS_TOKEN = "s3cret"

    def asked(target, *brought):
        settings.PUBLIC_PAGE_SECONDS = 60
        page_cache.forget_answers()
        client = Client(raise_request_exception=False)
        return [ask(client, target, one) for one in brought]

    return asked


@pytest.fixture
def anew(settings):
    """Asks without any keeping."""

    def asked(target, brought):
        settings.PUBLIC_PAGE_SECONDS = 0
        return ask(Client(raise_request_exception=False), target, brought)

    return asked


@pytest.mark.parametrize("name", KEPT)
def test_whoever_asked_before_a_stranger_gets_a_strangers_page(cast, keeping, anew, name):
    target, requests = address_of(cast, name), requests_of(cast)
    readers = ["a stranger", "a German by cookie", "a token", "another host", "another scheme"]
    right = {reader: anew(target, requests[reader]) for reader in readers}

    wrong = []
    for before, brought in requests.items():
        _first, *answers = keeping(target, brought, *(requests[reader] for reader in readers))
        wrong += [
            f"{reader} after {before}"
            for reader, answer in zip(readers, answers, strict=True)
            if answer != right[reader]
        ]

    assert wrong == []


def test_with_a_rule_about_sessions_alone_a_stranger_would_read_anothers_message(
    cast, keeping, monkeypatch
):
    """The tests here can fail: this is how it was."""

    def is_without_session(request):
        return project.SESSION_COOKIE_NAME not in request.COOKIES

    monkeypatch.setattr(page_cache, "_may_see_kept", is_without_session)
    monkeypatch.setattr(page_cache, "_may_be_kept_of", is_without_session)
    monkeypatch.setattr(page_cache, "_has_messages", lambda request: False)
    target, requests = address_of(cast, "orders.views.shop._refused"), requests_of(cast)

    _theirs, strangers = keeping(target, requests["a message"], requests["a stranger"])

    assert b"Pay by transfer at evil.example" in strangers[-1]


@pytest.mark.parametrize("name", KEPT)
def test_whatever_was_kept_everybody_gets_their_own_page(cast, keeping, anew, name):
    target, requests = address_of(cast, name), requests_of(cast)

    wrong = [
        after
        for after, brought in requests.items()
        if keeping(target, requests["a stranger"], brought)[1] != anew(target, brought)
    ]

    assert wrong == []


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize(
    ("again", "is_kept"),
    [
        ("a stranger", True),
        ("a token", True),
        ("a telephone", True),
        ("a message", False),
        ("a member", False),
        ("a cookie of nobody", False),
    ],
)
def test_strangers_are_served_what_was_kept(cast, keeping, monkeypatch, name, again, is_kept):
    """Without this the tests above would be content with a site that keeps nothing."""
    target, requests = address_of(cast, name), requests_of(cast)
    served = []
    answered = page_cache._Page.response

    def counted(page):
        served.append(page)
        return answered(page)

    monkeypatch.setattr(page_cache._Page, "response", counted)
    keeping(target, requests["a stranger"], requests[again])

    assert bool(served) is is_kept


def test_cookies_of_neighbours_are_ignored_where_the_operator_names_them(
    cast, keeping, monkeypatch, settings
):
    settings.IGNORED_COOKIES = {"_ga"}
    target = address_of(cast, "event")
    served = []
    answered = page_cache._Page.response
    monkeypatch.setattr(
        page_cache._Page, "response", lambda page: served.append(1) or answered(page)
    )
    neighbour = ("", {"HTTP_COOKIE": "_ga=GA1.2.3"})

    first, second = keeping(target, neighbour, ("", {}))

    assert (first, served) == (second, [1])
