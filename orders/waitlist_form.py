"""The form that gets people in line."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator
from django.utils.translation import gettext_lazy as _

from events.models import Event
from ticketing.operations import Newcomer
from ticketing.queries.waitlist import Waitable
from ticketing.waitlist_queue import Wish
from tiqqo.ui.addresses import MailAddressField
from tiqqo.ui.forms import TiqqoForm
from tiqqo.ui.names import PersonNameField

CONSENT_TEXT = _(
    "%(organiser)s may write to me about my place in line and the tickets held for me."
)


class JoinForm(TiqqoForm):
    """Who waits, for how many of what. `choices` are the things that can be waited for."""

    wishes = forms.MultipleChoiceField(
        label=_("What do you wait for?"),
        help_text=_("Choose everything that would do. You get tickets of one of them."),
        widget=forms.CheckboxSelectMultiple,
    )
    quantity = forms.IntegerField(
        label=_("How many tickets?"),
        min_value=1,
        initial=1,
        widget=forms.NumberInput(attrs={"class": "input--short", "inputmode": "numeric"}),
    )
    name = PersonNameField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = MailAddressField(
        label=_("E-mail address"),
        help_text=_("We write here as soon as tickets are held for you."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    consent = forms.BooleanField()

    def __init__(
        self, *args: Any, event: Event, choices: Sequence[Waitable], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.waitables = {waitable.code: waitable for waitable in choices}
        wishes: Any = self.fields["wishes"]
        wishes.choices = [(code, thing.name(event)) for code, thing in self.waitables.items()]
        wishes.error_messages["invalid_choice"] = _(
            "Something you chose is not sold out any more. Look at what is left, or go to the shop."
        )
        quantity: Any = self.fields["quantity"]
        quantity.help_text = _("At most %(limit)s in one order.") % {"limit": event.per_order_limit}
        quantity.validators.append(MaxValueValidator(event.per_order_limit))
        quantity.widget.attrs["max"] = event.per_order_limit
        consent = self.fields["consent"]
        consent.label = CONSENT_TEXT % {"organiser": event.organiser.name}
        consent.error_messages["required"] = _("Tick the box, so that we may write to you.")
        if len(self.waitables) == 1:
            self.initial.setdefault("wishes", list(self.waitables))

    @property
    def wanted(self) -> list[Wish]:
        return [self.waitables[code].wish for code in self.cleaned_data["wishes"]]

    def newcomer(self, locale: str) -> Newcomer:
        data = self.cleaned_data
        return Newcomer(
            name=data["name"],
            email=data["email"],
            consent_text=str(self.fields["consent"].label),
            locale=locale,
        )
