"""The orders desk: Ticket Orders with its filters, summary and file, one order, a new one, people."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from orders import operations
from orders.models import Delivery, DeliveryStatus, Order, OrderStatus, PaymentMethod, Ticket
from orders.operations import cancel_order, mark_settled, send_invoice
from tests.cast import DORA, EMIL
from ticketing.models import CapacityPool, Reservation
from ticketing.operations import withdraw_release
from tiqqo.core import clock

pytestmark = pytest.mark.django_db

MONEY = "DKK 1,270.49"


@pytest.fixture
def book(at_fjord):
    """An order in every stage and by every method, one a minute; the newest is last."""
    house = at_fjord.house
    house.begin = clock.now().replace(second=0, microsecond=0)

    def at(minute, make):
        with time_machine.travel(house.begin + timedelta(minutes=minute), tick=False):
            return make()

    def card():
        order, payment = house.begin_payment(1, first_name="Kim", email="kim@example.org")
        return operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")

    with house.scope():
        orders = {
            "requested": at(0, lambda: house.place_invoice(2, company_name="Acme ApS")),
            "sent": at(1, lambda: house.place_invoice(1, company_name="Beta AB", first_name="Bea")),
            "settled": at(2, lambda: house.place_invoice(3, company_name="=Gamma()")),
            "card": at(3, card),
            "sponsored": at(
                4,
                lambda: house.place(
                    free=1, method=PaymentMethod.SPONSORED, by=house.owner, first_name="Spons"
                ),
            ),
            "free": at(5, lambda: house.place_free(2, attendees=(DORA, EMIL))),
            "cancelled": at(6, lambda: house.place_free(1, first_name="Gone")),
        }
        send_invoice(orders["sent"], by=house.owner)
        send_invoice(orders["settled"], by=house.owner)
        mark_settled(orders["settled"], by=house.owner)
        cancel_order(orders["cancelled"], by=house.owner)
    return orders


def codes_of(page):
    return [link.get("href").rstrip("/").rpartition("/")[2] for link in page.all("td.actions a")]


# Ticket Orders ---------------------------------------------------------------------------


def test_desk_speaks_the_words_of_the_trade(at_fjord, book):
    page = at_fjord.get("orders:list")

    assert page.h1 == "Ticket Orders"
    assert "Manage ticket orders for your events" in page.text()
    assert list(page.texts("main summary")) == ["Filters", "Summary"]
    assert list(page.links(".page-header a")) == ["Export CSV", "+ New Ticket Order"]
    assert "Filter Ticket Orders" in page.texts("main h2")
    assert page.texts("form[role=search] label") == [
        "Search", "Status", "Payment Method", "From Date", "To Date", "Ticket Count Status",
    ]  # fmt: skip
    assert page.links()["Reset Filters"] == at_fjord.url("orders:list")


def test_columns_are_those_of_the_trade(at_fjord, book):
    page = at_fjord.get("orders:list")

    assert [head.upper() for head in page.texts("thead.orders th")] == [
        "COMPANY", "CONTACT", "DATE", "ORDERED", "TICKETS", "AMOUNT", "MOMS (25%)", "PAYMENT",
        "STATUS", "ACTIONS",
    ]  # fmt: skip


def test_orders_are_listed_newest_first(at_fjord, book):
    page = at_fjord.get("orders:list")

    rows = [[cell for number, cell in enumerate(row) if number not in (2, 9)] for row in page.rows]
    assert rows == [
        ["–", "Gone Buyer carla@example.org", "1", "0", "DKK 0.00", "DKK 0.00", "Free", "Cancelled"],
        ["–", "Carla Buyer carla@example.org", "2", "2", "DKK 0.00", "DKK 0.00", "Free", "Settled"],
        ["–", "Spons Buyer carla@example.org", "1", "1", "DKK 0.00", "DKK 0.00", "Sponsored", "Settled"],
        ["–", "Kim Buyer kim@example.org", "1", "1", MONEY, "DKK 250.00", "Card", "Settled"],
        ["=Gamma()", "Carla Buyer carla@example.org", "3", "3", "DKK 3,811.47", "DKK 750.00", "Invoice", "Settled"],
        ["Beta AB", "Bea Buyer carla@example.org", "1", "0", MONEY, "DKK 250.00", "Invoice", "Invoice Sent"],
        ["Acme ApS", "Carla Buyer carla@example.org", "2", "0", "DKK 2,540.98", "DKK 500.00", "Invoice", "Requested"],
    ]  # fmt: skip


def test_summary_adds_up_by_stage_and_method(at_fjord, book):
    page = at_fjord.get("orders:list")

    rows = {row.find("th").text: row for row in page.all("table.matrix tbody tr")}
    cells = {
        name: [cell.text.replace("\xa0", " ") for cell in row.findall("td")]
        for name, row in rows.items()
    }
    none = ["0", "0", "DKK 0.00"]
    assert page.texts("table.matrix thead th[colspan]") == [
        "Invoice",
        "Card",
        "Sponsored",
        "Free",
        "Total",
    ]
    assert cells == {
        "Requested": ["1", "2", "DKK 2,540.98", *none, *none, *none, "1", "2", "DKK 2,540.98"],
        "Invoice Sent": ["1", "1", MONEY, *none, *none, *none, "1", "1", MONEY],
        "Settled": [
            "1", "3", "DKK 3,811.47", "1", "1", MONEY, "1", "1", "DKK 0.00", "1", "2", "DKK 0.00",
            "4", "7", "DKK 5,081.96",
        ],
        "Total": [
            "3", "6", "DKK 7,622.94", "1", "1", MONEY, "1", "1", "DKK 0.00", "1", "2", "DKK 0.00",
            "6", "10", "DKK 8,893.43",
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"search": "acme"}, ["requested"]),
        ({"search": "KIM@example"}, ["card"]),
        ({"search": "Bea"}, ["sent"]),
        ({"search": "nobody at all"}, []),
        ({"search": "100%"}, []),
        ({"stage": "requested"}, ["requested"]),
        ({"stage": "invoice_sent"}, ["sent"]),
        ({"stage": "settled"}, ["free", "sponsored", "card", "settled"]),
        ({"stage": "cancelled"}, ["cancelled"]),
        ({"stage": "refunded"}, []),
        ({"payment_method": "INVOICE"}, ["settled", "sent", "requested"]),
        ({"payment_method": "CARD"}, ["card"]),
        ({"payment_method": "SPONSORED"}, ["sponsored"]),
        ({"payment_method": "FREE"}, ["cancelled", "free"]),
        ({"ticket_count": "matches"}, ["free", "sponsored", "card", "settled"]),
        ({"ticket_count": "missing"}, ["cancelled", "sent", "requested"]),
        ({"ticket_count": "none"}, ["cancelled", "sent", "requested"]),
        ({"ticket_count": "too_many"}, []),
        ({"stage": "settled", "payment_method": "INVOICE", "search": "gamma"}, ["settled"]),
        # What makes no sense is ignored.
        ({"stage": "dreamt", "payment_method": "CARD"}, ["card"]),
        ({"placed_from": "soon", "payment_method": "CARD"}, ["card"]),
    ],
)
def test_filter_finds(at_fjord, book, asked, found):
    page = at_fjord.get("orders:list", asked)

    assert codes_of(page) == [book[name].code for name in found]
    assert page.all("details.filters")[0].get("open") is not None
    if not found:
        assert page.texts(".empty__title") == ["No order matches these filters"]


def test_search_takes_a_code_as_people_read_it(at_fjord, book):
    code = book["free"].code

    page = at_fjord.get("orders:list", {"search": f" {code[:4].lower()}-{code[4:]} "})

    assert codes_of(page) == [code]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_any_day_of_the_calendar_may_be_asked_for(at_fjord, book, day):
    at_fjord.get("orders:list", {"placed_from": day})
    at_fjord.get("orders:list", {"placed_to": day})


def test_days_are_those_of_the_event_and_inclusive(at_fjord):
    house = at_fjord.house
    # 23:30 on 30 June in Copenhagen is 21:30 UTC; half an hour later it is July.
    with house.scope(), time_machine.travel(datetime(2026, 6, 30, 21, 30, tzinfo=UTC)) as traveller:
        june = house.place_free(1)
        traveller.shift(timedelta(minutes=31))
        july = house.place_free(1)

    def found(**asked):
        return codes_of(at_fjord.get("orders:list", asked))

    assert found(placed_to="2026-06-30") == [june.code]
    assert found(placed_from="2026-07-01") == [july.code]
    assert found(placed_from="2026-06-30", placed_to="2026-07-01") == [july.code, june.code]


def test_what_was_asked_stays_in_the_panel_and_in_the_file_link(at_fjord, book):
    asked = {"search": "a", "stage": "settled", "placed_from": "2026-01-31"}

    page = at_fjord.get("orders:list", asked)

    kept = page.values("Apply Filters")
    assert {name: kept[name] for name in asked} == asked
    assert page.links()["Export CSV"].endswith("?search=a&stage=settled&placed_from=2026-01-31")


def test_filters_work_without_javascript(at_fjord, book):
    page = at_fjord.get("orders:list").submit("Apply Filters", status=200, stage="invoice_sent")

    assert codes_of(page) == [book["sent"].code]


def test_desk_without_orders_says_where_they_come_from(at_fjord):
    page = at_fjord.get("orders:list")

    assert page.texts(".empty__title") == ["No ticket orders yet"]


@pytest.fixture
def sixty(at_fjord):
    """Sixty orders, some of them at the same instant."""
    house = at_fjord.house
    begin = clock.now()
    codes = []
    with house.scope():
        for number in range(60):
            with time_machine.travel(begin + timedelta(seconds=number // 3), tick=False):
                codes.append(house.place_free(1).code)
    return codes[::-1]


def test_sixty_orders_are_paged_by_key(at_fjord, sixty, expect_queries):
    first = at_fjord.get("orders:list", {"stage": "settled"})
    second = at_fjord.pages.get_page(first.links()["Next"])

    assert codes_of(first) == sixty[:50]
    assert codes_of(second) == sixty[50:]
    assert "Next" not in second.links()
    assert second.links()["Previous"].endswith("?stage=settled")
    # session · user · membership · event · orders · summary · organisers of the user
    with expect_queries(7):
        at_fjord.get("orders:list")


def test_search_for_a_nul_is_ignored(at_fjord, book):
    for name in ("orders:list", "orders:csv", "orders:people"):
        assert at_fjord.pages.get(at_fjord.url(name), data={"search": "\x00"}).status_code == 200


@pytest.mark.parametrize(
    "after", ["x", "2026_", "_5", "2026-01-01_5", "2026-01-01T00:00:00+00:00_99999999999999999999999"]
)  # fmt: skip
def test_key_that_is_none_is_not_found_or_finds_nothing(at_fjord, book, after):
    page = at_fjord.pages.http.get(at_fjord.url("orders:list"), {"after": after})

    assert page.status_code in (200, 404)


def test_queries_of_the_list(at_fjord, book, expect_queries):
    at_fjord.get("orders:list")

    # session · user · membership · event · orders · summary · organisers of the user
    with expect_queries(7):
        at_fjord.get("orders:list")


def test_the_link_that_writes_to_a_buyer_writes_to_nobody_else(at_fjord):
    with at_fjord.house.scope():
        order = at_fjord.house.place_free(1, email="anna?bcc=press@evil.example")

    page = at_fjord.get("orders:order", code=order.code)

    links = page.attributes("#buyer a", "href")
    assert links == ["mailto:anna%3Fbcc%3Dpress@evil.example"]


# The file --------------------------------------------------------------------------------


def rows_of_file(desk, **asked):
    response = desk.pages.get(desk.url("orders:csv"), data=asked)
    body = b"".join(response.streaming_content).decode("utf-8")
    assert body.startswith("\ufeff")
    return response, list(csv.reader(io.StringIO(body[1:])))


def test_file_holds_every_order_exactly(at_fjord, book):
    response, rows = rows_of_file(at_fjord)

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="orders-fjord-tech-summit.csv"' in response.headers["Content-Disposition"]
    assert rows[0] == [
        "Order", "Event", "Company", "Contact", "E-mail", "Date", "Ordered", "Tickets", "Net",
        "Tax", "Fee", "Amount", "Currency", "Payment", "Status", "Invoice sent", "Settled",
        "Reference", "VAT number",
    ]  # fmt: skip
    by_code = {row[0]: row for row in rows[1:]}
    assert list(by_code) == [order.code for order in reversed(book.values())]
    event = at_fjord.house.event
    placed = event.local(book["requested"].placed_at).isoformat(timespec="minutes")
    assert by_code[book["requested"].code] == [
        book["requested"].code, "Fjord Tech Summit", "Acme ApS", "Carla Buyer", "carla@example.org",
        placed, "2", "0", "2000.00", "500.00", "40.98", "2540.98", "DKK", "Invoice", "Requested",
        "", "", "", "",
    ]  # fmt: skip
    assert by_code[book["settled"].code][2] == "'=Gamma()"


def test_file_is_filtered_as_the_list_is(at_fjord, book):
    _response, rows = rows_of_file(at_fjord, payment_method="CARD")

    assert [row[0] for row in rows[1:]] == [book["card"].code]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(at_fjord, name):
    with at_fjord.house.scope():
        at_fjord.house.place_invoice(1, company_name=name, purchase_number=name)

    _response, rows = rows_of_file(at_fjord)

    assert (rows[1][2], rows[1][17]) == (f"'{name}", f"'{name}")


# One order -------------------------------------------------------------------------------


def test_order_tells_everything(at_fjord, book):
    order = book["settled"]

    page = at_fjord.get("orders:order", code=order.code)

    assert page.h1 == f"Order {order.code}"
    assert len(page.rows) == 3
    assert page.texts("#price .price-lines__line") == [
        "3 × Full pass DKK 3,000.00",
        "Moms 25% DKK 750.00",
        "Service fee DKK 61.47",
        "Total DKK 3,811.47",
    ]
    assert page.texts(".timeline__title") == [
        "Tickets issued", "Settled", "Invoice sent", "Address confirmed by the buyer",
        "Buyer asked to confirm the address", "Order placed",
    ]  # fmt: skip
    assert page.text("#buyer .copy__value").endswith(f"/orders/{order.code}/{order.secret}/")


@pytest.mark.parametrize(
    ("name", "buttons"),
    [
        (
            "requested",
            ["Send invoice", "Mark DKK 2,540.98 settled", "Save date", "Cancel order {code}"],
        ),
        ("sent", ["Mark DKK 1,270.49 settled", "Save date", "Cancel order {code}"]),
        ("settled", ["Send tickets again"]),
        ("card", ["Send tickets again"]),
        ("free", ["Send tickets again", "Cancel order {code}"]),
        ("cancelled", []),
    ],
)
def test_order_offers_what_is_possible(at_fjord, book, name, buttons):
    page = at_fjord.get("orders:order", code=book[name].code)

    assert page.texts("main form button") == [b.format(code=book[name].code) for b in buttons]


def reloaded(desk, order):
    with desk.house.scope():
        return Order.objects.get(pk=order.pk)


def test_invoice_goes_from_sent_to_settled(at_fjord, book, queue, committing):
    order = book["requested"]
    page = at_fjord.get("orders:order", code=order.code)

    page = at_fjord.pages.follow(page.submit("Send invoice"))
    assert page.alerts == [f"The invoice of {order.code} is on its way to the buyer."]
    assert reloaded(at_fjord, order).invoice_sent_at is not None

    with committing():
        answer = page.submit("Mark DKK 2,540.98 settled")
    page = at_fjord.pages.follow(answer)
    assert page.alerts == [f"{order.code} is settled. The tickets are on their way."]
    assert reloaded(at_fjord, order).status == OrderStatus.PAID
    with at_fjord.house.scope():
        assert Ticket.objects.filter(order=order).count() == 2
    assert queue.names == ["orders.tasks.prepare_delivery", "orders.tasks.welcome_people"]


def test_cancelling_voids_and_frees(at_fjord, book):
    order = book["free"]

    answer = at_fjord.get("orders:order", code=order.code).submit(f"Cancel order {order.code}")

    page = at_fjord.pages.follow(answer)
    assert page.alerts == [f"{order.code} is cancelled and its places are free."]
    assert [row[3] for row in page.rows] == ["Void", "Void"]
    assert "Cancel order" not in page.links()


def test_tickets_are_sent_again(at_fjord, book, queue, committing):
    page = at_fjord.get("orders:order", code=book["free"].code)
    with at_fjord.house.scope():
        Delivery.objects.update(status=DeliveryStatus.SENT)
    queue.clear()

    with committing():
        answer = page.submit("Send tickets again")
        alerts = at_fjord.pages.follow(answer).alerts
        page.submit("Send tickets again")  # once more, while the first is under way

    assert alerts == [f"The tickets of {book['free'].code} are sent again."]
    assert queue.names == ["orders.tasks.prepare_delivery"]


@pytest.mark.parametrize(
    ("action", "name", "said"),
    [
        ("invoice", "card", "Only an order that is paid by invoice can be marked like this."),
        ("settlement", "settled", "This order is already settled."),
        ("cancellation", "card", "This order is paid. Refund it instead of cancelling it."),
        ("deliveries", "requested", "This order has no tickets yet, so there is nothing to send."),
        ("settlement", "cancelled", "This order is cancelled."),
    ],
)
def test_what_an_order_does_not_allow_is_refused(at_fjord, book, queue, action, name, said):
    at_fjord.get("orders:list")
    before = reloaded(at_fjord, book[name])
    queue.clear()

    page = at_fjord.post(f"orders:{action}", code=book[name].code, status=409)

    assert page.h1 == "That did not go through"
    assert page.alerts == [said]
    after = reloaded(at_fjord, book[name])
    assert {f: v for f, v in vars(after).items() if f != "_state"} == {
        f: v for f, v in vars(before).items() if f != "_state"
    }
    assert queue.names == []


def test_order_of_another_event_or_organiser_is_not_here(at_fjord, cast):
    with cast.kikker.scope():
        code = cast.kikker.place_free(1).code

    at_fjord.get("orders:order", code=code, status=404)
    at_fjord.get("orders:list")
    at_fjord.post("orders:cancellation", code=code, status=404)


def test_queries_of_one_order(at_fjord, book, expect_queries):
    at_fjord.get("orders:list")

    # session · user · membership · event · order · lines · tickets · payments · refunds · disputes · deliveries ·
    # history · organisers of the user
    with expect_queries(13):
        at_fjord.get("orders:order", code=book["free"].code)


# A new order -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "company", "total", "status"),
    [
        ("INVOICE", "Acme ApS", 254_098, "OFFLINE_PENDING"),
        ("SPONSORED", "", 0, "FREE"),
        ("FREE", "", 0, "FREE"),
    ],
)
def test_desk_makes_an_order(at_fjord, method, company, total, status):
    house = at_fjord.house
    page = at_fjord.get("orders:new")

    answer = page.submit(
        "Make order",
        first_name="Nora", last_name="Guest", email="nora@example.org", company_name=company,
        payment_method=method, **{f"quantity_{house.priced.code}": 2},
    )  # fmt: skip

    with house.scope():
        order = Order.objects.get()
    assert (order.payment_method, order.total_minor, order.status) == (method, total, status)
    page = at_fjord.pages.follow(answer)
    assert page.alerts == [f"Order {order.code} is made."]


@pytest.mark.parametrize(
    ("typed", "errors", "general"),
    [
        ({"company_name": ""}, {"company_name": "An invoice needs the name of your company."}, []),
        ({"quantity": "0"}, {}, ["Choose at least one ticket."]),
        ({"quantity": "21"}, {}, ["At most 20 tickets in one order."]),
        (
            {"email": "nora@"},
            {"email": "What stands after the @ must be a public domain, such as example.org."},
            [],
        ),
        ({"first_name": ""}, {"first_name": "Fill in “First name”."}, []),
        ({"payment_method": "CARD"}, {"payment_method": None}, []),
    ],
)
def test_new_order_that_cannot_be_made_keeps_what_was_typed(at_fjord, typed, errors, general):
    house = at_fjord.house
    facts = {
        "first_name": "Nora", "last_name": "Guest", "email": "nora@example.org",
        "company_name": "Acme ApS", "payment_method": "INVOICE", "quantity": "2",
    } | typed  # fmt: skip
    facts[f"quantity_{house.priced.code}"] = facts.pop("quantity")

    page = at_fjord.get("orders:new").submit("Make order", status=422, **facts)

    assert set(page.errors) == set(errors)
    assert all(page.errors[name] == said for name, said in errors.items() if said)
    assert page.general_errors == general
    kept = page.values("Make order")
    assert kept["last_name"] == "Guest"
    assert kept[f"quantity_{house.priced.code}"] == facts[f"quantity_{house.priced.code}"]
    with house.scope():
        assert not Order.objects.exists()
        assert CapacityPool.objects.get(ticket_type=None, release=None).held == 0
        assert not Reservation.objects.filter(status="PENDING").exists()


def test_new_order_needs_something_on_sale(at_fjord):
    house = at_fjord.house
    with house.scope():
        for release in (house.priced, house.free):
            withdraw_release(release, by=house.owner)

    page = at_fjord.get("orders:new")

    assert page.texts(".empty__title") == ["Nothing is on sale"]


# People ----------------------------------------------------------------------------------


def test_people_are_listed_by_name_and_found(at_fjord, queue, committing):
    with at_fjord.house.scope(), committing():
        at_fjord.house.place_free(2, attendees=(EMIL, DORA))
    assert queue.work(committing) == []

    page = at_fjord.get("orders:people")
    found = at_fjord.get("orders:people", {"search": "dora gue"})
    nobody = at_fjord.get("orders:people", {"search": "zz"})

    assert [row[:2] for row in page.rows] == [
        ["DG Dora Guest", "dora@example.org"],
        ["EG Emil Guest", "emil@example.org"],
    ]
    assert [row[0] for row in found.rows] == ["DG Dora Guest"]
    assert found.values("Search")["search"] == "dora gue"
    assert nobody.texts(".empty__title") == ["Nobody matches"]


def test_people_before_the_first_ticket(at_fjord):
    assert at_fjord.get("orders:people").texts(".empty__title") == ["Nobody yet"]
