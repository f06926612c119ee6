"""Comma-separated values (RFC 4180), safe to open in a spreadsheet."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

# A spreadsheet runs a cell that begins like this as a formula (OWASP, "CSV Injection").
_FORMULA = frozenset("=+-@")
# Some look past these to what follows: spaces, controls such as a tab or a new line, marks without width.
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def safe(value: Any) -> str:
    """The text as it is, behind an apostrophe where a spreadsheet might take it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if _may_be_formula(text) else text


def _may_be_formula(text: str) -> bool:
    if text[:1] in {"\t", "\r", "\n"}:
        return True
    first = next((sign for sign in text if unicodedata.category(sign) not in _UNSEEN), "")
    # Wide and small forms become the plain sign on the way into some programs: ＝, ﹢, －, ＠, −.
    return first == "\N{MINUS SIGN}" or unicodedata.normalize("NFKC", first) in _FORMULA


class _Echo:
    def write(self, value: str) -> str:
        return value


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Line by line, as it is sent; the mark in front tells spreadsheets that it is UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(columns)
    for row in rows:
        yield writer.writerow([safe(value) for value in row])
