"""Few wait for a slow neighbour, and nobody asks one that is known to be down."""

import threading
import time

import pytest

from tiqqo.core.neighbours import Breaker, Bulkhead, NeighbourUnavailable


def test_bulkhead_turns_away_whoever_finds_every_seat_taken():
    bulkhead = Bulkhead("provider", most=1)

    with (
        bulkhead.entered(),
        pytest.raises(NeighbourUnavailable),
        bulkhead.entered(),
    ):
        pass

    with bulkhead.entered():
        pass


def test_bulkhead_gives_the_seat_back_after_an_error():
    bulkhead = Bulkhead("provider", most=1)

    with pytest.raises(ZeroDivisionError), bulkhead.entered():
        1 / 0

    with bulkhead.entered():
        pass


def test_breaker_opens_after_failures_in_a_row_and_lets_one_try_after_the_rest(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("tiqqo.core.neighbours.time.monotonic", lambda: now[0])
    breaker = Breaker("provider", failures=2, rest_seconds=5)

    breaker.failed()
    breaker.check()
    breaker.failed()
    with pytest.raises(NeighbourUnavailable):
        breaker.check()

    now[0] += 5.1
    breaker.check()
    with pytest.raises(NeighbourUnavailable):
        breaker.check()
    breaker.worked()
    breaker.check()


def test_an_answer_between_failures_keeps_the_breaker_closed():
    breaker = Breaker("provider", failures=2)

    for _ in range(3):
        breaker.failed()
        breaker.worked()

    breaker.check()


def test_bulkhead_lets_in_as_many_threads_as_it_has_seats():
    bulkhead = Bulkhead("provider", most=3)
    inside, done = threading.Barrier(4), threading.Event()
    turned_away = []

    def enter():
        with bulkhead.entered():
            inside.wait(10)
            done.wait(10)

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    try:
        with bulkhead.entered():
            pass
    except NeighbourUnavailable:
        turned_away.append(True)
    done.set()
    for thread in threads:
        thread.join()

    assert turned_away == [True]


# Waiting for a seat ---------------------------------------------------------------------


def _taken(bulkhead):
    """Somebody is inside until the event is set."""
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with bulkhead.entered(wait=0.2):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=stay)
    thread.start()
    assert inside.wait(10)
    return thread, leave


def test_a_seat_that_becomes_free_in_time_is_taken():
    bulkhead = Bulkhead("rows", most=1)
    thread, leave = _taken(bulkhead)
    threading.Timer(0.1, leave.set).start()

    with bulkhead.entered(wait=10):
        assert bulkhead.inside == 1
    thread.join()

    assert bulkhead.inside == 0


def test_nobody_waits_for_longer_than_they_said():
    bulkhead = Bulkhead("rows", most=1)
    thread, leave = _taken(bulkhead)

    with pytest.raises(NeighbourUnavailable), bulkhead.entered(wait=0.05):
        pass
    leave.set()
    thread.join()


def test_after_somebody_slow_nobody_waits_until_somebody_was_quick():
    bulkhead = Bulkhead("rows", most=1)
    with bulkhead.entered(wait=0.001):
        time.sleep(0.05)
    thread, leave = _taken(bulkhead)

    began = time.monotonic()
    with pytest.raises(NeighbourUnavailable), bulkhead.entered(wait=30):
        pass
    assert time.monotonic() - began < 15
    leave.set()
    thread.join()

    with bulkhead.entered(wait=30):
        pass
    thread, leave = _taken(bulkhead)
    threading.Timer(0.1, leave.set).start()
    with bulkhead.entered(wait=30):
        pass
    thread.join()
