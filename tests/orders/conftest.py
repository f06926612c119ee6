from io import BytesIO

import pytest
from pypdf import PdfReader

from orders.tasks import sweep_money
from tests.cast import DORA, EMIL
from tests.lock_order import lock_order
from tests.orders import full_event as stalls
from tests.orders.public_pages import CARLA
from tests.orders.visitor import Shop
from tests.pages import at_fjord, at_kikker, expect_queries, in_fjord_shop, in_kikker_shop, pages

__all__ = [
    "at_fjord",
    "at_kikker",
    "expect_queries",
    "in_fjord_shop",
    "in_kikker_shop",
    "lock_order",
    "pages",
]


@pytest.fixture
def sweep(queue):
    """The sweeper looks after the money, and the worker asks the provider where it is told to."""

    def swept():
        sweep_money()
        assert queue.work_on("orders.tasks.close_payment", "orders.tasks.check_payment") == []

    return swept


@pytest.fixture
def checkout(in_kikker_shop):
    """The checkout page of a hold at the jazz club."""

    def opened(**selection):
        house = in_kikker_shop.house
        with house.scope():
            held = house.reserve(**selection)
        return in_kikker_shop.get("shop:checkout", secret=held.secret)

    return opened


@pytest.fixture
def fjord_checkout(in_fjord_shop):
    """The checkout page of a hold at the conference."""
    house = in_fjord_shop.house
    with house.scope():
        held = house.reserve(priced=2)
    return in_fjord_shop.get("shop:checkout", secret=held.secret)


@pytest.fixture
def paying(checkout, in_kikker_shop):
    """A buyer on the payment page; the address it sends them back to."""
    page = checkout(priced=1)
    page.submit("Pay €25.99", status=303, **CARLA)
    return page.address + "return/"


@pytest.fixture
def bought(in_kikker_shop, queue, committing):
    """An order with its tickets, the worker has not begun; and its address."""
    house = in_kikker_shop.house
    with house.scope(), committing():
        order = house.place_free(2, attendees=(DORA, EMIL))
    return order, in_kikker_shop.url("shop:order", code=order.code, secret=order.secret)


@pytest.fixture
def drawn(queue, committing):
    """A PDF that somebody asks for, waits for, and then has."""

    def fetched(pages, url):
        with committing():
            waiting = pages.get(url, status=202)
        assert waiting.headers["Content-Type"].startswith("text/html")
        assert queue.work_on("orders.tasks.draw_document") == []
        answer = pages.get(url)
        assert answer.headers["Content-Type"] == "application/pdf"
        return PdfReader(BytesIO(b"".join(answer.streaming_content)))

    return fetched


@pytest.fixture
def stall(kikker):
    """A published event of the jazz club that offers an audio guide so far."""
    return stalls.opened(kikker)


@pytest.fixture
def shop(pages, stall):
    """A visitor of it."""
    return Shop(pages, stall)
