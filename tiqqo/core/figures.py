"""Figures of the status about what everything stands on: database, Redis, queues, schedule, process."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from tiqqo.core import clock
from tiqqo.core.clocks import TOLERATED, measure_difference
from tiqqo.core.models import TaskRun
from tiqqo.core.neighbours import breakers, bulkheads
from tiqqo.core.status import Figure, register
from tiqqo.core.task_runs import GRACE, scheduled

CLOCKS = "the clocks of two machines are apart: see that both are set from the network"
LONG_QUEUE = 1000
SELDOM = timedelta(minutes=2)


@register("database")
def _database() -> Iterator[Figure]:
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (connections,) = cursor.fetchone()
        cursor.execute(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)"
            " FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (waited,) = cursor.fetchone()
    yield Figure("database: answer, ms", round((time.monotonic() - began) * 1000))
    yield Figure("database: connections", connections)
    yield Figure(
        "database: longest wait for a row, s",
        round(float(waited), 1),
        is_bad=waited > settings.DATABASE_LOCK_TIMEOUT_MS / 1000,
        hint="a session holds rows: look for the oldest transaction in pg_stat_activity",
    )
    ahead = measure_difference()
    yield Figure(
        "database: our clock is ahead, s",
        round(ahead.total_seconds(), 1),
        is_bad=abs(ahead) > TOLERATED,
        hint=CLOCKS,
    )


@register("redis")
def _redis() -> Iterator[Figure]:
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        began = time.monotonic()
        asked_at = clock.now()
        seconds, microseconds = client.time()
        ahead = asked_at - datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)
        yield Figure("redis: answer, ms", round((time.monotonic() - began) * 1000))
        yield Figure(
            "redis: our clock is ahead, s",
            round(ahead.total_seconds(), 1),
            is_bad=abs(ahead) > TOLERATED,
            hint=CLOCKS,
        )
        yield from _queues(client)


def _queues(client: Any) -> Iterator[Figure]:
    for queue in _queue_names():
        length = client.llen(queue)
        yield Figure(
            f"queue {queue}: waiting",
            length,
            is_bad=length > LONG_QUEUE,
            hint="more comes in than its workers do: look at the age of the queue below",
        )
    yield Figure("queues: with workers now", client.hlen("unacked"))


def _queue_names() -> list[str]:
    routes = current_app.conf.task_routes.values()
    default: str = current_app.conf.task_default_queue
    return sorted({default, *(route["queue"] for route in routes)})


@register("schedule")
def _schedule() -> Iterator[Figure]:
    """A task that is late says that beat, the broker or the queue's worker stands still. How late the
    heartbeat of a queue is, is how old the queue is."""
    now = clock.now()
    runs = TaskRun.objects.in_bulk()
    for name, period in sorted(scheduled().items()):
        run = runs.get(name)
        ran_at = run.last_finished_at if run else None
        failed_at = run.last_failed_at if run else None
        # What runs seldom has not run yet where all of this is new.
        is_late = period < SELDOM if ran_at is None else now - ran_at > 2 * period + GRACE
        has_failed = failed_at is not None and (ran_at is None or failed_at > ran_at)
        yield Figure(
            f"{name}: ran, s ago",
            round((now - ran_at).total_seconds()) if ran_at else "never",
            is_bad=is_late or has_failed,
            hint=run.last_error
            if run and has_failed
            else "beat, Redis or the worker of its queue stands still",
        )


@register("this process")
def _process() -> Iterator[Figure]:
    yield Figure("process", os.getpid())
    for breaker in sorted(breakers, key=lambda breaker: breaker.name):
        yield Figure(
            f"{breaker.name}: is asked",
            "no" if breaker.is_open else "yes",
            is_bad=breaker.is_open,
            hint="it failed a moment ago; it is tried again every few seconds",
        )
    for bulkhead in sorted(bulkheads, key=lambda bulkhead: bulkhead.name):
        yield Figure(
            f"{bulkhead.name}: threads inside",
            f"{bulkhead.inside} of {bulkhead.most}",
            is_bad=bulkhead.inside >= bulkhead.most,
            hint="it is slow: who comes next is turned away",
        )
