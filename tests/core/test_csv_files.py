"""No cell of an export is run by the program that opens it."""

import csv
import io

import pytest

from tiqqo.core.csv_files import csv_lines, safe

FORMULA = 'HYPERLINK("https://evil.example","here")'
SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹢", "﹣", "﹦", "﹫", "−"]
BEFORE = [
    "",
    " ",
    "   ",
    "\n",
    "\r\n",
    "\t",
    "\N{NO-BREAK SPACE}",
    "\N{IDEOGRAPHIC SPACE}",
    "\N{ZERO WIDTH SPACE}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\x0b",
    "\x00",
    "\N{LINE SEPARATOR} ",
]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", BEFORE)
def test_what_may_be_a_formula_stands_behind_an_apostrophe(before, sign):
    text = f"{before}{sign}{FORMULA}"

    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["\tname", "\rname", "\nname"])
def test_a_cell_does_not_begin_with_what_ends_one(text):
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", " ", "Ana", " Ana", "1.50", "a=b", "Åse", "2026-11-28", "“Ana”", "–", "日本"]
)
def test_what_is_harmless_stays_as_it_is(text):
    assert safe(text) == text


def test_a_cell_of_several_lines_is_one_cell_and_nothing_is_empty():
    [line] = [*csv_lines(["A", "B"], [["\n=1", None]])][1:]

    assert next(csv.reader(io.StringIO(line, newline=""))) == ["'\n=1", ""]
