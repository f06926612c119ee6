"""Home, event overview and reports."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.access import member_view
from accounts.models import Membership, Organiser
from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from events.queries import event_or_404
from events.readiness import Item as ChecklistItem
from reports.action_items import action_items_for
from reports.charts import (
    checkout_steps,
    methods_used,
    money_per_day,
    sold_so_far,
    tickets_per_day,
    types_per_day,
    types_sold,
)
from reports.queries import (
    Overview,
    SalesByDay,
    checkout_funnel,
    course_of,
    home_of,
    overview_of,
    sales_by_day,
    sales_by_method,
    sales_by_type,
)
from tiqqo.ui import charts

PERIODS = (30, 90, 365)
_STEPS = {
    "dates": ("calendar-days", _("Set the date")),
    "place": ("map-pin", _("Add the place")),
    "tickets": ("ticket", _("Add tickets")),
    "contact": ("envelope", _("Open settings")),
    "payment": ("credit-card", _("Choose")),
    "privacy": ("shield-check", _("Add the notice")),
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
            "tasks": action_items_for(member, page.needs),
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


def _address_of(step: ChecklistItem, here: dict[str, str], member: Membership) -> str:
    """Where a step is taken; nothing for those who may not open the page."""
    if not step.is_of_organiser:
        return reverse(step.page, kwargs=here)
    if not member.may(Permission.MANAGE_ORGANISER):
        return ""
    return reverse(step.page, kwargs={"organiser_slug": here["organiser_slug"]})


@member_view(Permission.VIEW_EVENTS)
@require_GET
def overview(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    page = overview_of(event)
    here = {"organiser_slug": request.member.organiser.slug, "event_slug": event_slug}
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
                    "url": _address_of(step, here, request.member),
                }
                for step in page.steps
            ],
            **(_course(page) if page.sales.orders and may_see_orders else {}),
            "may_edit": request.member.may(Permission.EDIT_EVENTS),
            "may_see_orders": may_see_orders,
            "may_scan": request.member.may(Permission.SCAN),
        },
        current="overview",
        event=event,
    )


def _course(page: Overview) -> dict[str, Any]:
    """How the sale went so far."""
    event = page.event
    return {
        "sold_chart": sold_so_far(course_of(event), capacity=page.sales.capacity),
        "types_chart": types_sold(sales_by_type(event)),
    }


@member_view(Permission.VIEW_ORDERS)
@require_GET
def reports(request: Any) -> HttpResponse:
    """The organiser's last days: tickets, and the money of every currency."""
    days = _days(request)
    sales = sales_by_day(request.member.organiser, days=days)
    return render_dashboard(
        request,
        "reports/reports.html",
        {
            "days": days,
            "periods": _periods(days),
            "charts": _charts(sales),
        },
        current="reports",
    )


def _charts(sales: SalesByDay) -> list[charts.Plot]:
    """None where nothing was sold or given back."""
    money = [money_per_day(sales, course) for course in sales.money if course.has_moved]
    return [tickets_per_day(sales), *money] if sales.ticket_count or money else []


@member_view(Permission.VIEW_ORDERS)
@require_GET
def event_reports(request: Any, event_slug: str) -> HttpResponse:
    """One event: what sells when, of which type, how it is paid, and where baskets are left."""
    event = event_or_404(event_slug)
    days = _days(request)
    sales = sales_by_type(event, days=days)
    return render_dashboard(
        request,
        "reports/event_reports.html",
        {
            "days": days,
            "periods": _periods(days),
            "per_day": types_per_day(sales) if any(any(t.course) for t in sales.types) else None,
            "types_chart": types_sold(sales),
            "methods_chart": methods_used(sales_by_method(event), event.currency),
            "funnel_chart": checkout_steps(checkout_funnel(event)),
        },
        current="event_reports",
        event=event,
    )


def _days(request: Any) -> int:
    """The period that is asked for; whatever is none of ours means the first."""
    asked = request.GET.get("days", "")
    return next((days for days in PERIODS if asked == str(days)), PERIODS[0])


def _periods(chosen: int) -> list[dict[str, Any]]:
    """The tabs."""
    return [
        {
            "label": ngettext("%(count)s day", "%(count)s days", days) % {"count": days},
            "url": f"?days={days}",
            "current": days == chosen,
        }
        for days in PERIODS
    ]
