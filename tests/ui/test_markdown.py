"""Organisers write Markdown; guests get harmless HTML."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from tiqqo.ui import markdown
from tiqqo.ui.markdown import LONGEST_HTML, MarkdownField, as_html, refuse_hard_text


def test_markdown_becomes_html_below_the_pages_own_headings():
    assert as_html("# Doors\n\nAt **eight**, [map](https://example.org/m).") == (
        "<h3>Doors</h3>\n"
        '<p>At <strong>eight</strong>, <a href="https://example.org/m"'
        ' rel="noopener noreferrer">map</a>.</p>\n'
    )


def test_tables_are_kept():
    assert "<td>21:00</td>" in as_html("| Set | Time |\n|---|---|\n| One | 21:00 |")


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://tracker.example/pixel.gif)",
        "<a href='https://example.org' onclick='alert(1)'>x</a>",
        "<style>body{display:none}</style>",
        '<p style="color:red" class="button">x</p>',
        "<iframe src=https://example.org></iframe>",
        '[x](https://example.org "onmouseover=alert(1)")',
    ],
)
def test_nothing_that_acts_or_calls_home_is_left(attack):
    _refuse_active(as_html(attack))


@given(st.text(alphabet="<>/\"'()[]!#*`=: \nascriptonhefjvimgd", max_size=80))
def test_no_text_becomes_active(text):
    _refuse_active(as_html(text))


def _refuse_active(rendered):
    for node in html.fragments_fromstring(f"<div>{rendered}</div>")[0].iter():
        assert node.tag not in {"script", "style", "iframe", "img", "svg", "form", "h1", "h2"}
        assert set(node.attrib) <= {"href", "rel", "title"}
        assert not node.get("href", "").lower().startswith(("javascript:", "data:", "vbscript:"))


# What it costs -------------------------------------------------------------------------------


def table(columns, rows):
    head = "|" + "a|" * columns
    return "\n".join([head, "|" + "-|" * columns, *["|a|"] * rows])


HARD = {"table": table(2000, 3000)}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_a_text_that_is_hard_to_lay_out_is_refused(text, monkeypatch):
    # However quick the machine is.
    monkeypatch.setattr(markdown, "MOST_SECONDS", 1000)

    with pytest.raises(ValidationError, match="takes too long to lay out"):
        refuse_hard_text(text)


def test_a_text_that_took_long_to_lay_out_is_refused_however_short_it_came_out(monkeypatch):
    refuse_hard_text("Plain words.")
    monkeypatch.setattr(markdown, "MOST_SECONDS", -1)

    with pytest.raises(ValidationError, match="takes too long to lay out"):
        refuse_hard_text("Plain words.")


def test_a_text_that_is_too_long_for_its_field_is_not_laid_out(monkeypatch):
    monkeypatch.setattr(markdown, "_markdown", "asked for nothing")

    with pytest.raises(ValidationError) as refused:
        MarkdownField(max_length=100).clean("[" * 101)

    assert [error.code for error in refused.value.error_list] == ["max_length"]


@pytest.mark.parametrize("length", [300, 20_000, 40_000])
def test_a_text_of_any_length_that_somebody_wrote_is_taken(length):
    part = (
        "# Doors\n\nAt **eight**, [map](https://example.org/m) and *coffee*: come early, it fills up.\n\n"
        "- one\n- two\n\n| Set | Time |\n|---|---|\n| One | 21:00 |\n\n> said by `somebody`\n\n"
    )
    text = (part * (length // len(part) + 1))[:length]

    refuse_hard_text(text)
    assert len(as_html(text)) < LONGEST_HTML / 2


def test_the_same_text_is_laid_out_once():
    text = "Of *one* kind only."

    assert as_html(text) is as_html(text)
