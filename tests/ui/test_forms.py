"""Money and local time as people type them, and how a form says what is wrong."""

from datetime import UTC, datetime

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from tiqqo.core.errors import DomainError
from tiqqo.ui.forms import (
    Explained,
    FormRenderer,
    LocalDateTimeField,
    MoneyField,
    Stepper,
    TiqqoForm,
    refusals,
)


class TicketForm(TiqqoForm):
    fieldsets = (("Price", (("name", "price"),)),)

    default_renderer = FormRenderer
    name = forms.CharField(help_text="Buyers read it.")
    price = MoneyField(currency="EUR")
    starts_at = LocalDateTimeField(zone="Europe/Amsterdam", required=False)
    kind = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[("paid", Explained("Paid", "At a price you set")), ("free", "Free")],
    )
    most = forms.IntegerField(widget=Stepper(least=1, most=9), required=False)
    agreed = forms.BooleanField(label="The terms")


def rendered(form: forms.Form) -> html.HtmlElement:
    return html.fromstring(f"<main>{form}</main>")


# Money ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12.50", "EUR", 1250),
        ("12,50", "EUR", 1250),
        ("12,5", "EUR", 1250),
        ("12", "EUR", 1200),
        (" € 12.50 ", "EUR", 1250),
        ("12.50 EUR", "EUR", 1250),
        (",50", "EUR", 50),
        ("12.", "EUR", 1200),
        ("1.250,00", "EUR", 125000),
        ("1,250.00", "EUR", 125000),
        ("1.234.567", "EUR", 123456700),
        ("1'250.00", "EUR", 125000),
        ("1\N{NO-BREAK SPACE}250,00", "EUR", 125000),
        ("0", "EUR", 0),
        ("1200", "JPY", 1200),
        ("1.250", "KWD", 1250),
        ("12.500", "EUR", 1250),
    ],
)
def test_money_is_read_as_typed(typed, currency, minor):
    assert MoneyField(currency=currency).clean(typed) == minor


@pytest.mark.parametrize(
    ("typed", "currency", "code"),
    [
        ("12.505", "EUR", "too_fine"),
        ("1,255", "EUR", "too_fine"),
        ("12.5", "JPY", "whole"),
        ("twelve", "EUR", "invalid"),
        ("1e3", "EUR", "invalid"),
        ("NaN", "EUR", "invalid"),
        ("12.50.00", "EUR", "invalid"),
        ("1,2.3,4", "EUR", "invalid"),
        (".", "EUR", "invalid"),
        ("--5", "EUR", "invalid"),
        ("-0.01", "EUR", "too_small"),
        ("1000000000.01", "EUR", "too_large"),
        ("", "EUR", "required"),
    ],
)
def test_money_is_refused_with_a_reason(typed, currency, code):
    with pytest.raises(ValidationError) as refusal:
        MoneyField(currency=currency).clean(typed)

    assert refusal.value.code == code


def test_a_single_point_before_thousands_is_never_read_as_thousands():
    with pytest.raises(ValidationError) as refusal:
        MoneyField(currency="EUR").clean("1.255")

    assert refusal.value.messages == [
        (
            "Enter an amount with at most 2 digits after the point and no separators for thousands, "
            "such as 12.50."
        )
    ]


@given(
    st.integers(0, 10**11),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.sampled_from(["en", "de"]),
)
def test_money_shown_is_money_read(minor, currency, language):
    field = MoneyField(currency=currency)

    with translation.override(language):
        assert field.clean(field.prepare_value(minor)) == minor


def test_money_of_an_optional_field_may_be_missing():
    assert MoneyField(required=False).clean("") is None


def test_money_may_be_negative_where_allowed():
    assert MoneyField(min_minor=None).clean("-3,20") == -320


def test_money_has_changed_only_if_the_amount_did():
    field = MoneyField()

    assert not field.has_changed(1250, "12,5")
    assert field.has_changed(1250, "12,51")


def test_money_takes_another_currency_later():
    form = TicketForm(initial={"price": 1200})
    form.fields["price"].currency = "JPY"

    page = rendered(form)

    assert page.xpath("//input[@name='price']/@value") == ["1200"]
    assert "".join(page.find_class("affix__before")[0].itertext()) == "¥"
    assert TicketForm().fields["price"].currency == "EUR"


# Time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "instant"),
    [
        ("2026-06-20T19:30", datetime(2026, 6, 20, 17, 30, tzinfo=UTC)),
        ("2026-12-20 19:30", datetime(2026, 12, 20, 18, 30, tzinfo=UTC)),
        ("2026-12-20T19:30:15", datetime(2026, 12, 20, 18, 30, 15, tzinfo=UTC)),
    ],
)
def test_local_time_becomes_utc(typed, instant):
    assert LocalDateTimeField(zone="Europe/Amsterdam").clean(typed) == instant


def test_time_that_the_clocks_skip_is_refused():
    with pytest.raises(ValidationError) as refusal:
        LocalDateTimeField(zone="Europe/Amsterdam").clean("2026-03-29T02:30")

    assert refusal.value.messages == [
        (
            "Clocks go forward that night in Amsterdam and 02:30 does not exist. "
            "Choose 03:30 or another time."
        )
    ]


def test_time_that_comes_twice_means_the_first():
    instant = LocalDateTimeField(zone="Europe/Amsterdam").clean("2026-10-25T02:30")

    assert instant == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["2026-02-30T10:00", "2026-06-20", "soon", "2026-06-20T10:00Z"])
def test_what_is_no_local_time_is_refused(typed):
    with pytest.raises(ValidationError) as refusal:
        LocalDateTimeField(zone="Europe/Amsterdam").clean(typed)

    assert refusal.value.code == "invalid"


def test_instant_is_shown_on_the_wall_clock_of_its_zone():
    form = TicketForm(initial={"starts_at": datetime(2026, 6, 20, 17, 30, tzinfo=UTC)})

    page = rendered(form)

    assert page.xpath("//input[@name='starts_at']/@value") == ["2026-06-20T19:30"]
    assert "".join(page.find_class("affix__after")[0].itertext()) == "Amsterdam time"


def test_unchanged_time_has_not_changed():
    field = LocalDateTimeField(zone="Europe/Amsterdam")
    instant = datetime(2026, 6, 20, 17, 30, 12, tzinfo=UTC)

    assert not field.has_changed(instant, "2026-06-20T19:30")
    assert field.has_changed(instant, "2026-06-20T19:31")


# The form -------------------------------------------------------------------------------


def test_summary_links_to_every_field_with_an_error():
    page = rendered(TicketForm({"price": "12.505"}))
    summary = page.find_class("error-summary")[0]

    assert summary.get("role") == "alert"
    assert [(link.get("href"), link.text_content()) for link in summary.iter("a")] == [
        ("#id_name", "Fill in “Name”."),
        (
            "#id_price",
            (
                "Enter an amount with at most 2 digits after the point and no separators for "
                "thousands, such as 12.50."
            ),
        ),
        ("#id_kind_0", "Choose an answer for “Kind”."),
        ("#id_agreed", "Tick “The terms” to go on."),
    ]
    for link in summary.iter("a"):
        assert page.get_element_by_id(link.get("href")[1:]).tag == "input"


def test_input_is_described_by_its_hint_and_its_error():
    page = rendered(TicketForm({}))
    field = page.get_element_by_id("id_name")

    assert field.get("aria-invalid") == "true"
    described = [page.get_element_by_id(name) for name in field.get("aria-describedby").split()]
    assert [" ".join(part.text_content().split()) for part in described] == [
        "Buyers read it.",
        "Error: Fill in “Name”.",
    ]
    fieldset = page.xpath("//fieldset[legend[normalize-space()='Kind']]")[0]
    assert fieldset.get("aria-describedby") == "id_kind_error"


def test_every_input_has_a_label_and_ids_are_unique():
    page = rendered(TicketForm({}))
    ids = page.xpath("//@id")

    assert len(ids) == len(set(ids))
    for field in page.iter("input"):
        assert page.xpath("//label[@for=$id]", id=field.get("id")), field.get("name")


def test_only_optional_fields_are_marked_and_nothing_is_required_by_the_browser():
    page = rendered(TicketForm())

    marked = [
        label.text_content() for label in page.iter("label") if "optional" in label.text_content()
    ]
    assert [" ".join(text.split()) for text in marked] == [
        "Starts at (optional)",
        "Most (optional)",
    ]
    assert not page.xpath("//*[@required]")


def test_fields_outside_of_fieldsets_still_show():
    assert set(rendered(TicketForm()).xpath("//input/@name")) == set(TicketForm.base_fields)


def test_refusal_stands_at_its_field_or_on_top():
    class TooMany(DomainError):
        field = "most"
        message = "Only 2 are left."

    form = TicketForm({"name": "Day", "price": "1", "kind": "paid", "agreed": "on"})
    assert form.is_valid()

    with refusals(form):
        raise TooMany
    with refusals(form):
        raise DomainError("The event has ended.")

    assert form.errors == {
        "most": ["Only 2 are left."],
        "__all__": ["The event has ended."],
    }


def test_other_errors_pass_through():
    with pytest.raises(KeyError), refusals(TicketForm({})):
        raise KeyError
