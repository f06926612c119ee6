"""Few wait for a slow neighbour, and nobody asks one that is known to be down."""

import threading

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
