"""What most specimens share: one event, its tickets, its orders, and the forms about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms

from tiqqo.core import clock
from tiqqo.core.money import Money
from tiqqo.ui.addresses import MailAddressField
from tiqqo.ui.forms import Explained, LocalDateTimeField, MoneyField, Stepper, TiqqoForm

ZONE = "Europe/Amsterdam"
DOORS = datetime(2026, 12, 12, 19, 0, tzinfo=UTC)
NOON = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)


def euro(minor: int) -> Money:
    return Money(minor, "EUR")


class ReleaseSpecimen(TiqqoForm):
    fieldsets = (
        ("What it costs", ("name", ("price", "most"))),
        ("When it is sold", (("starts_at", "ends_at"), "end_rule")),
        (
            "For the buyer",
            ("description", "category", "channels", "is_highlighted", "image"),
        ),
    )

    name = forms.CharField(
        label="Name", help_text="Buyers read it on the shop page and on their ticket."
    )
    price = MoneyField(label="Price", currency="EUR", help_text="With tax, as the buyer pays it.")
    most = forms.IntegerField(label="Most per order", widget=Stepper(least=1, most=20))
    starts_at = LocalDateTimeField(label="On sale from", zone=ZONE)
    ends_at = LocalDateTimeField(label="Until", zone=ZONE, required=False)
    end_rule = forms.ChoiceField(
        label="What ends it",
        widget=forms.RadioSelect,
        choices=[
            (
                "date",
                Explained("Its date", "The next release opens when this one closes."),
            ),
            (
                "stock",
                Explained("Its number", "Sold out first, or by its date, whichever is first."),
            ),
            ("hand", Explained("You", "It stays open until you close it.")),
        ],
    )
    description = forms.CharField(label="Description", widget=forms.Textarea, required=False)
    category = forms.ChoiceField(
        label="Category",
        choices=[
            ("", "Choose one"),
            ("day", "Day ticket"),
            ("weekend", "Weekend ticket"),
        ],
    )
    channels = forms.MultipleChoiceField(
        label="Sold in",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            ("shop", "The shop"),
            ("desk", "The orders desk"),
            ("door", "At the door"),
        ],
    )
    is_highlighted = forms.BooleanField(
        label="Mark as selling fast", required=False, help_text="Only while it is true."
    )
    image = forms.FileField(label="Picture", required=False)


class SignInSpecimen(TiqqoForm):
    email = MailAddressField(
        label="E-mail address", widget=forms.EmailInput({"autocomplete": "email"})
    )
    phone = forms.CharField(
        label="Phone",
        disabled=True,
        required=False,
        initial="+31 20 555 01 23",
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "tel"}),
    )


class OrderFilterSpecimen(TiqqoForm):
    mark_optional = False

    q = forms.CharField(label="Name, e-mail or code", required=False)
    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[("", "Any"), ("settled", "Settled"), ("requested", "Requested")],
    )
    method = forms.ChoiceField(
        label="Payment",
        required=False,
        choices=[("", "Any"), ("card", "Card"), ("invoice", "Invoice")],
    )


def context() -> dict[str, Any]:
    filled = {
        "name": "Early bird",
        "price": 2450,
        "most": 6,
        "starts_at": NOON,
        "end_rule": "date",
        "category": "day",
        "channels": ["shop", "desk"],
    }
    wrong = {
        "name": "",
        "price": "24,505",
        "most": "0",
        "starts_at": "2026-03-29T02:30",
        "description": "Access to all three stages, from doors to the last encore.",
    }
    return {
        "zone": ZONE,
        "now": NOON,
        "colours": COLOURS,
        "type_sizes": ("display", "title", "large", "body", "small", "tiny"),
        "tones": TONES,
        "form": ReleaseSpecimen(initial=filled, auto_id="plain_%s"),
        "form_wrong": ReleaseSpecimen(
            {f"wrong-{name}": value for name, value in wrong.items()}, prefix="wrong"
        ),
        "form_short": SignInSpecimen(auto_id="short_%s"),
        "form_filters": OrderFilterSpecimen(auto_id="filter_%s"),
        "doors": DOORS,
        "close": DOORS + timedelta(hours=5, minutes=30),
        "soon": clock.now() + timedelta(minutes=14, seconds=32),
        "very_soon": clock.now() + timedelta(seconds=95),
        "in_days": clock.now() + timedelta(days=2, hours=3),
        "past": NOON,
        "tiles": TILES,
        "steps": STEPS,
        "entries": ENTRIES,
        "releases": RELEASES,
        "orders": ORDERS,
        "matrix": MATRIX,
        "lines": LINES,
        "total": euro(7547),
        "price": euro(2450),
        "was": euro(3200),
        "nothing": euro(0),
        "long_title": "Internationaal Kamermuziekfestival voor Strijkkwartetten en Aanverwante "
        "Bezettingen aan de Prinsengracht",
        "long_text": "Three evenings, eleven quartets and a late concert in the dark. The ticket is "
        "for all of them, with a seat of your choice in the hall and a glass of wine in the "
        "interval. Doors open an hour before the first note.",
        "tabs": [
            {"label": "All", "url": "#tabs", "current": True, "count": "1,204"},
            {"label": "Requested", "url": "#tabs", "count": "18"},
            {"label": "Invoice sent", "url": "#tabs", "count": "7"},
            {"label": "Settled", "url": "#tabs", "count": "1,161"},
            {"label": "Refunded", "url": "#tabs", "count": "18"},
        ],
        "crumbs": [
            {"label": "Orders", "url": "#breadcrumbs"},
            {"label": "K7QF-2M9X", "url": "#breadcrumbs"},
            {"label": "Refund"},
        ],
        "tasks": TASKS,
        "facts": ["Row F, seat 12", "Vegetarian"],
    }


COLOURS = [
    "canvas",
    "surface",
    "sunken",
    "line",
    "line-strong",
    "ink",
    "ink-soft",
    "positive",
    "positive-wash",
    "caution",
    "caution-wash",
    "negative",
    "negative-wash",
    "info",
    "info-wash",
    "accent",
    "accent-ink",
    "accent-text",
]

TONES = (
    ("positive", "On sale"),
    ("caution", "12 left"),
    ("negative", "Sold out"),
    ("info", "Opens Friday"),
    ("neutral", "Draft"),
)

TILES = (
    {"label": "Tickets sold", "value": "612", "note": "44 % of 1,400", "url": "#kpi"},
    {
        "label": "Revenue",
        "value": "€14,932.40",
        "note": "+12 % on last week",
        "tone": "positive",
    },
    {"label": "Views → paid", "value": "6.8 %", "note": "9,004 views", "url": "#kpi"},
    {
        "label": "Available now",
        "value": "€4,310.00",
        "note": "€820.00 held",
        "tone": "caution",
    },
    {"label": "Refunded", "value": "€0.00"},
)

STEPS = (
    {
        "title": "Add tickets",
        "helper": "2 ticket types on sale",
        "done": True,
        "url": "#checklist",
    },
    {
        "title": "Say when and where",
        "helper": "Buyers look for the date and the address first.",
        "icon": "map-pin",
        "done": False,
        "url": "#checklist",
        "action": "Add the venue",
    },
    {
        "title": "Set up payouts",
        "helper": "Tickets can be sold before; money leaves after.",
        "icon": "banknotes",
        "done": False,
        "url": "#checklist",
        "action": "Add an account",
    },
    {
        "title": "Publish",
        "helper": "The shop opens to everybody.",
        "icon": "rocket-launch",
        "done": False,
        "url": "#checklist",
        "action": "Publish event",
    },
    {
        "title": "Confirm your e-mail address",
        "helper": "ana@paradiso.example",
        "done": True,
    },
)

ENTRIES = (
    {
        "at": NOON,
        "title": "Refund of €24.00 went through",
        "by": "Ana Vermeer",
        "text": "“Fell ill, could not come.” The ticket is void and its seat is on sale again.",
        "tone": "negative",
    },
    {
        "at": NOON - timedelta(days=3),
        "title": "Tickets sent to ana@example.com",
        "by": "Tiqqo",
    },
    {
        "at": NOON - timedelta(days=3, minutes=1),
        "title": "Order settled",
        "by": "Card ending 4242",
        "tone": "positive",
        "url": "#timeline",
    },
    {
        "at": NOON - timedelta(days=3, minutes=6),
        "title": "Order started",
        "by": "Buyer",
    },
)

RELEASES = (
    {
        "name": "Early bird",
        "starts_at": NOON - timedelta(days=50),
        "ends_at": NOON - timedelta(days=20),
        "price": euro(2450),
        "tone": "negative",
        "status": "Sold out",
        "url": "#releases_timeline",
    },
    {
        "name": "Regular",
        "starts_at": NOON - timedelta(days=20),
        "ends_at": NOON + timedelta(days=30),
        "price": euro(3200),
        "tone": "positive",
        "status": "On sale",
        "url": "#releases_timeline",
    },
    {
        "name": "Last call",
        "starts_at": NOON + timedelta(days=30),
        "ends_at": None,
        "price": euro(3900),
        "tone": "info",
        "status": "Scheduled",
        "url": "#releases_timeline",
    },
)

ORDERS = (
    {
        "code": "K7QF2M9X",
        "name": "Ana Vermeer",
        "email": "ana@example.com",
        "at": NOON,
        "count": 2,
        "total": euro(7547),
        "tone": "positive",
        "stage": "Settled",
    },
    {
        "code": "0H3TZ8WB",
        "name": "Stichting Nieuwe Muziek Oosterparkbuurt",
        "email": "boekhouding@nieuwemuziek.example",
        "at": NOON - timedelta(hours=5),
        "count": 40,
        "total": euro(128000),
        "tone": "info",
        "stage": "Invoice sent",
    },
    {
        "code": "9XKD41MV",
        "name": "Bram de Wit",
        "email": "bram@example.com",
        "at": NOON - timedelta(days=1),
        "count": 1,
        "total": euro(2450),
        "tone": "caution",
        "stage": "Requested",
    },
    {
        "code": "4PRT6C2N",
        "name": "Chidi Okafor",
        "email": "chidi@example.com",
        "at": NOON - timedelta(days=2),
        "count": 3,
        "total": euro(9600),
        "tone": "negative",
        "stage": "Refunded",
    },
    {
        "code": "ZV8Q5J0E",
        "name": "Dita Novák",
        "email": "dita@example.com",
        "at": NOON - timedelta(days=2),
        "count": 1,
        "total": euro(0),
        "tone": "neutral",
        "stage": "Cancelled",
    },
)

MATRIX = {
    "columns": ["Card", "Invoice", "Sponsored", "Free"],
    "rows": [
        {
            "label": "Requested",
            "cells": [
                {"value": 3, "url": "#matrix", "note": "€96.00"},
                {"value": 15, "url": "#matrix", "note": "€4,210.00"},
                {"value": 0},
                {"value": 0},
            ],
            "total": 18,
        },
        {
            "label": "Invoice sent",
            "cells": [
                {"value": 0},
                {"value": 7, "url": "#matrix", "note": "€2,080.00"},
                {"value": 0},
                {"value": 0},
            ],
            "total": 7,
        },
        {
            "label": "Settled",
            "cells": [
                {"value": 1042, "url": "#matrix", "note": "€33,344.00"},
                {"value": 88, "url": "#matrix", "note": "€12,740.00"},
                {"value": 9, "url": "#matrix"},
                {"value": 22, "url": "#matrix"},
            ],
            "total": 1161,
        },
    ],
    "totals": [1045, 110, 9, 22, 1186],
}

LINES = (
    {"label": "2 × Early bird", "amount": euro(4900)},
    {"label": "1 × Late concert", "amount": euro(2500), "note": "Doors 23:00"},
    {"label": "Service fee", "amount": euro(147), "note": "incl. €0.26 VAT"},
)

TASKS = tuple(
    {
        "title": title,
        "event": event,
        "at": at,
        "zone": ZONE,
        "tone": tone,
        "icon": icon,
        "url": "#tasks",
        "action": action,
    }
    for title, event, at, tone, icon, action in (
        (
            "3 mails could not be sent",
            "Strings in the Dark",
            NOON,
            "negative",
            "envelope",
            "See the orders",
        ),
        (
            "7 orders of €2,080.00 together wait for their invoices",
            "Winter Meeting",
            NOON - timedelta(days=2),
            "caution",
            "document-text",
            "Send the invoices",
        ),
        (
            "Early bird closes soon",
            "Internationaal Kamermuziekfestival voor Strijkkwartetten",
            NOON + timedelta(days=1),
            "info",
            "ticket",
            "See the tickets",
        ),
        (
            "The draft has no tickets yet",
            "Late concert",
            None,
            "neutral",
            "pencil-square",
            "Add tickets",
        ),
    )
)
