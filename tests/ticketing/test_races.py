"""Nobody oversells, with real connections; each race is also run with its guard switched off."""

import time
from datetime import timedelta
from threading import Event as Signal

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from events.models import Event
from tests.cast import ReleaseFactory
from tests.races import at_once, overtaken, without_constraint
from ticketing import stock
from ticketing.errors import ReservationOver, SoldOut
from ticketing.locks import lock_pools
from ticketing.models import (
    CapacityPool,
    PoolMember,
    Reservation,
    ReservationStatus,
    TicketType,
    TimeSlot,
)
from ticketing.operations import (
    cancel_reservation,
    confirm_reservation,
    expire_reservation,
    expire_reservations,
    reserve_tickets,
    set_event_capacity,
)
from ticketing.queries import recount
from ticketing.selling import Choice
from tiqqo.core import clock

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS, PLACES = 500, 100


def rush(house):
    """500 buyers of three types for the last 100 places of a pool that the types share."""
    set_event_capacity(house.event, capacity=None, by=house.owner)
    third = ReleaseFactory(event=house.event, by=house.owner)
    pool = CapacityPool.objects.create(event=house.event, name="Floor", capacity=PLACES)
    releases = [house.priced, house.free, third]
    for release in releases:
        PoolMember.objects.create(pool=pool, ticket_type=release.ticket_type)
    event = Event.objects.get(pk=house.event.pk)
    selections = [{releases[number % 3].code: 1} for number in range(BUYERS)]
    return at_once(
        house.organiser,
        *(lambda s=selection: reserve_tickets(event, selection=s) for selection in selections),
    )


def event_pool():
    return CapacityPool.objects.get(
        ticket_type=None, release=None, slot=None, allocation=None, name=""
    )


def shared_pool():
    return CapacityPool.objects.get(name="Floor")


def test_five_hundred_buyers_get_the_last_hundred_places_exactly_once(kikker):
    answers = rush(kikker)

    held = [answer for answer in answers if isinstance(answer, Reservation)]
    refused = [answer for answer in answers if isinstance(answer, SoldOut)]
    assert (len(held), len(refused)) == (PLACES, BUYERS - PLACES)
    assert {answer.available for answer in refused} == {0}
    assert (shared_pool().held, shared_pool().sold) == (PLACES, 0)
    assert [count for count in recount() if count.differs] == []


@pytest.fixture
def without_the_rooms_condition(monkeypatch):
    monkeypatch.setattr(stock, "_HOLD", stock._HOLD.replace(stock._ROOM_BEHIND_THE_LINE, ""))


@pytest.fixture
def without_the_check(transactional_db):
    with without_constraint(CapacityPool, "pool_never_oversold"):
        yield


def test_the_check_constraint_alone_holds_too(kikker, without_the_rooms_condition):
    answers = rush(kikker)

    assert sum(isinstance(answer, Reservation) for answer in answers) == PLACES
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == BUYERS - PLACES
    assert shared_pool().held == PLACES


def test_without_condition_and_check_the_race_oversells(
    kikker, without_the_rooms_condition, without_the_check
):
    """Negative control: this race can be lost."""
    answers = rush(kikker)

    assert sum(isinstance(answer, Reservation) for answer in answers) == BUYERS
    assert shared_pool().held == BUYERS


def test_buyers_of_several_pools_do_not_wait_for_each_other_forever(kikker):
    """Selections in opposite orders take the pools in one order: no deadlock."""
    second = ReleaseFactory(event=kikker.event, by=kikker.owner)
    there = {kikker.priced.code: 1, second.code: 1}
    back = dict(reversed(there.items()))

    answers = at_once(
        kikker.organiser,
        *(
            lambda s=selection: reserve_tickets(kikker.event, selection=s)
            for selection in [there, back] * 10
        ),
    )

    assert [answer for answer in answers if not isinstance(answer, Reservation)] == []
    assert event_pool().held == 40
    assert [count for count in recount() if count.differs] == []


def cross(house):
    """Two take three pools in opposite orders; each has begun before the middle one can be had."""
    a, middle, b = (
        CapacityPool.objects.create(event=house.event, name=name, capacity=10).pk for name in "AMB"
    )
    is_taken = Signal()

    def keep_the_middle_one():
        with transaction.atomic():
            lock_pools([middle])
            is_taken.set()
            end = time.monotonic() + 60
            while backends_that_wait() < 2 and time.monotonic() < end:
                time.sleep(0.01)

    def take(*pools):
        is_taken.wait(60)
        return transaction.atomic(stock.hold)(dict.fromkeys(pools, 1))

    answers = at_once(
        house.organiser,
        keep_the_middle_one,
        lambda: take(a, middle, b),
        lambda: take(b, middle, a),
    )
    return answers[1:]


def backends_that_wait():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
            "   AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


def test_pools_are_taken_in_one_order_whatever_the_order_of_the_wish(kikker):
    assert cross(kikker) == [set(), set()]


def test_in_the_order_of_the_wish_two_would_wait_for_each_other_forever(kikker, monkeypatch):
    """Negative control: PostgreSQL ends it at the cost of one of them."""
    as_wished = stock._HOLD.replace(
        "ORDER BY pool.id", "ORDER BY array_position(%(pools)s::bigint[], pool.id)"
    )
    assert as_wished != stock._HOLD
    monkeypatch.setattr(stock, "_HOLD", as_wished)

    answers = cross(kikker)

    assert answers.count(set()) == 1
    assert sum("deadlock detected" in str(answer) for answer in answers) == 1


def statuses_and_stock(reservation):
    reservation.refresh_from_db()
    pool = event_pool()
    assert [count for count in recount() if count.differs] == []
    return reservation.status, pool.held, pool.sold


@pytest.mark.parametrize("round_", range(4))
def test_of_expiry_and_confirmation_one_wins(kikker, round_):
    reservation = kikker.reserve(priced=2)
    overdue = reservation.expires_at + timedelta(seconds=1)

    with time_machine.travel(overdue):
        answers = at_once(
            kikker.organiser,
            lambda: confirm_reservation(reservation),
            lambda: expire_reservations(at=clock.now()),
            lambda: expire_reservation(reservation),
        )

    errors = [answer for answer in answers if isinstance(answer, Exception)]
    found = statuses_and_stock(reservation)
    if errors:
        assert [type(error) for error in errors] == [ReservationOver]
        assert found == (ReservationStatus.EXPIRED, 0, 0)
    else:
        assert found == (ReservationStatus.CONFIRMED, 0, 2)


@pytest.mark.parametrize("round_", range(4))
def test_of_cancellation_and_confirmation_the_places_are_counted_once(kikker, round_):
    reservation = kikker.reserve(priced=2)

    answers = at_once(
        kikker.organiser,
        lambda: confirm_reservation(reservation),
        lambda: cancel_reservation(reservation, manually=True),
    )

    assert [type(a) for a in answers if a is not None] in ([], [ReservationOver])
    assert statuses_and_stock(reservation) == (ReservationStatus.CANCELED_MANUALLY, 0, 0)


def cancel(reservation):
    cancel_reservation(reservation, manually=True)


def sweep(_reservation=None):
    return expire_reservations(at=clock.now())


@pytest.fixture
def overdue(kikker):
    """A hold on two places; its time was up a moment ago."""
    reservation = kikker.reserve(priced=2)
    with time_machine.travel(reservation.expires_at + timedelta(seconds=1)):
        yield reservation


ends = pytest.mark.parametrize("end", [expire_reservation, sweep, cancel])


@ends
def test_without_the_lock_a_hold_is_both_sold_and_let_go(kikker, overdue, end):
    """Negative control: the places that are let go are those of a neighbour."""
    neighbour = kikker.reserve(priced=2)

    answers = overtaken(
        kikker.organiser,
        slow=lambda: end(overdue),
        fast=lambda: confirm_reservation(overdue),
        without_locks_on=[Reservation],
    )

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert (event_pool().held, event_pool().sold) == (0, 2)
    neighbour.refresh_from_db()
    assert neighbour.status == ReservationStatus.PENDING
    assert [count for count in recount() if count.differs] != []


@ends
def test_without_the_lock_and_a_neighbour_the_counters_check_holds_too(kikker, overdue, end):
    answers = overtaken(
        kikker.organiser,
        slow=lambda: end(overdue),
        fast=lambda: confirm_reservation(overdue),
        without_locks_on=[Reservation],
    )

    assert "ticketing_capacitypool_held_check" in str(answers[0])
    assert statuses_and_stock(overdue) == (ReservationStatus.CONFIRMED, 0, 2)


@ends
def test_without_the_lock_what_is_over_cannot_be_sold_because_of_its_check(kikker, overdue, end):
    """The other way round there is a CHECK for it: what is confirmed never ended."""
    kikker.reserve(priced=2)

    answers = overtaken(
        kikker.organiser,
        slow=lambda: confirm_reservation(overdue),
        fast=lambda: end(overdue),
        without_locks_on=[Reservation],
    )

    assert "reservation_ended_when_over" in str(answers[0])
    status, *stock_ = statuses_and_stock(overdue)
    assert status in {ReservationStatus.EXPIRED, ReservationStatus.CANCELED_MANUALLY}
    assert stock_ == [2, 0]


def test_two_sweepers_do_not_release_a_hold_twice(kikker):
    for _ in range(6):
        kikker.reserve(priced=2)

    with time_machine.travel(clock.now() + timedelta(hours=1)):
        answers = at_once(kikker.organiser, *[sweep] * 4)

    assert sum(answers) == 6
    assert event_pool().held == 0
    assert set(Reservation.objects.values_list("status", flat=True)) == {"EXPIRED"}


def test_without_their_locks_two_sweepers_release_a_hold_twice(kikker, overdue):
    """Negative control: the second time it is a neighbour's places that they let go."""
    neighbour = kikker.reserve(priced=2)

    answers = overtaken(kikker.organiser, slow=sweep, fast=sweep, without_locks_on=[Reservation])

    assert answers == [1, 1]
    assert event_pool().held == 0
    neighbour.refresh_from_db()
    assert neighbour.status == ReservationStatus.PENDING


def test_without_their_locks_and_a_neighbour_the_counters_check_holds_too(kikker, overdue):
    answers = overtaken(kikker.organiser, slow=sweep, fast=sweep, without_locks_on=[Reservation])

    assert "ticketing_capacitypool_held_check" in str(answers[0])
    assert answers[1] == 1
    assert statuses_and_stock(overdue) == (ReservationStatus.EXPIRED, 0, 0)


def last_slot(house):
    """Thirty visitors for the last two places of a time slot, with nothing else in the way."""
    set_event_capacity(house.event, capacity=None, by=house.owner)
    TicketType.objects.filter(pk=house.free.ticket_type_id).update(is_timed=True)
    slot = TimeSlot.objects.create(event=house.event, starts_at=house.event.starts_at)
    CapacityPool.objects.create(event=house.event, slot=slot, capacity=2)
    event = Event.objects.get(pk=house.event.pk)
    choice = Choice(house.free.code, 1, slot=slot.code)
    acts = [lambda: reserve_tickets(event, selection=[choice])] * 30
    answers = at_once(house.organiser, *acts)
    return sum(isinstance(answer, Reservation) for answer in answers), slot


def test_the_last_places_of_a_slot_go_to_as_many_visitors(kikker):
    held, slot = last_slot(kikker)

    assert (held, CapacityPool.objects.get(slot=slot).held) == (2, 2)
    assert [count for count in recount() if count.differs] == []


def test_without_condition_and_check_the_last_slot_is_oversold(
    kikker, without_the_rooms_condition, without_the_check
):
    """Negative control."""
    assert last_slot(kikker)[0] == 30
