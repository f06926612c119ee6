"""Orders for many people: possible as far as one form can be sent, and refused before they are held."""

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.urls import reverse

from orders.models import Order, Ticket
from tests.orders.full_event import Stall
from tests.orders.visitor import Shop
from ticketing.errors import TooManyPeople
from ticketing.models import Reservation
from ticketing.operations import reserve_tickets, set_event_capacity


@pytest.fixture
def school(kikker, pages):
    stall = Stall(kikker, kikker.event, {})
    kikker.event.per_order_limit = 50
    kikker.event.save(update_fields=["per_order_limit"])
    set_event_capacity(kikker.event, capacity=2000, by=kikker.owner)
    stall.offer("Class of 50", admits=50)
    return Shop(pages, stall)


def test_a_form_about_everybody_can_be_sent():
    assert 3 * settings.MOST_PEOPLE_IN_ORDER + 20 <= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    one = {
        "first_name_500": "अनुराधा",
        "last_name_500": "वेंकटरमण",
        "email_500": "anuradha.venkataraman@example.org",
    }
    assert (
        settings.MOST_PEOPLE_IN_ORDER * len(urlencode(one)) < settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    )


def test_a_form_that_takes_long_to_take_apart_is_refused_before(kikker, client):
    address = reverse("shop:reservations", args=[kikker.organiser.slug, kikker.event.slug])
    sent = f"quantity_{kikker.free.code}=1&code={'%41' * 200_000}"

    answer = client.post(address, sent, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 400
    assert not Reservation.objects.exists()


def test_seven_classes_of_fifty_are_ordered_at_once(school):
    answer = school.take(**{school.stall.field("Class of 50"): "7"})
    page = school.pages.follow(answer)
    [button] = [
        text for text in page.texts("main button") if text.startswith(("Get", "Place", "Pay"))
    ]
    assert len(page.values(button)) > 1000

    page.submit(button, status=303, first_name="Juf", last_name="Ank", email="ank@example.org",
                first_name_350="Last", last_name_350="Pupil", email_350="last@example.org")  # fmt: skip

    order = Order.objects.get(email="ank@example.org")
    assert Ticket.objects.filter(order=order).count() == 350
    assert Ticket.objects.filter(order=order, email="last@example.org").count() == 1


def test_more_people_than_one_form_can_ask_about_are_refused_before_the_hold(school):
    most = settings.MOST_PEOPLE_IN_ORDER // 50

    page = school.take(**{school.stall.field("Class of 50"): str(most + 1)}, status=422)

    assert page.alerts == [
        f"One order is for at most {settings.MOST_PEOPLE_IN_ORDER} people. Make several orders of it."
    ]
    assert not Reservation.objects.exists()


def test_people_are_counted_over_everything_in_the_order(school):
    stall = school.stall
    stall.offer("Bus of 50", admits=50)
    half = settings.MOST_PEOPLE_IN_ORDER // 100
    codes = [stall.releases[name].code for name in ("Class of 50", "Bus of 50")]

    with pytest.raises(TooManyPeople):
        reserve_tickets(stall.fresh(), selection={codes[0]: half, codes[1]: half + 1})
    reserve_tickets(stall.fresh(), selection={codes[0]: half, codes[1]: half})
