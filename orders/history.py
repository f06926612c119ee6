"""The audit log of an order, told to people."""

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _

from orders.models import DeliveryKind, PaymentMethod, RefundReason
from tiqqo.core.models import AuditEntry

_TONES = {
    "order.settled": "positive",
    "order.accepted": "positive",
    "order.lapsed": "negative",
    "payment.declined": "caution",
    "payment.refused": "negative",
    "payment.not_accepted": "negative",
    "refund.elsewhere": "caution",
    "dispute.opened": "negative",
    "dispute.won": "positive",
    "dispute.lost": "negative",
    "order.given_back": "negative",
    "mail.failed": "negative",
    "refund.failed": "negative",
    "substitute.offered": "caution",
    "substitute.accepted": "positive",
    "order.canceled": "negative",
    "order.expired": "negative",
}


def told(entries: Iterable[AuditEntry]) -> list[dict[str, Any]]:
    """What the timeline shows, newest first."""
    return [
        {
            "at": entry.at,
            "title": _title(entry),
            "text": _text(entry),
            "by": _(entry.actor_label),
            "tone": _TONES.get(entry.action, ""),
        }
        for entry in reversed(list(entries))
    ]


def _title(entry: AuditEntry) -> str:
    return _titles().get(entry.action, entry.action)


def _titles() -> dict[str, str]:
    return {
        "order.placed": _("Order placed"),
        "order.settled": _("Settled"),
        "order.invoice_sent": _("Invoice sent"),
        "order.address_asked": _("Buyer asked to confirm the address"),
        "order.address_confirmed": _("Address confirmed by the buyer"),
        "order.accepted": _("Accepted"),
        "order.due_moved": _("Another date to pay by"),
        "order.lapse_announced": _("Buyer reminded to pay"),
        "order.lapsed": _("Not paid in time, cancelled"),
        "order.canceled": _("Cancelled"),
        "order.expired": _("Not paid in time, places released"),
        "tickets.issued": _("Tickets issued"),
        "tickets.resent": _("Tickets sent again"),
        "payment.opened": _("Payment page opened"),
        "payment.declined": _("Payment declined"),
        "payment.abandoned": _("Payment page closed without payment"),
        "payment.late_but_honoured": _("Paid late; the places were still free"),
        "substitute.offered": _("Paid too late; other tickets offered"),
        "substitute.accepted": _("Other tickets accepted"),
        "substitute.declined": _("Other tickets declined"),
        "substitute.lapsed": _("Nobody took the other tickets"),
        "payment.not_accepted": _("Payment could not be accepted"),
        "refund.requested": _("Refund requested"),
        "payment.refused": _("Payment refused by the payment provider"),
        "order.given_back": _("The whole price goes back: tickets void, places free"),
        "refund.elsewhere": _("Refunded at the payment provider"),
        "refund.succeeded": _("Refunded"),
        "refund.failed": _("Refund failed; give the money back in another way"),
        "refund.not_needed": _("Refund not needed: the money went back at the payment provider"),
        "dispute.opened": _("The buyer’s bank disputes the payment"),
        "dispute.won": _("Dispute won: the money is back"),
        "dispute.lost": _("Dispute lost: the money stays with the buyer"),
        "mail.sent": _("Mail sent"),
        "order.person_erased": _("Somebody was erased on request"),
        "mail.failed": _("Mail could not be sent"),
        "mail.withdrawn": _("Mail not sent, as it was no longer true"),
    }


def _text(entry: AuditEntry) -> str:
    say = _TEXTS.get(entry.action)
    return say(entry.data) if say else ""


def _reason(data: dict[str, Any]) -> str:
    return str(data["reason"])


def _refund_reason(data: dict[str, Any]) -> str:
    return str(RefundReason(data["reason"]).label)


def _bank_reason(data: dict[str, Any]) -> str:
    """The bank's word, such as `product_not_received`."""
    return str(data.get("reason") or "").replace("_", " ")


def _mail(data: dict[str, Any]) -> str:
    return str(DeliveryKind(data["kind"]).label)


_TEXTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "order.placed": lambda data: str(PaymentMethod(data["method"]).label),
    "order.invoice_sent": lambda data: str(data["number"]),
    "order.due_moved": lambda data: str(data["due_on"] or _("without an end")),
    "tickets.issued": lambda data: str(data["count"]),
    "payment.declined": _reason,
    "payment.refused": _reason,
    "payment.not_accepted": _refund_reason,
    "refund.requested": _refund_reason,
    "refund.failed": _reason,
    "dispute.opened": _bank_reason,
    "mail.sent": _mail,
    "mail.failed": _mail,
    "mail.withdrawn": _mail,
}
