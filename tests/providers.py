"""A payment provider without a network: pages open, are paid, expire, and money goes back."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orders.providers.base import (
    ChargedLine,
    CheckoutPage,
    CheckoutProgress,
    CheckoutRecord,
    CheckoutState,
    Notice,
    ProviderFailure,
    ProviderNotAsked,
    ProviderRefusal,
    RefundProgress,
    RefundState,
    SignatureInvalid,
)
from tiqqo.core import clock
from tiqqo.core.card_amounts import to_provider
from tiqqo.core.money import Money

SIGNATURE = "signed by the provider"


@dataclass
class Page:
    session_id: str
    key: str
    total: Money
    reference: str
    metadata: dict[str, str]
    lines: list[ChargedLine]
    email: str
    closes_at: datetime
    progress: CheckoutProgress = CheckoutProgress.OPEN
    paid: Money | None = None
    intent_id: str = ""


@dataclass
class FakeProvider:
    """Implements `orders.providers.base.PaymentProvider`.

    `is_down` makes every call fail before it does anything, `loses_answers` after it did; `is_resting`
    has none made at all; `refuses` is the final no to every call that makes something.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    made: list[RefundState] = field(default_factory=list)
    by_key: dict[str, RefundState] = field(default_factory=dict)
    refunded: list[tuple[str, Money]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    events: list[Notice] = field(default_factory=list)
    disputed: set[str] = field(default_factory=set)
    is_down: bool = False
    is_resting: bool = False
    loses_answers: bool = False
    forgets_keys: bool = False
    refuses: ProviderRefusal | None = None
    refund_progress: RefundProgress = RefundProgress.SUCCEEDED
    refund_failure: str = ""

    def _called(self, name: str, *, makes: bool = False) -> None:
        if self.is_resting:
            raise ProviderNotAsked("The provider is not asked.")
        self.calls.append(name)
        if self.is_down:
            raise ProviderFailure("The provider does not answer.")
        if makes and self.refuses is not None:
            raise self.refuses

    def _answered(self) -> None:
        if self.loses_answers:
            raise ProviderFailure("The answer was lost.")

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
        self._called("open_checkout", makes=True)
        known = () if self.forgets_keys else self.pages.values()
        page = next((page for page in known if page.key == key), None)
        if page is None:
            total = sum(
                (line.unit * line.quantity for line in lines[1:]), lines[0].unit * lines[0].quantity
            )
            page = Page(
                f"cs_test_{len(self.pages) + 1}",
                key,
                total,
                reference,
                metadata,
                list(lines),
                email,
                closes_at,
            )
            self.pages[page.session_id] = page
        self._answered()
        return CheckoutPage(page.session_id, f"https://provider.test/{page.session_id}")

    def find_checkout(self, reference: str, *, opened_at: datetime) -> CheckoutPage | None:
        self._called("find_checkout")
        for page in self.pages.values():
            if page.reference == reference:
                return CheckoutPage(page.session_id, f"https://provider.test/{page.session_id}")
        return None

    def look_up(self, session_id: str) -> CheckoutState:
        self._called("look_up")
        page = self.pages[session_id]
        return CheckoutState(session_id, page.progress, page.paid or page.total, page.intent_id)

    def close_checkout(self, session_id: str) -> CheckoutState:
        self._called("close_checkout")
        if self.pages[session_id].progress is CheckoutProgress.OPEN:
            self.pages[session_id].progress = CheckoutProgress.EXPIRED
        return self.look_up(session_id)

    def refund(self, intent_id: str, *, amount: Money, reference: str, key: str) -> RefundState:
        self._called("refund", makes=True)
        state = None if self.forgets_keys else self.by_key.get(key)
        if state is None:
            state = self.by_key[key] = self._make_refund(intent_id, amount, reference)
        self._answered()
        return state

    def _make_refund(self, intent_id: str, amount: Money, reference: str = "") -> RefundState:
        page = next((page for page in self.pages.values() if page.intent_id == intent_id), None)
        if page is not None and page.session_id in self.disputed:
            raise ProviderRefusal("The charge is disputed.", code="charge_disputed")
        if page is None:
            raise ProviderRefusal(f"No such payment_intent: {intent_id}", code="resource_missing")
        gone = (RefundProgress.FAILED, RefundProgress.CANCELED)
        given_back = sum(
            each.amount.minor
            for each in self.made
            if each.intent_id == intent_id and each.progress not in gone
        )
        if given_back + amount.minor > (page.paid or page.total).minor:
            raise ProviderRefusal("More than is left.", code="charge_already_refunded")
        state = RefundState(
            f"re_test_{len(self.made) + 1}",
            intent_id,
            amount,
            self.refund_progress,
            reference,
            self.refund_failure,
        )
        self.made.append(state)
        self.refunded.append((intent_id, amount))
        return state

    def refunds_of(self, intent_id: str) -> list[RefundState]:
        self._called("refunds_of")
        return [each for each in self.made if each.intent_id == intent_id]

    def look_up_refund(self, refund_id: str) -> RefundState:
        self._called("look_up_refund")
        return next(each for each in self.made if each.refund_id == refund_id)

    def checkouts_since(self, since: datetime) -> Iterator[CheckoutRecord]:
        self._called("checkouts_since")
        for page in self.pages.values():
            if page.metadata:
                state = CheckoutState(
                    page.session_id, page.progress, page.paid or page.total, page.intent_id
                )
                names = ("installation", "reference", "order")
                yield CheckoutRecord(state, *(page.metadata.get(name, "") for name in names))

    def refunds_since(self, since: datetime) -> Iterator[RefundState]:
        self._called("refunds_since")
        yield from self.made

    def notices_since(self, since: datetime) -> Iterator[Notice]:
        self._called("notices_since")
        yield from self.events

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

    def refund_elsewhere(self, session_id: str, amount: Money) -> RefundState:
        """Somebody gave money back in the provider's own dashboard."""
        return self._make_refund(self.pages[session_id].intent_id, amount)

    def move_refund(
        self, state: RefundState, progress: RefundProgress, failure: str = ""
    ) -> RefundState:
        """The refund went on at the bank."""
        moved = replace(state, progress=progress, failure=failure)
        self.made[[each.refund_id for each in self.made].index(state.refund_id)] = moved
        return moved

    def refund_notice(
        self, state: RefundState, kind: str = "refund.updated", *, number: int = 1
    ) -> Notice:
        """The event that the provider would send about a refund as it stands in `state`."""
        subject = {
            "id": state.refund_id,
            "payment_intent": state.intent_id,
            "amount": to_provider(state.amount),
            "currency": state.amount.currency.lower(),
            "status": state.progress.value,
            "metadata": {"reference": state.reference} if state.reference else {},
            "failure_reason": state.failure or None,
        }
        return self._event(f"evt_{state.refund_id}_{kind}_{state.progress}_{number}", kind, subject)

    def dispute_notice(
        self, session_id: str, status: str, *, kind: str = "charge.dispute.updated", number: int = 1
    ) -> Notice:
        """The event that the provider would send about the dispute of a page's payment."""
        page = self.pages[session_id]
        subject = {
            "id": f"dp_{session_id}",
            "payment_intent": page.intent_id,
            "amount": to_provider(page.paid or page.total),
            "currency": page.total.currency.lower(),
            "status": status,
            "reason": "fraudulent",
            "evidence_details": {"due_by": 1_900_000_000},
        }
        return self._event(f"evt_dp_{session_id}_{kind}_{status}_{number}", kind, subject)

    def _event(self, event_id: str, kind: str, subject: dict[str, Any]) -> Notice:
        return Notice(event_id, kind, {"id": event_id, "type": kind, "data": {"object": subject}})

    def took(self, intent_id: str, amount: Money) -> None:
        """Money came in, and nobody here opened a page for it."""
        session_id = intent_id.replace("pi_", "cs_")
        self.pages[session_id] = Page(
            session_id, session_id, amount, "", {}, [], "", clock.now(),
            progress=CheckoutProgress.PAID, paid=amount, intent_id=intent_id,
        )  # fmt: skip

    def notice(self, session_id: str, kind: str, *, number: int = 1) -> Notice:
        """The event that the provider would send about the page."""
        page = self.pages[session_id]
        subject = {"metadata": page.metadata}
        if kind.startswith("checkout.session."):
            paid = page.progress is CheckoutProgress.PAID
            subject |= {
                "id": session_id,
                "payment_status": "paid" if paid else "unpaid",
                "amount_total": to_provider(page.paid or page.total),
                "currency": page.total.currency.lower(),
                "payment_intent": page.intent_id or None,
            }
        else:
            subject |= {"id": page.intent_id or None}
            subject |= {"last_payment_error": {"message": "Your card was declined."}}
        return self._event(f"evt_{session_id}_{kind}_{number}", kind, subject)
