"""What needs somebody today, in words, for those who may do something about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership
from accounts.permissions import Permission
from reports.queries.action_items import Need, NeedKind


@dataclass(frozen=True, slots=True)
class ActionItem:
    """A row of "what needs me today": what is the matter, and the link to do something about it."""

    title: str
    event: str
    tone: str
    icon: str
    url: str
    action: str
    at: datetime | None
    zone: str


@dataclass(frozen=True, slots=True)
class _Way:
    """How a kind looks, who may mend it, and on which page."""

    tone: str
    icon: str
    permission: Permission
    page: str
    query: str = ""


_UNPAID = {"payment_method": "INVOICE"}
_WAYS = {
    NeedKind.NOBODY_IN: _Way("caution", "qr-code", Permission.SCAN, "door:scan"),
    NeedKind.NO_DOOR_STAFF: _Way("caution", "user-group", Permission.MANAGE_TEAM, "accounts:team"),
    NeedKind.MAILS_FAILED: _Way("negative", "envelope", Permission.VIEW_ORDERS, "orders:list"),
    NeedKind.REFUNDS_STUCK: _Way(
        "negative", "arrow-uturn-left", Permission.VIEW_ORDERS, "orders:list"
    ),
    NeedKind.DISPUTES_OPEN: _Way(
        "negative", "exclamation-triangle", Permission.VIEW_ORDERS, "orders:list"
    ),
    NeedKind.CARDS_REFUSED: _Way("negative", "credit-card", Permission.VIEW_ORDERS, "orders:list"),
    NeedKind.INVOICES_LAPSING: _Way(
        "caution",
        "clock",
        Permission.VIEW_ORDERS,
        "orders:list",
        urlencode(_UNPAID),
    ),
    NeedKind.INVOICES_UNSENT: _Way(
        "caution",
        "document-text",
        Permission.VIEW_ORDERS,
        "orders:list",
        urlencode({"stage": "requested", **_UNPAID}),
    ),
    NeedKind.INVOICES_OVERDUE: _Way(
        "caution",
        "clock",
        Permission.VIEW_ORDERS,
        "orders:list",
        urlencode({"stage": "invoice_sent", **_UNPAID}),
    ),
    NeedKind.RELEASE_SOLD_OUT: _Way("info", "ticket", Permission.EDIT_EVENTS, "ticketing:tickets"),
    NeedKind.RELEASE_CLOSES: _Way("info", "ticket", Permission.EDIT_EVENTS, "ticketing:tickets"),
    NeedKind.SALES_PAUSED: _Way(
        "caution", "pause-circle", Permission.EDIT_EVENTS, "dashboard:overview"
    ),
    NeedKind.DRAFT_WITHOUT_TICKETS: _Way(
        "neutral", "pencil-square", Permission.EDIT_EVENTS, "ticketing:tickets"
    ),
}


def action_items_for(member: Membership, needs: Iterable[Need]) -> list[ActionItem]:
    """Those of `needs` that this member may do something about, in their order."""
    return [
        _action_item(need, member.organiser.slug)
        for need in needs
        if member.may(_WAYS[need.kind].permission)
    ]


def _action_item(need: Need, organiser_slug: str) -> ActionItem:
    way = _WAYS[need.kind]
    here = {"organiser_slug": organiser_slug}
    if way.page != "accounts:team":
        here["event_slug"] = need.event_slug
    query = f"?{way.query}" if way.query else ""
    return ActionItem(
        title=_title(need),
        event=need.event_name,
        tone=way.tone,
        icon=way.icon,
        url=reverse(way.page, kwargs=here) + query,
        action=_action(need.kind),
        at=need.at,
        zone=need.time_zone,
    )


def _title(need: Need) -> str:
    facts = {"count": need.count, "amount": need.amount, "release": need.release_name}
    match need.kind:
        case NeedKind.NOBODY_IN:
            words = _("Nobody has been let in yet")
        case NeedKind.NO_DOOR_STAFF:
            words = _("It is today, and nobody on the team scans")
        case NeedKind.MAILS_FAILED:
            words = ngettext(
                "%(count)s mail could not be sent", "%(count)s mails could not be sent", need.count
            )
        case NeedKind.DISPUTES_OPEN | NeedKind.CARDS_REFUSED | NeedKind.REFUNDS_STUCK:
            words = _payment_title(need)
        case NeedKind.INVOICES_UNSENT:
            words = ngettext(
                "%(count)s order of %(amount)s waits for its invoice",
                "%(count)s orders of %(amount)s together wait for their invoices",
                need.count,
            )
        case NeedKind.INVOICES_LAPSING:
            words = ngettext(
                "%(count)s order of %(amount)s is cancelled within three days if it is not paid",
                "%(count)s orders of %(amount)s together are cancelled within three days if they are not"
                " paid",
                need.count,
            )
        case NeedKind.INVOICES_OVERDUE:
            words = ngettext(
                "%(count)s invoice of %(amount)s is more than two weeks old and not paid",
                "%(count)s invoices of %(amount)s together are more than two weeks old and not paid",
                need.count,
            )
        case NeedKind.RELEASE_SOLD_OUT:
            words = _("%(release)s is sold out")
        case NeedKind.RELEASE_CLOSES:
            words = _("%(release)s closes soon")
        case NeedKind.SALES_PAUSED:
            words = _("Sales are paused")
        case NeedKind.DRAFT_WITHOUT_TICKETS:
            words = _("The draft has no tickets yet")
    return words % facts


def _payment_title(need: Need) -> str:
    """Of what goes on at the payment provider."""
    if need.kind == NeedKind.DISPUTES_OPEN:
        return ngettext(
            "A payment of %(amount)s is disputed: send your evidence in time",
            "%(count)s payments of %(amount)s together are disputed: send your evidence in time",
            need.count,
        )
    if need.kind == NeedKind.CARDS_REFUSED:
        return ngettext(
            "The payment provider refuses the card payment of %(count)s order",
            "The payment provider refuses the card payments of %(count)s orders",
            need.count,
        )
    return ngettext(
        "%(count)s refund of %(amount)s did not go through",
        "%(count)s refunds of %(amount)s together did not go through",
        need.count,
    )


def _action(kind: NeedKind) -> str:
    return {
        NeedKind.NOBODY_IN: _("Open the door"),
        NeedKind.NO_DOOR_STAFF: _("Invite a scanner"),
        NeedKind.MAILS_FAILED: _("See the orders"),
        NeedKind.REFUNDS_STUCK: _("See the orders"),
        NeedKind.DISPUTES_OPEN: _("See the orders"),
        NeedKind.CARDS_REFUSED: _("See the orders"),
        NeedKind.INVOICES_LAPSING: _("See the orders"),
        NeedKind.INVOICES_UNSENT: _("Send the invoices"),
        NeedKind.INVOICES_OVERDUE: _("Remind them"),
        NeedKind.RELEASE_SOLD_OUT: _("See the tickets"),
        NeedKind.RELEASE_CLOSES: _("See the tickets"),
        NeedKind.SALES_PAUSED: _("See the event"),
        NeedKind.DRAFT_WITHOUT_TICKETS: _("Add tickets"),
    }[kind]
