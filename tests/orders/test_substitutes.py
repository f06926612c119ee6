"""Money that came too late for its tickets: others are offered, taken or not, and no cent is lost."""

from datetime import timedelta

import pytest
import time_machine

from orders.errors import SubstituteOver
from orders.models import (
    Delivery,
    OrderStatus,
    Refund,
    RefundReason,
    Substitute,
    SubstituteStatus,
    Ticket,
)
from orders.operations import (
    accept_substitute,
    cancel_order,
    decline_substitute,
    lapse_substitute,
)
from payouts.queries import pending_balance
from tests.cast import ReleaseFactory, TicketTypeFactory
from tests.orders.test_paying import COMPLETED, actions_of, after_the_hold, postings, report
from tests.races import at_once, one_behind_the_other
from ticketing.models import CapacityPool, Reservation, ReservationStatus
from ticketing.operations import change_ticket_type, expire_reservation, hide
from ticketing.queries import recount
from tiqqo.core import clock
from tiqqo.core.audit import BUYER
from tiqqo.core.money import Money

pytestmark = pytest.mark.django_db


def agree():
    assert [count for count in recount() if count.differs] == []


def other(house, name="Balcony", price_minor=2000):
    kind = TicketTypeFactory(event=house.event, name=name, by=house.owner)
    return ReleaseFactory(ticket_type=kind, price_minor=price_minor, by=house.owner)


def late(house, provider, sweep, *, count=2):
    """Two Regular tickets (€ 51.98) are paid after their hold, when somebody else has the last ones."""
    order, payment = house.begin_payment(count)
    change_ticket_type(house.priced.ticket_type, capacity=count, by=house.owner)
    with after_the_hold(order):
        sweep()
        house.event.refresh_from_db()
        house.reserve(priced=1)
        provider.pay(payment.session_id)
        report(provider, payment, COMPLETED)
    order.refresh_from_db()
    payment.refresh_from_db()
    return order, payment


def offered(order):
    return Substitute.objects.select_related("reservation").get(order=order)


@pytest.fixture
def offer(kikker, provider, sweep):
    """(order, payment, substitute): two Balcony tickets at € 20 wait for the buyer's word."""
    other(kikker)
    order, payment = late(kikker, provider, sweep)
    return order, payment, offered(order)


def test_something_else_is_held_and_the_buyer_is_told(offer):
    order, payment, substitute = offer

    assert (order.status, order.tickets.count()) == (OrderStatus.PENDING, 0)
    assert substitute.status == SubstituteStatus.OFFERED
    [line] = substitute.reservation.lines.all()
    assert (line.ticket_name, line.quantity) == ("Balcony", 2)
    lasts = substitute.reservation.expires_at - substitute.offered_at
    assert timedelta(0) <= timedelta(hours=24) - lasts < timedelta(seconds=1)
    assert [delivery.kind for delivery in Delivery.objects.all()] == ["substitute"]
    assert Refund.objects.count() == 0
    assert actions_of(order)[-1] == "substitute.offered"
    assert postings() == [("payment", "clearing", 5198), ("payment", "pending", -5198)]
    agree()


def test_taken_it_is_settled_and_what_it_costs_less_goes_back(offer, provider, queue, committing):
    order, payment, substitute = offer

    with committing():
        accept_substitute(substitute)
    queue.work()

    order.refresh_from_db()
    payment.refresh_from_db()
    # 2 x € 20.00 and the service fee: 2 x (49 c + 2 %)
    assert (order.status, order.total_minor, order.platform_fee_minor) == ("PAID", 4178, 178)
    assert {t.ticket_type.name for t in Ticket.objects.valid().filter(order=order)} == {"Balcony"}
    assert order.tickets.count() == order.quantity == 2
    assert order.reservation == substitute.reservation
    assert order.reservation.status == ReservationStatus.CONFIRMED
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.reason) == (1020, RefundReason.COSTS_LESS)
    assert provider.refunded == [(payment.intent_id, Money(1020, "EUR"))]
    assert payment.captured_minor - payment.refunded_minor == order.total_minor
    assert order.refunded_minor == 0
    assert pending_balance("EUR") == Money(4000, "EUR")
    assert sum(amount for _kind, _account, amount in postings()) == 0
    agree()


def test_taken_twice_is_taken_once(offer):
    order, _payment, substitute = offer
    accept_substitute(substitute)
    accept_substitute(substitute)

    assert order.tickets.count() == 2
    assert Refund.objects.count() == 1
    with pytest.raises(SubstituteOver):
        decline_substitute(substitute, by="buyer")


def test_declined_all_the_money_goes_back_and_the_places_are_free(
    offer, provider, queue, committing, kikker
):
    order, payment, substitute = offer

    with committing():
        decline_substitute(substitute, by=kikker.owner)
    queue.work()

    order.refresh_from_db()
    substitute.reservation.refresh_from_db()
    assert order.status == OrderStatus.CANCELED
    assert substitute.reservation.status == ReservationStatus.CANCELED
    assert provider.refunded == [(payment.intent_id, Money(5198, "EUR"))]
    assert Refund.objects.get().reason == RefundReason.TOO_LATE
    assert pending_balance("EUR") == Money(0, "EUR")
    balcony = CapacityPool.objects.filter(ticket_type__name="Balcony")
    assert [pool.held for pool in balcony] in ([], [0])
    agree()


def test_nobody_decides_and_the_money_goes_back_by_itself(offer, provider, sweep):
    order, payment, substitute = offer

    with time_machine.travel(substitute.reservation.expires_at + timedelta(seconds=1)):
        with pytest.raises(SubstituteOver):
            accept_substitute(substitute)
        sweep()
        sweep()

    order.refresh_from_db()
    substitute.refresh_from_db()
    assert (order.status, substitute.status) == (OrderStatus.CANCELED, SubstituteStatus.LAPSED)
    assert Refund.objects.get().amount_minor == 5198
    agree()


def test_cancelled_at_the_desk_the_money_goes_back(offer, kikker):
    order, _payment, substitute = offer

    cancel_order(order, by=kikker.owner)

    substitute.refresh_from_db()
    order.refresh_from_db()
    assert (order.status, substitute.status) == (OrderStatus.CANCELED, SubstituteStatus.DECLINED)
    assert Refund.objects.get().amount_minor == 5198


@pytest.mark.parametrize(
    ("price", "is_hidden"),
    [(2600, False), (0, False), (2000, True)],
    ids=["dearer", "free", "hidden"],
)
def test_what_is_dearer_free_or_hidden_stands_in_for_nothing(
    kikker, provider, price, is_hidden, sweep
):
    release = other(kikker, price_minor=price)
    if is_hidden:
        hide(release.ticket_type, by=kikker.owner)

    order, _payment = late(kikker, provider, sweep)

    assert (order.status, Substitute.objects.count()) == (OrderStatus.CANCELED, 0)
    assert Refund.objects.get().reason == RefundReason.TOO_LATE
    assert Reservation.objects.filter(status="PENDING").count() == 1
    agree()


def test_what_one_address_may_have_holds_for_a_substitute(kikker, provider, sweep):
    release = other(kikker)
    change_ticket_type(release.ticket_type, per_email_limit=1, by=kikker.owner)

    order, _payment = late(kikker, provider, sweep)

    assert (order.status, Substitute.objects.count()) == (OrderStatus.CANCELED, 0)
    agree()


def test_a_substitute_counts_as_its_buyers(offer):
    order, _payment, substitute = offer
    assert substitute.reservation.email_key == order.email.lower()


def test_of_several_the_dearest_is_offered(kikker, provider, sweep):
    other(kikker, "Standing", 1000)
    other(kikker, "Balcony", 2200)
    other(kikker, "Box", 9000)

    order, _payment = late(kikker, provider, sweep)

    [line] = offered(order).reservation.lines.all()
    assert line.ticket_name == "Balcony"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_of_taking_declining_and_lapsing_one_happens(kikker, provider, round_, sweep):
    other(kikker)
    order, payment = late(kikker, provider, sweep)
    substitute = offered(order)

    answers = at_once(
        kikker.organiser,
        lambda: accept_substitute(substitute),
        lambda: decline_substitute(substitute, by=kikker.owner),
        lambda: lapse_substitute(substitute),
        lambda: accept_substitute(substitute),
    )

    assert {type(a) for a in answers if isinstance(a, Exception)} <= {SubstituteOver}
    order.refresh_from_db()
    substitute.refresh_from_db()
    back = sum(refund.amount_minor for refund in payment.refunds.all())
    tickets = order.tickets.count()
    assert (order.status, substitute.status, tickets, back) in [
        ("PAID", "accepted", 2, 5198 - 4178),
        ("CANCELED", "declined", 0, 5198),
        ("CANCELED", "lapsed", 0, 5198),
    ]
    agree()


# The buyer's page -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_declined_while_it_runs_out_the_money_goes_back_all_the_same(kikker, provider, sweep):
    """Whoever declines reads the hold once it is theirs to read, not as it was before."""
    other(kikker)
    order, _payment = late(kikker, provider, sweep)
    substitute = offered(order)

    answers = one_behind_the_other(
        kikker.organiser,
        lambda: expire_reservation(substitute.reservation),
        lambda: decline_substitute(substitute, by=BUYER),
    )

    assert answers[1] == order
    substitute.refresh_from_db()
    assert (substitute.status, Refund.objects.count()) == (SubstituteStatus.DECLINED, 1)
    agree()


@pytest.fixture
def page(offer, pages, kikker):
    order, *_ = offer
    address = f"/blauwe-kikker/{kikker.event.slug}/orders/{order.code}/{order.secret}/"
    return pages, address, order


def test_the_page_says_what_is_held_and_lets_the_buyer_choose(page, queue, committing):
    pages, address, order = page

    seen = pages.get_page(address)
    assert seen.h1 == "Your tickets were gone"
    assert "2 × Balcony" in seen.text("main")
    assert "€10.20 goes back to you" in seen.text("main").replace("\N{NO-BREAK SPACE}", " ")
    with committing():
        taken = pages.follow(seen.submit("Take these tickets", status=303))

    assert taken.h1 == "Your tickets"
    assert order.tickets.count() == 2


def test_the_page_gives_the_money_back(page):
    pages, address, order = page

    after = pages.follow(pages.get_page(address).submit("I want my money back", status=303))

    assert after.h1 == "Order cancelled"
    assert "is on its way back to you" in after.text("main")
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED


def test_the_page_after_time_is_up_says_so(page):
    pages, address, order = page
    with time_machine.travel(offered(order).reservation.expires_at + timedelta(seconds=1)):
        seen = pages.get_page(address)
    assert "your money is on its way back" in seen.text("main")
    assert clock.now() < offered(order).reservation.expires_at
