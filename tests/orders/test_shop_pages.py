"""The shop, and the hold that it makes."""

from datetime import timedelta

import pytest
from django.db import connection

from events.models import Event
from events.operations import change_event, pause_sales
from tests.cast import ReleaseFactory, TicketTypeFactory
from tests.orders.public_pages import LONG, new_event, quantity, release_of, rows_of, status_of
from tests.pages import PageClient
from ticketing.models import CapacityPool, Reservation
from ticketing.operations import set_event_capacity
from tiqqo.core import clock
from tiqqo.core.tenancy import platform_scope

pytestmark = pytest.mark.django_db


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
        ticket_type_factory = TicketTypeFactory(event=house.event, name=name, by=house.owner)
    with house.scope():
        ReleaseFactory(ticket_type=ticket_type_factory, name=name, by=house.owner)

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
    [
        ("quantity_\x00", 422),
        ("quantity_é", 422),
        ("quantity_" + "x" * 8, 409),
        ("quantity_" + "x" * 500, 422),
    ],
)
def test_nonsense_in_the_selection_is_refused(in_kikker_shop, name, status):
    in_kikker_shop.post("shop:reservations", {name: "1"}, status=status)


# Busy -----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_row_that_does_not_come_free_is_a_clear_answer_and_the_retry_works(in_kikker_shop):
    house = in_kikker_shop.house
    asked = in_kikker_shop.get("shop:event")
    chosen = quantity(house.free, 2)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    other = connection.copy()
    try:
        with platform_scope("test"):
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute("SELECT id FROM ticketing_capacitypool FOR UPDATE")
        busy = asked.client.post(in_kikker_shop.url("shop:reservations"), chosen, status=503)
        other.rollback()

        with house.scope():
            assert Reservation.objects.count() == 0
        assert busy.h1 == "Very busy right now"
        held = busy.submit("Try again")
    finally:
        other.close()
        connection.close()

    assert "/checkout/" in held.headers["Location"]
    with house.scope():
        assert Reservation.objects.get().lines.get().quantity == 2
