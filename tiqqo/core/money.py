"""Exact money: integer minor units and an ISO 4217 currency."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Self

from babel.numbers import format_currency, get_currency_precision

from tiqqo.core.locales import current_locale


class CurrencyMismatch(ValueError):
    """Two currencies met in one computation."""


def share(amount_minor: int, basis_points: int, *, of: int = 10_000) -> int:
    """`basis_points / of` of an amount, half away from zero: the one rounding rule of the house."""
    exact = Decimal(amount_minor * basis_points) / Decimal(of)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def tax_within(gross_minor: int, rate_bp: int) -> int:
    """The tax that a tax-inclusive amount contains."""
    return share(gross_minor, rate_bp, of=10_000 + rate_bp)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    minor: int
    currency: str

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined.")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, count: int) -> "Money":
        return Money(self.minor * count, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def allocate(self, weights: Sequence[int]) -> list["Money"]:
        """Parts in proportion to `weights` that add up to this amount exactly.

        What rounding down leaves goes, one minor unit each, to the largest remainders, first come
        first. Raises ValueError when the weights are empty, negative, or all zero.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("Weights must be non-negative and not all zero.")
        sign = -1 if self.minor < 0 else 1
        parts, remainders = [], []
        for position, weight in enumerate(weights):
            quotient, remainder = divmod(abs(self.minor) * weight, total)
            parts.append(quotient)
            remainders.append((-remainder, position))
        left = abs(self.minor) - sum(parts)
        for _, position in sorted(remainders)[:left]:
            parts[position] += 1
        return [Money(sign * part, self.currency) for part in parts]

    @property
    def decimal(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.minor).scaleb(-currency_digits(self.currency))

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Self:
        """Raises ValueError when the amount is finer than the currency's smallest unit."""
        minor = amount.scaleb(currency_digits(currency))
        if minor != minor.to_integral_value():
            raise ValueError(f"{currency} has no unit that small.")
        return cls(int(minor), currency)

    def __str__(self) -> str:
        text = format_currency(self.decimal, self.currency, locale=current_locale())
        # UTS 35, "currencySpacing": letters do not touch digits. Babel leaves that to its caller.
        return re.sub(r"(?<=[A-Z])(?=\d)", "\u00a0", text)


def currency_digits(currency: str) -> int:
    """Digits behind the point: 2 for EUR, 0 for JPY, 3 for KWD (ISO 4217, from CLDR)."""
    return get_currency_precision(currency)
