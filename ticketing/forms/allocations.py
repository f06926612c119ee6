"""Forms of places that are set aside for partners."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from events.models import Event
from ticketing.catalogue import Catalogue
from ticketing.forms.codes import DISCOUNT_ROWS, DiscountForm, code_field
from ticketing.models import PromotionKind
from tiqqo.ui.forms import LocalDateTimeField, TiqqoForm
from tiqqo.ui.names import NameField

_SHORT = {"class": "input--short"}


def _quantity() -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Places"), max_value=1_000_000, widget=forms.NumberInput(attrs=_SHORT)
    )


def _returns_at() -> LocalDateTimeField:
    return LocalDateTimeField(
        label=_("Back on sale on"),
        required=False,
        help_text=_("What is not sold by then can be bought by all. Empty: you return it by hand."),
    )


class AllocationForm(DiscountForm):
    company_name = NameField(
        label=_("Company"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    ticket_type = forms.ChoiceField(label=_("Ticket type"))
    quantity = _quantity()
    returns_at = _returns_at()
    text = code_field(
        label=_("Code"),
        help_text=_("Empty: one that cannot be guessed, with the company's name in it."),
    )

    fieldsets = (
        (_("What is set aside"), ("company_name", "ticket_type", "quantity", "returns_at")),
        (_("What its buyers pay"), DISCOUNT_ROWS),
        (_("Their link"), ("text",)),
    )

    def __init__(self, *args: Any, event: Event, catalogue: Catalogue, **kwargs: Any) -> None:
        super().__init__(*args, event=event, initial={"kind": PromotionKind.NONE}, **kwargs)
        self.type_by_code = {found.code: found for found in catalogue.types.values()}
        self.fields["ticket_type"].choices = [  # type: ignore[attr-defined]
            (code, found.name) for code, found in self.type_by_code.items()
        ]
        self.fields["returns_at"].zone = event.time_zone  # type: ignore[attr-defined]

    @property
    def wish(self) -> dict[str, Any]:
        """The cleaned data as the operation wants it, apart from the discount."""
        typed = self.cleaned_data
        return {
            "ticket_type": self.type_by_code[typed["ticket_type"]],
            "company_name": typed["company_name"],
            "quantity": typed["quantity"],
            "returns_at": typed["returns_at"],
            "code": typed["text"],
        }


class AllocationChangeForm(TiqqoForm):
    quantity = _quantity()
    returns_at = _returns_at()

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["returns_at"].zone = event.time_zone  # type: ignore[attr-defined]
