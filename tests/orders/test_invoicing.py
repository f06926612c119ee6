"""Invoices: numbers without gaps, figures that stay, and one mail."""

from datetime import UTC, date, datetime
from io import BytesIO

import pytest
import time_machine
from django.db import IntegrityError
from django.urls import reverse
from pypdf import PdfReader

from events.operations import change_event
from orders import locks
from orders.models import Delivery, DeliveryKind, Invoice, InvoiceCounter, Order
from orders.operations import cancel_order, mark_settled, send_invoice
from tests.races import at_once

AUTUMN = datetime(2098, 10, 1, 10, tzinfo=UTC)
SPRING = datetime(2099, 3, 1, 9, tzinfo=UTC)
NEW_YEAR = datetime(2098, 12, 31, 23, 30, tzinfo=UTC)


def sent(house, **facts):
    return send_invoice(house.place_invoice(**facts), by=house.owner).invoice


@pytest.fixture
def autumn(cast):
    """Some months before both events."""
    with time_machine.travel(AUTUMN, tick=False):
        for house in (cast.fjord, cast.kikker):
            begins = {"starts_at": SPRING, "ends_at": SPRING.replace(hour=20)}
            with house.scope():
                change_event(house.event, by=house.owner, **begins)
        yield


# Numbers ---------------------------------------------------------------------------------


def test_numbers_follow_each_other_for_each_organiser(cast, autumn):
    with cast.fjord.scope():
        ours = [sent(cast.fjord).number for _ in range(3)]
    with cast.kikker.scope():
        theirs = sent(cast.kikker, by=cast.kikker.owner).number

    assert ours == ["2098-0001", "2098-0002", "2098-0003"]
    assert theirs == "2098-0001"


def test_a_year_begins_anew_when_it_begins_at_the_event(fjord, autumn):
    first = sent(fjord)
    with time_machine.travel(NEW_YEAR, tick=False):
        next_year = sent(fjord)

    assert (first.number, next_year.number) == ("2098-0001", "2099-0001")
    assert next_year.issued_on == date(2099, 1, 1), "in Copenhagen it is half past midnight"


def test_what_is_refused_or_rolled_back_takes_no_number(fjord, autumn, monkeypatch):
    sent(fjord)
    over = cancel_order(fjord.place_invoice(), by=fjord.owner)
    settled = mark_settled(fjord.place_invoice(), by=fjord.owner)
    unlucky = fjord.place_invoice()

    for order in (over, settled):
        with pytest.raises(Exception, match="order"):
            send_invoice(order, by=fjord.owner)
    with monkeypatch.context() as broken:
        broken.setattr("orders.operations.invoicing.record_change", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send_invoice(unlucky, by=fjord.owner)

    assert Invoice.objects.filter(order=unlucky).exists() is False
    assert Order.objects.get(pk=unlucky.pk).invoice_sent_at is None
    assert sent(fjord).number == "2098-0002"


def test_sent_twice_it_is_one_invoice_and_one_mail(fjord, autumn):
    order = fjord.place_invoice()

    first = send_invoice(order, by=fjord.owner)
    again = send_invoice(order, by=fjord.owner)

    assert again.invoice_sent_at == first.invoice_sent_at == first.invoice.issued_at
    assert Invoice.objects.count() == InvoiceCounter.objects.get().last == 1
    assert Delivery.objects.filter(kind=DeliveryKind.INVOICE).count() == 1


CLERKS = 12


def rush(house):
    """Twelve clerks send twelve invoices at the same moment."""
    with house.scope():
        orders = [house.place_invoice() for _ in range(CLERKS)]
    answers = at_once(
        house.organiser, *(lambda o=order: send_invoice(o, by=house.owner) for order in orders)
    )
    with house.scope():
        numbers = list(Invoice.objects.order_by("sequence").values_list("sequence", flat=True))
    return [answer for answer in answers if isinstance(answer, Exception)], numbers


@pytest.mark.django_db(transaction=True)
def test_invoices_sent_at_the_same_moment_have_numbers_without_gaps(cast):
    errors, numbers = rush(cast.fjord)

    assert errors == []
    assert numbers == list(range(1, CLERKS + 1))


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_they_take_the_same_number(cast, monkeypatch):
    """The negative control: the constraint keeps the numbers apart, the lock gets them all out."""

    def unlocked(year):
        InvoiceCounter.objects.get_or_create(year=year)
        return InvoiceCounter.objects.get(year=year)

    assert locks.lock_invoice_counter is not unlocked
    monkeypatch.setattr("orders.operations.invoicing.lock_invoice_counter", unlocked)

    errors, numbers = rush(cast.fjord)

    assert errors and {type(error) for error in errors} == {IntegrityError}
    assert all("invoice_number_once" in str(error) for error in errors)
    assert len(numbers) < CLERKS


# What it says ----------------------------------------------------------------------------


def test_an_invoice_stays_as_it_was_sent(fjord, autumn):
    invoice = sent(
        fjord, count=2, company_name="Acme ApS", vat_number="DK 12 34", purchase_number="PO 7"
    )
    change_event(fjord.event, by=fjord.owner, name="Another name", tax_rate_bp=0)
    Order.objects.update(company_name="Somebody Else", vat_number="")

    kept = Invoice.objects.get()

    assert kept.buyer == ["Acme ApS", "Carla Buyer", "carla@example.org"]
    assert kept.seller == ["Fjord Tech"]
    assert (kept.buyer_vat_number, kept.buyer_reference) == ("DK 12 34", "PO 7")
    assert kept.event_words.startswith("Fjord Tech Summit · ")
    assert kept.lines == [
        {
            "label": "Full pass",
            "quantity": 2,
            "unit_minor": 100_000,
            "discount_minor": 0,
            "amount_minor": 200_000,
            "tax_rate_bp": 2500,
            "tax_minor": 50_000,
        }
    ]
    assert (kept.net_minor, kept.tax_minor, kept.fee_minor) == (200_000, 50_000, 4_098)
    assert kept.total_minor == 254_098 == invoice.order.total_minor
    assert kept.payment_reference == invoice.order.code


@pytest.mark.parametrize(
    ("begins", "due"),
    [
        (SPRING, date(2098, 10, 15)),
        (datetime(2098, 10, 6, 9, tzinfo=UTC), date(2098, 10, 5)),
        (datetime(2098, 9, 30, 9, tzinfo=UTC), date(2098, 10, 1)),
    ],
)
def test_it_is_due_in_two_weeks_but_before_the_event(fjord, autumn, begins, due):
    order = fjord.place_invoice()
    change_event(fjord.event, by=fjord.owner, starts_at=begins, ends_at=begins.replace(hour=20))

    assert send_invoice(order, by=fjord.owner).invoice.due_on == due


# The mail and the files ------------------------------------------------------------------


def test_the_buyer_gets_it_by_mail(fjord, queue, committing, mailoutbox):
    order = fjord.place_invoice()
    with committing():
        send_invoice(order, by=fjord.owner)
    assert queue.work(committing) == []

    invoice = Invoice.objects.get()
    [mail] = [m for m in mailoutbox if invoice.number in m.subject]
    [(name, pdf, kind)] = mail.attachments
    assert (name, kind) == (f"invoice-{invoice.number}.pdf", "application/pdf")
    assert PdfReader(BytesIO(pdf)).metadata.title == f"Invoice {invoice.number}"
    assert mail.to == ["carla@example.org"]


def test_buyer_and_desk_open_it(at_fjord, drawn):
    with at_fjord.house.scope():
        order = at_fjord.house.place_invoice()
        at_fjord.pages.get(at_fjord.url("orders:invoice_pdf", code=order.code), status=404)
        send_invoice(order, by=at_fjord.house.owner)
        number = Invoice.objects.get().number
    link = {"code": order.code, "secret": order.secret}

    desk = at_fjord.get("orders:order", code=order.code)
    buyer = at_fjord.get("shop:order", **link)

    desk_url, buyer_url = (
        at_fjord.url("orders:invoice_pdf", code=order.code),
        at_fjord.url("shop:invoice_pdf", **link),
    )
    assert desk_url in desk.links().values() and buyer_url in buyer.links().values()
    assert drawn(at_fjord.pages, desk_url).metadata.title == f"Invoice {number}"
    # The same file: what it shows is the same.
    assert at_fjord.pages.get(buyer_url).headers["Content-Type"] == "application/pdf"
    wrong = reverse(
        "shop:invoice_pdf",
        kwargs={
            "organiser_slug": "fjord-tech",
            "event_slug": order.event.slug,
            "code": order.code,
            "secret": "x" * 22,
        },
    )
    at_fjord.pages.get(wrong, status=404)


def test_a_buyer_opens_the_tickets_for_the_phone(in_fjord_shop, drawn):
    house = in_fjord_shop.house
    with house.scope():
        order = house.place_free(2)
        waiting = house.place_invoice()

    def url(of):
        return in_fjord_shop.url("shop:tickets_phone_pdf", code=of.code, secret=of.secret)

    page = in_fjord_shop.get("shop:order", code=order.code, secret=order.secret)
    pdf = drawn(in_fjord_shop.pages, url(order))

    assert url(order) in page.links().values()
    assert [round(float(p.mediabox.width) / 72 * 25.4) for p in pdf.pages] == [90, 90]
    back = in_fjord_shop.pages.get(url(waiting), status=302)
    assert waiting.secret in back.headers["Location"]


def test_the_desk_prints_badges(at_fjord, drawn):
    house = at_fjord.house
    with house.scope():
        order = house.place_free(3)
        empty = house.place_invoice()

    of_event = drawn(at_fjord.pages, at_fjord.url("orders:badges"))
    of_order = drawn(at_fjord.pages, at_fjord.url("orders:order_badges", code=order.code))
    sheet = drawn(at_fjord.pages, at_fjord.url("orders:badges") + "?sheet")

    assert (len(of_event.pages), len(of_order.pages), len(sheet.pages)) == (3, 3, 1)
    at_fjord.pages.get(at_fjord.url("orders:order_badges", code=empty.code), status=404)
    page = at_fjord.get("orders:order", code=order.code)
    assert at_fjord.url("orders:order_badges", code=order.code) in page.links().values()
