"""What the payment provider has, held against what is here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from orders import operations, payments
from orders.models import Payment, PaymentStatus, ProviderEvent, Refund, RefundStatus
from orders.provider_events import NotYet, handle
from orders.providers import provider
from orders.providers.base import CheckoutProgress, CheckoutRecord, RefundProgress, RefundState
from tiqqo.core.tenancy import platform_scope, tenant_scope


@dataclass(frozen=True, slots=True)
class Difference:
    """Something at the provider, and what is here instead. `is_mended` says whether it is so no more."""

    subject: str
    there: str
    here: str
    is_mended: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    events: int
    """Reported to nobody before, and handled now."""
    payments: int
    refunds: int
    """Looked at."""
    differences: list[Difference]

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs any more."""
        return all(difference.is_mended for difference in self.differences)


def reconcile(since: datetime) -> Reconciliation:
    """Every payment and refund that the provider has had since then is here as it is there, or is named.

    Events that no webhook brought are handled first. Money that is there and unknown here is kept as
    unmatched. Raises ProviderFailure.
    """
    events = sum(_take_up(notice.provider_id) for notice in _stored_notices(since))
    checkouts = [found for found in provider().checkouts_since(since) if _is_ours(found)]
    refunds = list(provider().refunds_since(since))
    differences = [
        *(difference for found in checkouts for difference in _differences_of(found)),
        *(difference for found in refunds for difference in _refund_differences(found)),
    ]
    return Reconciliation(events, len(checkouts), len(refunds), differences)


def _stored_notices(since: datetime) -> Iterator[ProviderEvent]:
    for notice in payments.missed_notices(since):
        stored = operations.store_event(notice)
        if stored is not None:
            yield stored


def _take_up(provider_id: str) -> int:
    try:
        handle(ProviderEvent.objects.get(provider_id=provider_id))
    except NotYet:
        return 0
    return 1


def _is_ours(found: CheckoutRecord) -> bool:
    return found.installation == settings.BASE_URL


def _differences_of(found: CheckoutRecord) -> Iterator[Difference]:
    if found.state.progress is not CheckoutProgress.PAID:
        return
    subject = f"payment of order {found.order_code} ({found.state.intent_id})"
    there = f"paid {found.state.paid}"
    payment = _payment(Q(session_id=found.state.session_id))
    if payment is None:
        operations.keep_unmatched(
            intent_id=found.state.intent_id,
            paid=found.state.paid,
            order_code=found.order_code,
            reference=found.reference,
        )
        yield Difference(subject, there, "unknown; kept, and given back by itself", is_mended=True)
        return
    if payment.status != PaymentStatus.SUCCEEDED:
        with tenant_scope(payment.organiser_id):
            payments.settle_by(found.state, payment)
        yield Difference(subject, there, f"{payment.status}; settled now", is_mended=True)
    elif payment.captured_minor != found.state.paid.minor:
        here = f"{payment.status} with {payment.captured_minor} {payment.currency}"
        yield Difference(subject, there, here, is_mended=False)


def _payment(is_it: Q) -> Payment | None:
    with platform_scope("hold the provider's payments against ours"):
        payment: Payment | None = Payment.objects.select_related("order").filter(is_it).first()
    return payment


_SAME = {
    RefundProgress.PENDING: {RefundStatus.PROCESSING, RefundStatus.SUCCEEDED},
    RefundProgress.SUCCEEDED: {RefundStatus.SUCCEEDED},
    RefundProgress.FAILED: {RefundStatus.FAILED},
    RefundProgress.CANCELED: {RefundStatus.FAILED, RefundStatus.CANCELED},
}


def _refund_differences(state: RefundState) -> Iterator[Difference]:
    payment = _payment(Q(intent_id=state.intent_id)) if state.intent_id else None
    if payment is None:
        operations.note_unmatched_refund(intent_id=state.intent_id, refund_id=state.refund_id)
        return
    with tenant_scope(payment.organiser_id):
        ours = Refund.objects.filter(provider_id=state.refund_id).first()
        if ours is not None and ours.status in _SAME[state.progress]:
            return
        here = ours.status if ours else "unknown"
        refund = operations.follow_refund(payment, state)
        yield Difference(
            f"refund of order {payment.order.code} ({state.refund_id})",
            f"{state.progress} {state.amount}",
            f"{here}; {refund.status} now",
            is_mended=refund.status in _SAME[state.progress],
        )
