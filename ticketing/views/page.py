"""What the pages below `tickets/` share: their tabs and their place in the rail."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from events.models import Event

TABS = (
    ("ticketing:tickets", _("Ticket types")),
    ("ticketing:slots", _("Time slots")),
    ("ticketing:codes", _("Codes")),
    ("ticketing:allocations", _("Allocations")),
    ("ticketing:waitlist", _("Waitlist")),
    ("ticketing:inventory", _("Inventory")),
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
    where = {"organiser": request.member.organiser.slug, "event": event.slug}
    tabs = [
        {"label": label, "url": reverse(route, kwargs=where), "current": route == tab}
        for route, label in TABS
    ]
    # Numbers lead to their orders for those who may see them.
    sees_orders = request.member.may(Permission.VIEW_ORDERS)
    orders_url = reverse("orders:list", kwargs=where) if sees_orders else ""
    return render_dashboard(
        request,
        template,
        {"tabs": tabs, "orders_url": orders_url, **context},
        current="ticketing:tickets",
        event=event,
        status=422 if bound else 200,
    )


def to_tab(request: Any, event: Event, route: str = "ticketing:tickets") -> HttpResponse:
    return redirect(route, organiser=request.member.organiser.slug, event=event.slug)
