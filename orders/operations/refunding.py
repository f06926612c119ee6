"""Money back: asked for here, sent by the worker, on record as the provider says it stands.

A refund may begin elsewhere, in the provider's own dashboard, and may fail weeks after it succeeded;
`follow_refund` puts on record whatever the provider says, in whatever order it arrives.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Least

from orders.changes import Change
from orders.errors import RefundExceedsPayment
from orders.locks import lock_payment
from orders.models import (
    REFUND_TRIES,
    REFUNDS_OF_THE_PRICE,
    REFUNDS_UNDER_WAY,
    Dispute,
    DisputeStatus,
    Order,
    Payment,
    Refund,
    RefundReason,
    RefundStatus,
)
from orders.operations.changing import record_change
from orders.operations.delivering import HEAD_START
from orders.operations.settling import end_order
from orders.providers.base import RefundProgress, RefundState
from payouts.operations import book_refund, book_refund_undone
from tiqqo.core import clock
from tiqqo.core.audit import PROVIDER, SYSTEM, Actor
from tiqqo.core.money import Money, share
from tiqqo.core.tasks import after_commit

# Of money that buys nothing here.
SURPLUS_REASONS = [RefundReason.PAID_TWICE, RefundReason.TOO_LATE, RefundReason.WRONG_AMOUNT]
# The provider tells how a refund went on; if it does not, it is asked.
ASK_ABOUT_PENDING_AFTER = timedelta(hours=6)


@transaction.atomic
def request_refund(payment: Payment, *, amount: Money, reason: RefundReason, by: Actor) -> Refund:
    """The refund is on record and on its way to the provider; the buyer is told.

    An order whose whole price goes back is over, with its tickets. Raises RefundExceedsPayment.
    """
    order, locked = lock_payment(payment.pk)
    if amount.minor > refundable_minor(locked):
        raise RefundExceedsPayment
    refund: Refund = Refund.objects.create(
        payment=locked,
        amount_minor=amount.minor,
        reason=reason,
        due_at=clock.now() + HEAD_START,
    )
    _end_if_given_back(order, locked, by=by)
    record_change(
        order, Change.REFUND_REQUESTED, by=by, amount_minor=amount.minor, reason=reason.value
    )
    after_commit("orders.tasks.refund_at_provider", refund.pk)
    return refund


def give_back_rest(payment: Payment, *, reason: RefundReason, by: Actor) -> None:
    """All that is left of the payment goes back. The caller has its lock."""
    left = refundable_minor(payment)
    if left > 0:
        request_refund(payment, amount=Money(left, payment.currency), reason=reason, by=by)


def refundable_minor(payment: Payment) -> int:
    """What of the payment has not gone back, is not on its way, and was not taken by a bank."""
    under_way = _sum(payment.refunds.filter(status__in=REFUNDS_UNDER_WAY))
    taken = _sum(payment.disputes.exclude(status=DisputeStatus.WON))
    return payment.left_minor - under_way - taken


def _sum(rows: QuerySet[Refund] | QuerySet[Dispute]) -> int:
    return int(rows.aggregate(total=Sum("amount_minor"))["total"] or 0)


def buys_tickets(payment: Payment) -> bool:
    """Whether the order's tickets were bought with it, as against money that nothing was owed for."""
    is_surplus = payment.refunds.filter(reason__in=SURPLUS_REASONS).exists()
    return payment.captured_minor > 0 and not is_surplus


def _end_if_given_back(order: Order, payment: Payment, *, by: Actor) -> None:
    """An order whose whole price is back, or on its way, lets nobody in and holds no places."""
    if order.is_over or not buys_tickets(payment):
        return
    given_back = _sum(
        payment.refunds.filter(reason__in=REFUNDS_OF_THE_PRICE).exclude(
            status__in=[RefundStatus.FAILED, RefundStatus.CANCELED]
        )
    )
    if given_back >= order.total_minor > 0:
        end_order(order, Change.GIVEN_BACK, by=by)


@transaction.atomic
def follow_refund(payment: Payment, state: RefundState) -> Refund:
    """What the provider says of a refund is on record: in the ledger, on the order, in its history.

    A refund that nobody asked for here is one that was made elsewhere. Repeating it is harmless, and
    so is an older word that arrives after a newer one.
    """
    order, payment = lock_payment(payment.pk)
    refund = _known(payment, state) or _found_elsewhere(order, payment, state)
    if not refund.provider_id:
        refund.provider_id = state.refund_id
        refund.save(update_fields=["provider_id"])
    elif refund.status in (RefundStatus.FAILED, RefundStatus.CANCELED):
        return refund  # The provider's last word.
    match state.progress:
        case RefundProgress.PENDING:
            _wait(refund)
        case RefundProgress.SUCCEEDED:
            _succeed(order, payment, refund)
        case RefundProgress.FAILED | RefundProgress.CANCELED:
            _fail(order, payment, refund, reason=state.failure or state.progress.value)
    return refund


def _known(payment: Payment, state: RefundState) -> Refund | None:
    refunds = payment.refunds.select_for_update(of=("self",))
    found: Refund | None = refunds.filter(provider_id=state.refund_id).first()
    if found is None and state.reference:
        by_reference = {str(refund.reference): refund for refund in refunds.filter(provider_id="")}
        found = by_reference.get(state.reference)
    return found


def _found_elsewhere(order: Order, payment: Payment, state: RefundState) -> Refund:
    refund: Refund = Refund.objects.create(
        payment=payment,
        amount_minor=state.amount.minor,
        reason=RefundReason.ELSEWHERE,
        status=RefundStatus.PROCESSING,
        provider_id=state.refund_id,
        due_at=clock.now() + ASK_ABOUT_PENDING_AFTER,
    )
    _end_if_given_back(order, payment, by=PROVIDER)
    record_change(order, Change.REFUND_ELSEWHERE, by=PROVIDER, amount_minor=state.amount.minor)
    return refund


def _wait(refund: Refund) -> None:
    if refund.status not in (RefundStatus.REQUESTED, RefundStatus.FAILED, RefundStatus.PROCESSING):
        return
    refund.status, refund.last_failure = RefundStatus.PROCESSING, ""
    refund.due_at = clock.now() + ASK_ABOUT_PENDING_AFTER
    refund.save(update_fields=["status", "last_failure", "due_at"])


def _succeed(order: Order, payment: Payment, refund: Refund) -> None:
    if refund.status == RefundStatus.SUCCEEDED:
        return
    refund.fee_minor = fee_within(refund, order, payment)
    refund.status, refund.succeeded_at = RefundStatus.SUCCEEDED, clock.now()
    refund.last_failure = ""
    refund.save(update_fields=["fee_minor", "status", "succeeded_at", "last_failure"])
    Payment.objects.filter(pk=payment.pk).update(
        refunded_minor=F("refunded_minor") + refund.amount_minor
    )
    if refund.reason in REFUNDS_OF_THE_PRICE and buys_tickets(payment):
        Order.objects.filter(pk=order.pk).update(
            refunded_minor=Least(F("refunded_minor") + refund.amount_minor, F("total_minor"))
        )
    book_refund(
        key=f"refund:{refund.reference}",
        reference=order.code,
        total=refund.amount,
        platform_fee=Money(refund.fee_minor, payment.currency),
        event_id=order.event_id,
    )
    record_change(order, Change.REFUND_SUCCEEDED, by=PROVIDER, amount_minor=refund.amount_minor)


def _fail(order: Order, payment: Payment, refund: Refund, *, reason: str) -> None:
    """The money is with us again, or never left: the organiser gives it back in another way."""
    was_booked = refund.status == RefundStatus.SUCCEEDED
    if was_booked:
        Payment.objects.filter(pk=payment.pk).update(
            refunded_minor=F("refunded_minor") - refund.amount_minor
        )
        if refund.reason in REFUNDS_OF_THE_PRICE and buys_tickets(payment):
            Order.objects.filter(pk=order.pk).update(
                refunded_minor=F("refunded_minor") - Least(F("refunded_minor"), refund.amount_minor)
            )
        book_refund_undone(
            key=f"refund-undone:{refund.reference}",
            reference=order.code,
            total=refund.amount,
            platform_fee=Money(refund.fee_minor, payment.currency),
            event_id=order.event_id,
        )
    refund.status, refund.last_failure = RefundStatus.FAILED, reason[:300]
    refund.save(update_fields=["status", "last_failure"])
    record_change(order, Change.REFUND_FAILED, by=PROVIDER, reason=refund.last_failure)


def fee_within(part: "Refund | Dispute", order: Order, payment: Payment) -> int:
    """The service fee that goes back with this part of the price: all parts add up to the whole fee."""
    of_the_price = isinstance(part, Dispute) or part.reason in REFUNDS_OF_THE_PRICE
    if not of_the_price or not payment.platform_fee_minor or not order.total_minor:
        return 0
    before = [
        payment.refunds.filter(status=RefundStatus.SUCCEEDED, reason__in=REFUNDS_OF_THE_PRICE),
        payment.disputes.exclude(status=DisputeStatus.WON),
    ]
    amount = fee = 0
    for rows in before:
        others = rows.exclude(pk=part.pk) if isinstance(part, rows.model) else rows
        sums = others.aggregate(amount=Sum("amount_minor"), fee=Sum("fee_minor"))
        amount, fee = amount + (sums["amount"] or 0), fee + (sums["fee"] or 0)
    with_this = min(amount + part.amount_minor, order.total_minor)
    return max(share(payment.platform_fee_minor, with_this, of=order.total_minor) - fee, 0)


@transaction.atomic
def note_refund_failure(refund: Refund, *, message: str, is_final: bool = False) -> None:
    """The provider did not refund this time; it is asked again after a pause that doubles.

    After REFUND_TRIES, about half a day, or when the provider will never do it, the refund is FAILED:
    buyer and desk learn it, and the money is given back by hand.
    """
    order, payment = lock_payment(refund.payment_id)
    refund = payment.refunds.select_for_update(of=("self",)).get(pk=refund.pk)
    if refund.status not in REFUNDS_UNDER_WAY:
        return
    refund.attempts += 1
    refund.last_failure = message[:300]
    refund.due_at = clock.now() + timedelta(seconds=30 * 2 ** min(refund.attempts, 8))
    refund.save(update_fields=["attempts", "last_failure", "due_at"])
    # One that the provider has is never given up, whoever does not answer.
    is_over = refund.attempts >= REFUND_TRIES and not refund.provider_id
    if is_final or is_over:
        _fail(order, payment, refund, reason=message)


@transaction.atomic
def drop_needless_refund(refund: Refund) -> bool:
    """A refund for which too little is left, since money went back elsewhere, is off; whether it is.

    Where nothing is owed for the payment any more, what is left of it goes back instead.
    """
    order, payment = lock_payment(refund.payment_id)
    refund = payment.refunds.select_for_update(of=("self",)).get(pk=refund.pk)
    if refund.status != RefundStatus.REQUESTED or refundable_minor(payment) >= 0:
        return False
    refund.status = RefundStatus.CANCELED
    refund.save(update_fields=["status"])
    record_change(order, Change.REFUND_NOT_NEEDED, by=PROVIDER, amount_minor=refund.amount_minor)
    if refund.reason in SURPLUS_REASONS or order.is_over:
        give_back_rest(payment, reason=RefundReason(refund.reason), by=SYSTEM)
    return True
