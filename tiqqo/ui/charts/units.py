"""What the numbers of a chart are, in words: things, or money of one currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
)

from tiqqo.core.locales import current_locale
from tiqqo.core.money import Money, currency_digits
from tiqqo.ui import dates

MINUS = "\N{MINUS SIGN}"
_COMPACT_FROM = 10_000
_A_YEAR = 366


@dataclass(frozen=True, slots=True)
class Unit:
    """Counts things, or minor units of `currency`."""

    currency: str = ""

    def full(self, value: int | None) -> str:
        """The exact value: 1,400 · €1,234.50; a dash for what is not known."""
        if value is None:
            return "\N{EN DASH}"
        words = str(Money(value, self.currency)) if self.currency else _decimal(value)
        return words.replace(" ", "\N{NO-BREAK SPACE}").replace("-", MINUS)

    def short(self, value: int, *, step: int) -> str:
        """As short as ticks `step` apart allow: 400 · €2.50 · €12K."""
        if not self.currency:
            return (
                _decimal(value)
                if abs(value) < _COMPACT_FROM
                else _compact(
                    format_compact_decimal(value, fraction_digits=2, locale=current_locale())
                )
            ).replace("-", MINUS)
        major = Money(value, self.currency).decimal
        if abs(major) >= _COMPACT_FROM:
            words = format_compact_currency(
                major, self.currency, fraction_digits=2, locale=current_locale()
            )
            return _compact(words).replace("-", MINUS)
        digits = 0 if step % self.whole == 0 else currency_digits(self.currency)
        words = format_currency(
            major,
            self.currency,
            format=None if digits else "¤#,##0",
            currency_digits=bool(digits),
            locale=current_locale(),
        )
        return words.replace("-", MINUS)

    @property
    def whole(self) -> int:
        """One of it: a thing, or a major unit of the currency."""
        return 10 ** currency_digits(self.currency) if self.currency else 1


COUNT = Unit()


def money_in(currency: str) -> Unit:
    return Unit(currency)


def in_table(day: date | str) -> str:
    """Sat 12 Dec; names stay as they are."""
    return day if isinstance(day, str) else dates.words_for(_noon(day), UTC, "day")


def axis_words(days: Sequence[date | str]) -> list[str]:
    """12 Dec, or Dec 2026 where the axis spans more than a year."""
    first, last = days[0], days[-1]
    is_long = isinstance(first, date) and isinstance(last, date) and (last - first).days > _A_YEAR
    skeleton, locale = "yMMM" if is_long else "MMMd", _locale_of_dates()
    return [
        day if isinstance(day, str) else format_skeleton(skeleton, _noon(day), locale=locale)
        for day in days
    ]


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def _decimal(value: int) -> str:
    return format_decimal(value, locale=current_locale())


def _compact(words: str) -> str:
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _locale_of_dates() -> Locale:
    """Babel's plain "en" is American; the English of this house writes the day first."""
    locale = current_locale()
    return Locale("en", "GB") if locale.language == "en" else locale
