"""A history of sales made in SQL: as true as a real one."""

import pytest
from django.db import connection

from devtools.bench.filling import NotMultipliable, multiply_order
from orders.models import Delivery, DeliveryStatus, Order, Ticket
from orders.tasks import welcome_people
from ticketing.models import CapacityPool
from ticketing.queries import recount
from tiqqo.core.tenancy import platform_scope

# It moves sequences, as no application does.
pytestmark = pytest.mark.usefixtures("as_owner")


@pytest.fixture
def finished(kikker):
    """An order of one free ticket for which the worker has done everything."""
    order = kikker.place_free()
    welcome_people(order.pk, organiser_id=order.organiser_id)
    Delivery.objects.filter(order=order).update(status=DeliveryStatus.SENT)
    return order


def multiplied(order, *, first, count):
    with platform_scope("multiply an order in a test"):
        assert Order.objects.exists()  # pushes the scope to the connection
        multiply_order(connection.connection, order.pk, first=first, count=count)


def test_copies_are_sold_and_the_stock_agrees(kikker, finished):
    multiplied(finished, first=1, count=5)
    multiplied(finished, first=6, count=3)

    orders = Order.objects.filter(event=kikker.event)
    assert orders.count() == 9
    assert len({order.secret for order in orders}) == len({order.email for order in orders}) == 9
    assert {order.reservation.status for order in orders} == {"CONFIRMED"}
    assert {order.tickets.get().line.order_id == order.pk for order in orders} == {True}
    assert Ticket.objects.filter(event=kikker.event).count() == 9
    assert CapacityPool.objects.get(event=kikker.event, ticket_type=None, release=None).sold == 9
    assert [count for count in recount() if count.differs] == []


def test_sales_go_on_after_the_copies(kikker, finished):
    multiplied(finished, first=1, count=5)

    order = kikker.place_free()

    assert order.tickets.count() == 1
    assert Order.objects.filter(event=kikker.event).count() == 7


def test_order_that_the_worker_has_not_finished_is_refused(kikker):
    order = kikker.place_free()

    with pytest.raises(NotMultipliable, match="has not finished"):
        multiplied(order, first=1, count=5)

    assert Order.objects.filter(event=kikker.event).count() == 1


def test_order_of_several_tickets_is_refused(kikker):
    order = kikker.place_free(2)

    with pytest.raises(NotMultipliable, match="exactly one line with one ticket"):
        multiplied(order, first=1, count=5)
