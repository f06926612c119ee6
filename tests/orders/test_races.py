"""Money that is reported at the same moment as something else; each race also with its guard off."""

import json

import pytest
from django.db import transaction
from django.test import RequestFactory

from orders.models import Delivery, Order, OrderStatus, Payment, ProviderEvent, Refund, Ticket
from orders.operations import cancel_order, confirm_payment
from orders.operations.issuing import issue_tickets
from orders.tasks import handle_provider_event
from orders.views import webhooks
from tests.providers import SIGNATURE
from tests.races import at_once, overtaken, without_constraint
from ticketing.errors import ReservationOver
from ticketing.models import CapacityPool, Reservation
from ticketing.operations import expire_reservation
from ticketing.queries import recount
from tiqqo.core import audit
from tiqqo.core.audit import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)

HANDLE = "orders.tasks.handle_provider_event"
# What `lock_payment` locks.
LOCKED = [Reservation, Order, Payment]


@pytest.fixture
def paid(kikker, provider):
    """An order for two, its payment, and the page where the money just came in."""
    order, payment = kikker.begin_payment(2)
    return order, payment, provider.pay(payment.session_id)


def confirming(payment, page):
    return lambda: confirm_payment(payment, paid=page.paid, intent_id=page.intent_id)


def event_pool():
    return CapacityPool.objects.get(ticket_type=None, release=None)


def outcome(order):
    """The order's status, its valid tickets, its refunds, and what the event has sold."""
    assert [count for count in recount() if count.differs] == []
    order.refresh_from_db()
    tickets = Ticket.objects.valid().filter(order=order).count()
    refunds = Refund.objects.filter(payment__order=order).count()
    return order.status, tickets, refunds, event_pool().sold


def actions_of(order):
    return [entry.action for entry in audit.history_of(order)]


# Twice the same money ---------------------------------------------------------------------


def test_a_payment_that_is_confirmed_twice_at_once_makes_one_set_of_tickets(kikker, paid):
    order, payment, page = paid

    answers = at_once(kikker.organiser, *[confirming(payment, page)] * 4)

    assert [type(answer) for answer in answers] == [Order] * 4
    assert outcome(order) == (OrderStatus.PAID, 2, 0, 2)


def test_without_the_locks_the_second_report_of_a_payment_fails(kikker, paid):
    """Negative control: it meets places that are sold already. With its writes undone, no harm else."""
    order, payment, page = paid

    answers = overtaken(
        kikker.organiser,
        slow=confirming(payment, page),
        fast=confirming(payment, page),
        without_locks_on=LOCKED,
    )

    assert [type(answer) for answer in answers] == [ReservationOver, Order]
    assert outcome(order) == (OrderStatus.PAID, 2, 0, 2)


@pytest.fixture
def late(paid):
    """The same, but the hold had ended before the money came."""
    order, payment, page = paid
    expire_reservation(order.reservation)
    return order, payment, page


def test_late_money_that_is_confirmed_twice_at_once_is_honoured_once(kikker, late):
    order, payment, page = late

    answers = at_once(kikker.organiser, *[confirming(payment, page)] * 4)

    assert [type(answer) for answer in answers] == [Order] * 4
    assert outcome(order) == (OrderStatus.PAID, 2, 0, 2)
    assert actions_of(order).count("payment.late_but_honoured") == 1


def test_without_the_locks_late_money_takes_its_places_twice(kikker, late):
    """Negative control: four places are gone for two tickets."""
    order, payment, page = late

    answers = overtaken(
        kikker.organiser,
        slow=confirming(payment, page),
        fast=confirming(payment, page),
        without_locks_on=LOCKED,
    )

    assert [type(answer) for answer in answers] == [Order] * 2
    assert (event_pool().sold, order.tickets.count()) == (4, 2)
    assert actions_of(order).count("payment.late_but_honoured") == 2


def issuing(order):
    lines = list(order.lines.order_by("id"))
    return lambda: transaction.atomic(issue_tickets)(order, lines, by=SYSTEM)


def test_without_the_orders_lock_a_place_has_one_ticket_because_of_its_constraint(kikker):
    order = kikker.place(priced=2)

    answers = overtaken(kikker.organiser, slow=issuing(order), fast=issuing(order))

    assert "ticket_place_once" in str(answers[0])
    assert len(answers[1]) == order.tickets.count() == 2


def test_without_lock_and_constraints_a_place_has_two_tickets(kikker):
    """Negative control. The mail with the tickets is made once, too, so there are two constraints."""
    order = kikker.place(priced=2)

    with without_constraint(Ticket, "ticket_place_once"):
        with without_constraint(Delivery, "delivery_once"):
            answers = overtaken(kikker.organiser, slow=issuing(order), fast=issuing(order))

        assert [len(answer) for answer in answers] == [2, 2]
        assert order.tickets.count() == 4


# Money for an order that is cancelled -----------------------------------------------------


@pytest.mark.parametrize("round_", range(3))
def test_of_cancelling_and_paying_an_order_the_tickets_follow_one_of_them(kikker, paid, round_):
    order, payment, page = paid

    at_once(
        kikker.organiser, confirming(payment, page), lambda: cancel_order(order, by=kikker.owner)
    )

    assert outcome(order) in [(OrderStatus.PAID, 2, 0, 2), (OrderStatus.CANCELED, 0, 1, 0)]


def test_without_the_locks_a_paid_order_is_cancelled_and_the_money_kept(kikker, paid):
    """Negative control."""
    order, payment, page = paid

    answers = overtaken(
        kikker.organiser,
        slow=lambda: cancel_order(order, by=kikker.owner),
        fast=confirming(payment, page),
        without_locks_on=[Reservation, Order],
    )

    assert [type(answer) for answer in answers] == [Order] * 2
    assert outcome(order) == (OrderStatus.CANCELED, 0, 0, 0)
    payment.refresh_from_db()
    assert payment.captured_minor == page.paid.minor


# The provider's notices -------------------------------------------------------------------


def delivering(provider, page):
    """The provider posts one event; the status that it is answered with."""
    body = json.dumps(provider.notice(page.session_id, "checkout.session.completed").payload)

    def deliver():
        request = RequestFactory().post(
            "/webhooks/stripe/",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": SIGNATURE},
        )
        return webhooks.stripe(request).status_code

    return deliver


def test_an_event_that_is_delivered_twice_at_once_is_stored_and_handled_once(
    kikker, paid, provider, queue
):
    order, _payment, page = paid
    queue.clear()

    answers = at_once(kikker.organiser, *[delivering(provider, page)] * 8)

    assert answers == [200] * 8
    assert ProviderEvent.objects.count() == 1
    assert queue.names == [HANDLE]
    handle_provider_event(ProviderEvent.objects.get().pk)
    assert outcome(order) == (OrderStatus.PAID, 2, 0, 2)


def test_an_event_that_was_not_there_a_moment_ago_is_stored_once(kikker, paid, provider, queue):
    queue.clear()
    deliver = delivering(provider, paid[2])

    answers = overtaken(kikker.organiser, slow=deliver, fast=deliver)

    assert answers == [200] * 2
    assert ProviderEvent.objects.count() == 1
    assert queue.names == [HANDLE]


def test_without_the_constraint_an_event_is_stored_twice(kikker, paid, provider, queue):
    """Negative control; the payment's lock is then what keeps the order at one set of tickets."""
    queue.clear()
    deliver = delivering(provider, paid[2])

    with without_constraint(ProviderEvent, "orders_providerevent_provider_id_key"):
        answers = overtaken(kikker.organiser, slow=deliver, fast=deliver)

        assert answers == [200] * 2
        assert ProviderEvent.objects.count() == 2
        assert queue.names == [HANDLE] * 2


def test_one_event_in_the_hands_of_several_workers_takes_effect_once(kikker, paid, provider):
    order, _payment, page = paid
    delivering(provider, page)()
    event = ProviderEvent.objects.get()

    answers = at_once(kikker.organiser, *[lambda: handle_provider_event(event.pk)] * 4)

    assert answers == [None] * 4
    assert outcome(order) == (OrderStatus.PAID, 2, 0, 2)
    assert actions_of(order).count("order.settled") == 1
