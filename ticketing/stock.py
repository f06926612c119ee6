"""The counters of capacity pools and codes: the only place that changes them.

Each change is one statement that takes the pools in ascending id, so that two of them never wait
for each other, and each caller makes it the last thing of its transaction, so that the hot row is
locked for the shortest time. The CHECK constraints under the counters have the last word.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from django.db import connection

from ticketing.models import CapacityPool, ReservationLine
from tiqqo.core.compiled import Compiled, Param

_POOL = Compiled(
    CapacityPool,
    lambda rows: rows.select_related(
        "event", "ticket_type", "release__ticket_type", "slot", "allocation__ticket_type"
    ).filter(pk=Param("pk")),
)

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
_TAKEN = "pool.held + pool.sold + pool.set_aside + locked.n"
# Giving places back needs no room.
_ROOM = f"AND (pool.capacity IS NULL OR locked.n <= 0 OR {_TAKEN} <= pool.capacity)"
_ROOM_BEHIND_THE_LINE = (
    f"AND (pool.capacity IS NULL OR locked.n <= 0 OR {_TAKEN} + pool.waiting <= pool.capacity)"
)
# What of this there is no room for now, and how much each of those pools has left for walk-ins.
_SHORT = """
SELECT pool.id, greatest(pool.capacity - pool.held - pool.sold - pool.set_aside - pool.waiting, 0)
  FROM ticketing_capacitypool pool
  JOIN unnest(%(pools)s::bigint[], %(counts)s::int[]) AS wanted (pool_id, n) ON pool.id = wanted.pool_id
 WHERE pool.held + pool.sold + pool.set_aside + pool.waiting + wanted.n > pool.capacity
"""

_HOLD = _LOCKED.format(change="held = pool.held + locked.n", condition=_ROOM_BEHIND_THE_LINE)
# The commit of a hold need not wait for the disk: docs/decisions/0014.
_FORGETTABLE = ", set_config('synchronous_commit', 'off', true)"
_HOLD_FROM_LINE = _LOCKED.format(change="held = pool.held + locked.n", condition=_ROOM)
_SELL = _LOCKED.format(change="sold = pool.sold + locked.n", condition=_ROOM_BEHIND_THE_LINE)
_CONFIRM = _LOCKED.format(
    change="held = pool.held - locked.n, sold = pool.sold + locked.n", condition=""
)
_RELEASE = _LOCKED.format(change="held = pool.held - locked.n", condition="")
_RETURN = _LOCKED.format(change="sold = pool.sold - locked.n", condition="")
_SET_ASIDE = _LOCKED.format(
    change="set_aside = pool.set_aside + locked.n", condition=_ROOM_BEHIND_THE_LINE
)
_WAIT = _LOCKED.format(change="waiting = pool.waiting + locked.n", condition="")

_CLAIM_CODE = """
UPDATE ticketing_code SET held = held + 1
 WHERE id = %(code)s AND (uses_limit IS NULL OR held + used + 1 <= uses_limit)
RETURNING id
"""
# Several codes in ascending id, as pools.
_CODE_CHANGE = """
WITH locked AS (
    SELECT code.id, c.n
      FROM ticketing_code code
      JOIN unnest(%(codes)s::bigint[], %(counts)s::int[]) AS c (id, n) ON c.id = code.id
     ORDER BY code.id
       FOR UPDATE OF code
)
UPDATE ticketing_code code SET {change} FROM locked WHERE code.id = locked.id
"""
_USE_CODE = _CODE_CHANGE.format(change="held = code.held - locked.n, used = code.used + locked.n")
_DROP_CODE = _CODE_CHANGE.format(change="held = code.held - locked.n")
_RETURN_CODE = _CODE_CHANGE.format(change="used = code.used - locked.n")
_TAKE_CODE_AGAIN = """
UPDATE ticketing_code SET used = used + 1
 WHERE id = %(code)s AND (uses_limit IS NULL OR held + used + 1 <= uses_limit)
RETURNING id
"""

Draws = Mapping[int, int]


def pool_places_of(lines: Iterable[ReservationLine]) -> Counter[int]:
    """How many places the lines take from each pool."""
    pool_places: Counter[int] = Counter()
    for line in lines:
        for pool_id in line.pool_ids:
            pool_places[pool_id] += line.places
    return pool_places


def _change(sql: str, pool_places: Draws) -> set[int]:
    """Pools that were left unchanged because they had no room."""
    if not pool_places:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(sql, {"pools": list(pool_places), "counts": list(pool_places.values())})
        changed = {row[0] for row in cursor.fetchall()}
    return set(pool_places) - changed


def hold(pool_places: Draws, *, from_line: bool = False, is_forgettable: bool = False) -> set[int]:
    """Places are held; negative counts are let go. Returns the pools without room: roll back unless
    it is empty. Places that people in line wait for are there only for them (`from_line`).

    After a crash of the database the last moment of `is_forgettable` holds may be gone, with all that
    their transactions wrote: only for a transaction that does nothing but hold.
    """
    if from_line:
        return _change(_HOLD_FROM_LINE, pool_places)
    return _change(_HOLD + _FORGETTABLE if is_forgettable else _HOLD, pool_places)


def short_of(pool_places: Draws) -> dict[int, int]:
    """Pools without room for these pool_places, and what each has left for walk-ins. Nothing is taken."""
    with connection.cursor() as cursor:
        cursor.execute(_SHORT, {"pools": list(pool_places), "counts": list(pool_places.values())})
        return dict(cursor.fetchall())


def sell(pool_places: Draws) -> set[int]:
    """Places are sold without having been held. Returns the pools without room, as `hold`."""
    return _change(_SELL, pool_places)


def confirm(pool_places: Draws) -> None:
    """Held places become sold ones."""
    _change(_CONFIRM, pool_places)


def release(pool_places: Draws) -> None:
    """Held places are free again."""
    _change(_RELEASE, pool_places)


def give_back(pool_places: Draws) -> None:
    """Sold places are free again."""
    _change(_RETURN, pool_places)


def set_aside(pool_places: Draws) -> set[int]:
    """Places are set aside for a partner; negative counts are returned to sale. Pools without room,
    as `hold`."""
    return _change(_SET_ASIDE, pool_places)


def wait(pool_places: Draws) -> None:
    """So many more places are waited for in line; negative counts are fewer."""
    _change(_WAIT, pool_places)


def claim_code(code_id: int) -> bool:
    """One more hold has a use of the code; False when all are taken."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_CODE, {"code": code_id})
        return cursor.fetchone() is not None


def take_code_again(code_id: int) -> bool:
    """A use that had been given back is used after all; False when all are taken."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_CODE_AGAIN, {"code": code_id})
        return cursor.fetchone() is not None


def _change_codes(sql: str, code_ids: Iterable[int | None]) -> None:
    counts = Counter(code for code in code_ids if code is not None)
    if counts:
        codes = sorted(counts)
        with connection.cursor() as cursor:
            cursor.execute(sql, {"codes": codes, "counts": [counts[code] for code in codes]})


def use_codes(code_ids: Iterable[int | None]) -> None:
    """Uses that holds had are used for good."""
    _change_codes(_USE_CODE, code_ids)


def drop_codes(code_ids: Iterable[int | None]) -> None:
    """Uses that holds had can be had by others."""
    _change_codes(_DROP_CODE, code_ids)


def return_codes(code_ids: Iterable[int | None]) -> None:
    """Used ones can be had by others."""
    _change_codes(_RETURN_CODE, code_ids)


def pools_by_id(pool_ids: Iterable[int]) -> dict[int, CapacityPool]:
    """Those of these pools that there are, with what they count."""
    found = (_POOL.first(pk=pool_id) for pool_id in sorted(pool_ids))
    return {pool.pk: pool for pool in found if pool is not None}
