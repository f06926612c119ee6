"""What keeps a slow or silent neighbour (payment provider, broker, cache, mail server) from taking the
whole process with it: few threads may wait for it, and none tries while it is known to be down."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

logger = logging.getLogger(__name__)


class NeighbourUnavailable(Exception):
    """The neighbour was not asked: too many are waiting for it, or it failed a moment ago."""


class Bulkhead:
    """At most `most` threads of this process are inside at once; the next is turned away.

    The name is the one in the log.
    """

    def __init__(self, name: str, *, most: int) -> None:
        self.name = name
        self.most = most
        self._seats = threading.BoundedSemaphore(most)
        self._is_slow = False
        self._inside = 0
        self._lock = threading.Lock()
        bulkheads.add(self)

    @property
    def inside(self) -> int:
        """How many threads are inside now."""
        return self._inside

    @contextmanager
    def entered(self, *, wait: float = 0.0) -> Iterator[None]:
        """Raises NeighbourUnavailable where every seat is taken and none becomes free in `wait` seconds.

        Who waits is a thread, too. So nobody waits after somebody waited in vain, or left who had been
        inside for longer than that, until somebody was quick again: the seats do not become free in
        time, and the thread is better used elsewhere.
        """
        if not self._take_seat(wait):
            logger.warning("neighbour.full", extra={"neighbour": self.name})
            raise NeighbourUnavailable(self.name)
        entered_at = time.monotonic()
        with self._lock:
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
            self._is_slow = time.monotonic() - entered_at > wait > 0
            self._seats.release()

    def _take_seat(self, wait: float) -> bool:
        if self._seats.acquire(blocking=False):
            return True
        if wait <= 0 or self._is_slow:
            return False
        self._is_slow = not self._seats.acquire(timeout=wait)
        return not self._is_slow


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
        breakers.add(self)

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


# What this process has, for whoever looks at how it fares.
bulkheads: WeakSet[Bulkhead] = WeakSet()
breakers: WeakSet[Breaker] = WeakSet()
