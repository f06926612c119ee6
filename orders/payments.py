"""The talk with the payment provider: intent on record, call, result on record; no lock meanwhile."""

import logging
from datetime import timedelta

from django.conf import settings
from django.urls import reverse

from orders import operations
from orders.errors import PaymentUnavailable
from orders.models import Order, OrderLine, Payment, Refund
from orders.providers import ProviderFailure, ProviderRefusal, provider
from orders.providers.base import ChargedLine, CheckoutPage, CheckoutProgress, CheckoutState
from tiqqo.core import clock
from tiqqo.core.money import Money

logger = logging.getLogger(__name__)

# Stripe keeps a Checkout Session open for 30 minutes at least (API reference, `expires_at`). The
# sweeper closes it earlier, when the hold ends.
PAGE_STAYS_OPEN = timedelta(minutes=31)


def payment_page(order: Order) -> str:
    """The address where this order is paid; the same page for the same attempt.

    Raises PaymentUnavailable when the provider does not answer: nothing was charged, the hold stays.
    """
    payment = operations.open_payment(order)
    try:
        if payment.session_url:
            state = provider().look_up(payment.session_id)
            if state.progress is CheckoutProgress.OPEN:
                return payment.session_url
            settle_by(state, payment)
            payment = operations.open_payment(order)
        page = _open_page(payment)
    except ProviderFailure as failure:
        logger.warning("payment.page_unavailable", extra={"order": order.pk, "why": str(failure)})
        if not payment.session_url:
            operations.abandon_payment(payment, failed=True)
        raise PaymentUnavailable from failure
    operations.store_session(payment, session_id=page.session_id, url=page.url)
    return page.url


def _open_page(payment: Payment) -> CheckoutPage:
    order = payment.order
    address = {
        "organiser": order.event.organiser.slug,
        "event": order.event.slug,
        "secret": order.reservation.secret,
    }
    base = settings.BASE_URL
    return provider().open_checkout(
        key=payment.idempotency_key,
        lines=charged_lines(order, list(order.lines.order_by("id"))),
        email=order.email,
        locale=order.locale,
        success_url=base + reverse("shop:return", kwargs=address),
        cancel_url=base + reverse("shop:checkout", kwargs=address) + "?payment=canceled",
        closes_at=payment.created_at + PAGE_STAYS_OPEN,
        reference=order.code,
        metadata={
            "organiser": str(order.organiser_id),
            "payment": str(payment.pk),
            "order": order.code,
        },
    )


def charged_lines(order: Order, lines: list[OrderLine]) -> list[ChargedLine]:
    """What the payment page lists. Its sum is the order's total to the cent.

    A line whose amount does not divide by its quantity is listed as one item.
    """
    charged = []
    for line in lines:
        gross = line.net_minor + line.tax_minor
        if gross == 0:
            continue
        unit, rest = divmod(gross, line.quantity)
        if rest:
            charged.append(
                ChargedLine(f"{line.quantity} × {line.name}", 1, Money(gross, order.currency))
            )
        else:
            charged.append(ChargedLine(line.name, line.quantity, Money(unit, order.currency)))
    if order.fee_minor:
        charged.append(ChargedLine("Service fee", 1, Money(order.fee_minor, order.currency)))
    return charged


def settle_by(state: CheckoutState, payment: Payment) -> None:
    """The payment is as the provider says: paid, over, or still open."""
    if state.progress is CheckoutProgress.PAID:
        operations.confirm_payment(payment, paid=state.paid, intent_id=state.intent_id)
    elif state.progress is CheckoutProgress.EXPIRED:
        operations.abandon_payment(payment)
    else:
        Payment.objects.filter(pk=payment.pk).update(checked_at=clock.now())


def check_payment(payment: Payment) -> None:
    """Ask the provider how the payment stands, and record it. Raises ProviderFailure."""
    if payment.session_id:
        settle_by(provider().look_up(payment.session_id), payment)


def close_payment(payment: Payment) -> None:
    """The hold is overdue: the page takes no more money, and what it took counts.

    Raises ProviderFailure; then the hold stays, because money may still come.
    """
    if not payment.session_id:
        # The call may have died between intent and result: the same key finds its page again.
        try:
            page = _open_page(payment)
        except ProviderRefusal:
            # There never was a page, and it is too late to open one.
            operations.abandon_payment(payment, failed=True)
            return
        operations.store_session(payment, session_id=page.session_id, url=page.url)
    settle_by(provider().close_checkout(payment.session_id), payment)


def send_refund(refund: Refund) -> None:
    """The provider has the refund, once, whatever happens between. Raises ProviderFailure."""
    state = provider().refund(
        refund.payment.intent_id,
        amount=refund.amount,
        key=f"refund-{refund.pk}-{refund.payment.session_id[-12:]}",
    )
    if state.succeeded:
        operations.refund_succeeded(refund, provider_id=state.refund_id)
    elif state.failure:
        operations.note_refund_failure(refund, message=state.failure)
