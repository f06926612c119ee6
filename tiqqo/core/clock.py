"""The only clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.utils import timezone

DAY = timedelta(days=1)

_set: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """The current instant, in UTC."""
    return _set.get() or timezone.now()


@contextmanager
def showing(instant: datetime) -> Iterator[None]:
    """The clock stands at `instant`: how the demo data gets a past."""
    token = _set.set(instant)
    try:
        yield
    finally:
        _set.reset(token)
