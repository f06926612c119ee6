"""Checkout Sessions: created by the API, paid on the hosted page, expired by the API or by the clock."""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import Any, Literal
from urllib.parse import urlsplit

from . import bridge, lists, money
from .cards import CardDetails, is_email
from .errors import invalid, missing, parameter_missing, parameter_unknown, refused
from .events import announce
from .payments import BankDebit, CardPaymentMethod, CheckoutIntent
from .requests import changed_metadata, integer, metadata

logger = logging.getLogger(__name__)

KIND = "checkout.session"
Outcome = Literal["paid", "declined", "requires_action"]

_SHORTEST_SECONDS = 30 * 60
_LONGEST_SECONDS = 24 * 3600

# Carried out.
_SUPPORTED = frozenset(
    {
        "allowed_payment_method_types",
        "cancel_url",
        "client_reference_id",
        "customer_email",
        "expires_at",
        "line_items",
        "locale",
        "metadata",
        "mode",
        "payment_intent_data",
        "payment_method_types",
        "success_url",
        "ui_mode",
    }
)
# Known to Stripe; taken and ignored, because they do not change what a card payment does.
_IGNORED = frozenset(
    {
        "adaptive_pricing",
        "after_expiration",
        "allow_promotion_codes",
        "automatic_tax",
        "billing_address_collection",
        "branding_settings",
        "consent_collection",
        "currency",
        "custom_fields",
        "custom_text",
        "customer_creation",
        "excluded_payment_method_types",
        "integration_identifier",
        "invoice_creation",
        "name_collection",
        "origin_context",
        "payment_method_collection",
        "payment_method_configuration",
        "payment_method_data",
        "payment_method_options",
        "phone_number_collection",
        "redirect_on_completion",
        "saved_payment_method_options",
        "submit_type",
        "tax_id_collection",
        "wallet_options",
    }
)


class CheckoutSession(bridge.StripeObject):  # type: ignore[misc]
    """One hosted checkout; `Checkout` moves it between its states."""

    object = KIND
    _id_prefix = "cs_test_"

    def __init__(self, parameters: dict[str, Any], *, public_url: str) -> None:
        fields = _read(parameters, created=bridge.now())
        super().__init__(id=f"cs_test_a1{bridge.random_id(56)}")
        self.created = fields.pop("created")
        self.line_items: list[dict[str, Any]] = fields.pop("line_items")
        self.payment_intent_data: dict[str, Any] = fields.pop("payment_intent_data")
        self.fields = fields
        self.hosted_url = f"{public_url}/c/pay/{self.id}"
        self.metadata: dict[str, str] = fields.pop("metadata")
        self.status = "open"
        self.payment_status = "unpaid"
        self.payment_intent: str | None = None
        self.expires_at: int = fields.pop("expires_at")
        self.customer_details: dict[str, Any] | None = None
        if email := fields["customer_email"]:
            self.customer_details = _customer(email, None)

    @property
    def amount_total(self) -> int:
        return sum(item["amount_total"] for item in self.line_items)

    @property
    def currency(self) -> str:
        return str(self.line_items[0]["currency"])

    @property
    def success_url(self) -> str:
        return str(self.fields["success_url"]).replace("{CHECKOUT_SESSION_ID}", self.id)

    @property
    def cancel_url(self) -> str | None:
        return self.fields["cancel_url"] or None

    @property
    def intent(self) -> CheckoutIntent | None:
        return bridge.find("payment_intent", self.payment_intent) if self.payment_intent else None

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported = {
            **_CONSTANT,
            **self.fields,
            "id": self.id,
            "created": self.created,
            "amount_subtotal": self.amount_total,
            "amount_total": self.amount_total,
            "currency": self.currency,
            "customer_details": self.customer_details,
            "expires_at": self.expires_at,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "payment_status": self.payment_status,
            "status": self.status,
            "url": self.hosted_url if self.status == "open" else None,
        }
        expand = expand or []
        if "line_items" in expand:
            exported["line_items"] = line_items(self)
        return bridge.expanded(
            deepcopy(exported), [path for path in expand if path != "line_items"]
        )


class Checkout:
    """All Checkout Sessions of this server."""

    def __init__(self, *, public_url: str) -> None:
        self._public_url = public_url
        self._open = {session.id for session in bridge.all_of(KIND) if session.status == "open"}

    def create(self, parameters: dict[str, Any]) -> CheckoutSession:
        session = CheckoutSession(parameters, public_url=self._public_url)
        self._open.add(session.id)
        return session

    def find(self, session_id: str) -> CheckoutSession:
        session: CheckoutSession | None = bridge.find(KIND, session_id)
        if session is None:
            raise missing(KIND, session_id, param="session")
        self._expire_if_due(session)
        return session

    def matching(self, parameters: dict[str, Any]) -> Any:
        """Stripe's list of sessions, newest first, narrowed by `payment_intent`, `status` or `customer_details`."""
        self.expire_due()
        email = (parameters.get("customer_details") or {}).get("email")
        asked = {name: value for name, value in parameters.items() if name != "customer_details"}
        return lists.newest_first(
            KIND,
            "/v1/checkout/sessions",
            asked,
            narrowed_by=("payment_intent", "status"),
            accept=lambda session: (
                email is None or (session.customer_details or {}).get("email") == email
            ),
        )

    def update(self, session: CheckoutSession, parameters: dict[str, Any]) -> None:
        if unknown := parameters.keys() - {"metadata"}:
            raise parameter_unknown(sorted(unknown)[0])
        session.metadata = changed_metadata(session.metadata, parameters.get("metadata"))

    def expire(self, session: CheckoutSession) -> None:
        """The session can no longer be paid. Raises as Stripe does unless it is open."""
        if session.status != "open":
            raise refused(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{session.status}`."
            )
        session.status = "expired"
        self._open.discard(session.id)
        if session.intent is not None:
            session.intent._cancel()
        announce("checkout.session.expired", session)

    def expire_due(self) -> None:
        """Expire every session that the clock has run out for."""
        for session_id in list(self._open):
            self._expire_if_due(bridge.store[f"{KIND}:{session_id}"])

    def pay(self, session: CheckoutSession, card: CardDetails) -> Outcome:
        """Try to pay an open session with a card. A declined or unauthenticated session stays open."""
        intent = session.intent or self._start_payment(session)
        session.customer_details = _customer(card.email, card.name)
        intent.receipt_email = card.email
        intent._attempt(CardPaymentMethod(card))
        return self._settle(session, intent)

    def authenticate(self, session: CheckoutSession, *, success: bool) -> Outcome:
        """The buyer's answer to the bank's question."""
        intent = session.intent
        if intent is None or intent.status != "requires_action":
            raise refused("This Checkout Session is not waiting for authentication.")
        intent._authenticated(success=success)
        return self._settle(session, intent)

    def complete_free(self, session: CheckoutSession, *, email: str, name: str) -> None:
        """A session with nothing to pay is completed without a card."""
        session.customer_details = _customer(email, name)
        self._complete(session, payment_status="no_payment_required")

    def complete_unpaid(self, session: CheckoutSession, *, email: str, name: str) -> None:
        """The buyer chose a delayed payment method: the session is complete, and the money is not known yet.

        https://docs.stripe.com/checkout/fulfillment#delayed-notification
        """
        intent = session.intent or self._start_payment(session)
        session.customer_details = _customer(email, name)
        intent.receipt_email = email
        intent._start_debit(BankDebit(email=email, name=name))
        self._complete(session, payment_status="unpaid")

    def end_delayed(self, session: CheckoutSession, *, success: bool) -> None:
        """The bank's answer to a delayed payment method. A failed session stays complete and unpaid."""
        intent = session.intent
        if session.status != "complete" or intent is None or intent.status != "processing":
            raise refused("This Checkout Session is not waiting for a delayed payment method.")
        intent._end_debit(success=success)
        if success:
            session.payment_status = "paid"
            announce("checkout.session.async_payment_succeeded", session)
        else:
            announce("checkout.session.async_payment_failed", session)

    def _start_payment(self, session: CheckoutSession) -> CheckoutIntent:
        intent = CheckoutIntent(
            amount=session.amount_total,
            currency=session.currency,
            metadata=dict(session.payment_intent_data["metadata"]),
            description=session.payment_intent_data["description"],
        )
        session.payment_intent = intent.id
        announce("payment_intent.created", intent)
        return intent

    def _settle(self, session: CheckoutSession, intent: CheckoutIntent) -> Outcome:
        if intent.status == "succeeded":
            self._complete(session, payment_status="paid")
            return "paid"
        return "requires_action" if intent.status == "requires_action" else "declined"

    def _complete(self, session: CheckoutSession, *, payment_status: str) -> None:
        session.status = "complete"
        session.payment_status = payment_status
        self._open.discard(session.id)
        announce("checkout.session.completed", session)

    def _expire_if_due(self, session: CheckoutSession) -> None:
        if session.status == "open" and session.expires_at <= bridge.now():
            self.expire(session)


def line_items(session: CheckoutSession) -> dict[str, Any]:
    return {
        "object": "list",
        "data": deepcopy(session.line_items),
        "has_more": False,
        "url": f"/v1/checkout/sessions/{session.id}/line_items",
    }


def _read(parameters: dict[str, Any], *, created: int) -> dict[str, Any]:
    """The session's own fields from the parameters of its creation; refuses what Stripe refuses."""
    for name in parameters:
        if name in _IGNORED:
            logger.info("Checkout Session parameter %s is known but has no effect here.", name)
        elif name not in _SUPPORTED:
            raise parameter_unknown(name)
    if "payment_method_types" in parameters:
        logger.warning(
            "Stripe refuses payment_method_types since 2026-09-30.endive: use allowed_payment_method_types."
        )
    if parameters.get("mode") != "payment":
        raise invalid(
            "This server only knows Checkout Sessions with `mode` set to `payment`.", param="mode"
        )
    if parameters.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid(
            "Invalid ui_mode: must be hosted_page; this server has no other.", param="ui_mode"
        )

    items = _read_line_items(parameters.get("line_items"))
    total, currency = sum(item["amount_total"] for item in items), items[0]["currency"]
    money.check_total(total, currency)
    email = parameters.get("customer_email") or None
    if email and not is_email(email):
        raise invalid(
            f"Invalid email address: {email}", param="customer_email", code="email_invalid"
        )
    reference = parameters.get("client_reference_id") or None
    if reference and len(reference) > 200:
        raise invalid(
            "client_reference_id can have up to 200 characters.", param="client_reference_id"
        )
    allowed = (
        parameters.get("allowed_payment_method_types")
        or parameters.get("payment_method_types")
        or ["card"]
    )
    if "card" not in allowed:
        raise invalid("This server only takes cards.", param="allowed_payment_method_types")
    intent_data = parameters.get("payment_intent_data") or {}

    return {
        "created": created,
        "line_items": items,
        "success_url": _read_url(parameters.get("success_url"), param="success_url", required=True),
        "cancel_url": _read_url(parameters.get("cancel_url"), param="cancel_url"),
        "client_reference_id": reference,
        "customer_email": email,
        "expires_at": _read_expiry(parameters.get("expires_at"), created=created),
        "locale": parameters.get("locale") or None,
        "metadata": metadata(parameters.get("metadata")),
        "payment_intent_data": {
            "metadata": metadata(
                intent_data.get("metadata"), param="payment_intent_data[metadata]"
            ),
            "description": intent_data.get("description") or None,
        },
        "payment_method_types": list(allowed),
    }


def _read_expiry(value: Any, *, created: int) -> int:
    if value in (None, ""):
        return created + _LONGEST_SECONDS
    expires_at = integer(value, param="expires_at")
    if expires_at < created + _SHORTEST_SECONDS:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at >= created + _LONGEST_SECONDS:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _read_line_items(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise invalid("You must pass at least one line item to `line_items`.", param="line_items")
    items = [
        _read_line_item(item, param=f"line_items[{index}]") for index, item in enumerate(value)
    ]
    if len({item["currency"] for item in items}) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    return items


def _read_line_item(item: Any, *, param: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise invalid("Invalid object", param=param)
    prices = item.get("price_data")
    if not isinstance(prices, dict):
        raise invalid(
            "This server only knows line items with `price_data`.", param=f"{param}[price_data]"
        )
    product = prices.get("product_data")
    if not isinstance(product, dict) or not product.get("name"):
        raise parameter_missing(f"{param}[price_data][product_data][name]")
    if not prices.get("currency"):
        raise parameter_missing(f"{param}[price_data][currency]")
    currency = money.read_currency(prices["currency"], param=f"{param}[price_data][currency]")
    if "unit_amount" not in prices:
        raise parameter_missing(f"{param}[price_data][unit_amount]")
    unit_amount = integer(prices["unit_amount"], param=f"{param}[price_data][unit_amount]")
    money.check_amount(unit_amount, currency, param=f"{param}[price_data][unit_amount]")
    if "quantity" not in item:
        raise parameter_missing(f"{param}[quantity]")
    quantity = integer(item["quantity"], param=f"{param}[quantity]", minimum=1)
    total = unit_amount * quantity
    return {
        "id": f"li_{bridge.random_id(14)}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": product["name"],
        "price": {
            "id": f"price_{bridge.random_id(14)}",
            "object": "price",
            "currency": currency,
            "product_data": {
                "name": product["name"],
                "description": product.get("description") or None,
            },
            "type": "one_time",
            "unit_amount": unit_amount,
        },
        "quantity": quantity,
    }


def _read_url(value: Any, *, param: str, required: bool = False) -> str | None:
    if not value:
        if required:
            raise parameter_missing(param)
        return None
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid("Not a valid URL", param=param, code="url_invalid")
    return str(value)


def _customer(email: str, name: str | None) -> dict[str, Any]:
    return {
        "address": None,
        "email": email,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


# Properties that this server always answers with the same value; Stripe's names and defaults.
_CONSTANT: dict[str, Any] = {
    "object": KIND,
    "adaptive_pricing": {"enabled": False},
    "after_expiration": None,
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": None,
    "client_secret": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer": None,
    "customer_account": None,
    "customer_creation": "if_required",
    "discounts": [],
    "invoice": None,
    "livemode": False,
    "mode": "payment",
    "payment_link": None,
    "payment_method_collection": "if_required",
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "submit_type": None,
    "subscription": None,
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
}
