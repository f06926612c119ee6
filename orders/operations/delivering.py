"""Mails to the buyer: asked for here, made and sent by the worker, visible until they are out."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F

from orders.models import DELIVERY_TRIES, Delivery, DeliveryKind, DeliveryStatus, Order
from tiqqo.core import audit, clock
from tiqqo.core.codes import new_secret
from tiqqo.core.smtp_replies import is_refused
from tiqqo.core.tasks import after_commit

# The sweeper leaves a fresh request to the task that was enqueued with it.
HEAD_START = timedelta(seconds=15)
# … and one that a worker began with to that worker, as long as it has it in hand.
BEGUN_HEAD_START = timedelta(seconds=5)
# A document in slices tells its mails when it is drawn; this is for a word that was lost.
DOCUMENT_HEAD_START = timedelta(seconds=60)


def request_delivery(order: Order, kind: DeliveryKind, *, is_first: bool = False) -> Delivery:
    """The buyer will get this mail. The caller's transaction carries the request.

    `is_first` where the caller knows that there was none, as for an order that it just made.
    """
    number = 1 if is_first else 1 + Delivery.objects.filter(order=order, kind=kind).count()
    delivery: Delivery = Delivery.objects.create(
        order=order, kind=kind, number=number, due_at=clock.now() + HEAD_START
    )
    after_commit("orders.tasks.prepare_delivery", delivery.pk)
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
        after_commit("orders.tasks.prepare_delivery", delivery.pk)
    return bool(made)


def begin_delivery(delivery: Delivery, status: DeliveryStatus) -> bool:
    """The delivery is being worked on, if it still has `status`. The caller has claimed it."""
    now = clock.now()
    mine = Delivery.objects.filter(pk=delivery.pk, status=status)
    return bool(mine.update(claimed_at=now, due_at=now + BEGUN_HEAD_START))


@transaction.atomic
def mark_prepared(delivery: Delivery, *, document: bytes | None, shows: str = "") -> None:
    """The documents are stored; the mail can go, once the claim is let go of.

    `shows` is the state of what the document shows.
    """
    if document is not None:
        # Named apart from the order's secret: a name gets into errors, listings and backups.
        delivery.document.save(
            # Not the order's secret, which would stand in clear in the row and on the disk.
            f"{new_secret()}/{delivery.kind}-{delivery.number}.pdf",
            ContentFile(document),
            save=False,
        )
    delivery.shows = shows
    delivery.status, delivery.due_at = DeliveryStatus.PREPARED, clock.now() + HEAD_START
    delivery.claimed_at = None
    delivery.save(update_fields=["document", "shows", "status", "due_at", "claimed_at"])


def wait_for_document(delivery: Delivery) -> None:
    """The delivery is prepared once its document is drawn, which tells it."""
    waiting = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.PENDING)
    waiting.update(claimed_at=None, due_at=clock.now() + DOCUMENT_HEAD_START)


@transaction.atomic
def mark_sent(delivery: Delivery) -> None:
    """The mail server took the mail."""
    delivery.status, delivery.sent_at, delivery.last_error = DeliveryStatus.SENT, clock.now(), ""
    delivery.claimed_at = None
    delivery.save(update_fields=["status", "sent_at", "last_error", "claimed_at"])
    audit.record(delivery.order, "mail.sent", by=audit.SYSTEM, kind=delivery.kind)


@transaction.atomic
def withdraw_delivery(delivery: Delivery) -> None:
    """The mail is not sent, because what it says is not so any more."""
    delivery.status, delivery.claimed_at = DeliveryStatus.WITHDRAWN, None
    delivery.save(update_fields=["status", "claimed_at"])
    audit.record(delivery.order, "mail.withdrawn", by=audit.SYSTEM, kind=delivery.kind)


@transaction.atomic
def mark_unprepared(delivery: Delivery) -> None:
    """The documents of a delivery that was not sent are lost: they are to be drawn again."""
    delivery.status, delivery.document = DeliveryStatus.PENDING, ""
    delivery.claimed_at, delivery.due_at = None, clock.now() + HEAD_START
    delivery.save(update_fields=["status", "document", "claimed_at", "due_at"])


@transaction.atomic
def mark_failed_try(delivery: Delivery, *, error: BaseException) -> None:
    """The failure is on record; it is tried again later.

    After DELIVERY_TRIES, or where the mail server will never take the mail, it is given up, visibly.
    """
    delivery.attempts = F("attempts") + 1
    delivery.last_error = f"{type(error).__name__}: {error}"[:500]
    delivery.save(update_fields=["attempts", "last_error"])
    delivery.refresh_from_db(fields=["attempts"])
    delivery.due_at = clock.now() + timedelta(seconds=30 * 2 ** min(delivery.attempts, 7))
    if is_refused(error) or delivery.attempts >= DELIVERY_TRIES:
        delivery.status = DeliveryStatus.FAILED
        audit.record(delivery.order, "mail.failed", by=audit.SYSTEM, kind=delivery.kind)
    delivery.claimed_at = None
    delivery.save(update_fields=["due_at", "status", "claimed_at"])
