"""Forms of checkout and orders desk."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from events.models import MOST_PER_ORDER, Event
from orders.models import Order, PaymentMethod, Stage
from orders.operations import Buyer
from orders.queries import AttendeeField, OrderFilter
from orders.queries.desk import MATRIX_METHODS, TICKET_COUNTS
from people.operations import Name
from tiqqo.core.card_amounts import card_limits
from tiqqo.core.money import Money
from tiqqo.ui.addresses import MailAddressField
from tiqqo.ui.forms import Explained, Stepper, TiqqoForm
from tiqqo.ui.names import NameField, PersonNameField

CONSENT_TEXT = _("%(organiser)s may send me news about its events. I can stop that at any time.")


def _name(label: Any, autocomplete: str, *, required: bool = True) -> forms.CharField:
    return PersonNameField(
        label=label,
        max_length=60,
        required=required,
        widget=forms.TextInput(attrs={"autocomplete": autocomplete}),
    )


def _company_words(label: Any, autocomplete: str, *, length: int) -> forms.CharField:
    return NameField(
        label=label,
        max_length=length,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": autocomplete}),
    )


class CheckoutForm(TiqqoForm):
    """Who buys, who comes, how it is paid. `places` are asked for a name as their type says."""

    first_name = _name(_("First name"), "given-name")
    last_name = _name(_("Last name"), "family-name")
    email = MailAddressField(
        label=_("E-mail address"),
        help_text=_("Your tickets are sent here."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    payment_method = forms.ChoiceField(
        label=_("How would you like to pay?"), widget=forms.RadioSelect
    )
    company_name = _company_words(_("Company"), "organization", length=120)
    vat_number = _company_words(_("VAT number"), "off", length=20)
    purchase_number = _company_words(_("Your reference"), "off", length=40)
    consent = forms.BooleanField(required=False)

    def __init__(
        self, *args: Any, event: Event, places: Sequence[AttendeeField], total: Money, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.event, self.all_places = event, places
        self.places = [place for place in places if place.is_named]
        is_free = not total
        methods = []
        # What no card payment may amount to is paid by invoice, where that is offered.
        if not event.allows_invoice or card_limits(total.currency).allow(total):
            card = Explained(
                _("Card, iDEAL and more"), _("On the secure page of our payment partner.")
            )
            methods.append((PaymentMethod.CARD, card))
        if event.allows_invoice:
            methods.append(
                (
                    PaymentMethod.INVOICE,
                    Explained(_("Invoice to a company"), _("Your company pays by bank transfer.")),
                )
            )
        self.fields["payment_method"].choices = methods  # type: ignore[attr-defined]
        self.initial.setdefault("payment_method", methods[0][0])
        if is_free or not event.allows_invoice:
            del self.fields["payment_method"]
        if is_free or not event.allows_invoice:
            for name in ("company_name", "vat_number", "purchase_number"):
                del self.fields[name]
        else:
            # Shown only with an invoice, and then needed: see `clean`.
            self.fields["company_name"].marks_optional = False  # type: ignore[attr-defined]
        self.method_if_single = PaymentMethod.FREE if is_free else methods[0][0]
        self.fields["consent"].label = CONSENT_TEXT % {"organiser": event.organiser.name}
        for place in self.places:
            self._ask_for(place)

    def _ask_for(self, place: AttendeeField) -> None:
        for part, label, missing in (
            ("first_name", _("First name"), _("Ticket %(number)s: enter the first name.")),
            ("last_name", _("Last name"), _("Ticket %(number)s: enter the last name.")),
        ):
            field = _name(label, "off", required=place.needs_name)
            field.error_messages["required"] = missing % {"number": place.number}
            self.fields[f"{part}_{place.number}"] = field
        self.fields[f"email_{place.number}"] = MailAddressField(
            label=_("E-mail address"),
            required=False,
            widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        )

    def clean(self) -> None:
        asked = self.cleaned_data.get("payment_method", self.method_if_single)
        if asked == PaymentMethod.INVOICE and not self.cleaned_data.get("company_name"):
            self.add_error("company_name", _("An invoice needs the name of your company."))
        for place in self.places:
            rest = [
                self.cleaned_data.get(f"{part}_{place.number}") for part in ("last_name", "email")
            ]
            first = f"first_name_{place.number}"
            if any(rest) and not self.cleaned_data.get(first) and first not in self.errors:
                self.add_error(first, _("Enter the first name of this attendee, too."))

    @property
    def needs_names(self) -> bool:
        return any(place.needs_name for place in self.places)

    @property
    def attendee_fields(self) -> list[tuple[AttendeeField, list[forms.BoundField]]]:
        """The places with their fields, for the template."""
        return [
            (
                place,
                [self[f"{part}_{place.number}"] for part in ("first_name", "last_name", "email")],
            )
            for place in self.places
        ]

    @property
    def buyer(self) -> Buyer:
        data = self.cleaned_data
        return Buyer(
            first_name=data["first_name"],
            last_name=data["last_name"],
            email=data["email"],
            company_name=data.get("company_name", ""),
            vat_number=data.get("vat_number", ""),
            purchase_number=data.get("purchase_number", ""),
        )

    @property
    def attendees(self) -> list[Name]:
        """One name to a place; who is not named comes under the buyer's name."""
        data, names = self.cleaned_data, []
        for place in self.all_places:
            first = data.get(f"first_name_{place.number}")
            if first:
                names.append(
                    Name(first, data[f"last_name_{place.number}"], data[f"email_{place.number}"])
                )
            else:
                names.append(Name(data["first_name"], data["last_name"], data["email"]))
        return names

    @property
    def method(self) -> PaymentMethod:
        return PaymentMethod(self.cleaned_data.get("payment_method") or self.method_if_single)

    @property
    def consent_text(self) -> str:
        return str(self.fields["consent"].label) if self.cleaned_data["consent"] else ""


class OrderFilterForm(TiqqoForm):
    """The panel `Filter Ticket Orders`. What makes no sense is ignored, not refused."""

    mark_optional = False
    search = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    stage = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), *Stage.choices]
    )
    payment_method = forms.ChoiceField(
        label=_("Payment Method"),
        required=False,
        choices=[("", _("All")), *((m.value, m.label) for m in MATRIX_METHODS)],
    )
    placed_from = forms.DateField(
        label=_("From Date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    placed_to = forms.DateField(
        label=_("To Date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    ticket_count = forms.ChoiceField(
        label=_("Ticket Count Status"),
        required=False,
        choices=[("", _("All")), *TICKET_COUNTS.items()],
    )
    sold = forms.RegexField(
        r"^((type|release|slot)-[0-9A-Z]{1,20}|promotion-[0-9]{1,18})$",
        required=False,
        widget=forms.HiddenInput,
    )

    @property
    def asked(self) -> OrderFilter:
        if not self.is_bound:
            return OrderFilter()
        self.full_clean()
        return OrderFilter(**{k: v for k, v in self.cleaned_data.items() if v})


class NewOrderForm(TiqqoForm):
    """An order that the organiser makes: by invoice, sponsored or free."""

    company_name = NameField(label=_("Company"), max_length=120, required=False)
    first_name = PersonNameField(label=_("First name"), max_length=60)
    last_name = PersonNameField(label=_("Last name"), max_length=60)
    email = MailAddressField(label=_("E-mail address"))
    purchase_number = NameField(label=_("Their reference"), max_length=40, required=False)
    payment_method = forms.ChoiceField(
        label=_("Payment Method"),
        choices=[
            (m.value, m.label)
            for m in (PaymentMethod.INVOICE, PaymentMethod.SPONSORED, PaymentMethod.FREE)
        ],
        widget=forms.RadioSelect,
        initial=PaymentMethod.INVOICE,
    )

    def __init__(self, *args: Any, offers: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quantity_names = {}
        for offer in offers:
            name = f"quantity_{offer.release.code}"
            self.quantity_names[name] = offer.release.code
            self.fields[name] = forms.IntegerField(
                label=f"{offer.ticket_type.name} · {offer.base_price}",
                required=False,
                min_value=0,
                max_value=MOST_PER_ORDER,
                initial=0,
                widget=Stepper(least=0, most=MOST_PER_ORDER),
            )
            self.fields[name].marks_optional = False  # type: ignore[attr-defined]

    @property
    def fieldsets(self) -> Any:  # type: ignore[override]
        return (
            (
                _("Contact"),
                (("first_name", "last_name"), "email", "company_name", "purchase_number"),
            ),
            (_("Tickets"), (tuple(self.quantity_names),)),
            (_("Payment"), ("payment_method",)),
        )

    @property
    def selection(self) -> dict[str, int]:
        return {
            code: self.cleaned_data.get(name) or 0 for name, code in self.quantity_names.items()
        }

    @property
    def buyer(self) -> Buyer:
        data = self.cleaned_data
        return Buyer(
            first_name=data["first_name"],
            last_name=data["last_name"],
            email=data["email"],
            company_name=data["company_name"],
            purchase_number=data["purchase_number"],
        )


class DueForm(TiqqoForm):
    """Until when an invoice order is to be paid."""

    due_on = forms.DateField(
        label=_("To be paid by"),
        help_text=_("Empty: the order does not end by itself."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    @classmethod
    def initial_of(cls, order: Order) -> dict[str, Any]:
        due = order.payment_due_at
        if due is None:
            return {}
        # At midnight it is the day before.
        return {"due_on": order.event.local(due - timedelta(microseconds=1)).date()}
