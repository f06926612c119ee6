"""Lists in pages by key: whoever comes after the last row that was seen, so that the thousandth page
costs as much as the first, and no row is missed or seen twice because others came or went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in their order. `last` is the one that the next page comes after; None where there is
    none."""

    rows: list[Row]
    last: Row | None

    @property
    def next_id(self) -> int:
        """The primary key of `last`, 0 without one."""
        return self.last.pk if self.last is not None else 0


def page_after(
    rows: QuerySet[Row], order: Sequence[str], after: Row | Mapping[str, Any] | None
) -> Page[Row]:
    """The rows by `order` ("-priority", "pk"), whose last name tells any two apart, that come after a row
    or after such values."""
    if after is not None:
        rows = rows.filter(_behind(order, after))
    fetched = list(rows.order_by(*order)[: PAGE_SIZE + 1])
    page = fetched[:PAGE_SIZE]
    return Page(page, page[-1] if len(fetched) > PAGE_SIZE else None)


def _behind(order: Sequence[str], after: Model | Mapping[str, Any]) -> Q:
    """Larger in the first name, or the same in it and larger in the second, and so on."""
    behind, same = Q(), Q()
    for name in order:
        field = name.removeprefix("-")
        value = after[field] if isinstance(after, Mapping) else getattr(after, field)
        comparison = "lt" if name.startswith("-") else "gt"
        behind |= same & Q(**{f"{field}__{comparison}": value})
        same &= Q(**{field: value})
    return behind
