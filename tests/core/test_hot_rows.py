"""Rows that somebody else holds do not stop the site: real threads, real row locks."""

import threading
import time
from contextlib import contextmanager
from queue import Empty, Queue

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from tests.races import at_once
from ticketing import seats
from ticketing.models import CapacityPool, Reservation
from ticketing.seats import taking_places
from tiqqo.core.neighbours import Bulkhead
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
HELD_SECONDS = 6.0
# As many as there are places.
BUYERS = 40


class Site:
    """A web process: so many threads take what comes, in turn."""

    def __init__(self, house):
        self.house = house
        self.requests = Queue()
        self.answers = {}
        self.is_open = True
        self.threads = [threading.Thread(target=self._serve) for _ in range(THREADS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_open = False
        for thread in self.threads:
            thread.join(60)

    def ask(self, name, method, url, data=None):
        self.requests.put((time.monotonic(), name, method, url, data))

    def _serve(self):
        try:
            while self.is_open or not self.requests.empty():
                try:
                    asked_at, name, method, url, data = self.requests.get(timeout=0.05)
                except Empty:
                    continue
                answer = getattr(Client(), method)(url, data or {})
                self.answers[name] = (answer, time.monotonic() - asked_at)
        finally:
            connection.close()

    def hold(self, number):
        address = [self.house.organiser.slug, self.house.event.slug]
        url = reverse("shop:reservations", args=address)
        self.ask(f"hold {number}", "post", url, {f"quantity_{self.house.free.code}": 1})

    def look(self, name):
        url = reverse("shop:event", args=[self.house.organiser.slug, self.house.event.slug])
        self.ask(name, "get", url)


@contextmanager
def rows_held(house):
    """Another session has locked every pool of the house."""
    held, let_go = threading.Event(), threading.Event()

    def hold():
        try:
            with tenant_scope(house.organiser), transaction.atomic():
                list(CapacityPool.objects.select_for_update().all())
                held.set()
                let_go.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    try:
        yield
    finally:
        let_go.set()
        thread.join(30)


def slowest_look(house):
    """How long somebody waited for the shop while others wanted tickets of pools that were held."""
    with rows_held(house), Site(house) as site:
        for number in range(THREADS + 2):
            site.hold(number)
        time.sleep(0.3)
        for number in range(5):
            site.look(f"look {number}")
            time.sleep(0.1)
        deadline = time.monotonic() + HELD_SECONDS
        while len(_looks(site)) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        served = _looks(site)
    assert {answer.status_code for answer, _seconds in served.values()} <= {200}
    refused = [site.answers[name][0] for name in site.answers if name.startswith("hold")]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer["Retry-After"] for answer in refused} == {"2"}
    slow = HELD_SECONDS if len(served) < 5 else 0.0
    return max([slow, *(seconds for _answer, seconds in served.values())])


def _looks(site):
    return {name: found for name, found in dict(site.answers).items() if name.startswith("look")}


@pytest.fixture
def bulkhead(monkeypatch):
    """As in a process that has just begun, with so many threads."""

    def of(most):
        made = Bulkhead("holds", most=most)
        monkeypatch.setattr(seats, "holds", made)
        return made

    return of


def test_the_shop_answers_while_rows_are_held(cast, bulkhead):
    bulkhead(THREADS - 1)

    # One waits for a seat at first, at most so long; then nobody does.
    assert slowest_look(cast.kikker) < seats.WAIT_SECONDS + 2.0


def test_without_the_bulkhead_the_shop_stands_while_rows_are_held(cast, bulkhead):
    bulkhead(THREADS)

    assert slowest_look(cast.kikker) >= HELD_SECONDS


def test_a_rush_is_let_in_one_after_the_other(cast, bulkhead):
    house = cast.kikker
    bulkhead(THREADS - 1)

    with Site(house) as site:
        for number in range(BUYERS):
            site.hold(number)

    with house.scope():
        held = Reservation.objects.count()
    codes = [answer.status_code for answer, _seconds in site.answers.values()]
    assert (codes, held) == ([302] * BUYERS, BUYERS)


def test_threads_are_counted_in_and_out(cast, bulkhead):
    made = bulkhead(2)

    def take():
        with taking_places():
            return made.inside <= 2

    assert all(at_once(cast.kikker.organiser, *([take] * 20)))
    assert made.inside == 0
