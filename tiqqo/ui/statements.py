"""An account of a period that adds up: what was there, what came, what went, what is left."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tiqqo.core.money import Money


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger."""

    at: datetime
    label: str
    reference: str
    amount: Money
    url: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of one kind. `amount` stands for lines that are too many to be shown here."""

    label: str
    lines: Sequence[Line] = ()
    note: str = ""
    amount: Money | None = None
    count: int | None = None
    url: str = ""

    @property
    def total(self) -> Money | None:
        if self.amount is not None or not self.lines:
            return self.amount
        return sum((line.amount for line in self.lines[1:]), self.lines[0].amount)

    @property
    def line_count(self) -> int:
        return len(self.lines) if self.count is None else self.count


@dataclass(frozen=True, slots=True)
class Statement:
    """Opening + sections − paid out = closing, by construction."""

    number: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    opening: Money
    sections: Sequence[Section]
    paid_out: Money
    account: str = ""
    notes: Sequence[str] = field(default=())

    @property
    def earned(self) -> Money:
        """What the period brought, fees and refunds taken off."""
        nothing = Money(0, self.opening.currency)
        return sum((section.total or nothing for section in self.sections), nothing)

    @property
    def taken(self) -> Money:
        """What was paid out, as a line that takes from the balance."""
        return -self.paid_out

    @property
    def closing(self) -> Money:
        return self.opening + self.earned + self.taken
