"""The form of how a waitlist is served."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ticketing.models import WaitlistMethod
from tiqqo.ui.forms import Explained, TiqqoForm


class WaitlistForm(TiqqoForm):
    method = forms.ChoiceField(
        label=_("Who is offered places?"),
        choices=[
            (
                WaitlistMethod.FIRST_COME,
                Explained(_("Who came first"), _("The line is served from its head, by itself.")),
            ),
            (
                WaitlistMethod.LOTTERY,
                Explained(
                    _("By lot"),
                    _("You hold the draw when you like; until then nobody is offered anything."),
                ),
            ),
        ],
        initial=WaitlistMethod.FIRST_COME,
        widget=forms.RadioSelect,
    )
    offer_hours = forms.IntegerField(
        label=_("Hours that an offer lasts"),
        min_value=1,
        max_value=168,
        initial=12,
        help_text=_("From 1 to 168, which is a week. After that it goes to the next in line."),
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )
