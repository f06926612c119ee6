"""Money is exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiqqo.core.money import CurrencyMismatch, Money, currency_digits, share, tax_within

amounts = st.integers(min_value=-(10**12), max_value=10**12)
weights = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=12).filter(any)


@given(amounts, weights)
def test_allocated_parts_add_up_exactly(minor, weights):
    parts = Money(minor, "EUR").allocate(weights)

    assert sum(part.minor for part in parts) == minor
    assert len(parts) == len(weights)


@given(amounts, weights)
def test_each_allocated_part_is_within_one_unit_of_its_share(minor, weights):
    for part, weight in zip(Money(minor, "EUR").allocate(weights), weights, strict=True):
        assert abs(part.minor * sum(weights) - minor * weight) < sum(weights)
        if weight == 0:
            assert part.minor == 0


def test_the_remainder_goes_to_the_largest_remainders_first_come_first():
    assert [p.minor for p in Money(100, "EUR").allocate([1, 1, 1])] == [34, 33, 33]
    assert [p.minor for p in Money(-100, "EUR").allocate([1, 1, 1])] == [-34, -33, -33]
    assert [p.minor for p in Money(10, "EUR").allocate([1, 0, 5])] == [2, 0, 8]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="Weights"):
        Money(100, "EUR").allocate(weights)


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_share_is_rounded_half_away_from_zero(minor, rate):
    exact, rest = divmod(minor * rate, 10_000)
    expected = exact + (rest >= 5_000)

    assert share(minor, rate) == expected
    assert share(-minor, rate) == -expected


@given(st.integers(0, 10**10), st.integers(0, 10_000))
def test_tax_within_is_the_tax_of_its_net(gross, rate):
    tax = tax_within(gross, rate)

    assert 0 <= tax <= gross
    assert abs(share(gross - tax, rate) - tax) <= 1


def test_tax_within_known_amounts():
    assert tax_within(10_900, 900) == 900
    assert tax_within(5_000, 900) == 413
    assert tax_within(12_500, 2_500) == 2_500
    assert tax_within(999, 0) == 0


@pytest.mark.parametrize(
    ("minor", "currency", "decimal", "text"),
    [
        (2550, "EUR", "25.50", "€25.50"),
        (2550, "JPY", "2550", "¥2,550"),
        (2550, "KWD", "2.550", "KWD\u00a02.550"),
        (-2550, "DKK", "-25.50", "-DKK\u00a025.50"),
    ],
)
def test_currencies_have_their_own_digits(minor, currency, decimal, text):
    money = Money(minor, currency)

    assert money.decimal == Decimal(decimal)
    assert str(money.decimal) == decimal
    assert Money.from_decimal(Decimal(decimal), currency) == money
    assert str(money) == text


def test_digits_of_currencies():
    assert [currency_digits(code) for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]


@pytest.mark.parametrize(
    ("amount", "currency"), [("1.005", "EUR"), ("0.5", "JPY"), ("0.0001", "KWD")]
)
def test_an_amount_finer_than_the_currency_is_refused(amount, currency):
    with pytest.raises(ValueError, match="no unit that small"):
        Money.from_decimal(Decimal(amount), currency)


def test_currencies_do_not_mix():
    euro, krone = Money(1, "EUR"), Money(1, "DKK")
    for combine in (
        lambda: euro + krone,
        lambda: euro - krone,
        lambda: euro < krone,
        lambda: euro >= krone,
    ):
        with pytest.raises(CurrencyMismatch):
            combine()
    assert euro != krone


@given(amounts, amounts)
def test_arithmetic_is_that_of_integers(a, b):
    x, y = Money(a, "EUR"), Money(b, "EUR")

    assert (x + y).minor == a + b
    assert (x - y).minor == a - b
    assert (-x).minor == -a
    assert (x * 3).minor == a * 3
    assert (x < y) == (a < b)
    assert bool(x) == bool(a)
