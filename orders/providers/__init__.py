"""Payment providers behind one small protocol. Stripe is the real one."""

from orders.providers.base import (
    CheckoutPage,
    CheckoutState,
    Notice,
    PaymentProvider,
    ProviderFailure,
    ProviderRefusal,
    RefundState,
    SignatureInvalid,
)
from orders.providers.stripe import StripeProvider


def provider() -> PaymentProvider:
    """The provider of this installation."""
    return StripeProvider()


__all__ = [
    "CheckoutPage",
    "CheckoutState",
    "Notice",
    "PaymentProvider",
    "ProviderFailure",
    "ProviderRefusal",
    "RefundState",
    "SignatureInvalid",
    "provider",
]
