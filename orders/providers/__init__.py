"""Payment providers behind one small protocol. Stripe is the real one."""

from orders.providers.base import (
    CheckoutPage,
    CheckoutState,
    Notice,
    PaymentProvider,
    ProviderFailure,
    ProviderMisconfigured,
    ProviderNotAsked,
    ProviderRefusal,
    RefundState,
    SignatureInvalid,
)


def provider() -> PaymentProvider:
    """The provider of this installation."""
    # Imported here: its client is a quarter of a process's memory, and most never take money.
    from orders.providers.stripe import StripeProvider

    return StripeProvider()


__all__ = [
    "CheckoutPage",
    "CheckoutState",
    "Notice",
    "PaymentProvider",
    "ProviderFailure",
    "ProviderMisconfigured",
    "ProviderNotAsked",
    "ProviderRefusal",
    "RefundState",
    "SignatureInvalid",
    "provider",
]
