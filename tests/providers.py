"""A payment provider without a network: pages open, are paid, expire, and money goes back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orders.providers.base import (
    ChargedLine,
    CheckoutPage,
    CheckoutProgress,
    CheckoutState,
    Notice,
    ProviderFailure,
    RefundState,
    SignatureInvalid,
)
from tiqqo.core.money import Money

SIGNATURE = "signed by the provider"


@dataclass
class Page:
    session_id: str
    key: str
    total: Money
    metadata: dict[str, str]
    lines: list[ChargedLine]
    email: str
    closes_at: datetime
    progress: CheckoutProgress = CheckoutProgress.OPEN
    paid: Money | None = None
    intent_id: str = ""


@dataclass
class FakeProvider:
    """Implements `orders.providers.base.PaymentProvider`; `is_down` makes every call fail."""

    pages: dict[str, Page] = field(default_factory=dict)
    refunds: dict[str, RefundState] = field(default_factory=dict)
    refunded: list[tuple[str, Money]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    is_down: bool = False
    refund_failure: str = ""

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.is_down:
            raise ProviderFailure("The provider does not answer.")

    # The protocol -----------------------------------------------------------------------

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
        self._called("open_checkout")
        page = next((page for page in self.pages.values() if page.key == key), None)
        if page is None:
            total = sum(
                (line.unit * line.quantity for line in lines[1:]), lines[0].unit * lines[0].quantity
            )
            page = Page(
                f"cs_test_{len(self.pages) + 1}",
                key,
                total,
                metadata,
                list(lines),
                email,
                closes_at,
            )
            self.pages[page.session_id] = page
        return CheckoutPage(page.session_id, f"https://provider.test/{page.session_id}")

    def look_up(self, session_id: str) -> CheckoutState:
        self._called("look_up")
        page = self.pages[session_id]
        return CheckoutState(session_id, page.progress, page.paid or page.total, page.intent_id)

    def close_checkout(self, session_id: str) -> CheckoutState:
        self._called("close_checkout")
        if self.pages[session_id].progress is CheckoutProgress.OPEN:
            self.pages[session_id].progress = CheckoutProgress.EXPIRED
        return self.look_up(session_id)

    def refund(self, intent_id: str, *, amount: Money, key: str) -> RefundState:
        self._called("refund")
        if self.refund_failure:
            return RefundState("", succeeded=False, failure=self.refund_failure)
        if key not in self.refunds:
            self.refunds[key] = RefundState(f"re_test_{len(self.refunds) + 1}", succeeded=True)
            self.refunded.append((intent_id, amount))
        return self.refunds[key]

    def read_notice(self, body: bytes, signature: str) -> Notice:
        if signature != SIGNATURE:
            raise SignatureInvalid
        payload = json.loads(body)
        return Notice(payload["id"], payload["type"], payload)

    # What buyers and banks do -----------------------------------------------------------

    def pay(self, session_id: str, amount: Money | None = None) -> Page:
        """The buyer paid on the page."""
        page = self.pages[session_id]
        page.progress, page.paid = CheckoutProgress.PAID, amount or page.total
        page.intent_id = session_id.replace("cs_", "pi_")
        return page

    def notice(self, session_id: str, kind: str, *, number: int = 1) -> Notice:
        """The event that the provider would send about the page."""
        page = self.pages[session_id]
        subject = {"metadata": page.metadata}
        if kind.startswith("checkout.session."):
            paid = page.progress is CheckoutProgress.PAID
            subject |= {
                "id": session_id,
                "payment_status": "paid" if paid else "unpaid",
                "amount_total": (page.paid or page.total).minor,
                "currency": page.total.currency.lower(),
                "payment_intent": page.intent_id or None,
            }
        else:
            subject |= {"last_payment_error": {"message": "Your card was declined."}}
        event_id = f"evt_{session_id}_{kind}_{number}"
        return Notice(event_id, kind, {"id": event_id, "type": kind, "data": {"object": subject}})
