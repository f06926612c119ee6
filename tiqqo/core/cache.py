"""The cache: Redis, as long as it answers. Without it nothing is remembered and nobody waits.

What is kept here may be missing at any time. `add` says that it stored the value even when it could
not: whoever takes a lock or counts an attempt with it goes on, as if nobody else did.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tiqqo.core.neighbours import Breaker, NeighbourUnavailable

Answer = TypeVar("Answer")

# Redis answers within a millisecond. Who gets no answer in this time does without.
PATIENCE_SECONDS = 0.3
# One failure is enough: each further request would wait as long to learn the same.
breaker = Breaker("cache", failures=1, rest_seconds=5.0)


class Cache(RedisCache):
    """Django's cache in Redis; what Redis does not answer in time is a miss, or is not stored.

    After a failure Redis is not asked for some seconds, so one that hangs costs a process one time-out
    in that time.
    """

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        options = {
            "socket_timeout": PATIENCE_SECONDS,
            "socket_connect_timeout": PATIENCE_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            **params.get("OPTIONS", {}),
        }
        super().__init__(server, {**params, "OPTIONS": options})

    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return _answer(lambda: super(Cache, self).add(key, value, timeout, version), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _answer(lambda: super(Cache, self).get(key, default, version), default)

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        _answer(lambda: super(Cache, self).set(key, value, timeout, version), None)

    def touch(
        self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return _answer(lambda: super(Cache, self).touch(key, timeout, version), False)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return _answer(lambda: super(Cache, self).delete(key, version), False)

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        return _answer(lambda: super(Cache, self).get_many(keys, version), {})

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return _answer(lambda: super(Cache, self).has_key(key, version), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError for a key that is not there, as Django says; so does a Redis that is not."""
        number = _answer(lambda: super(Cache, self).incr(key, delta, version), None)
        if number is None:
            raise ValueError(f"Key {key!r} cannot be counted up without Redis.")
        return number

    def set_many(
        self,
        data: dict[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        return _answer(lambda: super(Cache, self).set_many(data, timeout, version), list(data))

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        _answer(lambda: super(Cache, self).delete_many(keys, version), None)

    def clear(self) -> None:
        _answer(lambda: super(Cache, self).clear(), None)


def _answer(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    """What Redis says, or `otherwise` where it says nothing."""
    try:
        breaker.check()
        answer = ask()
    except NeighbourUnavailable:
        return otherwise
    except RedisError:
        breaker.failed()
        return otherwise
    breaker.worked()
    return answer
