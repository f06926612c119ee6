"""The cache: Redis, as long as it answers; without it the memory of this process, and nobody waits.

What is kept here may be missing at any time. While Redis is away each process remembers for itself, so
that what is counted and locked with the cache (attempts to sign in, one-time codes) is counted and
locked still, by each process on its own.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tiqqo.core.neighbours import Breaker, NeighbourUnavailable

Answer = TypeVar("Answer")

# Redis answers within a millisecond. Who gets no answer in this time does without.
PATIENCE_SECONDS = 0.3
# Of what a process remembers for itself: whoever fills it must not make it forget the attempts.
MOST_ENTRIES = 20_000
# One failure is enough: each further request would wait as long to learn the same.
breaker = Breaker("cache", failures=1, rest_seconds=5.0)


class Cache(RedisCache):
    """Django's cache in Redis, with a stand-in for what Redis does not answer in time.

    After a failure Redis is not asked for some seconds, so one that hangs costs a process one time-out
    in that time. When it is back, the stand-in is emptied.
    """

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        options = {
            "socket_timeout": PATIENCE_SECONDS,
            "socket_connect_timeout": PATIENCE_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            **params.get("OPTIONS", {}),
        }
        super().__init__(server, {**params, "OPTIONS": options})
        # Threads have a cache object each; by its name the stand-in is one for all of them.
        limit = {"MAX_ENTRIES": MOST_ENTRIES}
        self.stand_in = LocMemCache("stand-in for redis", {**params, "OPTIONS": limit})

    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return self._answer(lambda cache: cache.add(key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._answer(lambda cache: cache.get(key, default, version))

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        self._answer(lambda cache: cache.set(key, value, timeout, version))

    def touch(
        self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return self._answer(lambda cache: cache.touch(key, timeout, version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._answer(lambda cache: cache.delete(key, version))

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        wanted = list(keys)
        return self._answer(lambda cache: cache.get_many(wanted, version))

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._answer(lambda cache: cache.has_key(key, version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._answer(lambda cache: cache.incr(key, delta, version))

    def set_many(
        self,
        data: dict[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        return self._answer(lambda cache: cache.set_many(data, timeout, version))

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        unwanted = list(keys)
        self._answer(lambda cache: cache.delete_many(unwanted, version))

    def clear(self) -> None:
        self._answer(lambda cache: cache.clear())

    def _answer(self, ask: Callable[[BaseCache], Answer]) -> Answer:
        """What Redis says, else what the stand-in says."""
        try:
            breaker.check()
            answer = ask(super())  # type: ignore[arg-type]  # the backend behind this one
        except NeighbourUnavailable:
            return ask(self.stand_in)
        except RedisError:
            breaker.failed()
            return ask(self.stand_in)
        if breaker.is_open:
            self.stand_in.clear()
        breaker.worked()
        return answer
