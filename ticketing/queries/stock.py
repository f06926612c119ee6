"""What is left of each pool at this moment."""

from collections.abc import Collection, Iterable

from django.db.models import QuerySet

from events.models import Event
from ticketing.availability import Count
from ticketing.models import CapacityPool

_COUNTERS = ("capacity", "held", "sold", "set_aside", "waiting")


def counts_of(event: Event | int, pool_ids: Iterable[int] | None = None) -> dict[int, Count]:
    """The counters of the event's pools, or of some of them. One query."""
    pools = CapacityPool.objects.filter(event=event)
    if pool_ids is not None:
        pools = pools.filter(pk__in=list(pool_ids))
    return _counted(pools)


def counts_of_all(events: Collection[Event]) -> dict[int, Count]:
    """The counters of the pools of several events. One query."""
    return _counted(CapacityPool.objects.filter(event__in=events))


def _counted(pools: QuerySet[CapacityPool]) -> dict[int, Count]:
    return {pk: Count(*counters) for pk, *counters in pools.values_list("id", *_COUNTERS)}


def count_of(pool: CapacityPool) -> Count:
    return Count(*(getattr(pool, name) for name in _COUNTERS))
