"""Home and event overview."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.access import member_view
from accounts.models import Organiser
from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from events.queries import event_or_404
from reports.charts import checkout_steps, methods_used, sold_so_far, tickets_per_day, types_sold
from reports.needs import tasks_for
from reports.queries import (
    Overview,
    checkout_funnel,
    course_of,
    home_of,
    overview_of,
    sales_by_day,
    sales_by_method,
    sales_by_type,
)
from tiqqo.ui import charts

_STEPS = {
    "dates": ("calendar-days", _("Set the date")),
    "place": ("map-pin", _("Add the place")),
    "tickets": ("ticket", _("Add tickets")),
    "payment": ("credit-card", _("Choose")),
}


@member_view(Permission.VIEW_EVENTS)
@require_GET
def home(request: Any) -> HttpResponse:
    member = request.member
    page = home_of(member.organiser)
    may_see_orders = member.may(Permission.VIEW_ORDERS)
    return render_dashboard(
        request,
        "reports/home.html",
        {
            "home": page,
            "tasks": tasks_for(member, page.needs),
            "upcoming": [
                {"row": row, "spark": charts.sparkline(row.course)} for row in page.upcoming
            ],
            **(_last_days(member.organiser) if may_see_orders and not page.is_new else {}),
            "may_create": member.may(Permission.EDIT_EVENTS),
            "may_see_money": member.may(Permission.VIEW_FINANCE),
            "may_see_orders": may_see_orders,
        },
        current="home",
    )


def _last_days(organiser: Organiser) -> dict[str, Any]:
    """The tiles and the chart of the last thirty days."""
    sales = sales_by_day(organiser)
    than = str(_("the 30 days before"))
    return {
        "sales": sales,
        "tickets_spark": charts.sparkline(sales.tickets),
        "tickets_change": charts.change(sales.ticket_count, sales.tickets_earlier, than=than),
        "money": [
            {
                "course": money,
                "spark": charts.sparkline(money.revenue, unit=charts.money_in(money.currency)),
                "change": charts.change(money.total.minor, money.earlier, than=than),
            }
            for money in sales.money
        ],
        "tickets_chart": tickets_per_day(sales),
    }


@member_view(Permission.VIEW_EVENTS)
@require_GET
def overview(request: Any, event: str) -> HttpResponse:
    found = event_or_404(event)
    page = overview_of(found)
    here = {"organiser": request.member.organiser.slug, "event": event}
    may_see_orders = request.member.may(Permission.VIEW_ORDERS)
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
                    "icon": _STEPS[step.code][0],
                    "action": _STEPS[step.code][1],
                    "done": step.is_done,
                    "url": reverse(step.page, kwargs=here),
                }
                for step in page.steps
            ],
            **(_course(page) if page.sales.orders and may_see_orders else {}),
            "may_edit": request.member.may(Permission.EDIT_EVENTS),
            "may_see_orders": may_see_orders,
            "may_scan": request.member.may(Permission.SCAN),
        },
        current="overview",
        event=found,
    )


def _course(page: Overview) -> dict[str, Any]:
    """How the sale went so far."""
    event = page.event
    return {
        "sold_chart": sold_so_far(course_of(event), capacity=page.sales.capacity),
        "types_chart": types_sold(sales_by_type(event)),
        "methods_chart": methods_used(sales_by_method(event), event.currency),
        "funnel_chart": checkout_steps(checkout_funnel(event)),
    }
