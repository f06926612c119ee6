"""Partners: what was set aside for them, what they took of it, and how their buyers come to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import F, Q, QuerySet
from django.http import Http404

from events.models import Event
from ticketing.codes import ended_at
from ticketing.models import Allocation, CapacityPool, Promotion
from ticketing.queries.codes import terms_words

AllocationState = Literal["kept", "paused", "returned"]


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """One partner's places. `terms` says its discount, empty without one."""

    allocation: Allocation
    pool: CapacityPool
    promotion: Promotion
    code: str
    state: AllocationState
    terms: str


def due_allocations(*, at: datetime) -> QuerySet[Allocation]:
    """Those whose day has come, and those that got places back after it."""
    return Allocation.objects.filter(
        Q(returned_at=None, returns_at__lte=at)
        | Q(returned_at__isnull=False, pool__capacity__gt=F("pool__held") + F("pool__sold"))
    )


def allocation_board(event: Event, *, at: datetime) -> list[AllocationRow]:
    """Those that are kept first, the next to return on top; then those that were returned."""
    rows = [_row(found, _first_code(found), at) for found in _allocations(event, at)]
    return sorted(rows, key=lambda row: row.state == "returned")


def allocation_row_or_404(event: Event, code: str, *, at: datetime) -> AllocationRow:
    found = _allocations(event, at).filter(code=code).first()
    if found is None:
        raise Http404
    return _row(found, _first_code(found), at)


def _allocations(event: Event, at: datetime) -> QuerySet[Allocation]:
    found: QuerySet[Allocation] = (
        Allocation.objects.filter(event=event)
        .select_related("event", "company", "ticket_type", "pool", "promotion")
        .prefetch_related("promotion__codes")
        .order_by(F("returns_at").asc(nulls_last=True), "id")
    )
    return found


def _first_code(allocation: Allocation) -> str:
    return min(allocation.promotion.codes.all(), key=lambda code: code.pk).text


def _row(allocation: Allocation, code: str, at: datetime) -> AllocationRow:
    state: AllocationState = "kept"
    if ended_at(allocation, at=at) is not None:
        state = "returned"
    elif allocation.promotion.paused_at is not None:
        state = "paused"
    return AllocationRow(
        allocation=allocation,
        pool=allocation.pool,
        promotion=allocation.promotion,
        code=code,
        state=state,
        terms=terms_words(allocation.promotion, allocation.event.currency),
    )
