"""Refunds: https://docs.stripe.com/refunds and https://docs.stripe.com/api/refunds.

A refund of a card is `succeeded` at once, but for two test cards: with one it is `pending` first and succeeds later,
with the other it fails after it succeeded. A failed or canceled refund gives its amount back to the balance, and no
longer counts as refunded.
"""

from __future__ import annotations

from typing import Any, Literal

from localstripe import resources  # type: ignore[import-untyped]

from . import bridge, lists, money
from .balance import Movement
from .errors import StripeError, invalid, missing, parameter_unknown, refused
from .events import announce
from .later import waiting
from .payments import CheckoutCharge
from .requests import changed_metadata, integer, metadata

Status = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]

STATUSES: tuple[Status, ...] = ("pending", "requires_action", "succeeded", "failed", "canceled")
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
# https://docs.stripe.com/api/refunds/object#refund_object-failure_reason
FAILURE_REASONS = (
    "charge_for_pending_refund_disputed", "declined", "expired_or_canceled_card", "insufficient_funds",
    "lost_or_stolen_card", "merchant_request", "unknown",
)  # fmt: skip

_SUPPORTED = frozenset(("amount", "charge", "metadata", "payment_intent", "reason"))
# Known to Stripe, of no effect on a card payment without Connect.
_IGNORED = frozenset(
    (
        *("currency", "customer", "instructions_email", "origin"),
        *("refund_application_fee", "reverse_transfer"),
    )
)


class CheckoutRefund(resources.Refund):  # type: ignore[misc]
    """Money given back for a charge."""

    _due_from: int | None = None

    def __init__(
        self, charge: Any, *, amount: int, reason: str | None, metadata: dict[str, str]
    ) -> None:
        # Its initialiser would record a movement of its own, so that of a stored object is called instead.
        bridge.StripeObject.__init__(self)
        self.amount = amount
        self.charge = charge.id
        self.currency = charge.currency
        self.destination_details: dict[str, Any] = _destination("pending", None)
        self.metadata = metadata
        self.payment_intent = charge.payment_intent
        self.reason = reason
        self.receipt_number = None
        self.status: Status = "succeeded"
        self.date = self.created  # localstripe sorts by it
        self.failure_reason: str | None = None
        self.failure_balance_transaction: str | None = None
        about = f" ({charge.description})" if charge.description else ""
        self.balance_transaction = Movement(
            amount=-amount,
            currency=charge.currency,
            description=f"REFUND FOR CHARGE{about}",
            source=self.id,
            type="refund",
        ).id

    @property
    def _counts(self) -> bool:
        return self.status not in ("failed", "canceled")

    def _come_due(self) -> None:
        if self.status == "pending":
            settle(self, "succeeded")
        elif self.status == "succeeded":
            settle(self, "failed", failure_reason="expired_or_canceled_card")

    def _charge_was_disputed(self) -> None:
        """A refund that is still pending fails, lest the cardholder has the money twice."""
        if self.status in ("pending", "requires_action"):
            settle(self, "failed", failure_reason="charge_for_pending_refund_disputed")

    def _give_back(self, status: Status) -> None:
        self.failure_balance_transaction = Movement(
            amount=self.amount,
            currency=self.currency,
            description="REFUND FAILURE",
            source=self.id,
            type="refund_failure",
        ).id
        self.destination_details = _destination("unavailable", None)
        self.status = status

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported: dict[str, Any] = super()._export()
        del exported["date"]
        for name in ("failure_reason", "failure_balance_transaction"):
            # Present on failed refunds only.
            if exported[name] is None:
                del exported[name]
        return bridge.expanded(exported, expand)


def create_refund(parameters: dict[str, Any]) -> CheckoutRefund:
    """A refund of a succeeded charge, whole or in part; never more than is left of it."""
    for name in parameters.keys() - _SUPPORTED - _IGNORED:
        raise parameter_unknown(name)
    amount = reason = None
    if "amount" in parameters:
        amount = integer(parameters["amount"], param="amount", minimum=1)
    if reason := parameters.get("reason") or None:
        _one_of(reason, REASONS, param="reason")
    given = metadata(parameters.get("metadata"))
    charge = _refundable_charge(parameters)
    left = charge.amount - charge.amount_refunded
    if left == 0:
        raise refused(
            f"Charge {charge.id} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if amount is None else amount
    money.check_refund(amount, charge.currency, left=left, whole=charge.amount)

    before = {"amount_refunded": charge.amount_refunded, "refunded": charge.refunded}
    refund = CheckoutRefund(charge, amount=amount, reason=reason, metadata=given)
    behaviour = "at once"
    if isinstance(charge, CheckoutCharge):
        charge._refund_ids.append(refund.id)
        behaviour = charge._refunds
    if behaviour == "succeed later":
        refund.status = "pending"
    announce("refund.created", refund)
    announce("charge.refunded", charge, before=before)
    if behaviour != "at once":
        waiting.add(refund)
    if refund.status == "succeeded":
        _reference_arrives(refund)
    return refund


def settle(refund: CheckoutRefund, status: Status, *, failure_reason: str | None = None) -> None:
    """The refund takes another status, as Stripe or the bank has it. Nothing leaves `failed` and `canceled`."""
    _one_of(status, STATUSES, param="status")
    allowed: dict[Status, tuple[Status, ...]] = {
        "pending": ("succeeded", "failed", "canceled", "requires_action"),
        "requires_action": ("pending", "succeeded", "failed", "canceled"),
        "succeeded": ("failed",),
    }
    if status not in allowed.get(refund.status, ()):
        raise refused(f"A refund that is {refund.status} does not become {status}.", param="status")
    if failure_reason is not None:
        _one_of(failure_reason, FAILURE_REASONS, param="failure_reason")
    waiting.remove(refund)
    before: dict[str, Any] = {"status": refund.status}
    if status in ("failed", "canceled"):
        refund._give_back(status)
    if status == "failed":
        refund.failure_reason = failure_reason or "unknown"
    refund.status = status
    if status == "failed":
        announce("refund.failed", refund)
    _announce_update(refund, before)
    if status == "succeeded":
        _reference_arrives(refund)


def cancel_refund(refund: CheckoutRefund) -> None:
    """By the API only a refund that waits for the customer: https://docs.stripe.com/api/refunds/cancel."""
    if refund.status != "requires_action":
        raise refused(
            "Only refunds with a status of requires_action can be canceled. "
            f"This refund has a status of {refund.status}."
        )
    settle(refund, "canceled")


def update_refund(refund: CheckoutRefund, parameters: dict[str, Any]) -> None:
    """Only metadata can be changed: https://docs.stripe.com/api/refunds/update."""
    for name in parameters.keys() - {"metadata"}:
        raise parameter_unknown(name)
    before = {"metadata": dict(refund.metadata)}
    refund.metadata = changed_metadata(refund.metadata, parameters.get("metadata"))
    _announce_update(refund, before)


def find_refund(refund_id: str) -> Any:
    refund = bridge.find("refund", refund_id)
    if refund is None:
        raise missing("refund", refund_id, param="id")
    return refund


def list_refunds(parameters: dict[str, Any]) -> Any:
    return lists.newest_first(
        "refund", "/v1/refunds", parameters, narrowed_by=("charge", "payment_intent")
    )


def _announce_update(refund: CheckoutRefund, before: dict[str, Any]) -> None:
    announce("refund.updated", refund, before=before)
    # Cards are among the payment methods that this older event is sent for.
    announce("charge.refund.updated", refund, before=before)


def _reference_arrives(refund: CheckoutRefund) -> None:
    """The acquirer reference number by which the buyer's bank finds the refund."""
    before = {"destination_details": refund.destination_details}
    refund.destination_details = _destination("available", refund.id[3:].upper())
    _announce_update(refund, before)


def _destination(status: str, reference: str | None) -> dict[str, Any]:
    card = {
        "type": "refund",
        "reference_status": status,
        "reference_type": "acquirer_reference_number",
    }
    return {"type": "card", "card": card | ({"reference": reference} if reference else {})}


def _refundable_charge(parameters: dict[str, Any]) -> Any:
    charge_id, intent_id = parameters.get("charge"), parameters.get("payment_intent")
    if not charge_id and not intent_id:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if charge_id:
        charge = bridge.find("charge", charge_id)
        if charge is None:
            raise missing("charge", charge_id, param="charge")
    else:
        intent = bridge.find("payment_intent", str(intent_id))
        if intent is None:
            raise missing("payment_intent", str(intent_id), param="payment_intent")
        charge = intent.latest_charge
    if charge is None or charge.status != "succeeded":
        raise StripeError(
            400, "This payment does not have a successful charge to refund.", executed=True
        )
    if isinstance(charge, CheckoutCharge) and not charge._is_refundable:
        # https://docs.stripe.com/error-codes#charge-disputed
        raise refused(
            f"Charge {charge.id} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    return charge


def _one_of(value: str, known: tuple[str, ...], *, param: str) -> None:
    if value not in known:
        raise invalid(f"Invalid {param}: must be one of {', '.join(known)}", param=param)
