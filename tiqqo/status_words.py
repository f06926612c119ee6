"""How the states of the domain look: word and tone, the same on every screen.

A template library that every template has (`settings.TEMPLATES`).
"""

from django import template
from django.utils.translation import gettext as _

from events.models import Event, EventStatus
from orders.models import DeliveryStatus, DisputeStatus, Order, PaymentStatus, RefundStatus, Stage

register = template.Library()

_EVENT_TONES = {
    EventStatus.PUBLISHED: "positive",
    EventStatus.STARTED: "positive",
    EventStatus.CANCELLED: "negative",
}
_STAGE_TONES = {
    Stage.REQUESTED: "caution",
    Stage.INVOICE_SENT: "info",
    Stage.SETTLED: "positive",
    Stage.CANCELLED: "neutral",
    Stage.REFUNDED: "neutral",
}
_RELEASE_TONES = {
    "on_sale": "positive",
    "scheduled": "info",
    "waiting": "info",
    "paused": "caution",
    "sold_out": "negative",
}
_PROMOTION_TONES = {"running": "positive", "scheduled": "info", "paused": "caution"}
_ALLOCATION_TONES = {"kept": "info", "paused": "caution"}
_WAITLIST_TONES = {"waiting": "info", "offered": "caution", "bought": "positive"}
_WORK_TONES = {
    DeliveryStatus.SENT: "positive",
    DeliveryStatus.FAILED: "negative",
    PaymentStatus.SUCCEEDED: "positive",
    PaymentStatus.PROCESSING: "info",
    RefundStatus.REQUESTED: "caution",
    DisputeStatus.OPEN: "negative",
    DisputeStatus.WON: "positive",
    DisputeStatus.LOST: "negative",
}


@register.filter
def event_tone(event: Event) -> str:
    return _EVENT_TONES.get(EventStatus(event.status), "neutral")


@register.filter
def stage_tone(order: Order) -> str:
    return _STAGE_TONES[order.stage]


@register.filter
def work_tone(status: str) -> str:
    """Of a delivery, a payment, a refund or a dispute."""
    return _WORK_TONES.get(status, "neutral")  # type: ignore[call-overload, no-any-return]


@register.filter
def release_tone(state: str) -> str:
    return _RELEASE_TONES.get(state, "neutral")


@register.filter
def release_words(state: str) -> str:
    return {
        "draft": _("Draft"),
        "hidden": _("Hidden"),
        "scheduled": _("Scheduled"),
        "waiting": _("Waits its turn"),
        "on_sale": _("On sale"),
        "paused": _("Paused"),
        "sold_out": _("Sold out"),
        "closed": _("Closed"),
    }[state]


@register.filter
def promotion_tone(state: str) -> str:
    return _PROMOTION_TONES.get(state, "neutral")


@register.filter
def promotion_words(state: str) -> str:
    return {
        "running": _("Active"),
        "scheduled": _("Scheduled"),
        "paused": _("Paused"),
        "over": _("Over"),
    }[state]


@register.filter
def allocation_tone(state: str) -> str:
    return _ALLOCATION_TONES.get(state, "neutral")


@register.filter
def allocation_words(state: str) -> str:
    return {"kept": _("Set aside"), "paused": _("Paused"), "returned": _("Back on sale")}[state]


@register.filter
def offer_reason(state: str) -> str:
    """Why a row of the shop cannot be bought."""
    return {
        "sold_out": _("Sold out"),
        "ended": _("No longer on sale"),
        "paused": _("Sales are paused for a moment"),
        "scheduled": "",
    }.get(state, "")


@register.filter
def waitlist_tone(status: str) -> str:
    return _WAITLIST_TONES.get(status, "neutral")
