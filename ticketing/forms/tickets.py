"""Forms of ticket types and releases."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from events.models import MOST_PER_ORDER, Event
from ticketing.models import MOST_PER_TICKET, Naming, PricingMethod, Release, TicketType
from ticketing.operations import Bundled
from tiqqo.core.plain_names import refuse_addresses
from tiqqo.ui import dates
from tiqqo.ui.forms import Explained, LocalDateTimeField, MoneyField, TiqqoForm
from tiqqo.ui.names import NameField

MOST_DAYS = 62
_SHORT = {"class": "input--short"}
_LONGEST_NAME = 60
_PART, _USUAL, _OPTION = "part_", "usual_", "option_"


def places_field(label: Any, hint: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text=hint,
        widget=forms.NumberInput(attrs=_SHORT),
    )


def count_field(
    label: Any, *, most: int = MOST_PER_ORDER, hint: Any = "", **kwargs: Any
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=most,
        help_text=hint,
        widget=forms.NumberInput(attrs=_SHORT),
        **kwargs,
    )


class CapacityForm(TiqqoForm):
    capacity = places_field(
        _("Places in all"), _("Empty: only the limits of ticket types and releases count.")
    )


class TicketTypeForm(TiqqoForm):
    """What a ticket gives access to. `others` are types that a bundle could contain, each with its
    current lowest price."""

    name = NameField(
        label=_("Name"), max_length=60, help_text=_("As buyers read it: Regular, VIP, Balcony.")
    )
    description = forms.CharField(
        label=_("What it gives access to"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    policy_text = forms.CharField(
        label=_("Conditions"),
        max_length=1000,
        required=False,
        help_text=_("What holders must know or bring: a student card, an age, a seat by 20:00."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    capacity = places_field(_("Places of this type"), _("Empty: shares the places of the event."))
    pricing = forms.ChoiceField(
        label=_("Kind of price"),
        choices=[
            (PricingMethod.FIXED, Explained(_("One price"), _("Each release has its own."))),
            (
                PricingMethod.PAY_WHAT_YOU_WANT,
                Explained(_("Pay what you want"), _("Buyers choose, from a least amount up.")),
            ),
            (
                PricingMethod.OPTIONS,
                Explained(_("Several prices"), _("Adult, child, student: buyers choose one.")),
            ),
        ],
        initial=PricingMethod.FIXED,
        widget=forms.RadioSelect,
    )
    options = forms.CharField(
        label=_("Its prices by name"),
        required=False,
        help_text=_("One on each line. What each costs stands in the releases."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    tax_rate = forms.DecimalField(
        label=_("Tax rate in percent"),
        required=False,
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "input--short"}),
    )
    per_order_minimum = count_field(_("At least per order"))
    per_order_limit = count_field(_("At most per order"))
    per_email_limit = count_field(
        _("At most per e-mail address"), most=10_000, hint=_("Over all orders of one buyer.")
    )
    admits = count_field(
        _("People per ticket"),
        most=MOST_PER_TICKET,
        hint=_("A group ticket issues one ticket for each of them and takes as many places."),
        initial=1,
    )
    naming = forms.ChoiceField(
        label=_("Who must be named"),
        choices=Naming.choices,
        initial=Naming.OPTIONAL,
        widget=forms.RadioSelect,
    )
    takes_place = forms.BooleanField(
        label=_("Counts as a visitor of the event"),
        required=False,
        initial=True,
        help_text=_("Not for parking, a locker or a meal: those take no place of the event."),
    )
    is_timed = forms.BooleanField(
        label=_("For a time slot"),
        required=False,
        help_text=_("Buyers choose a time of their visit. Make the times under Time slots."),
    )
    days = forms.MultipleChoiceField(
        label=_("Days"),
        required=False,
        help_text=_("None ticked: every day of the event."),
        widget=forms.CheckboxSelectMultiple,
    )
    zones = forms.CharField(
        label=_("Zones"),
        max_length=400,
        required=False,
        help_text=_("Separated by commas: Balcony, Backstage. Empty: everywhere."),
    )

    def __init__(
        self,
        *args: Any,
        event: Event,
        others: Sequence[tuple[TicketType, int]] = (),
        made: TicketType | None = None,
        **kwargs: Any,
    ) -> None:
        self.others = {found.code: found for found, _price in others}
        initial = initial_of_type(made) if made else {}
        super().__init__(*args, initial=initial | kwargs.pop("initial", {}), **kwargs)
        self.fields["tax_rate"].help_text = _now("Empty: as the event, %(rate)s %%.") % {
            "rate": f"{event.tax_rate_bp / 100:g}"
        }
        self._offer_days(event, made)
        for found, price in others:
            self._offer_part(found, price, event.currency)
        parts = [(_PART + code, _USUAL + code) for code in self.others]
        self.fieldsets = (  # type: ignore[misc]
            (_("What people get"), ("name", "description", "policy_text", "capacity")),
            (_("Price"), ("pricing", "options", "tax_rate")),
            (_("In one order"), (("per_order_minimum", "per_order_limit"), "per_email_limit")),
            (_("People"), ("admits", "naming", "takes_place")),
            (_("Access"), ("is_timed", "days", "zones")),
            (_("Bundle of other tickets"), parts),
        )

    def _offer_days(self, event: Event, made: TicketType | None) -> None:
        days = sorted({*days_of(event), *(made.days if made else ())})
        if len(days) < 2 and not (made and made.days):  # noqa: PLR2004
            del self.fields["days"]
            return
        choices = [(day.isoformat(), dates.words_for_day(day)) for day in days]
        self.fields["days"].choices = choices  # type: ignore[attr-defined]

    def _offer_part(self, found: TicketType, price: int, currency: str) -> None:
        part = forms.IntegerField(
            label=_now("%(name)s: how many") % {"name": found.name},
            required=False,
            min_value=0,
            max_value=MOST_PER_ORDER,
            widget=forms.NumberInput(attrs=_SHORT),
        )
        if found.code == next(iter(self.others)):
            part.help_text = _now("In one bundle.")
        usual = MoneyField(
            label=_now("Usual price of one %(name)s") % {"name": found.name},
            required=False,
            currency=currency,
            initial=price,
        )
        if found.code == next(iter(self.others)):
            usual.help_text = _now("Tax is shared out by it.")
        self.fields |= {_PART + found.code: part, _USUAL + found.code: usual}

    @property
    def more_is_open(self) -> bool:
        """Whether what most types do not need is used, or has an error."""
        return self.is_bound or any(
            self.initial.get(name) not in (None, "", [], default)
            for name, default in (
                ("per_order_minimum", None),
                ("per_order_limit", None),
                ("per_email_limit", None),
                ("admits", 1),
                ("naming", Naming.OPTIONAL),
                ("takes_place", True),
                ("is_timed", False),
                ("days", None),
                ("zones", None),
                *((_PART + code, None) for code in self.others),
            )
        )

    def clean_options(self) -> list[str]:
        names = [line.strip() for line in self.cleaned_data["options"].splitlines()]
        found = {name.casefold(): name for name in names if name}
        for name in found.values():
            if len(name) > _LONGEST_NAME:
                raise forms.ValidationError(_("A name has at most 60 characters."))
            refuse_addresses(name)
        return list(found.values())

    def clean_zones(self) -> list[str]:
        names = [name.strip() for name in self.cleaned_data["zones"].split(",")]
        if any(len(name) > 40 for name in names):  # noqa: PLR2004
            raise forms.ValidationError(_("A zone has at most 40 characters."))
        return list({name.casefold(): name for name in names if name}.values())

    def clean(self) -> None:
        for code in self.others:
            if self.cleaned_data.get(_PART + code) and self.cleaned_data.get(_USUAL + code) is None:
                name = _USUAL + code
                if name not in self.errors:
                    self.add_error(name, _("Say what one is usually worth: tax is shared by it."))

    @property
    def details(self) -> dict[str, Any]:
        """The cleaned data as the operations want it."""
        apart = {"tax_rate", "days", "admits"}
        plain = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in apart and not name.startswith((_PART, _USUAL))
        }
        rate = self.cleaned_data["tax_rate"]
        return {
            **plain,
            "admits": self.cleaned_data["admits"] or 1,
            "tax_rate_bp": None if rate is None else int(rate * 100),
            "days": [date.fromisoformat(day) for day in self.cleaned_data.get("days", ())],
            "parts": [
                Bundled(found, count, self.cleaned_data[_USUAL + code])
                for code, found in self.others.items()
                if (count := self.cleaned_data[_PART + code])
            ],
        }


def initial_of_type(made: TicketType) -> dict[str, Any]:
    plain = (
        "name", "description", "policy_text", "pricing", "per_order_minimum", "per_order_limit",
        "per_email_limit", "admits", "naming", "takes_place", "is_timed",
    )  # fmt: skip
    parts = made.parts.select_related("part")
    return {
        **{name: getattr(made, name) for name in plain},
        "capacity": made.pool.capacity,
        "options": "\n".join(made.options.order_by("position").values_list("name", flat=True)),
        "tax_rate": "" if made.tax_rate_bp is None else f"{made.tax_rate_bp / 100:g}",
        "days": [day.isoformat() for day in made.days],
        "zones": ", ".join(made.zones),
        **{_PART + part.part.code: part.quantity for part in parts},
        **{_USUAL + part.part.code: part.usual_price_minor for part in parts},
    }


def days_of(event: Event) -> list[date]:
    """The days of the event in its zone; one that ends in the morning has no day of its own then."""
    if event.starts_at is None or event.ends_at is None:
        return []
    first = event.local(event.starts_at).date()
    last = event.local(event.ends_at - timedelta(hours=6)).date()
    count = max((last - first).days, 0) + 1
    return [first + timedelta(days=offset) for offset in range(min(count, MOST_DAYS))]


class ReleaseForm(TiqqoForm):
    """When it sells, and for how much. What is asked for the price follows from the type's."""

    name = NameField(label=_("Name"), max_length=60, help_text=_("Early Bird, Regular, Last call."))
    price = MoneyField(label=_("Price"), help_text=_("0 for a free ticket."))
    suggested = MoneyField(
        label=_("Suggested price"),
        required=False,
        help_text=_("Offered first. Empty: the least."),
    )
    opens_at = LocalDateTimeField(
        label=_("On sale from"), required=False, help_text=_("Empty: as soon as it is published.")
    )
    closes_at = LocalDateTimeField(
        label=_("On sale until"), required=False, help_text=_("Empty: until the event is over.")
    )
    follows = forms.ChoiceField(
        label=_("Opens by itself"),
        required=False,
        help_text=_("It waits until that release is sold out or closed, and opens not before."),
    )
    capacity = places_field(_("Tickets at this price"), _("Empty: as many as the ticket type has."))

    def __init__(
        self,
        *args: Any,
        event: Event,
        ticket_type: TicketType,
        made: Release | None = None,
        **kwargs: Any,
    ) -> None:
        self.ticket_type, self.event = ticket_type, event
        self.options = (
            list(ticket_type.options.order_by("position", "id"))
            if ticket_type.pricing == PricingMethod.OPTIONS
            else []
        )
        siblings = Release.objects.filter(ticket_type=ticket_type).order_by("opens_at", "id")
        self.siblings = {found.code: found for found in siblings if found != made}
        super().__init__(*args, initial=_initial_of_release(made) if made else {}, **kwargs)
        for name in ("opens_at", "closes_at"):
            self.fields[name].zone = event.time_zone  # type: ignore[attr-defined]
        self._ask_for_prices()
        self._offer_siblings()
        prices: list[Any] = [_OPTION + option.code for option in self.options]
        prices = prices or [("price", "suggested")]
        names = ("name", *prices, ("opens_at", "closes_at"), "follows", "capacity")
        self.fieldsets = (("", names),)  # type: ignore[misc]

    def _ask_for_prices(self) -> None:
        if self.options:
            del self.fields["price"], self.fields["suggested"]
            for option in self.options:
                self.fields[_OPTION + option.code] = MoneyField(
                    label=_now("Price for %(name)s") % {"name": option.name},
                    required=False,
                    currency=self.event.currency,
                    help_text=_("Empty: not sold in this release."),
                )
            return
        for name in ("price", "suggested"):
            self.fields[name].currency = self.event.currency  # type: ignore[attr-defined]
        if self.ticket_type.pricing == PricingMethod.PAY_WHAT_YOU_WANT:
            self.fields["price"].label = _("Least that is paid")
            self.fields["price"].help_text = _("0 if nothing is welcome, too.")
        else:
            del self.fields["suggested"]

    def _offer_siblings(self) -> None:
        if not self.siblings:
            del self.fields["follows"]
            return
        after = _now("After “%(name)s” is sold out or closed")
        self.fields["follows"].choices = [  # type: ignore[attr-defined]
            ("", _("At its own time")),
            *((code, after % {"name": found.name}) for code, found in self.siblings.items()),
        ]

    @property
    def details(self) -> dict[str, Any]:
        """The cleaned data as the operations want it."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "price_minor": data.get("price") or 0,
            "suggested_minor": data.get("suggested"),
            "option_prices": {
                option.pk: amount
                for option in self.options
                if (amount := data[_OPTION + option.code]) is not None
            },
            "opens_at": data["opens_at"],
            "closes_at": data["closes_at"],
            "follows": self.siblings.get(data.get("follows", "")),
            "capacity": data["capacity"],
        }


def _initial_of_release(made: Release) -> dict[str, Any]:
    prices = made.option_prices.select_related("option")
    return {
        "name": made.name,
        "price": made.price_minor,
        "suggested": made.suggested_minor,
        "opens_at": made.opens_at,
        "closes_at": made.closes_at,
        "follows": made.follows.code if made.follows else "",
        "capacity": made.pool.capacity,
        **{_OPTION + priced.option.code: priced.price_minor for priced in prices},
    }
