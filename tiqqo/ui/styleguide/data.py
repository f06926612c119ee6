"""Charts and the patterns of audience, campaigns, reports and payouts, in every state."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from django.http import QueryDict

from tiqqo.core.money import Money
from tiqqo.ui import charts
from tiqqo.ui.charts import Bar, Limit, Series, money_in
from tiqqo.ui.sentences import read_sentence
from tiqqo.ui.statements import Line, Section, Statement
from tiqqo.ui.styleguide import large_lists
from tiqqo.ui.styleguide.basics import NOON, ZONE, euro
from tiqqo.ui.work import Work

DAY = timedelta(days=1)
TODAY = date(2026, 10, 20)
EURO = money_in("EUR")
_ASKED = "0.0.field=bought&0.0.count=2&1.0.field=lives&1.0.city=Amsterdam&1.1.field=lives&1.1.city=Haarlem"


def context() -> dict[str, Any]:
    asked = read_sentence(large_lists.GRAMMAR, QueryDict(_ASKED))
    wrong = read_sentence(large_lists.GRAMMAR, QueryDict("0.0.field=bought&0.0.count=two"))
    nobody = read_sentence(
        large_lists.GRAMMAR,
        QueryDict("0.0.field=spent&0.0.euros=90000&1.0.field=news&1.0.answer=no"),
    )
    return {
        "charts": _charts(),
        "odd_charts": _odd_charts(),
        "chart_loading": charts.columns("chart-loading", "Loading", (), Series("Tickets", ())),
        "chart_broken": charts.columns("chart-broken", "Failed", (), Series("Tickets", ())),
        "chart_narrow": charts.columns(
            "chart-narrow", "Tickets per day", _days(30), Series("Tickets", _sales(3, 30, 11))
        ),
        "nothing_yet": (),
        "bars_methods": _methods(),
        "bars_types": _types(),
        "bars_none": charts.bars("bars-none", "Payment methods", ()),
        "sparks": _sparks(),
        "kpis": _kpis(),
        "work": Work(1840, 3112, NOON - timedelta(minutes=8, seconds=40), NOON),
        "work_slow": Work(3, 40, NOON - timedelta(minutes=30), NOON),
        "work_failed": Work(1203, 3112, NOON - timedelta(minutes=5), NOON),
        "process": PROCESS,
        "process_wrong": PROCESS_WRONG,
        "sentence": asked,
        "sentence_answer": large_lists.answer(asked.clauses),
        "sentence_wrong": wrong,
        "sentence_nobody": nobody,
        "sentence_nobody_answer": large_lists.answer(nobody.clauses),
        "sentence_start": read_sentence(large_lists.GRAMMAR, QueryDict("")),
        "statement": _statement(),
        "statement_quiet": _quiet_statement(),
        "story": STORY,
        "story_kinds": STORY_KINDS,
        "releases_troubled": _troubled_releases(),
        "releases_many": _many_releases(),
        "many": large_lists.orders_after(0),
        "many_total": large_lists.ORDERS_COUNT,
    }


# Charts ---------------------------------------------------------------------------------


def _days(count: int, last: date = TODAY) -> list[date]:
    return [last - (count - 1 - index) * DAY for index in range(count)]


def _sales(seed: int, count: int, level: float) -> tuple[int, ...]:
    """More at the week's end, and a peak when the newsletter went out."""
    random = Random(seed)
    return tuple(
        round(level * (1.9 if index % 7 in (4, 5) else 1) * random.uniform(0.4, 1.4))
        + (round(level * 4) if index == count // 2 else 0)
        for index in range(count)
    )


def _charts() -> list[charts.Plot]:
    days = _days(30)
    tickets = _sales(3, 30, 11)
    refunds = tuple(-2450 * ((index * 7) % 5 == 1) * (index % 3) for index in range(30))
    running = [sum(tickets[: index + 1]) * 2 for index in range(22)]
    return [
        charts.columns("chart-tickets", "Tickets per day", days, Series("Tickets", tickets)),
        charts.line(
            "chart-running",
            "Sold since the sale opened",
            days,
            [
                Series("This year", (*running, *([None] * 8))),
                Series("Last year", tuple(round(i**1.55 * 2.6) for i in range(30))),
            ],
            limit=Limit("Capacity", 700),
            is_filled=True,
            is_running=True,
        ),
        charts.stacked(
            "chart-types",
            "Tickets per day, by type",
            _days(14),
            [
                Series(name, _sales(seed, 14, level))
                for name, seed, level in (
                    ("Regular", 5, 9),
                    ("Early bird", 6, 5),
                    ("Student", 7, 3),
                    ("Weekend", 8, 3),
                    ("Sponsor", 9, 1),
                )
            ],
        ),
        charts.stacked(
            "chart-revenue",
            "Revenue and refunds per day",
            days,
            [
                Series("Revenue", tuple(2450 * count for count in tickets)),
                Series("Refunds", refunds),
            ],
            unit=EURO,
        ),
    ]


def _odd_charts() -> list[charts.Plot]:
    """What data can do to a chart."""
    days = _days(14)
    years = [date(2022 + month // 12, month % 12 + 1, 1) for month in range(50)]
    return [
        charts.columns("chart-zeros", "All zero", days, Series("Tickets", (0,) * 14)),
        charts.line("chart-one", "One day", days[:1], [Series("Tickets", (12,))]),
        charts.line(
            "chart-huge",
            "Huge numbers, four years",
            years,
            [Series("Revenue", tuple(9_400_000_00 + i * i * 3_100_000 for i in range(50)))],
            unit=EURO,
            is_filled=True,
        ),
        charts.line(
            "chart-gaps",
            "A balance below zero, with days missing",
            days,
            [
                Series(
                    "Balance",
                    (
                        *(120_00, 80_00, 20_00, -45_00, -110_00, None, -60_00),
                        *(None, None, 15_00, 90_00, 145_00, 210_00, 160_00),
                    ),
                )
            ],
            unit=EURO,
            is_running=True,
        ),
        charts.columns("chart-empty", "Nothing sold yet", (), Series("Tickets", ())),
    ]


def _methods() -> charts.Bars:
    return charts.bars(
        "bars-methods",
        "Payment methods",
        [
            Bar("Card", (33_344_00,), "#chart_bars", "1,042 orders"),
            Bar("Invoice", (19_030_00,), "#chart_bars", "110 orders"),
            Bar("Sponsored", (2_205_00,), "#chart_bars", "9 orders"),
            Bar("In person", (0,), "#chart_bars", "no orders"),
        ],
        unit=EURO,
    )


def _types() -> charts.Bars:
    rows: Sequence[tuple[str, tuple[int, int, int]]] = (
        ("Regular", (412, 18, 170)),
        ("Early bird", (200, 0, 0)),
        ("Student, with a card that is shown at the door", (61, 4, 35)),
        ("Weekend", (38, 0, 462)),
    )
    return charts.bars(
        "bars-types",
        "Places by ticket type",
        [Bar(name, values, "#chart_bars") for name, values in rows],
        parts=("Sold", "In checkout", "Free"),
    )


def _sparks() -> list[tuple[str, charts.Sparkline]]:
    return [
        ("Tickets of the last 14 days", charts.sparkline(_sales(3, 14, 11))),
        ("Balance", charts.sparkline((40_00, 90_00, -30_00, -80_00, 20_00), unit=EURO)),
        ("All the same", charts.sparkline((4,) * 14)),
        ("All zero", charts.sparkline((0,) * 14)),
        ("One day", charts.sparkline((7,))),
        ("Nothing", charts.sparkline(())),
    ]


def _kpis() -> list[dict[str, Any]]:
    before = "the 30 days before"
    return [
        {
            "label": "Tickets sold",
            "value": "612",
            "url": "#kpi",
            "change": charts.change(612, 546, than=before),
            "spark": charts.sparkline(_sales(3, 14, 11)),
        },
        {
            "label": "Revenue",
            "value": "€14,932.40",
            "url": "#kpi",
            "change": charts.change(1_493_240, 1_620_000, than=before),
            "spark": charts.sparkline(tuple(reversed(_sales(4, 14, 24)))),
        },
        {
            "label": "Refunded",
            "value": "€48.00",
            "url": "#kpi",
            "change": charts.change(4800, 2400, than=before, is_more_better=False),
        },
        {
            "label": "Orders",
            "value": "294",
            "url": "#kpi",
            "change": charts.change(294, 294, than=before),
        },
        {"label": "At the door", "value": "0", "note": "of 612 expected"},
        {"label": "Views", "loading": True},
        {"label": "Available now", "error": True, "retry_url": "#kpi"},
        {"label": "Next payout", "empty": "No sales yet"},
    ]


# Processes ------------------------------------------------------------------------------

PROCESS = (
    {"label": "Audience", "url": "#steps", "state": "done"},
    {"label": "Message", "url": "#steps", "state": "current"},
    {"label": "Schedule", "state": "ahead"},
    {"label": "Review", "state": "ahead"},
)
PROCESS_WRONG = (
    {"label": "Audience", "url": "#steps", "state": "done"},
    {
        "label": "Message",
        "url": "#steps",
        "state": "done",
        "error": "The subject is missing.",
    },
    {"label": "Schedule", "url": "#steps", "state": "done"},
    {"label": "Review", "state": "current"},
)

_HOUR = timedelta(hours=1)
STORY = (
    {
        "at": NOON,
        "title": "Let in at the main door",
        "by": "Sam Deur",
        "icon": "check-circle",
        "tone": "positive",
    },
    {
        "at": NOON - 2 * _HOUR,
        "title": "Opened “See you on Saturday”",
        "by": "Campaign, sent to 3,112 people",
        "icon": "envelope-open",
        "url": "#timeline",
    },
    {
        "at": NOON - 30 * _HOUR,
        "title": "Refund of €24.50 went through",
        "by": "Ana Vermeer",
        "text": "“My sister fell ill.” One ticket is void and its place is on sale again.",
        "icon": "arrow-uturn-left",
        "tone": "negative",
        "url": "#timeline",
    },
    {
        "at": NOON - 31 * _HOUR,
        "title": "Asked for a refund of one ticket",
        "by": "Order page",
        "icon": "chat-bubble-left-right",
        "tone": "caution",
    },
    {
        "at": NOON - 216 * _HOUR,
        "title": "Tickets sent to ana@example.com",
        "by": "Tiqqo",
        "icon": "paper-airplane",
    },
    {
        "at": NOON - 216 * _HOUR,
        "title": "Bought 2 × Early bird for €49.00",
        "by": "Card ending 4242",
        "icon": "ticket",
        "tone": "positive",
        "url": "#timeline",
    },
)
STORY_KINDS = (
    {"label": "Everything", "url": "#timeline", "current": True, "count": 46},
    {"label": "Orders", "url": "#timeline", "count": 12},
    {"label": "Messages", "url": "#timeline", "count": 31},
    {"label": "Door", "url": "#timeline", "count": 3},
)


# Money ----------------------------------------------------------------------------------


def _statement() -> Statement:
    start = datetime(2026, 10, 1, tzinfo=UTC) - 2 * _HOUR

    def lines(label: str, code: str, amounts: Sequence[int]) -> list[Line]:
        return [
            Line(start + index * 20 * _HOUR, label, f"{code}{index + 1}", euro(minor), "#statement")
            for index, minor in enumerate(amounts, start=1)
        ]

    return Statement(
        number="2026-10",
        starts_at=start,
        ends_at=start + 30 * DAY,
        zone=ZONE,
        account="NL91 ABNA 0417 1643 00",
        opening=euro(128_40),
        sections=[
            Section(
                "Ticket sales",
                lines("Payment", "K7QF2M9", (4900, 2450, 9800, 7350)),
                note="Paid by card",
                amount=euro(33_344_00),
                count=1042,
                url="#statement",
            ),
            Section(
                "Service fees",
                lines("Fee", "K7QF2M9", (-147, -98, -245)),
                note="€0.49 and 2 % of each ticket",
                amount=euro(-1_176_86),
                count=1042,
                url="#statement",
            ),
            Section("Refunds", lines("Refund", "4PRT6C2", (-2450, -4900))),
            Section(
                "Disputes",
                lines("Disputed payment", "9XKD41M", (-7350,)),
                note="Answer until 4 Nov to keep the money",
            ),
            Section("Reserve", note="Held until the event is over", amount=euro(-1_667_20)),
        ],
        paid_out=euro(28_000_00),
        notes=[
            "Fees include 21 % VAT of €204.25.",
            "What is held for the reserve is released on 19 Dec 2026.",
        ],
    )


def _quiet_statement() -> Statement:
    start = datetime(2026, 7, 1, tzinfo=UTC) - 2 * _HOUR
    return Statement("2026-07", start, start + 31 * DAY, ZONE, euro(0), [], Money(0, "EUR"))


# Releases -------------------------------------------------------------------------------


def _release(name: str, opens: int | None, closes: int | None, tone: str, status: str) -> Any:
    return {
        "name": name,
        "starts_at": None if opens is None else NOON + opens * DAY,
        "ends_at": None if closes is None else NOON + closes * DAY,
        "price": euro(2450 + 250 * len(name)),
        "tone": tone,
        "status": status,
        "url": "#releases_timeline",
    }


def _troubled_releases() -> list[Any]:
    return [
        _release("Early bird", -50, -20, "negative", "Sold out"),
        _release("Regular", -12, 20, "positive", "On sale"),
        _release("Members", 10, 40, "info", "Scheduled"),
    ]


def _many_releases() -> list[Any]:
    found = [
        _release(f"Week {number}", -70 + 7 * number, -63 + 7 * number, "neutral", "Closed")
        for number in range(1, 10)
    ]
    found.append(_release("Week 10, with a name that says all of it", 0, 7, "positive", "On sale"))
    found += [
        _release(f"Week {number}", 7 * (number - 10), 7 * (number - 9), "info", "Scheduled")
        for number in range(11, 13)
    ]
    return [*found, _release("Last call", 21, None, "info", "Scheduled")]
