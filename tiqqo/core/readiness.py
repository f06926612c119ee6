"""Whether this process can serve: its database is there and migrated, and both clocks agree.

Anybody may ask, so asking is cheap: the answer is kept for a second, and one thread at a time finds it
out. Only what this process needs is asked for: a shop whose Redis is down still sells.
"""

import logging
import threading
import time
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from tiqqo.core.clocks import TOO_FAR, clock_difference

logger = logging.getLogger(__name__)

KEPT_SECONDS = 1.0
# Whoever comes while another is finding out waits so long; a database that hangs holds one thread.
PATIENCE_SECONDS = 2.0
OK = "ok"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was looked at, in words for operators; all of it `ok` in a process that can serve."""

    checks: dict[str, str]
    at: float = field(default_factory=lambda: time.monotonic())  # noqa: PLW0108  found then

    @property
    def is_ready(self) -> bool:
        return all(answer == OK for answer in self.checks.values())


_asking = threading.Lock()
_last: list[Readiness] = []
_migrated: list[bool] = []


def readiness() -> Readiness:
    """How it stood at most a second ago. Becoming unready, and ready again, is logged once."""
    if (known := _known()) is not None:
        return known
    if not _asking.acquire(timeout=PATIENCE_SECONDS):
        return Readiness({"database": "still asked by another request"})
    try:
        if (known := _known()) is not None:
            return known
        found = _look()
        was_ready = _last[0].is_ready if _last else True
        if found.is_ready != was_ready:
            note = logger.info if found.is_ready else logger.error
            note("process.ready" if found.is_ready else "process.not_ready", extra=found.checks)
        _last[:] = [found]
        return found
    finally:
        _asking.release()


def forget_readiness() -> None:
    """The next question is asked anew."""
    _last.clear()


def _known() -> Readiness | None:
    return _last[0] if _last and time.monotonic() - _last[0].at < KEPT_SECONDS else None


def _look() -> Readiness:
    checks = {"database": _database()}
    if checks["database"] == OK:
        checks["clock"] = _clock()
    return Readiness(checks)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return OK if _is_migrated() else "migrations are missing"
    except (DatabaseError, InterfaceError) as error:
        return (str(error) or type(error).__name__).splitlines()[0]


def _is_migrated() -> bool:
    """Asked until it is so; a process does not outlive its migrations."""
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.append(True)
    return True


def _clock() -> str:
    try:
        ahead = clock_difference()
    except (DatabaseError, InterfaceError) as error:
        return (str(error) or type(error).__name__).splitlines()[0]
    if abs(ahead) <= TOO_FAR:
        return OK
    seconds = round(abs(ahead).total_seconds())
    direction = "ahead of" if ahead.total_seconds() > 0 else "behind"
    return f"this machine's clock is {seconds} s {direction} the database's"
