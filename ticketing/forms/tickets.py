"""Forms of the tickets page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from events.models import Event
from tiqqo.ui.forms import LocalDateTimeField, MoneyField, TiqqoForm

_SHORT = {"class": "input--short"}


class CapacityForm(TiqqoForm):
    capacity = forms.IntegerField(
        label=_("Places in all"),
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text=_("Empty: only the limits of ticket types and releases count."),
        widget=forms.NumberInput(attrs=_SHORT),
    )


class TicketTypeForm(TiqqoForm):
    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("As buyers read it: Regular, VIP, Balcony.")
    )
    description = forms.CharField(
        label=_("What it gives access to"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    capacity = forms.IntegerField(
        label=_("Places of this type"),
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text=_("Empty: shares the places of the event."),
        widget=forms.NumberInput(attrs=_SHORT),
    )
    per_order_limit = forms.IntegerField(
        label=_("At most per order"),
        required=False,
        min_value=1,
        max_value=50,
        widget=forms.NumberInput(attrs=_SHORT),
    )


class ReleaseForm(TiqqoForm):
    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("Early Bird, Regular, Last call.")
    )
    price = MoneyField(label=_("Price"), help_text=_("0 for a free ticket."))
    opens_at = LocalDateTimeField(
        label=_("On sale from"), required=False, help_text=_("Empty: as soon as it is published.")
    )
    closes_at = LocalDateTimeField(
        label=_("On sale until"), required=False, help_text=_("Empty: until the event is over.")
    )
    capacity = forms.IntegerField(
        label=_("Tickets at this price"),
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text=_("Empty: as many as the ticket type has."),
        widget=forms.NumberInput(attrs=_SHORT),
    )

    fieldsets = (("", ("name", "price", ("opens_at", "closes_at"), "capacity")),)

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["price"].currency = event.currency  # type: ignore[attr-defined]
        for name in ("opens_at", "closes_at"):
            self.fields[name].zone = event.time_zone  # type: ignore[attr-defined]

    @property
    def terms(self) -> dict[str, Any]:
        """The cleaned data as the operation wants it."""
        return {
            "name": self.cleaned_data["name"],
            "price_minor": self.cleaned_data["price"],
            "opens_at": self.cleaned_data["opens_at"],
            "closes_at": self.cleaned_data["closes_at"],
            "capacity": self.cleaned_data["capacity"],
        }
