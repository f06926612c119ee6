"""The reminder: a day before, to those who have had their tickets for a while, once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from events.models import Event, EventStatus
from events.operations import change_event
from orders.models import Delivery, DeliveryKind
from orders.operations import cancel_order, request_reminder, send_invoice
from orders.tasks import sweep_reminders
from tests.races import at_once, overtaken, without_constraint

DOORS = datetime(2099, 3, 6, 19, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def tonight(cast):
    """Both houses open at DOORS; today is two weeks before."""
    with time_machine.travel(DOORS - 14 * DAY, tick=False):
        for house in (cast.kikker, cast.fjord):
            with house.scope():
                change_event(
                    house.event,
                    by=house.owner,
                    starts_at=DOORS,
                    ends_at=DOORS + timedelta(hours=4),
                )
        yield cast


def swept(at):
    with time_machine.travel(at, tick=False):
        return sweep_reminders()


def reminders():
    return Delivery.objects.filter(kind=DeliveryKind.REMINDER)


def test_a_reminder_goes_out_a_day_before_and_once(tonight, queue, committing, mailoutbox):
    with tonight.fjord.scope():
        order = tonight.fjord.place_free(2)

        assert swept(DOORS - DAY - MINUTE) == 0
        with committing():
            assert swept(DOORS - DAY) == 1
        assert [job.name for job in queue.jobs] == ["orders.tasks.prepare_delivery"]
        assert swept(DOORS - DAY + MINUTE) == 0
        with time_machine.travel(DOORS - DAY + MINUTE, tick=False):
            assert queue.work(committing) == []
        assert swept(DOORS - MINUTE) == 0

        assert list(reminders().values_list("order", "number")) == [(order.pk, 1)]
    [mail] = mailoutbox
    assert mail.subject == "Tomorrow: Fjord Tech Summit"
    assert [name for name, _content, _kind in mail.attachments] == [f"tickets-{order.code}.pdf"]


def test_both_organisers_buyers_are_reminded_in_their_own_scope(tonight, queue, committing):
    for house in (tonight.kikker, tonight.fjord):
        with house.scope():
            house.place_free(1)

    with committing():
        assert swept(DOORS - DAY) == 2

    assert sorted(job.kwargs["organiser_id"] for job in queue.jobs) == sorted(
        house.organiser.pk for house in (tonight.kikker, tonight.fjord)
    )


def test_who_bought_within_the_last_day_is_not_reminded(tonight):
    with tonight.fjord.scope():
        with time_machine.travel(DOORS - DAY + MINUTE, tick=False):
            tonight.fjord.place_free(1)

        assert swept(DOORS - timedelta(hours=3)) == 0


def test_without_tickets_or_after_a_cancellation_nobody_is_reminded(tonight):
    house = tonight.fjord
    with house.scope():
        house.place(priced=1)
        send_invoice(house.place_invoice(), by=house.owner)
        cancel_order(house.place_free(1), by=house.owner)

        assert swept(DOORS - DAY) == 0


@pytest.mark.parametrize("status", [EventStatus.CANCELLED, EventStatus.DRAFT, EventStatus.ENDED])
def test_an_event_that_does_not_take_place_reminds_nobody(tonight, status):
    with tonight.fjord.scope():
        tonight.fjord.place_free(1)
        Event.objects.update(status=status)

        assert swept(DOORS - DAY) == 0


def test_an_event_that_has_begun_reminds_nobody(tonight):
    with tonight.fjord.scope():
        tonight.fjord.place_free(1)

        assert swept(DOORS) == 0


@pytest.mark.django_db(transaction=True)
def test_sweepers_that_meet_make_one_reminder(cast):
    house = cast.fjord
    with house.scope():
        order = house.place_free(1)

    answers = at_once(house.organiser, *[lambda: request_reminder(order)] * 8)

    assert sorted(answers) == [False] * 7 + [True]
    with house.scope():
        assert reminders().count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_its_constraint_sweepers_that_meet_make_two(cast):
    """Negative control."""
    house = cast.fjord
    with house.scope():
        order = house.place_free(1)

    def remind():
        return request_reminder(order)

    with without_constraint(Delivery, "delivery_once"):
        answers = overtaken(house.organiser, slow=remind, fast=remind)

        assert answers == [True, True]
