"""Places that several things share: future sales draw on them, and the recount always agrees."""

import pytest

from ticketing.errors import CapBelowSold, NameTaken, SoldOut
from ticketing.models import CapacityPool
from ticketing.operations import (
    Members,
    cancel_reservation,
    change_shared_pool,
    confirm_reservation,
    create_shared_pool,
    delete_shared_pool,
    set_event_capacity,
)
from ticketing.organiser_errors import MemberOfAnotherEvent, NoMembers, PoolInUse
from ticketing.queries import recount, ticket_board
from tiqqo.core import audit, clock


def members(*releases, types=()):
    return Members(types=types, releases=releases)


def hall(house, capacity=3, who=None):
    """Shared by both types."""
    both = members(types=(house.priced.ticket_type, house.free.ticket_type))
    return create_shared_pool(
        house.event, name="Hall", capacity=capacity, members=who or both, by=house.owner
    )


def change(pool, house, **changes):
    facts = {
        "name": pool.name,
        "capacity": pool.capacity,
        "members": members(house.priced),
        "by": house.owner,
    }
    change_shared_pool(pool, **facts | changes)


def counted(pool):
    """(held, sold), which the rows confirm."""
    assert [count for count in recount() if count.differs] == []
    pool.refresh_from_db()
    return pool.held, pool.sold


def test_sales_of_all_members_draw_on_the_same_places(kikker):
    pool = hall(kikker)
    kikker.reserve(priced=1)
    kikker.reserve(free=1)

    assert counted(pool) == (2, 0)
    with pytest.raises(SoldOut) as refused:
        kikker.reserve(priced=2)
    assert (refused.value.subject, refused.value.available) == ("Hall", 1)


def test_what_was_held_or_sold_before_does_not_draw_on_it(kikker):
    early = kikker.reserve(priced=2)
    kikker.place_free(1)
    pool = hall(kikker)
    assert counted(pool) == (0, 0)

    kikker.reserve(priced=1)
    assert counted(pool) == (1, 0)
    confirm_reservation(early)
    assert counted(pool) == (1, 0)
    cancel_reservation(early, manually=True)
    assert counted(pool) == (1, 0)


def test_members_change_while_it_sells_and_every_place_stays_counted(kikker):
    pool = hall(kikker)
    held = kikker.reserve(priced=1)
    change(pool, kikker, members=members(kikker.free))
    kikker.reserve(priced=1)
    kikker.reserve(free=1)

    assert counted(pool) == (2, 0)
    confirm_reservation(held)
    assert counted(pool) == (1, 1)
    cancel_reservation(held, manually=True)
    assert counted(pool) == (1, 0)
    kikker.event.refresh_from_db()
    [found] = ticket_board(kikker.event, at=clock.now()).shared_pools
    assert found.members == ("Under 12 · Under 12",)


def test_a_pool_needs_members_of_its_event(kikker, cast):
    with pytest.raises(NoMembers) as refused:
        create_shared_pool(
            kikker.event, name="Hall", capacity=1, members=members(), by=kikker.owner
        )
    assert refused.value.field == "members"
    with cast.fjord.scope():
        foreign = cast.fjord.priced
        foreign_type = foreign.ticket_type
    for who in (members(foreign), members(types=(foreign_type,))):
        with pytest.raises(MemberOfAnotherEvent):
            hall(kikker, who=who)

    assert not CapacityPool.objects.exclude(name="").exists()
    pool = hall(kikker)
    with pytest.raises(NoMembers):
        change(pool, kikker, members=members())
    assert pool.members.count() == 2


def test_names_of_pools_are_unique_in_the_event(kikker):
    pool = hall(kikker)
    with pytest.raises(NameTaken):
        hall(kikker)
    other = create_shared_pool(
        kikker.event, name="Boat", capacity=1, members=members(kikker.free), by=kikker.owner
    )
    with pytest.raises(NameTaken):
        change(other, kikker, name="Hall")
    change(pool, kikker, name="Big hall", capacity=None)

    pool.refresh_from_db()
    assert (pool.name, pool.capacity) == ("Big hall", None)
    actions = [e.action for e in audit.history_of(kikker.event)]
    assert actions[-3:] == ["shared_pool.created", "shared_pool.created", "shared_pool.changed"]


def test_a_shared_number_does_not_fall_below_what_is_taken(kikker):
    pool = hall(kikker)
    kikker.reserve(priced=2)

    with pytest.raises(CapBelowSold) as refused:
        change(pool, kikker, capacity=1)
    assert refused.value.taken == 2
    change(pool, kikker, capacity=2)


def test_a_pool_is_deleted_only_while_nothing_draws_on_it(kikker):
    pool = hall(kikker)
    held = kikker.reserve(priced=1)
    with pytest.raises(PoolInUse) as refused:
        delete_shared_pool(pool, by=kikker.owner)
    assert refused.value.taken == 1

    cancel_reservation(held, manually=True)
    CapacityPool.objects.filter(pk=pool.pk).update(waiting=2)
    with pytest.raises(PoolInUse):
        delete_shared_pool(pool, by=kikker.owner)
    CapacityPool.objects.filter(pk=pool.pk).update(waiting=0)
    delete_shared_pool(pool, by=kikker.owner)
    assert not CapacityPool.objects.filter(pk=pool.pk).exists()
    kikker.event.refresh_from_db()
    kikker.reserve(priced=1)


def test_the_event_has_one_pool_whatever_else_is_counted(kikker):
    hall(kikker)

    set_event_capacity(kikker.event, capacity=7, by=kikker.owner)

    assert CapacityPool.objects.get(pk=kikker.event.pools.order_by("id")[0].pk).capacity == 7
    assert CapacityPool.objects.get(name="Hall").capacity == 3
