"""Disputes: https://docs.stripe.com/disputes/how-disputes-work and https://docs.stripe.com/api/disputes.

A chargeback takes the amount and a fee from the balance when it is opened; won, the amount comes back. An inquiry
takes nothing unless it is escalated to a chargeback.
"""

from __future__ import annotations

from typing import Any, Literal

from . import bridge, lists, money
from .balance import Movement
from .errors import invalid, missing, parameter_unknown, refused
from .events import announce
from .requests import changed_metadata

Outcome = Literal["won", "lost"]

REASONS = (
    "bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized",
    "duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "noncompliant",
    "product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized",
)  # fmt: skip

_DAYS_TO_ANSWER = 9
# Visa's codes: https://docs.stripe.com/disputes/categories#network-code-map
_NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1"}


class Dispute(bridge.StripeObject):  # type: ignore[misc]
    """A cardholder questions a charge with the bank."""

    object = "dispute"
    _id_prefix = "du_"

    def __init__(self, charge: Any, *, amount: int, reason: str, is_inquiry: bool) -> None:
        super().__init__()
        self.amount = amount
        self.charge = charge.id
        self.currency = charge.currency
        self.evidence: dict[str, Any] = {}
        self.metadata: dict[str, str] = {}
        self.payment_intent = charge.payment_intent
        self.reason = reason
        self.status = "warning_needs_response" if is_inquiry else "needs_response"
        self._withdrawal: str | None = None
        self._reinstatement: str | None = None
        self._submission_count = 0

    @property
    def _is_inquiry(self) -> bool:
        return self.status.startswith("warning_")

    @property
    def _is_open(self) -> bool:
        return self.status not in ("won", "lost", "warning_closed")

    @property
    def is_charge_refundable(self) -> bool:
        """An inquiry is best answered by a refund; a charge that was charged back cannot be refunded on top."""
        return self._is_inquiry or self.status == "won"

    def _withdraw(self) -> None:
        self._withdrawal = Movement(
            amount=-self.amount,
            currency=self.currency,
            description=f"Chargeback withdrawal for {self.charge}",
            fee=money.dispute_fee(self.currency),
            fee_description="Dispute fee",
            source=self.id,
            type="adjustment",
            reporting_category="dispute",
        ).id
        announce("charge.dispute.funds_withdrawn", self)

    def _reinstate(self) -> None:
        self._reinstatement = Movement(
            amount=self.amount,
            currency=self.currency,
            description=f"Chargeback reversal for {self.charge}",
            source=self.id,
            type="adjustment",
            reporting_category="dispute_reversal",
        ).id
        announce("charge.dispute.funds_reinstated", self)

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported: dict[str, Any] = super()._export()
        code = _NETWORK_CODES.get(self.reason)
        exported |= {
            "balance_transactions": [
                bridge.export(bridge.find("balance_transaction", movement))
                for movement in (self._withdrawal, self._reinstatement)
                if movement is not None
            ],
            "enhanced_eligibility_types": [],
            "evidence_details": {
                "due_by": self.created + _DAYS_TO_ANSWER * 24 * 3600,
                "enhanced_eligibility": {},
                "has_evidence": bool(self.evidence),
                "past_due": False,
                "submission_count": self._submission_count,
                "submission_method": "manual" if self._submission_count else "not_submitted",
            },
            "intended_submission_method": None,
            "network_reason_code": code,
            "payment_method_details": {
                "type": "card",
                "card": {
                    "brand": "visa",
                    "case_type": "inquiry" if self._is_inquiry else "chargeback",
                    "network": "visa",
                    "network_reason_code": code,
                },
            },
        }
        return bridge.expanded(exported, expand)


def open_dispute(
    charge: Any, *, reason: str = "fraudulent", amount: int | None = None, is_inquiry: bool = False
) -> Dispute:
    """The charge is disputed, and unless this is an inquiry its money is gone for now."""
    if reason not in REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")
    left = charge.amount - charge.amount_refunded
    if charge.status != "succeeded" or left == 0:
        raise refused("Only a charge that was paid and not fully refunded can be disputed.")
    if charge.disputed:
        raise refused(f"Charge {charge.id} is disputed already.")
    amount = left if amount is None else amount
    if not 0 < amount <= charge.amount:
        raise invalid("amount is more than nothing and no more than the charge.", param="amount")
    dispute = Dispute(charge, amount=amount, reason=reason, is_inquiry=is_inquiry)
    charge.disputed = True
    charge._dispute_ids.append(dispute.id)
    announce("charge.dispute.created", dispute)
    if not is_inquiry:
        _charge_back(dispute, charge)
    return dispute


def escalate(dispute: Dispute) -> None:
    """The bank makes a chargeback of an inquiry."""
    if not dispute._is_inquiry or not dispute._is_open:
        raise refused(f"A dispute that is {dispute.status} cannot be escalated.")
    _become(dispute, "needs_response")
    _charge_back(dispute, bridge.find("charge", dispute.charge))


def _charge_back(dispute: Dispute, charge: Any) -> None:
    dispute._withdraw()
    for refund in charge.refunds._list:
        refund._charge_was_disputed()


def submit_evidence(dispute: Dispute, evidence: dict[str, Any]) -> None:
    """The dispute is under review. Two texts decide it at once: https://docs.stripe.com/testing#evidence."""
    if dispute.status not in ("needs_response", "warning_needs_response"):
        raise refused(f"This dispute is {dispute.status} and takes no evidence.")
    dispute.evidence |= evidence
    dispute._submission_count += 1
    _become(dispute, "warning_under_review" if dispute._is_inquiry else "under_review")
    verdict = evidence.get("uncategorized_text")
    if verdict in ("winning_evidence", "losing_evidence"):
        close(dispute, "won" if verdict == "winning_evidence" else "lost")


def close(dispute: Dispute, outcome: Outcome) -> None:
    """The bank's decision. An inquiry is only closed, without a winner."""
    if outcome not in ("won", "lost"):
        raise invalid("outcome is won or lost", param="outcome")
    if not dispute._is_open:
        raise refused(f"This dispute is already closed: it is {dispute.status}.")
    before = {"status": dispute.status}
    dispute.status = "warning_closed" if dispute._is_inquiry else outcome
    announce("charge.dispute.closed", dispute, before=before)
    if dispute.status == "won":
        dispute._reinstate()


def update_dispute(dispute: Dispute, parameters: dict[str, Any]) -> None:
    """Evidence is staged, or submitted unless `submit` is false: https://docs.stripe.com/api/disputes/update."""
    for name in parameters.keys() - {"evidence", "metadata", "submit"}:
        raise parameter_unknown(name)
    if "metadata" in parameters:
        before = {"metadata": dict(dispute.metadata)}
        dispute.metadata = changed_metadata(dispute.metadata, parameters["metadata"])
        announce("charge.dispute.updated", dispute, before=before)
    evidence = parameters.get("evidence") or {}
    if not isinstance(evidence, dict):
        raise invalid("Invalid object", param="evidence")
    if evidence and str(parameters.get("submit", "true")).lower() == "false":
        before_evidence = {"evidence": dict(dispute.evidence)}
        dispute.evidence |= evidence
        announce("charge.dispute.updated", dispute, before=before_evidence)
    elif evidence:
        submit_evidence(dispute, evidence)


def accept(dispute: Dispute) -> None:
    """Given up by the seller: https://docs.stripe.com/api/disputes/close."""
    close(dispute, "lost")


def find_dispute(dispute_id: str) -> Any:
    dispute = bridge.find("dispute", dispute_id)
    if dispute is None:
        raise missing("dispute", dispute_id, param="id")
    return dispute


def list_disputes(parameters: dict[str, Any]) -> Any:
    return lists.newest_first(
        "dispute", "/v1/disputes", parameters, narrowed_by=("charge", "payment_intent")
    )


def _become(dispute: Dispute, status: str) -> None:
    before = {"status": dispute.status}
    dispute.status = status
    announce("charge.dispute.updated", dispute, before=before)
