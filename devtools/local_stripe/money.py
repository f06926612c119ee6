"""Amounts as people read them, and Stripe's limits on them."""

from __future__ import annotations

ZERO_DECIMAL = frozenset(
    (
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    )
)
SYMBOLS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts; others are taken as 50.
MINIMUM_CHARGE = {
    "czk": 1500, "dkk": 250, "gbp": 30, "huf": 17500, "nok": 300, "pln": 200, "ron": 200, "sek": 300,
}  # fmt: skip


def minimum_charge(currency: str) -> int:
    return MINIMUM_CHARGE.get(currency, 50)


def shown(amount: int, currency: str) -> str:
    """`€24.00`, or `CHF 24.00` for a currency without a sign of its own."""
    figures = f"{amount:,}" if currency in ZERO_DECIMAL else f"{amount / 100:,.2f}"
    sign = SYMBOLS.get(currency)
    return f"{sign}{figures}" if sign else f"{currency.upper()} {figures}"


def processing_fee(amount: int) -> int:
    """What the provider keeps of a card payment: 1.5 % and 25 minor units, rounded half up."""
    return (amount * 15 + 500) // 1000 + 25
