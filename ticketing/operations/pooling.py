"""How many there are: the limits of everything sold, and pools that several things share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from accounts.models import Membership
from events.models import Event
from ticketing.errors import CapBelowSold, NameTaken
from ticketing.locks import lock_catalogue
from ticketing.models import CapacityPool, PoolMember, Release, TicketType
from ticketing.operations.bounds import refuse_more
from ticketing.organiser_errors import MemberOfAnotherEvent, NoMembers, PoolInUse
from tiqqo.core import audit


@dataclass(frozen=True, slots=True)
class Members:
    """What shares a pool: whole ticket types, and single releases."""

    types: Sequence[TicketType] = field(default_factory=tuple)
    releases: Sequence[Release] = field(default_factory=tuple)

    def __bool__(self) -> bool:
        return bool(self.types or self.releases)


def event_pool(event: Event) -> CapacityPool:
    """The pool of the whole event, which exists from the first question on."""
    pool: CapacityPool
    pool, _made = CapacityPool.objects.get_or_create(
        event=event, ticket_type=None, release=None, slot=None, allocation=None, name=""
    )
    return pool


def limit_pool(pool: CapacityPool, capacity: int | None) -> bool:
    """The pool's limit is as given; whether that is new. Raises CapBelowSold.

    The last step of its transaction: it takes the hot row.
    """
    locked = CapacityPool.objects.select_for_update(of=("self",)).get(pk=pool.pk)
    if capacity is not None and capacity < locked.taken:
        raise CapBelowSold(taken=locked.taken)
    if locked.capacity == capacity:
        return False
    locked.capacity = capacity
    locked.save(update_fields=["capacity"])
    return True


@transaction.atomic
def set_event_capacity(event: Event, *, capacity: int | None, by: Membership) -> None:
    """The event lets in at most `capacity` people; None leaves it to the other limits.

    Raises CapBelowSold.
    """
    lock_catalogue(event)
    limit_pool(event_pool(event), capacity)
    audit.record(event, "event.capacity_set", by=by, capacity=capacity)


@transaction.atomic
def create_shared_pool(
    event: Event, *, name: str, capacity: int | None, members: Members, by: Membership
) -> CapacityPool:
    """Sales of the members from now on draw on these places, too; earlier ones do not count.

    Raises NoMembers, MemberOfAnotherEvent, NameTaken, EventHasEnough.
    """
    lock_catalogue(event)
    refuse_more(CapacityPool, event.pk)
    _refuse_members(event, members)
    try:
        with transaction.atomic():
            pool: CapacityPool = CapacityPool.objects.create(
                event=event, name=name, capacity=capacity
            )
    except IntegrityError as error:
        raise _known(error) from error
    PoolMember.objects.bulk_create(_rows(pool, members.types, members.releases))
    audit.record(event, "shared_pool.created", by=by, name=name, capacity=capacity)
    return pool


@transaction.atomic
def change_shared_pool(
    pool: CapacityPool, *, name: str, capacity: int | None, members: Members, by: Membership
) -> None:
    """The pool is as given. What was held or sold keeps the places it took; a member that is new
    takes from it from its next sale on, one that left does no more.

    Raises NoMembers, MemberOfAnotherEvent, NameTaken, CapBelowSold.
    """
    event = lock_catalogue(pool.event_id)
    _refuse_members(event, members)
    try:
        with transaction.atomic():
            CapacityPool.objects.filter(pk=pool.pk).exclude(name=name).update(name=name)
    except IntegrityError as error:
        raise _known(error) from error
    _replace_members(pool, members)
    limit_pool(pool, capacity)
    audit.record(event, "shared_pool.changed", by=by, name=name, capacity=capacity)


@transaction.atomic
def delete_shared_pool(pool: CapacityPool, *, by: Membership) -> None:
    """The pool is gone, and its members share nothing. Raises PoolInUse."""
    event = lock_catalogue(pool.event_id)
    locked = CapacityPool.objects.select_for_update(of=("self",)).get(pk=pool.pk)
    taken = locked.taken + locked.waiting
    if taken:
        raise PoolInUse(taken=taken)
    audit.record(event, "shared_pool.deleted", by=by, name=locked.name)
    locked.delete()


def _refuse_members(event: Event, members: Members) -> None:
    if not members:
        raise NoMembers
    foreign = any(found.event_id != event.pk for found in members.types) or any(
        found.ticket_type.event_id != event.pk for found in members.releases
    )
    if foreign:
        raise MemberOfAnotherEvent


def _replace_members(pool: CapacityPool, members: Members) -> None:
    had = list(PoolMember.objects.filter(pool=pool, slot=None))
    types = {found.pk for found in members.types}
    releases = {found.pk for found in members.releases}
    gone = [m.pk for m in had if m.ticket_type_id not in types and m.release_id not in releases]
    if gone:
        PoolMember.objects.filter(pk__in=gone).delete()
    had_types = {member.ticket_type_id for member in had}
    had_releases = {member.release_id for member in had}
    PoolMember.objects.bulk_create(
        _rows(
            pool,
            (found for found in members.types if found.pk not in had_types),
            (found for found in members.releases if found.pk not in had_releases),
        )
    )


def _rows(
    pool: CapacityPool, types: Iterable[TicketType], releases: Iterable[Release]
) -> list[PoolMember]:
    return [
        *(PoolMember(pool=pool, ticket_type=found) for found in types),
        *(PoolMember(pool=pool, release=found) for found in releases),
    ]


def _known(error: IntegrityError) -> Exception:
    return NameTaken() if "pool_name_once" in str(error) else error
