"""A change of the schema waits for nobody long, and is tried until it gets its turn.

A statement that changes a table wants it for itself, and everybody who comes after it queues behind it:
one slow reader before it would stand the whole sale still. Two that hold what the other wants are a
deadlock, and PostgreSQL ends whichever of the two looks first, after a second (`deadlock_timeout`). So a
change of the schema waits for far less than that, gives up all it holds, and comes back a little later:
it is never a visitor who is sent away.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable

LOCK_TIMEOUT_MS = 300
PATIENCE_SECONDS = 300.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0

_HOLDERS = """
SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), extract(epoch FROM now() - xact_start)::int
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 second'
 ORDER BY xact_start LIMIT 5
"""


class StillHeld(OperationalError):
    """What was to be changed was in use all the time; the message names the oldest transactions."""


def is_lock_refused(error: BaseException) -> bool:
    """A lock was waited for too long, or two waited for each other: nothing of the transaction remains."""
    return isinstance(error, OperationalError) and isinstance(
        error.__cause__, LockNotAvailable | DeadlockDetected
    )


@contextmanager
def lock_timeout(connection: Any, milliseconds: int) -> Iterator[None]:
    """The session waits for a lock for as long at most, 0 for without an end; then as before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()[0]
    set_lock_timeout(connection, f"{milliseconds}ms")
    try:
        yield
    finally:
        set_lock_timeout(connection, before)


def set_lock_timeout(connection: Any, value: str) -> None:
    """Of the session, from now on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [value])


def until_unlocked(
    connection: Any, work: Callable[[], None], *, say: Callable[[str], object]
) -> None:
    """The work is done, in as many tries as it took; it must leave nothing behind when it fails.

    Raises StillHeld after PATIENCE_SECONDS.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except OperationalError as error:
            if not is_lock_refused(error):
                raise
            reason = str(error).splitlines()[0]
            if time.monotonic() > give_up_at:
                raise StillHeld(
                    f"For {PATIENCE_SECONDS / 60:.0f} minutes what is to be changed was in use ({reason}). "
                    f"{_holders(connection)} End what hangs, or wait for a quieter hour, and run it again: "
                    "what was done stays done."
                ) from error
        say(f"In use by others ({reason}): tried again in {pause:.1f} s.")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _holders(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS)
        oldest = "; ".join(
            f"process {pid} of {role} {name} for {seconds} s".replace("  ", " ")
            for pid, role, name, seconds in cursor.fetchall()
        )
    return f"The oldest transactions: {oldest}." if oldest else "No old transaction is open now."
