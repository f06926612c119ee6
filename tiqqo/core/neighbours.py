"""What keeps a slow or silent neighbour (payment provider, broker, cache, mail server) from taking the
whole process with it: few threads may wait for it, and none tries while it is known to be down."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class NeighbourUnavailable(Exception):
    """The neighbour was not asked: too many are waiting for it, or it failed a moment ago."""


class Bulkhead:
    """At most `most` threads of this process are inside at once; the next is turned away at once.

    The name is the one in the log.
    """

    def __init__(self, name: str, *, most: int) -> None:
        self.name = name
        self._seats = threading.BoundedSemaphore(most)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Raises NeighbourUnavailable where every seat is taken."""
        if not self._seats.acquire(blocking=False):
            logger.warning("neighbour.full", extra={"neighbour": self.name})
            raise NeighbourUnavailable(self.name)
        try:
            yield
        finally:
            self._seats.release()


class Breaker:
    """After `failures` failures in a row nobody asks for `rest_seconds`; then one thread tries.

    An answer closes it again, a failure begins the rest anew.
    """

    def __init__(self, name: str, *, failures: int = 3, rest_seconds: float = 5.0) -> None:
        self.name = name
        self._failures = failures
        self._rest_seconds = rest_seconds
        self._lock = threading.Lock()
        self._failed = 0
        self._rests_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the neighbour is known to be down."""
        return self._failed >= self._failures

    def check(self) -> None:
        """The caller may ask. Raises NeighbourUnavailable while the neighbour rests."""
        with self._lock:
            if not self.is_open:
                return
            now = time.monotonic()
            if now < self._rests_until:
                raise NeighbourUnavailable(self.name)
            # This caller tries; whoever comes meanwhile still waits for what it finds.
            self._rests_until = now + self._rest_seconds

    def worked(self) -> None:
        """The neighbour answered."""
        if self._failed:
            with self._lock:
                was_open, self._failed = self.is_open, 0
            if was_open:
                logger.warning("neighbour.back", extra={"neighbour": self.name})

    def failed(self) -> None:
        """The neighbour did not answer in time, or not at all."""
        with self._lock:
            self._failed += 1
            self._rests_until = time.monotonic() + self._rest_seconds
            is_new = self._failed == self._failures
        if is_new:
            logger.error("neighbour.down", extra={"neighbour": self.name})

    def reset(self) -> None:
        """As new; for tests."""
        with self._lock:
            self._failed, self._rests_until = 0, 0.0
