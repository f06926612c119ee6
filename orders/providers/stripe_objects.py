"""Stripe's objects, from its API or from an event, as we speak of them.

Apart from the client, which takes memory that most processes never need.
"""

from datetime import UTC, datetime
from typing import Any

from orders.providers.base import (
    CheckoutProgress,
    CheckoutRecord,
    CheckoutState,
    DisputeProgress,
    DisputeState,
    RefundProgress,
    RefundState,
)
from tiqqo.core.card_amounts import from_provider

StripeDict = dict[str, Any]

# What Stripe must send to the webhook, and what is fetched when it was missed.
FOLLOWED = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)


def checkout_state(session: StripeDict) -> CheckoutState:
    """A Checkout Session of the API."""
    progress = {"complete": CheckoutProgress.PAID, "expired": CheckoutProgress.EXPIRED}.get(
        session["status"], CheckoutProgress.OPEN
    )
    if progress is CheckoutProgress.PAID and session["payment_status"] == "unpaid":
        # A method that settles later: the page is done, the money is not there yet.
        progress = CheckoutProgress.OPEN
    return CheckoutState(
        session_id=session["id"],
        progress=progress,
        paid=from_provider(session["amount_total"] or 0, session["currency"]),
        intent_id=id_of(session["payment_intent"]),
    )


def checkout_record(session: StripeDict) -> CheckoutRecord:
    """A Checkout Session of a list, with what we wrote on it."""
    metadata = session.get("metadata") or {}
    return CheckoutRecord(
        state=checkout_state(session),
        installation=metadata.get("installation", ""),
        reference=metadata.get("reference", ""),
        order_code=metadata.get("order", ""),
    )


_REFUND_PROGRESS = {
    "succeeded": RefundProgress.SUCCEEDED,
    "failed": RefundProgress.FAILED,
    "canceled": RefundProgress.CANCELED,
}


def refund_state(refund: StripeDict) -> RefundState:
    """A refund of the API or of an event; `pending` and `requires_action` are under way."""
    return RefundState(
        refund_id=refund["id"],
        intent_id=id_of(refund["payment_intent"]),
        amount=from_provider(refund["amount"], refund["currency"]),
        progress=_REFUND_PROGRESS.get(refund["status"], RefundProgress.PENDING),
        reference=(refund.get("metadata") or {}).get("reference", ""),
        failure=refund.get("failure_reason") or "",
    )


_DISPUTE_PROGRESS = {
    "won": DisputeProgress.WON,
    "warning_closed": DisputeProgress.WON,
    "prevented": DisputeProgress.WON,
    "lost": DisputeProgress.LOST,
}


def dispute_state(dispute: StripeDict) -> DisputeState:
    """A dispute of the API or of an event. An inquiry (`warning_…`) has not taken the money."""
    due = (dispute.get("evidence_details") or {}).get("due_by")
    return DisputeState(
        dispute_id=dispute["id"],
        intent_id=id_of(dispute.get("payment_intent")),
        amount=from_provider(dispute["amount"], dispute["currency"]),
        progress=_DISPUTE_PROGRESS.get(dispute["status"], DisputeProgress.OPEN),
        reason=dispute.get("reason") or "",
        due_at=datetime.fromtimestamp(due, UTC) if due else None,
        withdrawn=not dispute["status"].startswith("warning_"),
    )


def id_of(found: Any) -> str:
    """The id of an object that may be expanded, or missing."""
    if not found:
        return ""
    return found if isinstance(found, str) else str(found["id"])
