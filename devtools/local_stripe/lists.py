"""Lists as Stripe pages them: newest first, https://docs.stripe.com/api/pagination."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import bridge
from .errors import invalid, missing, parameter_unknown
from .requests import integer

_PAGING = frozenset(("limit", "starting_after", "created"))
_BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}


def newest_first(
    kind: str,
    url: str,
    parameters: dict[str, Any],
    *,
    narrowed_by: tuple[str, ...] = (),
    accept: Callable[[Any], bool] = lambda _: True,
) -> Any:
    """The stored objects of a kind that are accepted, narrowed by some of their properties and by `created`."""
    if "ending_before" in parameters:
        raise invalid("This server pages forward only.", param="ending_before")
    for name in parameters.keys() - _PAGING - set(narrowed_by):
        raise parameter_unknown(name)
    wanted = {name: parameters[name] for name in narrowed_by if parameters.get(name)}
    for name, object_id in wanted.items():
        if name in ("charge", "payment_intent") and bridge.find(name, object_id) is None:
            raise missing(name, object_id, param=name)
    after = parameters.get("starting_after")
    if after and bridge.find(kind, after) is None:
        raise missing(kind, after, param="starting_after")
    found = bridge.List(url, limit=_limit(parameters), starting_after=after)
    found._list = [
        obj
        for obj in reversed(bridge.all_of(kind))
        if all(getattr(obj, name, None) == value for name, value in wanted.items())
        and accept(obj)
        and _created_within(obj.created, parameters.get("created"))
    ]
    return found


def _limit(parameters: dict[str, Any]) -> int:
    limit = integer(parameters.get("limit") or 10, param="limit", minimum=1)
    if limit > 100:
        raise invalid("Limit can be at most 100.", param="limit")
    return limit


def _created_within(created: int, asked: Any) -> bool:
    if asked is None:
        return True
    if not isinstance(asked, dict):
        return created == integer(asked, param="created")
    if unknown_bounds := asked.keys() - _BOUNDS.keys():
        raise parameter_unknown(f"created[{min(unknown_bounds)}]")
    return all(
        _BOUNDS[name](created, integer(bound, param=f"created[{name}]"))
        for name, bound in asked.items()
    )
