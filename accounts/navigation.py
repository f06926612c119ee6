"""What stands around a dashboard page: rail, switcher, event header."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import Permission
from accounts.queries import memberships_of


def render_dashboard(
    request: Any,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    current: str,
    event: Any = None,
    status: int = 200,
) -> HttpResponse:
    """A dashboard page with its rail; `current` names the item that it stands for."""
    member: Membership = request.member
    return render(
        request,
        template,
        {
            "member": member,
            "organiser": member.organiser,
            "event": event,
            "nav": _rail(member, event, current),
            "organisers": _switcher(request, member),
            **(context or {}),
        },
        status=status,
    )


@dataclass(frozen=True, slots=True)
class Item:
    """A link of the rail. `code` names the page; pages of `reports` live in the route `dashboard`."""

    code: str
    label: Promise
    icon: str
    permission: Permission

    @property
    def route(self) -> str:
        return self.code if ":" in self.code else f"dashboard:{self.code}"


_HOME = (
    Item("home", _("Home"), "home", Permission.VIEW_EVENTS),
    Item("events:list", _("Events"), "calendar-days", Permission.VIEW_EVENTS),
    Item("reports", _("Reports"), "presentation-chart-line", Permission.VIEW_ORDERS),
)
_EVENT = (
    Item("overview", _("Overview"), "chart-bar", Permission.VIEW_EVENTS),
    Item("events:setup", _("Set-up"), "adjustments-horizontal", Permission.VIEW_EVENTS),
    Item("ticketing:tickets", _("Tickets"), "ticket", Permission.VIEW_EVENTS),
    Item("orders:list", _("Orders"), "inbox-stack", Permission.VIEW_ORDERS),
    Item("orders:people", _("People"), "users", Permission.VIEW_ORDERS),
    Item("door:scan", _("Door"), "qr-code", Permission.SCAN),
    Item("event_reports", _("Reports"), "presentation-chart-line", Permission.VIEW_ORDERS),
)
_ORGANISER = (
    Item("accounts:team", _("Team"), "user-group", Permission.MANAGE_TEAM),
    Item("accounts:security", _("Security"), "finger-print", Permission.MANAGE_TEAM),
    Item("accounts:settings", _("Settings"), "cog-6-tooth", Permission.MANAGE_ORGANISER),
)


def _rail(member: Membership, event: Any, current: str) -> list[dict[str, Any]]:
    """The groups of the rail with what this member may open."""
    here = {"organiser_slug": member.organiser.slug}
    groups = [_group("", _HOME, here, member, current)]
    if event is not None:
        groups.append(
            _group(event.name, _EVENT, {**here, "event_slug": event.slug}, member, current)
        )
    groups.append(_group(gettext("Organiser"), _ORGANISER, here, member, current))
    return [group for group in groups if group["items"]]


def _group(
    label: str, items: tuple[Item, ...], where: dict[str, str], member: Membership, current: str
) -> dict[str, Any]:
    return {
        "label": label,
        "items": [
            {
                "label": item.label,
                "url": reverse(item.route, kwargs=where),
                "icon": item.icon,
                "current": item.code == current,
            }
            for item in items
            if member.may(item.permission)
        ],
    }


def _switcher(request: HttpRequest, member: Membership) -> list[dict[str, Any]]:
    return [
        {
            "name": other.organiser.name,
            "url": reverse("dashboard:home", kwargs={"organiser_slug": other.organiser.slug}),
            "current": other.pk == member.pk,
        }
        for other in memberships_of(request.user)  # type: ignore[arg-type]
    ]
