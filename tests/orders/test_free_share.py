"""Free places go to invented addresses up to a client's share; beyond it the address is confirmed first."""

import pytest
from django.urls import reverse

from orders.models import Order, OrderStatus, PaymentMethod
from orders.operations import cancel_order, confirm_address, place_order
from tests.cast import buyer
from tests.orders.public_pages import CARLA
from ticketing import shares
from ticketing.models import CapacityPool
from ticketing.operations import reserve_tickets, set_event_capacity
from ticketing.shares import Asker
from tiqqo.core import audit

pytestmark = pytest.mark.django_db

FREE, ASKED = OrderStatus.FREE, OrderStatus.INITIATED


@pytest.fixture(autouse=True)
def _on(settings):
    settings.LIMITS = {}
    shares.forget_askers()


@pytest.fixture
def _counted(monkeypatch):
    """However little it is."""
    monkeypatch.setattr(shares, "UNASKED_PART", 1000)


@pytest.fixture
def order(kikker):
    """A free order of an event of 400 places, of which one client may have 40 for the asking."""
    set_event_capacity(kikker.event, capacity=400, by=kikker.owner)
    kikker.event.refresh_from_db()
    made = []

    def order(count, client, network="street", *, by=audit.BUYER):
        held = reserve_tickets(
            kikker.event,
            selection={kikker.free.code: count},
            asker=shares.who_worked(Asker(client, network)) if client else None,
        )
        made.append(held)
        return place_order(
            held,
            buyer=buyer(email=f"invented{len(made)}@example.org"),
            attendees=[],
            payment_method=PaymentMethod.FREE,
            by=by,
        )

    return order


def places():
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


@pytest.mark.usefixtures("_counted")
def test_beyond_a_clients_share_free_orders_wait_for_their_address(order):
    assert [order(20, "ann").status, order(20, "ann").status] == [FREE, FREE]

    waiting = order(1, "ann")

    assert (waiting.status, waiting.awaits_address, places()) == (ASKED, True, (1, 40))
    assert not waiting.tickets.exists()
    assert [order(20, "bob").status, order(20, "far", "elsewhere").status] == [FREE, FREE]


@pytest.mark.usefixtures("_counted")
def test_a_network_has_as_much_as_three_clients(order):
    statuses = [order(20, f"client{number}").status for number in range(7)]

    assert statuses == [FREE] * 6 + [ASKED]
    assert order(1, "far", "elsewhere").status == FREE


@pytest.mark.usefixtures("_counted")
def test_the_confirmed_address_has_its_tickets_and_counts_no_more(order, kikker):
    order(20, "ann")
    order(20, "ann")
    waiting = order(20, "ann")

    placed = confirm_address(waiting, secret=waiting.address_secret)
    confirm_address(placed, secret=waiting.address_secret)

    placed = Order.objects.get(pk=placed.pk)
    assert (placed.status, placed.tickets.count(), places()) == (FREE, 20, (0, 60))
    assert (placed.settled_at, placed.address_confirmed_at) == (placed.confirmed_at,) * 2
    assert [d.kind for d in placed.deliveries.order_by("id")] == ["confirm", "tickets"]
    cancel_order(Order.objects.order_by("id")[0], by=kikker.owner)
    assert order(20, "ann").status == FREE


@pytest.mark.usefixtures("_counted")
def test_what_the_organiser_gives_and_the_waitlist_offers_is_not_counted(order, kikker):
    for _ in range(4):
        order(20, "ann", by=kikker.owner)
    assert order(20, "").status == FREE


def test_many_small_orders_count_as_much_as_few_large_ones(order):
    """Up to a quarter of the share a process counts itself."""
    seen = [order(5, "ann").status for _ in range(12)]

    assert seen == [FREE] * 8 + [ASKED] * 4


def test_an_event_may_ask_everybody(order, kikker, settings):
    kikker.event.free_needs_address = True
    kikker.event.save(update_fields=["free_needs_address"])

    assert [order(1, "ann").status, order(1, "").status] == [ASKED, ASKED]
    assert order(1, "", by=kikker.owner).status == FREE


def test_without_a_bound_or_with_limits_off_nobody_is_asked(order, kikker, settings):
    kikker.event.held_share_percent = 100
    kikker.event.save(update_fields=["held_share_percent"])
    assert {order(20, "ann").status for _ in range(5)} == {FREE}

    kikker.event.held_share_percent = 1
    kikker.event.save(update_fields=["held_share_percent"])
    settings.LIMITS = None
    assert order(20, "ann").status == FREE


def test_the_pages_lead_by_the_mail_to_the_tickets(kikker, in_kikker_shop, queue, committing):
    kikker.event.free_needs_address = True
    with kikker.scope():
        kikker.event.save(update_fields=["free_needs_address"])
        held = kikker.reserve(free=2)
    page = in_kikker_shop.get("shop:checkout", secret=held.secret)
    answer = page.submit("Get tickets", status=303, **CARLA)

    page = in_kikker_shop.pages.follow(answer)
    assert page.h1 == "Look in your mail"
    assert "Payment" not in page.text()
    with kikker.scope():
        order = Order.objects.get(reservation=held)
        link = reverse(
            "shop:address",
            args=[kikker.organiser.slug, kikker.event.slug, order.code, order.address_secret],
        )
    page = in_kikker_shop.pages.get_page(link)
    assert page.h1 == "Confirm your order"
    assert "invoice" not in page.text("main")

    page = in_kikker_shop.pages.follow(page.submit("Place the order", status=302))
    with kikker.scope():
        order.refresh_from_db()
        assert (order.status, order.tickets.count()) == (FREE, 2)
