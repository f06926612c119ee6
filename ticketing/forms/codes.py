"""Forms of promotions, codes and the code generator."""

from collections import Counter
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from events.models import Event
from ticketing.catalogue import Catalogue
from ticketing.codes import LONGEST, guesses_per_hit
from ticketing.forms.tickets import count_field
from ticketing.models import Code, Promotion, PromotionKind
from ticketing.operations import PromotionChanges, PromotionTerms
from ticketing.selling import line_name
from tiqqo.core.locales import number
from tiqqo.ui.forms import Explained, LocalDateTimeField, MoneyField, TiqqoForm
from tiqqo.ui.names import NameField

LENGTHS = range(4, 15)
MOST_USES = 1_000_000
_MEDIUM = {"class": "input--medium", "autocomplete": "off", "autocapitalize": "characters"}
_NO_DISCOUNT = (PromotionKind.NONE, PromotionKind.NONE.label)
_DISCOUNTS: list[tuple[str, Any]] = [
    (PromotionKind.PERCENT, PromotionKind.PERCENT.label),
    (
        PromotionKind.AMOUNT,
        Explained(PromotionKind.AMOUNT.label, _("Once per order, from what it covers.")),
    ),
    (
        PromotionKind.FIXED_PRICE,
        Explained(PromotionKind.FIXED_PRICE.label, _("Never more than the usual price.")),
    ),
    (
        PromotionKind.BUY_X_GET_Y,
        Explained(PromotionKind.BUY_X_GET_Y.label, _("The cheapest are free.")),
    ),
]
DISCOUNT_ROWS = ("kind", "percent", "amount", "price", ("buy", "get"))


def uses_field(**kwargs: Any) -> forms.IntegerField:
    return count_field(
        _("Uses in all"), most=MOST_USES, hint=_("Empty: without a limit."), **kwargs
    )


def code_field(**kwargs: Any) -> forms.CharField:
    return forms.CharField(
        max_length=LONGEST, required=False, widget=forms.TextInput(attrs=_MEDIUM), **kwargs
    )


class DiscountForm(TiqqoForm):
    """What is taken off; only the fields of the chosen kind count."""

    kind = forms.ChoiceField(label=_("Discount"), widget=forms.RadioSelect)
    percent = forms.DecimalField(
        label=_("Percent off"),
        required=False,
        max_digits=5,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "input--short"}),
    )
    amount = MoneyField(label=_("Amount off"), required=False)
    price = MoneyField(label=_("Price of each ticket"), required=False)
    buy = count_field(_("Buy"))
    get = count_field(_("Get free"))

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = self.kinds()  # type: ignore[attr-defined]
        # Empty where another kind is chosen; of its own kind each must be filled in.
        for name in ("percent", "amount", "price", "buy", "get"):
            self.fields[name].marks_optional = False  # type: ignore[attr-defined]
        for name in ("amount", "price"):
            self.fields[name].currency = event.currency  # type: ignore[attr-defined]

    def kinds(self) -> list[tuple[str, Any]]:
        return [_NO_DISCOUNT, *_DISCOUNTS]

    def clean(self) -> None:
        typed = self.cleaned_data
        if typed.get("kind") == PromotionKind.FIXED_PRICE and typed.get("price") is None:
            self.add_error("price", _now("Write what each ticket costs; 0 for a free one."))

    @property
    def discount(self) -> PromotionTerms:
        typed = self.cleaned_data
        is_price = typed["kind"] == PromotionKind.FIXED_PRICE
        return {
            "kind": typed["kind"],
            "rate_bp": int((typed["percent"] or Decimal(0)) * 100),
            "amount_minor": typed["price" if is_price else "amount"] or 0,
            "buy": typed["buy"] or 0,
            "get": typed["get"] or 0,
        }


def initial_discount(promotion: Promotion) -> dict[str, Any]:
    is_price = promotion.kind == PromotionKind.FIXED_PRICE
    return {
        "kind": promotion.kind,
        "percent": f"{promotion.rate_bp / 100:g}" if promotion.rate_bp else "",
        "amount": None if is_price else promotion.amount_minor or None,
        "price": promotion.amount_minor if is_price else None,
        "buy": promotion.buy or None,
        "get": promotion.get or None,
    }


class AutomaticForm(DiscountForm):
    """A discount that applies by itself."""

    name = NameField(
        label=_("Name"), max_length=60, help_text=_("Buyers read it where it lowers their price.")
    )
    types = forms.MultipleChoiceField(
        label=_("Ticket types"),
        required=False,
        help_text=_("Nothing ticked: for everything."),
        widget=forms.CheckboxSelectMultiple,
    )
    releases = forms.MultipleChoiceField(
        label=_("Releases"), required=False, widget=forms.CheckboxSelectMultiple
    )
    opens_at = LocalDateTimeField(
        label=_("Valid from"), required=False, help_text=_("Empty: at once.")
    )
    closes_at = LocalDateTimeField(
        label=_("Valid until"), required=False, help_text=_("Empty: as long as tickets are sold.")
    )
    min_subtotal = MoneyField(
        label=_("From a subtotal of"), required=False, help_text=_("Of the tickets it covers.")
    )
    min_quantity = count_field(_("From so many tickets"), hint=_("Of those it covers."))

    _limits: tuple[str | tuple[str, str], ...] = (
        ("opens_at", "closes_at"),
        ("min_subtotal", "min_quantity"),
    )

    def __init__(
        self,
        *args: Any,
        event: Event,
        catalogue: Catalogue,
        made: Promotion | None = None,
        **kwargs: Any,
    ) -> None:
        initial = self.initial_of(made, catalogue) if made else {"kind": PromotionKind.PERCENT}
        super().__init__(*args, event=event, initial=initial, **kwargs)
        self.type_by_code = {found.code: found for found in catalogue.types.values()}
        # The only release of a type is the type.
        count = Counter(release.ticket_type_id for release in catalogue.releases)
        self.release_by_code = {
            found.code: found
            for found in catalogue.releases
            if count[found.ticket_type_id] > 1 or (made and found.pk in made.release_ids)
        }
        self.fields["types"].choices = [  # type: ignore[attr-defined]
            (code, found.name) for code, found in self.type_by_code.items()
        ]
        self.fields["releases"].choices = [  # type: ignore[attr-defined]
            (code, line_name(found.ticket_type.name, found.name))
            for code, found in self.release_by_code.items()
        ]
        self.fields["min_subtotal"].currency = event.currency  # type: ignore[attr-defined]
        for name in ("opens_at", "closes_at"):
            self.fields[name].zone = event.time_zone  # type: ignore[attr-defined]
        scope = [name for name in ("types", "releases") if self.fields[name].choices]  # type: ignore[attr-defined]
        for name in {"types", "releases"} - set(scope):
            del self.fields[name]
        self.fieldsets = (  # type: ignore[misc]
            self.first(made),
            (_("What it does"), self.effect),
            (_("What it is for"), scope),
            (_("When it applies"), self._limits),
        )

    @property
    def effect(self) -> tuple[Any, ...]:
        return DISCOUNT_ROWS

    def kinds(self) -> list[tuple[str, Any]]:
        return list(_DISCOUNTS)

    def first(self, made: Promotion | None) -> tuple[Any, ...]:
        return _("Name"), ("name",)

    def initial_of(self, made: Promotion, catalogue: Catalogue) -> dict[str, Any]:
        return {
            **initial_discount(made),
            "name": made.name,
            "types": [t.code for pk, t in catalogue.types.items() if pk in made.ticket_type_ids],
            "releases": [r.code for r in catalogue.releases if r.pk in made.release_ids],
            "opens_at": made.opens_at,
            "closes_at": made.closes_at,
            "min_subtotal": made.min_subtotal_minor or None,
            "min_quantity": made.min_quantity or None,
        }

    @property
    def terms(self) -> PromotionChanges:
        """The cleaned data as the operation wants it."""
        typed = self.cleaned_data
        return {
            "name": typed["name"],
            "kind": self.discount["kind"],
            "rate_bp": self.discount["rate_bp"],
            "amount_minor": self.discount["amount_minor"],
            "buy": self.discount["buy"],
            "get": self.discount["get"],
            "ticket_types": [self.type_by_code[code] for code in typed.get("types", ())],
            "releases": [self.release_by_code[code] for code in typed.get("releases", ())],
            "opens_at": typed["opens_at"],
            "closes_at": typed["closes_at"],
            "min_subtotal_minor": typed["min_subtotal"] or 0,
            "min_quantity": typed["min_quantity"] or 0,
        }


class PromotionForm(AutomaticForm):
    """Terms that codes claim; a new one may have its first code at once."""

    unlocks = forms.BooleanField(
        label=_("Unlocks hidden tickets"),
        required=False,
        help_text=_("Whoever has a code sees and buys what is hidden among what it is for."),
    )
    per_email_limit = count_field(_("Uses per e-mail address"), most=MOST_USES)
    text = code_field(
        label=_("Code"),
        help_text=_(
            "What buyers type, in capitals or not: letters, digits, - and _. Leave it empty to"
            " generate many different ones afterwards."
        ),
    )
    uses_limit = uses_field()

    _limits = (("opens_at", "closes_at"), ("min_subtotal", "min_quantity"), "per_email_limit")

    @property
    def effect(self) -> tuple[Any, ...]:
        return (*DISCOUNT_ROWS, "unlocks")

    def kinds(self) -> list[tuple[str, Any]]:
        return [*_DISCOUNTS, _NO_DISCOUNT]

    def first(self, made: Promotion | None) -> tuple[Any, ...]:
        if made is None:
            return _("Name and code"), ("name", "text", "uses_limit")
        del self.fields["text"], self.fields["uses_limit"]
        return super().first(made)

    def initial_of(self, made: Promotion, catalogue: Catalogue) -> dict[str, Any]:
        return {
            **super().initial_of(made, catalogue),
            "unlocks": made.unlocks,
            "per_email_limit": made.per_email_limit,
        }

    @property
    def terms(self) -> PromotionChanges:
        return {
            **super().terms,
            "unlocks": self.cleaned_data["unlocks"],
            "per_email_limit": self.cleaned_data["per_email_limit"],
        }


class CodeForm(TiqqoForm):
    """One more code of a promotion."""

    text = code_field(label=_("Code"), help_text=_("Letters, digits, - and _."))
    uses_limit = uses_field()


class CodeLimitForm(TiqqoForm):
    uses_limit = uses_field()

    def __init__(self, *args: Any, made: Code, **kwargs: Any) -> None:
        super().__init__(*args, initial={"uses_limit": made.uses_limit}, **kwargs)


class GeneratorForm(TiqqoForm):
    """Many different codes at once."""

    count = forms.IntegerField(
        label=_("How many"),
        help_text=_("Up to 10,000 at once."),
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )
    beginning = code_field(
        label=_("Beginning"),
        help_text=_("The same for all, such as PRESS-. Empty: only random characters."),
    )
    length = forms.TypedChoiceField(
        label=_("Random characters"),
        coerce=int,
        help_text=_(
            "Letters and digits that cannot be misread: no I, L, O or U. The number says how seldom a"
            " try at random hits one code; a thousand codes are hit a thousand times as often."
        ),
    )
    uses_limit = uses_field(initial=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, initial={"count": 100, "length": 8}, **kwargs)
        self.fields["uses_limit"].label = _now("Uses of each code")
        self.fields["length"].choices = [  # type: ignore[attr-defined]
            (
                length,
                _now("%(length)s: one in %(combinations)s")
                % {"length": length, "combinations": number(guesses_per_hit(length, among=1))},
            )
            for length in LENGTHS
        ]
