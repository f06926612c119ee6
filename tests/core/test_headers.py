"""What every answer tells browsers and search engines about itself."""

import re

import pytest
from django.conf import settings as project
from django.test import RequestFactory
from django.urls import resolve, reverse

from orders.models import Delivery
from tests.core.settings_of import settings_with
from tests.pages import PageClient
from tiqqo.core.headers import NOTHING_PERMITTED, AnswerHeaders
from tiqqo.core.secret_routes import SECRET_NAMES, parameters, routes

pytestmark = pytest.mark.django_db


def permitted(answer):
    policy = answer.headers["Permissions-Policy"]
    return {part.split("=")[0].strip() for part in policy.split(",") if "=()" not in part}


# Features of the browser -------------------------------------------------------------------------


def test_the_door_may_use_the_camera_and_no_other_page_may(cast, client):
    shop = f"/blauwe-kikker/{cast.kikker.event.slug}/"
    client.force_login(cast.kikker.scanner.user)

    assert permitted(client.get(f"/door{shop}")) == {"camera"}
    for address in ["/", shop, "/door/", f"/door{shop}live/", "/nowhere/", "/healthz", reverse("account_login")]:  # fmt: skip
        answer = client.get(address)
        assert permitted(answer) == set(), address
        assert "camera=()" in answer.headers["Permissions-Policy"]


def test_passkeys_and_the_clipboard_stay_as_the_browser_has_them():
    for feature in ("publickey-credentials-get", "clipboard-write", "screen-wake-lock"):
        assert feature not in NOTHING_PERMITTED


# Search engines ----------------------------------------------------------------------------------


def is_hidden(answer):
    return answer.headers.get("X-Robots-Tag") == "noindex"


def test_search_engines_may_show_public_pages_in_every_language(cast, client):
    shop = f"/blauwe-kikker/{cast.kikker.event.slug}/"
    for address in ["/", "/blauwe-kikker/", shop]:
        assert not is_hidden(client.get(address)), address
        assert not is_hidden(client.get(address, {"lang": "de"})), address


def test_search_engines_may_show_pictures(cast, client):
    assert not is_hidden(client.get("/ui/poster-0123456789-1f4f46.svg"))


def test_search_engines_may_not_show_what_somebody_chose(cast, client):
    shop = f"/blauwe-kikker/{cast.kikker.event.slug}/"
    with cast.kikker.scope():
        hold = cast.kikker.reserve(priced=1).secret

    for query in [{"hold": hold}, {"code": "VIP"}, {"lang": "de", "code": "VIP"}]:
        assert is_hidden(client.get(shop, query)), query


def test_search_engines_may_not_show_a_draft_to_its_team(cast, client):
    from events.models import Event, EventStatus

    with cast.kikker.scope():
        Event.objects.filter(pk=cast.kikker.event.pk).update(status=EventStatus.DRAFT)
    client.force_login(cast.kikker.owner.user)

    answer = client.get(f"/blauwe-kikker/{cast.kikker.event.slug}/")

    assert (answer.status_code, is_hidden(answer)) == (200, True)
    assert b"canonical" not in answer.content


def test_search_engines_may_not_show_the_rest(cast, client):
    shop = f"/blauwe-kikker/{cast.kikker.event.slug}"
    addresses = [
        reverse("account_login"), reverse("account_signup"), f"{shop}/waitlist/", "/styleguide/",
        "/nowhere/", "/o/blauwe-kikker/", "/door/", "/admin/", "/dev/mail/",
    ]  # fmt: skip
    for user in (None, cast.kikker.owner.user):
        if user:
            client.force_login(user)
        for address in addresses:
            assert is_hidden(client.get(address)), address


def test_no_address_that_is_a_permission_is_for_search_engines_or_kept_on_the_way():
    """Whatever its view says, and whatever it answers: a page, a picture, a file."""

    def view(request):
        from django.http import HttpResponse

        answer = HttpResponse(content_type="image/svg+xml")
        answer.is_found_by_search = True
        return answer

    tried = 0
    for route in routes():
        if not SECRET_NAMES & set(parameters(route)):
            continue
        address = re.sub(
            r"<(?:([^>:]+):)?(\w+)>", lambda m: "5" if m[1] == "int" else f"x{m[2]}", route
        ).replace("\\", "")
        request = RequestFactory().get(address)
        request.resolver_match = resolve(address)
        answer = AnswerHeaders(view)(request)
        assert is_hidden(answer), address
        assert "no-store" in answer.headers["Cache-Control"], address
        tried += 1
    assert tried >= 16


def test_robots_are_kept_from_places_where_nothing_is_for_them(client):
    answer = client.get("/robots.txt")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert "Disallow: /o/" in lines
    assert "Disallow: /accounts/" in lines
    # What is not to be shown must be fetched to say so.
    assert not [line for line in lines if re.search("checkout|orders|waitlist|invitations", line)]


def test_who_finds_a_weakness_is_told_where_to_report_it(client, settings):
    settings.SECURITY_CONTACT = "security@tiqqo.example"

    lines = client.get("/.well-known/security.txt").content.decode().splitlines()

    assert "Contact: mailto:security@tiqqo.example" in lines
    [expires] = [line for line in lines if line.startswith("Expires: ")]
    assert re.fullmatch(r"Expires: \d{4}-\d\d-\d\dT00:00:00Z", expires)
    assert f"Canonical: {project.BASE_URL}/.well-known/security.txt" in lines

    settings.SECURITY_CONTACT = "https://tiqqo.example/report"
    assert (
        b"Contact: https://tiqqo.example/report\n"
        in client.get("/.well-known/security.txt").content
    )


def test_without_a_contact_there_is_no_security_file(client, settings):
    settings.SECURITY_CONTACT = ""

    assert client.get("/.well-known/security.txt").status_code == 404


# Cookies -----------------------------------------------------------------------------------------

COOKIES = [
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_NAME",
    "LANGUAGE_COOKIE_NAME",
    "MESSAGES_COOKIE_NAME",
]


def test_cookies_belong_to_this_host_alone_where_it_is_secure():
    secure = settings_with(BASE_URL="https://tickets.example")

    assert all(secure[name].startswith("__Host-") for name in COOKIES)
    # What browsers ask of such a cookie: secure, for every path, of no domain.
    for kind in ("SESSION", "CSRF", "LANGUAGE"):
        assert secure[f"{kind}_COOKIE_SECURE"] is True
        assert secure[f"{kind}_COOKIE_PATH"] == "/"
        assert secure[f"{kind}_COOKIE_DOMAIN"] is None
    assert {"sessionid", "language"} <= set(secure["IGNORED_COOKIES"])


def test_cookies_have_plain_names_where_it_is_not_secure():
    plain = settings_with(BASE_URL="http://127.0.0.1:8000")

    assert not [name for name in COOKIES if plain[name].startswith("__Host-")]
    assert plain["IGNORED_COOKIES"] == []


def test_other_services_of_the_domain_are_not_bound_to_https_unless_told():
    by_default = settings_with(BASE_URL="https://tickets.example")
    told = settings_with(
        BASE_URL="https://x.example", HSTS_INCLUDE_SUBDOMAINS="1", HSTS_PRELOAD="1"
    )

    names = ["SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"]
    assert by_default["SECURE_HSTS_SECONDS"] == 31_536_000
    assert [by_default[name] for name in names] == [False, False]
    assert [told[name] for name in names] == [True, True]


def test_messages_are_in_the_cookie_that_settings_name(cast, client):
    client.force_login(cast.kikker.owner.user)
    with cast.kikker.scope():
        member = cast.kikker.scanner

    client.post(f"/o/blauwe-kikker/team/{member.pk}/removal/")

    assert project.MESSAGES_COOKIE_NAME in client.cookies
    page = client.get("/o/blauwe-kikker/team/")
    assert b"is no longer in the team" in page.content
    assert client.cookies[project.MESSAGES_COOKIE_NAME].value == ""


# Mails -------------------------------------------------------------------------------------------


def test_a_mails_id_and_its_files_tell_nothing_and_stay_the_same(kikker, settings):
    order = kikker.place_free()
    delivery = Delivery.objects.filter(order=order).first()
    first = delivery.message_id

    assert first == Delivery.objects.get(pk=delivery.pk).message_id
    assert re.fullmatch(r"<[0-9a-f]{32}@[\w.-]+>", first)
    pieces = {order.secret[at : at + 4] for at in range(len(order.secret) - 3)}
    assert not [piece for piece in pieces if piece in first]
    assert order.code not in first
    delivery.number += 1
    assert delivery.message_id != first
    settings.SECRET_KEY = "another"
    delivery.number -= 1
    assert delivery.message_id != first


# A link that is shared -----------------------------------------------------------------------------


def properties(page):
    return {
        meta.get("property") or meta.get("name"): meta.get("content")
        for meta in page.all("head meta")
    }


def test_a_shared_link_shows_the_event(cast, settings):
    settings.BASE_URL = "https://tickets.example"
    house = cast.kikker
    address = f"/blauwe-kikker/{house.event.slug}/"

    page = PageClient(cast).get_page(address)

    shown = properties(page)
    assert page.attributes("link[rel=canonical]", "href") == [f"https://tickets.example{address}"]
    assert shown["og:url"] == f"https://tickets.example{address}"
    assert shown["og:title"] == "Night of the Blue Note"
    assert shown["og:site_name"] == "Blauwe Kikker"
    assert "Blauwe Kikker" in shown["og:description"]
    assert re.search(r"Free – €\d+\.\d\d", shown["og:description"])
    assert "og:image" not in shown
    assert shown["twitter:card"] == "summary"


def test_a_shared_link_shows_the_picture_at_its_whole_address(cast, settings):
    from events.models import Event

    settings.BASE_URL = "https://tickets.example"
    house = cast.kikker
    with house.scope():
        Event.objects.filter(pk=house.event.pk).update(
            image="public/events/night.webp", summary="Blue “notes” & <more>"
        )

    shown = properties(PageClient(cast).get_page(f"/blauwe-kikker/{house.event.slug}/"))

    assert shown["og:image"] == "https://tickets.example/media/public/events/night.webp"
    assert shown["twitter:card"] == "summary_large_image"
    assert shown["og:description"].endswith(". Blue “notes” & <more>")


def test_each_language_is_a_page_of_its_own_and_nothing_else_is(cast, settings):
    settings.BASE_URL = "https://tickets.example"
    address = f"/blauwe-kikker/{cast.kikker.event.slug}/"
    pages = PageClient(cast)

    def canonical(query):
        [found] = pages.get_page(address, query).attributes("link[rel=canonical]", "href")
        return found.removeprefix("https://tickets.example")

    assert canonical({"lang": "de"}) == f"{address}?lang=de"
    assert canonical({"code": "VIP", "utm_source": "x"}) == address
    assert canonical({"lang": "xx"}) == address


def test_a_shared_link_shows_the_organiser(cast, settings):
    settings.BASE_URL = "https://tickets.example"

    page = PageClient(cast).get_page("/blauwe-kikker/")

    shown = properties(page)
    assert shown["og:title"] == "Blauwe Kikker"
    assert shown["og:description"] == "Night of the Blue Note"
    assert page.attributes("link[rel=canonical]", "href") == [
        "https://tickets.example/blauwe-kikker/"
    ]


def test_the_front_page_has_one_address(cast, settings):
    settings.BASE_URL = "https://tickets.example"

    page = PageClient(cast).get_page("/")

    assert page.attributes("link[rel=canonical]", "href") == ["https://tickets.example/"]
    assert properties(page)["og:title"] == page.h1
