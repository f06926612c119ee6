"""What an operator wants to know about how the site fares: figures, each good or bad.

Apps above add their own with `register`, as they do with the checks of an event, because only they
know what must not wait: an app that has payments names the oldest one that nobody settled.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError
from redis.exceptions import RedisError

from tiqqo.core import clock


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was looked at. `hint` says what a bad one means."""

    name: str
    value: str | int | float | None
    is_bad: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    figures: tuple[Figure, ...]

    @property
    def is_bad(self) -> bool:
        """Whether any of its figures is."""
        return any(figure.is_bad for figure in self.figures)


Check = Callable[[], Iterable[Figure]]
_checks: dict[str, list[Check]] = {}


def register(group: str) -> Callable[[Check], Check]:
    """The figures of a check are in the status from now on, in this group."""

    def add(check: Check) -> Check:
        _checks.setdefault(group, []).append(check)
        return check

    return add


def groups() -> list[Group]:
    """Every figure. What cannot be found out, because what knows it is down, is bad."""
    return [
        Group(name, tuple(figure for check in checks for figure in _figures(name, check)))
        for name, checks in _checks.items()
    ]


def _figures(group: str, check: Check) -> list[Figure]:
    try:
        return list(check())
    except (DatabaseError, RedisError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        return [Figure(group, "not known", is_bad=True, hint=words)]


def waiting(name: str, since: datetime | None, *, at_most: timedelta, hint: str = "") -> Figure:
    """How many seconds the oldest of something has waited; bad after `at_most`. None: nothing waits."""
    if since is None:
        return Figure(name, 0)
    waited = clock.now() - since
    return Figure(name, round(waited.total_seconds()), is_bad=waited > at_most, hint=hint)
