"""Stripe: hosted Checkout Sessions, signed webhooks, refunds.

The buyer is redirected to Stripe's page, so no third-party script runs on ours. `STRIPE_API_BASE`
points the same client at the local Stripe on a developer's machine and in tests.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings

from orders.providers.base import (
    ChargedLine,
    CheckoutPage,
    CheckoutProgress,
    CheckoutState,
    Notice,
    ProviderFailure,
    ProviderRefusal,
    RefundState,
    SignatureInvalid,
)
from tiqqo.core.money import Money

# Languages of our pages that Stripe's page speaks under the same name.
_LOCALES = {"en", "nl", "de"}
_TIMEOUT_SECONDS = 15


class StripeProvider:
    def __init__(self) -> None:
        if not settings.STRIPE_API_KEY:
            raise ProviderFailure("STRIPE_API_KEY is not set.")
        self._client = stripe.StripeClient(
            settings.STRIPE_API_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            http_client=stripe.RequestsClient(timeout=_TIMEOUT_SECONDS),
            max_network_retries=1,
        )

    def open_checkout(
        self,
        *,
        key: str,
        lines: Sequence[ChargedLine],
        email: str,
        locale: str,
        success_url: str,
        cancel_url: str,
        closes_at: datetime,
        reference: str,
        metadata: dict[str, str],
    ) -> CheckoutPage:
        try:
            session = self._client.v1.checkout.sessions.create(
                params={
                    "mode": "payment",
                    "line_items": [
                        {
                            "quantity": line.quantity,
                            "price_data": {
                                "currency": line.unit.currency.lower(),
                                "unit_amount": line.unit.minor,
                                "product_data": {"name": line.name},
                            },
                        }
                        for line in lines
                    ],
                    "customer_email": email,
                    "locale": locale if locale in _LOCALES else "auto",
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                    "expires_at": int(closes_at.timestamp()),
                    "client_reference_id": reference,
                    "metadata": metadata,
                    "payment_intent_data": {"metadata": metadata},
                },
                options={"idempotency_key": key},
            )
        except stripe.InvalidRequestError as error:
            raise ProviderRefusal(str(error)) from error
        except stripe.StripeError as error:
            raise ProviderFailure(str(error)) from error
        return CheckoutPage(session_id=session.id, url=session.url or "")

    def look_up(self, session_id: str) -> CheckoutState:
        try:
            return _state(self._client.v1.checkout.sessions.retrieve(session_id))
        except stripe.StripeError as error:
            raise ProviderFailure(str(error)) from error

    def close_checkout(self, session_id: str) -> CheckoutState:
        try:
            return _state(self._client.v1.checkout.sessions.expire(session_id))
        except stripe.InvalidRequestError:
            # Only an open session can be expired: this one was paid or had expired before.
            return self.look_up(session_id)
        except stripe.StripeError as error:
            raise ProviderFailure(str(error)) from error

    def refund(self, intent_id: str, *, amount: Money, key: str) -> RefundState:
        try:
            refund = self._client.v1.refunds.create(
                params={"payment_intent": intent_id, "amount": amount.minor},
                options={"idempotency_key": key},
            )
        except stripe.StripeError as error:
            raise ProviderFailure(str(error)) from error
        return RefundState(
            refund_id=refund.id,
            succeeded=refund.status == "succeeded",
            failure=refund.failure_reason or "" if refund.status == "failed" else "",
        )

    def read_notice(self, body: bytes, signature: str) -> Notice:
        try:
            event = stripe.Webhook.construct_event(body, signature, settings.STRIPE_WEBHOOK_SECRET)
        except (ValueError, stripe.SignatureVerificationError) as error:
            raise SignatureInvalid from error
        return Notice(event.id, event.type, event.to_dict())


def _state(session: Any) -> CheckoutState:
    progress = {"complete": CheckoutProgress.PAID, "expired": CheckoutProgress.EXPIRED}.get(
        session.status, CheckoutProgress.OPEN
    )
    if progress is CheckoutProgress.PAID and session.payment_status == "unpaid":
        # A method that settles later: the page is done, the money is not there yet.
        progress = CheckoutProgress.OPEN
    intent = session.payment_intent
    return CheckoutState(
        session_id=session.id,
        progress=progress,
        paid=Money(session.amount_total or 0, session.currency.upper()),
        intent_id=(intent if isinstance(intent, str) else getattr(intent, "id", "")) or "",
    )
