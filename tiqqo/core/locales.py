"""Figures as the language of the moment writes them; Babel knows how."""

from decimal import Decimal

from babel import Locale
from babel.numbers import format_decimal, format_percent
from django.utils.translation import get_language, to_locale


def current_locale() -> Locale:
    return Locale.parse(to_locale(get_language() or "en"))


def number(value: int) -> str:
    """1,400 or 1.400."""
    return format_decimal(value, locale=current_locale())


def percent(basis_points: int) -> str:
    """9%, or 5,5 % in German."""
    return format_percent(
        Decimal(basis_points) / 10_000, locale=current_locale(), decimal_quantization=False
    )


def plain_decimal(value: Decimal, digits: int) -> str:
    """1250.00 or 1250,00: as it is typed, without groups."""
    pattern = f"0.{'0' * digits}" if digits else "0"
    return format_decimal(value, format=pattern, locale=current_locale())
