"""What the larger components need of their data: `{% load patterns %}` in their templates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django import template

from tiqqo.ui import dates

register = template.Library()


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a timeline: its entries, and an instant of it to tell it by."""

    on: date
    at: datetime
    entries: list[Any]


@register.filter
def by_day(entries: Iterable[Any], zone: str) -> list[Day]:
    """Entries that stand in the order of time, under the day they happened on in `zone`."""

    def day_of(entry: Any) -> date:
        return dates.local(_at(entry), zone or "UTC").date()

    return [
        Day(day, _at(found[0]), found)
        for day, group in groupby(entries, key=day_of)
        if (found := list(group))
    ]


def _at(entry: Any) -> datetime:
    at: datetime = entry["at"] if isinstance(entry, dict) else entry.at
    return at
