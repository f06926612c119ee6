"""The buyer's own page of an order."""

from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar
from lxml import etree

from orders import operations
from orders.models import Order, Refund, Ticket
from orders.operations import cancel_order
from tests.orders.public_pages import new_event
from ticketing.operations import set_event_capacity
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


def test_order_page_waits_for_the_pdf_by_itself(bought, in_kikker_shop, queue, committing):
    order, url = bought

    page = in_kikker_shop.pages.get_page(url)

    assert page.h1 == "Your tickets"
    assert page.alerts == ["Everything is on its way to carla@example.org."]
    assert page.texts(".is-busy") == ["Preparing the PDF …"]
    assert page.attributes("#order-tickets", "hx-get") == [url]
    assert "Download tickets (PDF)" not in page.links()
    pdf = in_kikker_shop.url("shop:tickets_pdf", code=order.code, secret=order.secret)
    assert in_kikker_shop.pages.get(pdf, status=302).headers["Location"].endswith(url)

    assert queue.work(committing) == []

    part = in_kikker_shop.pages.get_part(url)
    assert part.links("a")["Download tickets (PDF)"] == pdf
    assert part.attributes("#order-tickets", "hx-get") == [None]


def test_tickets_are_shown_with_their_codes(bought, in_kikker_shop):
    order, url = bought

    page = in_kikker_shop.pages.get_page(url)

    with in_kikker_shop.house.scope():
        codes = list(Ticket.objects.order_by("id").values_list("code", flat=True))
    assert page.texts(".stub__code") == codes
    assert page.texts(".stub__holder") == ["Dora Guest", "Emil Guest"]
    for source in page.attributes("img.stub__qr", "src"):
        image = in_kikker_shop.pages.get(source)
        assert image.headers["Content-Type"] == "image/svg+xml"
        assert etree.fromstring(image.content).tag == "{http://www.w3.org/2000/svg}svg"
        assert "no-store" in image.headers["Cache-Control"]


def test_pdf_and_calendar_are_files(bought, in_kikker_shop, queue, committing):
    order, _url = bought
    assert queue.work(committing) == []
    link = {"code": order.code, "secret": order.secret}

    pdf = in_kikker_shop.pages.get(in_kikker_shop.url("shop:tickets_pdf", **link))
    ics = in_kikker_shop.pages.get(in_kikker_shop.url("shop:calendar", **link))

    assert pdf.headers["Content-Type"] == "application/pdf"
    assert f'filename="tickets-{order.code}.pdf"' in pdf.headers["Content-Disposition"]
    assert b"".join(pdf.streaming_content).startswith(b"%PDF-")
    assert ics.headers["Content-Type"] == "text/calendar; charset=utf-8"
    [entry] = Calendar.from_ical(ics.content).walk("VEVENT")
    assert str(entry["summary"]) == "Night of the Blue Note"
    assert entry["dtstart"].dt.replace(microsecond=0) == (
        in_kikker_shop.house.event.starts_at.replace(microsecond=0)
    )


@pytest.mark.parametrize("secret", ["AAAAAAAAAAAAAAAAAAAAAA", "é"])
@pytest.mark.parametrize("rest", ["", "tickets.pdf", "calendar.ics", "AAAAAAAAAA.svg"])
def test_wrong_secret_opens_nothing(bought, in_kikker_shop, secret, rest):
    order, _url = bought

    in_kikker_shop.pages.get_page(
        f"/blauwe-kikker/night-of-the-blue-note/orders/{order.code}/{secret}/{rest}", status=404
    )


def test_qr_of_a_ticket_that_is_not_in_the_order(bought, in_kikker_shop):
    _order, url = bought

    in_kikker_shop.pages.get_page(url + "AAAAAAAAAA.svg", status=404)


def test_link_works_only_below_its_own_event(bought, in_kikker_shop, cast):
    order, url = bought
    other = new_event(in_kikker_shop.house, name="Another night")

    in_kikker_shop.pages.get_page(
        url.replace("blauwe-kikker", "fjord-tech").replace(
            "night-of-the-blue-note", cast.fjord.event.slug
        ),
        status=404,
    )
    in_kikker_shop.pages.get_page(url.replace("night-of-the-blue-note", other.slug), status=404)


def test_cancelled_order_says_nothing_was_charged(bought, in_kikker_shop):
    order, url = bought
    with in_kikker_shop.house.scope():
        cancel_order(order, by=in_kikker_shop.house.owner)

    page = in_kikker_shop.pages.get_page(url)

    assert page.h1 == "Order cancelled"
    assert page.alerts == ["This order was not paid in time or was cancelled. Nothing was charged."]
    assert page.all(".stub") == []


def test_order_that_waits_for_money_has_no_tickets(in_kikker_shop):
    with in_kikker_shop.house.scope():
        order, _payment = in_kikker_shop.house.begin_payment()

    page = in_kikker_shop.get("shop:order", code=order.code, secret=order.secret)

    assert page.h1 == "We have your order"
    assert page.alerts == ["Your payment has not been confirmed yet."]
    assert page.all("#order-tickets a") == []


def test_late_money_is_shown_on_its_way_back(in_kikker_shop, provider):
    house = in_kikker_shop.house
    with house.scope():
        order, payment = house.begin_payment()
        provider.close_checkout(payment.session_id)
        with time_machine.travel(clock.now() + timedelta(hours=1)):
            operations.abandon_payment(payment)
        set_event_capacity(house.event, capacity=0, by=house.owner)
        operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")
        page_of = Order.objects.get()

    page = in_kikker_shop.get("shop:order", code=page_of.code, secret=page_of.secret)

    assert page.h1 == "Order cancelled"
    with house.scope():
        assert Refund.objects.count() == 1


def test_order_page_says_price_and_tax(in_fjord_shop):
    with in_fjord_shop.house.scope():
        order = in_fjord_shop.house.place_invoice(2)

    page = in_fjord_shop.get("shop:order", code=order.code, secret=order.secret)

    assert page.texts(".price-lines__line") == [
        "2 × Full pass DKK 2,000.00",
        "Moms 25% DKK 500.00",
        "Service fee DKK 40.98",
    ]
    assert page.texts(".summary__total strong") == ["DKK 2,540.98"]
    assert "Acme ApS" in page.text("main")
