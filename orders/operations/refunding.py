"""Money back: asked for here, sent by the worker, on record when the provider has done it."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from orders import tasks
from orders.errors import RefundExceedsPayment
from orders.locks import lock_payment
from orders.models import (
    REFUND_TRIES,
    DeliveryKind,
    Order,
    Payment,
    Refund,
    RefundReason,
    RefundStatus,
)
from orders.operations.delivering import HEAD_START, request_delivery
from payouts.operations import book_refund
from tiqqo.core import audit, clock
from tiqqo.core.audit import PROVIDER, Actor
from tiqqo.core.money import Money
from tiqqo.core.tasks import after_commit


@transaction.atomic
def request_refund(payment: Payment, *, amount: Money, reason: RefundReason, by: Actor) -> Refund:
    """The refund is on record and on its way to the provider. Raises RefundExceedsPayment."""
    locked: Payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment.pk)
    pending = sum(
        refund.amount_minor
        for refund in locked.refunds.filter(
            status__in=[RefundStatus.REQUESTED, RefundStatus.PROCESSING]
        )
    )
    if amount.minor > locked.captured_minor - locked.refunded_minor - pending:
        raise RefundExceedsPayment
    refund: Refund = Refund.objects.create(
        payment=locked,
        amount_minor=amount.minor,
        reason=reason,
        due_at=clock.now() + HEAD_START,
    )
    audit.record(payment.order, "refund.requested", by=by, amount_minor=amount.minor, reason=reason)
    if reason != RefundReason.REQUESTED:
        request_delivery(payment.order, DeliveryKind.REFUNDED)
    after_commit(tasks.refund_at_provider, refund.pk)
    return refund


@transaction.atomic
def refund_succeeded(refund: Refund, *, provider_id: str) -> None:
    """The money is back with the buyer, in the ledger and on the order. Twice is harmless."""
    order, payment = lock_payment(refund.payment_id)
    refund = Refund.objects.select_for_update(of=("self",)).get(pk=refund.pk)
    if refund.status == RefundStatus.SUCCEEDED:
        return
    refund.status, refund.provider_id = RefundStatus.SUCCEEDED, provider_id
    refund.succeeded_at = clock.now()
    refund.save(update_fields=["status", "provider_id", "succeeded_at"])
    Payment.objects.filter(pk=payment.pk).update(
        refunded_minor=F("refunded_minor") + refund.amount_minor
    )
    if refund.reason == RefundReason.REQUESTED:
        Order.objects.filter(pk=order.pk).update(
            refunded_minor=F("refunded_minor") + refund.amount_minor
        )
    book_refund(
        key=f"refund:{refund.pk}",
        reference=order.code,
        total=Money(refund.amount_minor, payment.currency),
        platform_fee=Money(_fee_in(refund, order, payment), payment.currency),
        event_id=order.event_id,
    )
    audit.record(order, "refund.succeeded", by=PROVIDER, amount_minor=refund.amount_minor)


def _fee_in(refund: Refund, order: Order, payment: Payment) -> int:
    """The service fee goes back in proportion to the price that it was taken of."""
    if refund.reason == RefundReason.COSTS_LESS or not payment.platform_fee_minor:
        return 0
    return int(payment.platform_fee_minor * refund.amount_minor // order.total_minor)


@transaction.atomic
def note_refund_failure(refund: Refund, *, message: str) -> None:
    """The provider did not refund this time; it is asked again after a pause that doubles.

    After REFUND_TRIES, about half a day, the refund is FAILED: the desk sees why and acts by hand.
    """
    refund = (
        Refund.objects.select_related("payment__order")
        .select_for_update(of=("self",))
        .get(pk=refund.pk)
    )
    if refund.status == RefundStatus.SUCCEEDED:
        return
    refund.attempts += 1
    refund.last_failure = message[:300]
    refund.due_at = clock.now() + timedelta(seconds=30 * 2 ** min(refund.attempts, 8))
    if refund.attempts >= REFUND_TRIES:
        refund.status = RefundStatus.FAILED
        audit.record(refund.payment.order, "refund.failed", by=PROVIDER, reason=refund.last_failure)
    refund.save(update_fields=["attempts", "last_failure", "due_at", "status"])
