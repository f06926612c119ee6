"""What the shop's form sends, read; and written again."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from orders.basket import MOST_PICKS, NOTHING_CHOSEN, Basket
from orders.errors import AmountUnclear
from ticketing.selling import Choice


def test_a_whole_form_is_read():
    sent = QueryDict(
        "quantity_AAAA=2&quantity_BBBB_CC11=1&quantity_DDDD=0&price_AAAA=+12,50+&slot=S10&code=+early+"
        "&hold=a-b_C1&day=2026-12-01"
    )

    basket = Basket.read(sent)

    assert basket.choices("EUR") == [
        Choice("AAAA", 2, "", "S10", 1250),
        Choice("BBBB", 1, "CC11", "S10", None),
    ]
    assert (basket.code, basket.hold, basket.day) == ("early", "a-b_C1", "2026-12-01")


@pytest.mark.parametrize("value", ["", "-1", "1.5", "٣", "99999", "two", "1e3", " 1", "\x00"])
def test_a_quantity_that_is_none_counts_as_none(value):
    assert Basket.read({"quantity_AAAA": value}) == NOTHING_CHOSEN


@pytest.mark.parametrize(
    "name",
    ["quantity_", f"quantity_{'A' * 9}", f"quantity_A_{'B' * 9}", "quantity_é", "quantity_A B", "quantity_A_", "quantity__A", "quantity_A_B_C", "quantity", "\x00"],
)  # fmt: skip
def test_a_name_that_is_none_of_ours_is_not_read(name):
    assert Basket.read({name: "1"}) == NOTHING_CHOSEN


@pytest.mark.parametrize(
    ("name", "value"),
    [("slot", "a b"), ("slot", "A" * 9), ("slot", "é"), ("hold", "a/b"), ("hold", "x" * 65), ("day", "tomorrow"), ("day", "2026-1-1")],
)  # fmt: skip
def test_what_cannot_be_a_slot_a_hold_or_a_day_is_not_read(name, value):
    assert Basket.read({name: value}) == NOTHING_CHOSEN


def test_of_more_than_any_shop_has_the_rest_is_not_read():
    """What was read stands in each link of the page that shows it again."""
    sent = {f"quantity_{number}": "1" for number in range(600)}
    sent |= {f"price_{number}": "12" for number in range(600)}

    basket = Basket.read({**sent, "day": "2026-12-01"})

    assert (len(basket.quantities), len(basket.prices)) == (600, MOST_PICKS - 600)
    assert basket.day == "2026-12-01"


def test_a_code_is_kept_as_it_was_typed_but_for_what_cannot_be_shown():
    assert Basket.read({"code": "  Früh\x00ling \u202e"}).code == "Frühling"
    assert Basket.read({"code": "x" * 500}).code == "x" * 40


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [("EUR", "12.50", 1250), ("EUR", "€ 7", 700), ("JPY", "1200", 1200), ("KWD", "1.255", 1255), ("EUR", "", None)],
)  # fmt: skip
def test_an_own_price_is_exact_in_its_currency(currency, typed, minor):
    basket = Basket.read({"quantity_AA": "1", "price_AA": typed})

    assert basket.choices(currency) == [Choice("AA", 1, "", "", minor)]


@pytest.mark.parametrize("typed", ["abc", "1.005", "12,50,1", "-5", "9" * 20])
def test_an_own_price_that_is_no_amount_is_refused_where_it_was_typed(typed):
    basket = Basket.read({"quantity_AA": "1", "price_AA": typed})

    with pytest.raises(AmountUnclear) as found:
        basket.choices("EUR")

    assert found.value.release == "AA"
    assert str(found.value).startswith("Enter ")


def test_an_own_price_of_nothing_chosen_is_nobodys_business():
    assert Basket.read({"quantity_AA": "0", "price_AA": "abc"}).choices("EUR") == []


codes = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=1, max_size=8)
baskets = st.builds(
    Basket,
    quantities=st.dictionaries(st.tuples(codes, st.one_of(st.just(""), codes)), st.integers(1, 9999)),
    prices=st.dictionaries(codes, st.sampled_from(["5", "12,50", "abc"])),
    slot=st.one_of(st.just(""), codes),
    code=st.one_of(st.just(""), codes),
    hold=st.one_of(st.just(""), codes),
    day=st.sampled_from(["", "2026-12-01"]),
)  # fmt: skip


@given(baskets)
def test_what_is_shown_again_is_read_as_the_same(basket):
    assert Basket.read(basket.fields) == basket
    assert Basket.read(QueryDict(basket.query())) == basket
    assert Basket.read(QueryDict(basket.query(code=""))).code == ""
