"""What the orders desk sees."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.http import Http404

from orders.export import COLUMNS, csv_rows
from orders.models import Order, Ticket
from orders.operations import cancel_order, mark_settled, send_invoice
from orders.queries import (
    OrderFilter,
    order_by_link,
    order_details,
    order_or_404,
    order_page,
    orders_page,
    people_of,
    summary_matrix,
)
from orders.queries.desk import filtered_orders, sold_words
from orders.tasks import welcome_people
from tests.cast import DORA
from tiqqo.core.csv_files import safe


@pytest.fixture
def book(cast, fjord):
    """One order of each kind, by name."""
    orders = {
        "card": fjord.place(priced=1, first_name="Cem", email="cem@card.example"),
        "free": fjord.place_free(2, attendees=(DORA,), last_name="Freeman"),
        "invoice": fjord.place_invoice(1, company_name="Acme ApS"),
        "sent": fjord.place_invoice(3, company_name="Bolt A/S"),
        "settled": fjord.place_invoice(1, company_name="Core Ltd"),
        "sponsored": fjord.place(priced=1, method="SPONSORED", by=fjord.owner),
        "cancelled": fjord.place_free(1, company_name="Gone GmbH"),
    }
    send_invoice(orders["sent"], by=fjord.owner)
    mark_settled(orders["settled"], by=fjord.owner)
    cancel_order(orders["cancelled"], by=fjord.owner)
    with cast.kikker.scope():
        cast.kikker.place_free(1, company_name="Acme ApS")
    return orders


def found(house, book, **asked):
    codes = {order.code: name for name, order in book.items()}
    return [codes[o.code] for o in filtered_orders(house.event, OrderFilter(**asked))]


def test_all_orders_newest_first(fjord, book):
    assert found(fjord, book) == list(reversed(book))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"search": "acme"}, ["invoice"]),
        ({"search": "CEM"}, ["card"]),
        ({"search": "card.example"}, ["card"]),
        ({"search": "freeman"}, ["free"]),
        ({"search": "nobody"}, []),
        ({"search": "%"}, []),
        ({"stage": "requested"}, ["invoice", "card"]),
        ({"stage": "invoice_sent"}, ["sent"]),
        ({"stage": "settled"}, ["sponsored", "settled", "free"]),
        ({"stage": "cancelled"}, ["cancelled"]),
        ({"stage": "refunded"}, []),
        ({"payment_method": "INVOICE"}, ["settled", "sent", "invoice"]),
        ({"payment_method": "FREE"}, ["cancelled", "free"]),
        ({"ticket_count": "matches"}, ["sponsored", "settled", "free"]),
        ({"ticket_count": "missing"}, ["cancelled", "sent", "invoice", "card"]),
        ({"ticket_count": "none"}, ["cancelled", "sent", "invoice", "card"]),
        ({"ticket_count": "too_many"}, []),
        ({"ticket_count": "none", "stage": "invoice_sent"}, ["sent"]),
    ],
)
def test_each_filter_finds_its_orders(fjord, book, asked, names):
    assert found(fjord, book, **asked) == names


def test_orders_are_found_by_what_they_contain(fjord, book):
    priced = ["card", "invoice", "sent", "settled", "sponsored"]

    assert sorted(found(fjord, book, sold=f"release-{fjord.priced.code}")) == priced
    assert sorted(found(fjord, book, sold=f"type-{fjord.priced.ticket_type.code}")) == priced
    assert sold_words(fjord.event, OrderFilter(sold=f"type-{fjord.priced.ticket_type.code}")) == (
        fjord.priced.ticket_type.name
    )
    assert found(fjord, book, sold="slot-NOSUCH") == []


def test_orders_are_found_by_the_discount_they_had(fjord, book):
    Order.objects.filter(pk=book["card"].pk).update(
        discounts=[{"promotion": 17, "name": "Friends", "minor": 100}]
    )

    assert found(fjord, book, sold="promotion-17") == ["card"]
    assert found(fjord, book, sold="promotion-18") == []


def test_an_order_is_found_by_its_code_however_it_is_typed(fjord, book):
    code = book["sent"].code

    assert found(fjord, book, search=f" {code[:4].lower()}-{code[4:].lower()} ") == ["sent"]


def test_too_few_and_too_many_tickets_are_found(fjord, book):
    Order.objects.filter(pk=book["free"].pk).update(quantity=3)
    Order.objects.filter(pk=book["sponsored"].pk).update(quantity=0)

    assert "free" in found(fjord, book, ticket_count="missing")
    assert found(fjord, book, ticket_count="too_many") == ["sponsored"]


def test_days_are_days_of_the_event(fjord, book):
    # 22:30 UTC is half past midnight of the next day in Copenhagen's summer.
    Order.objects.filter(pk=book["sent"].pk).update(
        placed_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    )
    first, second = datetime(2026, 7, 1).date(), datetime(2026, 7, 2).date()

    assert found(fjord, book, placed_from=second, placed_to=second) == ["sent"]
    assert found(fjord, book, placed_to=first) == []
    assert "sent" not in found(fjord, book, placed_from=second + timedelta(days=1))


def test_the_matrix_adds_up(fjord, book):
    matrix = summary_matrix(fjord.event, OrderFilter())

    table = {
        row.label: [(c.orders, c.tickets, c.amount.minor) for c in row.cells] for row in matrix.rows
    }
    one = 127_049
    nothing = (0, 0, 0)
    assert matrix.methods == ["Invoice", "Card", "Sponsored", "Free", "Total"]
    assert table == {
        "Requested": [(1, 1, one), (1, 1, one), nothing, nothing, (2, 2, 2 * one)],
        "Invoice Sent": [(1, 3, 3 * one), nothing, nothing, nothing, (1, 3, 3 * one)],
        "Settled": [(1, 1, one), nothing, (1, 1, 0), (1, 2, 0), (3, 4, one)],
        "Total": [(3, 5, 5 * one), (1, 1, one), (1, 1, 0), (1, 2, 0), (6, 9, 6 * one)],
    }
    assert {c.amount.currency for row in matrix.rows for c in row.cells} == {"DKK"}


def test_the_matrix_counts_the_filtered_list(fjord, book):
    matrix = summary_matrix(fjord.event, OrderFilter(payment_method="INVOICE", stage="settled"))

    assert (matrix.rows[-1].cells[-1].orders, matrix.rows[-1].cells[-1].tickets) == (1, 1)


def test_cancelled_orders_stay_outside_the_matrix(fjord, book):
    total = summary_matrix(fjord.event, OrderFilter(stage="cancelled")).rows[-1].cells[-1]

    assert (total.orders, total.tickets, total.amount.minor) == (0, 0, 0)


def test_stage_of_rows_and_objects_agree(fjord, book):
    for order in Order.objects.with_stage():
        assert order.stage == order.stage_value


def test_the_list_is_paged_by_key(fjord, book, monkeypatch):
    monkeypatch.setattr("tiqqo.core.paging.PAGE_SIZE", 3)
    Order.objects.update(placed_at=datetime(2026, 7, 1, tzinfo=UTC))  # ties go by number

    seen, cursor = [], ""
    for _ in range(3):
        page = orders_page(fjord.event, OrderFilter(), cursor=cursor)
        seen.append([o.code for o in page.orders])
        cursor = page.next_cursor

    assert [len(codes) for codes in seen] == [3, 3, 1]
    assert sum(seen, []) == [o.code for o in reversed(book.values())]
    assert cursor == ""


@pytest.mark.parametrize("cursor", ["x", "2026_x", "_1", "yesterday_1"])
def test_a_broken_cursor_is_not_found(fjord, cursor):
    with pytest.raises(Http404):
        orders_page(fjord.event, OrderFilter(), cursor=cursor)


def test_details_hold_everything_of_the_order(fjord, book):
    order = order_or_404(fjord.event, book["free"].code)
    details = order_details(order)

    assert (len(details.lines), len(details.tickets), len(details.deliveries)) == (1, 2, 1)
    assert [entry.action for entry in details.history] == ["order.placed", "tickets.issued"]
    assert order.ticket_count == 2


def test_another_organisers_order_is_not_found(cast, fjord, book):
    with cast.kikker.scope():
        code = Order.objects.get().code
    with pytest.raises(Http404):
        order_or_404(fjord.event, code)


def test_the_buyers_link_needs_its_secret(fjord, book):
    order = book["free"]

    assert order_by_link(order.code, order.secret) == order
    for secret in ("", "x", order.secret[:-1], order.secret + "x"):
        with pytest.raises(Http404):
            order_by_link(order.code, secret)
    with pytest.raises(Http404):
        order_by_link("00000000", order.secret)


def test_a_secret_with_strange_letters_is_not_found(fjord, book):
    with pytest.raises(Http404):
        order_by_link(book["free"].code, "geheimniß")


def test_the_buyers_page_shows_tickets_of_confirmed_orders_only(fjord, book):
    assert len(order_page(book["free"]).printed) == 2
    assert order_page(book["card"]).printed == []
    cancelled = Order.objects.get(pk=book["cancelled"].pk)
    assert order_page(cancelled).printed == []
    assert not order_page(book["free"]).tickets_ready


def test_people_are_found_by_any_word(fjord, book):
    welcome_people(book["free"].pk, organiser_id=fjord.organiser.pk)

    everybody = people_of(fjord.event).people
    assert [(str(p), p.valid_tickets) for p in everybody] == [
        ("Carla Freeman", 1),
        ("Dora Guest", 1),
    ]
    assert [str(p) for p in people_of(fjord.event, search="guest dora").people] == ["Dora Guest"]
    assert people_of(fjord.event, search="nobody").people == []


# CSV ------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_never_runs_as_a_formula(start):
    assert safe(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_harmless_cells_are_as_they_are():
    assert [safe(value) for value in ("Acme", "a=b", 12, None, "")] == ["Acme", "a=b", "12", "", ""]


def test_the_export_is_csv_with_exact_amounts(fjord, book):
    evil = fjord.place_invoice(1, company_name='=HYPERLINK("x")', purchase_number="@PO, 1")
    rows = filtered_orders(fjord.event, OrderFilter(search="hyperlink"))

    text = "".join(csv_rows(rows, fjord.event))

    assert text.startswith("\ufeffOrder,Event,")
    head, row = csv.reader(StringIO(text.removeprefix("\ufeff")))
    cells = dict(zip(head, row, strict=True))
    assert head == COLUMNS
    assert cells["Order"] == evil.code
    assert cells["Company"] == '\'=HYPERLINK("x")'
    assert cells["Reference"] == "'@PO, 1"
    assert (cells["Net"], cells["Tax"], cells["Fee"], cells["Amount"]) == (
        "1000.00",
        "250.00",
        "20.49",
        "1270.49",
    )
    assert (cells["Ordered"], cells["Tickets"], cells["Status"]) == ("1", "0", "Requested")
    assert Ticket.objects.filter(order=evil).count() == 0
