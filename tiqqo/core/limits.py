"""How often anybody may ask for something: one limit for each thing that costs others.

Counted by the generic cell rate algorithm (ITU-T I.371, annex A.1): `count` at once, and as many again
spread over `seconds`. Where Redis does not answer, nothing is refused, so that the sale goes on; what
guards an account is counted in the database instead. docs/decisions/0024.
"""

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from threading import Lock
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext, ngettext
from redis.backoff import NoBackoff
from redis.retry import Retry

from tiqqo.core import security_log
from tiqqo.core.errors import DomainError
from tiqqo.core.neighbours import Breaker, NeighbourUnavailable

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.3
breaker = Breaker("limits", failures=1, rest_seconds=5.0)

# KEYS[1]: since when all of it is free again, in seconds of Redis' clock. ARGV: seconds that one takes,
# seconds that all take, how many are asked for (0 looks only, a negative number gives back).
_SPEND = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local free_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local asked = tonumber(ARGV[3])
local after = free_at + asked * ARGV[1]
local wait = free_at + math.max(asked, 1) * ARGV[1] - ARGV[2] - now
if asked >= 0 and wait > 0.000001 then
  return tostring(wait)
end
if asked ~= 0 then
  redis.call('SET', KEYS[1], string.format('%.6f', after), 'PX', math.max(math.ceil((after - now) * 1000), 1))
end
return '0'
"""
_SPEND_IN_DATABASE = """
INSERT INTO core_spentlimit AS spent (key, free_at)
VALUES (%(key)s, clock_timestamp() + %(asked)s * %(one)s::interval)
ON CONFLICT (key) DO UPDATE
SET free_at = greatest(spent.free_at, clock_timestamp()) + %(asked)s * %(one)s::interval
WHERE greatest(spent.free_at, clock_timestamp()) + %(asked)s * %(one)s::interval
      <= clock_timestamp() + %(all)s::interval
RETURNING 1
"""
_WAIT_IN_DATABASE = """
SELECT extract(epoch FROM free_at + %(one)s::interval - %(all)s::interval - clock_timestamp())
FROM core_spentlimit WHERE key = %(key)s
"""
# From here on a wait is told in minutes.
TOLD_IN_MINUTES = 120
# Of those that a process counts itself.
MOST_REMEMBERED = 20_000


class TooManyRequests(DomainError):
    """This client, address or order asked for it too often. `retry_after_seconds` says when again."""

    code = "too_many_requests"
    status = 429

    def __init__(self, *, limit: str, seconds: float) -> None:
        self.retry_after_seconds = max(math.ceil(seconds), 1)
        message = gettext(
            "That was asked for very often in a short time. Nothing was changed: please wait"
            " %(wait)s and try again."
        )
        super().__init__(message % {"wait": words_for_wait(self.retry_after_seconds)}, limit=limit)


def words_for_wait(seconds: int) -> str:
    """“20 seconds”, from two minutes on “3 minutes”."""
    if seconds < TOLD_IN_MINUTES:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    minutes = math.ceil(seconds / 60)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


class Tally:
    """What this process has let each of many pass lately, by its own count."""

    def __init__(self) -> None:
        self._free_at: OrderedDict[object, float] = OrderedDict()
        self._lock = Lock()

    def add(self, key: object, asked: int, *, most: int, seconds: float) -> bool:
        """Whether `asked` more stay within `most` in so many seconds; if not, they are not counted."""
        if asked > most:
            return False
        now = time.monotonic()
        with self._lock:
            after = max(self._free_at.get(key, now), now) + asked * seconds / most
            if after - now > seconds:
                return False
            self._free_at[key] = after
            self._free_at.move_to_end(key)
            if len(self._free_at) > MOST_REMEMBERED:
                self._free_at.popitem(last=False)
        return True

    def clear(self) -> None:
        """Nobody was seen yet."""
        with self._lock:
            self._free_at.clear()


class Limit:
    """`count` within `seconds` for each of those who are told apart by what `spend` is called with.

    The setting LIMITS changes the figures of one by its name, or turns all off.
    Of the first `unasked` within `seconds` each process keeps count itself, so that an ordinary buyer
    costs no question to Redis; so many more may pass. Figures of the setting are counted exactly.
    """

    def __init__(
        self, name: str, *, count: int, seconds: int, unasked: int = 0, in_database: bool = False
    ) -> None:
        self.name = name
        self.in_database = in_database
        self._own = (count, seconds)
        self._unasked = unasked
        self._seen = Tally()
        limits[name] = self

    @property
    def figures(self) -> tuple[int, int] | None:
        """How many in how many seconds; None where it is turned off."""
        if settings.LIMITS is None:
            return None
        changed: tuple[int, int] | None = settings.LIMITS.get(self.name, self._own)
        return changed

    def spend(self, *who: object, asked: int = 1) -> None:
        """One of it, or `asked`, is used up. Raises TooManyRequests, and then nothing is."""
        self._ask(who, asked)

    def check(self, *who: object) -> None:
        """There is some left; nothing is used up. Raises TooManyRequests."""
        self._ask(who, 0)

    def give_back(self, *who: object) -> None:
        """What was spent a moment ago was no misuse."""
        self._ask(who, -1)

    def _ask(self, who: tuple[object, ...], asked: int) -> None:
        figures = None if _lifted.get() else self.figures
        if figures is None:
            return
        count, seconds = figures
        key = self._key(who)
        is_own = figures == self._own
        if (
            is_own
            and self._unasked
            and self._seen.add(key, asked, most=self._unasked, seconds=seconds)
        ):
            return
        wait = (self._of_database if self.in_database else self._of_redis)(
            key, one=seconds / count, all_=float(seconds), asked=asked
        )
        if wait > 0:
            security_log.note(security_log.Kind.LIMIT_HIT, limit=self.name)
            raise TooManyRequests(limit=self.name, seconds=wait)

    def _key(self, who: tuple[object, ...]) -> str:
        """Nothing that a person could be known by is kept."""
        secret = settings.SECRET_KEY.encode()[:64]
        text = "\x00".join(map(str, who)).encode()
        return f"limit:{self.name}:{blake2b(text, key=secret, digest_size=12).hexdigest()}"

    def _of_redis(self, key: str, *, one: float, all_: float, asked: int) -> float:
        try:
            breaker.check()
            wait = float(_spend_in_redis()(keys=[key], args=[one, all_, asked]))
        except NeighbourUnavailable:
            return 0.0
        except redis.RedisError as error:
            breaker.failed()
            logger.warning("limit.open", extra={"why": f"{type(error).__name__}: {error}"[:200]})
            return 0.0
        breaker.worked()
        return wait

    def _of_database(self, key: str, *, one: float, all_: float, asked: int) -> float:
        facts: dict[str, str | int] = {
            "key": key,
            "one": f"{one} seconds",
            "all": f"{all_} seconds",
            "asked": asked,
        }
        with connection.cursor() as cursor:
            if asked:
                cursor.execute(_SPEND_IN_DATABASE, facts)
                if cursor.fetchone():
                    return 0.0
            cursor.execute(_WAIT_IN_DATABASE, facts)
            row = cursor.fetchone()
        return float(row[0]) if row else 0.0

    def forget(self) -> None:
        """This process has seen nobody yet; for tests."""
        self._seen.clear()


_lifted = ContextVar("lifted", default=False)


@contextmanager
def lifted() -> Iterator[None]:
    """Nothing is counted in here: for what an operator does at the command line, for nobody's request."""
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


limits: dict[str, Limit] = {}
"""All there are, by name."""

_script: Any = None


def _spend_in_redis() -> Any:
    global _script  # noqa: PLW0603  one connection pool for the process, made when first needed
    if _script is None:
        client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        _script = client.register_script(_SPEND)
    return _script
