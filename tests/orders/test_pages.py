"""The public pages: shop, checkout, payment, the buyer's own page, and the provider's webhook."""

import json
from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar
from lxml import etree

from events.models import Event
from events.operations import change_event, pause_sales
from orders import operations
from orders.models import Order, OrderStatus, Payment, ProviderEvent, Refund, Ticket
from orders.operations import cancel_order
from tests.cast import DORA, EMIL, EventFactory, ReleaseFactory, TicketTypeFactory
from tests.pages import PageClient, text_of
from tests.providers import SIGNATURE
from ticketing.models import CapacityPool, Reservation, ReservationStatus
from ticketing.operations import set_event_capacity
from tiqqo.core import clock

pytestmark = pytest.mark.django_db

CARLA = {"first_name": "Carla", "last_name": "Buyer", "email": "carla@example.org"}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunter"[:60]


def new_event(house, **facts):
    with house.scope():
        return EventFactory(organiser=house.organiser, by=house.owner, **facts)


def release_of(house, event, **facts):
    with house.scope():
        return ReleaseFactory(event=event, by=house.owner, **facts)


def status_of(house, status):
    with house.scope():
        Event.objects.filter(pk=house.event.pk).update(status=status)


def quantity(release, count):
    return {f"quantity_{release.code}": count}


def rows_of(page):
    """The shop's rows: name with its pill, price with its note, and why it cannot be bought."""
    return [
        (
            " ".join(page_text(row, "ticket-row__name")),
            " ".join(page_text(row, "ticket-row__price")),
            " ".join(page_text(row, "ticket-row__reason")),
        )
        for row in page.all(".ticket-row")
    ]


def page_text(element, name):
    return [
        text_of(found)
        for found in element.xpath(f".//*[contains(concat(' ',@class,' '),' {name} ')]")
    ]


# The shop --------------------------------------------------------------------------------


def test_shop_offers_prices_with_everything_in_them(in_kikker_shop):
    page = in_kikker_shop.get("shop:event")

    assert page.h1 == "Night of the Blue Note"
    assert rows_of(page) == [
        ("Regular", "€25.99 incl. €0.99 service fee", ""),
        ("Under 12", "Free", ""),
    ]
    assert page.texts("main button") == ["Reserve tickets"]
    assert "Held for you for 20 minutes. No account needed." in page.text()
    assert page.links("footer a")["Contact Blauwe Kikker"] == "mailto:help@blauwekikker.example"


def test_shop_says_tax_that_comes_on_top(in_fjord_shop):
    page = in_fjord_shop.get("shop:event")

    assert rows_of(page) == [
        ("Full pass", "DKK 1,270.49 incl. DKK 250.00 Moms and DKK 20.49 service fee", ""),
        ("Volunteer", "Free", ""),
    ]


def test_shop_whose_organiser_bears_the_fee_says_only_the_tax(in_fjord_shop):
    house = in_fjord_shop.house
    with house.scope():
        change_event(house.event, by=house.owner, fee_payer="organiser")

    page = in_fjord_shop.get("shop:event")

    assert rows_of(page)[0][1] == "DKK 1,250.00 incl. DKK 250.00 Moms"


def test_shop_does_not_know_who_looks(in_kikker_shop):
    page = in_kikker_shop.get("shop:event")

    assert page.response.cookies == {}
    # What decides is the language alone, docs/decisions/0009.
    in_kikker_shop.pages.sign_in(in_kikker_shop.house.owner.user)
    assert in_kikker_shop.get("shop:event").response.content == page.response.content


def test_scheduled_release_shows_when_it_opens(in_kikker_shop):
    house = in_kikker_shop.house
    release_of(house, house.event, name="Late", opens_at=clock.now() + timedelta(days=2))

    page = in_kikker_shop.get("shop:event")

    assert len(page.all(".ticket-row count-down")) == 1
    assert page.texts(".ticket-row .countdown__label") == ["On sale from"]
    assert len(page.all(".ticket-row--shut")) == 1


def test_the_last_places_are_counted(in_kikker_shop):
    house = in_kikker_shop.house
    with house.scope():
        set_event_capacity(house.event, capacity=3, by=house.owner)

    page = in_kikker_shop.get("shop:event")

    assert [row[0] for row in rows_of(page)] == ["Regular 3 left", "Under 12 3 left"]
    assert page.attributes("quantity-stepper input", "max") == ["3", "3"]


def test_sold_out_shop_sells_nothing(in_kikker_shop):
    house = in_kikker_shop.house
    with house.scope():
        set_event_capacity(house.event, capacity=0, by=house.owner)

    page = in_kikker_shop.get("shop:event")

    assert [row[2] for row in rows_of(page)] == ["Sold out", "Sold out"]
    assert page.texts("main button") == []
    assert "Get tickets" not in page.text()


def test_paused_shop_says_so(in_kikker_shop):
    house = in_kikker_shop.house
    with house.scope():
        pause_sales(house.event, by=house.owner)

    page = in_kikker_shop.get("shop:event")

    assert page.alerts == ["Ticket sales are paused for a moment. Please come back a little later."]
    assert {row[2] for row in rows_of(page)} == {"Sales are paused for a moment"}
    assert page.texts("main button") == []


@pytest.mark.parametrize(
    ("status", "alert"),
    [("ended", "This event is over."), ("cancelled", "This event is cancelled.")],
)
def test_shop_of_an_event_that_is_over(in_kikker_shop, status, alert):
    status_of(in_kikker_shop.house, status)

    page = in_kikker_shop.get("shop:event")

    assert page.alerts == [alert]
    assert {row[2] for row in rows_of(page)} == {"No longer on sale"}
    assert page.texts("main button") == []


def test_draft_is_for_its_team_only(at_kikker, cast, pages):
    draft = new_event(at_kikker.house, name="Secret gig")
    url = f"/blauwe-kikker/{draft.slug}/"

    page = at_kikker.pages.get_page(url)
    pages.get_page(url, status=404)
    PageClient().sign_in(cast.fjord.owner.user).get_page(url, status=404)

    assert page.alerts == ["Preview: only your team sees this page until you publish the event."]
    assert page.texts(".empty__title") == ["No tickets yet"]
    assert page.texts("main button") == []


def test_preview_takes_no_reservations(at_kikker):
    draft = new_event(at_kikker.house, name="Secret gig")
    release = release_of(at_kikker.house, draft)

    at_kikker.pages.post(
        f"/blauwe-kikker/{draft.slug}/reservations/", quantity(release, 1), status=404
    )


def test_shop_without_tickets_says_what_comes(in_kikker_shop):
    house = in_kikker_shop.house
    event = new_event(house, name="Announced")
    with house.scope():
        Event.objects.filter(pk=event.pk).update(status="published")

    page = in_kikker_shop.pages.get_page(f"/blauwe-kikker/{event.slug}/")

    assert page.texts(".empty__title") == ["No tickets yet"]


@pytest.mark.parametrize(
    "name", [LONG, "حفلة موسيقى الجاز", "🎷 Jazz & <b>bold</b> 🎺", "\u202eevil\u202c"]
)
def test_any_name_stands_as_it_is(in_kikker_shop, name):
    house = in_kikker_shop.house
    with house.scope():
        change_event(house.event, by=house.owner, name=name)
        made = TicketTypeFactory(event=house.event, name=name, by=house.owner)
    with house.scope():
        ReleaseFactory(ticket_type=made, name=name, by=house.owner)

    page = in_kikker_shop.get("shop:event")

    assert page.h1 == name
    assert rows_of(page)[-1][0] == name


def test_description_is_markdown_without_teeth(in_kikker_shop):
    house = in_kikker_shop.house
    text = "Two **sets**.\n\n<script>alert(1)</script>\n\n[site](javascript:alert(1))\n\n# Doors"
    with house.scope():
        change_event(house.event, by=house.owner, description=text)

    page = in_kikker_shop.get("shop:event")

    assert page.texts(".prose strong") == ["sets"]
    assert page.all(".prose a[href^=javascript]") == []


def test_shop_of_nobody_is_not_there(pages):
    pages.get_page("/blauwe-kikker/no-such-event/", status=404)
    pages.get_page("/no-such-organiser/", status=404)
    pages.get_page("/blauwe-kikker/fjord-tech-summit/", status=404)


# Reserving -------------------------------------------------------------------------------


def test_selection_is_held_and_leads_to_checkout(in_kikker_shop):
    house = in_kikker_shop.house

    answer = in_kikker_shop.get("shop:event").submit(
        "Reserve tickets", **quantity(house.priced, 2), **quantity(house.free, 1)
    )

    with house.scope():
        held = Reservation.objects.get()
    assert answer.headers["Location"] == in_kikker_shop.url("shop:checkout", secret=held.secret)
    assert len(held.secret) >= 22
    page = in_kikker_shop.pages.follow(answer)
    assert page.texts(".price-lines__line") == [
        "2 × Regular €50.00",
        "1 × Under 12 €0.00",
        "Service fee €1.98",
    ]
    assert page.text(".summary__total") == "Total €51.98 incl. €4.13 VAT"


@pytest.mark.parametrize(
    ("count", "status", "said"),
    [
        ("0", 422, "Choose at least one ticket."),
        ("", 422, "Choose at least one ticket."),
        ("-3", 422, "Choose at least one ticket."),
        ("1.5", 422, "Choose at least one ticket."),
        ("٣", 422, "Choose at least one ticket."),
        ("99999", 422, "Choose at least one ticket."),
        ("21", 422, "At most 20 tickets in one order."),
    ],
)
def test_selection_that_cannot_be_held_is_refused(in_kikker_shop, count, status, said):
    house = in_kikker_shop.house

    page = in_kikker_shop.post("shop:reservations", quantity(house.priced, count), status=status)

    assert page.alerts == [said]
    with house.scope():
        assert not Reservation.objects.exists()


def test_refused_selection_is_kept(in_kikker_shop):
    house = in_kikker_shop.house
    wanted = {**quantity(house.priced, 20), **quantity(house.free, 1)}

    page = in_kikker_shop.post("shop:reservations", wanted, status=422)

    assert page.attributes("quantity-stepper input", "value") == ["20", "1"]


def test_sold_out_meanwhile_says_what_is_left(in_kikker_shop):
    house = in_kikker_shop.house
    with house.scope():
        set_event_capacity(house.event, capacity=1, by=house.owner)

    page = in_kikker_shop.post("shop:reservations", quantity(house.priced, 2), status=409)

    assert page.alerts == ["Only 1 place is left for Night of the Blue Note. Choose fewer tickets."]
    assert page.attributes("quantity-stepper input", "value") == ["2", "0"]
    with house.scope():
        assert CapacityPool.objects.get(ticket_type=None, release=None).held == 0


def test_what_is_not_on_sale_is_refused(in_kikker_shop):
    house = in_kikker_shop.house
    late = release_of(house, house.event, opens_at=clock.now() + timedelta(days=2))

    page = in_kikker_shop.post("shop:reservations", quantity(late, 1), status=409)
    unknown = in_kikker_shop.post("shop:reservations", {"quantity_NONE": 1}, status=409)

    assert "is not on sale any more" in page.alerts[0]
    assert unknown.alerts == [
        "A chosen ticket is not on sale any more. Look at what is available now."
    ]


def test_paused_and_ended_events_hold_nothing(in_kikker_shop):
    house = in_kikker_shop.house
    with house.scope():
        pause_sales(house.event, by=house.owner)
    paused = in_kikker_shop.post("shop:reservations", quantity(house.free, 1), status=409)
    with house.scope():
        Event.objects.update(sales_paused_at=None, status="ended")
    ended = in_kikker_shop.post("shop:reservations", quantity(house.free, 1), status=409)

    assert "Ticket sales are paused for a moment. Please come back a little later." in paused.alerts
    assert "This event sells no tickets at the moment." in ended.alerts


def test_another_organisers_release_is_not_for_sale_here(in_kikker_shop, cast):
    in_kikker_shop.post("shop:reservations", quantity(cast.fjord.priced, 1), status=409)


@pytest.mark.parametrize(
    ("name", "status"),
    [("quantity_\x00", 422), ("quantity_é", 422), ("quantity_" + "x" * 500, 409)],
)
def test_nonsense_in_the_selection_is_refused(in_kikker_shop, name, status):
    in_kikker_shop.post("shop:reservations", {name: "1"}, status=status)


# Checkout --------------------------------------------------------------------------------


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


def the_order(house):
    with house.scope():
        return Order.objects.get()


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
        "OFFLINE_PENDING", "Acme ApS", "DK12345678", "PO 7",
    )  # fmt: skip
    assert queue.names == ["orders.tasks.prepare_delivery"]
    page = in_fjord_shop.pages.follow(answer)
    assert page.h1 == "We have your order"
    assert page.alerts == [
        "Your places are booked. The invoice comes by mail, and the tickets follow."
    ]


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
        "email": "Enter a valid email address.",
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


# Paying ----------------------------------------------------------------------------------


@pytest.fixture
def paying(checkout, in_kikker_shop):
    """A buyer on the payment page; the address it sends them back to."""
    page = checkout(priced=1)
    page.submit("Pay €25.99", status=303, **CARLA)
    return page.address + "return/"


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


# The buyer's page ------------------------------------------------------------------------


@pytest.fixture
def bought(in_kikker_shop, queue, committing):
    """An order with its tickets, the worker has not begun; and its address."""
    house = in_kikker_shop.house
    with house.scope(), committing():
        order = house.place_free(2, attendees=(DORA, EMIL))
    return order, in_kikker_shop.url("shop:order", code=order.code, secret=order.secret)


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


# The webhook -----------------------------------------------------------------------------


def test_signed_notice_is_stored_once_and_handed_on(client, queue):
    body = json.dumps({"id": "evt_1", "type": "checkout.session.completed"})
    deliver = {"content_type": "application/json", "headers": {"Stripe-Signature": SIGNATURE}}

    answers = [client.post("/webhooks/stripe/", body, **deliver) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"ok")] * 2
    stored = ProviderEvent.objects.get()
    assert (stored.provider_id, stored.kind) == ("evt_1", "checkout.session.completed")
    assert queue.names == ["orders.tasks.handle_provider_event"]


def test_notice_without_a_true_signature_is_refused(client, queue):
    body = json.dumps({"id": "evt_1", "type": "checkout.session.completed"})

    answer = client.post("/webhooks/stripe/", body, content_type="application/json")

    assert answer.status_code == 400
    assert not ProviderEvent.objects.exists()
    assert queue.names == []
    assert client.get("/webhooks/stripe/").status_code == 405


# What it costs ---------------------------------------------------------------------------


def test_queries_of_the_shop(in_kikker_shop, expect_queries):
    # organiser · event with organiser · releases with types · pools
    with expect_queries(4):
        in_kikker_shop.get("shop:event")


def test_queries_of_reserving(in_kikker_shop, expect_queries):
    house = in_kikker_shop.house

    # organiser · event · releases · pool ids · insert hold · insert lines · count pools
    with expect_queries(7):
        in_kikker_shop.post("shop:reservations", quantity(house.free, 2))


def test_queries_of_checkout(checkout, in_kikker_shop, expect_queries):
    page = checkout(priced=2)

    # organiser · hold with event · its order · its lines
    with expect_queries(4):
        in_kikker_shop.pages.get_page(page.address)


def test_queries_of_a_free_order(checkout, expect_queries):
    page = checkout(free=2)

    # organiser · hold with event · its order · its lines
    # lock: hold with event · lines · order
    # insert order · lines · audit · any tickets? · insert tickets · audit · deliveries so far · insert
    # delivery; confirm: hold · lines · update hold · count pools
    with expect_queries(19):
        page.submit("Get tickets", status=303, **CARLA)


def test_queries_of_card_money(in_kikker_shop, expect_queries):
    house = in_kikker_shop.house
    with house.scope():
        order, payment = house.begin_payment()

        # ids · lock: hold · order · payment; update payment · ledger: is it there? · insert
        # entry · insert postings · update order · audit · lines · any tickets? · insert tickets ·
        # audit · deliveries so far · insert delivery; confirm: hold · lines · update hold · count pools
        with expect_queries(20):
            operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")


def test_queries_of_the_buyers_page(bought, in_kikker_shop, expect_queries):
    _order, url = bought

    # organiser · order with event · lines · key · tickets with types · two deliveries · refunds
    with expect_queries(8):
        in_kikker_shop.pages.get_page(url)
