"""Few threads of a web process wait for the rows of a pool that somebody else holds."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings

from tiqqo.core.errors import Busy
from tiqqo.core.neighbours import Bulkhead, NeighbourUnavailable

# In a rush a hold takes milliseconds, so the next in line is let in well before this.
WAIT_SECONDS = 1.0

holds = Bulkhead("holds", most=max(1, settings.WEB_THREADS - 1))


@contextmanager
def taking_places() -> Iterator[None]:
    """For requests that lock pools: one thread of the process is always left for other pages.

    Raises Busy where the others are inside and do not come out in time.
    """
    with ExitStack() as seat:
        try:
            seat.enter_context(holds.entered(wait=WAIT_SECONDS))
        except NeighbourUnavailable as full:
            raise Busy from full
        yield
