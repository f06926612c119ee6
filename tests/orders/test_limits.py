"""Limits of the shop: whoever splits what is counted into many is counted all the same."""

from secrets import token_hex

import pytest
from django.urls import reverse
from redis import Redis

from people.operations import Name
from ticketing.models import Code, Promotion, TicketType
from ticketing.operations import set_event_capacity


@pytest.fixture
def shop(kikker, client):
    promotion = Promotion.objects.create(event=kikker.event, name="Half", rate_bp=5000)
    Code.objects.create(event=kikker.event, promotion=promotion, text="HALF")
    return reverse("shop:event", args=[kikker.organiser.slug, kikker.event.slug])


@pytest.mark.parametrize("way", ["link", "form"])
def test_a_network_of_many_clients_guesses_no_more_codes_than_it_may(
    settings, shop, kikker, client, way
):
    settings.LIMITS = {"codes-of-a-network": (3, 300)}
    network = f"2001:db8:{token_hex(2)}"

    def guess(number, code="WRONG"):
        where = {"REMOTE_ADDR": f"{network}:{number}::1"}
        if way == "link":
            return client.get(shop, {"code": code}, **where).status_code
        sent = {f"quantity_{kikker.priced.code}": "1", "code": code}
        return client.post(f"{shop}reservations/", sent, **where).status_code

    assert 429 not in [guess(number) for number in range(1, 4)]
    assert guess(4) == 429
    assert guess(5, code="HALF") == 429


@pytest.fixture
def order(kikker, client):
    """Orders tickets for an address: the status of the answer."""

    def order(email, **counts):
        held = kikker.reserve(**counts)
        where = [kikker.organiser.slug, kikker.event.slug, held.secret]
        sent = {"first_name": "Carla", "last_name": "Buyer", "email": email}
        return client.post(reverse("shop:checkout", args=where), sent).status_code

    return order


def test_a_mailbox_gets_no_more_orders_for_what_stands_behind_a_plus(settings, order):
    settings.LIMITS = {"orders-of-an-address": (2, 3600)}
    name = token_hex(6)

    statuses = [order(f"{name}+{number}@example.org", free=1) for number in range(3)]

    assert statuses == [303, 303, 422]


def test_whoever_orders_for_somebodys_address_does_not_keep_them_from_paying(
    settings, order, provider
):
    settings.LIMITS = {"orders-of-an-address": (2, 3600)}
    email = f"{token_hex(6)}@example.org"

    assert [order(email, free=1) for _ in range(3)] == [303, 303, 422]
    assert [order(email, priced=1) for _ in range(3)] == [303, 303, 303]


def test_pages_of_large_groups_are_counted_by_their_people(settings, kikker, client):
    """Each of them takes the server some milliseconds."""
    settings.LIMITS = {"people-shown": (250, 300)}
    with kikker.scope():
        TicketType.objects.filter(pk=kikker.free.ticket_type_id).update(admits=20)
        set_event_capacity(kikker.event, capacity=1000, by=kikker.owner)
    network = f"2001:db8:{token_hex(2)}"

    def looked(name, *secrets, client_number=1):
        where = [kikker.organiser.slug, kikker.event.slug, *secrets]
        here = {"REMOTE_ADDR": f"{network}:{client_number}::1"}
        return client.get(reverse(name, args=where), **here).status_code

    small, large = kikker.reserve(free=2), kikker.reserve(free=5)
    assert [looked("shop:checkout", large.secret) for _ in range(3)] == [200, 200, 429]
    order = kikker.place_free(5, attendees=(Name("Pupil", "One", "school@example.org"),) * 100)
    link = order.code, order.secret
    assert looked("shop:order", *link) == 429
    assert [looked("shop:order", *link, client_number=2) for _ in range(3)] == [200, 200, 429]
    assert [looked("shop:checkout", small.secret) for _ in range(5)] == [200] * 5


def test_mails_of_an_order_are_counted_for_it_and_for_none_that_is_made_up(
    settings, kikker, client
):
    """Each that is made up would take memory of the broker for a quarter of an hour."""
    settings.LIMITS = {"re-sends": (2, 900)}
    order = kikker.place_free()

    def ask(secret):
        where = [kikker.organiser.slug, kikker.event.slug, order.code, secret]
        return client.post(reverse("shop:deliveries", args=where)).status_code

    with Redis.from_url(settings.REDIS_URL) as redis:
        before = set(redis.scan_iter("limit:re-sends:*"))
        assert [ask(token_hex(11)) for _ in range(5)] == [404] * 5
        assert set(redis.scan_iter("limit:re-sends:*")) == before
        assert [ask(order.secret) for _ in range(3)] == [303, 303, 429]
        assert len(set(redis.scan_iter("limit:re-sends:*")) - before) == 1


def test_mails_that_are_asked_for_again_are_counted_for_their_mailbox(settings, kikker, client):
    """Whoever orders with somebody's address has the links of all these orders."""
    settings.LIMITS = {"re-sends-to-an-address": (2, 3600)}
    name = token_hex(6)
    orders = [kikker.place_free(email=f"{name}+{number}@example.org") for number in range(3)]

    def ask(order):
        where = [kikker.organiser.slug, kikker.event.slug, order.code, order.secret]
        return client.post(reverse("shop:deliveries", args=where)).status_code

    assert [ask(order) for order in orders] == [303, 303, 429]
    assert ask(kikker.place_free(email=f"{token_hex(6)}@example.org")) == 303
