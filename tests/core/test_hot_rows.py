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
from ticketing import lock_waiters
from ticketing.lock_waiters import taking_places
from ticketing.models import CapacityPool, Reservation
from tiqqo.core.neighbours import Bulkhead
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
# Longer than a busy machine takes for five pages, and longer than it would take to see that they come.
PATIENCE_SECONDS, LOOKS = 25.0, 5
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
        self.requests.put((name, method, url, data))

    def _serve(self):
        try:
            while self.is_open or not self.requests.empty():
                try:
                    name, method, url, data = self.requests.get(timeout=0.05)
                except Empty:
                    continue
                self.answers[name] = getattr(Client(), method)(url, data or {})
        finally:
            connection.close()

    def of(self, kind):
        """The answers of this kind that have come so far."""
        answers = dict(self.answers)
        return [answers[name] for name in answers if name.startswith(kind)]

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


def looks_answered(house, seconds):
    """How many of some who look at the shop see it in that time, while others want tickets of pools
    whose rows are held."""
    with Site(house) as site, rows_held(house):
        for number in range(THREADS + 2):
            site.hold(number)
        for number in range(LOOKS):
            site.look(f"look {number}")
        deadline = time.monotonic() + seconds
        while len(site.of("look")) < LOOKS and time.monotonic() < deadline:
            time.sleep(0.05)
        seen = site.of("look")
        turned_away = site.of("hold")
    assert {answer.status_code for answer in seen} <= {200}
    assert {(answer.status_code, answer["Retry-After"]) for answer in turned_away} <= {(503, "2")}
    # Whoever was inside has the tickets when the rows are let go.
    codes = [answer.status_code for answer in site.of("hold")]
    assert codes.count(302) == len(codes) - len(turned_away)
    return len(seen)


@pytest.fixture
def patient_database(monkeypatch):
    """Rows are waited for until they are let go."""
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", "-c lock_timeout=120000")


@pytest.fixture
def bulkhead(monkeypatch):
    """As in a process that has just begun, with so many threads."""

    def of(most):
        bulkhead = Bulkhead("holds", most=most)
        monkeypatch.setattr(lock_waiters, "holds", bulkhead)
        return bulkhead

    return of


def test_the_shop_answers_while_rows_are_held(cast, bulkhead, patient_database):
    bulkhead(THREADS - 1)

    assert looks_answered(cast.kikker, PATIENCE_SECONDS) == LOOKS


def test_without_the_bulkhead_the_shop_stands_while_rows_are_held(cast, bulkhead, patient_database):
    bulkhead(THREADS)

    assert looks_answered(cast.kikker, 4) == 0


def test_a_rush_is_let_in_one_after_the_other(cast, bulkhead):
    house = cast.kikker
    bulkhead(THREADS - 1)

    with Site(house) as site:
        for number in range(BUYERS):
            site.hold(number)

    with house.scope():
        held = Reservation.objects.count()
    codes = [answer.status_code for answer in site.answers.values()]
    assert (codes, held) == ([302] * BUYERS, BUYERS)


def test_threads_are_counted_in_and_out(cast, bulkhead):
    made = bulkhead(2)

    def take():
        with taking_places():
            return made.inside <= 2

    assert all(at_once(cast.kikker.organiser, *([take] * 20)))
    assert made.inside == 0
