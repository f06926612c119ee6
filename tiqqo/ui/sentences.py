"""Conditions as sentences: "Has bought [a ticket] [at least] [2] times [in the last 12 months]".

The grammar is data: an app lists its fields, each a sentence of words and slots. Rows of a block are
alternatives, blocks hold together. What was asked travels in the query string as
`<block>.<row>.<slot>`, so that a sentence is an address.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

Words = str | Promise

_PARAMETER = re.compile(r"(\d{1,2})\.(\d{1,2})\.([a-z_]+)")
_NUMBER = re.compile(r"\d{1,9}")
_FIELD = "field"
# Not "add" and "remove": a button of that name would hide the method of its form.
PUT_IN, TAKE_OUT = "put_in", "take_out"
MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """A slot with one of some answers; the first is where it starts."""

    name: str
    label: Words
    options: Sequence[tuple[str, Words]]
    kind: str = "choice"

    @property
    def start(self) -> str:
        return self.options[0][0]

    def read(self, typed: str) -> str:
        """An answer of another field is no mistake of the reader's: it starts anew."""
        return typed if typed in dict(self.options) else self.start


@dataclass(frozen=True, slots=True)
class Number:
    """A slot with a whole number, both ends included."""

    name: str
    label: Words
    least: int
    most: int
    start: str
    kind: str = "number"

    def read(self, typed: str) -> int:
        """Raises ValueError with what to do."""
        if not _NUMBER.fullmatch(typed.strip()) or not self.least <= int(typed) <= self.most:
            raise ValueError(
                _("Enter a whole number from %(least)s to %(most)s.")
                % {"least": self.least, "most": self.most}
            )
        return int(typed)


Slot = Choice | Number


@dataclass(frozen=True, slots=True)
class Field:
    """A kind of condition: `label` begins the sentence, `parts` go on with words and slots."""

    name: str
    label: Words
    parts: Sequence[Words | Slot]

    @property
    def slots(self) -> list[Slot]:
        return [part for part in self.parts if isinstance(part, Choice | Number)]


Grammar = Sequence[Field]


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition that was understood: what to ask the database for."""

    field: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Words between the slots, or a slot with what was typed into it."""

    words: Words = ""
    slot: Slot | None = None
    name: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    field: Field
    place: str
    parts: Sequence[Part]
    clause: Clause | None
    error: str = ""
    is_focused: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was asked, as rows to draw; `clauses` once every row is understood."""

    grammar: Grammar
    blocks: Sequence[Sequence[Row]]

    @property
    def is_valid(self) -> bool:
        return all(row.clause is not None for block in self.blocks for row in block)

    @property
    def clauses(self) -> list[list[Clause]]:
        """All of these blocks must hold, of each block any clause."""
        return [[row.clause for row in block if row.clause] for block in self.blocks]

    @property
    def error(self) -> str:
        """The first thing to mend."""
        return next((row.error for block in self.blocks for row in block if row.error), "")

    @property
    def is_single(self) -> bool:
        return sum(len(block) for block in self.blocks) == 1

    @property
    def is_full(self) -> bool:
        return sum(len(block) for block in self.blocks) >= MOST_ROWS


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some cannot be reached."""

    label: Words
    count: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How many the sentence means, of how many, who for example, and whom a mail would reach."""

    count: int
    total: int
    reachable: int
    reasons: Sequence[Reason] = ()
    sample: Sequence[Any] = field(default=())


def read_sentence(grammar: Grammar, data: QueryDict) -> Sentence:
    """The sentence of a query string, with the row to put in and without the one to take out.

    `put_in` names a block, or is "new" for a block of its own; `take_out` is `<block>.<row>`.
    """
    typed = _typed(data) or [[{}]]
    focus = ""
    if removed := data.get(TAKE_OUT):
        focus = _remove(typed, removed)
    if (added := data.get(PUT_IN)) is not None and sum(map(len, typed)) < MOST_ROWS:
        focus = _add(typed, added)
    return Sentence(
        grammar,
        [
            [
                _row(grammar, values, f"{block}.{row}", is_focused=focus == f"{block}.{row}")
                for row, values in enumerate(rows)
            ]
            for block, rows in enumerate(typed)
        ],
    )


def _typed(data: QueryDict) -> list[list[dict[str, str]]]:
    found: dict[int, dict[int, dict[str, str]]] = {}
    for name in list(data)[: MOST_ROWS * 10]:
        if match := _PARAMETER.fullmatch(name):
            block, row, slot = int(match[1]), int(match[2]), match[3]
            found.setdefault(block, {}).setdefault(row, {})[slot] = str(data[name])
    return [[rows[row] for row in sorted(rows)] for _block, rows in sorted(found.items())]


def _remove(typed: list[list[dict[str, str]]], place: str) -> str:
    """Takes the row out and names the one that takes focus."""
    block, _dot, row = place.partition(".")
    if not (block.isdecimal() and row.isdecimal()) or int(block) >= len(typed):
        return ""
    rows = typed[int(block)]
    if int(row) >= len(rows) or sum(map(len, typed)) == 1:
        return ""
    del rows[int(row)]
    if rows:
        return f"{block}.{min(int(row), len(rows) - 1)}"
    del typed[int(block)]
    return f"{min(int(block), len(typed) - 1)}.0"


def _add(typed: list[list[dict[str, str]]], where: str) -> str:
    if where.isdecimal() and int(where) < len(typed):
        typed[int(where)].append({})
        return f"{where}.{len(typed[int(where)]) - 1}"
    typed.append([{}])
    return f"{len(typed) - 1}.0"


def _row(grammar: Grammar, typed: Mapping[str, str], place: str, *, is_focused: bool) -> Row:
    asked = next((entry for entry in grammar if entry.name == typed.get(_FIELD)), grammar[0])
    parts, values, error = [], {}, ""
    for part in asked.parts:
        if not isinstance(part, Choice | Number):
            parts.append(Part(words=part))
            continue
        raw = typed.get(part.name, part.start)
        try:
            values[part.name] = part.read(raw)
        except ValueError as refusal:
            error = str(refusal)
        shown = values.get(part.name, raw)
        parts.append(Part(slot=part, name=f"{place}.{part.name}", typed=str(shown)))
    clause = None if error else Clause(asked.name, values)
    return Row(asked, place, parts, clause, error, is_focused)
