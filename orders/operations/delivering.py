"""Mails to the buyer: asked for here, made and sent by the worker, visible until they are out."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.core.files.base import ContentFile
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from orders import tasks
from orders.models import DELIVERY_TRIES, Delivery, DeliveryKind, DeliveryStatus, Order
from tiqqo.core import audit, clock
from tiqqo.core.codes import new_secret
from tiqqo.core.mail import is_refused
from tiqqo.core.tasks import after_commit

# The sweeper leaves a fresh request to the task that was enqueued with it.
HEAD_START = timedelta(seconds=15)
# … and one that a worker began with to that worker, as long as it has it in hand.
BEGUN_HEAD_START = timedelta(seconds=5)
# Of the 64 bits of an advisory lock's key, the upper ones say that it is a delivery's.
_CLAIM = 0x6D61696C << 32


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


@contextmanager
def claimed(delivery_id: int) -> Iterator[bool]:
    """Whether this worker has the delivery in hand; nobody else has it then.

    The claim is PostgreSQL's, on this session: it lasts as long as the work, and ends at once with a
    worker that is killed. Read the delivery inside.
    """
    key = _CLAIM | delivery_id
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (is_mine,) = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            # A session that broke meanwhile has let go of it.
            with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def deliveries_in_hand() -> set[int]:
    """Those that a worker has claimed and not let go of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
            " AND classid = %s AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            [_CLAIM >> 32],
        )
        return {objid for (objid,) in cursor.fetchall()}


def begin_delivery(delivery: Delivery, status: DeliveryStatus) -> bool:
    """The delivery is being worked on, if it still has `status`. The caller has claimed it."""
    now = clock.now()
    mine = Delivery.objects.filter(pk=delivery.pk, status=status)
    return bool(mine.update(claimed_at=now, due_at=now + BEGUN_HEAD_START))


@transaction.atomic
def mark_prepared(delivery: Delivery, *, document: bytes | None) -> None:
    """The documents are stored; the mail can go, once the claim is let go of."""
    _store(delivery, document)
    delivery.status, delivery.due_at = DeliveryStatus.PREPARED, clock.now() + HEAD_START
    delivery.claimed_at = None
    delivery.save(update_fields=["document", "status", "due_at", "claimed_at"])


def _store(delivery: Delivery, document: bytes | None) -> None:
    if document is not None:
        delivery.document.save(
            # Not the order's secret, which would stand in clear in the row and on the disk.
            f"{new_secret()}/{delivery.kind}-{delivery.number}.pdf",
            ContentFile(document),
            save=False,
        )


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
def request_redraw(delivery: Delivery) -> None:
    """The document of a mail that is out is lost: it is drawn again, and not mailed. Once is enough."""
    lost = Delivery.objects.filter(
        pk=delivery.pk, status=DeliveryStatus.SENT, document=delivery.document.name
    )
    if lost.update(document="", claimed_at=clock.now()):
        after_commit(tasks.redraw_document, delivery.pk)


@transaction.atomic
def mark_redrawn(delivery: Delivery, *, document: bytes) -> None:
    """The document is there again."""
    _store(delivery, document)
    delivery.claimed_at = None
    delivery.save(update_fields=["document", "claimed_at"])


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
