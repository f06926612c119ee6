"""Home and event overview."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import member_view
from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from events.queries import event_or_404
from reports.queries import home_of, overview_of

_STEP_ICONS = {
    "dates": "calendar-days",
    "place": "map-pin",
    "tickets": "ticket",
    "payment": "credit-card",
}


@member_view(Permission.VIEW_EVENTS)
@require_GET
def home(request: Any) -> HttpResponse:
    return render_dashboard(
        request,
        "reports/home.html",
        {
            "home": home_of(request.member.organiser),
            "may_create": request.member.may(Permission.EDIT_EVENTS),
            "may_see_money": request.member.may(Permission.VIEW_FINANCE),
            "may_see_orders": request.member.may(Permission.VIEW_ORDERS),
        },
        current="home",
    )


@member_view(Permission.VIEW_EVENTS)
@require_GET
def overview(request: Any, event: str) -> HttpResponse:
    found = event_or_404(event)
    page = overview_of(found)
    here = {"organiser": request.member.organiser.slug, "event": event}
    return render_dashboard(
        request,
        "reports/overview.html",
        {
            "page": page,
            "shop_url": settings.BASE_URL + reverse("shop:event", kwargs=here),
            "steps": [
                {
                    "title": step.title,
                    "helper": step.hint,
                    "icon": _STEP_ICONS.get(step.code, "minus"),
                    "done": step.is_done,
                    "url": reverse(step.page, kwargs=here),
                }
                for step in page.steps
            ],
            "may_edit": request.member.may(Permission.EDIT_EVENTS),
            "may_see_orders": request.member.may(Permission.VIEW_ORDERS),
            "may_scan": request.member.may(Permission.SCAN),
        },
        current="overview",
        event=found,
    )
