"""Figures of the status about money, documents and mails of orders: what must not wait."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Min

from orders.models import (
    DOCUMENT_TRIES,
    OPEN_PAYMENTS,
    REFUNDS_UNDER_WAY,
    Delivery,
    DeliveryStatus,
    DocumentFile,
    EventOutcome,
    Payment,
    ProviderEvent,
    Refund,
    RefundStatus,
    UnmatchedPayment,
)
from tiqqo.core import clock
from tiqqo.core.status import Figure, register, waiting
from tiqqo.core.tenancy import platform_scope

logger = logging.getLogger(__name__)

# While pages saturate the processors, a document waits so long at most.
PLANNED = timedelta(seconds=60)
LATE = timedelta(minutes=2)
SOON = timedelta(minutes=15)
LATELY = timedelta(days=1)


@register("money")
def _events() -> Iterator[Figure]:
    unhandled = ProviderEvent.objects.filter(handled_at=None).aggregate(at=Min("received_at"))
    yield waiting(
        "provider events: oldest unhandled, s",
        unhandled["at"],
        at_most=SOON,
        hint="look at its last_error in the support tool, and at the worker of the queue money",
    )
    unmatched = ProviderEvent.objects.filter(
        outcome=EventOutcome.UNMATCHED, received_at__gte=clock.now() - LATELY
    ).count()
    yield Figure(
        "provider events: matched nothing in a day",
        unmatched,
        is_bad=unmatched > 0,
        hint="after a restore that is money of before; else somebody else uses the account",
    )


@register("money")
def _payments() -> Iterator[Figure]:
    now = clock.now()
    with platform_scope("find payments and refunds that wait"):
        overdue = Payment.objects.filter(
            status__in=OPEN_PAYMENTS, order__reservation__expires_at__lte=now
        ).aggregate(at=Min("order__reservation__expires_at"))["at"]
        refunds = Refund.objects.filter(status__in=REFUNDS_UNDER_WAY, provider_id="").aggregate(
            at=Min("requested_at")
        )["at"]
        failed = Refund.objects.filter(status=RefundStatus.FAILED).count()
    yield waiting(
        "payments: oldest open past its hold, s",
        overdue,
        at_most=LATE,
        hint="the provider does not answer, or the worker of the queue provider stands still",
    )
    yield waiting("refunds: oldest not with the provider, s", refunds, at_most=SOON)
    yield Figure("refunds: failed, to be given back by hand", failed)
    kept = UnmatchedPayment.objects.filter(refunded_at=None).count()
    yield Figure(
        "money that belongs to no payment, not given back",
        kept,
        is_bad=kept > 0,
        hint="it goes back by itself after an hour; see manage.py reconcile_payments",
    )


def oldest_document() -> datetime | None:
    """Since when the first of those waits that are to be drawn and were never tried; mails and files."""
    with platform_scope("find documents that wait"):
        mailed = Delivery.objects.filter(status=DeliveryStatus.PENDING, attempts=0)
        asked = DocumentFile.objects.filter(drawn_at=None, attempts=0)
        begun = [rows.aggregate(at=Min("requested_at"))["at"] for rows in (mailed, asked)]
    return min((at for at in begun if at is not None), default=None)


def note_late_documents() -> None:
    """The log tells how long the oldest document has waited, while that is longer than planned."""
    since = oldest_document()
    if since is not None and clock.now() - since > PLANNED:
        waited = round((clock.now() - since).total_seconds())
        logger.warning("documents.late", extra={"oldest_waits_seconds": waited})


@register("documents")
def _documents() -> Iterator[Figure]:
    yield waiting(
        "documents: oldest waits, s",
        oldest_document(),
        at_most=PLANNED,
        hint="the worker of the queue documents is too slow, or stands still",
    )
    with platform_scope("find documents that were given up"):
        failed = DocumentFile.objects.filter(
            drawn_at=None, attempts__gte=DOCUMENT_TRIES, requested_at__gte=clock.now() - LATELY
        ).count()
    yield Figure("documents: given up in a day", failed, is_bad=failed > 0)


@register("mails of orders")
def _deliveries() -> Iterator[Figure]:
    with platform_scope("find mails of orders that wait"):
        waits = Delivery.objects.filter(
            status__in=[DeliveryStatus.PENDING, DeliveryStatus.PREPARED], attempts=0
        ).aggregate(at=Min("requested_at"))["at"]
        failed = Delivery.objects.filter(
            status=DeliveryStatus.FAILED, requested_at__gte=clock.now() - LATELY
        ).count()
    yield waiting(
        "mails of orders: oldest waits, s",
        waits,
        at_most=LATE,
        hint="the workers of the queues documents and mail are busy or stand still",
    )
    yield Figure("mails of orders: given up in a day", failed, is_bad=failed > 0)
