"""The audit log of an order, told to people."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from orders.models import PaymentMethod, RefundReason
from tiqqo.core.models import AuditEntry

_TONES = {
    "order.settled": "positive",
    "payment.declined": "caution",
    "payment.not_accepted": "negative",
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
    titles = {
        "order.placed": _("Order placed"),
        "order.settled": _("Settled"),
        "order.invoice_sent": _("Invoice sent"),
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
        "refund.succeeded": _("Refunded"),
        "refund.failed": _("Refund given up; give the money back by hand"),
        "mail.sent": _("Mail sent"),
        "mail.failed": _("Mail could not be sent"),
    }
    return titles.get(entry.action, entry.action)


def _text(entry: AuditEntry) -> str:
    data = entry.data
    if entry.action == "order.placed":
        return str(PaymentMethod(data["method"]).label)
    if entry.action in ("payment.not_accepted", "refund.requested"):
        return str(RefundReason(data["reason"]).label)
    if entry.action == "payment.declined":
        return str(data["reason"])
    if entry.action == "order.invoice_sent":
        return str(data["number"])
    if entry.action == "tickets.issued":
        return str(data["count"])
    return ""
