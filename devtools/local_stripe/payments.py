"""What a Checkout Session creates when the buyer pays: localstripe's payment objects, made to behave like Stripe's.

Each class here is localstripe's own with three differences: cards behave as `cards.TEST_CARDS` says, the exported
shape is that of the API version which the `stripe` client speaks, and the events that Stripe sends are sent.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from localstripe import resources  # type: ignore[import-untyped]

from . import bridge, money
from .cards import CardDetails
from .events import announce
from .requests import StripeError, integer, invalid, metadata, missing

_SETTLEMENT_SECONDS = 2 * 24 * 3600


class CardPaymentMethod(resources.PaymentMethod):  # type: ignore[misc]
    """A card typed on the hosted page."""

    def __init__(self, card: CardDetails) -> None:
        super().__init__(
            type="card",
            billing_details={
                "address": _NO_ADDRESS.copy(),
                "email": card.email,
                "name": card.name,
                "phone": None,
            },
            card={
                "number": card.number,
                "exp_month": card.exp_month,
                "exp_year": card.exp_year,
                "cvc": card.cvc,
            },
        )
        self._test_card = card.behaviour

    def _charging_is_declined(self) -> bool:
        return self._test_card.decline_code is not None

    def _requires_authentication(self) -> bool:
        return self._test_card.authenticates


class SettlingBalanceTransaction(resources.BalanceTransaction):  # type: ignore[misc]
    """A movement of the provider's balance: pending until it settles, with the fee already taken off."""

    def __init__(self, *, fee: int = 0, settles_in: int = 0, **fields: Any) -> None:
        super().__init__(exchange_rate=None, **fields)
        self.balance_type = "payments"
        self.available_on = self.created + settles_in
        self.fee = fee
        if fee:
            self.fee_details = [
                {
                    "amount": fee,
                    "application": None,
                    "currency": self.currency,
                    "description": "Stripe processing fees",
                    "type": "stripe_fee",
                }
            ]

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported: dict[str, Any] = super()._export()
        exported["status"] = "pending" if self.available_on > bridge.now() else "available"
        return bridge.expanded(exported, expand)


class CheckoutCharge(resources.Charge):  # type: ignore[misc]
    """One attempt to take money from a card."""

    def __init__(self, intent: CheckoutIntent, method: CardPaymentMethod) -> None:
        super().__init__(
            amount=intent.amount,
            currency=intent.currency,
            description=intent.description,
            metadata=dict(intent.metadata),
            source=method.id,
        )
        self.payment_intent = intent.id
        self.billing_details = deepcopy(method.billing_details)
        self.payment_method_details = {"type": "card", "card": _card_details(method)}
        self.receipt_email = intent.receipt_email
        self.disputed = False
        self.captured = False
        self._refund_ids: list[str] = []

    def _take(self, method: CardPaymentMethod) -> None:
        card = method._test_card
        if card.decline_code:
            self._set_auth_failure()
            self.failure_message = card.decline_message
            self.outcome = _outcome("issuer_declined", "declined_by_network", card.decline_code)
            announce("charge.failed", self)
            return
        transaction = SettlingBalanceTransaction(
            amount=self.amount,
            currency=self.currency,
            description=self.description,
            reporting_category="charge",
            source=self.id,
            type="charge",
            fee=money.processing_fee(self.amount),
            settles_in=_SETTLEMENT_SECONDS,
        )
        self.balance_transaction = transaction.id
        self.captured = True
        self.status = "succeeded"
        self.outcome = _outcome("authorized", "approved_by_network", None)
        announce("charge.succeeded", self)

    @property
    def refunds(self) -> Any:
        refunds = bridge.List(f"/v1/charges/{self.id}/refunds")
        refunds._list = [
            bridge.find("refund", refund_id) for refund_id in reversed(self._refund_ids)
        ]
        return refunds

    @property
    def amount_refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds._list)

    @property
    def amount_captured(self) -> int:
        return self.amount if self.captured else 0

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported: dict[str, Any] = super()._export()
        exported |= {
            "receipt_url": None,
            "calculated_statement_descriptor": "LOCAL STRIPE",
            "fraud_details": {},
        }
        if "refunds" not in (expand or []):
            del exported["refunds"]
        return bridge.expanded(exported, [path for path in expand or [] if path != "refunds"])


class CheckoutIntent(resources.PaymentIntent):  # type: ignore[misc]
    """The payment of one Checkout Session, through all of its attempts."""

    def __init__(
        self, *, amount: int, currency: str, metadata: dict[str, str], description: str | None
    ) -> None:
        super().__init__(
            amount=amount, currency=currency, metadata=metadata, capture_method="automatic_async"
        )
        self.latest_charge: CheckoutCharge | None = None
        self.description = description
        self.receipt_email: str | None = None
        self.canceled_at: int | None = None
        self._last_error: dict[str, Any] | None = None

    @property
    def last_payment_error(self) -> dict[str, Any] | None:
        return self._last_error

    def _attempt(self, method: CardPaymentMethod) -> None:
        """Try to take the money; a card that must authenticate first leaves the intent in `requires_action`."""
        self.payment_method = method.id
        self.latest_charge = None
        self.next_action = None
        self._last_error = None
        if method._requires_authentication():
            self.next_action = {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect"},
            }
            announce("payment_intent.requires_action", self)
            return
        self._charge(method)

    def _authenticated(self, *, success: bool) -> None:
        method: CardPaymentMethod = bridge.store[f"payment_method:{self.payment_method}"]
        self.next_action = None
        if success:
            self._charge(method)
            return
        self._fail(
            method,
            code="payment_intent_authentication_failure",
            message="We are unable to authenticate your payment method. "
            "Please choose a different payment method and try again.",
        )

    def _charge(self, method: CardPaymentMethod) -> None:
        charge = CheckoutCharge(self, method)
        self.latest_charge = charge
        charge._take(method)
        if charge.status == "succeeded":
            announce("payment_intent.succeeded", self)
            return
        self._fail(
            method,
            charge=charge.id,
            code="card_declined",
            decline_code=method._test_card.decline_code,
            message=charge.failure_message,
        )

    def _fail(self, method: CardPaymentMethod, **error: Any) -> None:
        self.payment_method = None
        self._last_error = {"type": "card_error", **error, "payment_method": bridge.export(method)}
        announce("payment_intent.payment_failed", self)

    def _cancel(self) -> None:
        self._canceled = True
        self.next_action = None
        self.canceled_at = bridge.now()
        announce("payment_intent.canceled", self)

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported: dict[str, Any] = super()._export()
        for gone in ("charges", "invoice"):
            del exported[gone]
        taken = self.status == "succeeded"
        exported |= {
            "amount_capturable": 0,
            "amount_received": self.amount if taken else 0,
            "automatic_payment_methods": None,
            "cancellation_reason": "automatic" if self._canceled else None,
            "confirmation_method": "automatic",
            "latest_charge": self.latest_charge.id if self.latest_charge else None,
            "payment_method_types": ["card"],
            "processing": None,
            "setup_future_usage": None,
            "shipping": None,
        }
        return bridge.expanded(exported, expand)


class CheckoutRefund(resources.Refund):  # type: ignore[misc]
    """Money given back for a charge."""

    def __init__(
        self, charge: Any, *, amount: int, reason: str | None, metadata: dict[str, str]
    ) -> None:
        # Its initialiser would record a movement of its own, so that of a stored object is called instead.
        bridge.StripeObject.__init__(self)
        self.amount = amount
        self.charge = charge.id
        self.currency = charge.currency
        self.destination_details: dict[str, Any] = {
            "type": "card",
            "card": {
                "type": "refund",
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
            },
        }
        self.metadata = metadata
        self.payment_intent = charge.payment_intent
        self.reason = reason
        self.receipt_number = None
        self.status = "succeeded"
        self.date = self.created  # localstripe sorts by it
        self.balance_transaction = SettlingBalanceTransaction(
            amount=-amount,
            currency=charge.currency,
            description=f"REFUND FOR CHARGE ({charge.description})"
            if charge.description
            else "REFUND FOR CHARGE",
            reporting_category="refund",
            source=self.id,
            type="refund",
        ).id

    def _reference_arrived(self) -> None:
        card = {
            "type": "refund",
            "reference_status": "available",
            "reference_type": "acquirer_reference_number",
        }
        self.destination_details = {
            "type": "card",
            "card": card | {"reference": self.id[3:].upper()},
        }

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported: dict[str, Any] = super()._export()
        del exported["date"]
        return bridge.expanded(exported, expand)


_REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create_refund(parameters: dict[str, Any]) -> CheckoutRefund:
    """A refund of a succeeded charge, whole or in part; never more than is left of it."""
    charge = _refundable_charge(parameters)
    left = charge.amount - charge.amount_refunded
    if left == 0:
        raise invalid(
            f"Charge {charge.id} has already been refunded.", code="charge_already_refunded"
        )
    amount = left
    if "amount" in parameters:
        amount = integer(parameters["amount"], param="amount", minimum=1)
    if amount > left:
        whole = "charge amount" if left == charge.amount else "unrefunded amount on charge"
        asked, available = money.shown(amount, charge.currency), money.shown(left, charge.currency)
        raise invalid(
            f"Refund amount ({asked}) is greater than {whole} ({available})", param="amount"
        )
    reason = parameters.get("reason") or None
    if reason not in (None, *_REFUND_REASONS):
        raise invalid(
            f"Invalid reason: must be one of {', '.join(_REFUND_REASONS)}", param="reason"
        )

    refund = CheckoutRefund(
        charge, amount=amount, reason=reason, metadata=metadata(parameters.get("metadata"))
    )
    if isinstance(charge, CheckoutCharge):
        charge._refund_ids.append(refund.id)
    announce("refund.created", refund)
    announce("charge.refunded", charge)
    refund._reference_arrived()
    announce("refund.updated", refund)
    return refund


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
        raise StripeError(400, "This payment does not have a successful charge to refund.")
    return charge


def _outcome(kind: str, network: str, reason: str | None) -> dict[str, Any]:
    return {
        "network_status": network,
        "reason": reason,
        "risk_level": "normal",
        "seller_message": "Payment complete."
        if kind == "authorized"
        else "The bank returned a decline.",
        "type": kind,
    }


def _card_details(method: CardPaymentMethod) -> dict[str, Any]:
    authenticated = {
        "authentication_flow": "challenge",
        "result": "authenticated",
        "version": "2.2.0",
    }
    return {
        **{
            name: method.card[name]
            for name in ("brand", "country", "exp_month", "exp_year", "funding", "last4")
        },
        "fingerprint": method.card["fingerprint"],
        "network": "visa",
        "three_d_secure": authenticated if method._requires_authentication() else None,
    }


_NO_ADDRESS = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}
