"""What stands around a dashboard page: rail, switcher, event header."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

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


def _rail(member: Membership, event: Any, current: str) -> list[dict[str, Any]]:
    here = {"organiser": member.organiser.slug}
    groups: list[tuple[str, list[tuple[str, str, str, Permission, dict[str, str]]]]] = [
        (
            "",
            [
                ("home", _("Home"), "home", Permission.VIEW_EVENTS, here),
                ("events:list", _("Events"), "calendar-days", Permission.VIEW_EVENTS, here),
            ],
        )
    ]
    if event is not None:
        there = {**here, "event": event.slug}
        groups.append(
            (
                event.name,
                [
                    ("overview", _("Overview"), "chart-bar", Permission.VIEW_EVENTS, there),
                    (
                        "events:setup",
                        _("Set-up"),
                        "adjustments-horizontal",
                        Permission.VIEW_EVENTS,
                        there,
                    ),
                    ("ticketing:tickets", _("Tickets"), "ticket", Permission.VIEW_EVENTS, there),
                    ("orders:list", _("Orders"), "inbox-stack", Permission.VIEW_ORDERS, there),
                    ("orders:people", _("People"), "users", Permission.VIEW_ORDERS, there),
                    ("door:scan", _("Door"), "qr-code", Permission.SCAN, there),
                ],
            )
        )
    groups.append(
        (
            _("Organiser"),
            [
                ("accounts:team", _("Team"), "user-group", Permission.MANAGE_TEAM, here),
                (
                    "accounts:settings",
                    _("Settings"),
                    "cog-6-tooth",
                    Permission.MANAGE_ORGANISER,
                    here,
                ),
            ],
        )
    )
    rail = []
    for label, items in groups:
        allowed = [
            {
                "label": text,
                "url": reverse(f"dashboard:{name}" if ":" not in name else name, kwargs=kwargs),
                "icon": icon,
                "current": name == current,
            }
            for name, text, icon, permission, kwargs in items
            if member.may(permission)
        ]
        if allowed:
            rail.append({"label": label, "items": allowed})
    return rail


def _switcher(request: HttpRequest, member: Membership) -> list[dict[str, Any]]:
    return [
        {
            "name": other.organiser.name,
            "url": reverse("dashboard:home", kwargs={"organiser": other.organiser.slug}),
            "current": other.pk == member.pk,
        }
        for other in memberships_of(request.user)  # type: ignore[arg-type]
    ]
