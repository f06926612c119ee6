"""Holds: made, limited, extended, reclaimed, swept, ended."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from events.models import Event
from events.operations import change_event
from tests.cast import ReleaseFactory, TicketTypeFactory
from ticketing.errors import (
    AlreadyExtended,
    NothingSelected,
    NotOnSale,
    ReservationOver,
    SalesClosed,
    SoldOut,
    TooManyTickets,
)
from ticketing.models import CapacityPool, Reservation, ReservationLine, ReservationStatus
from ticketing.operations import (
    cancel_reservation,
    change_release,
    confirm_reservation,
    expire_reservation,
    expire_reservations,
    extend_reservation,
    mark_payment_started,
    reacquire_reservation,
    release_payment,
    reserve_tickets,
    set_event_capacity,
)
from ticketing.queries import lines_of, quote_of, recount
from ticketing.tasks import sweep_reservations
from tiqqo.core import clock

AFTER_THE_HOLD = timedelta(minutes=20)


def stock():
    """(held, sold) of the event, and every pool agrees with its rows."""
    assert [count for count in recount() if count.differs] == []
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


def later(**delta):
    return time_machine.travel(clock.now() + timedelta(**delta), tick=False)


# Making ---------------------------------------------------------------------------------


def test_a_hold_takes_its_places_in_every_pool(kikker):
    reservation = kikker.reserve(priced=2, free=1)

    assert (reservation.status, stock()) == (ReservationStatus.PENDING, (3, 0))
    assert reservation.expires_at - reservation.created_at == AFTER_THE_HOLD
    assert CapacityPool.objects.get(release=kikker.priced).held == 2
    assert CapacityPool.objects.get(ticket_type=kikker.free.ticket_type).held == 1
    assert [len(line.pool_ids) for line in lines_of(reservation)] == [3, 3]


def test_prices_and_terms_are_frozen(kikker):
    reservation = kikker.reserve(priced=2)

    change_event(kikker.event, by=kikker.owner, tax_rate_bp=2100, fee_payer="organiser")
    change_release(
        kikker.priced,
        by=kikker.owner,
        name="Regular",
        price_minor=9900,
        opens_at=None,
        closes_at=None,
        capacity=None,
    )

    price = quote_of(reservation, lines_of(reservation))
    assert (price.total_minor, price.tax_minor) == (5198, 413)
    renewed = kikker.reserve(priced=2)
    assert quote_of(renewed, lines_of(renewed)).total_minor == 19_800


def refused(error, make, **facts):
    rows = Reservation.objects.count(), ReservationLine.objects.count(), stock()
    with pytest.raises(error) as found:
        make()
    assert (Reservation.objects.count(), ReservationLine.objects.count(), stock()) == rows
    for name, value in facts.items():
        assert getattr(found.value, name) == value
    return str(found.value)


def test_nothing_selected(kikker):
    refused(NothingSelected, kikker.reserve)
    refused(NothingSelected, lambda: reserve_tickets(kikker.event, selection={}))
    refused(
        NothingSelected, lambda: reserve_tickets(kikker.event, selection={kikker.priced.code: -2})
    )


def test_the_events_limit_counts_all_tickets(kikker):
    text = refused(TooManyTickets, lambda: kikker.reserve(priced=12, free=9), limit=20)
    assert text == "At most 20 tickets in one order."
    assert kikker.reserve(priced=12, free=8).pk


def test_the_types_limit_counts_its_releases_together(kikker):
    balcony = TicketTypeFactory(
        event=kikker.event, name="Balcony", per_order_limit=3, by=kikker.owner
    )
    early, late = (
        ReleaseFactory(ticket_type=balcony, name=name, by=kikker.owner)
        for name in ("Early", "Late")
    )
    kikker.event.refresh_from_db()

    def take(first, second):
        return reserve_tickets(kikker.event, selection={early.code: first, late.code: second})

    text = refused(TooManyTickets, lambda: take(2, 2), limit=3)
    assert text == "At most 3 of Balcony in one order."
    assert take(2, 1).pk


def test_what_is_not_on_sale_is_not_held(kikker):
    release = ReleaseFactory(
        event=kikker.event, opens_at=clock.now() + timedelta(days=1), by=kikker.owner
    )

    refused(NotOnSale, lambda: reserve_tickets(kikker.event, selection={release.code: 1}))
    text = refused(NotOnSale, lambda: reserve_tickets(kikker.event, selection={"NOSUCH00": 1}))
    assert text.startswith("A chosen ticket is not on sale")


def test_a_release_of_another_event_or_organiser_is_not_on_sale(cast, kikker):
    refused(
        NotOnSale,
        lambda: reserve_tickets(kikker.event, selection={cast.fjord.priced.code: 1}),
    )


def test_a_draft_and_an_event_that_is_over_sell_nothing(kikker):
    with time_machine.travel(kikker.event.ends_at):
        refused(SalesClosed, lambda: kikker.reserve(priced=1))
    Event.objects.filter(pk=kikker.event.pk).update(status="draft")
    refused(SalesClosed, lambda: kikker.reserve(priced=1))


def test_sold_out_says_how_many_are_left(kikker):
    set_event_capacity(kikker.event, capacity=3, by=kikker.owner)
    kikker.reserve(priced=1)

    text = refused(SoldOut, lambda: kikker.reserve(priced=3), available=2, requested=3)
    assert text == "Only 2 places are left for Night of the Blue Note. Choose fewer tickets."
    kikker.reserve(priced=1)
    text = refused(SoldOut, lambda: kikker.reserve(priced=2), available=1)
    assert text == "Only 1 place is left for Night of the Blue Note. Choose fewer tickets."
    kikker.reserve(priced=1)
    text = refused(SoldOut, lambda: kikker.reserve(free=1), available=0)
    assert text == "Night of the Blue Note is sold out."


def test_sold_out_names_the_tightest_pool(kikker):
    change_release(
        kikker.priced,
        by=kikker.owner,
        name="Regular",
        price_minor=2500,
        opens_at=None,
        closes_at=None,
        capacity=1,
    )

    text = refused(SoldOut, lambda: kikker.reserve(priced=2))
    assert text.startswith("Only 1 place is left for Regular.")


# Extending ------------------------------------------------------------------------------


def test_a_hold_is_extended_once(kikker):
    reservation = kikker.reserve(priced=1)

    with later(minutes=15):
        extended = extend_reservation(reservation)
        assert extended.expires_at == clock.now() + AFTER_THE_HOLD
        with pytest.raises(AlreadyExtended):
            extend_reservation(reservation)
    reservation.refresh_from_db()
    assert reservation.expires_at == extended.expires_at


def test_an_overdue_hold_is_not_extended(kikker):
    reservation = kikker.reserve(priced=1)

    with time_machine.travel(reservation.expires_at, tick=False), pytest.raises(ReservationOver):
        extend_reservation(reservation)
    reservation.refresh_from_db()
    assert reservation.extended_at is None


# Expiring -------------------------------------------------------------------------------


def test_a_hold_is_live_until_its_instant(kikker):
    reservation = kikker.reserve(priced=1)

    assert reservation.is_live(at=reservation.expires_at - timedelta(microseconds=1))
    assert not reservation.is_live(at=reservation.expires_at)


def test_overdue_places_are_reclaimed_without_the_sweeper(kikker):
    set_event_capacity(kikker.event, capacity=2, by=kikker.owner)
    first = kikker.reserve(priced=2)
    refused(SoldOut, lambda: kikker.reserve(free=1))

    with time_machine.travel(first.expires_at):
        second = kikker.reserve(free=2)

    first.refresh_from_db()
    assert (first.status, second.status) == (ReservationStatus.EXPIRED, ReservationStatus.PENDING)
    assert first.ended_at is not None
    assert stock() == (2, 0)


def test_a_hold_with_a_payment_in_flight_is_neither_reclaimed_nor_swept(kikker):
    set_event_capacity(kikker.event, capacity=2, by=kikker.owner)
    paying = kikker.reserve(priced=2)
    mark_payment_started(paying, until=clock.now() + timedelta(minutes=10))
    paying.refresh_from_db()

    with time_machine.travel(paying.expires_at + timedelta(minutes=1)):
        refused(SoldOut, lambda: kikker.reserve(free=1), available=0)
        assert sweep_reservations() == 0
        release_payment(paying)
        assert sweep_reservations() == 1
    assert stock() == (0, 0)


def test_beginning_to_pay_keeps_the_places_long_enough(kikker):
    reservation = kikker.reserve(priced=1)

    with later(minutes=15):
        mark_payment_started(reservation, until=clock.now() + timedelta(minutes=10))
        reservation.refresh_from_db()
        assert reservation.expires_at == clock.now() + timedelta(minutes=10)
        mark_payment_started(reservation, until=clock.now() + timedelta(minutes=1))
        reservation.refresh_from_db()
        assert reservation.expires_at == clock.now() + timedelta(minutes=10)
    with later(hours=1), pytest.raises(ReservationOver):
        mark_payment_started(reservation, until=clock.now() + timedelta(minutes=10))


def test_the_sweeper_lets_overdue_holds_go_in_all_houses(cast):
    for house in (cast.kikker, cast.fjord):
        with house.scope():
            house.reserve(priced=2)
            house.reserve(free=1)
    with later(minutes=10), cast.kikker.scope():
        fresh = cast.kikker.reserve(priced=1)

    with later(minutes=21):
        assert sweep_reservations() == 4
        assert sweep_reservations() == 0

    with cast.kikker.scope():
        fresh.refresh_from_db()
        assert (fresh.status, stock()) == (ReservationStatus.PENDING, (1, 0))
    with cast.fjord.scope():
        assert stock() == (0, 0)


def test_the_sweeper_works_in_batches(kikker, monkeypatch):
    monkeypatch.setattr("ticketing.operations.reserving.SWEEP_BATCH", 2)
    for _ in range(5):
        kikker.reserve(free=1)

    with later(minutes=21):
        assert [expire_reservations(at=clock.now()) for _ in range(4)] == [2, 2, 1, 0]


# Ending ---------------------------------------------------------------------------------


def test_a_confirmed_hold_is_sold(kikker):
    reservation = kikker.reserve(priced=2)

    confirm_reservation(reservation)

    reservation.refresh_from_db()
    assert (reservation.status, reservation.ended_at) == (ReservationStatus.CONFIRMED, None)
    assert stock() == (0, 2)
    with pytest.raises(ReservationOver):
        confirm_reservation(reservation)
    assert stock() == (0, 2)


def test_an_overdue_hold_that_nobody_swept_is_confirmed(kikker):
    reservation = kikker.reserve(priced=2)

    with later(hours=1):
        confirm_reservation(reservation)
    assert stock() == (0, 2)


@pytest.mark.parametrize(
    ("manually", "status"),
    [(True, ReservationStatus.CANCELED_MANUALLY), (False, ReservationStatus.CANCELED)],
)
def test_a_canceled_hold_is_free_at_once(kikker, manually, status):
    reservation = kikker.reserve(priced=2)

    for _ in range(2):
        cancel_reservation(reservation, manually=manually)

    reservation.refresh_from_db()
    assert (reservation.status, stock()) == (status, (0, 0))


def test_sold_places_are_given_back_by_hand_only(kikker):
    reservation = kikker.reserve(priced=2)
    confirm_reservation(reservation)

    cancel_reservation(reservation, manually=False)
    assert stock() == (0, 2)
    cancel_reservation(reservation, manually=True)
    assert stock() == (0, 0)


def test_what_expired_stays_expired(kikker):
    reservation = kikker.reserve(priced=2)
    for _ in range(2):
        expire_reservation(reservation)

    with pytest.raises(ReservationOver):
        cancel_reservation(reservation, manually=True)
    with pytest.raises(ReservationOver):
        confirm_reservation(reservation)
    reservation.refresh_from_db()
    assert (reservation.status, stock()) == (ReservationStatus.EXPIRED, (0, 0))


def test_lost_places_are_bought_after_all_while_they_are_there(kikker):
    reservation = kikker.reserve(priced=2)
    expire_reservation(reservation)

    reacquire_reservation(reservation)

    reservation.refresh_from_db()
    assert (reservation.status, stock()) == (ReservationStatus.CONFIRMED, (0, 2))


def test_lost_places_that_others_have_are_not_bought(kikker):
    set_event_capacity(kikker.event, capacity=2, by=kikker.owner)
    lost = kikker.reserve(priced=2)
    expire_reservation(lost)
    kikker.reserve(free=1)

    with pytest.raises(SoldOut) as found, transaction.atomic():
        reacquire_reservation(lost)

    assert (found.value.requested, found.value.available) == (2, 1)
    lost.refresh_from_db()
    assert (lost.status, stock()) == (ReservationStatus.EXPIRED, (1, 0))


def test_places_that_somebody_gave_up_by_hand_are_not_bought_back(kikker):
    reservation = kikker.reserve(priced=2)
    cancel_reservation(reservation, manually=True)

    with pytest.raises(ReservationOver):
        reacquire_reservation(reservation)
    assert stock() == (0, 0)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"status": "LOST"}, "reservation_"),
        ({"status": "EXPIRED"}, "reservation_ended_when_over"),
        ({"ended_at": "now"}, "reservation_ended_when_over"),
    ],
)
def test_the_database_knows_the_states(kikker, change, constraint):
    reservation = kikker.reserve(priced=1)
    change = {k: clock.now() if v == "now" else v for k, v in change.items()}

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Reservation.objects.filter(pk=reservation.pk).update(**change)


# At a glance ----------------------------------------------------------------------------------


@pytest.fixture
def sold_out(kikker):
    """The room is full, and this process has just seen it."""
    set_event_capacity(kikker.event, capacity=2, by=kikker.owner)
    kikker.event.refresh_from_db()
    held = kikker.reserve(priced=2)
    refused(SoldOut, lambda: kikker.reserve(priced=1), available=0)
    return held


def test_of_a_sold_out_room_a_hold_is_not_even_tried(kikker, sold_out, expect_queries):
    # pools: what is short · anything overdue? · the tightest pool
    with expect_queries(3), pytest.raises(SoldOut):
        reserve_tickets(kikker.event, selection={kikker.priced.code: 1})


def test_places_that_come_free_are_had_after_a_refusal(kikker, sold_out):
    cancel_reservation(sold_out, manually=True)

    assert kikker.reserve(priced=2).status == ReservationStatus.PENDING


def test_overdue_places_are_reclaimed_after_a_refusal(kikker, sold_out):
    with time_machine.travel(sold_out.expires_at + timedelta(seconds=1)):
        assert kikker.reserve(priced=2).status == ReservationStatus.PENDING

    sold_out.refresh_from_db()
    assert sold_out.status == ReservationStatus.EXPIRED


def test_fewer_than_were_refused_are_had(kikker):
    set_event_capacity(kikker.event, capacity=2, by=kikker.owner)
    kikker.event.refresh_from_db()
    kikker.reserve(priced=1)
    refused(SoldOut, lambda: kikker.reserve(priced=2), available=1)
    refused(SoldOut, lambda: kikker.reserve(priced=2), available=1)

    assert kikker.reserve(priced=1).status == ReservationStatus.PENDING
