"""Tickets that are held are changed for others, and the hold stays."""

from datetime import timedelta

import pytest
import time_machine

from tests.orders import full_event as stalls
from tests.orders.public_pages import CARLA
from tests.orders.visitor import held_lines, times_of
from ticketing.models import CapacityPool, Code, Reservation
from ticketing.operations import change_release, pause, set_event_capacity
from ticketing.queries import recount
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkout(shop, stall, pages):
    """The checkout of a hold of two audio guides."""
    return pages.follow(shop.take(**{stall.field("Audio guide"): "2"}))


def changing(page, *, status=200):
    return page.client.get_page(page.links()["Change tickets"], status=status)


def test_the_shop_shows_what_is_held(checkout, stall):
    page = changing(checkout)

    held = Reservation.objects.get()
    assert page.values("Update tickets") == {
        "hold": held.secret,
        stall.field("Audio guide"): "2",
    }
    assert page.links(".alert a") == {"Back to the checkout": checkout.address}
    assert "no-store" in page.response.headers["Cache-Control"]


def test_an_update_keeps_the_hold_and_its_time(checkout, stall, pages):
    stall.offer("Workshop", 2000)
    before = Reservation.objects.get()

    with time_machine.travel(clock.now() + timedelta(minutes=3), tick=False):
        answer = changing(checkout).submit(
            "Update tickets", **{stall.field("Audio guide"): "1", stall.field("Workshop"): "3"}
        )

    after = Reservation.objects.get()
    assert answer.headers["Location"] == checkout.address
    assert (after.pk, after.expires_at) == (before.pk, before.expires_at)
    assert sorted(held_lines()) == [(1, "Audio guide", "", 500, 0), (3, "Workshop", "", 2000, 0)]
    assert [count for count in recount() if count.differs] == []


def test_the_last_places_stay_the_buyers(checkout, stall):
    set_event_capacity(stall.event, capacity=2, by=stall.house.owner)

    page = changing(checkout)

    assert page.attributes("quantity-stepper input", "max") == ["2"]
    page.submit("Update tickets", **{stall.field("Audio guide"): "1"})
    assert held_lines() == [(1, "Audio guide", "", 500, 0)]


def test_what_is_no_longer_on_sale_may_be_kept(checkout, stall):
    pause(stall.type_of("Audio guide"), by=stall.house.owner)

    page = changing(checkout)

    assert page.attributes("quantity-stepper input", "max") == ["2"]
    page.submit("Update tickets", **{stall.field("Audio guide"): "1"})
    assert held_lines() == [(1, "Audio guide", "", 500, 0)]


def test_refused_changes_leave_the_hold_and_what_was_typed(checkout, stall, pages):
    set_event_capacity(stall.event, capacity=3, by=stall.house.owner)

    page = changing(checkout).submit(
        "Update tickets", status=409, **{stall.field("Audio guide"): "9"}
    )

    assert "Choose fewer tickets." in page.alerts[0]
    assert page.values("Update tickets")[stall.field("Audio guide")] == "9"
    assert held_lines() == [(2, "Audio guide", "", 500, 0)]
    assert pages.get_page(checkout.address).h1 == "Checkout"


def test_options_own_prices_time_and_code_are_filled_in(shop, stall, pages):
    stalls.timed(stall)
    stall.offer("Day ticket", pricing="options", options=["Adult", "Child"], is_timed=True,
                release={"options": {"Adult": 1800, "Child": 900}})  # fmt: skip
    stall.offer("Friend", pricing="open", release={"price_minor": 500})
    stall.promote("Early birds", "EARLY", rate_bp=2000)
    slot = stall.slots()[2]
    sent = {
        stall.field("Day ticket", "Child"): "2",
        stall.field("Friend"): "1",
        stall.field("Friend", kind="price"): "17.50",
        "slot": slot.code,
        "code": "EARLY",
    }

    page = changing(pages.follow(shop.take(**sent)))

    kept = page.values("Update tickets")
    assert {name: kept[name] for name in sent} == sent
    assert times_of(page)[2] == "* 12:00 30 left".replace("30", "28")
    assert page.texts(".code-field strong") == ["EARLY"]
    without = page.client.get_page(page.links(".code-field a")["Remove the code EARLY"])
    assert without.texts(".code-field strong") == []
    without.submit("Update tickets")
    assert Reservation.objects.get().code is None
    assert Code.objects.get().held == 0


def test_a_full_time_stays_the_buyers(shop, stall, pages):
    stalls.timed(stall, capacity=2)
    stall.offer("Tour", 1000, is_timed=True)
    slot = stall.slots()[0]
    page = pages.follow(shop.take(slot=slot.code, **{stall.field("Tour"): "2"}))

    page = changing(page)

    assert times_of(page)[0] == "* 10:00 Sold out"
    page.submit("Update tickets", **{stall.field("Tour"): "1"})
    assert CapacityPool.objects.get(slot=slot).held == 1


def test_the_price_it_was_held_at_stays(checkout, stall, pages):
    change_release(stall.releases["Audio guide"], by=stall.house.owner, price_minor=900)

    answer = changing(checkout).submit("Update tickets", **{stall.field("Audio guide"): "1"})

    assert "1 × Audio guide €5.00" in pages.follow(answer).texts(".price-lines__line")


def test_a_hold_that_ran_out_is_told_and_the_selection_kept(checkout, stall):
    page = changing(checkout)
    with time_machine.travel(clock.now() + timedelta(minutes=21)):
        looked = changing(checkout, status=409)
        sent = page.submit("Update tickets", status=409, **{stall.field("Audio guide"): "3"})

        for shown, count in ((looked, "2"), (sent, "3")):
            assert shown.alerts == [
                "Your tickets were held for a limited time, and that time is over."
            ]
            assert shown.values("Reserve tickets") == {stall.field("Audio guide"): count}
        sent.submit("Reserve tickets")
    assert Reservation.objects.count() == 2


def test_an_order_is_not_changed_here(shop, stall, pages):
    stall.offer("Free", 0)
    page = pages.follow(shop.take(**{stall.field("Free"): "1"}))
    change = changing(page)
    page.submit("Get tickets", status=303, **CARLA)

    looked = pages.get(f"{page.links()['Change tickets']}", status=302)
    sent = change.submit("Update tickets", **{stall.field("Free"): "2"})

    assert looked.headers["Location"] == sent.headers["Location"] == page.address
    assert held_lines() == [(1, "Free", "", 0, 0)]


def test_an_open_payment_page_is_closed_before_tickets_change(checkout, stall, provider, pages):
    checkout.submit("Pay €11.18", status=303, **CARLA)

    answer = changing(checkout).submit("Update tickets", **{stall.field("Audio guide"): "3"})

    assert provider.pages["cs_test_1"].progress.name == "EXPIRED"
    page = pages.follow(answer)
    assert page.values("Pay €16.77")["email"] == "carla@example.org"
    again = page.submit("Pay €16.77", status=303)
    assert again.headers["Location"] == "https://provider.test/cs_test_2"
    assert provider.pages["cs_test_2"].total.minor == 1677


def test_who_paid_meanwhile_is_led_to_the_order(checkout, stall, provider, pages):
    checkout.submit("Pay €11.18", status=303, **CARLA)
    page = changing(checkout)
    provider.pay("cs_test_1")

    answer = page.submit("Update tickets", **{stall.field("Audio guide"): "3"})

    assert answer.headers["Location"] == checkout.address
    assert held_lines() == [(2, "Audio guide", "", 500, 0)]


def test_tickets_do_not_change_while_the_provider_is_silent(checkout, stall, provider):
    checkout.submit("Pay €11.18", status=303, **CARLA)
    page = changing(checkout)
    provider.is_down = True

    refused = page.submit("Update tickets", status=503, **{stall.field("Audio guide"): "3"})

    assert refused.alerts[0].startswith("The payment page does not answer.")
    assert refused.values("Update tickets")[stall.field("Audio guide")] == "3"
    assert held_lines() == [(2, "Audio guide", "", 500, 0)]


def test_a_hold_of_another_event_or_of_nobody_is_none(checkout, stall, kikker, pages):
    secret = Reservation.objects.get().secret
    other = stalls.opened(kikker, "Elsewhere")

    for url, found in ((f"/blauwe-kikker/{other.event.slug}/", secret), (checkout.address.split("checkout/")[0], "A" * 22)):  # fmt: skip
        page = pages.get_page(url, {"hold": found})
        assert "hold" not in page.values("Reserve tickets")


def test_what_ran_out_can_be_had_again_as_it_was(shop, stall, pages):
    stalls.timed(stall)
    stall.offer("Day ticket", pricing="options", options=["Adult"], is_timed=True,
                release={"options": {"Adult": 1800}})  # fmt: skip
    stall.promote("Early birds", "EARLY", rate_bp=2000)
    slot = stall.slots()[2]
    page = pages.follow(
        shop.take(slot=slot.code, code="EARLY", **{stall.field("Day ticket", "Adult"): "2"})
    )
    with time_machine.travel(clock.now() + timedelta(minutes=21)):
        gone = pages.get_page(page.address, status=410)
        assert "2 × Day ticket · Adult" in gone.text("main ul")
        assert "12:00" in gone.text("main ul")
        again = pages.follow(gone.submit("Reserve again"))

    assert again.texts(".price-lines__line") == page.texts(".price-lines__line")
