"""What the checkout asks of each place, and what order page, papers and mails say of each line."""

from datetime import date

import pytest

from orders.documents import invoice_pdf, tickets_pdf
from orders.email_messages import mail_of
from orders.models import Delivery, DeliveryKind, Invoice, Order, Ticket
from orders.operations import confirm_address, send_invoice
from orders.queries import order_page
from tests.orders import full_event as stalls
from tests.orders.public_pages import CARLA
from tests.orders.test_documents import said

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkout(shop, pages):
    """The checkout of what is sent."""

    def opened(**sent):
        return pages.follow(shop.take(**sent))

    return opened


def everything(stall):
    """A bundle with tax at two rates, a timed price option, a code and a rule."""
    stalls.timed(stall)
    entry, meal = stall.offer("Entry", 1200), stall.offer("Meal", 3000, tax_rate_bp=2100)
    parts = [stalls.Bundled(entry, 2, 1200), stalls.Bundled(meal, 1, 2600)]
    stall.offer("Evening out", 5000, parts=parts)
    stall.offer("Day ticket", pricing="options", options=["Adult"], is_timed=True,
                zones=["Roof"], days=[date(2026, 12, 5)],
                release={"options": {"Adult": 1800}})  # fmt: skip
    stall.promote("Group discount", is_automatic=True, rate_bp=1000, min_quantity=3)
    stall.promote("Early birds", "EARLY", kind="amount", amount_minor=500)
    return {
        stall.field("Evening out"): "1",
        stall.field("Day ticket", "Adult"): "2",
        "slot": stall.slots()[1].code,
        "code": "EARLY",
    }


def minor(text):
    return int(text.rpartition("€")[2].replace(".", "")) * (-1 if "-€" in text else 1)


def test_the_price_is_explained_line_by_line(stall, checkout):
    page = checkout(**everything(stall))

    lines = page.texts(".price-lines__line")
    assert [line.split(" €")[0].split(" -€")[0] for line in lines] == [
        "1 × Evening out 2 × Entry, Meal",
        f"2 × Day ticket · Adult {slot_day(stall)}, 11:00",
        "Group discount",
        "Early birds",
        "Service fee",
    ]
    assert [minor(line) for line in lines[:4]] == [5000, 3600, -860, -500]
    total = page.text(".summary__total")
    assert sum(minor(line) for line in lines) == minor(total.split(" incl.")[0])
    assert "VAT 9%" in total and "VAT 21%" in total
    assert page.texts("summary")[0:4] == [
        "Ticket 1: Evening out: Entry",
        "Ticket 2: Evening out: Entry",
        "Ticket 3: Evening out: Meal",
        f"Ticket 4: Day ticket · Adult, {slot_day(stall)}, 11:00",
    ]


def slot_day(stall):
    day = stall.event.local(stall.slots()[1].starts_at)
    return f"{day:%a} {day.day} {day:%b} {day.year}"


def test_order_page_says_what_the_checkout_said(stall, checkout):
    page = checkout(**everything(stall))
    page.submit(page.text(".summary button"), status=303, **CARLA)

    order = Order.objects.get()
    prices = order_page(order).prices

    assert page.texts(".price-lines__line") == [
        " ".join(part for part in (row.label, row.note, str(row.amount)) if part) for row in prices
    ]
    assert sum(row.amount.minor for row in prices) == order.total_minor
    assert sum(line.discount_minor for line in order.lines.all()) == 1360


@pytest.fixture
def paid(stall, checkout, provider, pages):
    page = checkout(**everything(stall))
    page.submit(page.text(".summary button"), status=303, **CARLA)
    provider.pay("cs_test_1")
    pages.get(page.address + "return/", status=303)
    return Order.objects.get()


def test_each_ticket_says_its_option_its_time_and_where_it_lets_in(paid, pages, stall):
    page = pages.get_page(f"/blauwe-kikker/small-museum/orders/{paid.code}/{paid.secret}/")

    stubs = page.texts(".stub__body")
    assert len(stubs) == 5
    assert stubs[0].startswith("Entry Small Museum")
    timed = stubs[3]
    assert timed.startswith("Day ticket · Adult Small Museum")
    assert "11:00" in timed
    assert "Valid on 5 December 2026 · Valid for Roof" in timed
    tickets = list(Ticket.objects.order_by("id"))
    assert [ticket.slot_id for ticket in tickets[2:]] == [None, *[stall.slots()[1].pk] * 2]


def test_paper_says_time_days_and_zones(paid):
    pages = said(tickets_pdf(paid)).split("--- page ---")

    assert "Your time" not in pages[0]
    for words in ("Day ticket · Adult", "Your time", "11:00", "5 December 2026", "Roof"):
        assert words in pages[3]
    phone = said(tickets_pdf(paid, shape="phone")).split("--- page ---")[3]
    assert "11:00" in phone and "Roof" in phone


def test_mail_says_lines_discounts_and_times(paid):
    delivery = Delivery.objects.get(kind=DeliveryKind.TICKETS)

    text = mail_of(delivery).body

    for words in (
        "1 × Evening out: €50.00 (2 × Entry, Meal)",
        "Group discount: -€8.60",
        "Early birds: -€5.00",
        "Day ticket · Adult, ",
        "11:00",
        "VAT 21%",
    ):
        assert words in text


def test_invoice_adds_up_with_discounts_and_two_rates(stall, checkout):
    stall.event.allows_invoice = True
    stall.event.save(update_fields=["allows_invoice"])
    page = checkout(**everything(stall))
    page.submit("Place order", status=303, payment_method="INVOICE", company_name="Acme", **CARLA)

    placed = Order.objects.get()
    confirm_address(placed, secret=placed.address_secret)
    send_invoice(placed, by=stall.house.owner)

    invoice = Invoice.objects.get()
    order = Order.objects.get()
    assert sum(line["amount_minor"] for line in invoice.lines) == invoice.net_minor
    assert sum(line["discount_minor"] for line in invoice.lines) == 1360
    assert [tax.rate_bp for tax in invoice.taxes] == [900, 2100]
    assert sum(tax.tax_minor for tax in invoice.taxes) == invoice.tax_minor == order.tax_minor
    assert sum(tax.net_minor for tax in invoice.taxes) == invoice.net_minor
    assert invoice.prices_include_tax
    paper = said(invoice_pdf(invoice))
    for words in (
        "Evening out: 2 × Entry",
        "11:00",
        "Group discount",
        "Early birds",
        "9% on",
        "21% on",
    ):
        assert words in paper.replace("\n", " ")


def test_discounted_invoice_with_tax_on_top_knows_that_it_is(cast, pages):
    with cast.fjord.scope():
        stall = stalls.opened(cast.fjord, "Stand", prices_include_tax=False, allows_invoice=True)
        stall.promote("Deal", is_automatic=True, rate_bp=1000)
        answer = pages.post("/fjord-tech/stand/reservations/", {stall.field("Audio guide"): "2"})
        page = pages.follow(answer)
        assert page.texts(".price-lines__line")[1:3] == ["Deal -DKK 1.00", "VAT 9% DKK 0.81"]
        page.submit(
            "Place order", status=303, payment_method="INVOICE", company_name="Acme", **CARLA
        )
        placed = Order.objects.get()
        confirm_address(placed, secret=placed.address_secret)
        send_invoice(placed, by=cast.fjord.owner)

        invoice = Invoice.objects.get()
        assert (invoice.net_minor, invoice.tax_minor) == (900, 81)
        assert not invoice.prices_include_tax


# Names -------------------------------------------------------------------------------------


def test_who_must_be_named_is_asked_openly(stall, checkout):
    stall.offer("Training", 0, naming="required")

    page = checkout(**{stall.field("Training"): "2"})

    assert page.texts(".attendee__name") == ["Ticket 1: Training", "Ticket 2: Training"]
    assert page.all("details.attendee") == []
    refused = page.submit(
        "Get tickets", status=422, **CARLA, first_name_1="Dora", last_name_1="Guest"
    )
    assert refused.errors == {
        "first_name_2": "Ticket 2: enter the first name.",
        "last_name_2": "Ticket 2: enter the last name.",
    }
    refused.submit("Get tickets", status=303, first_name_2="Emil", last_name_2="Guest")
    assert [t.holder_name for t in Ticket.objects.order_by("id")] == ["Dora Guest", "Emil Guest"]


def test_who_is_not_named_is_not_asked_for(stall, checkout):
    stall.offer("Parking", 0, naming="buyer")
    stall.offer("Seat", 0)

    page = checkout(**{stall.field("Parking"): "1", stall.field("Seat"): "1"})

    assert page.texts("details.attendee summary") == ["Ticket 2: Seat"]
    page.submit("Get tickets", status=303, **CARLA, first_name_2="Dora", last_name_2="Guest")
    assert [t.holder_name for t in Ticket.objects.order_by("id")] == ["Carla Buyer", "Dora Guest"]


def test_nobody_is_asked_where_only_the_buyer_is_named(stall, checkout):
    stall.offer("Parking", 0, naming="buyer")

    page = checkout(**{stall.field("Parking"): "1"})

    assert page.texts("main legend") == ["Who is buying?"]


def test_too_many_for_one_address_is_told_at_the_email(stall, checkout):
    stall.offer("Freebie", 0, per_email_limit=2)
    chosen = {stall.field("Freebie"): "2"}
    checkout(**chosen).submit("Get tickets", status=303, **CARLA)

    page = checkout(**chosen).submit("Get tickets", status=422, **CARLA, first_name_1="Dora")

    assert page.errors == {
        "email": "Freebie: at most 2 for one e-mail address, and this one has them."
    }
    kept = page.values("Get tickets")
    assert (kept["email"], kept["first_name_1"]) == ("carla@example.org", "Dora")
