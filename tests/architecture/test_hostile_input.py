"""What anybody may send: 57 hostile values to everything that the public can reach.

Every public route is found by walking. Each value is put into each varying part of its address, into its
query string, into each field of its forms, into headers and into cookies: some 22,000 requests to 66
routes. None may be a server error: what an exception class would have been forgotten for shows
here.
"""

import re
from urllib.parse import quote

import pytest
from django.conf import settings as project
from django.test import Client
from django.urls import get_resolver, reverse

from tests.architecture.test_routes import patterns

pytestmark = pytest.mark.django_db

VALUES = [
    "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\ufffe\uffff", "\u202e\u2066", "\u200b\ufeff", "\r\nX: y",
    "\x7f\x1b[31m", "٣", "１２", "²", "-1", "0", "00", "1e9", "1_000", "0x1f", "NaN", "Infinity", "-0.0",
    "9" * 19, "9" * 400, "1." + "0" * 300, "a" * 5000, "é" * 3000, "\U0001f3ab" * 500, " ", "\u3000",
    "../../../../etc/passwd", "..\\..\\win.ini", "%2e%2e%2f", "%00", "%c0%ae", "'; DROP TABLE x;--",
    "\"><script>alert(1)</script>", "{{7*7}}{% now %}", "${jndi:ldap://x}", "[]", "{}", "null", "true",
    "9999-12-31", "0001-01-01", "2026-02-30", "https://evil.example/", "//evil.example", "http://[", "=1+1",
]  # fmt: skip
# Octets that are no UTF-8, as they are in an address.
RAW = ["%ff%fe", "%ed%a0%80", "%c0%80", "%e2%28%a1", "%", "%zz", "%25%30%30", "%f0%9f"]
NAMES = (
    "code", "day", "slot", "hold", "lang", "next", "email", "gate", "payment", "type", "page", "process",
)  # fmt: skip
FIELDS = (
    "first_name", "last_name", "email", "company_name", "vat_number", "purchase_number", "payment_method",
    "consent", "first_name_1", "last_name_1", "email_1", "name", "quantity", "wishes", "code", "slot",
    "hold", "day", "language", "next", "login", "password", "password1", "password2", "oldpassword",
    "organiser_name", "credential", "action", "csrfmiddlewaretoken",
)  # fmt: skip
HEADERS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Type", "HX-Current-URL",
    "HX-Prompt", "HX-Request", "HX-Target", "If-Modified-Since", "If-None-Match", "Origin", "Range",
    "Referer", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Requested-With",
    "Stripe-Signature",
)  # fmt: skip


def public_routes():
    """Everything that needs no session, as it is in production; the admin's own are not ours to try."""
    for address, route in patterns(get_resolver()):
        plain = address.replace("^", "").replace("$", "").removesuffix(r"\Z")
        if not plain.startswith(("admin/", "o/", "door/", "styleguide/", "dev/")):
            yield plain, route


ROUTES = list(public_routes())


@pytest.fixture
def known(cast):
    """What each varying part of an address is, where it leads to something."""
    house = cast.kikker
    with house.scope():
        order, hold = house.place_free(1), house.reserve(priced=2)
        ticket = order.tickets.get()
    return {
        "organiser_slug": "blauwe-kikker",
        "event_slug": house.event.slug,
        "code": order.code,
        "secret": hold.secret,
        "ticket": ticket.code,
        "order_secret": order.secret,
    }


@pytest.fixture
def site(settings):
    # Whoever asks so often would be told to wait, and nothing would be tried.
    settings.ACCOUNT_RATE_LIMITS = False
    client = Client(raise_request_exception=False)
    broken = []

    def ask(method, address, *args, **extra):
        client.cookies.clear()
        answer = getattr(client, method)(address, *args, **extra)
        if answer.status_code >= 500:
            broken.append((method, address[:120], str(args)[:160], str(extra)[:160]))
        return answer

    ask.broken = broken
    return ask


_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()\\]|\\.)*\)")


def address_of(route, known, **instead):
    """The address with what is known in it, but for `instead`, which is percent-encoded already."""

    def value(match):
        name = match[1] or match[2]
        if name in instead:
            return instead[name]
        if name == "secret" and "orders/" in route:
            return known["order_secret"]
        return known.get(name, "5")

    return "/" + _PARAMETER.sub(value, route).replace("\\", "")


def encoded(value):
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def names_of(route):
    return [match[1] or match[2] for match in _PARAMETER.finditer(route)]


def test_addresses(known, site):
    for route, _view in ROUTES:
        for name in names_of(route):
            for value in [*map(encoded, VALUES), *RAW]:
                site("get", address_of(route, known, **{name: value}))

    assert site.broken == []


def test_query_strings(known, site):
    for route, _view in ROUTES:
        address = address_of(route, known)
        for value in [*map(encoded, VALUES), *RAW]:
            site("get", f"{address}?{value}&" + "&".join(f"{name}={value}" for name in NAMES))

    assert site.broken == []


def test_forms(known, site):
    """All fields at once; and, with the rest as it should be, each field of the forms of the shop."""
    for route, _view in ROUTES:
        address = address_of(route, known)
        for value in VALUES:
            storable = value.encode("utf-8", "surrogatepass")
            body = b"&".join(
                f"{name}=".encode() + quote(storable, safe="").encode() for name in FIELDS
            )
            site("post", address, body, content_type="application/x-www-form-urlencoded")
        for value in RAW:
            body = "&".join(f"{name}={value}" for name in FIELDS)
            site("post", address, body, content_type="application/x-www-form-urlencoded")

    assert site.broken == []


def test_each_field_of_the_shop(cast, known, site):
    house, shop = cast.kikker, f"/blauwe-kikker/{cast.kikker.event.slug}/"
    right = {
        f"{shop}reservations/": {f"quantity_{house.priced.code}": "1", "slot": "", "code": "", "hold": ""},
        f"{shop}checkout/{known['secret']}/": {
            "first_name": "Dora", "last_name": "Guest", "email": "dora@example.org", "first_name_1": "Emil",
            "last_name_1": "Guest", "email_1": "emil@example.org", "payment_method": "CARD", "consent": "on",
        },
        f"{shop}waitlist/": {"wishes": "x", "quantity": "1", "name": "Dora", "email": "d@example.org", "consent": "on"},
        reverse("account_signup"): {"name": "Dora", "organiser_name": "Dora's", "email": "d@example.org", "password1": "a long enough secret"},
        reverse("account_login"): {"login": "d@example.org", "password": "a long enough secret"},
        reverse("account_reset_password"): {"email": "d@example.org"},
        reverse("ui:language"): {"language": "de", "next": shop},
    }  # fmt: skip
    for address, fields in right.items():
        for at, name in enumerate(fields):
            for value in VALUES[at % 2 :: 2]:
                sent = {**fields, name: value}
                body = "&".join(f"{field}={encoded(text)}" for field, text in sent.items())
                site("post", address, body, content_type="application/x-www-form-urlencoded")
        for value in VALUES:
            body = f"{encoded(value)}={encoded(value)}&quantity_{encoded(value)}=1&price_{encoded(value)}=2"
            site("post", address, body, content_type="application/x-www-form-urlencoded")

    assert site.broken == []


def sent_as_bytes(value):
    """As a server hands on the octets of a header, which are never NUL, CR or LF."""
    octets = value.encode("utf-8", "surrogatepass")
    return re.sub(rb"[\x00\r\n]", b"", octets).decode("latin-1")


def test_headers(known, site):
    """All at once for several pages; one by one for the shop and for what the provider reports."""
    shop = f"/blauwe-kikker/{known['event_slug']}/"
    brought = [{name: sent_as_bytes(value) for name in HEADERS} for value in VALUES]
    for address in (
        "/",
        f"{shop}checkout/{known['secret']}/",
        reverse("account_login"),
        "/readyz",
        "/nowhere/",
    ):
        for headers in brought:
            site("get", address, headers=headers)
            site("get", address, headers={**headers, "HX-Request": "true"})
    for headers in brought:
        for name, value in headers.items():
            site("get", shop, headers={name: value})
            site(
                "post",
                "/webhooks/stripe/",
                b"{}",
                content_type="application/json",
                headers={name: value},
            )

    assert site.broken == []


def test_cookies(known, site):
    """Also as a browser may quote them: a value can hold NUL, which no text of the database can."""
    shop = f"/blauwe-kikker/{known['event_slug']}/"
    names = [
        project.SESSION_COOKIE_NAME, project.CSRF_COOKIE_NAME, project.LANGUAGE_COOKIE_NAME,
        project.MESSAGES_COOKIE_NAME,
    ]  # fmt: skip
    octal = [
        '"' + "\\000" * 40 + '"',
        '"abcdefgh\\000"',
        '"\\377\\376abcdefgh"',
        '"\\012\\015abcdefgh"',
    ]
    for address in (
        "/",
        shop,
        reverse("account_login"),
        "/home/",
        "/o/blauwe-kikker/",
        "/door/",
        "/readyz",
    ):
        for name in names:
            for value in [*map(sent_as_bytes, VALUES), *octal]:
                site("get", address, HTTP_COOKIE=f"{name}={value}")
    for name in names:
        for value in [*map(sent_as_bytes, VALUES), *octal]:
            site(
                "post",
                reverse("account_login"),
                {"login": "a@example.org"},
                HTTP_COOKIE=f"{name}={value}",
            )

    assert site.broken == []


KINDS = [
    "application/json", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain; charset=utf-7",
    "application/x-www-form-urlencoded; charset=nonsense", "application/x-www-form-urlencoded; charset=utf-16",
    "\u00ff", "",
]  # fmt: skip
BODIES = [
    b"", b"\x00", b"\xff\xfe", b"{", b"&" * 2000, b"--x\r\n\r\n\xff", b"a=b" + b"&a=b" * 3000,
    b'--x\r\nContent-Disposition: form-data; name="a\xff"\r\n\r\nb\r\n--x--',
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="\x00/../b"\r\n\r\nb\r\n--x--',
    b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--',
]  # fmt: skip


def test_bodies_that_are_no_form(known, site):
    for route, _view in ROUTES:
        for kind in KINDS:
            for body in BODIES:
                site("generic", "POST", address_of(route, known), body, CONTENT_TYPE=kind)

    assert site.broken == []


def test_there_was_something_to_try():
    public = {address for address, route in ROUTES if getattr(route.callback, "is_public", False)}

    assert len(ROUTES) >= 55
    assert len(public) >= 20
    assert len(VALUES) + len(RAW) >= 50
