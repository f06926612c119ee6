"""What the payment provider's events mean here.

Events arrive in any order, more than once, and after we have been restored from a backup. Each is
matched by the provider's own object that it speaks of (its session, its payment intent) and calls an
operation that is harmless when repeated. What carries our mark and matches nothing is kept, shown to
operators and given back; it is never applied to whatever happens to have its number now.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from orders import operations
from orders.models import EventOutcome, Payment, ProviderEvent
from orders.providers.stripe_objects import dispute_state, id_of, refund_state
from tiqqo.core import clock
from tiqqo.core.card_amounts import from_provider
from tiqqo.core.tenancy import platform_scope, tenant_scope

logger = logging.getLogger(__name__)

# An event about a payment that we have not heard of may be ahead of the one that tells us of it.
AHEAD_AT_MOST = timedelta(minutes=15)

Subject = dict[str, Any]


class NotYet(Exception):
    """The event matches nothing so far: it is looked at again."""


def handle(stored: ProviderEvent) -> None:
    """The event took effect, once; a kind that means nothing to us is done, too.

    Raises NotYet for one that may still come to match something.
    """
    if stored.handled_at is not None:
        return
    handler = _HANDLERS.get(stored.kind)
    outcome = handler(stored.payload["data"]["object"]) if handler else EventOutcome.IGNORED
    if outcome == EventOutcome.UNMATCHED:
        is_fresh = clock.now() - stored.received_at < AHEAD_AT_MOST
        # A payment is on record before its page is opened, so only what follows one can be ahead of it.
        if is_fresh and handler in (_refund, _dispute):
            raise NotYet(stored.provider_id)
        logger.error("provider_event.unmatched", extra={"event": stored.provider_id})
    ProviderEvent.objects.filter(pk=stored.pk, handled_at=None).update(
        handled_at=clock.now(), last_error="", outcome=outcome
    )


# Sessions and intents ---------------------------------------------------------------------


def _session(act: Callable[[Payment, Subject], None]) -> Callable[[Subject], EventOutcome]:
    def handler(session: Subject) -> EventOutcome:
        payment = _payment_of_session(session)
        if payment is not None:
            with tenant_scope(payment.organiser_id):
                act(payment, session)
            return EventOutcome.APPLIED
        if not _is_ours(session):
            return EventOutcome.IGNORED
        if session.get("payment_status") == "paid":
            _keep(session)
        return EventOutcome.UNMATCHED

    return handler


def _payment_of_session(session: Subject) -> Payment | None:
    """By its session; by its reference only while we do not know the session that it has."""
    is_it = Q(session_id=session.get("id", ""))
    reference = _reference(session)
    if reference is not None:
        is_it |= Q(session_id="", reference=reference)
    return _payment(is_it) if session.get("id") else None


def _payment(is_it: Q) -> Payment | None:
    with platform_scope("match an event of the payment provider"):
        payment: Payment | None = Payment.objects.select_related("order").filter(is_it).first()
    return payment


def _reference(subject: Subject) -> UUID | None:
    given = (subject.get("metadata") or {}).get("reference", "")
    try:
        return UUID(given)
    except (ValueError, AttributeError, TypeError):
        return None


def _is_ours(subject: Subject) -> bool:
    """Whether we made it: others may use the same account at the provider."""
    return (subject.get("metadata") or {}).get("installation") == settings.BASE_URL


def _keep(session: Subject) -> None:
    metadata = session.get("metadata") or {}
    operations.keep_unmatched(
        intent_id=id_of(session.get("payment_intent")),
        paid=from_provider(session["amount_total"], session["currency"]),
        order_code=str(metadata.get("order", "")),
        reference=str(metadata.get("reference", "")),
    )


def _completed(payment: Payment, session: Subject) -> None:
    if session.get("payment_status") == "unpaid":
        return
    operations.confirm_payment(
        payment,
        paid=from_provider(session["amount_total"], session["currency"]),
        intent_id=id_of(session.get("payment_intent")),
        session_id=session["id"],
    )


def _over(payment: Payment, session: Subject) -> None:
    operations.abandon_payment(payment)


def _declined(intent: Subject) -> EventOutcome:
    reference = _reference(intent)
    is_it = Q(intent_id=intent.get("id") or "-")
    if reference is not None:
        is_it |= Q(intent_id="", reference=reference)
    payment = _payment(is_it)
    if payment is None:
        # No money moved, so there is nothing to keep.
        return EventOutcome.IGNORED
    error = intent.get("last_payment_error") or {}
    with tenant_scope(payment.organiser_id):
        operations.record_failure(payment, message=error.get("message") or "")
    return EventOutcome.APPLIED


# Refunds and disputes ---------------------------------------------------------------------


def _refund(subject: Subject) -> EventOutcome:
    state = refund_state(subject)
    payment = _payment(Q(intent_id=state.intent_id)) if state.intent_id else None
    if payment is None:
        return _unmatched_refund(state.intent_id, state.refund_id)
    with tenant_scope(payment.organiser_id):
        operations.follow_refund(payment, state)
    return EventOutcome.APPLIED


def _unmatched_refund(intent_id: str, refund_id: str) -> EventOutcome:
    is_known = operations.note_unmatched_refund(intent_id=intent_id, refund_id=refund_id)
    return EventOutcome.APPLIED if is_known else EventOutcome.UNMATCHED


def _dispute(subject: Subject) -> EventOutcome:
    state = dispute_state(subject)
    payment = _payment(Q(intent_id=state.intent_id)) if state.intent_id else None
    if payment is None:
        return EventOutcome.UNMATCHED
    with tenant_scope(payment.organiser_id):
        operations.follow_dispute(payment, state)
    return EventOutcome.APPLIED


_HANDLERS: dict[str, Callable[[Subject], EventOutcome]] = {
    "checkout.session.completed": _session(_completed),
    "checkout.session.async_payment_succeeded": _session(_completed),
    "checkout.session.async_payment_failed": _session(_over),
    "checkout.session.expired": _session(_over),
    "payment_intent.payment_failed": _declined,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
}
