"""What one client may keep from others unpaid: a share of each pool, shown to be in earnest halfway, and
for a time that ends whatever is pressed."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from events.models import Event
from tests.races import at_once
from ticketing import shares
from ticketing.errors import ProofNeeded, ReservationOver, TooManyHeld
from ticketing.models import Reservation
from ticketing.operations import (
    cancel_reservation,
    change_reservation,
    confirm_reservation,
    extend_reservation,
    reserve_tickets,
    set_event_capacity,
)
from ticketing.operations.reserving import mark_payment_started, release_payment
from ticketing.shares import Asker
from tiqqo.core import clock


@pytest.fixture
def lock_order():
    """Not watched: the tests have many operations in one transaction of their own."""


ANN, BOB = Asker("ann", "street"), Asker("bob", "street")
FAR = Asker("far", "elsewhere")


@pytest.fixture(autouse=True)
def _on(settings):
    settings.LIMITS = {}
    shares.forget_askers()


@pytest.fixture
def _counted(monkeypatch):
    """However little it is."""
    monkeypatch.setattr(shares, "UNASKED_PART", 1000)


@pytest.fixture
def hold(kikker, _counted):
    """A hold by somebody of an event of 400 places, of which one client may keep 40."""
    set_event_capacity(kikker.event, capacity=400, by=kikker.owner)

    def hold(count, asker, *, has_worked=False, event=None):
        who = shares.who_worked(asker) if has_worked else asker
        found = event or Event.objects.get(pk=kikker.event.pk)
        return reserve_tickets(found, selection={kikker.free.code: count}, asker=who)

    return hold


def test_half_of_a_share_is_had_for_the_asking_and_the_rest_for_work(hold):
    hold(20, ANN)

    with pytest.raises(ProofNeeded):
        hold(1, ANN)
    hold(10, ANN, has_worked=True)
    hold(10, ANN, has_worked=True)
    with pytest.raises(TooManyHeld) as refused:
        hold(1, ANN, has_worked=True)

    assert "40 places" in str(refused.value)
    hold(20, FAR)


def test_a_network_keeps_as_much_as_three_clients(hold):
    for number in range(6):
        hold(20, Asker(f"client{number}", "street"))

    with pytest.raises(TooManyHeld):
        hold(1, BOB)
    hold(1, FAR)


def test_what_was_bought_let_go_or_ran_out_does_not_count(hold):
    confirm_reservation(hold(20, ANN))
    cancel_reservation(hold(20, ANN), manually=True)
    hold(20, ANN)
    with time_machine.travel(clock.now() + timedelta(minutes=21)):
        hold(20, ANN)


def test_what_waits_for_its_money_counts_until_it_is_let_go(hold):
    """By a method that settles later a page is done in a minute, and its hold is kept for days."""
    for _ in range(2):
        held = hold(20, shares.who_worked(ANN))
        mark_payment_started(held, until=held.expires_at)

    with time_machine.travel(clock.now() + timedelta(hours=2)):
        with pytest.raises(TooManyHeld):
            hold(1, ANN, has_worked=True)
        release_payment(held)
        hold(20, ANN, has_worked=True)


def test_a_changed_hold_counts_once(hold, kikker):
    held = hold(20, ANN)

    change_reservation(held, selection={kikker.free.code: 20}, asker=ANN)


def test_a_changed_hold_is_of_whoever_changed_it(hold, kikker):
    """Else one client could make small holds, and another one any number of them large."""
    held = [hold(1, FAR) for _ in range(3)]
    for each in held[:2]:
        change_reservation(each, selection={kikker.free.code: 20}, asker=shares.who_worked(ANN))

    with pytest.raises(TooManyHeld):
        change_reservation(held[2], selection={kikker.free.code: 20}, asker=shares.who_worked(ANN))

    assert list(Reservation.objects.order_by("id").values_list("client", flat=True)) == [
        "ann",
        "ann",
        "far",
    ]


def test_a_network_of_many_clients_that_each_hold_little_is_counted(kikker):
    """Each holds what a process lets one pass without looking; of IPv6 a network has 65,536 of them."""
    set_event_capacity(kikker.event, capacity=400, by=kikker.owner)
    event = Event.objects.get(pk=kikker.event.pk)

    def hold(number):
        who = Asker(f"client{number}", "street")
        return reserve_tickets(event, selection={kikker.free.code: 10}, asker=who)

    for number in range(12):
        hold(number)
    with pytest.raises(TooManyHeld):
        hold(12)


def test_one_order_is_possible_however_few_places_there_are(hold, kikker):
    set_event_capacity(kikker.event, capacity=20, by=kikker.owner)

    hold(20, ANN)


def test_without_a_limit_of_places_or_with_limits_off_nothing_is_counted(hold, kikker, settings):
    settings.LIMITS = None
    for _ in range(3):
        hold(20, ANN)
    settings.LIMITS = {}
    Event.objects.filter(pk=kikker.event.pk).update(held_share_percent=100)
    for _ in range(3):
        hold(20, ANN)
    Event.objects.filter(pk=kikker.event.pk).update(held_share_percent=10)
    set_event_capacity(kikker.event, capacity=None, by=kikker.owner)
    for _ in range(3):
        hold(20, ANN)


@pytest.mark.parametrize("much", [False, True])
def test_an_ordinary_buyer_costs_no_statement(kikker, django_assert_num_queries, much):
    set_event_capacity(kikker.event, capacity=400, by=kikker.owner)
    event = Event.objects.get(pk=kikker.event.pk)
    reserve_tickets(event, selection={kikker.free.code: 1}, asker=FAR)

    with django_assert_num_queries(5 + (2 if much else 0)):
        reserve_tickets(event, selection={kikker.free.code: 11 if much else 10}, asker=ANN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_counted")
@pytest.mark.parametrize("counts", [True, False], ids=["counted in turn", "control"])
def test_all_at_once_one_client_gets_no_more_than_its_share(kikker, counts, monkeypatch):
    set_event_capacity(kikker.event, capacity=400, by=kikker.owner)
    if not counts:
        monkeypatch.setattr(shares, "_one_at_a_time", lambda event, asker: None)
    event = Event.objects.get(pk=kikker.event.pk)
    worked = shares.who_worked(ANN)

    at_once(
        kikker.organiser,
        *[lambda: reserve_tickets(event, selection={kikker.free.code: 10}, asker=worked)] * 16,
    )

    held = Reservation.objects.filter(client="ann").count()
    assert (held == 4) if counts else (held >= 4)


# How long a hold lasts ----------------------------------------------------------------------


def test_a_hold_ends_whatever_is_pressed(hold):
    held = hold(2, ANN)
    begin = held.created_at
    with time_machine.travel(begin, tick=False) as now:
        minutes = 0
        with pytest.raises(ReservationOver):
            while True:
                extend = held.extended_at is None and minutes > 10
                if extend:
                    held = extend_reservation(held)
                mark_payment_started(held, until=clock.now() + timedelta(minutes=10))
                Reservation.objects.filter(pk=held.pk).update(payment_started_at=None)
                minutes += 5
                now.move_to(begin + timedelta(minutes=minutes))
                assert minutes < 120

    held.refresh_from_db()
    assert held.expires_at == held.ends_by == begin + timedelta(minutes=60)


def test_the_database_keeps_the_bound(hold):
    held = hold(1, ANN)

    with pytest.raises(IntegrityError, match="reservation_ends"), transaction.atomic():
        Reservation.objects.filter(pk=held.pk).update(
            expires_at=held.ends_by + timedelta(seconds=1)
        )
