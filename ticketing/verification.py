"""When the stock was last recounted by itself, and what came out.

Kept in the cache: it says something about one run and nothing that could not be counted again. If
it is lost, the next run is minutes away, and no run leaves a row behind.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from events.models import Event
from ticketing.queries import CodeCount, PoolCount

_KEY = "ticketing.verified"
_DAYS_KEPT = 7


@dataclass(frozen=True, slots=True)
class Verified:
    """The last recount of everything: when, and how many counters of one event differed."""

    at: datetime
    differences: int


def note_verified(at: datetime, differing: Iterable[PoolCount | CodeCount]) -> None:
    """Everything was recounted at this moment, and this was wrong."""
    by_event = Counter(count.event_id for count in differing)
    cache.set(_KEY, (at, dict(by_event)), timeout=_DAYS_KEPT * 86400)


def last_verified(event: Event) -> Verified | None:
    """None if nobody recounted for days: beat is not running."""
    noted: tuple[datetime, dict[int, int]] | None = cache.get(_KEY)
    if noted is None:
        return None
    at, by_event = noted
    return Verified(at, by_event.get(event.pk, 0))
