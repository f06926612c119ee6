"""What the pages below `tickets/` share: their tabs and their place in the rail.

A code or a partner's link is worth money to whoever knows it, so only those who may make one see them.
Whoever waits in line is a person, as buyers are.
"""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from events.models import Event

TABS = (
    ("ticketing:tickets", _("Ticket types"), Permission.VIEW_EVENTS),
    ("ticketing:slots", _("Time slots"), Permission.VIEW_EVENTS),
    ("ticketing:codes", _("Codes"), Permission.EDIT_EVENTS),
    ("ticketing:allocations", _("Allocations"), Permission.EDIT_EVENTS),
    ("ticketing:waitlist", _("Waitlist"), Permission.VIEW_ORDERS),
    ("ticketing:inventory", _("Inventory"), Permission.VIEW_EVENTS),
)


def tickets_page(
    request: Any,
    template: str,
    event: Event,
    context: dict[str, Any],
    *,
    tab: str = "ticketing:tickets",
    bound: bool = False,
) -> HttpResponse:
    """A page of the tickets section; 422 for a form that was refused."""
    where = {"organiser_slug": request.member.organiser.slug, "event_slug": event.slug}
    tabs = [
        {"label": label, "url": reverse(route, kwargs=where), "current": route == tab}
        for route, label, permission in TABS
        if request.member.may(permission)
    ]

    def url_for(permission: Permission, route: str) -> str:
        """Numbers lead to their rows for those who may see them."""
        return reverse(route, kwargs=where) if request.member.may(permission) else ""

    urls = {
        "orders_url": url_for(Permission.VIEW_ORDERS, "orders:list"),
        "aside_url": url_for(Permission.EDIT_EVENTS, "ticketing:allocations"),
        "line_url": url_for(Permission.VIEW_ORDERS, "ticketing:waitlist"),
    }
    return render_dashboard(
        request,
        template,
        {"tabs": tabs, **urls, **context},
        current="ticketing:tickets",
        event=event,
        status=422 if bound else 200,
    )


def to_tab(request: Any, event: Event, route: str = "ticketing:tickets") -> HttpResponse:
    return redirect(route, organiser_slug=request.member.organiser.slug, event_slug=event.slug)
