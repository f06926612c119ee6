"""Watches in which order a transaction waits for rows: docs/architecture.md, *Locks*."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, transaction

ORDER = [
    "events_event",
    "ticketing_waitlistpolicy",
    "ticketing_waitlistentry",
    "ticketing_reservation",
    "orders_order",
    "orders_payment",
    "pg_advisory_xact_lock(hashtextextended",
    "orders_invoicecounter",
    "ticketing_code",
    "ticketing_capacitypool",
]
_RANKS = {name: rank for rank, name in enumerate(ORDER)}
_LOCKS = re.compile(r"\bFOR (?:NO KEY )?UPDATE(?: OF \"?(\w+)\"?)?(?P<skips> SKIP LOCKED)?")
_TABLE = re.compile(r"\bFROM \"?(\w+)\"?|\bUPDATE \"?(\w+)\"?")
# Written by hand, with short names for their tables.
_ALIASES = {"pool": "ticketing_capacitypool", "code": "ticketing_code"}


@dataclass
class LockOrder:
    """What was waited for against the order, as sentences.

    Rows of one table are not told apart: who has one is taken to have the one it asks for again.
    """

    wrong: list[str] = field(default_factory=list)
    _held: set[int] = field(default_factory=set)
    _before: dict[str, set[int]] = field(default_factory=dict)

    def begin(self) -> None:
        """A transaction of its own begins: nothing is held."""
        self._held.clear()
        self._before.clear()

    def see(self, sql: str) -> None:
        """A statement is sent."""
        table, skips = _locked_by(sql)
        if sql.startswith("SAVEPOINT"):
            self._before[sql.rsplit(maxsplit=1)[-1]] = set(self._held)
        elif sql.startswith("ROLLBACK TO SAVEPOINT"):
            # What was locked since is free again (PostgreSQL, 13.3.2).
            self._held = set(self._before.get(sql.rsplit(maxsplit=1)[-1], ()))
        elif table in _RANKS:
            rank = _RANKS[table]
            last = max(self._held, default=-1)
            # Who skips what is locked waits for nothing.
            if rank < last and rank not in self._held and not skips:
                self.wrong.append(f"{table} after {ORDER[last]}: {' '.join(sql.split())[:300]}")
            self._held.add(rank)


def _locked_by(sql: str) -> tuple[str, bool]:
    """The table of which a statement locks rows, and whether it passes over those that others hold."""
    advisory = ORDER[6]
    if advisory in sql:
        return advisory, False
    locks = _LOCKS.search(sql)
    if locks:
        first = _TABLE.search(sql)
        table = locks[1] or (first[1] if first else "")
        return _ALIASES.get(table, table), bool(locks["skips"])
    if sql.lstrip().startswith("UPDATE ticketing_code"):
        return "ticketing_code", False
    return "", False


@contextmanager
def watched() -> Iterator[LockOrder]:
    """Every transaction of this thread's connection within, those inside a test's own included."""
    seen = LockOrder()
    base = len(connection.savepoint_ids) if connection.in_atomic_block else -1
    enter = transaction.Atomic.__enter__

    def entered(atomic: transaction.Atomic) -> None:
        depth = len(connection.savepoint_ids) if connection.in_atomic_block else -1
        if depth == base:
            seen.begin()
        enter(atomic)

    def execute(run: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if isinstance(sql, str):
            seen.see(sql)
        return run(sql, params, many, context)

    transaction.Atomic.__enter__ = entered  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(execute):
            yield seen
    finally:
        transaction.Atomic.__enter__ = enter  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def lock_order(_django_db_helper: None) -> Iterator[None]:
    """Whatever the tests of a folder do, rows are waited for in one order."""
    with watched() as seen:
        yield
    assert not seen.wrong, "\n".join(seen.wrong)
