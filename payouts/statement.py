"""The payout statement: what was paid out and why, down to the entry, as a PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tiqqo.core.money import Money
from tiqqo.ui.pdf import render_pdf


class DoesNotBalance(ValueError):
    """A statement whose lines and payout do not sum to zero says something that is not so."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    on: date
    label: str
    reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class StatementPart:
    """The lines of one event, or what was carried over."""

    title: str
    lines: Sequence[StatementLine]
    currency: str

    @property
    def total(self) -> Money:
        return sum((line.amount for line in self.lines), Money(0, self.currency))


@dataclass(frozen=True, slots=True)
class PayoutStatement:
    """All that led to a payout. The parts less the payout and what stays are zero, or it is not made."""

    number: str
    organiser: str
    account: str
    first_day: date
    last_day: date
    paid_on: date
    parts: Sequence[StatementPart]
    payout: Money
    carried_over: Money
    accent: str = ""

    def __post_init__(self) -> None:
        if self.earned != self.payout + self.carried_over:
            raise DoesNotBalance(
                f"{self.earned} is not {self.payout} paid and {self.carried_over} carried over."
            )

    @property
    def earned(self) -> Money:
        return sum((part.total for part in self.parts), Money(0, self.payout.currency))


def statement_pdf(statement: PayoutStatement) -> bytes:
    """The statement in the current language."""
    context = {
        "statement": statement,
        "minus_payout": -statement.payout,
        "minus_carried": -statement.carried_over,
        "nothing": statement.earned - statement.payout - statement.carried_over,
    }
    return render_pdf("statement", context, accent=statement.accent)
