"""Many threads at the same moment, each with a connection of its own; and guards switched off."""

import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import Organiser
from tests.owner import owner_cursor
from tiqqo.core.tenancy import tenant_scope

# PostgreSQL lets in a hundred connections; more acts than that queue behind each other.
AT_ONCE = 40
PATIENCE_SECONDS = 60
# The counters of pools and codes change in statements that begin with WITH.
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b")

_WAITING_FOR_ME = """
SELECT count(*) FROM pg_locks
 WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""


def at_once(organiser: Organiser, *acts: Callable[[], Any]) -> Sequence[Any]:
    """What each act returned or raised. All begin together, connected, in the organiser's scope.

    More than AT_ONCE acts share so many connections, each one's acts behind each other.
    """
    threads = min(len(acts), AT_ONCE)
    start = Barrier(threads, timeout=PATIENCE_SECONDS)

    def run(mine: Sequence[Callable[[], Any]]) -> list[Any]:
        try:
            connection.ensure_connection()
            start.wait()
            with tenant_scope(organiser):
                return [answer_of(act) for act in mine]
        finally:
            connection.close()

    shares = [acts[first::threads] for first in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(run, shares))
    return [answers[number % threads][number // threads] for number in range(len(acts))]


def answer_of(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception as error:  # noqa: BLE001  the race is about who fails how
        return error


def overtaken(
    organiser: Organiser,
    *,
    slow: Callable[[], Any],
    fast: Callable[[], Any],
    without_locks_on: Collection[type[Model]] = (),
) -> Sequence[Any]:
    """What both returned or raised: `slow` reads, `fast` does all it does, only then `slow` writes.

    The locks that rule this out are left out of the SQL of `slow`: those on the rows of these models.
    """
    tables = [model._meta.db_table for model in without_locks_on]
    lock = re.compile(rf' FOR (?:NO KEY )?UPDATE OF "({"|".join(tables)})"(?: SKIP LOCKED)?')
    left_out = set()
    has_read, is_passed = Event(), Event()

    def without_locks(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        left_out.update(lock.findall(sql))
        return execute(lock.sub("", sql), *rest)

    def held_up(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if _WRITES.match(sql) and not has_read.is_set():
            has_read.set()
            assert is_passed.wait(PATIENCE_SECONDS), "the fast one waits for a lock of the slow one"
        return execute(sql, *rest)

    def overtaken_one() -> Any:
        with connection.execute_wrapper(without_locks), connection.execute_wrapper(held_up):
            return slow()

    def passing_one() -> Any:
        assert has_read.wait(PATIENCE_SECONDS), "the slow one never came to write"
        try:
            return fast()
        finally:
            is_passed.set()

    answers = at_once(organiser, overtaken_one, passing_one)
    assert left_out == set(tables)
    return answers


def one_behind_the_other(
    organiser: Organiser, first: Callable[[], Any], second: Callable[[], Any]
) -> Sequence[Any]:
    """What both returned or raised: `first` does everything, and commits once `second` waits for it."""
    is_done = Event()

    def ahead() -> Any:
        try:
            with transaction.atomic():
                answer = first()
                is_done.set()
                _wait_until_waited_for()
            return answer
        finally:
            is_done.set()

    def behind() -> Any:
        assert is_done.wait(PATIENCE_SECONDS), "the first one does not come to its end"
        return second()

    return at_once(organiser, ahead, behind)


def _wait_until_waited_for() -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(_WAITING_FOR_ME)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits for what this one has locked")


@contextmanager
def without_constraint(model: type[Model], name: str) -> Iterator[None]:
    """The table lacks this constraint; it is emptied before it gets it back."""
    table = model._meta.db_table
    with owner_cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name]
        )
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            cursor.execute(f"TRUNCATE {table} CASCADE")
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
