"""From the hold to the payment."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from orders import operations
from orders.models import Delivery, Order, OrderStatus, Payment, Ticket
from tests.cast import DORA, EMIL
from tests.orders.public_pages import CARLA, the_order
from ticketing.models import CapacityPool, Reservation, ReservationStatus
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


def test_checkout_asks_little(checkout):
    page = checkout(priced=1)

    assert page.h1 == "Checkout"
    assert page.texts("main legend") == ["Who is buying?", "Who is coming?"]
    assert page.texts("summary") == ["Ticket 1: Regular"]
    assert page.texts(".summary button") == ["Pay €25.99"]
    assert page.response.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert page.texts("#id_consent_field label") == [
        "Blauwe Kikker may send me news about its events. I can stop that at any time."
    ]
    assert page.all("#id_consent[checked]") == []


def test_free_checkout_gives_tickets_at_once(checkout, in_kikker_shop, queue, committing):
    page = checkout(free=2)
    assert page.texts(".summary button") == ["Get tickets"]

    with committing():
        answer = page.submit("Get tickets", status=303, **CARLA)

    order = the_order(in_kikker_shop.house)
    assert answer.headers["Location"] == in_kikker_shop.url(
        "shop:order", code=order.code, secret=order.secret
    )
    assert (order.status, order.payment_method, order.total_minor) == ("FREE", "FREE", 0)
    assert queue.names == ["orders.tasks.prepare_delivery", "orders.tasks.welcome_people"]
    page = in_kikker_shop.pages.follow(answer)
    assert page.h1 == "Your tickets"
    assert page.texts(".stub__holder") == ["Carla Buyer", "Carla Buyer"]


def test_card_checkout_goes_to_the_payment_page(checkout, in_kikker_shop, provider):
    answer = checkout(priced=2).submit("Pay €51.98", status=303, **CARLA)

    assert answer.headers["Location"] == "https://provider.test/cs_test_1"
    opened = provider.pages["cs_test_1"]
    assert (opened.total.minor, opened.total.currency, opened.email) == (
        5198, "EUR", "carla@example.org",
    )  # fmt: skip
    order = the_order(in_kikker_shop.house)
    assert (order.status, order.confirmed_at) == (OrderStatus.INITIATED, None)


def test_provider_that_is_down_costs_nothing(checkout, provider, in_kikker_shop):
    provider.is_down = True

    page = checkout(priced=1).submit("Pay €25.99", status=422, **CARLA)

    assert page.general_errors == [
        (
            "The payment page does not answer. You have not been charged and your tickets are still"
            " held: please try again."
        )
    ]
    assert page.values("Pay €25.99")["email"] == "carla@example.org"
    provider.is_down = False
    page.submit("Pay €25.99", status=303)


def test_invoice_checkout_books_the_places(fjord_checkout, in_fjord_shop, queue, committing):
    assert fjord_checkout.texts(".summary button") == ["Place order"]
    assert fjord_checkout.texts(".price-lines__line") == [
        "2 × Full pass DKK 2,000.00",
        "Moms 25% DKK 500.00",
        "Service fee DKK 40.98",
    ]

    with committing():
        answer = fjord_checkout.submit(
            "Place order", status=303, payment_method="INVOICE", company_name="Acme ApS",
            vat_number="DK12345678", purchase_number="PO 7", **CARLA,
        )  # fmt: skip

    order = the_order(in_fjord_shop.house)
    assert (order.status, order.company_name, order.vat_number, order.purchase_number) == (
        "INITIATED", "Acme ApS", "DK12345678", "PO 7",
    )  # fmt: skip
    assert queue.names == ["orders.tasks.prepare_delivery"]
    asked = in_fjord_shop.pages.follow(answer)
    assert asked.h1 == "Look in your mail"
    assert "We have written to carla@example.org." in asked.text()
    assert order.secret not in asked.response.content.decode()
    assert queue.work(committing) == []
    [message] = mail.outbox
    assert message.to == ["carla@example.org"]
    assert message.subject == "Confirm your order for Fjord Tech Summit"
    assert order.secret not in message.body
    link = in_fjord_shop.url("shop:address", code=order.code, secret=order.address_secret)
    assert link in message.body

    # Opening the link orders nothing, as often as mail scanners do it.
    for _time in range(3):
        question = in_fjord_shop.pages.get_page(link)
    assert question.h1 == "Confirm your order"
    assert the_order(in_fjord_shop.house).status == "INITIATED"
    with committing():
        answer = question.submit("Place the order")
        again = question.submit("Place the order")

    assert answer.headers["Location"] == again.headers["Location"]
    page = in_fjord_shop.pages.follow(answer)
    assert page.h1 == "We have your order"
    assert page.alerts == [
        "Your places are booked. The invoice comes by mail, and the tickets follow."
    ]
    assert the_order(in_fjord_shop.house).status == "OFFLINE_PENDING"
    assert queue.work(committing) == []
    assert [m.subject for m in mail.outbox[1:]] == [
        f"We have your order {order.code} for Fjord Tech Summit"
    ]


def placed_by_invoice(page, **facts):
    typed = CARLA | {"payment_method": "INVOICE", "company_name": "Acme ApS"} | facts
    return page.client.follow(page.submit("Place order", status=303, **typed))


def test_a_link_to_one_address_says_nothing_about_another(fjord_checkout, in_fjord_shop):
    asked = placed_by_invoice(fjord_checkout)
    first = the_order(in_fjord_shop.house)
    form = asked.client.get_page(asked.links()["Change what I typed"])
    asked = placed_by_invoice(form, email="victim@example.org")

    assert "We have written to victim@example.org." in asked.text()
    in_fjord_shop.get("shop:address", code=first.code, secret=first.address_secret, status=404)
    in_fjord_shop.get("shop:address", code=first.code, secret=first.secret, status=404)
    second = the_order(in_fjord_shop.house)
    assert second.pk == first.pk
    in_fjord_shop.get("shop:address", code=second.code, secret=second.address_secret)


def test_placing_again_writes_to_nobody_again_and_to_few_addresses(fjord_checkout, in_fjord_shop):
    def asked_so_far():
        with in_fjord_shop.house.scope():
            return Delivery.objects.filter(kind="confirm").count()

    page = fjord_checkout
    for _time in range(3):
        asked = placed_by_invoice(page)
        page = asked.client.get_page(asked.links()["Change what I typed"])
    assert asked_so_far() == 1
    for number in range(2):
        asked = placed_by_invoice(page, email=f"victim{number}@example.org")
        page = asked.client.get_page(asked.links()["Change what I typed"])

    typed = CARLA | {"payment_method": "INVOICE", "company_name": "Acme ApS"}
    refused = page.submit("Place order", status=422, **typed | {"email": "last@example.org"})

    assert list(refused.errors) == ["email"]
    assert asked_so_far() == 3


def test_a_link_whose_hold_is_over_orders_nothing(fjord_checkout, in_fjord_shop):
    placed_by_invoice(fjord_checkout)
    order = the_order(in_fjord_shop.house)
    link = in_fjord_shop.url("shop:address", code=order.code, secret=order.address_secret)
    question = in_fjord_shop.pages.get_page(link)

    with time_machine.travel(clock.now() + timedelta(minutes=31)):
        page = in_fjord_shop.pages.get_page(link, status=410)
        refused = question.submit("Place the order", status=410)

    assert page.h1 == refused.h1 == "Your time is over"
    assert the_order(in_fjord_shop.house).status == "INITIATED"


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({"first_name": "You won EUR 500: https://evil.example/claim"}, "first_name"),
        ({"last_name": "evil.com"}, "last_name"),
        ({"company_name": "evil.example/claim"}, "company_name"),
        ({"purchase_number": "www.evil.example"}, "purchase_number"),
        ({"first_name_2": "\u202eevil"}, "first_name_2"),
        ({"email": "a@localhost"}, "email"),
    ],
)
def test_names_of_buyers_carry_no_addresses(fjord_checkout, in_fjord_shop, typed, at):
    facts = CARLA | {"payment_method": "INVOICE", "company_name": "booking.com B.V."}

    page = fjord_checkout.submit("Place order", status=422, **facts | typed)

    assert list(page.errors) == [at]


def test_invoice_needs_a_company(fjord_checkout, in_fjord_shop):
    page = fjord_checkout.submit("Place order", status=422, payment_method="INVOICE", **CARLA)

    assert page.errors == {"company_name": "An invoice needs the name of your company."}
    assert page.values("Place order")["payment_method"] == "INVOICE"
    with in_fjord_shop.house.scope():
        assert not Order.objects.exists()


def test_method_that_is_not_offered_is_refused(fjord_checkout, checkout):
    page = fjord_checkout.submit("Place order", status=422, payment_method="SPONSORED", **CARLA)

    assert list(page.errors) == ["payment_method"]


def test_what_is_missing_or_wrong_is_named_and_the_rest_kept(checkout, in_kikker_shop):
    page = checkout(free=1).submit(
        "Get tickets", status=422, first_name=" ", last_name="Buyer", email="carla@", consent="on"
    )

    assert page.errors == {
        "first_name": "Fill in “First name”.",
        "email": "What stands after the @ must be a public domain, such as example.org.",
    }
    kept = page.values("Get tickets")
    assert (kept["last_name"], kept["email"], kept["consent"]) == ("Buyer", "carla@", "on")
    with in_kikker_shop.house.scope():
        assert not Order.objects.exists()


def test_attendees_have_their_own_names(checkout, in_kikker_shop):
    page = checkout(priced=0, free=3)

    page.submit(
        "Get tickets", status=303, **CARLA,
        first_name_1=DORA.first, last_name_1=DORA.last, email_1=DORA.email, first_name_3=EMIL.first,
    )  # fmt: skip

    with in_kikker_shop.house.scope():
        tickets = Ticket.objects.order_by("id")
        assert [(ticket.holder_name, ticket.email) for ticket in tickets] == [
            ("Dora Guest", "dora@example.org"),
            ("Carla Buyer", "carla@example.org"),
            ("Emil", ""),
        ]


def test_half_an_attendee_is_asked_for_the_rest(checkout):
    page = checkout(free=2).submit("Get tickets", status=422, **CARLA, last_name_2="Guest")

    assert page.errors == {"first_name_2": "Enter the first name of this attendee, too."}
    assert page.attributes("details.attendee", "open") == [None, ""]


def test_consent_is_kept_with_its_words(checkout, in_kikker_shop):
    checkout(free=1).submit("Get tickets", status=303, consent="on", **CARLA)

    order = the_order(in_kikker_shop.house)
    assert order.consent_text.startswith("Blauwe Kikker may send me news")
    assert order.consented_at is not None


def test_more_time_once(checkout, in_kikker_shop):
    page = checkout(free=1)
    with time_machine.travel(clock.now() + timedelta(minutes=15)):
        answer = page.submit("I need more time", status=303)
        with in_kikker_shop.house.scope():
            held = Reservation.objects.get()
        assert held.expires_at - clock.now() > timedelta(minutes=19)
        again = in_kikker_shop.pages.follow(answer)
        page.submit("I need more time", status=303)

    assert "I need more time" not in again.texts("button")
    with in_kikker_shop.house.scope():
        assert Reservation.objects.get().expires_at == held.expires_at


def test_tickets_are_let_go(checkout, in_kikker_shop):
    house = in_kikker_shop.house
    page = checkout(free=2)

    answer = page.submit("Let these tickets go", status=303)

    assert answer.headers["Location"] == in_kikker_shop.url("shop:event")
    with house.scope():
        assert Reservation.objects.get().status == ReservationStatus.CANCELED_MANUALLY
        assert CapacityPool.objects.get(ticket_type=None, release=None).held == 0
    gone = in_kikker_shop.pages.get_page(page.address, status=410)
    assert gone.h1 == "You let these tickets go"


def test_time_that_ran_out_keeps_the_selection(checkout, in_kikker_shop):
    page = checkout(priced=2, free=1)
    with time_machine.travel(clock.now() + timedelta(minutes=21)):
        gone = in_kikker_shop.pages.get_page(page.address, status=410)
        refused = page.submit("Pay €51.98", status=410, **CARLA)

        assert gone.h1 == refused.h1 == "Your time ran out"
        assert gone.texts("main li") == ["2 × Regular", "1 × Under 12"]
        again = in_kikker_shop.pages.follow(gone.submit("Reserve again"))
        assert again.texts(".summary button") == ["Pay €51.98"]


def test_checkout_of_an_order_leads_to_the_order(checkout, in_kikker_shop):
    page = checkout(free=1)
    page.submit("Get tickets", status=303, **CARLA)

    order = the_order(in_kikker_shop.house)
    location = in_kikker_shop.url("shop:order", code=order.code, secret=order.secret)
    assert in_kikker_shop.pages.get(page.address, status=303).headers["Location"] == location
    again = in_kikker_shop.pages.post(page.address, CARLA, status=303)
    assert again.headers["Location"] == location
    the_order(in_kikker_shop.house)


@pytest.mark.parametrize("secret", ["AAAAAAAAAAAAAAAAAAAAAA", "é", "x" * 300])
def test_checkout_needs_its_secret(in_kikker_shop, secret):
    in_kikker_shop.pages.get_page(
        f"/blauwe-kikker/night-of-the-blue-note/checkout/{secret}/", status=404
    )


def test_checkout_of_another_organiser_is_not_here(in_kikker_shop, cast):
    with cast.fjord.scope():
        secret = cast.fjord.reserve(free=1).secret

    in_kikker_shop.get("shop:checkout", secret=secret, status=404)


def test_paid_buyer_returns_to_the_tickets(paying, in_kikker_shop, provider):
    provider.pay("cs_test_1")

    answer = in_kikker_shop.pages.get(paying, status=303)

    order = the_order(in_kikker_shop.house)
    assert order.status == OrderStatus.PAID
    assert in_kikker_shop.pages.follow(answer).h1 == "Your tickets"
    with in_kikker_shop.house.scope():
        assert Ticket.objects.count() == 1
    assert (
        in_kikker_shop.pages.get(paying, status=303).headers["Location"]
        == (answer.headers["Location"])
    )


def test_bank_that_takes_its_time_lets_the_buyer_wait(paying, in_kikker_shop):
    page = in_kikker_shop.pages.get_page(paying)

    assert page.h1 == "Waiting for your payment"
    assert page.attributes("[hx-trigger]", "hx-trigger") == ["every 3s"]
    assert page.links()["Look again now"] == paying


def test_provider_that_does_not_answer_lets_the_buyer_wait(paying, in_kikker_shop, provider):
    provider.is_down = True

    assert in_kikker_shop.pages.get_page(paying).h1 == "Waiting for your payment"


def test_payment_page_that_closed_leads_back_to_checkout(paying, in_kikker_shop, provider):
    provider.close_checkout("cs_test_1")

    answer = in_kikker_shop.pages.get(paying, status=303)

    page = in_kikker_shop.pages.follow(answer)
    assert page.h1 == "Checkout"
    assert page.values("Pay €25.99")["email"] == "carla@example.org"
    again = page.submit("Pay €25.99", status=303)
    assert again.headers["Location"] == "https://provider.test/cs_test_2"


def test_buyer_who_came_back_without_paying_may_go_on(paying, in_kikker_shop):
    page = in_kikker_shop.pages.get_page(paying.removesuffix("return/"), {"payment": "canceled"})

    assert page.alerts == [
        "You came back without paying. Your tickets are still held: change what you like, and go on."
    ]
    again = page.submit("Pay €25.99", status=303)
    assert again.headers["Location"] == "https://provider.test/cs_test_1"


def test_bank_that_said_no_is_quoted(paying, in_kikker_shop):
    with in_kikker_shop.house.scope():
        operations.record_failure(Payment.objects.get(), message="Your card was declined.")

    page = in_kikker_shop.pages.get_page(paying.removesuffix("return/"))

    assert page.alerts == ["The payment did not go through Your card was declined."]


def test_return_before_any_order_leads_to_checkout(checkout, in_kikker_shop):
    page = checkout(priced=1)

    answer = in_kikker_shop.pages.get(page.address + "return/", status=303)

    assert answer.headers["Location"] == page.address


def test_letting_go_closes_the_payment_page(paying, in_kikker_shop, provider):
    in_kikker_shop.pages.post(paying.replace("return/", "cancellation/"), status=303)

    assert provider.pages["cs_test_1"].progress.name == "EXPIRED"
    assert the_order(in_kikker_shop.house).status == OrderStatus.CANCELED


def test_letting_go_waits_for_a_provider_that_is_down(paying, in_kikker_shop, provider):
    provider.is_down = True

    page = in_kikker_shop.pages.post(paying.replace("return/", "cancellation/"), status=503)

    assert page.h1 == "That did not go through"
    with in_kikker_shop.house.scope():
        assert Reservation.objects.get().status == ReservationStatus.PENDING
