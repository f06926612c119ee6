"""What we ask of a payment provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from tiqqo.core.money import Money


class ProviderFailure(Exception):
    """The provider did not do what was asked: unreachable, refused, or misconfigured."""


class ProviderRefusal(ProviderFailure):
    """The provider answered, and will not do it, however often it is asked."""


class SignatureInvalid(Exception):
    """A webhook that the provider did not sign."""


class CheckoutProgress(StrEnum):
    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ChargedLine:
    name: str
    quantity: int
    unit: Money


@dataclass(frozen=True, slots=True)
class CheckoutPage:
    """Where the buyer pays."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """How a payment page stands. `paid` and `intent_id` count when `progress` is PAID."""

    session_id: str
    progress: CheckoutProgress
    paid: Money
    intent_id: str


@dataclass(frozen=True, slots=True)
class RefundState:
    refund_id: str
    succeeded: bool
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """An event that the provider reported, in its own words."""

    provider_id: str
    kind: str
    payload: dict[str, Any]


class PaymentProvider(Protocol):
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
        """A payment page is open. The same `key` gives the same page.

        Raises ProviderFailure; ProviderRefusal when no page was ever opened with this key.
        """
        ...

    def look_up(self, session_id: str) -> CheckoutState:
        """How the page stands now. Raises ProviderFailure."""
        ...

    def close_checkout(self, session_id: str) -> CheckoutState:
        """The page takes no more money; whether it took any before. Raises ProviderFailure."""
        ...

    def refund(self, intent_id: str, *, amount: Money, key: str) -> RefundState:
        """The money is on its way back, once per `key`. Raises ProviderFailure."""
        ...

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """The signed event. Raises SignatureInvalid."""
        ...
