"""A process that is killed at any step of confirming leaves nothing half done.

Each run is a real process, killed with SIGKILL before its n-th statement, until one gets through.
"""

import os
import signal
import traceback

import pytest
from django.db import connection, connections
from django.db.models import QuerySet

from orders import locks as order_locks
from orders.models import Delivery, Order, OrderStatus, Payment, PaymentMethod, Ticket
from orders.operations import confirm_payment, place_order
from payouts.models import LedgerEntry
from tests.cast import buyer
from ticketing import locks
from ticketing.models import CapacityPool, Reservation, ReservationStatus
from ticketing.queries import recount
from tiqqo.core.compiled import Compiled
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

MOST_STATEMENTS = 60


def killed_before(number, act, organiser):
    """Whether the process that acts was killed before its statement of that number."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        _act_and_die(number, act, organiser)
    _child, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the process failed instead of being killed"
    return False


def _act_and_die(number, act, organiser):
    seen = 0

    def count(execute, sql, params, many, context):
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    try:
        with tenant_scope(organiser), connection.execute_wrapper(count):
            act()
    except BaseException:  # noqa: BLE001  nothing may reach the test runner of the parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def steps_survived(act, organiser, check):
    """How often it was killed before it got through; `check` looks after each death."""
    for number in range(1, MOST_STATEMENTS):
        if not killed_before(number, act, organiser):
            return number - 1
        check()
    raise AssertionError("it never got through")


def counters():
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


def test_killed_while_placing_a_free_order(kikker):
    reservation = kikker.reserve(free=2)

    def untouched():
        assert [count for count in recount() if count.differs] == []
        assert (Order.objects.count(), Ticket.objects.count(), Delivery.objects.count()) == (
            0,
            0,
            0,
        )
        assert Reservation.objects.get().status == ReservationStatus.PENDING
        assert counters() == (2, 0)

    deaths = steps_survived(
        lambda: place_order(
            reservation, buyer=buyer(), attendees=(), payment_method=PaymentMethod.FREE
        ),
        kikker.organiser,
        untouched,
    )

    assert deaths >= 9
    order = Order.objects.get()
    assert (order.status, order.tickets.count(), counters()) == (OrderStatus.FREE, 2, (0, 2))
    assert Delivery.objects.get().order == order
    assert [count for count in recount() if count.differs] == []


def test_killed_while_confirming_a_payment(kikker):
    order, payment = kikker.begin_payment(2)

    def untouched():
        assert [count for count in recount() if count.differs] == []
        assert Order.objects.get().status == OrderStatus.INITIATED
        assert Payment.objects.get().captured_minor == 0
        assert (Ticket.objects.count(), LedgerEntry.objects.count()) == (0, 0)
        assert counters() == (2, 0)

    deaths = steps_survived(
        lambda: confirm_payment(payment, paid=order.total, intent_id="pi_1"),
        kikker.organiser,
        untouched,
    )

    assert deaths >= 12
    order.refresh_from_db()
    assert (order.status, order.tickets.count(), counters()) == (OrderStatus.PAID, 2, (0, 2))
    assert LedgerEntry.objects.count() == 1
    assert [count for count in recount() if count.differs] == []


def test_control_without_a_transaction_something_is_left_half_done(kikker, monkeypatch):
    """The same deaths find an order without its tickets, if the steps are not one transaction."""
    reservation = kikker.reserve(free=1)
    place = place_order.__wrapped__
    # A lock outside of a transaction is refused, and so would be the rest.
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_how: rows)
    for module, name, model in (
        (locks, "_RESERVATION", Reservation),
        (order_locks, "_OF_RESERVATION", Order),
    ):
        made = getattr(module, name)
        monkeypatch.setattr(module, name, Compiled(model, made._build))

    for number in range(1, MOST_STATEMENTS):
        assert killed_before(
            number,
            lambda: place(
                reservation, buyer=buyer(), attendees=(), payment_method=PaymentMethod.FREE
            ),
            kikker.organiser,
        ), "it got through before anything was left half done"
        if (Order.objects.count(), Ticket.objects.count()) == (1, 0):
            return
