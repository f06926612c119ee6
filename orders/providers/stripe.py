"""Stripe: hosted Checkout Sessions, signed webhooks, refunds, disputes.

The buyer is redirected to Stripe's page, so no third-party script runs on ours. `STRIPE_API_BASE`
points the same client at the local Stripe on a developer's machine and in tests.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

import stripe
from django.conf import settings

from orders.providers.base import (
    ChargedLine,
    CheckoutPage,
    CheckoutRecord,
    CheckoutState,
    Notice,
    ProviderFailure,
    ProviderMisconfigured,
    ProviderNotAsked,
    ProviderRefusal,
    RefundState,
    SignatureInvalid,
)
from orders.providers.stripe_objects import FOLLOWED, checkout_record, checkout_state, refund_state
from tiqqo.core.card_amounts import to_provider
from tiqqo.core.money import Money
from tiqqo.core.neighbours import Breaker, Bulkhead, NeighbourUnavailable

Answer = TypeVar("Answer")

# Languages of our pages that Stripe's page speaks under the same name.
_LOCALES = {"en", "nl", "de"}
# To connect, and between two pieces of an answer. Who waits longer is a buyer whose page stands.
_TIMEOUT_SECONDS = (2, 8)
_PAGE_SIZE = 100
# A page is found again by when it was opened, give or take the clocks.
_CLOCKS_DIFFER_BY = timedelta(minutes=10)
_seats = Bulkhead("payment provider", most=settings.PROVIDER_CALLS_AT_ONCE)
# One for each kind of request: look-ups that are not answered keep no refund from being made.
_pages, _look_ups, _refunds, _lists = (
    Breaker(f"payment provider, {kind}", failures=3, rest_seconds=10)
    for kind in ("pages", "look-ups", "refunds", "lists")
)


def forget_failures() -> None:
    """All breakers are closed; for tests."""
    for breaker in (_pages, _look_ups, _refunds, _lists):
        breaker.reset()


class StripeProvider:
    def __init__(self) -> None:
        if not settings.STRIPE_API_KEY:
            raise ProviderMisconfigured("STRIPE_API_KEY is not set.")
        self._client = stripe.StripeClient(
            settings.STRIPE_API_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            http_client=stripe.RequestsClient(timeout=_TIMEOUT_SECONDS),
            # Whoever asked tries again: the buyer by a button, the worker by its sweeper.
            max_network_retries=0,
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
        session = _ask(
            _pages,
            lambda: self._client.v1.checkout.sessions.create(
                params={
                    "mode": "payment",
                    "line_items": [
                        {
                            "quantity": line.quantity,
                            "price_data": {
                                "currency": line.unit.currency.lower(),
                                "unit_amount": to_provider(line.unit),
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
            ),
        )
        return CheckoutPage(session_id=session.id, url=session.url or "")

    def find_checkout(self, reference: str, *, opened_at: datetime) -> CheckoutPage | None:
        """Stripe lists sessions by time only, so those of that time are looked through."""
        around = {
            "gte": int((opened_at - _CLOCKS_DIFFER_BY).timestamp()),
            "lte": int((opened_at + timedelta(hours=1)).timestamp()),
        }
        sessions = _every(
            lambda **page: self._client.v1.checkout.sessions.list(
                params=cast(Any, {"created": around, "limit": _PAGE_SIZE, **page})
            )
        )
        for session in sessions:
            if session.client_reference_id == reference:
                return CheckoutPage(session_id=session.id, url=session.url or "")
        return None

    def look_up(self, session_id: str) -> CheckoutState:
        return checkout_state(
            _ask(
                _look_ups, lambda: self._client.v1.checkout.sessions.retrieve(session_id)
            ).to_dict()
        )

    def close_checkout(self, session_id: str) -> CheckoutState:
        try:
            return checkout_state(
                _ask(
                    _look_ups, lambda: self._client.v1.checkout.sessions.expire(session_id)
                ).to_dict()
            )
        except ProviderMisconfigured:
            raise
        except ProviderRefusal:
            # Only an open session can be expired: this one was paid or had expired before.
            return self.look_up(session_id)

    def refund(self, intent_id: str, *, amount: Money, reference: str, key: str) -> RefundState:
        refund = _ask(
            _refunds,
            lambda: self._client.v1.refunds.create(
                params={
                    "payment_intent": intent_id,
                    "amount": to_provider(amount),
                    "metadata": {"reference": reference},
                },
                options={"idempotency_key": key},
            ),
        )
        return refund_state(refund.to_dict())

    def refunds_of(self, intent_id: str) -> Sequence[RefundState]:
        refunds = _every(
            lambda **page: self._client.v1.refunds.list(
                params=cast(Any, {"payment_intent": intent_id, "limit": _PAGE_SIZE, **page})
            )
        )
        return [refund_state(refund.to_dict()) for refund in refunds]

    def look_up_refund(self, refund_id: str) -> RefundState:
        return refund_state(
            _ask(_refunds, lambda: self._client.v1.refunds.retrieve(refund_id)).to_dict()
        )

    def read_notice(self, body: bytes, signature: str) -> Notice:
        try:
            event = stripe.Webhook.construct_event(body, signature, settings.STRIPE_WEBHOOK_SECRET)
        except (ValueError, stripe.SignatureVerificationError) as error:
            raise SignatureInvalid(str(error)) from error
        return Notice(event.id, event.type, event.to_dict())

    def checkouts_since(self, since: datetime) -> Iterator[CheckoutRecord]:
        """A page takes money for a day at most, so those of a day before are looked at, too."""
        begin = {"gte": int((since - timedelta(days=1)).timestamp())}
        sessions = _every(
            lambda **page: self._client.v1.checkout.sessions.list(
                params=cast(Any, {"created": begin, "limit": _PAGE_SIZE, **page})
            )
        )
        return (checkout_record(session.to_dict()) for session in sessions)

    def refunds_since(self, since: datetime) -> Iterator[RefundState]:
        begin = {"gte": int(since.timestamp())}
        refunds = _every(
            lambda **page: self._client.v1.refunds.list(
                params=cast(Any, {"created": begin, "limit": _PAGE_SIZE, **page})
            )
        )
        return (refund_state(refund.to_dict()) for refund in refunds)

    def notices_since(self, since: datetime) -> Iterator[Notice]:
        events = list(
            _every(
                lambda **page: self._client.v1.events.list(
                    params=cast(
                        Any,
                        {
                            "created": {"gte": int(since.timestamp())},
                            "types": list(FOLLOWED),
                            "limit": _PAGE_SIZE,
                            **page,
                        },
                    )
                )
            )
        )
        for event in reversed(events):
            yield Notice(event.id, event.type, event.to_dict())


def _ask(breaker: Breaker, call: Callable[[], Answer]) -> Answer:
    """What Stripe answers; at most PROVIDER_CALLS_AT_ONCE threads of the process wait for it.

    Its errors are sorted by what they mean to the caller: https://docs.stripe.com/error-handling.
    """
    try:
        breaker.check()
        with _seats.entered():
            answer = call()
    except NeighbourUnavailable as unavailable:
        raise ProviderNotAsked("Too many wait for the payment provider.") from unavailable
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        breaker.worked()
        raise ProviderMisconfigured(_words(error), code=error.code or "") from error
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        breaker.worked()
        raise ProviderRefusal(_words(error), code=error.code or "") from error
    except (stripe.IdempotencyError, stripe.RateLimitError) as error:
        # It answers, and not now: the same is under way, or too much at once.
        breaker.worked()
        raise ProviderFailure(_words(error)) from error
    except stripe.StripeError as error:
        breaker.failed()
        raise ProviderFailure(_words(error)) from error
    except ValueError as error:
        raise ProviderRefusal(str(error), code="amount_not_chargeable") from error
    breaker.worked()
    return answer


def _words(error: stripe.StripeError) -> str:
    return error.user_message or str(error)


def _every(page: Callable[..., Any], breaker: Breaker | None = None) -> Iterator[Any]:
    """Every object of a list, newest first, page by page."""
    breaker = breaker or _lists
    found = _ask(breaker, page)
    while True:
        yield from found.data
        if not found.has_more or not found.data:
            return
        found = _ask(breaker, partial(page, starting_after=found.data[-1].id))
