"""What the orders desk does: invoices, settlements, cancellations."""

import pytest

from events.models import Event
from orders.errors import AlreadySettled, NotAnInvoiceOrder, OrderOver, PaidOrdersAreRefunded
from orders.models import Delivery, OrderStatus, Stage
from orders.operations import cancel_order, mark_settled, send_invoice
from payouts.models import LedgerEntry
from ticketing.models import CapacityPool, Reservation
from ticketing.queries import recount
from tiqqo.core import audit
from tiqqo.core.models import AuditEntry

PREPARE, WELCOME = "orders.tasks.prepare_delivery", "orders.tasks.welcome_people"


def stock():
    assert [count for count in recount() if count.differs] == []
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


def refused(error, operation, order, by, queue, committing):
    order.refresh_from_db()
    before = (order.status, order.invoice_sent_at, order.tickets.count(), Delivery.objects.count())
    records = AuditEntry.objects.count()
    with pytest.raises(error), committing():
        operation(order, by=by)
    order.refresh_from_db()
    assert before == (
        order.status,
        order.invoice_sent_at,
        order.tickets.count(),
        Delivery.objects.count(),
    )
    assert (AuditEntry.objects.count(), queue.jobs) == (records, [])


def test_an_invoice_is_sent_then_settled(fjord, queue, committing):
    order = fjord.place_invoice(2)

    with committing():
        sent = send_invoice(order, by=fjord.owner)
        again = send_invoice(order, by=fjord.owner)
    assert (sent.stage, sent.status) == (Stage.INVOICE_SENT, OrderStatus.OFFLINE_PENDING)
    assert again.invoice_sent_at == sent.invoice_sent_at
    assert (order.tickets.count(), queue.names) == (0, [PREPARE])
    queue.clear()

    with committing():
        settled = mark_settled(order, by=fjord.owner)
    assert (settled.stage, settled.status) == (Stage.SETTLED, OrderStatus.PAID)
    assert (order.tickets.count(), stock()) == (2, (0, 2))
    assert queue.names == [PREPARE, WELCOME]
    assert LedgerEntry.objects.count() == 0
    assert [e.action for e in audit.history_of(order)] == [
        "order.placed",
        "order.address_asked",
        "order.address_confirmed",
        "order.invoice_sent",
        "order.settled",
        "tickets.issued",
    ]


def test_tickets_may_be_issued_with_the_invoice(fjord, queue, committing):
    Event.objects.update(invoice_issues="sent")
    order = fjord.place_invoice(2)

    with committing():
        send_invoice(order, by=fjord.owner)
    assert (order.tickets.count(), queue.names) == (2, [PREPARE, PREPARE, WELCOME])
    queue.clear()
    with committing():
        mark_settled(order, by=fjord.owner)
    assert (order.tickets.count(), queue.jobs) == (2, [])


def test_an_invoice_may_be_settled_before_it_was_marked_as_sent(fjord):
    assert mark_settled(fjord.place_invoice(1), by=fjord.owner).stage == Stage.SETTLED


@pytest.mark.parametrize("operation", [send_invoice, mark_settled])
def test_only_open_invoice_orders_are_marked(fjord, queue, committing, operation):
    card, free = fjord.place(priced=1), fjord.place_free(1)
    over, settled = fjord.place_invoice(1), fjord.place_invoice(1)
    cancel_order(over, by=fjord.owner)
    mark_settled(settled, by=fjord.owner)

    for order, error in (
        (card, NotAnInvoiceOrder),
        (free, NotAnInvoiceOrder),
        (over, OrderOver),
        (settled, AlreadySettled),
    ):
        refused(error, operation, order, fjord.owner, queue, committing)


def test_cancelling_frees_the_places_and_voids_the_tickets(fjord):
    order = fjord.place_free(3)
    other = fjord.place_free(1)

    for _ in range(2):
        canceled = cancel_order(order, by=fjord.owner)

    assert (canceled.status, canceled.stage) == (OrderStatus.CANCELED, Stage.CANCELLED)
    assert stock() == (0, 1)
    assert list(order.tickets.values_list("status", flat=True)) == ["void"] * 3
    assert all(ticket.voided_at for ticket in order.tickets.all())
    assert other.tickets.get().status == "valid"
    assert Reservation.objects.get(order=order).status == "CANCELED_MANUALLY"
    assert [e.action for e in audit.history_of(order)].count("order.canceled") == 1


def test_an_order_that_waits_for_its_money_can_be_cancelled(fjord):
    card, invoice = fjord.place(priced=1), fjord.place_invoice(1)
    assert stock() == (1, 1)
    cancel_order(card, by=fjord.owner)
    cancel_order(invoice, by=fjord.owner)

    assert stock() == (0, 0)


def test_a_paid_order_is_refunded_and_not_cancelled(fjord, queue, committing):
    order = mark_settled(fjord.place_invoice(1), by=fjord.owner)

    refused(PaidOrdersAreRefunded, cancel_order, order, fjord.owner, queue, committing)
    assert order.tickets.get().status == "valid"
    assert stock() == (0, 1)
