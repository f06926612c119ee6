"""Sentences, statements, long work and timelines: what larger pages are built of."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.template import engines
from django.urls import reverse
from lxml import html

from tiqqo.core.money import CurrencyMismatch, Money
from tiqqo.ui.sentences import MOST_ROWS, Choice, Clause, Field, Number, read_sentence
from tiqqo.ui.statements import Line, Section, Statement
from tiqqo.ui.styleguide import large_lists
from tiqqo.ui.templatetags.patterns import by_day
from tiqqo.ui.work import Work

NOON = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
GRAMMAR = (
    Field(
        "bought",
        "Has bought",
        (
            Choice("compare", "how many", (("least", "at least"), ("most", "at most"))),
            Number("count", "number", 0, 99, "2"),
            "times",
        ),
    ),
    Field(
        "lives", "Lives in", (Choice("city", "city", (("ams", "Amsterdam"), ("utr", "Utrecht"))),)
    ),
)


def read(query):
    return read_sentence(GRAMMAR, QueryDict(query))


def fields(sentence):
    return [[row.field.name for row in block] for block in sentence.blocks]


# Sentences ------------------------------------------------------------------------------


def test_a_sentence_starts_with_one_row():
    sentence = read("")

    assert sentence.clauses == [[Clause("bought", {"compare": "least", "count": 2})]]
    assert sentence.is_single
    assert [part.words or part.name for part in sentence.blocks[0][0].parts] == [
        "0.0.compare", "0.0.count", "times",
    ]  # fmt: skip


def test_blocks_hold_together_and_rows_are_alternatives():
    sentence = read("0.0.field=bought&0.0.count=5&1.0.field=lives&1.1.field=lives&1.1.city=utr")

    assert sentence.clauses == [
        [Clause("bought", {"compare": "least", "count": 5})],
        [Clause("lives", {"city": "ams"}), Clause("lives", {"city": "utr"})],
    ]


@pytest.mark.parametrize("typed", ["", "two", "-1", "100", "1.5", "9" * 30])
def test_a_number_out_of_its_range_is_told_and_kept(typed):
    sentence = read(f"0.0.count={typed}&1.0.field=lives")
    [[row], _lives] = sentence.blocks

    assert not sentence.is_valid
    assert row.error == sentence.error == "Enter a whole number from 0 to 99."
    assert row.parts[1].typed == typed


def test_an_unknown_field_or_answer_starts_anew():
    assert read("0.0.field=shoe_size&0.0.compare=roughly").clauses == [
        [Clause("bought", {"compare": "least", "count": 2})]
    ]


@pytest.mark.parametrize(
    ("query", "found", "focused"),
    [
        ("0.0.field=lives&put_in=new", [["lives"], ["bought"]], "1.0"),
        ("0.0.field=lives&put_in=0", [["lives", "bought"]], "0.1"),
        ("0.0.field=lives&put_in=7", [["lives"], ["bought"]], "1.0"),
        ("0.0.field=lives&1.0.field=bought&take_out=0.0", [["bought"]], "0.0"),
        ("0.0.field=lives&0.1.field=bought&take_out=0.1", [["lives"]], "0.0"),
        ("0.0.field=lives&take_out=0.0", [["lives"]], None),
        ("0.0.field=lives&1.0.field=lives&take_out=9.9", [["lives"], ["lives"]], None),
        ("0.0.field=lives&1.0.field=lives&take_out=no", [["lives"], ["lives"]], None),
        ("3.4.field=lives&9.1.field=bought", [["lives"], ["bought"]], None),
    ],
)
def test_rows_come_and_go(query, found, focused):
    sentence = read(query)

    assert fields(sentence) == found
    places = [row.place for block in sentence.blocks for row in block if row.is_focused]
    assert places == ([focused] if focused else [])


def test_a_sentence_ends_somewhere():
    query = "&".join(f"{number}.0.field=lives" for number in range(MOST_ROWS))

    assert read(query).is_full
    assert len(read(f"{query}&put_in=new").blocks) == MOST_ROWS


def test_answer_counts_the_made_up_people():
    people = large_lists.people()
    living = [person for person in people if person.city == "Utrecht"]
    asked = read_sentence(large_lists.GRAMMAR, QueryDict("0.0.field=lives&0.0.city=Utrecht"))

    answer = large_lists.answer(asked.clauses)

    assert (answer.count, answer.total) == (len(living), 4870)
    assert answer.reachable == sum(person.is_reachable for person in living)
    assert sum(reason.count for reason in answer.reasons) == answer.count - answer.reachable
    assert len(answer.sample) == 10
    assert set(answer.sample) <= set(living)


def test_every_condition_and_its_opposite_make_everybody():
    def count(query):
        return large_lists.answer(
            read_sentence(large_lists.GRAMMAR, QueryDict(query)).clauses
        ).count

    bought = "0.0.field=bought&0.0.since=999&0.0.what=ticket"
    assert (
        count(f"{bought}&0.0.compare=least&0.0.count=1")
        + count(f"{bought}&0.0.compare=exactly&0.0.count=0")
        == 4870
    )
    spent = "0.0.field=spent&0.0.since=12&0.0.euros=50"
    assert count(f"{spent}&0.0.compare=least") + count(f"{spent}&0.0.compare=most") >= 4870
    assert count("0.0.field=news") + count("0.0.field=news&0.0.answer=no") == 4870
    assert 0 < count("0.0.field=ordered_for") < 4870


@pytest.fixture
def segment(client):
    def get(query="", **headers):
        response = client.get(f"{reverse('ui:segment')}?{query}", headers=headers)
        assert response.status_code == 200
        return html.fromstring(response.content)

    return get


def test_segment_is_a_page_a_form_or_a_count(segment):
    query = "0.0.field=lives&0.0.city=Utrecht"
    whole = segment(query)
    form = segment(query, hx_request="true", hx_target="segment")
    count = segment(query, hx_request="true", hx_target="segment-answer")

    assert whole.findtext(".//h1") == "Who they are"
    assert form.tag == "form"
    assert not count.xpath("descendant-or-self::form | descendant-or-self::select")
    numbers = {
        page.xpath(".//p[@class='sentence__count']")[0].text for page in (whole, form, count)
    }
    assert numbers == {f"{sum(p.city == 'Utrecht' for p in large_lists.people()):,}"}


def test_segment_says_what_it_does_not_understand(segment):
    form = segment("0.0.count=two")

    [field] = form.xpath("//input[@aria-invalid='true']")
    [error] = form.xpath("//*[@id=$id]", id=field.get("aria-describedby"))
    assert error.text_content().strip() == "Enter a whole number from 0 to 99."
    assert form.xpath("//p[@class='sentence__count']")[0].text == "–"


def test_no_control_hides_a_method_of_its_form(segment):
    """A button named "remove" is what `form.remove` would find."""
    names = set(segment("0.0.field=lives&1.0.field=lives").xpath("//form//@name"))

    assert {"put_in", "take_out"} <= names
    assert names & {"add", "remove", "submit", "action", "method", "reset", "id"} == set()


# Ten thousand rows ----------------------------------------------------------------------


def test_orders_are_paged_by_key_from_end_to_end():
    seen, key, pages = [], 0, 0
    while key is not None:
        page = large_lists.orders_after(key)
        seen += [order.code for order in page.orders]
        key, pages = page.next, pages + 1

    assert (len(seen), len(set(seen)), pages) == (10_000, 10_000, 200)
    assert large_lists.orders_after(50).previous == 0
    assert large_lists.orders_after(0).previous is None
    assert (large_lists.orders_after(50).first, large_lists.orders_after(50).last) == (51, 100)


def test_orders_page(client):
    page = html.fromstring(client.get(reverse("ui:orders"), {"after": "9950"}).content)

    assert page.xpath("//*[@class='pagination__words']")[0].text == "9,951–10,000 of about 10,000"
    assert page.xpath("//a[@rel]/@rel") == ["prev"]
    assert client.get(reverse("ui:orders"), {"after": "x"}).status_code == 404


@pytest.mark.parametrize("name", ["ui:segment", "ui:orders"])
def test_made_up_data_is_for_those_who_build(client, settings, name):
    settings.DEBUG = settings.TESTING = False

    assert client.get(reverse(name)).status_code == 404


# Statement ------------------------------------------------------------------------------


def euro(minor):
    return Money(minor, "EUR")


def statement(*sections, opening=0, paid_out=0):
    return Statement("1", NOON, NOON, "UTC", euro(opening), sections, euro(paid_out))


def test_statement_adds_up():
    sales = Section(
        "Sales", [Line(NOON, "Payment", "A", euro(5000)), Line(NOON, "", "B", euro(700))]
    )
    fees = Section("Fees", amount=euro(-149), count=40)
    found = statement(sales, fees, opening=100, paid_out=5000)

    assert sales.total == euro(5700)
    assert (sales.line_count, fees.line_count) == (2, 40)
    assert found.earned == euro(5551)
    assert found.closing == euro(651)
    assert found.opening + found.earned + found.taken - found.closing == euro(0)


def test_statement_of_nothing_is_the_opening():
    assert statement(opening=42).closing == euro(42)


def test_statement_never_mixes_currencies():
    with pytest.raises(CurrencyMismatch):
        _ = statement(Section("Sales", amount=Money(1, "DKK"))).closing


# Long work ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "took", "rate", "left"),
    [
        (0, timedelta(minutes=2), "", ""),
        (10, timedelta(seconds=2), "", ""),
        (500, timedelta(minutes=5), "100 a minute", "about 5 minutes left"),
        (900, timedelta(minutes=5), "180 a minute", "less than a minute left"),
        (990, timedelta(minutes=990), "1 a minute", "about 10 minutes left"),
        (10, timedelta(hours=1), "10 an hour", "about 99 hours left"),
        (1000, timedelta(minutes=5), "200 a minute", ""),
    ],
)
def test_work_says_how_fast_and_how_long(done, took, rate, left):
    work = Work(done, 1000, NOON, NOON + took)

    assert (work.rate_words, work.left_words) == (rate, left)
    assert work.words == f"{done:,} of 1,000"


# Timeline -------------------------------------------------------------------------------


def test_entries_stand_under_the_day_of_their_zone():
    hours = [NOON - timedelta(hours=hour) for hour in (0, 13, 14, 40)]

    days = by_day([{"at": at} for at in hours], "Europe/Amsterdam")

    # 23:00 and 22:00 in Greenwich are 01:00 and midnight of the 20th in Amsterdam.
    assert [(day.on.day, len(day.entries)) for day in days] == [(20, 3), (18, 1)]
    assert [day.on.day for day in by_day([{"at": at} for at in hours], "UTC")] == [20, 19, 18]


def test_timeline_of_nothing_says_which_nothing():
    source = '{% include "components/timeline.html" with entries=none is_filtered=filtered all_url="#" only %}'
    template = engines["django"].from_string(source)

    assert "Nothing happened yet" in template.render({"none": [], "filtered": False})
    assert "Nothing of this kind" in template.render({"none": [], "filtered": True})
