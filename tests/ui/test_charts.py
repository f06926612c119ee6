"""Charts: ticks, positions, words, and colours that everybody can tell apart."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest
from django.template import engines
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from tests.ui.test_colour import SCHEMES, token
from tiqqo.ui import charts, colour
from tiqqo.ui.charts import COUNT, Bar, Limit, Series, money_in
from tiqqo.ui.charts.scales import scale_over

EURO, YEN = money_in("EUR"), money_in("JPY")
DAYS = [date(2026, 10, 19) + index * timedelta(days=1) for index in range(4)]
SALES = Series("Tickets", (3, 0, 12, 5))


def drawn(chart, component="chart"):
    source = f'{{% include "components/{component}.html" with chart=chart only %}}'
    return html.fromstring(engines["django"].from_string(source).render({"chart": chart}))


# Axes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0], [1, 0]),
        ([1], [1, 0]),
        ([3], [3, 2, 1, 0]),
        ([12], [15, 10, 5, 0]),
        ([50], [50, 40, 30, 20, 10, 0]),
        ([104], [150, 100, 50, 0]),
        ([-3, 7], [8, 6, 4, 2, 0, -2, -4]),
        ([-7], [0, -2, -4, -6, -8]),
        ([9_400_000_000], [10_000_000_000, 8_000_000_000, *range(6_000_000_000, -1, -2_000_000_000)]),
    ],
)  # fmt: skip
def test_ticks_are_round_and_hold_every_value(values, ticks):
    assert scale_over(values).ticks == ticks


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=40))
def test_ticks_are_one_two_or_five_and_few(values):
    scale = scale_over(values)

    assert scale.low <= min([0, *values]) <= max([0, *values]) <= scale.high
    assert 0 in scale.ticks
    assert 2 <= len(scale.ticks) <= 8
    assert str(scale.step).rstrip("0") in ("1", "2", "5")
    assert all(0 <= scale.position(value) <= 100 for value in values)


def test_money_has_whole_ticks_unless_all_of_it_is_small():
    assert scale_over([250], least_step=100).ticks == [300, 200, 100, 0]
    assert EURO.short(250, step=50) == "€2.50"
    assert EURO.short(30_000, step=10_000) == "€300"
    assert EURO.short(-30_000, step=10_000) == "\N{MINUS SIGN}€300"
    assert EURO.short(1_200_000_00, step=100_00) == "€1.2M"
    assert YEN.short(500, step=100) == "¥500"


def test_words_of_values_are_exact():
    assert COUNT.full(1400) == "1,400"
    assert COUNT.full(None) == "\N{EN DASH}"
    assert EURO.full(-2450) == "\N{MINUS SIGN}€24.50"
    with translation.override("de"):
        assert EURO.full(1_250_00) == "1.250,00\N{NO-BREAK SPACE}€"
        assert COUNT.short(1_200_000, step=1) == "1,2\N{NO-BREAK SPACE}Mio."


def test_axis_names_its_first_and_its_last_day():
    days = [date(2026, 9, 21) + index * timedelta(days=1) for index in range(30)]
    labels = charts.columns("c", "Tickets", days, Series("Tickets", (1,) * 30)).labels

    assert [(label.words, label.anchor) for label in labels] == [
        ("21 Sept", "start"), ("1 Oct", "middle"), ("10 Oct", "middle"), ("20 Oct", "end"),
    ]  # fmt: skip
    assert (labels[0].x, labels[-1].x) == (0, 100)


def test_axis_of_years_names_fewer_and_with_the_year():
    days = [date(2022 + month // 12, month % 12 + 1, 1) for month in range(50)]
    chart = charts.line("c", "Revenue", days, [Series("Revenue", tuple(range(50)))])

    assert [label.words for label in chart.labels] == ["Jan 2022", "Jan 2024", "Feb 2026"]


# Marks ----------------------------------------------------------------------------------


def test_columns_stand_on_zero():
    chart = charts.columns("c", "Tickets", DAYS, SALES)

    assert [tick.words for tick in chart.ticks] == ["15", "10", "5", "0"]
    assert [(block.x, block.y, block.width, block.height) for block in chart.blocks] == [
        (3, 80, 19, 20), (53, 20, 19, 80), (78, 66.67, 19, 33.33),
    ]  # fmt: skip
    assert chart.gist == "Total 20, most on Wed 21 Oct: 12"
    assert chart.spoken == "Tickets. Total 20, most on Wed 21 Oct: 12"
    assert [band.words for band in chart.bands][:2] == ["Mon 19 Oct: 3", "Tue 20 Oct: 0"]


def test_refunds_hang_below_zero():
    chart = charts.stacked(
        "c",
        "Revenue",
        DAYS[:2],
        [Series("Revenue", (30_00, 10_00)), Series("Refunds", (0, -10_00))],
        unit=EURO,
    )

    assert [tick.words for tick in chart.ticks] == ["€30", "€20", "€10", "€0", "−€10"]
    assert chart.zero == 75
    assert [(block.number, block.y, block.height) for block in chart.blocks] == [
        (1, 0, 75), (1, 50, 25), (2, 75, 25),
    ]  # fmt: skip
    assert chart.gist == "Revenue €40.00 · Refunds −€10.00"


def test_stack_grows_in_the_order_of_its_series():
    chart = charts.stacked("c", "By type", DAYS[:1], [Series("A", (4,)), Series("B", (6,))])

    assert [(block.number, block.y, block.height) for block in chart.blocks] == [
        (1, 60, 40), (2, 0, 60),
    ]  # fmt: skip


def test_line_leaves_out_what_is_not_known():
    chart = charts.line("c", "Sold", DAYS, [Series("Sold", (0, 10, None, 5))], is_filled=True)
    [trace] = chart.traces

    assert trace.path == "M0 1000L333 0"
    assert trace.area == "M0 1000L333 0V1000H0Z"
    assert trace.dots == "M1000 500h0"
    assert chart.rows[2] == ("Wed 21 Oct", ("–",))


def test_running_line_says_where_it_stands():
    chart = charts.line(
        "c",
        "Sold",
        DAYS,
        [Series("This year", (3, 7, None, None)), Series("Last year", (1, 2, 3, 4))],
        limit=Limit("Capacity", 10),
        is_running=True,
    )

    assert chart.gist == "7 of 10 on Tue 20 Oct"
    assert (chart.limit.words, chart.limit.y) == ("Capacity 10", 0)
    assert chart.bands[0].words == "Mon 19 Oct: This year 3 · Last year 1"
    assert [trace.dots for trace in chart.traces] == ["M333 300h0", "M1000 600h0"]


def test_one_day_is_a_dot_in_the_middle():
    chart = charts.line("c", "Sold", DAYS[:1], [Series("Sold", (12,))])

    assert (chart.traces[0].path, chart.traces[0].dots) == ("", "M500 200h0")
    assert [(label.x, label.anchor) for label in chart.labels] == [(50, "middle")]


@pytest.mark.parametrize("values", [(), (None, None)])
def test_nothing_is_empty(values):
    chart = charts.line("c", "Sold", DAYS[: len(values)], [Series("Sold", values)])

    assert chart.is_empty
    assert "Nothing to show yet." in drawn(chart).text_content()


def test_all_zeros_is_not_empty():
    chart = charts.columns("c", "Sold", DAYS, Series("Sold", (0, 0, 0, 0)))

    assert not chart.is_empty
    assert chart.blocks == ()
    assert chart.gist == "Total 0"


def test_series_must_fit_their_days():
    with pytest.raises(ValueError, match="'Sold' has 1 values, 4 days"):
        charts.columns("c", "Sold", DAYS, Series("Sold", (1,)))
    with pytest.raises(ValueError, match="1 to 5 series, not 6"):
        charts.stacked("c", "Sold", DAYS, [SALES] * 6)


def test_bars_share_one_scale():
    chart = charts.bars(
        "b",
        "Types",
        [Bar("Regular", (60, 20)), Bar("Early", (0, 40)), Bar("Back", (-20, 0))],
        parts=("Sold", "Free"),
    )

    assert chart.zero == 20
    assert [[(part.number, part.x, part.width) for part in row.parts] for row in chart.rows] == [
        [(1, 20, 60), (2, 80, 20)], [(2, 20, 40)], [(1, 0, 20)],
    ]  # fmt: skip
    assert [row.total for row in chart.rows] == ["80", "40", "−20"]
    assert chart.rows[0].parts[0].words == "Sold 60"


def test_sparkline_spans_its_box():
    spark = charts.sparkline((0, 10, 5))

    assert spark.path == "M0 29L50 1L100 15"
    assert spark.end == (100, 15)
    assert spark.words == "from 0 to 5, highest 10"
    assert charts.sparkline((0, 0)).path == "M0 29L100 29"
    assert charts.sparkline(()).end is None


@pytest.mark.parametrize(
    ("now", "before", "found"),
    [
        (112, 100, ("up", "12% more than in May", "positive")),
        (75, 100, ("down", "25% less than in May", "negative")),
        (100, 100, ("level", "as in May", "neutral")),
        (3, 0, ("up", "none in May", "positive")),
        (0, 0, ("level", "as in May", "neutral")),
    ],
)
def test_change_is_arrow_word_and_tone(now, before, found):
    change = charts.change(now, before, than="May")

    assert (change.direction, change.words, change.tone) == found


def test_more_refunds_are_no_good_news():
    assert charts.change(2, 1, than="May", is_more_better=False).tone == "negative"


# On the page ----------------------------------------------------------------------------


def test_chart_has_a_gist_and_a_table_of_the_same_numbers():
    page = drawn(charts.stacked("c", "Sold", DAYS, [SALES, Series("Free", (1, 2, 3, 4))]))

    [plot] = page.xpath(".//svg[@role='img']")
    assert plot.get("aria-label") == "Sold. Tickets 20 · Free 10"
    assert [
        [cell.text_content() for cell in row] for row in page.xpath(".//details//tr")
    ] == [
        ["Day", "Tickets", "Free"],
        ["Mon 19 Oct", "3", "1"],
        ["Tue 20 Oct", "0", "2"],
        ["Wed 21 Oct", "12", "3"],
        ["Thu 22 Oct", "5", "4"],
    ]  # fmt: skip
    assert [title.text for title in page.xpath(".//rect/title")] == [
        "Mon 19 Oct: Tickets 3 · Free 1",
        "Tue 20 Oct: Tickets 0 · Free 2",
        "Wed 21 Oct: Tickets 12 · Free 3",
        "Thu 22 Oct: Tickets 5 · Free 4",
    ]


def test_series_are_told_apart_by_more_than_colour():
    names = ("A", "B", "C", "D", "E")
    page = drawn(charts.stacked("c", "Sold", DAYS[:1], [Series(name, (1,)) for name in names]))

    marks = [path.get("d") for path in page.xpath(".//pattern/path")]
    assert len(set(marks)) == 4
    assert [rect.get("fill") for rect in page.xpath(".//svg/rect[contains(@class,'series')]")] == [
        None, "url(#c-2)", "url(#c-3)", "url(#c-4)", "url(#c-5)",
    ]  # fmt: skip
    assert page.xpath(".//pattern/@id") == ["c-2", "c-3", "c-4", "c-5"]


def test_positions_are_written_for_machines():
    """A comma in an attribute would be no position."""
    chart = charts.columns("c", "Sold", DAYS, SALES)
    with translation.override("de"):
        page = drawn(chart)

    assert page.xpath(".//svg/rect[contains(@class,'chart__block')]/@y") == [
        "80.0%", "20.0%", "66.67%",
    ]  # fmt: skip


def test_bars_are_a_table():
    page = drawn(charts.bars("b", "Methods", [Bar("Card", (250,))], unit=EURO), "chart_bars")

    assert page.xpath(".//tbody//th")[0].text_content() == "Card"
    assert page.xpath(".//tbody//td/span")[0].text == "€2.50"


# Releases -------------------------------------------------------------------------------

NOON = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)


def release(name, opens, closes):
    day = timedelta(days=1)
    return {
        "name": name,
        "starts_at": None if opens is None else NOON + opens * day,
        "ends_at": None if closes is None else NOON + closes * day,
    }


def test_releases_stand_on_one_line_of_time():
    windows = [release("A", 0, 10), release("B", 10, None), release("C", 20, 40)]

    chart = charts.releases_chart(windows, now=NOON + timedelta(days=10))

    # The open end runs two weeks past the last date: 54 days.
    assert [(bar.x, bar.width, bar.is_open) for bar in chart.bars] == [
        (0, 18.52, False), (18.52, 81.48, True), (37.04, 37.03, False),
    ]  # fmt: skip
    assert chart.now_x == 18.52
    assert charts.releases_chart([], now=NOON).bars == ()


def test_gaps_and_overlaps_between_releases_are_told():
    windows = [release("A", -30, -20), release("B", -10, 10), release("C", 5, 20)]

    clashes = charts.releases_chart(windows, now=NOON).clashes

    assert [(clash.kind, clash.words) for clash in clashes] == [
        ("gap", "Nothing on sale between A and B"),
        ("overlap", "B and C sell at the same time"),
    ]
    assert (clashes[0].x, clashes[0].width) == (20, 20)
    assert clashes[1].ends_at == NOON + timedelta(days=10)


def test_releases_that_hand_over_do_not_clash():
    assert not charts.releases_chart([release("A", None, 0), release("B", 0, None)], NOON).clashes


# Colours --------------------------------------------------------------------------------

# Machado, Oliveira, Fernandes 2009: what a person without one of the cones sees, in linear sRGB.
SIGHTS = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
APART = 0.1  # in OKLab; a difference that can just be seen is about 0.02


def dot(row, column):
    return sum(a * b for a, b in zip(row, column, strict=True))


def seen(hex_colour, sight):
    channels = (int(hex_colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return [min(1, max(0, dot(row, linear))) for row in sight]


def oklab(linear):
    rows = (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
    cones = [dot(row, linear) ** (1 / 3) for row in rows]
    return [
        dot(row, cones)
        for row in (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        )
    ]


def series_of(scheme):
    return [token(scheme, f"series-{number}") for number in range(1, 6)]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["canvas", "surface"])
def test_series_can_be_seen(scheme, ground):
    for value in series_of(scheme):
        assert colour.contrast(value, token(scheme, ground)) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sight", SIGHTS)
def test_series_are_apart_for_every_eye(scheme, sight):
    found = [oklab(seen(value, SIGHTS[sight])) for value in series_of(scheme)]

    assert min(math.dist(a, b) for a, b in combinations(found, 2)) >= APART


def test_tiqqos_plum_comes_first():
    assert token("light", "series-1") == "#7a2e5d"
