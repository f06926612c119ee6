"""What a card payment may amount to, and how the provider writes it.

One table from Stripe's documentation, https://docs.stripe.com/currencies: its units differ from the
currency's own for some, and each currency has a least and a greatest amount of one charge. Ours are the
minor units of ISO 4217 as `Money` has them.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tiqqo.core.money import Money, currency_digits

# "Zero-decimal currencies": the amount is in whole units.
ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
# "Special cases": without a smaller unit, but written with two decimals that are always 00.
ALWAYS_00 = frozenset({"ISK", "UGX"})
# "Three-decimal currencies": in thousandths, whose last digit must be 0.
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

# "Minimum and maximum charge amounts", in the currency itself. The least depends on what the account
# is paid out in; these are of an account that is paid in the currency it charges.
LEAST = {
    "AED": "2.00", "AUD": "0.50", "BRL": "0.50", "CAD": "0.50", "CHF": "0.50", "CZK": "15.00",
    "DKK": "2.50", "EUR": "0.50", "GBP": "0.30", "HKD": "4.00", "HUF": "175", "INR": "0.50",
    "JPY": "50", "MXN": "10", "MYR": "2", "NOK": "3.00", "NZD": "0.50", "PLN": "2.00",
    "RON": "2.00", "SEK": "3.00", "SGD": "0.50", "THB": "10", "USD": "0.50",
    # Not in the table: charged in it and converted, so about the least in USD.
    "ISK": "100", "KWD": "0.200", "BHD": "0.200", "UGX": "2000",
}  # fmt: skip
# "The amount value supports up to eight digits", as the provider writes it.
GREATEST = 99_999_999


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the greatest amount of one charge, both allowed."""

    least: Money
    greatest: Money

    def allow(self, amount: Money) -> bool:
        return self.least <= amount <= self.greatest


def _provider_digits(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_provider(amount: Money) -> int:
    """The amount as the provider takes it: 500000 for ISK 5,000.

    Raises ValueError for an amount that it cannot take, such as KWD 1.234.
    """
    exact = amount.decimal.scaleb(_provider_digits(amount.currency))
    written = int(exact)
    if written != exact or (amount.currency in THREE_DECIMAL and written % 10):
        raise ValueError(f"{amount.currency} cannot be charged by card to that unit: {amount}")
    return written


def from_provider(written: int, currency: str) -> Money:
    """The amount that the provider means: ISK 5,000 for 500000.

    What is finer than the currency's smallest unit is rounded; the provider sends no such amount.
    """
    currency = currency.upper()
    amount = Decimal(written).scaleb(-_provider_digits(currency))
    minor = amount.scaleb(currency_digits(currency))
    return Money(int(minor.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)


def card_limits(currency: str) -> Limits:
    """What one card payment in this currency may amount to."""
    least = Decimal(LEAST.get(currency, "0.50"))
    return Limits(
        Money.from_decimal(least, currency) if currency in LEAST else _whole(least, currency),
        from_provider(_last_takeable(currency), currency),
    )


def _whole(amount: Decimal, currency: str) -> Money:
    """At least one of the smallest unit."""
    minor = amount.scaleb(currency_digits(currency)).to_integral_value(rounding=ROUND_HALF_UP)
    return Money(max(int(minor), 1), currency)


def _last_takeable(currency: str) -> int:
    if currency in ALWAYS_00:
        return GREATEST - GREATEST % 100
    return GREATEST - GREATEST % 10 if currency in THREE_DECIMAL else GREATEST
