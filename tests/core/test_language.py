"""Which language a page speaks, and that the reader decides."""

import pytest
from django.test import Client

from accounts.operations import change_organiser
from events.operations import change_event
from tests.pages import PageClient, text_of
from tiqqo.core.language import supported

pytestmark = pytest.mark.django_db

SHOP = "/blauwe-kikker/night-of-the-blue-note/"
ORGANISER = "/blauwe-kikker/"


@pytest.fixture
def german_event(cast):
    with cast.kikker.scope():
        change_event(cast.kikker.event, by=cast.kikker.owner, language="de")


def language_of(client, url=SHOP, browser="", **query):
    answer = client.get(url, query, headers={"accept-language": browser} if browser else None)
    assert answer.status_code == 200
    lang = PageClient()._checked(url, answer, 200).tree.get("lang")
    assert lang == answer.headers["Content-Language"]
    return lang


@pytest.mark.parametrize(
    ("code", "ours"),
    [("nl", "nl"), ("nl-BE", "nl"), ("DE-at", "de"), ("fr", ""), ("", ""), ("../etc", "")],
)
def test_regions_of_a_language_are_that_language(code, ours):
    assert supported(code) == ours


@pytest.mark.parametrize(
    ("browser", "language"),
    [
        ("nl-BE,nl;q=0.9,en;q=0.5", "nl"),
        ("en-US,en;q=0.9,nl;q=0.8", "en"),
        ("fr-FR,fr;q=0.9,nl;q=0.8,en;q=0.7", "nl"),
        ("fr-FR,fr", "de"),
        ("", "de"),
        ("nonsense;;q=x", "de"),
    ],
)
def test_browser_comes_before_event(client, german_event, browser, language):
    assert language_of(client, browser=browser) == language


def test_choice_comes_before_browser_and_stays(client, german_event):
    client.post("/ui/language/", {"language": "en", "next": SHOP})

    assert language_of(client, browser="nl") == "en"
    assert language_of(client, ORGANISER, browser="nl") == "en"


def test_link_with_a_language_is_a_choice(client, cast):
    assert language_of(client, browser="nl", lang="de") == "de"
    assert client.cookies["language"].value == "de"
    assert language_of(client, browser="nl") == "de"


@pytest.mark.parametrize("lang", ["fr", "", "de'--"])
def test_link_with_an_unknown_language_changes_nothing(client, cast, lang):
    assert language_of(client, browser="nl", lang=lang) == "nl"
    assert "language" not in client.cookies


def test_organisers_page_speaks_the_organisers_language(client, cast):
    assert language_of(client, ORGANISER) == "en"
    with cast.kikker.scope():
        change_organiser(cast.kikker.organiser, by=cast.kikker.owner, language="nl")

    assert language_of(client, ORGANISER) == "nl"


def test_cookie_is_a_preference_and_nothing_more(client, cast):
    client.post("/ui/language/", {"language": "nl", "next": SHOP})

    cookie = client.cookies["language"]
    assert (cookie["max-age"], cookie["samesite"], cookie["httponly"]) == (31536000, "Lax", True)


# The switch -------------------------------------------------------------------------------


def test_switch_names_languages_by_their_own_names(cast):
    page = PageClient(cast).get_page(SHOP)

    assert page.texts(".language-switch button") == ["English", "Nederlands", "Deutsch"]
    assert page.attributes(".language-switch button", "lang") == ["en", "nl", "de"]
    assert page.texts(".language-switch [aria-current]") == ["English"]


def test_switch_leads_back_to_the_same_page_without_the_language_of_the_link(cast):
    pages = PageClient(cast)
    page = pages.get_page(SHOP, {"lang": "de", "ref": "poster"})

    answer = page.submit("Nederlands", status=302, language="nl")

    assert answer.headers["Location"] == f"{SHOP}?ref=poster"
    assert pages.follow(answer).texts(".language-switch [aria-current]") == ["Nederlands"]


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"]
)
def test_switch_leads_to_no_other_site(client, cast, where):
    answer = client.post("/ui/language/", {"language": "nl", "next": where})

    assert answer.headers["Location"] == "/"


def test_switch_needs_no_session_and_no_token(cast):
    http = Client(enforce_csrf_checks=True)

    assert http.get(SHOP).cookies.keys() == set()
    assert http.post("/ui/language/", {"language": "nl", "next": SHOP}).status_code == 302
    assert set(http.cookies) == {"language"}


def test_switch_does_not_act_on_a_link(client, cast):
    assert client.get("/ui/language/", {"language": "nl", "next": SHOP}).status_code == 405
    assert "language" not in client.cookies


# What is in English, and what caches may keep ---------------------------------------------


@pytest.mark.parametrize("url", ["/accounts/login/", "/o/blauwe-kikker/", "/door/"])
def test_what_is_not_translated_is_in_english(client, cast, url):
    client.force_login(cast.kikker.owner.user)
    client.cookies["language"] = "nl"

    answer = client.get(url, headers={"accept-language": "nl"}, follow=url == "/accounts/login/")

    assert (answer.status_code, answer.headers["Content-Language"]) == (200, "en")
    assert 'class="language-switch"' not in answer.content.decode()


def test_answers_vary_by_what_decided(client, cast):
    assert {"Accept-Language", "Cookie"} <= set(client.get(SHOP).headers["Vary"].split(", "))
    assert "Accept-Language" not in client.get("/healthz").headers.get("Vary", "")


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("/not/a/page/at/all/", "Diese Seite gibt es hier nicht"),
        ("/blauwe-kikker/no-such-event/", "Diese Seite gibt es hier nicht"),
    ],
)
def test_errors_speak_the_readers_language(cast, url, title):
    page = PageClient().get_page(url, status=404, headers={"accept-language": "de"})

    assert page.h1 == title


def test_language_of_one_reader_is_not_that_of_the_next(client, cast):
    assert language_of(client, browser="de") == "de"
    assert text_of(PageClient().get_page("/accounts/login/").all("h1")[0]) == "Sign in"
    assert language_of(client, browser="nl") == "nl"
