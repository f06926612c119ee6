"""Stock set aside for a partner, with a code of its own: made and changed. `returning` gives it back."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar, Unpack

from django.db import transaction

from accounts.models import Membership
from people.models import Company
from people.operations import remember_company
from ticketing import stock
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.codes import LONGEST
from ticketing.locks import lock_catalogue
from ticketing.models import Allocation, CapacityPool, Promotion, PromotionKind, TicketType
from ticketing.operations.promoting import PromotionTerms, create_code, create_promotion
from ticketing.operations.reserving import reclaim_overdue
from ticketing.operations.returning import locked_pool, resize
from ticketing.organiser_errors import (
    AllocationBelowTaken,
    AllocationOver,
    BundleSetAside,
    CompanyNameMissing,
    NoRoomToSetAside,
    PlacesMissing,
    ReturnsInPast,
)
from tiqqo.core import audit, clock
from tiqqo.core.codes import new_code

_RANDOM = 8
_LONGEST_NAME = 60
T = TypeVar("T")


class _NoRoom(Exception):
    def __init__(self, pool_ids: set[int]) -> None:
        self.pool_ids = pool_ids


def allocate_stock(
    ticket_type: TicketType,
    *,
    company_name: str,
    quantity: int,
    returns_at: datetime | None,
    by: Membership,
    code: str = "",
    **terms: Unpack[PromotionTerms],
) -> Allocation:
    """So many places of the type are the company's until `returns_at`, for whoever has its code.

    Without a code of the organiser's choice it has one that cannot be guessed; `terms` may give its
    buyers a discount. Raises CompanyNameMissing, PlacesMissing, ReturnsInPast, BundleSetAside,
    SoldOut when fewer places are free, and as `create_promotion` and `create_code`.
    """
    _refuse(quantity, returns_at)
    return _trying_again(
        quantity,
        lambda: _allocate(ticket_type, company_name, quantity, returns_at, by, code, terms),
    )


@transaction.atomic
def _allocate(
    ticket_type: TicketType,
    company_name: str,
    quantity: int,
    returns_at: datetime | None,
    by: Membership,
    code: str,
    terms: PromotionTerms,
) -> Allocation:
    event = lock_catalogue(ticket_type.event_id)
    catalogue: Catalogue = catalogue_of(event)
    if catalogue.parts.get(ticket_type.pk):
        raise BundleSetAside(subject=ticket_type.name)
    company = remember_company(company_name)
    if company is None:
        raise CompanyNameMissing
    pool_ids = _pools_of(catalogue, ticket_type)
    allocation: Allocation = Allocation.objects.create(
        event=event,
        ticket_type=ticket_type,
        company=company,
        from_pool_ids=pool_ids,
        returns_at=returns_at,
    )
    CapacityPool.objects.create(event=event, allocation=allocation, capacity=quantity)
    wanted: PromotionTerms = {"kind": PromotionKind.NONE, **terms}
    name = _promotion_name(company, ticket_type)
    promotion = create_promotion(event, name=name, by=by, allocation=allocation, **wanted)
    create_code(promotion, text=code or _code_for(company), by=by)
    audit.record(
        allocation,
        "allocation.made",
        by=by,
        company=company.name,
        ticket_type=ticket_type.name,
        places=quantity,
    )
    full = stock.set_aside(dict.fromkeys(pool_ids, quantity))
    if full:
        raise _NoRoom(full)
    return allocation


def change_allocation(
    allocation: Allocation, *, quantity: int, returns_at: datetime | None, by: Membership
) -> None:
    """It has so many places, until `returns_at`. More come out of the free ones; fewer give free ones
    back to sale at once.

    Raises PlacesMissing, ReturnsInPast, AllocationOver, AllocationBelowTaken, SoldOut.
    """
    _refuse(quantity, returns_at)
    _trying_again(quantity, lambda: _change(allocation, quantity, returns_at, by))


@transaction.atomic
def _change(
    allocation: Allocation, quantity: int, returns_at: datetime | None, by: Membership
) -> None:
    lock_catalogue(allocation.event_id)
    found: Allocation = Allocation.objects.get(pk=allocation.pk)
    if found.returned_at is not None:
        raise AllocationOver
    if found.returns_at != returns_at:
        found.returns_at = returns_at
        found.save(update_fields=["returns_at"])
    own = locked_pool(found)
    if quantity < own.held + own.sold:
        raise AllocationBelowTaken(taken=own.held + own.sold)
    audit.record(
        found,
        "allocation.changed",
        by=by,
        places=quantity,
        returns_at=returns_at.isoformat() if returns_at else None,
    )
    full = resize(own, found, quantity - (own.capacity or 0))
    if full:
        raise _NoRoom(full)


def _trying_again(quantity: int, write: Callable[[], T]) -> T:
    """Once more, after overdue holds have been reclaimed."""
    try:
        return write()
    except _NoRoom as full:
        reclaim_overdue(full.pool_ids, at=clock.now())
    try:
        return write()
    except _NoRoom as full:
        pools = stock.pools_by_id(full.pool_ids).values()
        tightest = min(pools, key=lambda pool: pool.free_to_all or 0)
        raise NoRoomToSetAside(
            subject=str(tightest.subject),
            requested=quantity,
            available=tightest.free_to_all or 0,
        ) from None


def _pools_of(catalogue: Catalogue, ticket_type: TicketType) -> list[int]:
    """What its places are taken out of: the pools of every sale of the type, whatever the release."""
    pools = catalogue.pools
    of_event = pools.event if ticket_type.takes_place else ()
    return sorted({*of_event, *pools.types.get(ticket_type.pk, ())})


def _promotion_name(company: Company, ticket_type: TicketType) -> str:
    """As buyers read its discount: once per event, so a second one of the same gets a number."""
    plain = f"{company.name} · {ticket_type.name}"
    names = set(Promotion.objects.filter(event=ticket_type.event_id).values_list("name", flat=True))
    name, number = plain[:_LONGEST_NAME], 1
    while name in names:
        number += 1
        end = f" {number}"
        name = plain[: _LONGEST_NAME - len(end)] + end
    return name


def _code_for(company: Company) -> str:
    """Says whose it is, and cannot be guessed."""
    said = re.sub(r"[^A-Z0-9]", "", company.name.upper())[: LONGEST - _RANDOM - 1]
    return f"{said}-{new_code(_RANDOM)}" if said else new_code(_RANDOM)


def _refuse(quantity: int, returns_at: datetime | None) -> None:
    if quantity < 1:
        raise PlacesMissing
    if returns_at is not None and returns_at <= clock.now():
        raise ReturnsInPast
