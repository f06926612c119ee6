"""Currencies as Stripe takes them, and its limits on amounts: https://docs.stripe.com/currencies.

An amount is an integer in the currency's minor unit. For most currencies that is a hundredth; the *zero-decimal*
ones have none, and of the *three-decimal* ones the last digit must be 0. The króna and the Ugandan shilling have no
minor unit in life, but the API goes on taking them in hundredths, whole ones only: 500000 are 5,000 krónur. The
forint and the Taiwan dollar are special for payouts only, which are not done here.
"""

from __future__ import annotations

from .errors import StripeError, invalid, refused

# https://docs.stripe.com/currencies#presentment-currencies, in its order.
PRESENTMENT = (
    *"usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn bzd".split(),
    *"cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq".split(),
    *"gyd hkd hnl htg huf idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad".split(),
    *"mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln".split(),
    *"pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs".split(),
    *"uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw".split(),
    *"bhd jod kwd omr tnd".split(),
)
# https://docs.stripe.com/currencies#zero-decimal
ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split())
# https://docs.stripe.com/currencies#three-decimal; charged by accounts in some countries only.
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# https://docs.stripe.com/currencies#special-cases: without a minor unit, taken in hundredths nevertheless.
WHOLE_HUNDREDTHS = frozenset(("isk", "ugx"))

SYMBOLS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in minor units, as of 2026; the lev is of an
# older edition. They are of the currency that an account settles in: this one settles each of these in itself.
MINIMUM_CHARGE = {
    "usd": 50, "aed": 200, "ars": 50, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "cop": 50,
    "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "idr": 50, "ils": 50, "inr": 50,
    "jpy": 50, "krw": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "php": 50, "pln": 200, "ron": 200,
    "rub": 50, "sek": 300, "sgd": 50, "thb": 1000, "zar": 50,
}  # fmt: skip
# The same place: eight digits, with three exceptions. It lets card networks go up to twelve digits, the API reference
# does not (https://docs.stripe.com/api/payment_intents/create#create_payment_intent-amount): the stricter one is kept.
MAXIMUM_CHARGE = 99_999_999
MAXIMUM_CHARGE_OF = {"cop": 9_999_999_999, "idr": 999_999_999_999, "inr": 999_999_999}

# How many of a currency are about one US dollar. A charge in a currency without a minimum of its own is converted to
# the one that it settles in, dollars here; two digits are enough to ask whether it is 50 cents.
ABOUT_A_DOLLAR = {
    "afn": 70, "all": 85, "amd": 385, "ang": 1.8, "aoa": 915, "ars": 1400, "awg": 1.8, "azn": 1.7,
    "bam": 1.7, "bbd": 2, "bdt": 122, "bif": 2950, "bmd": 1, "bnd": 1.3, "bob": 6.9, "bsd": 1,
    "bwp": 13.5, "byn": 3.3, "bzd": 2, "cdf": 2500, "clp": 950, "cny": 7.1, "cop": 4000, "crc": 505,
    "cve": 95, "djf": 178, "dop": 62, "dzd": 130, "egp": 48, "etb": 150, "fjd": 2.3, "fkp": 0.75,
    "gel": 2.7, "gip": 0.75, "gmd": 72, "gnf": 8700, "gtq": 7.7, "gyd": 209, "hnl": 26, "htg": 131,
    "idr": 16500, "ils": 3.3, "isk": 125, "jmd": 160, "kes": 129, "kgs": 87, "khr": 4000, "kmf": 425,
    "krw": 1420, "kyd": 0.83, "kzt": 530, "lak": 21700, "lbp": 89500, "lkr": 303, "lrd": 183, "lsl": 17.3,
    "mad": 9.2, "mdl": 17, "mga": 4450, "mkd": 53, "mmk": 2100, "mnt": 3580, "mop": 8, "mur": 45.5,
    "mvr": 15.4, "mwk": 1735, "mzn": 64, "nad": 17.3, "ngn": 1460, "nio": 36.8, "npr": 141, "pab": 1,
    "pen": 3.4, "pgk": 4.2, "php": 58, "pkr": 282, "pyg": 7000, "qar": 3.64, "rsd": 101, "rub": 80,
    "rwf": 1450, "sar": 3.75, "sbd": 8.2, "scr": 14, "shp": 0.75, "sle": 23, "sos": 571, "srd": 39,
    "std": 21000, "szl": 17.3, "tjs": 9.3, "top": 2.4, "try": 42, "ttd": 6.8, "twd": 30.5, "tzs": 2470,
    "uah": 42, "ugx": 3500, "uyu": 40, "uzs": 12100, "vnd": 26300, "vuv": 120, "wst": 2.8, "xaf": 565,
    "xcd": 2.7, "xof": 565, "xpf": 103, "yer": 239, "zar": 17.3, "zmw": 22.5,
    "bhd": 0.38, "jod": 0.71, "kwd": 0.31, "omr": 0.38, "tnd": 2.9,
}  # fmt: skip

_DISPUTE_FEE_DOLLARS = 15


def decimals(currency: str) -> int:
    """How many digits of an amount in the API stand behind the point."""
    if currency in THREE_DECIMAL:
        return 3
    return 0 if currency in ZERO_DECIMAL - WHOLE_HUNDREDTHS else 2


def read_currency(value: object, *, param: str) -> str:
    """A currency that Stripe can charge, in lower case."""
    currency = str(value).lower()
    if currency not in PRESENTMENT:
        raise invalid(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {', '.join(PRESENTMENT)}",
            param=param,
        )
    return currency


def check_amount(amount: int, currency: str, *, param: str) -> None:
    """Refuses an amount that ends in digits its currency cannot have."""
    if currency in WHOLE_HUNDREDTHS and amount % 100:
        raise invalid(
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and charged amounts must "
            "be evenly divisible by 100. See https://stripe.com/docs/currencies#zero-decimal for more information.",
            param=param,
        )
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid(
            f"Invalid amount. The least-significant digit of an amount in {currency.upper()}, a three-decimal currency, "
            "must be 0. See https://stripe.com/docs/currencies#three-decimal for more information.",
            param=param,
        )


def check_total(total: int, currency: str) -> None:
    """Refuses a Checkout Session's total outside of what can be charged; nothing to pay is fine."""
    maximum = MAXIMUM_CHARGE_OF.get(currency, MAXIMUM_CHARGE)
    if total > maximum:
        raise invalid(
            f"The Checkout Session's total amount due must be no more than {shown(maximum, currency)}",
            code="amount_too_large",
        )
    if not 0 < total < minimum_charge(currency):
        return
    if currency in MINIMUM_CHARGE:
        raise invalid(
            "The Checkout Session's total amount due must add up to at least "
            f"{shown(MINIMUM_CHARGE[currency], currency)} {currency}",
            code="amount_too_small",
        )
    dollars = total / 10 ** decimals(currency) / ABOUT_A_DOLLAR[currency]
    raise invalid(
        "The Checkout Session's total amount must convert to at least 50 cents. "
        f"{shown(total, currency)} converts to approximately ${dollars:.2f}.",
        code="amount_too_small",
    )


def check_refund(amount: int, currency: str, *, left: int, whole: int) -> None:
    """Refuses more than is left of a charge."""
    check_amount(amount, currency, param="amount")
    if amount > left:
        of = "charge amount" if left == whole else "unrefunded amount on charge"
        raise _too_much(f"{shown(amount, currency)}", of, shown(left, currency))


def _too_much(asked: str, of: str, available: str) -> StripeError:
    return refused(f"Refund amount ({asked}) is greater than {of} ({available})", param="amount")


def minimum_charge(currency: str) -> int:
    if currency in MINIMUM_CHARGE:
        return MINIMUM_CHARGE[currency]
    return from_dollars(0.5, currency)


def from_dollars(dollars: float, currency: str) -> int:
    """About so many dollars in minor units of a currency, a whole sum that it can have."""
    per_dollar = ABOUT_A_DOLLAR.get(currency, _OF_DOCUMENTED.get(currency, 1.0))
    step = 100 if currency in WHOLE_HUNDREDTHS else 10 if currency in THREE_DECIMAL else 1
    minor = dollars * per_dollar * float(10 ** decimals(currency))
    return max(step, round(minor / step) * step)


# The same for the currencies with a minimum of their own.
_OF_DOCUMENTED = {
    "usd": 1, "aed": 3.7, "aud": 1.5, "bgn": 1.7, "brl": 5.4, "cad": 1.4, "chf": 0.8, "czk": 21,
    "dkk": 6.4, "eur": 0.86, "gbp": 0.75, "hkd": 7.8, "huf": 335, "inr": 88, "jpy": 153, "mxn": 18.4,
    "myr": 4.2, "nok": 10, "nzd": 1.7, "pln": 3.7, "ron": 4.4, "sek": 9.4, "sgd": 1.3, "thb": 32.5,
}  # fmt: skip


def shown(amount: int, currency: str) -> str:
    """`€24.00`, or `CHF 24.00` for a currency without a sign of its own."""
    whole = currency in WHOLE_HUNDREDTHS and amount % 100 == 0
    figures = f"{amount / 10 ** decimals(currency):,.{0 if whole else decimals(currency)}f}"
    sign = SYMBOLS.get(currency)
    return f"{sign}{figures}" if sign else f"{currency.upper()} {figures}"


def processing_fee(amount: int) -> int:
    """What the provider keeps of a card payment: 1.5 % and 25 minor units, rounded half up."""
    return (amount * 15 + 500) // 1000 + 25


def dispute_fee(currency: str) -> int:
    """What the provider charges for a dispute, won or lost: https://stripe.com/pricing, about 15 dollars."""
    return from_dollars(_DISPUTE_FEE_DOLLARS, currency)
