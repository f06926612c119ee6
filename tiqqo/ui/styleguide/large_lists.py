"""People and orders that are made up, the same each time, for patterns that need many of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from tiqqo.core.money import Money
from tiqqo.ui.sentences import Answer, Choice, Clause, Field, Grammar, Number, Reason

PEOPLE_COUNT = 4870
ORDERS_COUNT = 10_000
PAGE_SIZE = 50
SAMPLE_SIZE = 10

_FIRST = (
    "Ana", "Bram", "Chidi", "Dita", "Emre", "Fleur", "Gijs", "Hanna", "Imane", "Joris", "Kiki",
    "Lotte", "Mehmet", "Noor", "Olaf", "Pien", "Quinten", "Roos", "Sanne", "Thijs", "Uma", "Vera",
    "Wout", "Xenia", "Youssef", "Zoë",
)  # fmt: skip
_LAST = (
    "Aalbers", "Bakker", "Claassen", "Dekker", "El Amrani", "Faber", "de Groot", "Hendriks",
    "Isik", "Janssen", "Kuipers", "van Leeuwen", "Mulder", "Novák", "Okafor", "Peters", "Ramdin",
    "Smit", "Tahiri", "Verhoeven", "de Wit", "Yıldız", "Zandstra",
)  # fmt: skip
_CITIES = (("Amsterdam", 46), ("Utrecht", 15), ("Haarlem", 12), ("Rotterdam", 10), ("Leiden", 6))
_EVENTS = ("Strings in the Dark", "Night of the Blue Note", "Late Organ", "Open Air", "Jazz Brunch")
_KINDS = ("ticket", "weekend", "student")
_WORDS = ("a ticket", "a weekend ticket", "a student ticket")


@dataclass(frozen=True, slots=True)
class Purchase:
    kind: str
    event: str
    months_ago: int
    minor: int


@dataclass(frozen=True, slots=True)
class Somebody:
    name: str
    email: str
    city: str
    purchases: tuple[Purchase, ...]
    has_agreed: bool
    has_left: bool
    bounces: bool

    @property
    def second(self) -> str:
        return f"{self.city} · {self.email}"

    @property
    def is_reachable(self) -> bool:
        return self.has_agreed and not self.has_left and not self.bounces


@cache
def people() -> tuple[Somebody, ...]:
    random = Random(20260412)
    return tuple(_somebody(random, number) for number in range(PEOPLE_COUNT))


def _somebody(random: Random, number: int) -> Somebody:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    cities, weights = zip(*_CITIES, ("Elsewhere", 11), strict=True)
    mailbox = f"{first}.{last}".lower().replace(" ", "")
    return Somebody(
        name=f"{first} {last}",
        email=f"{mailbox}{number}@example.com",
        city=random.choices(cities, weights)[0],
        purchases=tuple(
            Purchase(
                random.choices(_KINDS, (78, 12, 10))[0],
                random.choice(_EVENTS),
                int(random.triangular(0, 40, 6)),
                random.choice((1200, 2450, 3200, 3900)),
            )
            for _number in range(min(int(random.expovariate(0.55)), 14))
        ),
        has_agreed=random.random() < 0.74,
        has_left=random.random() < 0.09,
        bounces=random.random() < 0.05,
    )


# Conditions -----------------------------------------------------------------------------

_HOW_MANY = Choice(
    "compare", "how many", (("least", "at least"), ("most", "at most"), ("exactly", "exactly"))
)
_SINCE = Choice(
    "since",
    "since when",
    (
        ("12", "in the last 12 months"),
        ("3", "in the last 3 months"),
        ("24", "in the last 2 years"),
        ("999", "ever"),
    ),
)

GRAMMAR: Grammar = (
    Field(
        "bought",
        "Has bought",
        (
            Choice("what", "what they bought", tuple(zip(_KINDS, _WORDS, strict=True))),
            _HOW_MANY,
            Number("count", "number of times", 0, 99, "2"),
            "times",
            _SINCE,
        ),
    ),
    Field(
        "spent",
        "Has spent",
        (_HOW_MANY, "€", Number("euros", "amount in euros", 0, 100_000, "100"), _SINCE),
    ),
    Field(
        "ordered_for",
        "Has a ticket for",
        (Choice("event", "event", tuple((name, name) for name in _EVENTS)),),
    ),
    Field(
        "lives",
        "Lives",
        (
            Choice("place", "where", (("in", "in"), ("outside", "outside"))),
            Choice("city", "city", tuple((name, name) for name, _weight in _CITIES)),
        ),
    ),
    Field(
        "news",
        "Has",
        (
            Choice("answer", "their answer", (("yes", "agreed"), ("no", "not agreed"))),
            "to news by e-mail",
        ),
    ),
)

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "least": lambda found, asked: found >= asked,
    "most": lambda found, asked: found <= asked,
    "exactly": lambda found, asked: found == asked,
}


def answer(clauses: Sequence[Sequence[Clause]]) -> Answer:
    """Who fits every block, and why a mail would not reach some of them."""
    everybody = people()
    found = [
        person
        for person in everybody
        if all(any(_fits(person, clause) for clause in block) for block in clauses)
    ]
    why = Counter(_obstacle(person) for person in found if not person.is_reachable)
    return Answer(
        count=len(found),
        total=len(everybody),
        reachable=sum(person.is_reachable for person in found),
        reasons=[Reason(label, count) for label, count in why.most_common()],
        sample=found[:: max(len(found) // SAMPLE_SIZE, 1)][:SAMPLE_SIZE],
    )


def _obstacle(person: Somebody) -> str:
    if not person.has_agreed:
        return "never agreed to news"
    return "unsubscribed" if person.has_left else "their mailbox refuses mail"


def _fits(person: Somebody, clause: Clause) -> bool:
    asked: Any = clause.values
    match clause.field:
        case "bought":
            bought = [p for p in _since(person, asked["since"]) if p.kind == asked["what"]]
            return _COMPARE[asked["compare"]](len(bought), asked["count"])
        case "spent":
            spent = sum(purchase.minor for purchase in _since(person, asked["since"]))
            return _COMPARE[asked["compare"]](spent, asked["euros"] * 100)
        case "ordered_for":
            return any(purchase.event == asked["event"] for purchase in person.purchases)
        case "lives":
            return bool(person.city == asked["city"]) is bool(asked["place"] == "in")
        case "news":
            return person.has_agreed is bool(asked["answer"] == "yes")
    raise ValueError(f"No condition {clause.field!r}.")


def _since(person: Somebody, months: str) -> list[Purchase]:
    return [purchase for purchase in person.purchases if purchase.months_ago < int(months)]


# Ten thousand orders --------------------------------------------------------------------

_STAGES = (("positive", "Settled"), ("info", "Invoice sent"), ("caution", "Requested"))
_NEWEST = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MadeUpOrder:
    number: int
    name: str
    at: datetime
    count: int
    total: Money
    tone: str
    stage: str

    @property
    def code(self) -> str:
        return f"K{self.number:05d}QF"


@dataclass(frozen=True, slots=True)
class OrdersSlice:
    """One page by key: what comes after `before` going back, or after `after` going on."""

    orders: list[MadeUpOrder]
    first: int
    previous: int | None
    next: int | None

    @property
    def last(self) -> int:
        return self.first + len(self.orders) - 1


def orders_after(key: int) -> OrdersSlice:
    """The page that follows the order with this number; 0 is the start."""
    start = min(max(key, 0), ORDERS_COUNT - 1)
    numbers = range(start + 1, min(start + PAGE_SIZE, ORDERS_COUNT) + 1)
    return OrdersSlice(
        [_order(number) for number in numbers],
        start + 1,
        max(start - PAGE_SIZE, 0) if start else None,
        numbers[-1] if numbers[-1] < ORDERS_COUNT else None,
    )


def _order(number: int) -> MadeUpOrder:
    random = Random(number)
    count = random.choices((1, 2, 3, 4, 6), (24, 46, 12, 14, 4))[0]
    tone, stage = random.choices(_STAGES, (90, 4, 6))[0]
    return MadeUpOrder(
        number,
        f"{random.choice(_FIRST)} {random.choice(_LAST)}",
        _NEWEST - number * timedelta(minutes=17),
        count,
        Money(count * 2450, "EUR"),
        tone,
        stage,
    )
