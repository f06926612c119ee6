"""Figures, amounts, dates and spans as each language writes them."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import translation

from tiqqo.core.locales import number, percent, plain_decimal
from tiqqo.core.money import Money
from tiqqo.ui import dates
from tiqqo.ui.forms import MoneyField

NB = "\N{NO-BREAK SPACE}"
THIN = "\N{THIN SPACE}"
DOORS = datetime(2026, 12, 12, 19, 0, tzinfo=UTC)
AMSTERDAM = "Europe/Amsterdam"


@pytest.fixture(params=["en", "nl", "de"])
def language(request):
    with translation.override(request.param):
        yield request.param


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (2450, "EUR", {"en": "€24.50", "nl": f"€{NB}24,50", "de": f"24,50{NB}€"}),
        (125000, "EUR", {"en": "€1,250.00", "nl": f"€{NB}1.250,00", "de": f"1.250,00{NB}€"}),
        (-2450, "EUR", {"en": "-€24.50", "nl": f"€{NB}-24,50", "de": f"-24,50{NB}€"}),
        (2500, "JPY", {"en": "¥2,500", "nl": f"JP¥{NB}2.500", "de": f"2.500{NB}¥"}),
        (2500, "KWD", {"en": f"KWD{NB}2.500", "nl": f"KWD{NB}2,500", "de": f"2,500{NB}KWD"}),
        (100000, "DKK", {"en": f"DKK{NB}1,000.00", "nl": f"DKK{NB}1.000,00", "de": f"1.000,00{NB}DKK"}),
        (0, "GBP", {"en": "£0.00", "nl": f"£{NB}0,00", "de": f"0,00{NB}£"}),
    ],
)  # fmt: skip
def test_money(language, minor, currency, words):
    assert str(Money(minor, currency)) == words[language]


@pytest.mark.parametrize(
    ("minor", "currency", "typed"),
    [
        (125050, "EUR", {"en": "1250.50", "nl": "1250,50", "de": "1250,50"}),
        (1250, "JPY", {"en": "1250", "nl": "1250", "de": "1250"}),
        (1250, "KWD", {"en": "1.250", "nl": "1,250", "de": "1,250"}),
    ],
)
def test_money_in_a_field_is_as_people_type_it_and_both_marks_are_read(
    language, minor, currency, typed
):
    field = MoneyField(currency=currency)

    assert field.prepare_value(minor) == typed[language]
    assert {field.clean(form) for form in typed.values()} == {minor}


@pytest.mark.parametrize(
    ("basis_points", "words"),
    [
        (900, {"en": "9%", "nl": "9%", "de": f"9{NB}%"}),
        (550, {"en": "5.5%", "nl": "5,5%", "de": f"5,5{NB}%"}),
        (2125, {"en": "21.25%", "nl": "21,25%", "de": f"21,25{NB}%"}),
    ],
)
def test_percentages(language, basis_points, words):
    assert percent(basis_points) == words[language]


def test_numbers(language):
    assert number(1_234_567) == {"en": "1,234,567"}.get(language, "1.234.567")
    assert plain_decimal(Money(5, "EUR").decimal, 2) == {"en": "0.05"}.get(language, "0,05")


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("date", {"en": "12 December 2026", "nl": "12 december 2026", "de": "12. Dezember 2026"}),
        ("short_date", {"en": "12 Dec 2026", "nl": "12 dec 2026", "de": "12. Dez. 2026"}),
        ("day", {"en": "Sat 12 Dec", "nl": "za 12 dec", "de": "Sa., 12. Dez."}),
        ("time", {"en": "20:00", "nl": "20:00", "de": "20:00"}),
        ("weekday", {"en": "Sat", "nl": "za", "de": "Sa"}),
        ("day_number", {"en": "12", "nl": "12", "de": "12"}),
        ("month", {"en": "Dec", "nl": "dec", "de": "Dez"}),
        (
            "datetime",
            {
                "en": "Sat 12 Dec 2026, 20:00 CET",
                "nl": "za 12 dec 2026, 20:00 CET",
                "de": "Sa., 12. Dez. 2026, 20:00 MEZ",
            },
        ),
    ],
)
def test_moments(language, style, words):
    show_zone = style == "datetime"

    assert dates.words_for(DOORS, AMSTERDAM, style, show_zone=show_zone) == words[language]


def test_one_evening(language):
    words = dates.words_for_range(DOORS, DOORS + timedelta(hours=5), AMSTERDAM, show_zone=True)

    assert words == {
        "en": "Sat 12 Dec 2026, 20:00–01:00 CET",
        "nl": "za 12 dec 2026, 20:00–01:00 CET",
        "de": "Sa., 12. Dez. 2026, 20:00–01:00 Uhr MEZ",
    }[language]  # fmt: skip


def test_several_days(language):
    words = dates.words_for_range(DOORS, DOORS + timedelta(days=2), AMSTERDAM)

    assert words == {
        "en": f"Sat 12 Dec 2026, 20:00{THIN}–{THIN}Mon 14 Dec 2026, 20:00",
        "nl": f"za 12 dec 2026, 20:00{THIN}–{THIN}ma 14 dec 2026, 20:00",
        "de": f"Sa., 12. Dez. 2026, 20:00{THIN}–{THIN}Mo., 14. Dez. 2026, 20:00",
    }[language]  # fmt: skip


def test_a_day_without_a_time(language):
    assert dates.words_for_day(date(2026, 3, 1)) == {
        "en": "1 March 2026", "nl": "1 maart 2026", "de": "1. März 2026",
    }[language]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/London", "BST"),
        ("America/Sao_Paulo", "UTC-03"),
        ("America/New_York", "EDT"),
        ("UTC", "UTC"),
    ],
)
def test_zones_without_a_name_of_their_own_keep_the_known_one(language, zone, words):
    assert dates.abbreviation(datetime(2026, 7, 1, tzinfo=UTC), zone) == words


def test_how_long_ago(language):
    with time_machine.travel(DOORS, tick=False):
        assert dates.ago(DOORS - timedelta(minutes=14)) == {
            "en": "14 minutes ago", "nl": "14 minuten geleden", "de": "vor 14 Minuten",
        }[language]  # fmt: skip
        assert dates.ago(DOORS) == {
            "en": "1 second ago", "nl": "1 seconde geleden", "de": "vor 1 Sekunde",
        }[language]  # fmt: skip
        assert dates.ago(DOORS + timedelta(days=2)) == {
            "en": "in 2 days", "nl": "over 2 dagen", "de": "in 2 Tagen",
        }[language]  # fmt: skip


def test_a_language_without_a_country_formats_too():
    with translation.override("fr"):
        assert str(Money(2450, "EUR")) == f"24,50{NB}€"
        assert dates.words_for(DOORS, AMSTERDAM, "day") == "sam. 12 déc."
