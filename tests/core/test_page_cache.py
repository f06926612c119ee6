"""Public pages are kept for a moment for strangers, and for nobody else."""

import threading
import time

import pytest
from django.conf import settings as project
from django.http import HttpResponse
from django.test import Client, RequestFactory

from tests.orders.public_pages import status_of
from tiqqo.core import page_cache
from tiqqo.core.page_cache import (
    KEPT_BYTES,
    KEPT_PAGES,
    PublicPages,
    kept_answer,
    kept_for_strangers,
)


@pytest.fixture
def kept(settings):
    settings.PUBLIC_PAGE_SECONDS = 1


class Counted:
    """A view behind the middleware, which counts how often it was asked."""

    def __init__(self, **how):
        self.asked, self.how, self.gate = 0, how, None
        self.pages = PublicPages(
            kept_for_strangers(self.answer) if how.pop("kept", True) else self.answer
        )

    def answer(self, request):
        self.asked += 1
        number = self.asked
        if self.gate:
            self.gate.wait(5)
        body = f"page {number}".ljust(self.how.get("size", 0))
        response = HttpResponse(body, status=self.how.get("status", 200))
        if self.how.get("cookie"):
            response.set_cookie("a", "b")
        response["X-Number"] = str(number)
        return response

    def get(self, path="/", **extra):
        return self.pages(RequestFactory().get(path, **extra))


def test_a_page_is_made_once_within_its_time_and_then_anew(kept, monkeypatch):
    view, now = Counted(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    answers = [view.get() for _ in range(3)]
    now[0] += 1.01
    later = view.get()

    assert [(a.content, a["X-Number"]) for a in answers] == [(b"page 1", "1")] * 3
    assert later.content == b"page 2"


def test_words_for_tracking_are_dropped_and_make_no_page_of_their_own(kept):
    view = Counted()

    answers = [view.get(path) for path in ("/?utm_source=a&fbclid=1", "/", "/?gclid=2")]

    assert [answer.content for answer in answers] == [b"page 1"] * 3


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("/?code=X", {}),
        ("/", {"HTTP_COOKIE": f"{project.SESSION_COOKIE_NAME}=abc"}),
        ("/", {"HTTP_COOKIE": f"{project.MESSAGES_COOKIE_NAME}=abc"}),
        ("/", {"HTTP_COOKIE": "another=abc"}),
        ("/", {"HTTP_HX_REQUEST": "true"}),
    ],
)
def test_whoever_is_no_stranger_is_answered_anew(kept, path, extra):
    view = Counted()
    view.get()

    assert view.get(path, **extra).content == b"page 2"


def test_a_host_that_is_longer_than_any_is_not_kept(kept):
    view, host = Counted(), {"HTTP_HOST": f"testserver:{'0' * 300}80"}

    assert [view.get(**host).content for _ in range(2)] == [b"page 1", b"page 2"]


def test_a_token_against_forgery_is_served_what_was_kept_and_leaves_nothing_behind(kept):
    """What is made with somebody's token could hold it."""
    view, token = Counted(), {"HTTP_COOKIE": f"{project.CSRF_COOKIE_NAME}=abc"}
    view.get(**token)

    assert view.get().content == b"page 2"
    assert view.get(**token).content == b"page 2"


@pytest.mark.parametrize("how", [{"status": 404}, {"cookie": True}, {"kept": False}])
def test_what_is_not_for_everybody_is_not_kept(kept, how):
    view = Counted(**how)
    view.get()

    assert view.get().content == b"page 2"
    assert view.pages._making == {}


@pytest.mark.parametrize(
    "extra",
    [
        {"HTTP_ACCEPT_LANGUAGE": "nl"},
        {"HTTP_COOKIE": f"{project.LANGUAGE_COOKIE_NAME}=de"},
        {"HTTP_ACCEPT_ENCODING": "gzip"},
        {"HTTP_HOST": "localhost"},
        {"secure": True},
    ],
)
def test_languages_encodings_hosts_and_schemes_have_pages_of_their_own(kept, extra):
    view = Counted()
    view.get()

    assert view.get(**extra).content == b"page 2"
    assert view.get(**extra).content == b"page 2"
    assert view.get().content == b"page 1"


def test_while_one_makes_it_anew_others_get_the_old_one(kept, monkeypatch):
    view, now = Counted(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    view.get()
    now[0] += 1.5
    view.gate = threading.Event()
    maker = threading.Thread(target=view.get)
    maker.start()
    while view.asked < 2:
        time.sleep(0.001)

    answer = view.get()
    view.gate.set()
    maker.join()

    assert answer.content == b"page 1"
    assert view.get().content == b"page 2"


def test_nobody_waits_for_anothers_page_that_is_not_kept(kept):
    """It may be one that asks the payment provider, or a database that hangs: of those who ask again and
    again each would keep a thread."""
    view = Counted(kept=False)
    view.gate = threading.Event()
    askers = [threading.Thread(target=view.get) for _ in range(3)]
    for asker in askers:
        asker.start()
    deadline = time.monotonic() + 4
    while view.asked < 3 and time.monotonic() < deadline:
        time.sleep(0.001)
    asked = view.asked
    view.gate.set()
    for asker in askers:
        asker.join()

    assert asked == 3
    assert view.pages._making == {}


def test_only_so_many_pages_are_kept(kept):
    view = Counted()
    for number in range(KEPT_PAGES + 5):
        view.get(f"/{number}")

    assert len(view.pages._pages) == KEPT_PAGES == len(view.pages._making)


def test_only_so_many_bytes_are_kept(kept):
    """A page is as large as its organiser likes, and each port that a host is called with has its own."""
    view = Counted(size=KEPT_BYTES // 4)
    for port in range(1, 9):
        view.get(HTTP_HOST=f"testserver:{port}")

    assert len(view.pages._pages) == 3 == len(view.pages._making)
    assert view.get(HTTP_HOST="testserver:8").content.strip() == b"page 8"
    assert view.get(HTTP_HOST="testserver:1").content.strip() == b"page 9"


def test_a_page_that_is_larger_than_all_that_may_be_kept_is_not(kept):
    view = Counted(size=KEPT_BYTES)

    assert [view.get().content.strip() for _ in range(2)] == [b"page 1", b"page 2"]
    assert view.pages._making == {}


@pytest.mark.django_db
def test_the_shop_is_kept_for_strangers_and_fresh_for_the_team(kept, cast):
    house, stranger, member = cast.kikker, Client(), Client()
    member.force_login(house.owner.user)
    address = f"/{house.organiser.slug}/{house.event.slug}/"
    first = stranger.get(address)
    status_of(house, "cancelled")

    assert b"This event is cancelled." not in first.content
    assert stranger.get(address).content == first.content
    assert b"This event is cancelled." in member.get(address).content


# Answers to what was done ---------------------------------------------------------------------


def answered(path="/", facts=("sold out",), made=None, **extra):
    made = [] if made is None else made

    def make():
        made.append(1)
        return HttpResponse(f"answer {len(made)}", status=409)

    return kept_answer(RequestFactory().post(path, **extra), facts, make), made


@pytest.fixture
def no_answers():
    page_cache.forget_answers()


def test_the_same_answer_is_made_once(kept, no_answers):
    first, made = answered()
    second, _ = answered(made=made)

    assert (first.status_code, second.status_code) == (409, 409)
    assert first.content == second.content == b"answer 1"
    assert made == [1]


@pytest.mark.parametrize(
    "other",
    [
        {"facts": ("other",)},
        {"path": "/x/"},
        {"path": "/?x"},
        {"secure": True},
        {"HTTP_HOST": "localhost"},
        {"HTTP_COOKIE": f"{project.SESSION_COOKIE_NAME}=a"},
        {"HTTP_COOKIE": f"{project.MESSAGES_COOKIE_NAME}=a"},
        {"HTTP_COOKIE": "another=a"},
    ],
)
def test_another_answer_is_made_anew(kept, no_answers, other):
    _, made = answered()
    answered(made=made, **other)

    assert made == [1, 1]


def test_what_answers_depend_on_takes_no_more_memory_than_it_may(kept, no_answers):
    """What somebody chose is part of it, as long as the form that was sent."""
    for number in range(100):
        answered(facts=(number, "x" * (KEPT_BYTES // 50)))

    assert len(page_cache._answers) < 50


def test_an_answer_is_not_kept_longer_than_a_page(kept, no_answers, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    _, made = answered()
    now[0] += 1.01
    answered(made=made)

    assert made == [1, 1]
