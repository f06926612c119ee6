"""How forms look, and the fields and widgets that Django does not have."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_symbol
from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.forms.utils import pretty_name
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tiqqo.core.errors import DomainError
from tiqqo.core.locales import current_locale, plain_decimal
from tiqqo.core.money import Money, currency_digits
from tiqqo.ui import dates

MAX_MINOR = 10**11
DATETIME_LOCAL = "%Y-%m-%dT%H:%M"

_SEPARATORS = re.compile(r"[.,]")
_GROUPED = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})*")


class FormRenderer(TemplatesSetting):
    """Label, hint, error, input; with an error summary on top."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields under one legend; each row holds one field, or a few side by side."""

    legend: str | Promise
    rows: tuple[tuple[forms.BoundField, ...], ...]


class FormLayout:
    """Errors come from the server, in one place; `fieldsets` groups the fields.

    `fieldsets = (("When", (("starts_at", "ends_at"), "zone")), …)`; names in an inner tuple share a
    row. Fields that no fieldset names follow at the end.
    """

    use_required_attribute = False
    mark_optional: ClassVar[bool] = True
    fieldsets: ClassVar[Sequence[tuple[str | Promise, Sequence[str | Sequence[str]]]]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            if (
                field.error_messages.get("required")
                == forms.Field.default_error_messages["required"]
            ):
                field.error_messages["required"] = _missing(field, name)

    @property
    def groups(self) -> list[FieldGroup]:
        visible = {field.name: field for field in self.visible_fields()}  # type: ignore[attr-defined]
        groups = []
        for legend, lines in self.fieldsets:
            names = [(line,) if isinstance(line, str) else tuple(line) for line in lines]
            rows = (tuple(visible.pop(name) for name in row if name in visible) for row in names)
            groups.append(FieldGroup(legend, tuple(row for row in rows if row)))
        if visible and groups:
            groups.append(FieldGroup("", tuple((field,) for field in visible.values())))
        return [group for group in groups if group.rows]


def _missing(field: forms.Field, name: str) -> str:
    """What to do about an empty field, by its name: the summary stands far from the field."""
    facts = {"field": field.label or pretty_name(name)}
    if isinstance(field, forms.BooleanField):
        return _("Tick “%(field)s” to go on.") % facts
    if isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
        return _("Choose an answer for “%(field)s”.") % facts
    return _("Fill in “%(field)s”.") % facts


class TiqqoForm(FormLayout, forms.Form):
    """The form to inherit from."""


class TiqqoModelForm(FormLayout, forms.ModelForm):  # type: ignore[type-arg]
    """The model form to inherit from; it cleans, operations save."""


@contextmanager
def refusals(form: forms.BaseForm) -> Iterator[forms.BaseForm]:
    """What the domain refuses inside becomes an error of the form, at its field if it has one."""
    try:
        yield form
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))


@dataclass(frozen=True, slots=True)
class Explained:
    """A choice with a hint: `choices=[("paid", Explained(_("Paid"), _("At a price you set")))]`."""

    label: str | Promise
    hint: str | Promise

    def __str__(self) -> str:
        return str(self.label)


# Money ----------------------------------------------------------------------------------


class MoneyInput(forms.TextInput):
    """An amount with its currency before it."""

    template_name = "components/widgets/money.html"

    def __init__(self, attrs: dict[str, Any] | None = None, currency: str = "EUR") -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})
        self.currency = currency

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["symbol"] = get_currency_symbol(self.currency, locale=current_locale())
        context["widget"]["currency"] = self.currency
        return context


class MoneyField(forms.Field):
    """Typed as 12.50 or 12,50; cleaned to minor units, 1250."""

    widget = MoneyInput
    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": gettext_lazy("Enter an amount in numbers, such as %(example)s."),
        "too_fine": gettext_lazy(
            "Enter an amount with at most %(digits)d digits after the point and no separators for "
            "thousands, such as %(example)s."
        ),
        "whole": gettext_lazy("Enter a whole amount, such as %(example)s."),
        "too_small": gettext_lazy("Enter %(limit)s or more."),
        "too_large": gettext_lazy("Enter %(limit)s or less."),
    }

    def __init__(
        self,
        *,
        currency: str = "EUR",
        min_minor: int | None = 0,
        max_minor: int = MAX_MINOR,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.min_minor, self.max_minor = min_minor, max_minor
        self.currency = currency

    @property
    def currency(self) -> str:
        return self._currency

    @currency.setter
    def currency(self, currency: str) -> None:
        self._currency = currency
        self.widget.currency = currency

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        amount = Money(value, self.currency).decimal
        return plain_decimal(amount, currency_digits(self.currency))

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        if isinstance(value, int):
            return value
        try:
            exact = Decimal(self._plain(str(value)))
        except InvalidOperation:
            raise self._error("invalid") from None
        try:
            return Money.from_decimal(exact, self.currency).minor
        except ValueError:
            digits = currency_digits(self.currency)
            raise self._error("too_fine" if digits else "whole", digits=digits) from None

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is None:
            return
        if self.min_minor is not None and value < self.min_minor:
            raise self._error("too_small", limit=Money(self.min_minor, self.currency))
        if value > self.max_minor:
            raise self._error("too_large", limit=Money(self.max_minor, self.currency))

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True

    def _plain(self, typed: str) -> str:
        """Digits with a point at most. A single separator is always the decimal one, so that no
        amount is read a thousand times too large; two kinds, or one repeated, group thousands."""
        text = (
            "".join(typed.split())
            .replace("'", "")
            .replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
            .replace("\N{MINUS SIGN}", "-")
        )
        for sign in (
            get_currency_symbol(self.currency, locale=current_locale()),
            self.currency,
        ):
            text = text.removeprefix(sign).removesuffix(sign)
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        separators = _SEPARATORS.findall(digits)
        whole, fraction = digits, ""
        if separators and (len(separators) == 1 or len(set(separators)) > 1):
            whole, _mark, fraction = digits.rpartition(separators[-1])
        if len(separators) > 1 and not _GROUPED.fullmatch(whole):
            raise InvalidOperation
        plain = f"{_SEPARATORS.sub('', whole) or '0'}.{fraction or '0'}"
        if not re.fullmatch(r"[0-9]{1,15}\.[0-9]{1,15}", plain) or not (whole or fraction):
            raise InvalidOperation
        return sign + plain

    def _error(self, code: str, **facts: Any) -> ValidationError:
        facts["example"] = self.prepare_value(1250 if currency_digits(self.currency) else 1200)
        return ValidationError(self.error_messages[code], code=code, params=facts)


# Time -----------------------------------------------------------------------------------


class LocalDateTimeInput(forms.DateTimeInput):
    """`datetime-local` with the name of its zone beside it."""

    input_type = "datetime-local"
    template_name = "components/widgets/datetime.html"

    def __init__(self, attrs: dict[str, Any] | None = None, zone: str = "UTC") -> None:
        super().__init__(attrs, format=DATETIME_LOCAL)
        self.zone = zone

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["zone"] = zone_name(self.zone)
        return context


class LocalDateTimeField(forms.Field):
    """Typed as the wall clock of `zone` shows it; cleaned to an instant in UTC.

    When clocks go back and a time comes twice, the first of the two is meant.
    """

    widget = LocalDateTimeInput
    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": gettext_lazy("Enter a date and a time, such as 2026-06-20 19:30."),
        "nonexistent": gettext_lazy(
            "Clocks go forward that night in %(zone)s and %(time)s does not exist. "
            "Choose %(instead)s or another time."
        ),
    }

    def __init__(self, *, zone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone

    @property
    def zone(self) -> str:
        return self._zone

    @zone.setter
    def zone(self, zone: str) -> None:
        self._zone = zone
        self.widget.zone = zone

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        wall = value if isinstance(value, datetime) else self._parsed(str(value))
        if wall.tzinfo is not None:
            return wall.astimezone(UTC)
        zone = ZoneInfo(self.zone)
        instant = wall.replace(tzinfo=zone).astimezone(UTC)
        back = instant.astimezone(zone).replace(tzinfo=None)
        if back != wall:
            raise ValidationError(
                self.error_messages["nonexistent"],
                code="nonexistent",
                params={
                    "zone": _place(self.zone),
                    "time": dates.words_for_clock(wall),
                    "instead": dates.words_for_clock(back),
                },
            )
        return instant

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            before, after = self.to_python(initial), self.to_python(data)
        except ValidationError:
            return True
        if before is not None:
            before = before.replace(second=0, microsecond=0)
        return before != after

    def _parsed(self, typed: str) -> datetime:
        try:
            wall = datetime.fromisoformat(typed.strip())
        except ValueError:
            wall = None
        if wall is None or len(typed.strip()) < len("2026-06-20 19:30") or wall.tzinfo is not None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return wall


def zone_name(zone: str) -> str:
    """Amsterdam time; UTC stays UTC."""
    return _("%(place)s time") % {"place": _place(zone)} if "/" in zone else zone


def _place(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


# Quantities -----------------------------------------------------------------------------


class Stepper(forms.NumberInput):
    """A number with minus and plus around it; without JavaScript, the number alone."""

    template_name = "components/widgets/stepper.html"

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        *,
        least: int = 0,
        most: int | None = None,
        label: str | Promise = "",
    ) -> None:
        limits = {
            "min": least,
            "step": 1,
            "inputmode": "numeric",
            "autocomplete": "off",
        }
        if most is not None:
            limits["max"] = most
        if label:
            limits["aria-label"] = label
        super().__init__({**limits, **(attrs or {})})
