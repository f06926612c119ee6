"""Limits: so many at once, then as fast as they become free; for each of those who are told apart."""

import threading
from uuid import uuid4

import pytest
from django.db import connection
from redis import Redis

from tiqqo.core import limits
from tiqqo.core.limits import Limit, TooManyRequests
from tiqqo.core.models import SpentLimit


@pytest.fixture(autouse=True)
def _on(settings):
    settings.LIMITS = {}
    limits.breaker.reset()


@pytest.fixture
def redis(settings):
    with Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def limit(redis):
    """A limit with a name of its own, so that nothing is spent yet."""
    made = []

    def make(count=3, seconds=60, **options):
        made.append(f"test-{uuid4().hex}")
        return Limit(made[-1], count=count, seconds=seconds, **options)

    yield make
    for name in made:
        del limits.limits[name]
        for key in redis.scan_iter(f"limit:{name}:*"):
            redis.delete(key)


def spent(limit, *who, tries=10):
    """How many of the tries were let through."""
    through = 0
    for _ in range(tries):
        try:
            limit.spend(*who)
        except TooManyRequests:
            continue
        through += 1
    return through


@pytest.mark.django_db
@pytest.mark.parametrize("in_database", [False, True])
def test_so_many_are_let_through_and_the_next_is_told_when(limit, in_database):
    three = limit(count=3, seconds=60, in_database=in_database)

    assert spent(three, "ann") == 3
    with pytest.raises(TooManyRequests) as refused:
        three.spend("ann")

    assert 1 <= refused.value.retry_after_seconds <= 20
    assert "please wait" in str(refused.value)
    assert spent(three, "bob") == 3


@pytest.mark.django_db
@pytest.mark.parametrize("in_database", [False, True])
def test_what_was_given_back_can_be_spent_again_and_a_look_costs_nothing(limit, in_database):
    two = limit(count=2, seconds=60, in_database=in_database)

    for _ in range(5):
        two.check("ann")
    assert spent(two, "ann") == 2
    with pytest.raises(TooManyRequests):
        two.check("ann")
    two.give_back("ann")

    two.check("ann")
    assert spent(two, "ann") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("in_database", [False, True])
def test_it_becomes_free_with_time(limit, redis, in_database):
    quick = limit(count=1, seconds=1, in_database=in_database)
    assert spent(quick, "ann") == 1

    if in_database:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE core_spentlimit SET free_at = free_at - interval '1 second'")
    else:
        [key] = redis.scan_iter(f"limit:{quick.name}:*")
        assert 0 < redis.pttl(key) <= 1000
        redis.delete(key)

    assert spent(quick, "ann") == 1


def test_it_is_exact_however_many_ask_at_once(limit):
    ten = limit(count=10, seconds=3600)
    through, gate = [], threading.Barrier(8)

    def ask():
        gate.wait()
        through.append(spent(ten, "ann"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(through) == 10


def test_without_redis_nothing_is_refused_and_redis_is_left_alone_for_a_while(
    limit, monkeypatch, settings
):
    one = limit(count=1)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(limits, "_script", None)

    assert spent(one, "ann") == 10
    assert limits.breaker.is_open


@pytest.mark.django_db
def test_without_redis_what_guards_an_account_is_counted_still(limit, monkeypatch, settings):
    one = limit(count=1, in_database=True)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(limits, "_script", None)

    assert spent(one, "ann") == 1


def test_an_ordinary_buyer_costs_no_question(limit, monkeypatch):
    rare = limit(count=100, seconds=60, unasked=4)
    asked = []
    monkeypatch.setattr(Limit, "_of_redis", lambda *a, **k: asked.append(a) or 0.0)

    for _ in range(6):
        rare.spend("ann")

    assert len(asked) == 2


def test_figures_of_the_setting_are_exact(limit, settings):
    rare = limit(count=100, seconds=60, unasked=4)
    settings.LIMITS = {rare.name: (3, 60)}

    assert spent(rare, "ann") == 3


def test_what_an_operator_does_at_the_command_line_is_not_counted(limit):
    one = limit(count=1)
    with limits.lifted():
        assert spent(one, "ann") == 10
    assert spent(one, "ann") == 1


def test_the_setting_changes_figures_and_turns_off(limit, settings):
    one = limit(count=1)
    settings.LIMITS = {one.name: (4, 60)}
    assert spent(one, "ann") == 4
    settings.LIMITS = None
    assert spent(one, "ann") == 10


@pytest.mark.django_db
def test_nothing_that_a_person_could_be_known_by_is_kept(limit):
    guard = limit(in_database=True)
    guard.spend("ann@example.org", "203.0.113.9")

    assert "ann" not in SpentLimit.objects.get().key
    assert "203" not in SpentLimit.objects.get().key.replace(guard.name, "")
