"""Units, least and greatest of card payments, against Stripe's documentation (docs.stripe.com/currencies)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.forms import CURRENCIES
from tiqqo.core.card_amounts import card_limits, from_provider, to_provider
from tiqqo.core.money import Money


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(5198, "EUR"), 5198),
        (Money(500, "JPY"), 500),
        # "to charge 5 ISK, provide an amount value of 500"
        (Money(5000, "ISK"), 500_000),
        (Money(5000, "UGX"), 500_000),
        # "5.124 KWD must be rounded to 5120 or 5130"
        (Money(5120, "KWD"), 5120),
        # Charged with two decimals, although forints are paid out whole.
        (Money.from_decimal(Decimal(1000), "HUF"), 100_000),
    ],
)
def test_amounts_are_written_as_the_provider_takes_them_and_read_back(amount, written):
    assert to_provider(amount) == written
    assert from_provider(written, amount.currency.lower()) == amount


def test_thousandths_that_the_provider_does_not_take_are_refused():
    with pytest.raises(ValueError, match="KWD"):
        to_provider(Money(5124, "KWD"))


@given(st.sampled_from(CURRENCIES), st.integers(0, 10**7))
def test_every_amount_of_a_currency_that_we_offer_comes_back_as_it_went(currency, minor):
    amount = Money(minor, currency)

    assert from_provider(to_provider(amount), currency) == amount


@pytest.mark.parametrize(
    ("currency", "least", "greatest"),
    [
        ("EUR", 50, 99_999_999),
        ("GBP", 30, 99_999_999),
        ("DKK", 250, 99_999_999),
        ("JPY", 50, 99_999_999),
        ("ISK", 100, 999_999),
        ("KWD", 200, 99_999_990),
    ],
)
def test_limits_are_in_our_units(currency, least, greatest):
    limits = card_limits(currency)

    assert (limits.least.minor, limits.greatest.minor) == (least, greatest)
    assert limits.allow(Money(least, currency))
    assert not limits.allow(Money(least - 1, currency))
    assert not limits.allow(Money(greatest + 1, currency))


def test_every_currency_that_organisers_may_choose_has_a_documented_least():
    for currency in CURRENCIES:
        assert card_limits(currency).least.minor > 0
