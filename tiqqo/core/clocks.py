"""This machine's clock beside PostgreSQL's. Holds, payments and signatures depend on all clocks agreeing:
with those of two machines apart, holds end too early or too late and webhooks are refused."""

import logging
import threading
import time
from datetime import datetime, timedelta

from django.db import connection

from tiqqo.core import clock

logger = logging.getLogger(__name__)

# The provider's signatures are good for 300 s: long before that a process must not serve.
TOLERATED = timedelta(seconds=5)
TOO_FAR = timedelta(seconds=60)
LOOK_AGAIN_SECONDS = 30.0

_lock = threading.Lock()
_last: list[tuple[float, timedelta]] = []


def clock_difference() -> timedelta:
    """How far this machine's clock is ahead of the database's (negative: behind), as of the last half
    minute. A difference that matters is logged when it is looked at. Raises DatabaseError."""
    with _lock:
        if _last and time.monotonic() - _last[0][0] < LOOK_AGAIN_SECONDS:
            return _last[0][1]
    difference = measure_difference()
    with _lock:
        _last[:] = [(time.monotonic(), difference)]
    if abs(difference) > TOLERATED:
        logger.error("clock.differs", extra={"ahead_seconds": round(difference.total_seconds(), 1)})
    return difference


def measure_difference() -> timedelta:
    """As `clock_difference`, now. What the question itself took counts neither way."""
    before = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    after = clock.now()
    if before <= theirs <= after:
        return timedelta(0)
    return before - theirs if theirs < before else after - theirs


def forget_difference() -> None:
    """The next question is asked anew."""
    with _lock:
        _last.clear()
