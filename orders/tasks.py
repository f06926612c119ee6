"""The worker's part of an order: documents, mails, people, money; and the sweepers behind them."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any

from celery import Task, shared_task
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from orders import (
    documents,
    email_messages,
    operations,
    payments,
    provider_events,
    waitlist_email_messages,
)
from orders.changes import is_still_true
from orders.delivery_locks import Claim, claimed, in_hand
from orders.due_dates import NOTICE
from orders.figures import note_late_documents
from orders.models import (
    DOCUMENT_TRIES,
    OPEN_PAYMENTS,
    REFUNDS_UNDER_WAY,
    SLICES,
    Delivery,
    DeliveryKind,
    DeliveryStatus,
    DocumentFile,
    DocumentKind,
    Order,
    OrderStatus,
    Payment,
    ProviderEvent,
    Refund,
    Substitute,
    SubstituteStatus,
    Ticket,
    UnmatchedPayment,
)
from orders.providers import (
    ProviderFailure,
    ProviderMisconfigured,
    ProviderNotAsked,
    ProviderRefusal,
)
from orders.queries import deliveries_with, orders_to_remind
from orders.shown import wanted_now
from people.operations import (
    Name,
    record_consent,
    remember_company,
    remember_contact,
    welcome_person,
)
from ticketing.models import ReservationStatus, WaitlistEntry, WaitlistRequest, WaitlistStatus
from ticketing.operations import (
    claim_request_mail,
    mark_request_mailed,
    mark_request_not_mailed,
    mark_told,
)
from ticketing.operations.waitlist_requests import MAIL_TRIES
from tiqqo.core import clock
from tiqqo.core.compiled import Compiled, Param
from tiqqo.core.queues import waiting_in
from tiqqo.core.smtp_replies import is_refused
from tiqqo.core.tasks import TenantTask, after_commit, enqueue
from tiqqo.core.tenancy import platform_scope, tenant_scope

logger = logging.getLogger(__name__)

BATCH = 100
REMINDED_AT_ONCE = 500
LAPSED_AT_ONCE = 200
# How long after its own task a sweeper steps in.
PATIENCE = timedelta(seconds=45)
ASK_AGAIN_AFTER = timedelta(seconds=60)
SWEPT_AGAIN_AFTER = timedelta(seconds=30)
# Longer, because nobody waits for it.
PEOPLE_SWEPT_AGAIN_AFTER = timedelta(minutes=5)
# Of a payment page whose hold is over: somebody else may be waiting for the places.
ASK_AGAIN_SOON = timedelta(seconds=15)
# Events are fetched from the provider again from so long ago.
FETCHED_AGAIN = timedelta(hours=1)

_DELIVERY = Compiled(
    Delivery,
    lambda rows: rows.select_related("order__event__organiser").filter(pk=Param("pk")),
)


class DeliveryTask(TenantTask):
    """Whatever goes wrong is written on the delivery, which is tried again later."""

    abstract = True

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        with tenant_scope(kwargs["organiser_id"]):
            delivery = _delivery(args[0])
            if delivery is not None:
                operations.mark_failed_try(delivery, error=exc)


@shared_task(base=DeliveryTask)
def prepare_delivery(delivery_id: int) -> None:
    """The documents of a delivery are rendered and stored; then it is sent."""
    is_prepared = False
    with claimed(Claim.DELIVERY, delivery_id) as is_mine:
        delivery = _begun(delivery_id, DeliveryStatus.PENDING) if is_mine else None
        if delivery is not None:
            attached = email_messages.attached_to(delivery)
            if attached is None:
                operations.wait_for_document(delivery)
            else:
                operations.mark_prepared(delivery, document=attached.pdf, shows=attached.shows)
                is_prepared = True
    # Not before the claim is let go of: whoever finds a delivery claimed leaves it to the claimant.
    if is_prepared:
        after_commit(send_delivery, delivery_id)


@shared_task(base=DeliveryTask)
def send_delivery(delivery_id: int) -> None:
    """The mail is with the mail server; one whose documents are lost is prepared again."""
    with claimed(Claim.DELIVERY, delivery_id) as is_mine:
        delivery = _begun(delivery_id, DeliveryStatus.PREPARED) if is_mine else None
        if delivery is None:
            return
        try:
            mail = email_messages.mail_of(delivery)
        except FileNotFoundError:
            operations.mark_unprepared(delivery)
        else:
            mail.send()
            operations.mark_sent(delivery)
    if delivery.status == DeliveryStatus.PENDING:
        after_commit(prepare_delivery, delivery_id)


class DocumentTask(TenantTask):
    """Whatever goes wrong is written on the document, which is tried again later."""

    abstract = True

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        with tenant_scope(kwargs["organiser_id"]):
            operations.mark_document_failed(args[0], error=exc)


@shared_task(base=DocumentTask)
def draw_document(document_id: int) -> None:
    """The next slice of a document is drawn, or all of it is there for those who wait for it.

    After a slice it stands at the end of the queue again, so that a large one keeps no others waiting.
    """
    has_more = False
    with claimed(Claim.DOCUMENT, document_id) as is_mine:
        document = operations.begin_document(document_id) if is_mine else None
        if document is not None:
            has_more = _draw(document)
    if has_more:
        after_commit(draw_document, document_id)
    elif document is not None and document.is_in_lottery_order:
        for delivery_id in deliveries_with(document):
            after_commit(prepare_delivery, delivery_id)


def _draw(document: DocumentFile) -> bool:
    """The next slice is drawn, or nothing more is to be; whether others follow."""
    wanted = wanted_now(document)
    if wanted is None or wanted.state != document.state:
        operations.outdate_document(document)
        return False
    if document.done < document.total:
        part = documents.next_slice(document)
        done = min(document.done + SLICES[DocumentKind(document.kind)], document.total)
        if (document.done, done) == (0, document.total):
            operations.mark_drawn(document, part)
            return False
        operations.keep_slice(document, part, done=done)
        return True
    try:
        operations.mark_drawn(document, documents.joined(document))
    except FileNotFoundError:
        operations.redraw_document(document)
    return False


def _begun(delivery_id: int, status: DeliveryStatus) -> Delivery | None:
    """The delivery, to be worked on now; None if that was done, or is no longer to be done."""
    delivery = _delivery(delivery_id)
    if delivery is None or not operations.begin_delivery(delivery, status):
        return None
    if not is_still_true(DeliveryKind(delivery.kind), delivery.order):
        operations.withdraw_delivery(delivery)
        return None
    return delivery


def _delivery(delivery_id: int) -> Delivery | None:
    return _DELIVERY.first(pk=delivery_id)


@shared_task
def sweep_deliveries() -> int:
    """Deliveries and documents that are due and were lost are enqueued again; how many.

    Lost is what a worker began with and has not in hand any more. What nobody began with may merely
    wait for its turn: of that no more is enqueued than the queue is short of a batch. Whatever is
    enqueued is due again later, and until then it counts as late and not as lost.
    """
    now = clock.now()
    delivered, drawn = in_hand(Claim.DELIVERY), in_hand(Claim.DOCUMENT)
    with platform_scope("enqueue deliveries and documents that were missed"):
        due = (
            Delivery.objects.filter(
                status__in=[DeliveryStatus.PENDING, DeliveryStatus.PREPARED], due_at__lte=now
            )
            .exclude(pk__in=delivered)
            .order_by("due_at")
        )
        lost = list(due.filter(claimed_at__isnull=False)[:BATCH])
        lost += _short_of_a_batch(due.filter(claimed_at=None, status="pending"), "documents")
        lost += _short_of_a_batch(due.filter(claimed_at=None, status="prepared"), "mail")
        Delivery.objects.filter(pk__in=[d.pk for d in lost]).update(due_at=now + SWEPT_AGAIN_AFTER)
        wanted = (
            DocumentFile.objects.filter(drawn_at=None, due_at__lte=now, attempts__lt=DOCUMENT_TRIES)
            .exclude(pk__in=drawn)
            .order_by("due_at")
        )
        undrawn = list(wanted.filter(claimed_at__isnull=False)[:BATCH])
        undrawn += _short_of_a_batch(wanted.filter(claimed_at=None), "documents")
        DocumentFile.objects.filter(pk__in=[document.pk for document in undrawn]).update(
            due_at=now + SWEPT_AGAIN_AFTER
        )
        without_people = _short_of_a_batch(
            Order.objects.confirmed()
            .filter(
                Q(people_due_at=None) | Q(people_due_at__lte=now),
                Exists(Ticket.objects.filter(order=OuterRef("pk"))),
                people_at=None,
                confirmed_at__lte=now - PATIENCE,
            )
            .order_by("confirmed_at"),
            "people",
        )
        Order.objects.filter(pk__in=[order.pk for order in without_people]).update(
            people_due_at=now + PEOPLE_SWEPT_AGAIN_AFTER
        )
    for delivery in lost:
        task = prepare_delivery if delivery.status == DeliveryStatus.PENDING else send_delivery
        enqueue(task, [delivery.pk], {"organiser_id": delivery.organiser_id})
    for document in undrawn:
        enqueue(draw_document, [document.pk], {"organiser_id": document.organiser_id})
    for order in without_people:
        enqueue(welcome_people, [order.pk], {"organiser_id": order.organiser_id})
    note_late_documents()
    return len(lost) + len(undrawn)


@shared_task
def sweep_documents() -> int:
    """Documents that nobody asked for any more are gone; how many."""
    with platform_scope("forget documents that nobody asks for"):
        return operations.forget_documents()


def _short_of_a_batch(rows: QuerySet[Any], queue: str) -> list[Any]:
    """As many of the rows as the queue is short of a batch: none while it is long."""
    return list(rows[: max(BATCH - waiting_in(queue), 0)])


class WaitlistMailTask(TenantTask):
    """A mail server that does not answer is asked again; after that the sweeper does."""

    abstract = True
    autoretry_for = (OSError,)
    retry_backoff = 5
    max_retries = 4


@shared_task(base=WaitlistMailTask)
def tell_on_waitlist(entry_id: int) -> None:
    """Somebody on a waitlist has a mail about how they stand now, once."""
    entry = (
        WaitlistEntry.objects.untold()
        .select_related("event__organiser", "reservation")
        .filter(pk=entry_id)
        .first()
    )
    if entry is not None:
        status = WaitlistStatus(entry.status)
        try:
            waitlist_email_messages.waitlist_mail(entry).send()
        except SMTPException as error:
            if not is_refused(error):
                raise
            # Whoever cannot be told is not written to again about this.
            logger.warning("waitlist.mail_refused", extra={"entry": entry.pk, "why": str(error)})
        mark_told(entry, status)


@shared_task(base=TenantTask)
def ask_to_confirm_place(request_id: int) -> None:
    """Whoever has the address has a mail that asks whether they want to wait, once."""
    request = claim_request_mail(request_id)
    if request is None:
        return
    try:
        waitlist_email_messages.confirmation_mail(request).send()
    except (SMTPException, OSError) as error:
        logger.warning(
            "waitlist.request_not_mailed", extra={"request": request_id, "why": str(error)}
        )
        if not is_refused(error):
            mark_request_not_mailed(request)
            return
    mark_request_mailed(request)


@shared_task
def sweep_waitlist_emails() -> int:
    """Whoever on a waitlist was not told how they stand is told, and whoever asked for a place is asked
    to confirm it; how many."""
    now = clock.now()
    with platform_scope("find people on waitlists who have news"):
        untold = WaitlistEntry.objects.untold().order_by("id")
        found = _short_of_a_batch(untold.values_list("pk", "organiser_id"), "mail")
        unasked = WaitlistRequest.objects.filter(
            mail_due_at__lte=now, expires_at__gt=now, mail_attempts__lt=MAIL_TRIES
        ).order_by("mail_due_at")
        requests = _short_of_a_batch(unasked.values_list("pk", "organiser_id"), "codes")
    for entry_id, organiser_id in found:
        enqueue(tell_on_waitlist, [entry_id], {"organiser_id": organiser_id})
    for request_id, organiser_id in requests:
        enqueue(ask_to_confirm_place, [request_id], {"organiser_id": organiser_id})
    return len(found) + len(requests)


@shared_task
def sweep_reminders() -> int:
    """Buyers whose event begins within a day are reminded, each once; how many were asked for."""
    with platform_scope("find orders whose event is about to begin"):
        due = list(orders_to_remind(at=clock.now())[:REMINDED_AT_ONCE])
    made = 0
    for order in due:
        with tenant_scope(order.organiser_id):
            made += operations.request_reminder(order)
    return made


@shared_task
def sweep_unpaid_invoice_orders() -> int:
    """Buyers hear until when their order is to be paid, and what was not paid is cancelled; how many
    orders. What one run does not get to is left to the next."""
    now = clock.now()
    to_be_paid = Order.objects.filter(
        status=OrderStatus.OFFLINE_PENDING, payment_due_at__isnull=False
    ).filter(Q(event__starts_at=None) | Q(event__starts_at__gt=now))
    with platform_scope("find invoice orders that are not paid"):
        told = list(
            to_be_paid.filter(payment_due_at__lte=now + NOTICE, lapse_notice_at__lte=now).order_by(
                "payment_due_at"
            )[:LAPSED_AT_ONCE]
        )
        over = list(
            to_be_paid.filter(payment_due_at__lte=now, lapse_notice_at=None).order_by(
                "payment_due_at"
            )[:LAPSED_AT_ONCE]
        )
    count = 0
    for orders, act in ((told, operations.announce_lapse), (over, operations.lapse_order)):
        for order in orders:
            with tenant_scope(order.organiser_id):
                count += act(order)
    return count


@shared_task(base=TenantTask)
@transaction.atomic
def welcome_people(order_id: int) -> None:
    """Buyer and attendees of a confirmed order are contacts and people at the event, once."""
    order = Order.objects.select_related("event").select_for_update(of=("self",)).get(pk=order_id)
    if order.people_at is not None:
        return
    company = remember_company(order.company_name, vat_number=order.vat_number)
    buyer = Name(order.first_name, order.last_name, order.email)
    contact = remember_contact(buyer, phone=order.phone, company=company)
    if order.consented_at and order.consent_text:
        record_consent(
            contact,
            text=order.consent_text,
            source=f"order {order.code}",
            given_at=order.consented_at,
        )
    for ticket in Ticket.objects.filter(order=order, person=None).order_by("id"):
        name = Name(ticket.first_name, ticket.last_name, ticket.email)
        ticket.person = welcome_person(order.event, name, company=company)
        ticket.save(update_fields=["person"])
    order.contact, order.company, order.people_at = contact, company, clock.now()
    order.save(update_fields=["contact", "company", "people_at"])


class ProviderEventTask(Task):
    """Whatever goes wrong is written on the event, which the sweeper takes up again."""

    abstract = True
    throws = (provider_events.NotYet,)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        ProviderEvent.objects.filter(pk=args[0]).update(
            attempts=F("attempts") + 1, last_error=f"{type(exc).__name__}: {exc}"[:500]
        )


@shared_task(base=ProviderEventTask)
def handle_provider_event(event_id: int) -> None:
    """A stored event of the payment provider took effect."""
    provider_events.handle(ProviderEvent.objects.get(pk=event_id))


@shared_task
def fetch_provider_events(since: str = "") -> int:
    """Events that the provider reported since then (ISO 8601; the last hour) and no webhook brought
    are in the inbox and on their way; how many."""
    begin = datetime.fromisoformat(since) if since else clock.now() - FETCHED_AGAIN
    fetched = 0
    try:
        for notice in payments.missed_notices(begin):
            stored = operations.store_event(notice)
            if stored is not None:
                fetched += 1
                enqueue(handle_provider_event, [stored.pk])
    except ProviderFailure as failure:
        logger.warning("payment.provider_silent", extra={"why": str(failure)})
    if fetched:
        logger.warning("provider_event.missed", extra={"count": fetched})
    return fetched


@shared_task(base=TenantTask)
def refund_at_provider(refund_id: int) -> None:
    """A requested refund is with the provider, or how one stands there is known."""
    refund = Refund.objects.select_related("payment__order").get(pk=refund_id)
    if refund.status not in REFUNDS_UNDER_WAY:
        return
    try:
        payments.send_refund(refund)
    except ProviderRefusal as refusal:
        is_final = not isinstance(refusal, ProviderMisconfigured)
        operations.note_refund_failure(refund, message=str(refusal), is_final=is_final)
    except ProviderNotAsked:
        # No try of this refund: the sweeper takes it up again in a minute.
        logger.warning("refund.not_asked", extra={"refund": refund_id})
    except ProviderFailure as failure:
        operations.note_refund_failure(refund, message=str(failure))


@shared_task
def refund_unmatched_payment(unmatched_id: int) -> None:
    """Money that belongs to no payment of ours is on its way back."""
    unmatched = UnmatchedPayment.objects.get(pk=unmatched_id)
    if unmatched.refunded_at is not None:
        return
    try:
        payments.send_unmatched_refund(unmatched)
    except ProviderFailure as failure:
        operations.note_unmatched_failure(unmatched, message=str(failure))


def _payment(payment_id: int) -> Payment:
    payment: Payment = Payment.objects.select_related(
        "order__event__organiser", "order__reservation"
    ).get(pk=payment_id)
    return payment


@shared_task(base=TenantTask)
def close_payment(payment_id: int) -> None:
    """An overdue hold's payment page takes no more money, and what it took counts."""
    _talk_about(payment_id, payments.close_payment)


@shared_task(base=TenantTask)
def check_payment(payment_id: int) -> None:
    """The payment is as the provider says, although nobody reported it."""
    _talk_about(payment_id, payments.check_payment)


def _talk_about(payment_id: int, talk: Callable[[Payment], None]) -> None:
    payment = _payment(payment_id)
    if not payment.is_open:
        return
    try:
        talk(payment)
    except ProviderFailure as failure:
        facts = {"payment": payment_id, "why": str(failure)}
        logger.warning("payment.provider_silent", extra=facts)


@shared_task
def sweep_money() -> None:
    """Whatever money was left half done is taken up again: events, payments, refunds, lost orders, and
    substitutes that nobody decided about.

    What needs the provider is handed out, so that its silence keeps nothing else waiting.
    """
    now = clock.now()
    unhandled = ProviderEvent.objects.filter(handled_at=None, received_at__lte=now - PATIENCE)
    # Those that failed least go first, so that a bad one never stands before a good one.
    in_order = unhandled.order_by("attempts", "pk").values_list("pk", flat=True)
    for event_id in _short_of_a_batch(in_order, "money"):
        enqueue(handle_provider_event, [event_id])
    with platform_scope("find payments, refunds and orders that were left half done"):
        opened = Payment.objects.filter(status__in=OPEN_PAYMENTS).order_by("checked_at")
        # Whoever was asked about a moment ago waits for the answer, or for their turn in the queue.
        overdue = list(
            opened.filter(
                order__reservation__expires_at__lte=now, checked_at__lte=now - ASK_AGAIN_SOON
            )[:BATCH]
        )
        silent = list(
            opened.filter(
                order__reservation__expires_at__gt=now, checked_at__lte=now - ASK_AGAIN_AFTER
            )[:BATCH]
        )
        refunds = list(
            Refund.objects.filter(status__in=REFUNDS_UNDER_WAY, due_at__lte=now).order_by("due_at")[
                :BATCH
            ]
        )
        lost = list(
            Order.objects.filter(status=OrderStatus.INITIATED).exclude(
                reservation__status__in=[ReservationStatus.PENDING, ReservationStatus.CONFIRMED]
            )[:BATCH]
        )
        undecided = list(
            Substitute.objects.filter(
                Q(reservation__expires_at__lte=now)
                | ~Q(reservation__status=ReservationStatus.PENDING),
                status=SubstituteStatus.OFFERED,
            )[:BATCH]
        )
        Payment.objects.filter(pk__in=[p.pk for p in (*overdue, *silent)]).update(checked_at=now)
        Refund.objects.filter(pk__in=[refund.pk for refund in refunds]).update(
            due_at=now + ASK_AGAIN_AFTER
        )
    for task, found in (
        (close_payment, overdue),
        (check_payment, silent),
        (refund_at_provider, refunds),
    ):
        for row in found:
            enqueue(task, [row.pk], {"organiser_id": row.organiser_id})
    unmatched = UnmatchedPayment.objects.filter(refunded_at=None, due_at__lte=now)
    unmatched_ids = list(unmatched.order_by("due_at").values_list("pk", flat=True)[:BATCH])
    UnmatchedPayment.objects.filter(pk__in=unmatched_ids).update(due_at=now + ASK_AGAIN_AFTER)
    for unmatched_id in unmatched_ids:
        enqueue(refund_unmatched_payment, [unmatched_id])
    for order in lost:
        with tenant_scope(order.organiser_id):
            operations.cancel_lost_order(order)
    for substitute in undecided:
        with tenant_scope(substitute.organiser_id):
            operations.lapse_substitute(substitute)
