"""Forms of the times to visit."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from events.models import Event
from ticketing.forms.tickets import days_of, places_field
from ticketing.operations import SlotRule
from tiqqo.ui.forms import TiqqoForm, zone_name

_WEEKDAYS = (
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
)
_EVERY_DAY = [number for number, _name in _WEEKDAYS]


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def _clock(label: Any) -> forms.TimeField:
    return forms.TimeField(
        label=label, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )


class SlotRuleForm(TiqqoForm):
    """Every so many minutes, on these days, between these hours."""

    first_on = _day(_("First day"))
    last_on = _day(_("Last day"))
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days of the week"),
        choices=_WEEKDAYS,
        coerce=int,
        initial=_EVERY_DAY,
        widget=forms.CheckboxSelectMultiple,
    )
    opens = _clock(_("From"))
    closes = _clock(_("Until"))
    every_minutes = forms.IntegerField(
        label=_("Every so many minutes"),
        help_text=_("The last slot is over by the end of these hours."),
        min_value=5,
        max_value=1440,
        initial=30,
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )
    capacity = places_field(
        _("Places per slot"),
        _("Empty: only the other limits count."),
    )
    grace_minutes = forms.IntegerField(
        label=_("Minutes of grace"),
        min_value=0,
        max_value=1440,
        initial=0,
        help_text=_("The door lets people in so much earlier and later."),
        widget=forms.NumberInput(attrs={"class": "input--short"}),
    )

    fieldsets = (
        (_("Days"), (("first_on", "last_on"), "weekdays")),
        (_("Hours"), (("opens", "closes"), "every_minutes")),
        (_("Each slot"), (("capacity", "grace_minutes"),)),
    )

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        days = days_of(event)
        initial: dict[str, Any] = {}
        if days:
            initial = {"first_on": days[0], "last_on": days[-1]}
        if len(days) == 1 and event.starts_at and event.ends_at:
            initial |= {
                "opens": event.local(event.starts_at).time(),
                "closes": event.local(event.ends_at).time(),
            }
        super().__init__(*args, initial=initial, **kwargs)
        zone = {"zone": zone_name(event.time_zone)}
        self.fields["opens"].help_text = _("In %(zone)s.") % zone
        self.fields["closes"].help_text = _("Earlier than that: on the next day.")

    @property
    def rule(self) -> SlotRule:
        data = self.cleaned_data
        return SlotRule(
            first_on=data["first_on"],
            last_on=data["last_on"],
            weekdays=frozenset(data["weekdays"]),
            opens=data["opens"],
            closes=data["closes"],
            every_minutes=data["every_minutes"],
            capacity=data["capacity"],
            grace_minutes=data["grace_minutes"],
        )


class SlotForm(TiqqoForm):
    capacity = places_field(_("Places"), _("Empty: only the other limits count."))
