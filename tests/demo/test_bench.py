"""What `bin/bench` sells."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organiser, User
from events.models import Event
from orders.models import Order, OrderStatus
from ticketing.queries import offers
from tiqqo.core import clock
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db


def made(name, **options):
    said = StringIO()
    call_command("bench_event", name, stdout=said, **options)
    return json.loads(said.getvalue())


def test_events_of_the_bench_share_an_organiser_and_are_on_sale():
    first, second = made("Rush", places=200), made("Shop")

    assert (first["event"], second["event"]) == ("bench/rush", "bench/shop")
    organiser = Organiser.objects.get(slug="bench")
    assert not User.objects.get(email="bench@example.org").has_usable_password()
    with tenant_scope(organiser):
        event = Event.objects.get(pk=first["pk"])
        rows = offers(event, at=clock.now())
        assert len(rows) == first["types"] == 5
        assert all(row.is_on_sale for row in rows)
        [free] = [row for row in rows if row.is_free]
        assert free.release.code == first["free_release"]
        assert {row.left for row in rows} == {200}


def test_orders_of_the_bench_are_free_and_confirmed():
    event = made("Documents")
    said = StringIO()

    call_command("bench_orders", event["event"], event["free_release"], count=3, stdout=said)

    assert said.getvalue() == "3 orders\n"
    with tenant_scope(Organiser.objects.get(slug="bench")):
        orders = Order.objects.filter(event_id=event["pk"])
        assert [order.status for order in orders] == [OrderStatus.FREE] * 3
        assert {order.tickets.count() for order in orders} == {1}


def test_orders_for_no_event_are_refused():
    with pytest.raises(CommandError, match="No such event"):
        call_command("bench_orders", "bench/nothing", "AAAA", count=1)
