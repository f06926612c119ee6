"""Mails to the buyer: asked for here, made and sent by the worker, visible until they are out."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q

from orders import tasks
from orders.errors import NothingToSend
from orders.locks import lock_order
from orders.models import DELIVERY_TRIES, Delivery, DeliveryKind, DeliveryStatus, Order
from tiqqo.core import audit, clock
from tiqqo.core.audit import Actor
from tiqqo.core.tasks import after_commit

# The sweeper leaves a fresh request to the task that was enqueued with it.
HEAD_START = timedelta(seconds=60)
# Longer than any document or mail takes.
CLAIM_LASTS = timedelta(minutes=3)


def request_delivery(order: Order, kind: DeliveryKind, *, is_first: bool = False) -> Delivery:
    """The buyer will get this mail. The caller's transaction carries the request.

    `is_first` where the caller knows that there was none, as for an order that it just made.
    """
    number = 1 if is_first else 1 + Delivery.objects.filter(order=order, kind=kind).count()
    delivery: Delivery = Delivery.objects.create(
        order=order, kind=kind, number=number, due_at=clock.now() + HEAD_START
    )
    after_commit(tasks.prepare_delivery, delivery.pk)
    return delivery


@transaction.atomic
def request_reminder(order: Order) -> bool:
    """The buyer will be reminded of the event; False when that was asked for before.

    `delivery_once` keeps it at one reminder to an order, however many sweepers meet here.
    """
    delivery, made = Delivery.objects.get_or_create(
        order=order,
        kind=DeliveryKind.REMINDER,
        number=1,
        defaults={"due_at": clock.now() + HEAD_START},
    )
    if made:
        after_commit(tasks.prepare_delivery, delivery.pk)
    return bool(made)


@transaction.atomic
def resend_tickets(order: Order, *, by: Actor) -> Delivery:
    """The tickets are sent once more, freshly rendered; once, if that is under way already.

    Raises NothingToSend.
    """
    order = lock_order(order.pk)
    if not order.tickets.valid().exists():
        raise NothingToSend
    waiting = Delivery.objects.filter(
        order=order,
        kind=DeliveryKind.TICKETS,
        status__in=[DeliveryStatus.PENDING, DeliveryStatus.PREPARED],
    ).first()
    if waiting is not None:
        return waiting
    delivery = request_delivery(order, DeliveryKind.TICKETS)
    audit.record(order, "tickets.resent", by=by, to=order.email)
    return delivery


def claim_delivery(delivery: Delivery, status: DeliveryStatus) -> bool:
    """This worker has the delivery in hand, if it still has `status` and nobody else does.

    A claim lapses after CLAIM_LASTS, so that the work of a worker that died is taken up again.
    """
    now = clock.now()
    unclaimed = Q(claimed_at=None) | Q(claimed_at__lte=now - CLAIM_LASTS)
    mine = Delivery.objects.filter(unclaimed, pk=delivery.pk, status=status)
    return bool(mine.update(claimed_at=now))


@transaction.atomic
def mark_prepared(delivery: Delivery, *, document: bytes | None) -> None:
    """The documents are stored; the mail can go."""
    if document is not None:
        delivery.document.save(
            f"{delivery.order.secret}/{delivery.kind}-{delivery.number}.pdf",
            ContentFile(document),
            save=False,
        )
    delivery.status, delivery.due_at = DeliveryStatus.PREPARED, clock.now() + HEAD_START
    delivery.claimed_at = None
    delivery.save(update_fields=["document", "status", "due_at", "claimed_at"])
    after_commit(tasks.send_delivery, delivery.pk)


@transaction.atomic
def mark_sent(delivery: Delivery) -> None:
    """The mail server took the mail."""
    delivery.status, delivery.sent_at, delivery.last_error = DeliveryStatus.SENT, clock.now(), ""
    delivery.save(update_fields=["status", "sent_at", "last_error"])
    audit.record(delivery.order, "mail.sent", by=audit.SYSTEM, kind=delivery.kind)


@transaction.atomic
def mark_failed_try(delivery: Delivery, *, error: str) -> None:
    """The failure is on record; it is tried again later, and after DELIVERY_TRIES given up, visibly."""
    delivery.attempts = F("attempts") + 1
    delivery.last_error = error[:500]
    delivery.save(update_fields=["attempts", "last_error"])
    delivery.refresh_from_db(fields=["attempts"])
    delivery.due_at = clock.now() + timedelta(seconds=30 * 2 ** min(delivery.attempts, 7))
    if delivery.attempts >= DELIVERY_TRIES:
        delivery.status = DeliveryStatus.FAILED
        audit.record(delivery.order, "mail.failed", by=audit.SYSTEM, kind=delivery.kind)
    delivery.claimed_at = None
    delivery.save(update_fields=["due_at", "status", "claimed_at"])
