"""The talk with the payment provider: intent on record, call, result on record; no lock meanwhile."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from orders import operations
from orders.errors import PaymentRefused, PaymentUnavailable
from orders.models import Order, OrderLine, Payment, Refund, UnmatchedPayment
from orders.providers import (
    ProviderFailure,
    ProviderMisconfigured,
    ProviderNotAsked,
    ProviderRefusal,
    provider,
)
from orders.providers.base import (
    ChargedLine,
    CheckoutPage,
    CheckoutProgress,
    CheckoutState,
    Notice,
    RefundProgress,
    RefundState,
)
from tiqqo.core import clock
from tiqqo.core.money import Money

logger = logging.getLogger(__name__)

# Stripe keeps a Checkout Session open for 30 minutes at least (API reference, `expires_at`); what is
# on top is for clocks that differ, and the time in which the same request may be sent again. The
# sweeper closes it earlier, when the hold ends.
PAGE_STAYS_OPEN = timedelta(minutes=35)
# Longer than any request to the provider lasts.
ANSWERED_WITHIN = timedelta(seconds=20)
# The provider is asked about an open payment once in so long, however often its page is looked at.
ASKED_AT_MOST_EVERY = timedelta(seconds=2)
# Later than that the idempotency key of a request may be forgotten by the provider.
KEY_IS_KNOWN_FOR = timedelta(hours=12)
# Refused for now: the account has not enough to give back (https://docs.stripe.com/refunds).
_PASSING_REFUSALS = {"balance_insufficient", "insufficient_funds", "lock_timeout"}


def payment_page(order: Order) -> str:
    """The address where this order is paid; the same page for the same attempt.

    Raises PaymentUnavailable when the provider does not answer: nothing was charged, the hold stays,
    and the same may be asked again. Raises PaymentRefused when it will not take this payment.
    """
    opened = operations.open_payment(order)
    try:
        if opened.payment.session_url:
            state = provider().look_up(opened.payment.session_id)
            if state.progress is CheckoutProgress.OPEN:
                return opened.payment.session_url
            settle_by(state, opened.payment)
            opened = operations.open_payment(order)
        return _open_page(opened)
    except ProviderRefusal as refusal:
        logger.error("payment.refused", extra={"order": order.pk, "why": str(refusal)})
        is_ours = isinstance(refusal, ProviderMisconfigured)
        raise PaymentRefused(reason="" if is_ours else str(refusal)) from refusal
    except ProviderFailure as failure:
        logger.warning("payment.page_unavailable", extra={"order": order.pk, "why": str(failure)})
        raise PaymentUnavailable from failure


def _open_page(opened: operations.OpenedPayment) -> str:
    """The page of an attempt that has none yet, as far as we know."""
    payment = opened.payment
    if clock.now() - payment.created_at > ANSWERED_WITHIN:
        return _open_page_again(payment)
    page: CheckoutPage | None
    try:
        page = _ask_for_page(payment)
    except ProviderNotAsked:
        if opened.is_new:
            operations.abandon_payment(payment, failed=True)
        raise
    except ProviderRefusal as refusal:
        # Where an earlier request got through and its answer was lost, there is a page all the same.
        page = None if opened.is_new else _find_page(payment)
        if page is None:
            operations.refuse_payment(payment, reason=str(refusal))
            raise
    operations.store_session(payment, session_id=page.session_id, url=page.url)
    return page.url


def _open_page_again(payment: Payment) -> str:
    """The page of an attempt whose answer was lost a while ago, or of the next attempt.

    The same request again would be refused, its time being over, or answered with the same error.
    """
    page = _find_page(payment)
    if page is None:
        operations.abandon_payment(payment, failed=True)
        return _open_page(operations.open_payment(payment.order))
    operations.store_session(payment, session_id=page.session_id, url=page.url)
    return page.url


def _find_page(payment: Payment) -> CheckoutPage | None:
    return provider().find_checkout(str(payment.reference), opened_at=payment.created_at)


def _ask_for_page(payment: Payment) -> CheckoutPage:
    order = payment.order
    address = {
        "organiser_slug": order.event.organiser.slug,
        "event_slug": order.event.slug,
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
        reference=str(payment.reference),
        metadata={
            # By these two we know our own; the rest is for people who look at it there.
            "installation": base,
            "reference": str(payment.reference),
            "organiser": order.event.organiser.slug,
            "order": order.code,
        },
    )


def charged_lines(order: Order, lines: list[OrderLine]) -> list[ChargedLine]:
    """What the payment page lists, in the buyer's language. Its sum is the order's total to the cent.

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
        with translation.override(order.locale):
            name = _("Service fee")
        charged.append(ChargedLine(name, 1, Money(order.fee_minor, order.currency)))
    return charged


def settle_by(state: CheckoutState, payment: Payment) -> None:
    """The payment is as the provider says: paid, over, or still open."""
    if state.progress is CheckoutProgress.PAID:
        operations.confirm_payment(
            payment, paid=state.paid, intent_id=state.intent_id, session_id=state.session_id
        )
    elif state.progress is CheckoutProgress.EXPIRED:
        operations.abandon_payment(payment)
    else:
        operations.note_checked(payment)


def check_payment(payment: Payment) -> None:
    """Ask the provider how the payment stands, and record it. Raises ProviderFailure."""
    if payment.session_id:
        settle_by(provider().look_up(payment.session_id), payment)


def check_payment_seldom(payment: Payment) -> None:
    """As `check_payment`, unless it was asked a moment ago: for a page that reloads itself."""
    was_asked = payment.checked_at > payment.created_at
    if not was_asked or clock.now() - payment.checked_at >= ASKED_AT_MOST_EVERY:
        operations.note_checked(payment)
        check_payment(payment)


def close_payment(payment: Payment) -> None:
    """The hold is overdue: the page takes no more money, and what it took counts.

    Raises ProviderFailure; then the hold stays, because money may still come.
    """
    if not payment.session_id:
        # The call may have died between intent and result.
        page = _find_page(payment)
        if page is None:
            operations.abandon_payment(payment, failed=True)
            return
        operations.store_session(payment, session_id=page.session_id, url=page.url)
        payment.session_id = page.session_id
    settle_by(provider().close_checkout(payment.session_id), payment)


def send_refund(refund: Refund) -> None:
    """The provider has the refund, once, whatever happens between, and we know how it stands.

    Raises ProviderFailure when it may be asked again, ProviderRefusal when it will never do it.
    """
    payment = refund.payment
    if refund.provider_id:
        operations.follow_refund(payment, provider().look_up_refund(refund.provider_id))
        return
    state = _sent_before(refund)
    if state is None:
        try:
            state = provider().refund(
                payment.intent_id,
                amount=refund.amount,
                reference=str(refund.reference),
                # Another one after a failure: an error that it made is given again with its key.
                key=f"refund-{refund.reference}-{refund.attempts}",
            )
        except ProviderRefusal as refusal:
            for made in provider().refunds_of(payment.intent_id):
                operations.follow_refund(payment, made)
            if operations.drop_needless_refund(refund):
                return
            if refusal.code in _PASSING_REFUSALS or isinstance(refusal, ProviderMisconfigured):
                raise ProviderFailure(str(refusal)) from refusal
            raise
    operations.follow_refund(payment, state)


def missed_notices(since: datetime) -> Iterator[Notice]:
    """What the provider reported since then, oldest first. Raises ProviderFailure."""
    return provider().notices_since(since)


def send_unmatched_refund(unmatched: UnmatchedPayment) -> None:
    """The money that no payment of ours knows is on its way back, or went before.

    Raises ProviderFailure.
    """
    intent_id, reference = unmatched.intent_id, str(unmatched.refund_reference)
    made = [
        each
        for each in provider().refunds_of(intent_id)
        if each.progress in (RefundProgress.PENDING, RefundProgress.SUCCEEDED)
    ]
    if not made:
        state = provider().refund(
            intent_id, amount=unmatched.amount, reference=reference, key=f"refund-{reference}"
        )
        made = [state]
    operations.note_unmatched_refund(intent_id=intent_id, refund_id=made[0].refund_id)


def _sent_before(refund: Refund) -> RefundState | None:
    """The refund at the provider, where an earlier request got through and its answer was lost.

    The same request with the same key would find it, too, but only while the key is known.
    """
    if not refund.attempts and clock.now() - refund.requested_at < KEY_IS_KNOWN_FOR:
        return None
    made = provider().refunds_of(refund.payment.intent_id)
    return next((each for each in made if each.reference == str(refund.reference)), None)
