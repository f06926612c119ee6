"""The provider's books: what a check compares with those of the product."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from . import bridge
from .sessions import KIND


def books() -> dict[str, Any]:
    """Every payment, oldest first, with its session, refunds and disputes."""
    sessions = {
        session.payment_intent: session
        for session in bridge.all_of(KIND)
        if session.payment_intent is not None
    }
    refunds, disputes = _by_intent("refund"), _by_intent("dispute")
    return {
        "now": bridge.now(),
        "payments": [
            {
                "id": intent.id,
                "created": intent.created,
                "amount": intent.amount,
                "currency": intent.currency,
                "status": intent.status,
                "amount_received": intent.amount if intent.status == "succeeded" else 0,
                "amount_refunded": intent.latest_charge.amount_refunded
                if intent.latest_charge
                else 0,
                "metadata": dict(intent.metadata),
                "session": _session(sessions.get(intent.id)),
                "refunds": [_refund(refund) for refund in refunds[intent.id]],
                "disputes": [_dispute(dispute) for dispute in disputes[intent.id]],
            }
            for intent in bridge.all_of("payment_intent")
        ],
    }


def _by_intent(kind: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for obj in bridge.all_of(kind):
        found[obj.payment_intent].append(obj)
    return found


def _session(session: Any) -> dict[str, Any] | None:
    if session is None:
        return None
    return {
        "id": session.id,
        "status": session.status,
        "payment_status": session.payment_status,
        "client_reference_id": session.fields["client_reference_id"],
        "metadata": dict(session.metadata),
    }


def _refund(refund: Any) -> dict[str, Any]:
    return {
        "id": refund.id,
        "created": refund.created,
        "amount": refund.amount,
        "status": refund.status,
        "failure_reason": getattr(refund, "failure_reason", None),
        "reason": getattr(refund, "reason", None),
        "metadata": dict(refund.metadata),
    }


def _dispute(dispute: Any) -> dict[str, Any]:
    return {
        "id": dispute.id,
        "created": dispute.created,
        "amount": dispute.amount,
        "status": dispute.status,
        "reason": dispute.reason,
    }
