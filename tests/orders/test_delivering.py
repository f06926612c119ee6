"""Mails to the buyer: made and sent by the worker, tried again, given up visibly."""

import re
import time
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from smtplib import SMTPRecipientsRefused

import psycopg
import pytest
import time_machine
from django.db import connection
from icalendar import Calendar
from pypdf import PdfReader

from orders.delivery_locks import Claim, in_hand
from orders.errors import NothingToSend
from orders.models import DELIVERY_TRIES, Delivery, DeliveryStatus
from orders.operations import cancel_order, resend_tickets, send_invoice
from orders.tasks import prepare_delivery, send_delivery, sweep_deliveries
from tests.cast import DORA, EMIL
from tiqqo.core import audit, clock

PREPARE, SEND = "orders.tasks.prepare_delivery", "orders.tasks.send_delivery"


@pytest.fixture
def light(monkeypatch):
    """Documents without WeasyPrint."""
    monkeypatch.setattr("orders.email_messages.tickets_pdf", lambda order: b"%PDF-1.7 light")


def in_the_future(**delta):
    return time_machine.travel(clock.now() + timedelta(**delta))


def test_one_mail_has_everything(kikker, queue, committing, mailoutbox):
    with committing():
        order = kikker.place_free(2, attendees=(DORA, EMIL))
    assert queue.work(committing) == []

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SENT, 0)
    assert delivery.sent_at is not None
    (mail,) = mailoutbox
    assert (mail.subject, mail.to) == (
        "Your tickets for Night of the Blue Note",
        ["carla@example.org"],
    )
    assert mail.reply_to == ["help@blauwekikker.example"]
    assert mail.extra_headers["Message-ID"] == delivery.message_id
    link = f"/blauwe-kikker/night-of-the-blue-note/orders/{order.code}/{order.secret}/"
    ((page, mime),) = mail.alternatives
    assert mime == "text/html"
    assert link in mail.body and link in page

    (pdf_name, pdf, pdf_type), (ics_name, ics, ics_type) = mail.attachments
    assert (pdf_name, pdf_type) == (f"tickets-{order.code}.pdf", "application/pdf")
    reader = PdfReader(BytesIO(pdf))
    text = [page.extract_text() for page in reader.pages]
    assert len(text) == 2
    assert "Dora Guest" in text[0] and "Emil Guest" in text[1]
    assert (ics_name, ics_type) == ("night-of-the-blue-note.ics", "text/calendar")
    (entry,) = Calendar.from_ical(ics).walk("VEVENT")
    assert (str(entry["SUMMARY"]), str(entry["UID"])) == (
        "Night of the Blue Note",
        f"{order.code}@tiqqo",
    )
    assert entry["DTSTART"].dt == kikker.event.starts_at.replace(microsecond=0)
    assert audit.history_of(order).last().action == "mail.sent"


def test_an_invoice_order_gets_a_mail_without_documents(fjord, queue, committing, mailoutbox):
    with committing():
        order = fjord.place_invoice(1)
    assert queue.work(committing) == []

    (mail,) = mailoutbox
    assert mail.subject == f"We have your order {order.code} for Fjord Tech Summit"
    assert mail.attachments == []
    assert [d.document.name for d in Delivery.objects.all()] == ["", ""]


def test_a_delivery_is_prepared_and_sent_once(kikker, light, queue, committing, mailoutbox):
    with committing():
        kikker.place_free(1)
    queue.work(committing)
    delivery = Delivery.objects.get()
    with committing():
        prepare_delivery(delivery.pk, organiser_id=kikker.organiser.pk)
        send_delivery(delivery.pk, organiser_id=kikker.organiser.pk)

    assert (len(mailoutbox), queue.jobs) == (1, [])


def test_the_message_id_is_the_same_at_every_try(kikker, light):
    kikker.place_free(1)
    delivery = Delivery.objects.get()

    first = delivery.message_id
    assert first == Delivery.objects.get().message_id
    assert re.fullmatch(r"<[0-9a-f]{32}@localhost>", first)


def test_a_failed_rendering_is_on_record_and_retried_by_the_sweeper(
    kikker, monkeypatch, queue, committing, mailoutbox
):
    def broken(order):
        raise RuntimeError("no fonts")

    monkeypatch.setattr("orders.email_messages.tickets_pdf", broken)
    with committing():
        kikker.place_free(1)
    assert queue.work(committing) == [PREPARE]

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 1)
    assert delivery.last_error == "RuntimeError: no fonts"

    monkeypatch.setattr("orders.email_messages.tickets_pdf", lambda order: b"%PDF-1.7 light")
    assert sweep_deliveries() == 0
    with in_the_future(seconds=61):
        assert sweep_deliveries() == 1
        assert sweep_deliveries() == 0
    assert queue.work(committing) == []
    assert Delivery.objects.get().status == DeliveryStatus.SENT
    assert len(mailoutbox) == 1


def test_a_failed_sending_is_retried_without_rendering_again(
    kikker, light, monkeypatch, queue, committing, mailoutbox
):
    def refuse(mail, fail_silently=False):
        raise ConnectionRefusedError("mail server is away")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    with committing():
        kikker.place_free(1)
    assert queue.work(committing) == [SEND]
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PREPARED, 1)
    assert delivery.last_error == "ConnectionRefusedError: mail server is away"

    monkeypatch.undo()
    monkeypatch.setattr("celery.app.task.Task.apply_async", queue.take)
    monkeypatch.setattr("orders.email_messages.tickets_pdf", lambda order: 1 / 0)
    with in_the_future(minutes=5):
        assert sweep_deliveries() == 1
    assert queue.names == [SEND]
    assert queue.work(committing) == []
    assert (Delivery.objects.get().status, len(mailoutbox)) == (DeliveryStatus.SENT, 1)
    assert Delivery.objects.get().last_error == ""


def test_a_delivery_is_given_up_after_the_tries_and_the_desk_sees_it(
    kikker, monkeypatch, queue, committing
):
    monkeypatch.setattr("orders.email_messages.tickets_pdf", lambda order: 1 / 0)
    with committing():
        order = kikker.place_free(1)
    queue.work(committing)
    for day in range(1, DELIVERY_TRIES):
        with in_the_future(days=day):
            assert sweep_deliveries() == 1
            queue.work(committing)
    with in_the_future(days=30):
        assert sweep_deliveries() == 0

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, DELIVERY_TRIES)
    assert [e.action for e in audit.history_of(order)].count("mail.failed") == 1


def test_a_mail_that_the_server_will_never_take_is_given_up_at_once_and_the_desk_sees_it(
    kikker, light, monkeypatch, queue, committing
):
    def refuse(mail, fail_silently=False):
        raise SMTPRecipientsRefused({"carla@example.org": (550, b"no such user")})

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    with committing():
        order = kikker.place_free(1)
    assert queue.work(committing) == [SEND]

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 1)
    assert "no such user" in delivery.last_error
    assert [e.action for e in audit.history_of(order)].count("mail.failed") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lost", [False, True], ids=["to be sent", "to be drawn again"])
def test_whoever_is_asked_to_go_on_finds_the_delivery_let_go_of(
    kikker, light, queue, monkeypatch, lost
):
    """Else they leave the mail to whoever has it in hand, and so to the sweeper, half a minute later."""
    kikker.place_free(1)
    delivery = Delivery.objects.get()
    if lost:
        prepare_delivery(delivery.pk, organiser_id=kikker.organiser.pk)
        delivery.refresh_from_db()
        Path(delivery.document.path).unlink()
    asked = []
    monkeypatch.setattr(
        "celery.app.task.Task.apply_async",
        lambda task, *args, **options: asked.append((task.name, in_hand(Claim.DELIVERY))),
    )

    begin = send_delivery if lost else prepare_delivery
    begin(delivery.pk, organiser_id=kikker.organiser.pk)

    assert asked == [(PREPARE if lost else SEND, set())]


@contextmanager
def in_another_workers_hand(delivery):
    """A worker on a database session of its own has claimed it and begun; at the end it is killed."""
    key = (0x6D61696C << 32) | delivery.pk
    parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
    parameters.pop("context", None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone() == (True,)
        now = clock.now()
        Delivery.objects.filter(pk=delivery.pk).update(claimed_at=now, due_at=now)
        yield
    deadline = time.monotonic() + 10
    while delivery.pk in in_hand(Claim.DELIVERY) and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_delivery_in_hand_is_left_to_its_worker_however_long_it_takes(
    kikker, light, queue, committing, mailoutbox
):
    with committing():
        kikker.place_free(1)
    delivery = Delivery.objects.get()

    with in_another_workers_hand(delivery):
        queue.work(committing)
        assert (Delivery.objects.get().status, mailoutbox) == (DeliveryStatus.PENDING, [])
        with in_the_future(minutes=10):
            assert sweep_deliveries() == 0


def test_what_a_killed_worker_had_in_hand_is_taken_up_at_once_whatever_waits_before_it(
    kikker, light, queue, committing, mailoutbox, monkeypatch
):
    monkeypatch.setattr("orders.tasks.waiting_in", lambda queue: 1500)
    with committing():
        kikker.place_free(1)
    queue.clear()
    with in_another_workers_hand(Delivery.objects.get()):
        pass

    with in_the_future(seconds=1):
        assert sweep_deliveries() == 1
        assert queue.names == [PREPARE]
        queue.work(committing)
    assert (Delivery.objects.get().status, len(mailoutbox)) == (DeliveryStatus.SENT, 1)


def test_what_merely_waits_in_a_long_queue_is_not_enqueued_again(kikker, queue, monkeypatch):
    kikker.place_free(1)
    depth = 1500
    monkeypatch.setattr("orders.tasks.waiting_in", lambda queue: depth)

    with in_the_future(seconds=61):
        assert sweep_deliveries() == 0
        assert queue.jobs == []
        depth = 0
        assert sweep_deliveries() == 1


@pytest.mark.parametrize("moment", ["before it is prepared", "before it is sent"])
def test_a_cancelled_orders_tickets_and_invoice_are_not_mailed_after_it(
    fjord, light, queue, committing, mailoutbox, moment, monkeypatch
):
    monkeypatch.setattr("orders.email_messages.invoice_pdf", lambda invoice: b"%PDF-1.7 light")
    with committing():
        order = fjord.place_invoice(1)
        send_invoice(order, by=fjord.owner)
    if moment == "before it is sent":
        for job in list(queue.jobs):
            if job.name == PREPARE:
                with committing():
                    job.task.apply(args=job.args, kwargs=job.kwargs)

    with committing():
        cancel_order(order, by=fjord.owner)
    queue.work(committing)

    assert [mail.subject for mail in mailoutbox] == [
        f"Your order {order.code} for Fjord Tech Summit is cancelled"
    ]
    statuses = {d.kind: d.status for d in Delivery.objects.all()}
    confirmation = statuses.pop("confirm")
    assert statuses == {
        "received": DeliveryStatus.WITHDRAWN,
        "invoice": DeliveryStatus.WITHDRAWN,
        "canceled": DeliveryStatus.SENT,
    }
    assert [e.action for e in audit.history_of(order)].count("mail.withdrawn") == 2 + (
        confirmation == DeliveryStatus.WITHDRAWN
    )


def test_documents_that_were_lost_before_the_mail_went_are_drawn_again(
    kikker, light, queue, committing, mailoutbox
):
    with committing():
        kikker.place_free(1)
    delivery = Delivery.objects.get()
    with committing():
        prepare_delivery(delivery.pk, organiser_id=kikker.organiser.pk)
    delivery.refresh_from_db()
    Path(delivery.document.path).unlink()

    assert queue.work(committing) == []

    (mail,) = mailoutbox
    assert mail.attachments[0][1] == b"%PDF-1.7 light"
    assert Delivery.objects.get().status == DeliveryStatus.SENT


def test_tickets_are_sent_again_when_asked(kikker, light, queue, committing):
    with committing():
        order = kikker.place_free(1)
    queue.work(committing)
    with committing():
        resend_tickets(order, by=kikker.owner)
        resend_tickets(order, by=kikker.owner)

    assert list(Delivery.objects.order_by("id").values_list("kind", "number")) == [
        ("tickets", 1),
        ("tickets", 2),
    ]
    assert queue.names == [PREPARE]
    assert audit.history_of(order).last().action == "tickets.resent"


def test_without_valid_tickets_there_is_nothing_to_send(kikker, queue, committing):
    unpaid, cancelled = kikker.place(priced=1), kikker.place_free(1)
    cancel_order(cancelled, by=kikker.owner)

    for order in (unpaid, cancelled):
        with pytest.raises(NothingToSend), committing():
            resend_tickets(order, by=kikker.owner)
    # The tickets of before, and that they are cancelled.
    assert (Delivery.objects.count(), queue.jobs) == (2, [])


def test_a_lost_task_is_enqueued_by_the_sweeper_in_its_organisers_scope(cast, queue):
    for house in (cast.kikker, cast.fjord):
        with house.scope():
            house.place_free(1)

    with in_the_future(seconds=61):
        sweep_deliveries()

    assert sorted((job.name, job.kwargs["organiser_id"]) for job in queue.jobs) == sorted(
        (name, house.organiser.pk)
        for house in (cast.kikker, cast.fjord)
        for name in (PREPARE, "orders.tasks.welcome_people")
    )
