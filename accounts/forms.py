"""Forms of sign-up, team and organiser settings."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import signing_up
from accounts.models import Organiser, User
from accounts.permissions import Role
from tiqqo.ui.addresses import MailAddressField
from tiqqo.ui.colour import is_readable_accent
from tiqqo.ui.forms import TiqqoForm
from tiqqo.ui.markdown import MarkdownField
from tiqqo.ui.names import NameField, PersonNameField

TIME_ZONES = sorted(
    zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/")
)
CURRENCIES = ["EUR", "USD", "GBP", "DKK", "SEK", "NOK", "ISK", "CHF", "PLN", "JPY"]


class SignUpDetails(forms.Form):
    """What sign-up asks beside e-mail and password: the person and the organiser."""

    name = PersonNameField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    organiser_name = NameField(
        label=_("Name of your organisation"),
        help_text=_("As your audience knows it. You can change it later."),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ("name", "organiser_name", "email", "password1")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Somebody who was invited needs no organiser of their own; everybody else gets one, as soon as
        they show that the address is theirs: until then nothing of them is public."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
        if self.cleaned_data["organiser_name"]:
            signing_up.remember_organiser(request, user, name=self.cleaned_data["organiser_name"])


class OrganiserForm(TiqqoForm):
    fieldsets = (
        (_("Organiser"), ("name", "support_email", "language")),
        (_("Time and money"), ("time_zone", "currency")),
        (_("Look"), ("logo", "removes_logo", "accent_colour")),
        (
            _("Privacy and terms"),
            ("privacy_url", "privacy_text", "terms_url", "terms_text"),
        ),
    )

    name = NameField(label=_("Name"), max_length=80)
    support_email = MailAddressField(
        label=_("Support e-mail"),
        help_text=_(
            "Buyers reach you here: it is public, on your pages, in every mail and on every ticket. It may"
            " be another address than the one you sign in with."
        ),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("Of your public page, and of new events."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=[(zone, zone.replace("_", " ")) for zone in TIME_ZONES]
    )
    currency = forms.ChoiceField(
        label=_("Currency of new events"), choices=[(code, code) for code in CURRENCIES]
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("On your public pages, instead of your name. JPEG, PNG or WebP up to 10 MB."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    removes_logo = forms.BooleanField(label=_("Show the name again, not the logo"), required=False)
    accent_colour = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$",
        label=_("Accent colour"),
        help_text=_("Buttons and links on your public pages."),
        widget=forms.TextInput(attrs={"type": "color"}),
        error_messages={"invalid": _("Write the colour as # and six hex digits, like #1f4f46.")},
    )

    privacy_url = forms.URLField(
        label=_("Privacy notice: address"),
        required=False,
        max_length=200,
        assume_scheme="https",
        help_text=_(
            "Of the notice on your own site. Linked wherever your buyers are asked for data."
        ),
    )
    privacy_text = MarkdownField(
        label=_("Privacy notice: text"),
        required=False,
        max_length=40_000,
        help_text=_(
            "If you have no address, write it here; Markdown works. Left empty, a short notice names you "
            "as responsible and says what we do for you."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    terms_url = forms.URLField(
        label=_("Terms: address"), required=False, max_length=200, assume_scheme="https"
    )
    terms_text = MarkdownField(
        label=_("Terms: text"),
        required=False,
        max_length=40_000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def clean_accent_colour(self) -> str:
        colour: str = self.cleaned_data["accent_colour"].lower()
        if not is_readable_accent(colour):
            raise forms.ValidationError(
                _("That colour is hard to read on white. Choose a darker or stronger one.")
            )
        return colour

    @classmethod
    def initial_of(cls, organiser: Organiser) -> dict[str, str]:
        names = set(cls.base_fields) - {"logo", "removes_logo"}
        return {name: getattr(organiser, name) for name in names}

    @property
    def changes(self) -> dict[str, Any]:
        """What to change; a logo only if one is given or to be removed."""
        changes = dict(self.cleaned_data)
        if changes.pop("removes_logo"):
            changes["logo"] = ""
        elif not changes["logo"]:
            del changes["logo"]
        return changes


class OrganiserNameForm(TiqqoForm):
    name = NameField(
        label=_("Name of your organisation"),
        help_text=_("As your audience knows it. You can change it later."),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class InvitationForm(TiqqoForm):
    email = MailAddressField(
        label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MANAGER)


class RoleForm(TiqqoForm):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
