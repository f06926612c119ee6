"""Nobody oversells, with real connections; each race is also run with its guard switched off."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection

from events.models import Event
from orders.models import Order, OrderStatus, Ticket
from orders.operations import cancel_order, confirm_payment
from tests.cast import ReleaseFactory
from tests.races import at_once
from ticketing import stock
from ticketing.errors import ReservationOver, SoldOut
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
    add = (
        "ALTER TABLE ticketing_capacitypool ADD CONSTRAINT pool_never_oversold"
        " CHECK (capacity IS NULL OR capacity >= held + sold + set_aside)"
    )
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ticketing_capacitypool DROP CONSTRAINT pool_never_oversold")
        yield
        cursor.execute("TRUNCATE ticketing_capacitypool CASCADE")
        cursor.execute(add)


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


def test_two_sweepers_do_not_release_a_hold_twice(kikker):
    for _ in range(6):
        kikker.reserve(priced=2)

    with time_machine.travel(clock.now() + timedelta(hours=1)):
        answers = at_once(kikker.organiser, *[lambda: expire_reservations(at=clock.now())] * 4)

    assert sum(answers) == 6
    assert event_pool().held == 0
    assert set(Reservation.objects.values_list("status", flat=True)) == {"EXPIRED"}


def test_a_payment_that_is_confirmed_twice_at_once_makes_one_set_of_tickets(kikker, provider):
    order, payment = kikker.begin_payment(2)
    page = provider.pay(payment.session_id)

    answers = at_once(
        kikker.organiser,
        *[lambda: confirm_payment(payment, paid=page.paid, intent_id=page.intent_id)] * 4,
    )

    assert [type(answer) for answer in answers] == [Order] * 4
    assert Ticket.objects.filter(order=order).count() == 2
    assert (event_pool().held, event_pool().sold) == (0, 2)
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


@pytest.mark.parametrize("round_", range(3))
def test_of_cancelling_and_paying_an_order_the_tickets_follow_one_of_them(kikker, provider, round_):
    order, payment = kikker.begin_payment(2)
    page = provider.pay(payment.session_id)

    at_once(
        kikker.organiser,
        lambda: confirm_payment(payment, paid=page.paid, intent_id=page.intent_id),
        lambda: cancel_order(order, by=kikker.owner),
    )

    order.refresh_from_db()
    tickets = Ticket.objects.valid().filter(order=order).count()
    refunds = payment.refunds.count()
    sold = event_pool().sold
    assert (order.status, tickets, refunds, sold) in [("PAID", 2, 0, 2), ("CANCELED", 0, 1, 0)]
    assert [count for count in recount() if count.differs] == []


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
