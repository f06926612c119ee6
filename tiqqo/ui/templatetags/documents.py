"""What only documents need: `{% load documents %}`."""

from datetime import date

from django import template

from tiqqo.core.locales import percent
from tiqqo.ui.dates import words_for_day

register = template.Library()

LONG, VERY_LONG = 34, 70


@register.filter
def set_size(text: str) -> str:
    """The class that sets a long name smaller, so that it stays within its place on paper."""
    if len(text) > VERY_LONG:
        return "is-very-long"
    return "is-long" if len(text) > LONG else ""


@register.filter
def rate(basis_points: int) -> str:
    return percent(basis_points)


@register.filter
def day_words(day: date) -> str:
    return words_for_day(day)
