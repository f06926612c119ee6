"""Money in: each step records its intent, then its result.

The provider is called between the two, by `orders.payments`, with no lock held. By the time its answer
is here somebody else may have learnt more, so each result is written only onto the state it follows.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Max

from orders.changes import Change
from orders.errors import HoldChanged, OrderAlreadyPlaced, OrderOver, PaymentAlreadyOpen
from orders.held import is_held_as_ordered
from orders.locks import lock_order, lock_payment
from orders.models import (
    OPEN_PAYMENTS,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    ProviderEvent,
    RefundReason,
)
from orders.operations.changing import record_change
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
from tiqqo.core import clock
from tiqqo.core.audit import BUYER, PROVIDER, SYSTEM
from tiqqo.core.money import Money

# A buyer on the payment page keeps the places at least so long …
TIME_TO_PAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OpenedPayment:
    """`is_new` says that nobody can have asked the provider for its page before."""

    payment: Payment
    is_new: bool


@transaction.atomic
def open_payment(order: Order) -> OpenedPayment:
    """The intent to pay is on record and its hold is not let go without asking the provider.

    An open payment is given back as it is. Raises ReservationOver, OrderAlreadyPlaced, OrderOver,
    PaymentAlreadyOpen, HoldChanged.
    """
    order = lock_order(order.pk)
    if order.is_over:
        raise OrderOver
    if order.status != OrderStatus.INITIATED:
        raise OrderAlreadyPlaced
    payments = Payment.objects.filter(order=order)
    opened: Payment | None = (
        payments.filter(status__in=OPEN_PAYMENTS).select_for_update(of=("self",)).first()
    )
    if opened is not None:
        opened.order = order
        if opened.amount_minor == order.total_minor:
            return OpenedPayment(opened, is_new=False)
        raise PaymentAlreadyOpen
    _refuse_changed_hold(order)
    now = clock.now()
    mark_payment_started(order.reservation, until=now + TIME_TO_PAY)
    payment: Payment = Payment.objects.create(
        order=order,
        attempt=_next_attempt(order),
        amount_minor=order.total_minor,
        currency=order.currency,
        created_at=now,
        checked_at=now,
    )
    record_change(order, Change.PAYMENT_OPENED, by=BUYER, attempt=payment.attempt)
    return OpenedPayment(payment, is_new=True)


def _refuse_changed_hold(order: Order) -> None:
    """Between placing and paying the hold can be changed: then its buyer pays for what is held."""
    if not is_held_as_ordered(order):
        raise HoldChanged


def _next_attempt(order: Order) -> int:
    last = Payment.objects.filter(order=order).aggregate(last=Max("attempt"))["last"]
    return (last or 0) + 1


@transaction.atomic
def store_session(payment: Payment, *, session_id: str, url: str) -> None:
    """The payment's page is known. Nothing else changes where it was paid or given up meanwhile."""
    _order, payment = lock_payment(payment.pk)
    if payment.session_id not in ("", session_id):
        return
    payment.session_id, payment.session_url = session_id, url
    fields = ["session_id", "session_url"]
    if payment.status == PaymentStatus.CREATED:
        payment.status = PaymentStatus.PROCESSING
        fields.append("status")
    payment.save(update_fields=fields)


def note_checked(payment: Payment) -> None:
    """The provider was asked about an open payment just now, and it is still open."""
    Payment.objects.filter(pk=payment.pk, status__in=OPEN_PAYMENTS).update(checked_at=clock.now())


@transaction.atomic
def record_failure(payment: Payment, *, message: str) -> None:
    """The bank said no; the page stays open and the buyer may try another card."""
    order, payment = lock_payment(payment.pk)
    if payment.is_open:
        payment.last_failure = message[:300]
        payment.save(update_fields=["last_failure"])
        record_change(order, Change.PAYMENT_DECLINED, by=PROVIDER, reason=message[:300])


@transaction.atomic
def refuse_payment(payment: Payment, *, reason: str) -> None:
    """The provider will not take this payment at all; its hold may be paid in another way."""
    order, payment = lock_payment(payment.pk)
    if not payment.is_open:
        return
    payment.status, payment.last_failure = PaymentStatus.FAILED, reason[:300]
    payment.save(update_fields=["status", "last_failure"])
    record_change(order, Change.PAYMENT_REFUSED, by=PROVIDER, reason=reason[:300])
    release_payment(order.reservation)


@transaction.atomic
def abandon_payment(payment: Payment, *, failed: bool = False) -> None:
    """No money comes from this attempt. An overdue hold ends with it; a live one may be paid again.

    `failed` says that there never was a page. Twice is harmless.
    """
    order, payment = lock_payment(payment.pk)
    if not payment.is_open:
        return
    payment.status = PaymentStatus.FAILED if failed else PaymentStatus.CANCELED
    payment.save(update_fields=["status"])
    record_change(order, Change.PAYMENT_ABANDONED, by=PROVIDER, attempt=payment.attempt)
    if order.reservation.status != ReservationStatus.PENDING:
        return
    if order.status == OrderStatus.INITIATED and order.reservation.expires_at <= clock.now():
        cancel_unpaid(order, declined=bool(payment.last_failure))
        expire_reservation(order.reservation)
    else:
        release_payment(order.reservation)


@transaction.atomic
def confirm_payment(
    payment: Payment, *, paid: Money, intent_id: str, session_id: str = ""
) -> Order:
    """The money is in, once, and the order is settled with its tickets.

    If the hold is gone, the places are taken again when they are still there; otherwise other tickets
    are offered where there are any; otherwise, and for money that nothing is owed for (paid twice, a
    wrong amount), the payment is refunded in full. Whoever reports first, webhook, return page or
    sweeper: the rest find it done. Other money that is reported for it is a payment of its own.
    """
    order, payment = lock_payment(payment.pk)
    if payment.status == PaymentStatus.SUCCEEDED:
        if intent_id not in ("", payment.intent_id) and payment.intent_id:
            _take_surplus(order, paid, intent_id)
        return order
    payment.status, payment.succeeded_at = PaymentStatus.SUCCEEDED, clock.now()
    payment.intent_id, payment.captured_minor = intent_id, paid.minor
    payment.session_id = payment.session_id or session_id
    # What failed before on this page is told by the history; the payment itself worked.
    payment.last_failure = ""
    problem = _mismatch(order, paid) or _places_had_again(order)
    if problem is None:
        payment.platform_fee_minor = order.platform_fee_minor
    payment.save()
    _book(order, payment, paid)
    if problem is None:
        settle_paid(order, by=PROVIDER)
        return order
    release_payment(order.reservation)
    if problem == RefundReason.TOO_LATE:
        if _were_lost(order) and offer_substitute(order, payment):
            return order
        if not order.is_over:
            cancel_unpaid(order, declined=False)
    record_change(order, Change.PAYMENT_NOT_ACCEPTED, by=PROVIDER, reason=problem)
    request_refund(payment, amount=paid, reason=problem, by=SYSTEM)
    return order


def _take_surplus(order: Order, paid: Money, intent_id: str) -> None:
    """More money for a payment that had succeeded: in the ledger and the history, and it goes back."""
    if Payment.objects.filter(intent_id=intent_id).exists():
        return
    surplus: Payment = Payment.objects.create(
        order=order,
        attempt=_next_attempt(order),
        amount_minor=paid.minor,
        currency=paid.currency,
        status=PaymentStatus.SUCCEEDED,
        succeeded_at=clock.now(),
        intent_id=intent_id,
        captured_minor=paid.minor,
    )
    _book(order, surplus, paid)
    reason = RefundReason.PAID_TWICE
    record_change(order, Change.PAYMENT_NOT_ACCEPTED, by=PROVIDER, reason=reason)
    request_refund(surplus, amount=paid, reason=reason, by=SYSTEM)


def _book(order: Order, payment: Payment, paid: Money) -> None:
    book_payment(
        key=f"payment:{payment.reference}",
        reference=order.code,
        total=paid,
        platform_fee=Money(payment.platform_fee_minor, paid.currency),
        event_id=order.event_id,
    )


def _were_lost(order: Order) -> bool:
    """Whether the places ran out on their buyer, who neither let them go nor was cancelled."""
    status = order.reservation.status
    return status in (ReservationStatus.EXPIRED, ReservationStatus.CANCELED)


def _mismatch(order: Order, paid: Money) -> RefundReason | None:
    """Why this money is not for these tickets, if it is not."""
    if order.is_settled or order.status == OrderStatus.PENDING:
        return RefundReason.PAID_TWICE
    if paid != order.total:
        return RefundReason.WRONG_AMOUNT
    if not (order.is_confirmed or is_held_as_ordered(order)):
        # While its page was being made the hold was changed: the places of these tickets were let go.
        return RefundReason.TOO_LATE
    return None


def _places_had_again(order: Order) -> RefundReason | None:
    """The order has its places, taken again where its hold was over; or why not."""
    if order.reservation.status == ReservationStatus.PENDING or order.is_confirmed:
        return None
    try:
        with transaction.atomic():
            reacquire_reservation(order.reservation)
    except (SoldOut, ReservationOver):
        return RefundReason.TOO_LATE
    record_change(order, Change.PAYMENT_LATE, by=SYSTEM)
    return None


def store_event(notice: Notice) -> ProviderEvent | None:
    """The provider's event is in the inbox; None when it was there already."""
    stored, made = ProviderEvent.objects.get_or_create(
        provider_id=notice.provider_id,
        defaults={"kind": notice.kind, "payload": notice.payload},
    )
    return stored if made else None
