"""Icons, money, time and the other words that templates are made of."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import engines
from django.test import RequestFactory
from django.utils import translation

from tiqqo.core.money import Money
from tiqqo.ui import dates, icons

DOORS = datetime(2026, 12, 12, 19, 0, tzinfo=UTC)


def render(source: str, request=None, **context) -> str:
    return engines["django"].from_string(source).render(context, request)


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("date", "12 December 2026"),
        ("time", "20:00"),
        ("datetime", "Sat 12 Dec 2026, 20:00"),
        ("day", "Sat 12 Dec"),
    ],
)
def test_when_is_told_in_the_zone(style, words):
    found = render("{% when at 'Europe/Amsterdam' style %}", at=DOORS, style=style)

    assert found == f'<time datetime="2026-12-12T19:00:00Z">{words}</time>'


def test_when_tells_its_zone():
    found = render("{% when at 'America/Sao_Paulo' 'time' show_zone=True %}", at=DOORS)

    assert found == '<time datetime="2026-12-12T19:00:00Z">16:00 UTC-03</time>'


@pytest.mark.parametrize("language", ["nl", "de"])
def test_when_speaks_other_languages(language):
    with translation.override(language):
        assert "12" in dates.words_for(DOORS, "Europe/Amsterdam", "day")
        assert dates.words_for(DOORS, "Europe/Amsterdam", "time") == "20:00"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, "Sat 12 Dec 2026, 20:00"),
        (DOORS + timedelta(hours=5), "Sat 12 Dec 2026, 20:00\N{EN DASH}01:00"),
        (
            DOORS + timedelta(days=1),
            "Sat 12 Dec 2026, 20:00\N{THIN SPACE}\N{EN DASH}\N{THIN SPACE}Sun 13 Dec 2026, 20:00",
        ),
    ],
)
def test_range_says_the_day_of_one_evening_once(end, words):
    assert dates.words_for_range(DOORS, end, "Europe/Amsterdam") == words


def test_money_never_breaks():
    assert render("{{ m|amount }}", m=Money(1250, "EUR")) == "€12.50"
    assert render("{{ m|price }}", m=Money(0, "EUR")) == "Free"
    assert render("{{ 1250|money:'EUR' }}") == "€12.50"
    with translation.override("de"):
        assert render("{{ m|amount }}", m=Money(125000, "EUR")) == "1.250,00\N{NO-BREAK SPACE}€"


def test_icon_is_silent_or_labelled():
    if not icons.ICON_DIR.is_dir():
        pytest.skip("heroicons are not installed")
    assert 'aria-hidden="true"' in render("{% icon 'ticket' %}")
    assert 'role="img" aria-label="A &amp; B"' in render("{% icon 'ticket' label %}", label="A & B")


def test_missing_icon_hurts_only_in_debug(settings):
    settings.DEBUG = False
    assert icons.svg("no-such-icon") == ""
    settings.DEBUG = True
    with pytest.raises(icons.IconMissing):
        icons.svg("../24/solid/ticket")


def test_title_repeats_the_heading():
    page = render(
        "{% extends 'layouts/focus.html' %}"
        "{% block heading %}Refund <em>Ana</em> &amp; Co{% endblock %}",
        RequestFactory().get("/"),
    )

    assert "<title>Refund Ana &amp; Co · Tiqqo</title>" in page
    assert "<h1>Refund <em>Ana</em> &amp; Co</h1>" in page


@pytest.mark.parametrize(
    ("referer", "way"),
    [
        ("http://testserver/o/x/", "http://testserver/o/x/"),
        ("https://evil.example/", "/"),
        ("", "/"),
    ],
)
def test_way_back_stays_here(referer, way):
    request = RequestFactory().get("/", headers={"referer": referer})

    assert render("{% way_back %}", request) == way


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana Vermeer", "AV"),
        ("Ana van der Meer", "AM"),
        ("bram@example.com", "B"),
        ("", "?"),
    ],
)
def test_initials(name, letters):
    assert render("{{ name|initials }}", name=name) == letters
