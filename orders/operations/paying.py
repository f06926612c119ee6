"""Money in: each step records its intent, then its result.

The provider is called between the two, by `orders.payments`, with no lock held.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Max

from orders.errors import OrderAlreadyPlaced, OrderOver, PaymentAlreadyOpen
from orders.locks import lock_order, lock_payment
from orders.models import (
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    ProviderEvent,
    RefundReason,
)
from orders.operations.refunding import request_refund
from orders.operations.settling import cancel_unpaid, settle_paid
from orders.operations.substituting import offer_substitute
from orders.providers.base import Notice
from payouts.operations import book_payment
from ticketing.errors import ReservationOver, SoldOut
from ticketing.models import ReservationStatus
from ticketing.operations import (
    expire_reservation,
    mark_payment_started,
    reacquire_reservation,
    release_payment,
)
from tiqqo.core import audit, clock
from tiqqo.core.audit import PROVIDER, SYSTEM
from tiqqo.core.money import Money

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
        cancel_unpaid(order, declined=bool(payment.last_failure))
        expire_reservation(order.reservation)
    else:
        release_payment(order.reservation)


@transaction.atomic
def confirm_payment(payment: Payment, *, paid: Money, intent_id: str) -> Order:
    """The money is in, once, and the order is settled with its tickets.

    If the hold is gone, the places are taken again when they are still there; otherwise other tickets
    are offered where there are any; otherwise, and for money that nothing is owed for (paid twice, a
    wrong amount), the payment is refunded in full. Whoever reports first, webhook, return page or sweeper: the rest find it done.
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
    if problem is None:
        settle_paid(order, by=PROVIDER)
        return order
    release_payment(order.reservation)
    if problem == RefundReason.TOO_LATE:
        if _were_lost(order) and offer_substitute(order, payment):
            return order
        if not order.is_over:
            cancel_unpaid(order, declined=False)
    audit.record(order, "payment.not_accepted", by=PROVIDER, reason=problem)
    request_refund(payment, amount=paid, reason=problem, by=SYSTEM)
    return order


def _were_lost(order: Order) -> bool:
    """Whether the places ran out on their buyer, who neither let them go nor was cancelled."""
    status = order.reservation.status
    return status in (ReservationStatus.EXPIRED, ReservationStatus.CANCELED)


def _problem_with(order: Order, payment: Payment, paid: Money) -> RefundReason | None:
    """Why this money cannot buy the order's tickets; re-acquires lost places on the way."""
    if order.is_settled or order.status == OrderStatus.PENDING:
        return RefundReason.PAID_TWICE
    if paid != order.total:
        return RefundReason.WRONG_AMOUNT
    if order.reservation.status == ReservationStatus.PENDING or order.is_confirmed:
        return None
    try:
        with transaction.atomic():
            reacquire_reservation(order.reservation)
    except (SoldOut, ReservationOver):
        return RefundReason.TOO_LATE
    audit.record(order, "payment.late_but_honoured", by=SYSTEM)
    return None


def store_event(notice: Notice) -> ProviderEvent | None:
    """The provider's event is in the inbox; None when it was there already."""
    stored, made = ProviderEvent.objects.get_or_create(
        provider_id=notice.provider_id,
        defaults={"kind": notice.kind, "payload": notice.payload},
    )
    return stored if made else None
