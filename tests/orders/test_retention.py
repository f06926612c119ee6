"""What is over is forgotten in its time, and nothing that somebody still needs goes with it."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.utils.module_loading import import_string

from accounts.models import AccountMail, Invitation
from accounts.operations import invite_member
from accounts.permissions import Role
from events.models import Event
from orders import operations
from orders.models import Delivery, Order, OrderStatus, Payment, ProviderEvent
from tests.cast import DORA
from tests.races import at_once
from tests.ticketing.waitlists import join, sell_out
from ticketing.models import Reservation, ReservationLine, WaitlistEntry
from ticketing.operations import cancel_reservation, expire_reservations
from tiqqo.core import clock, retention, status
from tiqqo.core.models import AuditEntry, RetentionRun, SecurityEntry
from tiqqo.core.security_log import flush, note
from tiqqo.core.tasks import sweep_retention
from tiqqo.core.tenancy import platform_scope

pytestmark = pytest.mark.django_db


def later(days, **more):
    return time_machine.travel(clock.now() + timedelta(days=days, **more))


def lapse():
    """Every hold whose time is over, without a payment in flight, has expired."""
    while expire_reservations(at=clock.now()):
        pass


def swept(**days):
    with later(**days):
        return retention.forget_overdue()


# Holds and orders that were never paid ----------------------------------------------------


def test_a_hold_that_became_nothing_goes_after_its_days(kikker):
    hold = kikker.reserve(free=2)
    with later(1):
        lapse()

    assert swept(days=30)["holds"] == 0
    assert swept(days=32)["holds"] == 1
    assert not Reservation.objects.filter(pk=hold.pk).exists()
    assert not ReservationLine.objects.filter(reservation=hold.pk).exists()
    call_command("verify_inventory", stdout=StringIO())


def test_a_hold_that_is_needed_stays(kikker, provider):
    sold = kikker.place_free(1).reservation
    order, _payment = kikker.begin_payment(1)
    pending = kikker.reserve(free=1)

    with later(days=400):
        retention.forget_overdue()

    left = set(Reservation.objects.values_list("pk", flat=True))
    assert {sold.pk, order.reservation_id, pending.pk} <= left


def test_a_buyer_who_never_paid_is_not_known_any_more(kikker, provider):
    order, payment = kikker.begin_payment(1, attendees=(DORA,), company_name="Acme")
    operations.abandon_payment(payment)
    with later(1):
        lapse()
        operations.cancel_lost_order(order)
    before = Order.objects.values(
        "code", "status", "total_minor", "net_minor", "tax_minor", "quantity", "reservation_id"
    ).get()

    assert swept(days=29)["abandoned_orders"] == 0
    assert swept(days=31)["abandoned_orders"] == 1
    assert swept(days=32)["abandoned_orders"] == 0

    order.refresh_from_db()
    assert order.anonymised_at is not None
    told = json.dumps(
        [
            list(Order.objects.values()),
            list(order.lines.values()),
            list(Reservation.objects.values()),
        ],
        default=str,
    )
    for word in ("Carla", "Buyer", "carla@example.org", "Dora", "dora@", "Acme"):
        assert word not in told
    after = Order.objects.values(*before).get()
    assert after == before
    assert Payment.objects.get().order_id == order.pk


def test_an_order_that_was_paid_or_confirmed_keeps_its_buyer(kikker, provider):
    paid, payment = kikker.begin_payment(1)
    provider.pay(payment.session_id)
    operations.confirm_payment(payment, paid=paid.total, intent_id="pi_1")
    invoice = kikker.place_invoice(1, by=kikker.owner)
    free = kikker.place_free(1)
    canceled = kikker.place_free(1)
    operations.cancel_order(canceled, by=kikker.owner)
    # Money came in for an order that is over all the same: somebody has to be given it back.
    odd, odd_payment = kikker.begin_payment(1)
    Payment.objects.filter(pk=odd_payment.pk).update(captured_minor=1)
    Order.objects.filter(pk=odd.pk).update(status=OrderStatus.CANCELED)

    swept(days=4000)

    assert set(Order.objects.values_list("first_name", flat=True)) == {"Carla"}
    assert Order.objects.filter(anonymised_at__isnull=False).count() == 0
    assert {paid.pk, invoice.pk, free.pk} <= set(Order.objects.values_list("pk", flat=True))


def test_the_desk_and_the_buyer_can_still_open_an_order_that_is_nobodys(at_kikker, provider):
    kikker = at_kikker.house
    with kikker.scope():
        order, payment = kikker.begin_payment(1)
        operations.abandon_payment(payment)
        with later(1):
            lapse()
            operations.cancel_lost_order(order)
    swept(days=60)

    at_kikker.get("orders:list")
    at_kikker.get("orders:order", code=order.code)
    at_kikker.get("shop:order", code=order.code, secret=order.secret)


# The waitlist -----------------------------------------------------------------------------


def test_who_was_in_line_is_not_known_after_the_event(kikker):
    sell_out(kikker)
    join(kikker, "Wim")
    join(kikker, "Ada")
    ends_at = Event.objects.get(pk=kikker.event.pk).ends_at

    with time_machine.travel(ends_at + timedelta(days=29)):
        assert retention.forget_overdue()["waitlist"] == 0
    with time_machine.travel(ends_at + timedelta(days=31)):
        assert retention.forget_overdue()["waitlist"] == 2

    assert WaitlistEntry.objects.count() == 0
    # No place is kept for somebody who is not there any more.
    assert not any(pool.waiting for pool in kikker.event.pools.all())


# Documents and provider events ------------------------------------------------------------


def test_a_provider_event_is_emptied_and_still_known(kikker):
    stored = ProviderEvent.objects.create(
        provider_id="evt_1",
        kind="checkout.session.completed",
        payload={"data": {"object": {"customer_email": "carla@example.org"}}},
        handled_at=clock.now(),
    )
    open_one = ProviderEvent.objects.create(
        provider_id="evt_2", kind="x", payload={"data": {"object": {"a": 1}}}
    )

    assert swept(days=89)["provider_events"] == 0
    assert swept(days=91)["provider_events"] == 1
    assert swept(days=92)["provider_events"] == 0

    stored.refresh_from_db()
    open_one.refresh_from_db()
    assert (stored.payload, stored.emptied_at is None) == ({}, False)
    assert open_one.payload
    # The provider sends it again: it is known, and nothing happens.
    again, made = ProviderEvent.objects.get_or_create(
        provider_id="evt_1", defaults={"kind": "x", "payload": {}}
    )
    assert (again.pk, made) == (stored.pk, False)
    import_string("orders.provider_events.handle")(stored)


def test_a_document_goes_after_the_event_and_is_drawn_again_when_asked_for(
    in_kikker_shop, queue, committing, monkeypatch
):
    monkeypatch.setattr("orders.email_messages.tickets_pdf", lambda order: b"%PDF-1.7 light")
    kikker = in_kikker_shop.house
    with kikker.scope():
        with committing():
            order = kikker.place_free(1)
        queue.work(committing)
        document = Delivery.objects.get().document
        assert document.storage.exists(document.name)
        Event.objects.filter(pk=kikker.event.pk).update(
            starts_at=clock.now() - timedelta(days=32), ends_at=clock.now() - timedelta(days=31)
        )

        assert retention.forget_overdue()["documents"] == 1

        assert not document.storage.exists(document.name)
        assert Delivery.objects.get().document.name == ""
    here = {"code": order.code, "secret": order.secret}
    with committing():
        in_kikker_shop.pages.get(in_kikker_shop.url("shop:tickets_pdf", **here), status=202)
    assert queue.work(committing) == []
    answer = in_kikker_shop.pages.get(in_kikker_shop.url("shop:tickets_pdf", **here))
    assert b"".join(answer.streaming_content).startswith(b"%PDF-1.7")


# Accounts and the kernel's own ------------------------------------------------------------


def test_invitations_mails_and_the_security_log_go_in_their_time(kikker, queue):
    invite_member(kikker.organiser, email="new@example.org", role=Role.VIEWER, by=kikker.owner)
    AccountMail.objects.create(
        kind="x", to="a@example.org", expires_at=clock.now(), due_at=clock.now()
    )
    note("limit.hit")
    flush()

    soon = swept(days=29)
    assert (soon["invitations"], soon["account_mails"], soon["security_log"]) == (0, 0, 0)
    done = swept(days=45)
    assert (done["invitations"], done["account_mails"], done["security_log"]) == (1, 1, 0)
    assert swept(days=181)["security_log"] == 1
    assert Invitation.objects.count() == AccountMail.objects.count() == 0
    with platform_scope("a test"):
        assert SecurityEntry.objects.count() == 0


# The run ----------------------------------------------------------------------------------


def test_a_run_goes_on_where_the_last_one_stopped_and_the_status_says_how_far_it_is(
    kikker, monkeypatch
):
    for _ in range(5):
        cancel_reservation(kikker.reserve(free=1), manually=True)
    monkeypatch.setattr(retention, "SLICES_A_RUN", 1)
    rule = retention._rules["holds"]
    small = retention.Rule(
        name="holds", words="", due=rule.due, age=rule.age, forget=rule.forget, slice_size=2
    )
    monkeypatch.setitem(retention._rules, "holds", small)

    def overdue():
        [group] = [group for group in status.groups() if group.name == "retention"]
        [figure] = [f for f in group.figures if f.name == "holds: oldest overdue, s"]
        return figure

    with later(days=40):
        assert [retention.forget_overdue()["holds"] for _ in range(2)] == [2, 2]
        assert overdue().is_bad
        assert overdue().value >= 9 * 86400
        assert retention.forget_overdue()["holds"] == 1
        assert (overdue().value, overdue().is_bad) == (0, False)
    assert RetentionRun.objects.get(rule="holds").done_count == 5


def test_a_slice_takes_a_bounded_number_of_statements(kikker, django_assert_max_num_queries):
    for _ in range(12):
        cancel_reservation(kikker.reserve(free=1), manually=True)
    with later(days=40), django_assert_max_num_queries(16):
        assert retention._forget_slice(retention._rules["holds"]) == (12, 12)


def test_a_dry_run_says_what_would_go_and_takes_nothing(kikker):
    cancel_reservation(kikker.reserve(free=1), manually=True)
    said = StringIO()

    with later(days=40):
        call_command("retention", "--dry-run", stdout=said)
    assert "1  holds that became no order (30 days, due since" in said.getvalue()
    assert Reservation.objects.count() == 1

    with later(days=40):
        call_command("retention", stdout=said)
    assert Reservation.objects.count() == 0


def test_every_kind_has_a_rule_and_every_rule_a_period(settings):
    assert {rule.name for rule in retention.rules()} == set(settings.RETENTION_DAYS)


def test_the_task_is_scheduled_and_runs(kikker):
    assert sweep_retention() == 0


@pytest.mark.parametrize("word", ["holds", "holds=", "holds=0", "holds=-1", "nothing=30"])
def test_a_period_that_makes_no_sense_stops_the_start(word, monkeypatch):
    import importlib

    from tiqqo import settings as project

    monkeypatch.setenv("RETENTION_DAYS", word)
    with pytest.raises(ImproperlyConfigured, match="RETENTION_DAYS"):
        importlib.reload(project)
    monkeypatch.delenv("RETENTION_DAYS")
    importlib.reload(project)


# Beside sales -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_somebody_has_locked_is_passed_by(kikker):
    first = kikker.reserve(free=1)
    second = kikker.reserve(free=1)
    for hold in (first, second):
        cancel_reservation(hold, manually=True)
    Reservation.objects.update(ended_at=clock.now() - timedelta(days=40))
    took = []

    def hold_on():
        from django.db import transaction

        with transaction.atomic():
            Reservation.objects.select_for_update().get(pk=first.pk)
            took.append(True)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(3)")

    def forget():
        while not took:
            pass
        return retention.forget_overdue()["holds"]

    answers = at_once(kikker.organiser, hold_on, forget)

    assert answers == [None, 1]
    assert list(Reservation.objects.values_list("pk", flat=True)) == [first.pk]


@pytest.mark.django_db(transaction=True)
def test_retention_beside_a_live_sale_breaks_neither(kikker):
    for _ in range(30):
        cancel_reservation(kikker.reserve(free=1), manually=True)
    Reservation.objects.update(ended_at=clock.now() - timedelta(days=40))

    def buy():
        return kikker.place_free(1).pk

    def forget():
        return retention.forget_overdue()["holds"]

    answers = at_once(kikker.organiser, *[buy] * 12, *[forget] * 4)

    assert [answer for answer in answers if not isinstance(answer, int)] == []
    assert sum(answers[12:]) == 30
    assert Order.objects.count() == 12
    assert Reservation.objects.count() == 12
    call_command("verify_inventory", stdout=StringIO())


# Erasure ----------------------------------------------------------------------------------


@pytest.fixture
def over(kikker):
    """The event is over."""
    Event.objects.filter(pk=kikker.event.pk).update(
        starts_at=clock.now() - timedelta(days=2), ends_at=clock.now() - timedelta(days=1)
    )


def everything_about(word):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
            " AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE %s', [f"%{word}%"]
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return sorted(found)


def test_a_person_who_asks_is_erased_everywhere(kikker, queue, committing, request, monkeypatch):
    monkeypatch.setattr("orders.email_messages.tickets_pdf", lambda order: b"%PDF-1.7 Dora")
    with committing():
        kikker.place_free(2, attendees=(DORA,), consent_text="news")
        kikker.place_free(1, email="other@example.org", first_name="Otto", attendees=(DORA,))
    queue.work(committing)
    Delivery.objects.update(last_error="refused: carla@example.org dora@example.org")
    [printed, _other] = [delivery.document for delivery in Delivery.objects.order_by("id")]
    assert printed.storage.exists(printed.name)
    assert "people_contact" in everything_about("dora@example.org")
    request.getfixturevalue("over")
    said = StringIO()

    with platform_scope("a test"):
        call_command("erase_person", "blauwe-kikker", " Dora@Example.org", stdout=said)
        call_command("erase_person", "blauwe-kikker", "carla@example.org", stdout=said)

    assert not printed.storage.exists(printed.name)
    assert everything_about("dora@example.org") == []
    assert everything_about("carla@example.org") == []
    assert "Anonymised: 1 contacts, 0 orders, 2 tickets" in said.getvalue()
    assert "Otto" in set(Order.objects.values_list("first_name", flat=True))
    assert AuditEntry.objects.filter(action="contact.erased").count() == 2
    call_command("verify_inventory", stdout=StringIO())


def test_that_tickets_were_sent_again_does_not_say_to_whom(kikker, request):
    order = kikker.place_free(1)
    Delivery.objects.filter(order=order).update(status="sent")
    operations.resend_tickets(order, by=kikker.owner)
    request.getfixturevalue("over")

    operations.erase_person(kikker.organiser, email="carla@example.org", by=kikker.owner)

    assert AuditEntry.objects.get(action="tickets.resent").data == {}
    assert everything_about("carla@example.org") == []


def test_tax_law_keeps_the_buyer_of_what_cost_something(kikker, request):
    order = kikker.place_invoice(1, by=kikker.owner)
    request.getfixturevalue("over")

    done = operations.erase_person(kikker.organiser, email="carla@example.org", by=kikker.owner)

    order.refresh_from_db()
    assert done.kept_orders == (order.code,)
    assert (order.first_name, order.email) == ("Carla", "carla@example.org")


def test_tickets_that_must_work_tomorrow_are_left_alone(kikker):
    order = kikker.place_free(1)

    done = operations.erase_person(kikker.organiser, email="carla@example.org", by=kikker.owner)

    assert done.ahead == (order.code,)
    assert order.tickets.get().email == "carla@example.org"
    assert done.contacts == 0


def test_another_organiser_still_knows_the_person(cast):
    for house in (cast.kikker, cast.fjord):
        with house.scope():
            house.place_free(1)
            Event.objects.update(
                starts_at=clock.now() - timedelta(days=2), ends_at=clock.now() - timedelta(days=1)
            )
    with cast.kikker.scope():
        operations.erase_person(
            cast.kikker.organiser, email="carla@example.org", by=cast.kikker.owner
        )
        assert Order.objects.get().email == ""
    with cast.fjord.scope():
        assert Order.objects.get().email == "carla@example.org"
