"""Forms of the event."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.forms import TIME_ZONES
from events.models import MOST_PER_ORDER, Event, FeePayer, InvoiceAcceptance, InvoiceIssues
from tiqqo.ui.colour import is_readable_accent
from tiqqo.ui.forms import LocalDateTimeField, TiqqoForm
from tiqqo.ui.markdown import MarkdownField
from tiqqo.ui.names import NameField


class NewEventForm(TiqqoForm):
    name = NameField(
        label=_("Name of the event"),
        max_length=120,
        help_text=_("The rest can wait: the event stays a draft until you publish it."),
    )
    starts_at = LocalDateTimeField(label=_("Starts"), required=False)
    ends_at = LocalDateTimeField(label=_("Ends"), required=False)

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("starts_at", "ends_at"):
            self.fields[name].zone = zone  # type: ignore[attr-defined]

    def clean(self) -> None:
        _refuse_half_a_range(self)


def _refuse_half_a_range(form: forms.Form) -> None:
    starts_at, ends_at = (form.cleaned_data.get(name) for name in ("starts_at", "ends_at"))
    if ends_at and not starts_at and "starts_at" not in form.errors:
        form.add_error("starts_at", _("Say when it starts, too."))
    if starts_at and not ends_at and "ends_at" not in form.errors:
        form.add_error("ends_at", _("Say when it ends, too."))
    if starts_at and ends_at and ends_at <= starts_at:
        form.add_error("ends_at", _("The end must be after the start."))


class SetupForm(TiqqoForm):
    """Everything about the event except its tickets."""

    name = NameField(label=_("Name"), max_length=120)
    summary = forms.CharField(
        label=_("Summary"),
        max_length=300,
        required=False,
        help_text=_("One or two sentences for the shop, search engines and calendars."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    description = MarkdownField(
        label=_("Description"),
        max_length=20_000,
        required=False,
        help_text=_("Markdown: **bold**, lists, links."),
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_(
            "What you write in. Buyers read the shop, mails and tickets in their own language where "
            "Tiqqo speaks it, else in this one."
        ),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=[(zone, zone.replace("_", " ")) for zone in TIME_ZONES]
    )
    starts_at = LocalDateTimeField(label=_("Starts"), required=False)
    ends_at = LocalDateTimeField(label=_("Ends"), required=False)
    venue_name = NameField(label=_("Venue"), max_length=120, required=False)
    venue_address = NameField(label=_("Street and number"), max_length=250, required=False)
    city = NameField(label=_("City"), max_length=100, required=False)
    country = forms.CharField(
        label=_("Country"),
        max_length=2,
        required=False,
        help_text=_("Two letters, like NL."),
        widget=forms.TextInput(attrs={"class": "input--short"}),
    )
    online_url = forms.URLField(
        label=_("Link for online guests"), required=False, max_length=200, assume_scheme="https"
    )
    image = forms.FileField(
        label=_("Picture"),
        required=False,
        help_text=_("JPEG, PNG or WebP up to 10 MB, 16:9 looks best."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    accent_colour = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$",
        label=_("Accent colour"),
        required=False,
        help_text=_("Empty: the organiser's colour. Write it as # and six hex digits."),
        widget=forms.TextInput(attrs={"class": "input--short"}),
    )
    tax_name = NameField(label=_("Name of the tax"), max_length=10)
    tax_rate = forms.DecimalField(
        label=_("Tax rate in percent"),
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "input--short"}),
    )
    prices_include_tax = forms.BooleanField(label=_("Prices include the tax"), required=False)
    fee_payer = forms.ChoiceField(
        label=_("Service fee is paid by"), choices=FeePayer.choices, widget=forms.RadioSelect
    )
    hold_minutes = forms.IntegerField(
        label=_("Minutes to check out"),
        min_value=5,
        max_value=30,
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )
    per_order_limit = forms.IntegerField(
        label=_("Tickets per order at most"),
        min_value=1,
        max_value=MOST_PER_ORDER,
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )
    held_share_percent = forms.IntegerField(
        label=_("Share of the places that one visitor may hold, in percent"),
        min_value=1,
        max_value=100,
        help_text=_(
            "Unpaid and at once, so that nobody keeps an event from others. 100 for no bound."
        ),
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )
    free_needs_address = forms.BooleanField(
        label=_("Every free order waits until its e-mail address is confirmed"),
        help_text=_("Otherwise those do that one visitor makes beyond this share."),
        required=False,
    )
    allows_invoice = forms.BooleanField(label=_("Companies may pay by invoice"), required=False)
    invoice_issues = forms.ChoiceField(
        label=_("Tickets of an invoice order are issued"),
        choices=InvoiceIssues.choices,
        widget=forms.RadioSelect,
    )

    invoice_acceptance = forms.ChoiceField(
        label=_("An invoice order is accepted"),
        choices=InvoiceAcceptance.choices,
        widget=forms.RadioSelect,
    )
    invoice_share_percent = forms.IntegerField(
        label=_("Places for unpaid invoice orders, in percent"),
        help_text=_(
            "Of all places. More can be ordered by invoice once some are paid. It keeps invented companies"
            " from taking every place."
        ),
        min_value=1,
        max_value=100,
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )
    invoice_days = forms.IntegerField(
        label=_("Days to pay an invoice"),
        help_text=_(
            "What is not paid by then is cancelled, three days after we have written to the buyer, and at"
            " the latest a day before the event. You can give each order another date."
        ),
        min_value=1,
        max_value=90,
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )

    fieldsets = (
        (_("About"), ("name", "summary", "description", "language")),
        (_("When"), (("starts_at", "ends_at"), "time_zone")),
        (_("Where"), ("venue_name", "venue_address", ("city", "country"), "online_url")),
        (_("Look"), ("image", "accent_colour")),
        (_("Money"), (("tax_name", "tax_rate"), "prices_include_tax", "fee_payer")),
        (
            _("Checkout"),
            (("hold_minutes", "per_order_limit"), "held_share_percent", "free_needs_address"),
        ),
        (
            _("Invoices"),
            (
                "allows_invoice",
                "invoice_acceptance",
                "invoice_issues",
                ("invoice_share_percent", "invoice_days"),
            ),
        ),
    )

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, initial=self.initial_of(event), **kwargs)
        zone = self.data.get("time_zone") or event.time_zone
        if zone not in TIME_ZONES:
            zone = event.time_zone
        for name in ("starts_at", "ends_at"):
            self.fields[name].zone = zone  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, event: Event) -> dict[str, Any]:
        fields = set(cls.base_fields) - {"tax_rate", "image"}
        return {
            **{name: getattr(event, name) for name in fields},
            "tax_rate": f"{event.tax_rate_bp / 100:g}",
        }

    def clean(self) -> None:
        _refuse_half_a_range(self)

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"]
        # In capitals ß would be two letters.
        if country and not (country.isascii() and country.isalpha() and len(country) == 2):  # noqa: PLR2004
            raise forms.ValidationError(_("Two letters, like NL."))
        return country.upper()

    def clean_accent_colour(self) -> str:
        colour: str = self.cleaned_data["accent_colour"].lower()
        if colour and not is_readable_accent(colour):
            raise forms.ValidationError(
                _("That colour is hard to read on white. Choose a darker or stronger one.")
            )
        return colour

    @property
    def changes(self) -> dict[str, Any]:
        """The cleaned data as the event's fields."""
        changes = dict(self.cleaned_data)
        changes["tax_rate_bp"] = int(changes.pop("tax_rate") * 100)
        if not changes["image"]:
            del changes["image"]
        return changes
