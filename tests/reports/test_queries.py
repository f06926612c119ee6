"""Numbers of home and overview: exact, in the right zone, and never of the other organiser."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from accounts.models import Membership
from accounts.permissions import Role
from checkin.operations import admit_ticket
from events.models import Event
from events.operations import change_event, pause_sales
from orders import operations
from orders.models import Delivery, DeliveryStatus, Order, PaymentMethod, Refund, RefundStatus
from orders.operations import cancel_order, mark_settled, send_invoice
from reports.action_items import action_items_for
from reports.queries import (
    Need,
    NeedKind,
    checkout_funnel,
    course_of,
    needs_of,
    sales_by_day,
    sales_by_method,
    sales_by_type,
    tickets_by_event,
)
from tests.cast import EventFactory, MembershipFactory, ReleaseFactory
from ticketing.models import CapacityPool, Release
from tiqqo.core import clock
from tiqqo.core.money import Money

NOON = datetime(2026, 10, 26, 12, 0, tzinfo=UTC)  # a Monday, the day after clocks went back
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def at(when: str):
    """The wall clock of Amsterdam, or Copenhagen, which is the same."""
    return time_machine.travel(datetime.fromisoformat(when).astimezone(UTC), tick=False)


def pay(house, count=1):
    order, payment = house.begin_payment(count)
    operations.confirm_payment(payment, paid=order.total, intent_id=f"pi_{order.code}")
    order.refresh_from_db()
    return order


@pytest.fixture
def both(cast):
    """Both houses sell on the last day of summer time, Sunday 25 October 2026, and around it."""
    for house in (cast.kikker, cast.fjord):
        with house.scope():
            with at("2026-10-24T23:59:59+02:00"):
                house.place_free(1)
            with at("2026-10-25T00:00:00+02:00"):
                house.place_free(2)
            with at("2026-10-25T23:59:59+01:00"):
                house.place_free(4)
            with at("2026-10-26T00:00:00+01:00"):
                house.place_free(8)
    return cast


# Days -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kikker", "fjord"])
def test_a_day_is_a_day_of_the_organisers_zone(both, name):
    house = getattr(both, name)
    with house.scope(), time_machine.travel(NOON, tick=False):
        sales = sales_by_day(house.organiser, days=3)

    assert sales.days == (date(2026, 10, 24), date(2026, 10, 25), date(2026, 10, 26))
    assert sales.tickets == (1, 6, 8)
    assert (sales.ticket_count, sales.tickets_earlier) == (15, 0)


def test_days_of_another_zone_are_cut_elsewhere(both):
    organiser = both.kikker.organiser
    organiser.time_zone = "America/New_York"
    with both.kikker.scope(), time_machine.travel(NOON, tick=False):
        sales = sales_by_day(organiser, days=3)

    assert sales.tickets == (3, 12, 0)


def test_earlier_days_are_counted_apart(both):
    with both.kikker.scope(), time_machine.travel(NOON + DAY, tick=False):
        sales = sales_by_day(both.kikker.organiser, days=2)

    assert (sales.tickets, sales.tickets_earlier) == ((8, 0), 7)


def test_money_counts_on_the_day_it_came_and_went(cast):
    house = cast.fjord
    with house.scope():
        with at("2026-10-20T10:00:00+02:00"):
            invoice = house.place_invoice(2)
            house.place_invoice(1)
        with at("2026-10-22T10:00:00+02:00"):
            mark_settled(invoice, by=house.owner)
            paid = pay(house)
        with at("2026-10-24T10:00:00+02:00"):
            Refund.objects.create(
                payment=paid.payments.get(),
                amount_minor=50_000,
                reason="requested",
                status=RefundStatus.SUCCEEDED,
                succeeded_at=clock.now(),
            )
            Refund.objects.create(
                payment=paid.payments.get(), amount_minor=70_000, reason="requested"
            )
        with time_machine.travel(datetime(2026, 10, 24, 12, tzinfo=UTC), tick=False):
            sales = sales_by_day(house.organiser, days=5)

    [money] = sales.money
    assert sales.tickets == (3, 0, 1, 0, 0)
    assert money.currency == "DKK"
    # 1,000.00 and 25 % VAT, and a fee of 2 % + 0.49 with its VAT.
    assert money.revenue == (0, 0, invoice.total_minor + paid.total_minor, 0, 0)
    assert invoice.total_minor == 254_098
    assert money.refunds == (0, 0, 0, 0, -50_000)
    assert (money.total.minor, money.refunded.minor) == (254_098 + paid.total_minor, 50_000)


def test_what_was_cancelled_is_not_sold(cast):
    with cast.kikker.scope(), time_machine.travel(NOON, tick=False):
        cancel_order(cast.kikker.place_free(3), by=cast.kikker.owner)
        sales = sales_by_day(cast.kikker.organiser, days=2)

    assert sales.tickets == (0, 0)
    assert [(money.currency, money.revenue) for money in sales.money] == [("EUR", (0, 0))]


def test_events_stand_side_by_side_each_in_its_own_zone(both):
    house = both.kikker
    with house.scope(), time_machine.travel(NOON, tick=False):
        Event.objects.filter(pk=house.event.pk).update(time_zone="Asia/Tokyo")
        other = EventFactory(organiser=house.organiser, by=house.owner)
        events = list(Event.objects.order_by("id"))
        courses = tickets_by_event(events, days=4)

    # In Tokyo clocks are 7 or 8 hours ahead: every order falls on the next day but the last.
    assert courses[house.event.pk] == (0, 0, 3, 12)
    assert courses[other.pk] == (0, 0, 0, 0)


def test_no_events_need_no_query(cast, expect_queries):
    with cast.kikker.scope(), expect_queries(0):
        assert tickets_by_event([]) == {}


def test_course_runs_from_publishing_to_today(cast):
    house = cast.kikker
    with house.scope():
        Event.objects.filter(pk=house.event.pk).update(
            published_at=datetime(2026, 10, 22, 23, 0, tzinfo=UTC),
            starts_at=NOON + 3 * DAY,
            ends_at=NOON + 4 * DAY,
        )
        event = Event.objects.get(pk=house.event.pk)
        with at("2026-10-25T01:30:00+02:00"):
            house.place_free(2)
        with at("2026-10-25T02:30:00+01:00"):
            house.place_free(3)
        with at("2026-10-26T09:00:00+01:00"):
            gone = house.place_free(4)
            cancel_order(gone, by=house.owner)
        with time_machine.travel(NOON, tick=False):
            course = course_of(event)
        with time_machine.travel(NOON + 30 * DAY, tick=False):
            over = course_of(event)

    # Published at 01:00 on the 23rd in Amsterdam.
    assert course.days[0] == date(2026, 10, 23)
    assert course.tickets == (0, 0, 5, 0)
    assert course.running == (0, 0, 5, 5)
    assert over.days[-1] == date(2026, 10, 30)


def test_course_of_a_draft_is_empty(cast):
    with cast.kikker.scope():
        draft = EventFactory(organiser=cast.kikker.organiser, by=cast.kikker.owner)
        assert course_of(draft).days == ()


# Types, methods, funnel -----------------------------------------------------------------


def test_sales_by_type_tells_every_type(cast):
    house = cast.kikker
    with house.scope(), time_machine.travel(NOON, tick=False):
        pay(house, 2)
        house.place_free(3)
        house.place(priced=1)  # nobody has paid it
        CapacityPool.objects.filter(ticket_type=house.free.ticket_type).update(capacity=10)
        sales = sales_by_type(house.event, days=2)

    assert sales.days == (date(2026, 10, 25), date(2026, 10, 26))
    assert [
        (kind.name, kind.tickets, kind.amount, kind.capacity, kind.course) for kind in sales.types
    ] == [
        ("Regular", 2, Money(5000, "EUR"), None, (0, 2)),
        ("Under 12", 3, Money(0, "EUR"), 10, (0, 3)),
    ]


def test_sales_by_method(cast):
    house = cast.fjord
    with house.scope():
        house.place_invoice(2)
        pay(house)
        house.place_free(3)
        sales = sales_by_method(house.event)

    assert [(row.method, row.orders, row.tickets, row.amount.minor) for row in sales] == [
        (PaymentMethod.INVOICE, 1, 2, 254_098),
        (PaymentMethod.CARD, 1, 1, 127_049),
        (PaymentMethod.FREE, 1, 3, 0),
    ]


def test_funnel_counts_baskets(cast):
    house = cast.kikker
    with house.scope():
        house.reserve(free=1)
        house.place(priced=1)
        pay(house)
        funnel = checkout_funnel(house.event)

    assert (funnel.held, funnel.ordered, funnel.confirmed, funnel.still_open) == (3, 2, 1, 2)


# What needs somebody --------------------------------------------------------------------


def kinds(needs):
    return [need.kind for need in needs]


def test_nothing_needs_nobody(cast):
    with cast.kikker.scope():
        cast.kikker.place_free(1)
        assert needs_of() == []


def test_invoices_wait_to_be_sent_and_to_be_paid(cast):
    house = cast.fjord
    with house.scope():
        with at("2026-10-01T10:00:00+02:00"):
            old = house.place_invoice(2)
            send_invoice(old, by=house.owner)
        with at("2026-10-15T10:00:01+02:00"):
            house.place_invoice(1)
            house.place_invoice(1)
            fresh = house.place_invoice(1)
            send_invoice(fresh, by=house.owner)
            found = needs_of()
        with at("2026-10-15T09:59:59+02:00"):
            a_moment_before = needs_of()

    assert [(need.kind, need.count, need.amount, need.event_slug) for need in found] == [
        (NeedKind.INVOICES_LAPSING, 1, Money(254_098, "DKK"), "fjord-tech-summit"),
        (NeedKind.INVOICES_UNSENT, 2, Money(254_098, "DKK"), "fjord-tech-summit"),
        (NeedKind.INVOICES_OVERDUE, 1, Money(254_098, "DKK"), "fjord-tech-summit"),
    ]
    assert found[2].at == datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
    assert kinds(a_moment_before) == [NeedKind.INVOICES_LAPSING, NeedKind.INVOICES_UNSENT]


def test_mails_and_refunds_that_did_not_go(cast):
    house = cast.kikker
    with house.scope():
        house.place_free(1)
        Delivery.objects.update(status=DeliveryStatus.FAILED)
        paid = pay(house)
        Refund.objects.create(
            payment=paid.payments.get(), amount_minor=1000, reason="requested", attempts=1
        )
        Refund.objects.create(payment=paid.payments.get(), amount_minor=900, reason="requested")
        found = needs_of()

    assert [(need.kind, need.count, need.amount) for need in found] == [
        (NeedKind.MAILS_FAILED, 1, None),
        (NeedKind.REFUNDS_STUCK, 1, Money(1000, "EUR")),
    ]


def test_releases_that_are_full_or_close_soon(cast):
    house = cast.kikker
    with house.scope():
        now = clock.now()
        Release.objects.filter(pk=house.priced.pk).update(closes_at=now + 2 * DAY)
        later = ReleaseFactory(event=house.event, by=house.owner, name="Later")
        Release.objects.filter(pk=later.pk).update(closes_at=now + 3 * DAY)
        CapacityPool.objects.filter(release=house.free).update(capacity=2, sold=1, held=1)
        [full, closing] = needs_of()

    assert (full.kind, full.release_code) == (NeedKind.RELEASE_SOLD_OUT, house.free.code)
    assert (closing.kind, closing.release_name) == (NeedKind.RELEASE_CLOSES, "Regular · Regular")
    assert closing.at == now + 2 * DAY


def test_today_without_door_staff_and_started_without_guests(cast):
    house = cast.kikker
    with house.scope():
        with at("2026-10-26T09:00:00+01:00"):
            house.event = change_event(
                house.event,
                by=house.owner,
                starts_at=NOON + timedelta(hours=8),
                ends_at=NOON + timedelta(hours=14),
            )
            ticket = house.place_free(1).tickets.get()
            assert needs_of() == []
            Membership.objects.filter(role=Role.SCANNER).update(role=Role.VIEWER)
            assert kinds(needs_of()) == [NeedKind.NO_DOOR_STAFF]
        with at("2026-10-25T23:00:00+01:00"):
            assert needs_of() == []
        with at("2026-10-26T21:00:01+01:00"):
            assert kinds(needs_of()) == [NeedKind.NOBODY_IN]
            admit_ticket(house.event, ticket.code, by=house.owner, early=True)
            assert needs_of() == []


def test_drafts_without_tickets_and_paused_sales(cast):
    house = cast.kikker
    with house.scope():
        EventFactory(organiser=house.organiser, by=house.owner, name="Someday")
        pause_sales(house.event, by=house.owner)
        found = needs_of()

    assert [(need.kind, need.event_name) for need in found] == [
        (NeedKind.SALES_PAUSED, "Night of the Blue Note"),
        (NeedKind.DRAFT_WITHOUT_TICKETS, "Someday"),
    ]


def test_tasks_say_what_to_do_to_those_who_may(cast):
    house = cast.fjord
    with house.scope():
        house.place_invoice(2)
        needs = needs_of()
        viewer = MembershipFactory(organiser=house.organiser, role=Role.MARKETING)
        [task] = action_items_for(house.owner, needs)

        assert action_items_for(viewer, needs) == []
    assert task.title == "1 order of DKK\N{NO-BREAK SPACE}2,540.98 waits for its invoice"
    assert task.url == (
        "/o/fjord-tech/events/fjord-tech-summit/orders/?stage=requested&payment_method=INVOICE"
    )
    assert task.action == "Send the invoices"


def test_every_kind_has_its_words(cast):
    with cast.kikker.scope():
        needs = [
            Need(kind, "Night", "night-of-the-blue-note", "UTC", amount=Money(100, "EUR"))
            for kind in NeedKind
        ]
        tasks = action_items_for(cast.kikker.owner, needs)

    assert len(tasks) == len(NeedKind)
    assert all(task.title and task.action and "%(" not in task.title for task in tasks)


# Two houses, and what it costs ----------------------------------------------------------


def test_the_other_house_is_in_no_number(both):
    kikker, fjord = both.kikker, both.fjord
    with fjord.scope(), time_machine.travel(NOON, tick=False):
        fjord.place_invoice(5)
        Delivery.objects.update(status=DeliveryStatus.FAILED)
    with kikker.scope(), time_machine.travel(NOON, tick=False):
        assert sales_by_day(kikker.organiser, days=3).tickets == (1, 6, 8)
        assert sales_by_day(fjord.organiser, days=3).tickets == (1, 6, 8)
        assert needs_of() == []
        assert course_of(fjord.event).running[-1:] in ((), (0,))
        assert sales_by_type(fjord.event).types == ()
        assert sales_by_method(fjord.event) == []
        assert checkout_funnel(fjord.event).held == 0
        assert Order.objects.count() == 4


def test_numbers_cost_the_same_however_many(both, expect_queries):
    house = both.kikker
    with house.scope(), time_machine.travel(NOON, tick=False):
        events = list(Event.objects.all())
        with expect_queries(1):  # tickets, revenue and refunds in one union
            sales_by_day(house.organiser)
        with expect_queries(1):
            tickets_by_event(events)
        with expect_queries(1):
            course_of(events[0])
        with expect_queries(2):  # types · lines by type and day
            sales_by_type(events[0])
        with expect_queries(1):
            sales_by_method(events[0])
        with expect_queries(1):
            checkout_funnel(events[0])
        # events · invoices · mails · disputes · refunds · refused payments · releases
        with expect_queries(7):
            needs_of()
