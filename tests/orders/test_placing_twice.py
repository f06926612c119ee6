"""The same checkout twice at once: whoever waited for the hold finds the order that was made of it."""

import pytest
from django.db import transaction
from django.urls import reverse

from orders import locks
from orders.errors import HoldChanged, OrderAlreadyPlaced
from orders.locks import LockedHold, lock_hold, lock_order
from orders.models import Order, OrderStatus, Payment, PaymentMethod, Refund, RefundReason
from orders.operations import abandon_payment, confirm_payment, open_payment, place_order
from tests.cast import ReleaseFactory, TicketTypeFactory, buyer
from tests.races import at_once, one_behind_the_other
from ticketing.models import Reservation
from ticketing.operations import change_reservation
from ticketing.queries import lines_of, recount

pytestmark = pytest.mark.django_db(transaction=True)


def placing(reservation, method):
    return lambda: place_order(reservation, buyer=buyer(), attendees=(), payment_method=method)


def test_who_waited_for_a_card_checkout_has_the_same_order(kikker):
    act = placing(kikker.reserve(priced=2), PaymentMethod.CARD)

    first, second = one_behind_the_other(kikker.organiser, act, act)

    assert (type(first), type(second)) == (Order, Order)
    assert (first.pk, first.code) == (second.pk, second.code)
    assert Order.objects.get().lines.count() == 1
    assert [count for count in recount() if count.differs] == []


def test_who_waited_for_a_free_checkout_learns_that_it_is_placed(kikker):
    act = placing(kikker.reserve(free=2), PaymentMethod.FREE)

    answers = one_behind_the_other(kikker.organiser, act, act)

    assert [type(answer) for answer in answers] == [Order, OrderAlreadyPlaced]
    assert Order.objects.get().tickets.count() == 2


@pytest.mark.parametrize(
    ("sold", "method"), [("priced", PaymentMethod.CARD), ("free", PaymentMethod.FREE)]
)
def test_one_checkout_eight_times_at_once_is_one_order(kikker, sold, method):
    act = placing(kikker.reserve(**{sold: 2}), method)

    answers = at_once(kikker.organiser, *[act] * 8)

    assert {type(answer) for answer in answers} <= {Order, OrderAlreadyPlaced}
    order = Order.objects.get()
    assert {answer.pk for answer in answers if isinstance(answer, Order)} == {order.pk}


def test_with_the_order_joined_to_the_locked_row_the_second_meets_the_constraint(
    kikker, monkeypatch
):
    """Negative control: what is joined to a row was read before the wait for it."""
    act = placing(kikker.reserve(priced=2), PaymentMethod.CARD)

    def joined(reservation):
        locked = (
            Reservation.objects.select_related("event", "order")
            .select_for_update(of=("self",))
            .get(pk=reservation.pk)
        )
        order = locked.order if hasattr(locked, "order") else None
        return LockedHold(locked, lines_of(locked), order)

    monkeypatch.setattr("orders.operations.placing.lock_hold", joined)

    answers = one_behind_the_other(kikker.organiser, act, act)

    assert type(answers[0]) is Order
    assert "orders_order_reservation_id_key" in str(answers[1])


def test_an_order_that_changes_its_hold_meanwhile_is_locked_with_the_new_one(kikker, monkeypatch):
    """As an accepted substitute does it. Who waited for the old hold takes the new one before the order."""
    order = kikker.place(priced=1)
    other = kikker.reserve(priced=1)
    taken = []
    lock_row = locks.lock_reservation_row

    def noted(reservation_id):
        taken.append(reservation_id)
        return lock_row(reservation_id)

    def accept():
        lock_hold(order.reservation)
        lock_row(other.pk)
        Order.objects.filter(pk=order.pk).update(reservation=other)

    def lock():
        monkeypatch.setattr(locks, "lock_reservation_row", noted)
        with transaction.atomic():
            return lock_order(order.pk).reservation

    answers = one_behind_the_other(kikker.organiser, accept, lock)

    assert answers[1] == other
    assert taken == [order.reservation_id, other.pk]


def test_who_sends_a_free_checkout_twice_comes_to_the_same_order(kikker, client):
    """The second one waited for the first, which is what its page did not know."""
    held = kikker.reserve(free=1)
    address = reverse("shop:checkout", args=[kikker.organiser.slug, kikker.event.slug, held.secret])
    sent = {"first_name": "Carla", "last_name": "Buyer", "email": "carla@example.org"}

    first, second = one_behind_the_other(
        kikker.organiser,
        placing(held, PaymentMethod.FREE),
        lambda: client.post(address, sent),
    )

    assert (second.status_code, second.headers["Location"]) == (303, address)
    assert client.get(address).headers["Location"].endswith(f"/{first.code}/{first.secret}/")
    assert Order.objects.count() == 1


def test_an_order_is_not_paid_when_its_hold_was_changed_after_it_was_placed(kikker):
    order = kikker.place(priced=1)
    change_reservation(order.reservation, selection={kikker.priced.code: 3})

    with pytest.raises(HoldChanged):
        open_payment(order)

    assert Payment.objects.count() == 0
    placing(order.reservation, PaymentMethod.CARD)()
    opened = open_payment(order)
    assert opened.payment.amount_minor == 3 * 2599


def test_an_order_is_not_paid_when_others_of_the_same_price_are_held(kikker):
    order = kikker.place(priced=1)
    ticket_type_factory = TicketTypeFactory(event=kikker.event, name="Balcony", by=kikker.owner)
    twin = ReleaseFactory(
        ticket_type=ticket_type_factory,
        name="Balcony",
        price_minor=kikker.priced.price_minor,
        by=kikker.owner,
    )
    held = Reservation.objects.select_related("event").get(pk=order.reservation_id)
    change_reservation(held, selection={twin.code: 1})

    with pytest.raises(HoldChanged):
        open_payment(order)

    assert Payment.objects.count() == 0


def test_money_for_tickets_that_were_changed_while_the_page_was_made_goes_back(kikker):
    """The page was looked for in vain, so the payment was given up; then it was there and was paid."""
    order = kikker.place(priced=3)
    payment = open_payment(order).payment
    abandon_payment(payment, failed=True)
    change_reservation(
        Reservation.objects.select_related("event").get(pk=order.reservation_id),
        selection={kikker.priced.code: 1},
    )

    confirm_payment(payment, paid=order.total, intent_id="pi_1")

    order.refresh_from_db()
    refund = Refund.objects.get()
    assert (order.status, order.tickets.count()) == (OrderStatus.CANCELED, 0)
    assert (refund.reason, refund.amount_minor) == (RefundReason.TOO_LATE, order.total_minor)
    assert [count for count in recount() if count.differs] == []
