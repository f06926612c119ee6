"""A hold becomes an order."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from events.operations import change_event
from orders.errors import CompanyMissing, MethodNotOffered, OrderAlreadyPlaced
from orders.models import Delivery, Order, OrderStatus, PaymentMethod, Stage, Ticket
from orders.operations import place_order
from tests.cast import DORA, EMIL, buyer
from ticketing.errors import ReservationOver
from ticketing.models import CapacityPool, ReservationStatus
from tiqqo.core import audit, clock

PREPARE, WELCOME = "orders.tasks.prepare_delivery", "orders.tasks.welcome_people"


def stock():
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


def actions_of(order):
    return [entry.action for entry in audit.history_of(order)]


def test_a_free_order_is_settled_at_once_with_its_tickets(kikker, queue, committing):
    with committing():
        order = kikker.place_free(2)

    assert (order.status, order.payment_method, order.stage) == ("FREE", "FREE", Stage.SETTLED)
    assert order.confirmed_at == order.settled_at is not None
    assert order.total_minor == 0
    assert order.tickets.count() == 2
    assert (order.reservation.__class__.objects.get().status, stock()) == ("CONFIRMED", (0, 2))
    assert queue.names == [PREPARE, WELCOME]
    assert actions_of(order) == ["order.placed", "tickets.issued"]


def test_a_free_order_is_free_whatever_was_asked(fjord):
    order = fjord.place(free=1, method=PaymentMethod.CARD)

    assert (order.payment_method, order.status) == (PaymentMethod.FREE, OrderStatus.FREE)


def test_a_card_order_waits_for_its_money(kikker, queue, committing):
    with committing():
        order = kikker.place(priced=2)

    assert (order.status, order.stage, order.confirmed_at) == ("INITIATED", Stage.REQUESTED, None)
    assert (order.net_minor, order.tax_minor, order.fee_minor) == (4587, 413, 198)
    assert (order.total_minor, order.platform_fee_minor, order.currency) == (5198, 198, "EUR")
    assert (order.tickets.count(), stock(), queue.jobs) == (0, (2, 0), [])


def test_an_invoice_order_is_confirmed_without_tickets(fjord, queue, committing):
    with committing():
        order = fjord.place_invoice(1)

    assert (order.status, order.stage) == ("OFFLINE_PENDING", Stage.REQUESTED)
    assert (order.net_minor, order.tax_minor, order.total_minor) == (100_000, 25_000, 127_049)
    assert order.confirmed_at is not None and order.settled_at is None
    assert (order.tickets.count(), stock()) == (0, (0, 1))
    assert queue.names == [PREPARE, PREPARE]
    assert [each.kind for each in Delivery.objects.order_by("id")] == ["confirm", "received"]


def refused(error, house, queue, committing, field=None, **facts):
    reservation = facts.pop("reservation", None) or house.reserve(priced=1)
    before = (Order.objects.count(), Ticket.objects.count(), Delivery.objects.count(), stock())
    with pytest.raises(error) as found, committing():
        place_order(
            reservation,
            **{"buyer": buyer(), "attendees": [], "payment_method": PaymentMethod.CARD, **facts},
        )
    assert found.value.field == field
    assert queue.jobs == []
    assert before == (
        Order.objects.count(),
        Ticket.objects.count(),
        Delivery.objects.count(),
        stock(),
    )


def test_an_invoice_needs_permission_and_a_company(cast, kikker, queue, committing):
    invoice = PaymentMethod.INVOICE
    acme = buyer(company_name="Acme")
    refused(
        MethodNotOffered,
        kikker,
        queue,
        committing,
        "payment_method",
        payment_method=invoice,
        buyer=acme,
    )
    with cast.fjord.scope():
        refused(
            CompanyMissing,
            cast.fjord,
            queue,
            committing,
            "company_name",
            payment_method=invoice,
            buyer=buyer(company_name="  "),
        )


@pytest.mark.parametrize("method", ["SPONSORED", "FREE", "IN_PERSON"])
def test_a_buyer_does_not_choose_not_to_pay(fjord, queue, committing, method):
    refused(
        MethodNotOffered,
        fjord,
        queue,
        committing,
        "payment_method",
        payment_method=PaymentMethod(method),
    )


def test_the_desk_grants_and_invoices_where_buyers_cannot(kikker):
    sponsored = kikker.place(priced=1, method=PaymentMethod.SPONSORED, by=kikker.owner)
    free = kikker.place(priced=1, method=PaymentMethod.FREE, by=kikker.owner)
    invoiced = kikker.place_invoice(1, by=kikker.owner)

    assert [(o.status, o.payment_method, o.total_minor) for o in (sponsored, free, invoiced)] == [
        ("FREE", "SPONSORED", 0),
        ("FREE", "FREE", 0),
        ("OFFLINE_PENDING", "INVOICE", 2599),
    ]
    assert [o.tickets.count() for o in (sponsored, free, invoiced)] == [1, 1, 0]
    assert audit.history_of(sponsored).first().actor_label == "Ana de Vries"


def test_the_desk_takes_no_cards(kikker, queue, committing):
    refused(MethodNotOffered, kikker, queue, committing, "payment_method", by=kikker.owner)


def test_an_overdue_hold_becomes_no_order(kikker, queue, committing):
    reservation = kikker.reserve(priced=1)
    with time_machine.travel(reservation.expires_at, tick=False):
        refused(ReservationOver, kikker, queue, committing, reservation=reservation)


def test_placing_again_replaces_what_was_typed(kikker):
    first = kikker.place(priced=2, attendees=(DORA, EMIL), consent_text="News, please.")
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        second = place_order(
            first.reservation,
            buyer=buyer(first_name="Clara", email="clara@example.org"),
            attendees=[EMIL],
            payment_method=PaymentMethod.CARD,
            locale="nl",
        )

    assert (second.pk, second.code, second.secret) == (first.pk, first.code, first.secret)
    order = Order.objects.get()
    assert (order.first_name, order.email, order.locale) == ("Clara", "clara@example.org", "nl")
    assert (order.consented_at, order.consent_text) == (None, "")
    (line,) = order.lines.all()
    assert [holder["first"] for holder in line.holders] == ["Emil", "Clara"]
    assert stock() == (2, 0)


def test_a_settled_order_is_not_placed_again(kikker, queue, committing):
    order = kikker.place_free(1)
    refused(
        OrderAlreadyPlaced,
        kikker,
        queue,
        committing,
        reservation=order.reservation,
        buyer=buyer(first_name="Mallory"),
    )
    order.refresh_from_db()
    assert order.first_name == "Carla"


def test_attendees_come_place_by_place_and_the_buyer_fills_up(kikker):
    order = kikker.place(priced=2, free=1, attendees=(DORA, EMIL))

    priced, free = order.lines.order_by("id")
    assert [holder["first"] for holder in priced.holders] == ["Dora", "Emil"]
    assert free.holders == [{"first": "Carla", "last": "Buyer", "email": "carla@example.org"}]


def test_lines_add_up_to_the_order(fjord):
    order = fjord.place(priced=3, free=2)

    lines = order.lines.all()
    assert sum(line.net_minor for line in lines) == order.net_minor
    assert sum(line.tax_minor for line in lines) == order.tax_minor
    assert sum(line.fee_minor for line in lines) == order.platform_fee_minor
    assert order.quantity == 5


def test_consent_is_kept_with_its_words(kikker):
    order = kikker.place(priced=1, consent_text="Blauwe Kikker may send me news.")

    assert order.consented_at is not None
    assert order.consent_text == "Blauwe Kikker may send me news."


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"total_minor": 5199}, "order_total_adds_up"),
        ({"tax_minor": 0}, "order_total_adds_up"),
        ({"refunded_minor": 5199}, "order_refunds_at_most_its_total"),
        ({"status": "PAID"}, "order_settled_is_confirmed"),
    ],
)
def test_the_database_refuses_orders_that_do_not_add_up(kikker, change, constraint):
    order = kikker.place(priced=2)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**change)


def test_frozen_prices_are_charged(kikker):
    reservation = kikker.reserve(priced=1)
    change_event(kikker.event, by=kikker.owner, tax_rate_bp=0)

    order = place_order(reservation, buyer=buyer(), attendees=[], payment_method=PaymentMethod.CARD)
    assert (order.tax_rate_bp, order.tax_minor) == (900, 206)
    assert reservation.status == ReservationStatus.PENDING
