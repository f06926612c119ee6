"""Currencies and the limits on amounts: https://docs.stripe.com/currencies."""

from __future__ import annotations

import pytest
import stripe

from devtools.local_stripe import money
from tests.devtools.local_stripe.harness import Server


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (2400, "eur", "€24.00"),
        (2400, "chf", "CHF 24.00"),
        (500, "jpy", "¥500"),
        (5000, "krw", "KRW 5,000"),
        (500000, "isk", "ISK 5,000"),
        (500000, "ugx", "UGX 5,000"),
        (5120, "kwd", "KWD 5.120"),
        (17500, "huf", "HUF 175.00"),
        (80045, "twd", "TWD 800.45"),
    ],
)
def test_an_amount_is_shown_in_its_currency(
    server: Server, amount: int, currency: str, shown: str
) -> None:
    session = server.create(amount=amount, currency=currency)

    assert (session.amount_total, session.currency) == (amount, currency)
    assert shown in server.fetch("GET", f"/c/pay/{session.id}")[1]


@pytest.mark.parametrize(
    ("amount", "currency", "message"),
    [
        (500050, "isk", "Currency ISK .* evenly divisible by 100"),
        (500001, "ugx", "Currency UGX .* evenly divisible by 100"),
        (5125, "kwd", "least-significant digit"),
        (5001, "bhd", "least-significant digit"),
    ],
)
def test_digits_that_a_currency_cannot_have_are_refused(
    server: Server, amount: int, currency: str, message: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message) as refusal:
        server.create(amount=amount, currency=currency)

    assert refusal.value.param == "line_items[0][price_data][unit_amount]"


def test_an_unknown_currency_is_refused_with_the_known_ones(server: Server) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        server.create(currency="xyz")

    message = str(refusal.value)
    assert (
        "Invalid currency: xyz. Stripe currently supports these currencies: usd, aed, " in message
    )
    assert refusal.value.param == "line_items[0][price_data][currency]"


def test_a_currency_in_capitals_is_taken(server: Server) -> None:
    assert server.create(currency="EUR").currency == "eur"


@pytest.mark.parametrize(("currency", "minimum"), sorted(money.MINIMUM_CHARGE.items()))
def test_the_documented_minimum_is_taken_and_less_is_not(
    server: Server, currency: str, minimum: int
) -> None:
    assert server.create(amount=minimum, currency=currency).amount_total == minimum
    with pytest.raises(stripe.InvalidRequestError, match="must add up to at least") as refusal:
        server.create(amount=minimum - 1, currency=currency)

    assert refusal.value.code == "amount_too_small"


def test_a_currency_without_a_minimum_must_convert_to_fifty_cents(server: Server) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        server.create(amount=1000, currency="isk")

    assert refusal.value.code == "amount_too_small"
    assert "ISK 10 converts to approximately $0.08." in str(refusal.value)
    assert server.create(amount=10000, currency="isk").amount_total == 10000


def test_every_currency_has_a_minimum_that_it_can_have() -> None:
    for currency in money.PRESENTMENT:
        minimum = money.minimum_charge(currency)

        money.check_amount(minimum, currency, param="amount")
        money.check_total(minimum, currency)
        assert 0 < minimum <= money.MAXIMUM_CHARGE, currency


@pytest.mark.parametrize(
    ("currency", "maximum", "shown"),
    [
        ("eur", 99_999_999, "€999,999.99"),
        ("jpy", 99_999_999, "¥99,999,999"),
        ("inr", 999_999_999, "INR 9,999,999.99"),
        ("cop", 9_999_999_999, "COP 99,999,999.99"),
        ("idr", 999_999_999_999, "IDR 9,999,999,999.99"),
    ],
)
def test_the_greatest_amount_is_taken_and_more_is_not(
    server: Server, currency: str, maximum: int, shown: str
) -> None:
    assert server.create(amount=maximum, currency=currency).amount_total == maximum
    with pytest.raises(stripe.InvalidRequestError, match="no more than") as refusal:
        server.create(amount=maximum + 1, currency=currency)

    assert refusal.value.code == "amount_too_large"
    assert shown in str(refusal.value)


def test_a_refund_keeps_to_its_currency(server: Server) -> None:
    session = server.paid(amount=500000, currency="isk")

    with pytest.raises(stripe.InvalidRequestError, match="evenly divisible by 100"):
        server.refund(session, amount=150)

    assert server.refund(session, amount=100000).amount == 100000
