"""What the payment provider's events mean here.

Events arrive in any order and more than once; each handler asks only for the state that it reports
and calls an operation that is harmless when repeated.
"""

import logging
from typing import Any

from orders import operations
from orders.models import Payment, ProviderEvent
from tiqqo.core import clock
from tiqqo.core.money import Money
from tiqqo.core.tenancy import tenant_scope

logger = logging.getLogger(__name__)


def handle(stored: ProviderEvent) -> None:
    """The event took effect, once; a kind that means nothing to us is done, too."""
    if stored.handled_at is not None:
        return
    subject = stored.payload["data"]["object"]
    metadata = subject.get("metadata") or {}
    handler = _HANDLERS.get(stored.kind)
    names = [str(metadata.get(name, "")) for name in ("organiser", "payment")]
    if handler and all(name.isdigit() for name in names):
        with tenant_scope(int(names[0])):
            payment = Payment.objects.select_related("order").filter(pk=int(names[1])).first()
            if payment is None:
                logger.error("provider_event.no_payment", extra={"event": stored.provider_id})
            else:
                handler(payment, subject)
    ProviderEvent.objects.filter(pk=stored.pk).update(handled_at=clock.now(), last_error="")


def _session_completed(payment: Payment, session: dict[str, Any]) -> None:
    if session.get("payment_status") == "unpaid":
        return
    operations.confirm_payment(
        payment,
        paid=Money(session["amount_total"], session["currency"].upper()),
        intent_id=session.get("payment_intent") or "",
    )


def _session_expired(payment: Payment, session: dict[str, Any]) -> None:
    operations.abandon_payment(payment)


def _payment_failed(payment: Payment, intent: dict[str, Any]) -> None:
    error = intent.get("last_payment_error") or {}
    operations.record_failure(payment, message=error.get("message") or "")


_HANDLERS = {
    "checkout.session.completed": _session_completed,
    "checkout.session.async_payment_succeeded": _session_completed,
    "checkout.session.async_payment_failed": _session_expired,
    "checkout.session.expired": _session_expired,
    "payment_intent.payment_failed": _payment_failed,
}
