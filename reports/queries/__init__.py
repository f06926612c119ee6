"""Numbers across the apps; read only."""

from reports.queries.action_items import Need, NeedKind, needs_of
from reports.queries.pages import Home, NextEvent, Overview, Sales, home_of, overview_of, sales_of
from reports.queries.series import (
    CheckoutFunnel,
    EventCourse,
    MethodSales,
    MoneyByDay,
    SalesByDay,
    SalesByType,
    TypeSales,
    checkout_funnel,
    course_of,
    sales_by_day,
    sales_by_method,
    sales_by_type,
    tickets_by_event,
)

__all__ = [
    "CheckoutFunnel",
    "EventCourse",
    "Home",
    "MethodSales",
    "MoneyByDay",
    "Need",
    "NeedKind",
    "NextEvent",
    "Overview",
    "Sales",
    "SalesByDay",
    "SalesByType",
    "TypeSales",
    "checkout_funnel",
    "course_of",
    "home_of",
    "needs_of",
    "overview_of",
    "sales_by_day",
    "sales_by_method",
    "sales_by_type",
    "sales_of",
    "tickets_by_event",
]
