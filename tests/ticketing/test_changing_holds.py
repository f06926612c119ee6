"""What is in a hold keeps its price and terms; what is more than that is a sale of this moment."""

from datetime import timedelta

import pytest

from events.models import Event
from events.operations import change_event
from tests.cast import ReleaseFactory, TicketTypeFactory
from tests.orders import full_event as stalls
from tests.races import at_once, one_behind_the_other
from ticketing.errors import (
    CodeTooLate,
    NotOnSale,
    OptionUnknown,
    PriceRose,
    PriceTooLow,
    SeveralPrices,
    SeveralSlots,
)
from ticketing.models import (
    CapacityPool,
    Code,
    Promotion,
    Reservation,
    ReservationLine,
    TicketType,
)
from ticketing.operations import (
    change_release,
    change_reservation,
    pause,
    reserve_tickets,
    reserving,
)
from ticketing.queries import lines_of, quote_of, recount
from ticketing.selling import Choice, kept_prices
from tiqqo.core import clock


def fresh(event):
    return Event.objects.get(pk=event.pk)


def again(reservation):
    """The hold as the next request finds it, with the event as it is now."""
    return Reservation.objects.select_related("event").get(pk=reservation.pk)


def change(reservation, selection, **more):
    return change_reservation(again(reservation), selection=selection, **more)


def prices(reservation):
    return [
        (line.quantity, line.unit_price_minor)
        for line in ReservationLine.objects.filter(reservation=reservation).order_by("id")
    ]


def held_places(event):
    assert [count for count in recount() if count.differs] == []
    return CapacityPool.objects.get(event=event, ticket_type=None, release=None).held


def refused(error, reservation, selection, **more):
    """The refusal; the hold is as it was."""
    before, places = prices(reservation), held_places(reservation.event)
    with pytest.raises(error) as found:
        change(reservation, selection, **more)
    assert (prices(reservation), held_places(reservation.event)) == (before, places)
    return found.value


# Prices -----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [3, 20])
def test_more_than_is_held_is_not_had_at_the_old_price(kikker, asked):
    reservation = kikker.reserve(priced=2)
    change_release(kikker.priced, price_minor=9900, by=kikker.owner)

    refusal = refused(PriceRose, reservation, {kikker.priced.code: asked})

    assert str(refusal) == (
        "Regular costs €99.00 now. The 2 that you hold keep their price; buy more in another order."
    )
    assert (refusal.status, refusal.held) == (409, 2)


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [1, 2])
def test_as_many_as_are_held_keep_their_price(kikker, asked):
    reservation = kikker.reserve(priced=2)
    change_release(kikker.priced, price_minor=9900, by=kikker.owner)

    change(reservation, {kikker.priced.code: asked, kikker.free.code: 1})

    assert prices(reservation) == [(asked, 2500), (1, 0)]


@pytest.mark.django_db
def test_what_was_let_go_of_is_not_promised_any_more(kikker):
    reservation = kikker.reserve(priced=5)
    change_release(kikker.priced, price_minor=9900, by=kikker.owner)
    change(reservation, {kikker.priced.code: 1})

    refused(PriceRose, reservation, {kikker.priced.code: 5})


@pytest.mark.django_db
def test_more_of_what_became_cheaper_costs_what_it_costs_now(kikker):
    reservation = kikker.reserve(priced=2)
    change_release(kikker.priced, price_minor=2000, by=kikker.owner)

    change(reservation, {kikker.priced.code: 3})

    assert prices(reservation) == [(3, 2000)]


@pytest.mark.django_db
def test_the_same_thing_written_twice_is_not_held_twice_at_the_old_price(kikker):
    """A time that the type does not need made it another choice, each within what is held."""
    reservation = kikker.reserve(priced=2)
    change_release(kikker.priced, price_minor=9900, by=kikker.owner)
    code = kikker.priced.code

    refused(PriceRose, reservation, [Choice(code, 2), Choice(code, 2, slot="NONE")])


@pytest.fixture
def own_price(kikker):
    """A release whose buyers name the price, from €5.00."""
    ticket_type_factory = TicketTypeFactory(
        event=kikker.event, name="Friend", pricing="open", by=kikker.owner
    )
    return ReleaseFactory(ticket_type=ticket_type_factory, price_minor=500, by=kikker.owner)


@pytest.mark.django_db
def test_an_own_price_that_is_held_stays_though_more_is_asked_now(kikker, own_price):
    reservation = reserve_tickets(
        fresh(kikker.event), selection=[Choice(own_price.code, 2, price_minor=600)]
    )
    change_release(own_price, price_minor=1000, by=kikker.owner)

    change(reservation, [Choice(own_price.code, 2, price_minor=600), Choice(kikker.free.code, 1)])
    assert prices(reservation) == [(2, 600), (1, 0)]
    change(reservation, [Choice(own_price.code, 1)])
    assert prices(reservation) == [(1, 600)]

    refused(PriceRose, reservation, [Choice(own_price.code, 2, price_minor=600)])
    refused(PriceTooLow, reservation, [Choice(own_price.code, 1, price_minor=700)])
    change(reservation, [Choice(own_price.code, 2, price_minor=1200)])
    assert prices(reservation) == [(2, 1200)]
    change(reservation, [Choice(own_price.code, 3)])
    assert prices(reservation) == [(3, 1200)]


# Terms, discounts, windows ----------------------------------------------------------------


def terms(reservation):
    reservation = again(reservation)
    return reservation.fee_payer, reservation.tax_rate_bp


@pytest.mark.django_db
def test_fee_and_tax_of_a_hold_stay_as_long_as_nothing_is_added(kikker):
    reservation = kikker.reserve(priced=2, free=1)
    change_event(kikker.event, tax_rate_bp=2100, fee_payer="organiser", by=kikker.owner)

    change(reservation, {kikker.priced.code: 1})

    assert terms(reservation) == ("buyer", 900)


@pytest.mark.django_db
@pytest.mark.parametrize("selection", [(3, 0), (2, 1)])
def test_what_is_added_is_sold_by_the_terms_of_now(kikker, selection):
    reservation = kikker.reserve(priced=2)
    change_event(kikker.event, tax_rate_bp=2100, fee_payer="organiser", by=kikker.owner)

    priced, free = selection
    change(reservation, {kikker.priced.code: priced, kikker.free.code: free})

    assert terms(reservation) == ("organiser", 2100)
    assert quote_of(again(reservation), lines_of(reservation)).total_minor == 2500 * priced


@pytest.mark.django_db
def test_a_discount_that_is_over_lowers_nothing_that_is_added(kikker):
    promotion = Promotion.objects.create(event=kikker.event, name="Half", rate_bp=5000)
    Code.objects.create(event=kikker.event, promotion=promotion, text="HALF")
    reservation = reserve_tickets(
        fresh(kikker.event), selection={kikker.priced.code: 1}, code="half"
    )
    Promotion.objects.filter(pk=promotion.pk).update(closes_at=clock.now() - timedelta(minutes=1))

    refused(CodeTooLate, reservation, {kikker.priced.code: 20}, code="half")
    change(reservation, {kikker.priced.code: 20})

    assert again(reservation).discounts == []


@pytest.mark.django_db
def test_hidden_tickets_that_a_code_opened_do_not_stay_without_it(kikker):
    """Else one use of it would open them to any number of holds, one after the other."""
    TicketType.objects.filter(pk=kikker.priced.ticket_type_id).update(hidden_at=clock.now())
    promotion = Promotion.objects.create(event=kikker.event, name="Door", kind="none", unlocks=True)
    door = Code.objects.create(event=kikker.event, promotion=promotion, text="DOOR", uses_limit=1)
    reservation = reserve_tickets(
        fresh(kikker.event), selection={kikker.priced.code: 2}, code="door"
    )

    refused(NotOnSale, reservation, {kikker.priced.code: 2})
    refused(NotOnSale, reservation, {kikker.priced.code: 1, kikker.free.code: 1})
    change(reservation, {kikker.priced.code: 1}, code="Door")
    door.refresh_from_db()
    assert (prices(reservation), door.held) == ([(1, 2500)], 1)
    change(reservation, {kikker.free.code: 1})
    door.refresh_from_db()
    assert (prices(reservation), door.held) == ([(1, 0)], 0)


@pytest.mark.django_db
def test_tickets_that_were_hidden_since_stay_whatever_code_is_let_go_of(kikker):
    promotion = Promotion.objects.create(event=kikker.event, name="Half", rate_bp=5000)
    Code.objects.create(event=kikker.event, promotion=promotion, text="HALF")
    reservation = reserve_tickets(
        fresh(kikker.event), selection={kikker.priced.code: 2}, code="half"
    )
    TicketType.objects.filter(pk=kikker.priced.ticket_type_id).update(hidden_at=clock.now())

    change(reservation, {kikker.priced.code: 2})

    assert prices(reservation) == [(2, 2500)]


@pytest.mark.django_db
def test_of_a_release_that_is_paused_no_more_than_is_held(kikker):
    reservation = kikker.reserve(priced=2)
    pause(kikker.priced.ticket_type, by=kikker.owner)

    refused(NotOnSale, reservation, {kikker.priced.code: 3})
    change(reservation, {kikker.priced.code: 2})


# One thing, one line ----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_price_of_a_type_that_has_none_is_refused(kikker):
    code = kikker.free.code
    for choices in ([Choice(code, 1), Choice(code, 1, option="x")], [Choice(code, 1, option="x")]):
        with pytest.raises(OptionUnknown) as refusal:
            reserve_tickets(fresh(kikker.event), selection=choices)
        assert str(refusal.value) == "Under 12 has one price only. Choose how many once more."
    assert (refusal.value.status, Reservation.objects.count()) == (422, 0)


@pytest.mark.django_db
def test_a_time_that_a_type_does_not_need_makes_no_second_line(kikker):
    code = kikker.free.code

    held = reserve_tickets(
        fresh(kikker.event),
        selection=[Choice(code, 1), Choice(code, 2, slot="NONE", price_minor=5)],
    )

    assert prices(held) == [(3, 0)]


@pytest.mark.django_db
def test_two_own_prices_for_one_thing_are_refused(kikker, own_price):
    choices = [
        Choice(own_price.code, 1, price_minor=600),
        Choice(own_price.code, 1, price_minor=700),
    ]

    with pytest.raises(SeveralPrices):
        reserve_tickets(fresh(kikker.event), selection=choices)

    assert Reservation.objects.count() == 0


@pytest.mark.django_db
def test_two_times_of_a_release_are_two_things(kikker):
    stall = stalls.opened(kikker)
    stalls.timed(stall)
    stall.offer("Entry", 1200, is_timed=True)
    code, (first, second, *_) = stall.releases["Entry"].code, stall.slots()

    held = reserve_tickets(
        stall.fresh(),
        selection=[Choice(code, 3, slot=first.code), Choice(code, 1, slot=second.code)],
    )

    release = stall.releases["Entry"].pk
    kept = {key: has.quantity for key, has in kept_prices(lines_of(held)).items()}
    assert kept == {(release, None, first.pk): 3, (release, None, second.pk): 1}


@pytest.mark.django_db
def test_a_bundle_with_a_part_without_time_is_for_one_time(kikker):
    stall = stalls.opened(kikker)
    stalls.timed(stall)
    entry, drink = stall.offer("Entry", 1200, is_timed=True), stall.offer("Drink", 400)
    parts = [stalls.Bundled(entry, 1, 1200), stalls.Bundled(drink, 1, 400)]
    stall.offer("Evening", 1500, parts=parts)
    code, (first, second, *_) = stall.releases["Evening"].code, stall.slots()
    choices = [Choice(code, 1, slot=first.code), Choice(code, 1, slot=second.code)]

    with pytest.raises(SeveralSlots):
        reserve_tickets(stall.fresh(), selection=choices)

    held = reserve_tickets(stall.fresh(), selection=choices[:1])
    change_release(stall.releases["Evening"], price_minor=9900, by=kikker.owner)
    change(held, choices[:1])
    assert sum(price for _quantity, price in prices(held)) == 1500


# Two changes at once ----------------------------------------------------------------------


def changes(house, reservation, *counts):
    """Acts that make the hold one for so many."""
    return [lambda count=count: change(reservation, {house.priced.code: count}) for count in counts]


@pytest.mark.django_db(transaction=True)
def test_a_change_that_waited_for_another_is_judged_by_what_is_held_then(kikker):
    """Planned for the twenty that were held, it comes to write when only one is."""
    reservation = kikker.reserve(priced=20)
    change_release(kikker.priced, price_minor=9900, by=kikker.owner)

    answers = one_behind_the_other(kikker.organiser, *changes(kikker, reservation, 1, 20))

    assert [type(answer) for answer in answers] == [Reservation, PriceRose]
    assert prices(reservation) == [(1, 2500)]
    assert held_places(kikker.event) == 1


@pytest.mark.django_db(transaction=True)
def test_judged_by_what_it_read_before_it_has_places_again_that_were_let_go(kikker, monkeypatch):
    """Negative control."""
    reservation = kikker.reserve(priced=20)
    change_release(kikker.priced, price_minor=9900, by=kikker.owner)
    before = kept_prices(lines_of(reservation))
    monkeypatch.setattr(reserving, "kept_prices", lambda lines: before)

    one_behind_the_other(kikker.organiser, *changes(kikker, reservation, 1, 20))

    assert prices(reservation) == [(20, 2500)]


@pytest.mark.django_db(transaction=True)
def test_of_many_changes_at_once_each_takes_its_turn(kikker):
    reservation = kikker.reserve(priced=4)

    answers = at_once(kikker.organiser, *changes(kikker, reservation, *(1, 2, 3, 4) * 2))

    assert [type(answer) for answer in answers] == [Reservation] * 8
    [(count, price)] = prices(reservation)
    assert (held_places(kikker.event), price) == (count, 2500)
