"""The counters of capacity pools: the only place that changes them.

Each change is one statement that takes the pools in ascending id, so that two of them never wait
for each other, and each caller makes it the last thing of its transaction, so that the hot row is
locked for the shortest time. The CHECK constraint under the counters has the last word.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from django.db import connection

from ticketing.models import CapacityPool, ReservationLine

_LOCKED = """
WITH wanted AS (
    SELECT * FROM unnest(%(pools)s::bigint[], %(counts)s::int[]) AS w (pool_id, n)
), locked AS (
    SELECT pool.id, wanted.n
      FROM ticketing_capacitypool pool JOIN wanted ON wanted.pool_id = pool.id
     ORDER BY pool.id
       FOR UPDATE OF pool
)
UPDATE ticketing_capacitypool pool SET {change}
  FROM locked
 WHERE pool.id = locked.id {condition}
RETURNING pool.id
"""
_ROOM = "AND (pool.capacity IS NULL OR pool.held + pool.sold + locked.n <= pool.capacity)"

_HOLD = _LOCKED.format(change="held = pool.held + locked.n", condition=_ROOM)
_SELL = _LOCKED.format(change="sold = pool.sold + locked.n", condition=_ROOM)
_CONFIRM = _LOCKED.format(
    change="held = pool.held - locked.n, sold = pool.sold + locked.n", condition=""
)
_RELEASE = _LOCKED.format(change="held = pool.held - locked.n", condition="")
_RETURN = _LOCKED.format(change="sold = pool.sold - locked.n", condition="")

Draws = Mapping[int, int]


def draws_of(lines: Iterable[ReservationLine]) -> Counter[int]:
    """How many places the lines take from each pool."""
    draws: Counter[int] = Counter()
    for line in lines:
        for pool_id in line.pool_ids:
            draws[pool_id] += line.quantity
    return draws


def _change(sql: str, draws: Draws) -> set[int]:
    """Pools that were left unchanged because they had no room."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"pools": list(draws), "counts": list(draws.values())})
        changed = {row[0] for row in cursor.fetchall()}
    return set(draws) - changed


def hold(draws: Draws) -> set[int]:
    """Places are held. Returns the pools without room: roll back unless it is empty."""
    return _change(_HOLD, draws)


def sell(draws: Draws) -> set[int]:
    """Places are sold without having been held. Returns the pools without room, as `hold`."""
    return _change(_SELL, draws)


def confirm(draws: Draws) -> None:
    """Held places become sold ones."""
    _change(_CONFIRM, draws)


def release(draws: Draws) -> None:
    """Held places are free again."""
    _change(_RELEASE, draws)


def give_back(draws: Draws) -> None:
    """Sold places are free again."""
    _change(_RETURN, draws)


def pools_by_id(pool_ids: Iterable[int]) -> dict[int, CapacityPool]:
    rows = CapacityPool.objects.select_related("event", "ticket_type", "release__ticket_type")
    return {pool.pk: pool for pool in rows.filter(pk__in=list(pool_ids))}
