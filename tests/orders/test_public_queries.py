"""What the public pages cost the database."""

import pytest

from orders import operations
from tests.orders.public_pages import CARLA, quantity

pytestmark = pytest.mark.django_db


def test_queries_of_the_shop(in_kikker_shop, expect_queries):
    in_kikker_shop.get("shop:event")

    # organiser · event with organiser · pools; what is offered is known
    with expect_queries(3):
        in_kikker_shop.get("shop:event")


def test_queries_of_reserving(in_kikker_shop, expect_queries):
    house = in_kikker_shop.house

    in_kikker_shop.get("shop:event")

    # organiser · event · insert hold · insert lines · count pools
    with expect_queries(5):
        in_kikker_shop.post("shop:reservations", quantity(house.free, 2))


def test_queries_of_checkout(checkout, in_kikker_shop, expect_queries):
    page = checkout(priced=2)

    # organiser · hold with event and order · its lines
    with expect_queries(3):
        in_kikker_shop.pages.get_page(page.address)


def test_queries_of_a_free_order(checkout, expect_queries):
    page = checkout(free=2)

    # organiser · hold with event and order · its lines
    # lock: hold with event · its order, now that nobody else makes one · lines
    # insert order · lines · tickets · delivery · audit; confirm: update hold · count pools
    with expect_queries(13):
        page.submit("Get tickets", status=303, **CARLA)


def test_queries_of_card_money(in_kikker_shop, expect_queries):
    house = in_kikker_shop.house
    with house.scope():
        order, payment = house.begin_payment()

        # ids · lock: hold · order · payment; held lines · ordered lines · update payment · ledger: is it
        # there? · insert entry · insert postings · update order · audit · lines · any tickets? · insert tickets ·
        # audit · deliveries so far · insert delivery; confirm: hold · lines · update hold · count pools
        with expect_queries(21):
            operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")


def test_queries_of_the_buyers_page(bought, in_kikker_shop, expect_queries):
    _order, url = bought

    # organiser · order with event · lines · key · tickets with types · deliveries
    with expect_queries(6):
        in_kikker_shop.pages.get_page(url)
