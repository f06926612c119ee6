"""What we ask of a payment provider."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from tiqqo.core.money import Money


class ProviderFailure(Exception):
    """The provider did not do what was asked, as far as we know: it may have, and its answer is lost."""


class ProviderNotAsked(ProviderFailure):
    """The provider was not asked at all: it is known to be down, or too many wait for it already."""


class ProviderRefusal(ProviderFailure):
    """The provider answered, and will not do it, however often it is asked. `code` is its word."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ProviderMisconfigured(ProviderRefusal):
    """The provider does not take our key: for the operator to mend, not for the buyer."""


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
class CheckoutRecord:
    """A payment page of some time, with what we wrote on it when we opened it."""

    state: CheckoutState
    installation: str
    reference: str
    order_code: str


class RefundProgress(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class RefundState:
    """How a refund stands at the provider. `reference` is ours, empty where somebody made it there."""

    refund_id: str
    intent_id: str
    amount: Money
    progress: RefundProgress
    reference: str = ""
    failure: str = ""


class DisputeProgress(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class DisputeState:
    """How a dispute stands at the provider. `withdrawn` says whether the provider took the money."""

    dispute_id: str
    intent_id: str
    amount: Money
    progress: DisputeProgress
    reason: str = ""
    due_at: datetime | None = None
    withdrawn: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """An event that the provider reported, in its own words."""

    provider_id: str
    kind: str
    payload: dict[str, Any]


class PaymentProvider(Protocol):
    """Each call raises ProviderFailure when no answer came, ProviderNotAsked when it was not made, and
    ProviderRefusal when the answer is a final no."""

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
        """A payment page is open. The same `key` gives the same page for at least a day."""
        ...

    def find_checkout(self, reference: str, *, opened_at: datetime) -> CheckoutPage | None:
        """The page that was opened with this reference at about that time, however long ago."""
        ...

    def look_up(self, session_id: str) -> CheckoutState:
        """How the page stands now."""
        ...

    def close_checkout(self, session_id: str) -> CheckoutState:
        """The page takes no more money; whether it took any before."""
        ...

    def refund(self, intent_id: str, *, amount: Money, reference: str, key: str) -> RefundState:
        """The money is on its way back, once per `key` within a day; an error is remembered, too."""
        ...

    def refunds_of(self, intent_id: str) -> Sequence[RefundState]:
        """Every refund of this payment, whoever made it."""
        ...

    def look_up_refund(self, refund_id: str) -> RefundState:
        """How the refund stands now."""
        ...

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """The signed event. Raises SignatureInvalid."""
        ...

    def checkouts_since(self, since: datetime) -> Iterator[CheckoutRecord]:
        """Every page that was opened since then, whoever opened it."""
        ...

    def refunds_since(self, since: datetime) -> Iterator[RefundState]:
        """Every refund that was made since then, whoever made it."""
        ...

    def notices_since(self, since: datetime) -> Iterator[Notice]:
        """Every event of a kind that we follow, oldest first: what webhooks may have missed."""
        ...
