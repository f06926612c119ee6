"""What a Checkout Session creates when the buyer pays: localstripe's payment objects, made to behave like Stripe's.

Each class here is localstripe's own with three differences: cards behave as `cards.TEST_CARDS` says, the exported
shape is that of the API version which the `stripe` client speaks, and the events that Stripe sends are sent.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Union

from localstripe import resources  # type: ignore[import-untyped]

from . import bridge, disputes, money
from .balance import Movement
from .cards import CardDetails, Refunds
from .events import announce
from .later import waiting

_SETTLEMENT_SECONDS = 2 * 24 * 3600
# https://docs.stripe.com/payments/sepa-debit/accept-a-payment#test-integration
_TEST_IBAN = "DE89370400440532013000"

_DEBIT_FAILED = "The customer's bank account could not be debited."

Method = Union["CardPaymentMethod", "BankDebit"]


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


class BankDebit(resources.PaymentMethod):  # type: ignore[misc]
    """A SEPA direct debit, of which days pass until it is known whether it was paid."""

    def __init__(self, *, email: str, name: str) -> None:
        super().__init__(
            type="sepa_debit",
            billing_details={
                "address": _NO_ADDRESS.copy(),
                "email": email,
                "name": name,
                "phone": None,
            },
            sepa_debit={"iban": _TEST_IBAN},
        )


class CheckoutCharge(resources.Charge):  # type: ignore[misc]
    """One attempt to take money from a card or a bank account."""

    _due_from: int | None = None

    def __init__(self, intent: CheckoutIntent, method: Method) -> None:
        super().__init__(
            amount=intent.amount,
            currency=intent.currency,
            description=intent.description,
            metadata=dict(intent.metadata),
            source=method.id,
        )
        self.payment_intent = intent.id
        self.billing_details = deepcopy(method.billing_details)
        self.payment_method_details = _method_details(method)
        self.receipt_email = intent.receipt_email
        self.disputed = False
        self.captured = False
        self.outcome: dict[str, Any] | None = None
        self._refund_ids: list[str] = []
        self._refunds: Refunds = "at once"
        self._dispute_ids: list[str] = []

    def _take(self, method: CardPaymentMethod) -> None:
        card = method._test_card
        if card.decline_code:
            self._fail(card.decline_message, reason=card.decline_code)
            return
        self._refunds = card.refunds
        self._succeed()
        if card.dispute_reason:
            waiting.add(self)

    def _succeed(self) -> None:
        transaction = Movement(
            amount=self.amount,
            currency=self.currency,
            description=self.description,
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

    def _fail(self, message: str, *, reason: str) -> None:
        self._set_auth_failure()
        self.failure_message = message
        self.outcome = _outcome("issuer_declined", "declined_by_network", reason)
        announce("charge.failed", self)

    def _come_due(self) -> None:
        """The dispute that the test card was used for."""
        method = bridge.find("payment_method", self.payment_method)
        card = method._test_card if isinstance(method, CardPaymentMethod) else None
        if card is None or self.disputed or self.refunded:
            return
        disputes.open_dispute(
            self, reason=card.dispute_reason or "fraudulent", is_inquiry=card.is_inquiry
        )

    @property
    def _is_refundable(self) -> bool:
        found = (bridge.find("dispute", dispute_id) for dispute_id in self._dispute_ids)
        return all(dispute.is_charge_refundable for dispute in found if dispute is not None)

    @property
    def refunds(self) -> Any:
        refunds = bridge.List(f"/v1/charges/{self.id}/refunds")
        refunds._list = [
            bridge.find("refund", refund_id) for refund_id in reversed(self._refund_ids)
        ]
        return refunds

    @property
    def amount_refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds._list if refund._counts)

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
        self.payment_method_types = ["card"]
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

    def _start_debit(self, method: BankDebit) -> None:
        """The bank is asked for the money; the intent is `processing` until it answers."""
        self.payment_method = method.id
        self.next_action = None
        self._last_error = None
        self.payment_method_types = ["sepa_debit"]
        charge = CheckoutCharge(self, method)
        self.latest_charge = charge
        announce("charge.pending", charge)
        announce("payment_intent.processing", self)

    def _end_debit(self, *, success: bool) -> None:
        method: BankDebit = bridge.store[f"payment_method:{self.payment_method}"]
        charge = self.latest_charge
        assert charge is not None
        if success:
            charge._succeed()
            announce("payment_intent.succeeded", self)
            return
        charge._fail(_DEBIT_FAILED, reason="generic_decline")
        self._fail(
            method,
            charge=charge.id,
            code="payment_intent_payment_attempt_failed",
            message=_DEBIT_FAILED,
        )

    def _fail(self, method: Method, **error: Any) -> None:
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
            "processing": None,
            "setup_future_usage": None,
            "shipping": None,
        }
        return bridge.expanded(exported, expand)


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


def _method_details(method: Method) -> dict[str, Any]:
    if isinstance(method, BankDebit):
        return {"type": "sepa_debit", "sepa_debit": deepcopy(method.sepa_debit)}
    return {"type": "card", "card": _card_details(method)}


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
