"""The test cards this server knows, and the checks a card form makes before it asks the bank."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from . import bridge

Refunds = Literal["at once", "succeed later", "fail later"]


@dataclass(frozen=True, slots=True)
class TestCard:
    """How a card behaves; numbers and behaviour are those of https://docs.stripe.com/testing."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    number: str
    outcome: str
    authenticates: bool = False
    decline_code: str | None = None
    decline_message: str = ""
    refunds: Refunds = "at once"
    dispute_reason: str | None = None
    is_inquiry: bool = False

    @property
    def spaced(self) -> str:
        return " ".join(re.findall(r"\d{4}", self.number))


TEST_CARDS = {
    card.number: card
    for card in (
        TestCard("4242424242424242", "succeeds"),
        TestCard("4000002760003184", "asks for 3-D Secure", authenticates=True),
        TestCard("4000000000003220", "asks for 3-D Secure", authenticates=True),
        TestCard(
            "4000000000000002",
            "is declined",
            decline_code="generic_decline",
            decline_message="Your card was declined.",
        ),
        TestCard(
            "4000000000009995",
            "is declined: insufficient funds",
            decline_code="insufficient_funds",
            decline_message="Your card has insufficient funds.",
        ),
        TestCard("4000000000007726", "succeeds; refunds succeed later", refunds="succeed later"),
        TestCard("4000000000005126", "succeeds; refunds fail later", refunds="fail later"),
        TestCard(
            "4000000000000259",
            "succeeds, then is disputed as fraudulent",
            dispute_reason="fraudulent",
        ),
        TestCard(
            "4000000000002685",
            "succeeds, then is disputed as not received",
            dispute_reason="product_not_received",
        ),
        TestCard(
            "4000000000001976",
            "succeeds, then the bank inquires about it",
            dispute_reason="fraudulent",
            is_inquiry=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class CardDetails:
    number: str
    exp_month: int
    exp_year: int
    cvc: str
    name: str
    email: str

    @property
    def behaviour(self) -> TestCard:
        return TEST_CARDS[self.number]


class FormErrors(Exception):
    """What is wrong with a submitted card form: field name → message."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def read_card_form(form: dict[str, str]) -> CardDetails:
    """The card in a submitted form; raises FormErrors with every field that is wrong."""
    errors: dict[str, str] = {}
    number = re.sub(r"[\s-]", "", form.get("card_number", ""))
    cvc = form.get("cvc", "").strip()
    name = form.get("name", "").strip()
    email = form.get("email", "").strip()
    expiry = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(\d{2}|\d{4})\s*", form.get("expiry", ""))
    month, year = (int(expiry[1]), int(expiry[2]) % 100 + 2000) if expiry else (0, 0)
    today = datetime.fromtimestamp(bridge.now(), UTC)

    if problem := email_problem(email):
        errors["email"] = problem
    if problem := _number_problem(number):
        errors["card_number"] = problem
    if not 1 <= month <= 12:
        errors["expiry"] = "Enter the expiry date as month and year, for example 12 / 34."
    elif (year, month) < (today.year, today.month):
        errors["expiry"] = "Your card's expiry date is in the past."
    if not re.fullmatch(r"\d{3}", cvc):
        errors["cvc"] = "Enter the 3 digits on the back of your card."
    if not name:
        errors["name"] = "Enter the name on your card."
    if errors:
        raise FormErrors(errors)
    return CardDetails(
        number=number, exp_month=month, exp_year=year, cvc=cvc, name=name, email=email
    )


def email_problem(email: str) -> str | None:
    if not email:
        return "Enter your email address."
    if not is_email(email):
        return "Enter an email address in the correct format, like name@example.com."
    return None


def is_email(text: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text) is not None


def _number_problem(number: str) -> str | None:
    if not number:
        return "Enter your card number."
    if not re.fullmatch(r"\d{12,19}", number):
        return "Your card number is incomplete."
    if not passes_luhn(number):
        return "Your card number is invalid."
    if number not in TEST_CARDS:
        return "This is a test page and does not know that card. Use one of the test cards listed below."
    return None


def passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
