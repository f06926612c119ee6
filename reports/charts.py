"""The series of `reports.queries` as charts of home, overview and reports."""

from django.utils.translation import gettext as _

from reports.queries.series import (
    CheckoutFunnel,
    EventCourse,
    MethodSales,
    MoneyByDay,
    SalesByDay,
    SalesByType,
)
from tiqqo.ui import charts
from tiqqo.ui.charts import Bar, Bars, Limit, Plot, Series


def tickets_per_day(sales: SalesByDay) -> Plot:
    return charts.columns(
        "tickets-per-day", _("Tickets per day"), sales.days, Series(_("Tickets"), sales.tickets)
    )


def money_per_day(sales: SalesByDay, money: MoneyByDay) -> Plot:
    """Revenue, and what went back below the line."""
    unit = charts.money_in(money.currency)
    name = f"revenue-per-day-{money.currency.lower()}"
    revenue = Series(_("Revenue"), money.revenue)
    if not any(money.refunds):
        return charts.columns(name, _("Revenue per day"), sales.days, revenue, unit=unit)
    return charts.stacked(
        name,
        _("Revenue and refunds per day"),
        sales.days,
        (revenue, Series(_("Refunds"), money.refunds)),
        unit=unit,
    )


def sold_so_far(course: EventCourse, *, capacity: int | None) -> Plot:
    return charts.line(
        "sold-so-far",
        _("Sold since the sale opened"),
        course.days,
        [Series(_("Tickets"), course.running)],
        limit=None if capacity is None else Limit(_("Capacity"), capacity),
        is_filled=True,
        is_running=True,
    )


def types_per_day(sales: SalesByType) -> Plot:
    """The best selling types; from the fifth on they share one colour."""
    ranked = sorted(sales.types, key=lambda kind: -kind.tickets)
    shown = ranked if len(ranked) <= charts.MOST_SERIES else ranked[: charts.MOST_SERIES - 1]
    series = [Series(kind.name, kind.course) for kind in shown]
    if rest := ranked[len(shown) :]:
        courses = zip(*(kind.course for kind in rest), strict=True)
        series.append(Series(_("Others"), tuple(sum(day) for day in courses)))
    return charts.stacked("types-per-day", _("Tickets per day, by type"), sales.days, series)


def types_sold(sales: SalesByType) -> Bars:
    return charts.bars(
        "types-sold",
        _("Tickets sold by type"),
        [Bar(kind.name, (kind.tickets,), note=str(kind.amount)) for kind in sales.types],
    )


def methods_used(sales: list[MethodSales], currency: str) -> Bars:
    return charts.bars(
        "methods-used",
        _("Ordered by payment method"),
        [Bar(str(row.method.label), (row.amount.minor,)) for row in sales],
        unit=charts.money_in(currency),
    )


def checkout_steps(funnel: CheckoutFunnel) -> Bars:
    return charts.bars(
        "checkout-steps",
        _("From basket to ticket"),
        [
            Bar(_("Put tickets in the basket"), (funnel.held,)),
            Bar(_("Gave their name"), (funnel.ordered,)),
            Bar(_("Got their tickets, or an invoice"), (funnel.confirmed,)),
        ],
    )
