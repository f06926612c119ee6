"""Money in and money back: each step records its intent, then its result.

The provider is called between the two, by `orders.payments`, with no lock held.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Max

from orders import tasks
from orders.errors import OrderAlreadyPlaced, OrderOver, PaymentAlreadyOpen, RefundExceedsPayment
from orders.locks import lock_order, lock_payment
from orders.models import (
    REFUND_TRIES,
    DeliveryKind,
    Order,
    OrderStatus,
    Payment,
    PaymentMethod,
    PaymentStatus,
    ProviderEvent,
    Refund,
    RefundReason,
    RefundStatus,
)
from orders.operations.delivering import HEAD_START, request_delivery
from orders.operations.issuing import announce_settled, issue_tickets
from orders.providers.base import Notice
from payouts.operations import book_payment, book_refund
from ticketing.errors import ReservationOver, SoldOut
from ticketing.models import ReservationStatus
from ticketing.operations import (
    confirm_reservation,
    expire_reservation,
    mark_payment_started,
    reacquire_reservation,
    release_payment,
)
from tiqqo.core import audit, clock
from tiqqo.core.audit import PROVIDER, SYSTEM, Actor
from tiqqo.core.money import Money
from tiqqo.core.tasks import after_commit

# A buyer on the payment page keeps the places at least so long …
TIME_TO_PAY = timedelta(minutes=10)


@transaction.atomic
def open_payment(order: Order) -> Payment:
    """The intent to pay is on record and its hold is not let go without asking the provider.

    An open payment whose page is known is given back as it is. Raises ReservationOver,
    OrderAlreadyPlaced, OrderOver, PaymentAlreadyOpen.
    """
    order = lock_order(order.pk)
    if order.is_over:
        raise OrderOver
    if order.status != OrderStatus.INITIATED:
        raise OrderAlreadyPlaced
    payments = Payment.objects.filter(order=order)
    opened: Payment | None = (
        payments.filter(status__in=[PaymentStatus.CREATED, PaymentStatus.PROCESSING])
        .select_for_update(of=("self",))
        .first()
    )
    if opened is not None:
        opened.order = order
        if opened.amount_minor == order.total_minor:
            return opened
        raise PaymentAlreadyOpen
    mark_payment_started(order.reservation, until=clock.now() + TIME_TO_PAY)
    last = payments.aggregate(last=Max("attempt"))["last"] or 0
    payment: Payment = Payment.objects.create(
        order=order,
        attempt=last + 1,
        amount_minor=order.total_minor,
        currency=order.currency,
    )
    audit.record(order, "payment.opened", by=audit.BUYER, attempt=payment.attempt)
    return payment


def store_session(payment: Payment, *, session_id: str, url: str) -> None:
    """The payment's page is known."""
    payment.session_id, payment.session_url = session_id, url
    payment.status, payment.checked_at = PaymentStatus.PROCESSING, clock.now()
    payment.save(update_fields=["session_id", "session_url", "status", "checked_at"])


@transaction.atomic
def record_failure(payment: Payment, *, message: str) -> None:
    """The bank said no; the page stays open and the buyer may try another card."""
    _order, payment = lock_payment(payment.pk)
    if payment.is_open:
        payment.last_failure = message[:300]
        payment.save(update_fields=["last_failure"])
        audit.record(payment.order, "payment.declined", by=PROVIDER, reason=message[:300])


@transaction.atomic
def abandon_payment(payment: Payment, *, failed: bool = False) -> None:
    """No money comes from this attempt. An overdue hold ends with it; a live one may be paid again.

    `failed` says that the provider could not even open the page. Twice is harmless.
    """
    order, payment = lock_payment(payment.pk)
    if not payment.is_open:
        return
    payment.status = PaymentStatus.FAILED if failed else PaymentStatus.CANCELED
    payment.save(update_fields=["status"])
    audit.record(order, "payment.abandoned", by=PROVIDER, attempt=payment.attempt)
    if order.reservation.status != ReservationStatus.PENDING:
        return
    if order.reservation.expires_at <= clock.now():
        _cancel_unpaid(order, declined=bool(payment.last_failure))
        expire_reservation(order.reservation)
    else:
        release_payment(order.reservation)


@transaction.atomic
def cancel_lost_order(order: Order) -> None:
    """An order that waits for money, whose hold is over, is canceled. Twice is harmless."""
    order = lock_order(order.pk)
    over = order.reservation.status not in (ReservationStatus.PENDING, ReservationStatus.CONFIRMED)
    if order.status == OrderStatus.INITIATED and over:
        _cancel_unpaid(order, declined=False)


def _cancel_unpaid(order: Order, *, declined: bool) -> None:
    order.status = OrderStatus.DECLINED if declined else OrderStatus.CANCELED
    order.canceled_at = clock.now()
    order.save(update_fields=["status", "canceled_at"])
    audit.record(order, "order.expired", by=SYSTEM)


@transaction.atomic
def confirm_payment(payment: Payment, *, paid: Money, intent_id: str) -> Order:
    """The money is in, once, and the order is settled with its tickets.

    If the hold is gone, the places are taken again when they are still there; otherwise, and for
    money that nothing is owed for (paid twice, a wrong amount), the payment is refunded in full.
    Whoever reports first, webhook, return page or sweeper: the rest find it done.
    """
    order, payment = lock_payment(payment.pk)
    if payment.status == PaymentStatus.SUCCEEDED:
        return order
    payment.status, payment.succeeded_at = PaymentStatus.SUCCEEDED, clock.now()
    payment.intent_id, payment.captured_minor = intent_id, paid.minor
    problem = _problem_with(order, payment, paid)
    if problem is None:
        payment.platform_fee_minor = order.platform_fee_minor
    payment.save()
    book_payment(
        key=f"payment:{payment.pk}",
        reference=order.code,
        total=paid,
        platform_fee=Money(payment.platform_fee_minor, paid.currency),
        event_id=order.event_id,
    )
    if problem is not None:
        audit.record(order, "payment.not_accepted", by=PROVIDER, reason=problem)
        request_refund(payment, amount=paid, reason=problem, by=SYSTEM)
        release_payment(order.reservation)
        return order
    _settle_paid(order)
    return order


def _problem_with(order: Order, payment: Payment, paid: Money) -> RefundReason | None:
    """Why this money cannot buy the order's tickets; re-acquires lost places on the way."""
    if order.is_settled:
        return RefundReason.PAID_TWICE
    if paid != order.total:
        return RefundReason.WRONG_AMOUNT
    if order.reservation.status == ReservationStatus.PENDING or order.is_confirmed:
        return None
    try:
        with transaction.atomic():
            reacquire_reservation(order.reservation)
    except (SoldOut, ReservationOver):
        if not order.is_over:
            _cancel_unpaid(order, declined=False)
        return RefundReason.TOO_LATE
    audit.record(order, "payment.late_but_honoured", by=SYSTEM)
    return None


def _settle_paid(order: Order) -> None:
    was_held = order.reservation.status == ReservationStatus.PENDING
    now = clock.now()
    order.status, order.settled_at, order.canceled_at = OrderStatus.PAID, now, None
    order.confirmed_at = order.confirmed_at or now
    # An invoice order whose buyer paid on the page that was still open is a card order.
    order.payment_method = PaymentMethod.CARD
    order.save(
        update_fields=["status", "settled_at", "canceled_at", "confirmed_at", "payment_method"]
    )
    audit.record(order, "order.settled", by=PROVIDER, method=order.payment_method)
    issue_tickets(order, list(order.lines.order_by("id")), by=SYSTEM)
    announce_settled(order)
    if was_held:
        confirm_reservation(order.reservation)


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
        platform_fee=Money(
            payment.platform_fee_minor * refund.amount_minor // payment.captured_minor,
            payment.currency,
        ),
        event_id=order.event_id,
    )
    audit.record(order, "refund.succeeded", by=PROVIDER, amount_minor=refund.amount_minor)


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


def store_event(notice: Notice) -> ProviderEvent | None:
    """The provider's event is in the inbox; None when it was there already."""
    stored, made = ProviderEvent.objects.get_or_create(
        provider_id=notice.provider_id,
        defaults={"kind": notice.kind, "payload": notice.payload},
    )
    return stored if made else None
