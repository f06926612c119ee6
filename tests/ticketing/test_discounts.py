"""What is taken off, from what, and to the cent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.models import FeePayer
from ticketing.pricing import (
    Applied,
    Discount,
    DiscountKind,
    Item,
    Refusal,
    Terms,
    discounted,
    quote,
    refusal_of,
)
from tiqqo.core.money import share

REGULAR, STUDENT, DINNER = 1, 2, 3
EARLY, LATE = 11, 12

ids = st.frozensets(st.sampled_from([REGULAR, STUDENT, DINNER]), max_size=2)
releases = st.frozensets(st.sampled_from([EARLY, LATE]), max_size=1)
prices = st.one_of(st.integers(0, 12), st.integers(0, 10**6))


@st.composite
def an_item(draw):
    quantity, unit_price = draw(st.integers(1, 8)), draw(prices)
    return Item(
        name="Ticket",
        quantity=quantity,
        unit_price_minor=unit_price,
        ticket_type_id=draw(st.sampled_from([REGULAR, STUDENT, DINNER])),
        release_id=draw(st.sampled_from([EARLY, LATE])),
        tax_rate_bp=draw(st.sampled_from([None, 0, 900, 2500])),
        bears_fixed_fee=draw(st.booleans()),
        discount_minor=draw(st.sampled_from([0, 0, 0, unit_price, quantity * unit_price])),
    )


items = st.lists(an_item(), min_size=1, max_size=5)
discounts = st.builds(
    Discount,
    key=st.integers(1, 9),
    name=st.just("Discount"),
    kind=st.sampled_from(DiscountKind),
    rate_bp=st.integers(1, 10_000),
    amount_minor=prices,
    buy=st.integers(1, 3),
    get=st.integers(1, 3),
    ticket_type_ids=ids,
    release_ids=releases,
    min_subtotal_minor=st.sampled_from([0, 0, 20, 10**5]),
    min_quantity=st.sampled_from([0, 0, 3, 10]),
)
terms = st.builds(
    Terms,
    currency=st.just("EUR"),
    tax_name=st.just("VAT"),
    tax_rate_bp=st.integers(0, 3_000),
    prices_include_tax=st.booleans(),
    fee_payer=st.sampled_from(FeePayer.values),
    fee_fixed_minor=st.integers(0, 100),
    fee_rate_bp=st.integers(0, 1_000),
)


def percent(rate_bp, **rules):
    return Discount(1, "Percent", DiscountKind.PERCENT, rate_bp=rate_bp, **rules)


def amount(minor, **rules):
    return Discount(2, "Amount", DiscountKind.AMOUNT, amount_minor=minor, **rules)


def fixed_price(minor, **rules):
    return Discount(3, "Fixed price", DiscountKind.FIXED_PRICE, amount_minor=minor, **rules)


def buy_get(buy, get, **rules):
    return Discount(4, "Buy and get", DiscountKind.BUY_X_GET_Y, buy=buy, get=get, **rules)


def taken(items, *, automatic=(), code=None):
    """What is taken off each item."""
    after = discounted(items, automatic=automatic, code=code).items
    return [b.discount_minor - a.discount_minor for a, b in zip(items, after, strict=True)]


def covered_by(discount, items):
    return [
        item
        for item in items
        if not (discount.ticket_type_ids or discount.release_ids)
        or item.ticket_type_id in discount.ticket_type_ids
        or item.release_id in discount.release_ids
    ]


def saving_of(discount, items):
    """What the discount is worth as a whole, reckoned without lines and shares."""
    covered = covered_by(discount, items)
    subtotal = sum(item.quantity * item.unit_price_minor for item in covered)
    units = sum(item.quantity for item in covered)
    if subtotal < discount.min_subtotal_minor or units < discount.min_quantity:
        return 0
    left = subtotal - sum(item.discount_minor for item in covered)
    prices = sorted(
        (
            (due := item.quantity * item.unit_price_minor - item.discount_minor) // item.quantity
            + (unit < due % item.quantity)
            for item in covered
            for unit in range(item.quantity)
        ),
        reverse=True,
    )
    if discount.kind == DiscountKind.PERCENT:
        return share(left, discount.rate_bp)
    if discount.kind == DiscountKind.AMOUNT:
        return min(left, discount.amount_minor)
    if discount.kind == DiscountKind.FIXED_PRICE:
        return sum(price - min(price, discount.amount_minor) for price in prices)
    block = discount.buy + discount.get
    full = len(prices) // block * block
    return sum(price for at, price in enumerate(prices[:full]) if at % block >= discount.buy)


@given(items, discounts)
def test_a_discount_saves_exactly_what_it_says(items, discount):
    result = discounted(items, code=discount)

    saving = saving_of(discount, items)
    assert sum(taken(items, code=discount)) == saving
    assert result.applied == ((Applied(discount.key, "Discount", saving),) if saving else ())


@given(items, st.lists(discounts, max_size=4))
def test_the_best_automatic_discount_is_chosen_and_of_equals_the_first(items, automatic):
    automatic = [replace(discount, key=key) for key, discount in enumerate(automatic)]

    result = discounted(items, automatic=automatic)

    savings = [saving_of(discount, items) for discount in automatic]
    best = max(savings, default=0)
    expected = ((savings.index(best), best),) if best else ()
    assert tuple((applied.key, applied.amount_minor) for applied in result.applied) == expected


@given(items, st.lists(discounts, max_size=3), st.none() | discounts)
def test_no_discount_exceeds_its_line_or_touches_what_it_does_not_cover(items, automatic, code):
    result = discounted(items, automatic=automatic, code=code)

    assert len(result.items) == len(items)
    for before, after in zip(items, result.items, strict=True):
        assert before.discount_minor <= after.discount_minor
        assert after.discount_minor <= before.quantity * before.unit_price_minor
        assert replace(after, discount_minor=before.discount_minor) == before
    for before, off in zip(items, taken(items, code=code), strict=True):
        if code is None or before not in covered_by(code, items):
            assert off == 0


@given(items, st.lists(discounts, max_size=3), st.none() | discounts)
def test_what_was_applied_explains_the_discount_to_the_cent(items, automatic, code):
    result = discounted(items, automatic=automatic, code=code)

    off = sum(taken(items, automatic=automatic, code=code))
    assert sum(applied.amount_minor for applied in result.applied) == off
    assert all(applied.amount_minor > 0 for applied in result.applied)
    assert len(result.applied) <= 2


@given(items, discounts, discounts)
def test_the_code_applies_to_what_the_automatic_discount_leaves(items, automatic, code):
    first = discounted(items, automatic=[automatic])
    second = discounted(first.items, code=code)

    both = discounted(items, automatic=[automatic], code=code)

    assert both.items == second.items
    assert both.applied == first.applied + second.applied


@given(st.lists(st.tuples(st.integers(1, 8), prices), min_size=1, max_size=5), st.data())
def test_percent_of_the_whole_is_exact(lines, data):
    rate = data.draw(st.integers(1, 10_000))
    items = [Item("Ticket", quantity, price) for quantity, price in lines]
    whole = sum(quantity * price for quantity, price in lines)

    off = taken(items, code=percent(rate))

    assert sum(off) == share(whole, rate)
    for item, part in zip(items, off, strict=True):
        # Half a cent from the rounded whole, less than one from the rounded part.
        assert abs(part * 10_000 - item.amount_minor * rate) < 15_000


@given(items, st.data(), st.lists(discounts, max_size=2), st.none() | discounts, terms)
def test_the_order_of_items_does_not_change_totals(items, data, automatic, code, terms):
    shuffled = data.draw(st.permutations(items))

    price, other = (
        quote(result.items, terms, result.applied)
        for result in (
            discounted(items, automatic=automatic, code=code),
            discounted(shuffled, automatic=automatic, code=code),
        )
    )

    assert other.total_minor == price.total_minor
    assert other.fee_minor == price.fee_minor
    assert other.tax_by_rate == price.tax_by_rate
    assert other.applied == price.applied


@given(items, discounts, discounts, terms)
def test_one_more_discount_never_raises_the_total(items, automatic, code, terms):
    totals = [
        quote(result.items, terms).total_minor
        for result in (
            discounted(items),
            discounted(items, automatic=[automatic]),
            discounted(items, automatic=[automatic], code=code),
        )
    ]

    assert totals == sorted(totals, reverse=True)


@given(items, discounts, st.none() | discounts, terms)
def test_totals_are_items_less_discounts_plus_tax_plus_fee(items, automatic, code, terms):
    items = [replace(item, discount_minor=0) for item in items]
    result = discounted(items, automatic=[automatic], code=code)

    price = quote(result.items, terms, result.applied)

    listed = sum(item.quantity * item.unit_price_minor for item in items)
    off = sum(applied.amount_minor for applied in price.applied)
    on_top = 0 if terms.prices_include_tax else price.tax_minor
    assert price.total_minor == listed - off + on_top + price.buyer_fee_minor
    assert price.total_minor == price.net_minor + price.tax_minor + price.buyer_fee_minor
    assert price.discount_minor == off


@given(items, discounts)
def test_a_discount_is_refused_exactly_when_it_saves_nothing(items, discount):
    refusal = refusal_of(discount, items)
    covered = covered_by(discount, items)

    assert (refusal is None) == (saving_of(discount, items) > 0)
    assert (refusal == Refusal.NOTHING_COVERED) == (not covered)
    if refusal == Refusal.SUBTOTAL_TOO_LOW:
        subtotal = sum(item.quantity * item.unit_price_minor for item in covered)
        assert subtotal < discount.min_subtotal_minor
    if refusal == Refusal.TOO_FEW:
        assert sum(item.quantity for item in covered) < discount.min_quantity


def test_percent_is_taken_of_the_whole_and_shared_by_largest_remainder():
    items = [Item("A", 1, 333), Item("B", 1, 333), Item("C", 1, 334)]

    # A tenth of 1000 is 100: 33.3 + 33.3 + 33.4. Line by line it would be 99.
    assert taken(items, code=percent(1000)) == [33, 33, 34]


def test_percent_rounds_half_a_cent_up_once():
    items = [Item("A", 1, 5), Item("B", 1, 5), Item("C", 1, 5)]

    assert taken(items, code=percent(1000)) == [1, 1, 0]


def test_everything_off_leaves_nothing():
    items = [Item("A", 3, 333), Item("B", 1, 1)]

    result = discounted(items, code=percent(10_000))

    assert [item.due_minor for item in result.items] == [0, 0]
    assert result.applied == (Applied(1, "Percent", 1000),)


def test_an_amount_is_taken_once_per_order_in_proportion():
    items = [Item("Regular", 2, 3000), Item("Student", 3, 1000)]

    assert taken(items, code=amount(1000)) == [667, 333]


def test_an_amount_takes_at_most_what_the_covered_items_cost():
    items = [Item("Regular", 1, 3000, REGULAR), Item("Student", 2, 1000, STUDENT)]
    code = amount(5000, ticket_type_ids=frozenset({STUDENT}))

    assert taken(items, code=code) == [0, 2000]
    assert discounted(items, code=code).applied == (Applied(2, "Amount", 2000),)


def test_a_fixed_price_holds_for_each_dearer_ticket_and_raises_none():
    items = [Item("Regular", 2, 3000), Item("Student", 3, 1000), Item("Helper", 1, 0)]

    assert taken(items, code=fixed_price(1500)) == [3000, 0, 0]
    assert taken(items, code=fixed_price(1000)) == [4000, 0, 0]
    assert taken(items, code=fixed_price(999)) == [4002, 3, 0]
    assert taken(items, code=fixed_price(0)) == [6000, 3000, 0]


def test_a_fixed_price_looks_at_each_ticket_as_it_was_discounted_already():
    items = [Item("Regular", 3, 1000, discount_minor=1000)]

    # 667 + 667 + 666
    assert taken(items, code=fixed_price(666)) == [2]


def test_of_each_full_block_the_cheapest_are_free():
    items = [Item("Student", 4, 1000), Item("Regular", 3, 2500)]

    # 2500 2500 2500 | 1000 1000 1000 | 1000
    assert taken(items, code=buy_get(2, 1)) == [1000, 2500]
    # 2500 2500 2500 1000 | 1000 1000 1000
    assert taken(items, code=buy_get(3, 1)) == [1000, 0]
    # 2500 2500 2500 1000 1000 | 1000 1000
    assert taken(items, code=buy_get(3, 2)) == [2000, 0]
    # 2500 2500 | 2500 1000 | 1000 1000 | 1000
    assert taken(items, code=buy_get(1, 1)) == [2000, 2500]


def test_a_block_that_is_not_full_gives_nothing():
    items = [Item("Regular", 2, 2500)]

    assert taken(items, code=buy_get(2, 1)) == [0]
    assert refusal_of(buy_get(2, 1), items) == Refusal.NO_SAVING
    assert taken([Item("Regular", 3, 2500)], code=buy_get(2, 1)) == [2500]


def test_only_covered_tickets_make_a_block():
    items = [Item("Regular", 2, 2500, REGULAR), Item("Dinner", 1, 500, DINNER)]

    assert taken(items, code=buy_get(2, 1, ticket_type_ids=frozenset({REGULAR}))) == [0, 0]
    assert taken(items, code=buy_get(2, 1)) == [0, 500]


def test_a_discount_covers_its_types_and_its_releases():
    items = [
        Item("Regular early", 1, 1000, REGULAR, EARLY),
        Item("Regular late", 1, 1000, REGULAR, LATE),
        Item("Dinner late", 1, 1000, DINNER, LATE),
        Item("Student", 1, 1000, STUDENT, 13),
    ]

    assert taken(items, code=percent(5000)) == [500, 500, 500, 500]
    of_type = percent(5000, ticket_type_ids=frozenset({REGULAR}))
    assert taken(items, code=of_type) == [500, 500, 0, 0]
    of_release = percent(5000, release_ids=frozenset({LATE}))
    assert taken(items, code=of_release) == [0, 500, 500, 0]
    of_either = percent(5000, ticket_type_ids=frozenset({STUDENT}), release_ids=frozenset({EARLY}))
    assert taken(items, code=of_either) == [500, 0, 0, 500]


def test_the_odd_cent_goes_to_the_dearest_whatever_was_chosen_first():
    cheap, dear = Item("Cheap", 2, 50), Item("Dear", 1, 100)

    assert taken([cheap, dear], code=amount(1)) == [0, 1]
    assert taken([dear, cheap], code=amount(1)) == [1, 0]


@pytest.mark.parametrize(
    ("difference", "minor"),
    [
        ({"ticket_type_id": DINNER}, 1),
        ({"release_id": LATE}, 1),
        ({"name": "Seat by the window"}, 1),
        ({"tax_rate_bp": 0}, 1),
        ({"bears_fixed_fee": False}, 1),
        # Of 150 and 50 two cents are 1.5 and 0.5: the remainders are equal.
        ({"quantity": 1}, 2),
        ({"discount_minor": 100}, 2),
    ],
)
def test_the_odd_cent_of_equals_does_not_depend_on_what_was_chosen_first(difference, minor):
    one = Item("Seat", 3, 50, REGULAR, EARLY)
    other = replace(one, **difference)

    assert taken([one, other], code=amount(minor)) == taken([other, one], code=amount(minor))[::-1]


def test_the_single_automatic_discount_that_saves_most_applies():
    items = [Item("Regular", 3, 2500)]

    result = discounted(items, automatic=[amount(2499), buy_get(2, 1), percent(3333)])

    assert result.applied == (Applied(4, "Buy and get", 2500),)


def test_of_automatic_discounts_that_save_the_same_the_first_applies():
    items = [Item("Regular", 2, 2500)]
    same = [amount(500), percent(1000)]

    assert discounted(items, automatic=same).applied == (Applied(2, "Amount", 500),)
    assert discounted(items, automatic=same[::-1]).applied == (Applied(1, "Percent", 500),)


def test_the_code_comes_on_top_of_the_automatic_discount():
    items = [Item("Regular", 2, 2500)]

    result = discounted(items, automatic=[amount(1000)], code=percent(1000))

    assert result.applied == (Applied(2, "Amount", 1000), Applied(1, "Percent", 400))
    assert result.items == (Item("Regular", 2, 2500, discount_minor=1400),)


def test_a_code_finds_nothing_left_to_take_off():
    items = [Item("Regular", 2, 2500)]

    result = discounted(items, automatic=[percent(10_000)], code=amount(1000))

    assert result.applied == (Applied(1, "Percent", 5000),)
    assert refusal_of(amount(1000), result.items) == Refusal.NO_SAVING


def test_what_was_taken_off_before_is_not_given_again():
    items = [Item("Regular", 1, 2500, discount_minor=2400)]

    assert taken(items, code=amount(1000)) == [100]
    assert taken(items, code=percent(5000)) == [50]
    assert taken(items, code=fixed_price(40)) == [60]
    assert discounted(items, code=amount(1000)).items[0].discount_minor == 2500


def test_the_minimum_subtotal_is_of_the_covered_items_before_any_discount():
    items = [Item("Regular", 2, 2500, REGULAR), Item("Dinner", 1, 9000, DINNER)]
    regular = frozenset({REGULAR})

    enough = amount(100, ticket_type_ids=regular, min_subtotal_minor=5000)
    too_much = amount(100, ticket_type_ids=regular, min_subtotal_minor=5001)

    assert refusal_of(enough, items) is None
    assert refusal_of(too_much, items) == Refusal.SUBTOTAL_TOO_LOW
    assert discounted(items, automatic=[too_much], code=too_much).applied == ()
    both = discounted(items, automatic=[percent(5000)], code=enough).applied
    assert [applied.key for applied in both] == [1, 2]


def test_the_minimum_quantity_is_of_the_covered_items():
    items = [Item("Regular", 2, 2500, REGULAR), Item("Dinner", 5, 9000, DINNER)]
    regular = frozenset({REGULAR})

    enough = amount(100, ticket_type_ids=regular, min_quantity=2)
    too_many = amount(100, ticket_type_ids=regular, min_quantity=3)

    assert refusal_of(enough, items) is None
    assert refusal_of(too_many, items) == Refusal.TOO_FEW
    assert discounted(items, automatic=[too_many], code=too_many).applied == ()


def test_why_a_discount_does_not_apply():
    items = [Item("Regular", 1, 2500, REGULAR, EARLY)]

    def why(**rules):
        return refusal_of(amount(100, **rules), items)

    assert why() is None
    assert why(release_ids=frozenset({LATE}), min_quantity=9) == Refusal.NOTHING_COVERED
    assert why(min_subtotal_minor=2501, min_quantity=2) == Refusal.SUBTOTAL_TOO_LOW
    assert why(min_quantity=2) == Refusal.TOO_FEW
    assert refusal_of(fixed_price(2500), items) == Refusal.NO_SAVING
    assert refusal_of(fixed_price(2499), items) is None
    assert refusal_of(amount(100), []) == Refusal.NOTHING_COVERED
    assert refusal_of(percent(10_000), [Item("Free", 2, 0)]) == Refusal.NO_SAVING


def test_yen_are_shared_without_cents():
    items = [Item("General", 1, 3333), Item("Student", 1, 1667)]

    assert taken(items, code=percent(1500)) == [500, 250]
    assert taken(items, code=amount(1000)) == [667, 333]
    assert taken(items, code=fixed_price(3000)) == [333, 0]
    assert taken(items, code=buy_get(1, 1)) == [0, 1667]

    result = discounted(items, code=percent(1500))
    terms = Terms("JPY", "VAT", 1000, True, FeePayer.BUYER, 50, 360)
    price = quote(result.items, terms, result.applied)
    assert (price.gross_minor, price.tax_minor, price.fee_minor) == (4250, 386, 253)
    assert str(price.total) == "¥4,503"


def test_dinars_are_shared_to_the_thousandth():
    items = [Item("General", 2, 12_345), Item("Student", 1, 7_501)]

    assert taken(items, code=percent(1250)) == [3086, 938]
    assert taken(items, code=amount(10_000)) == [7670, 2330]
    assert taken(items, code=fixed_price(10_000)) == [4690, 0]
    assert taken(items, code=buy_get(1, 1)) == [12_345, 0]

    result = discounted(items, code=percent(1250))
    terms = Terms("KWD", "VAT", 500, False, FeePayer.BUYER, 150, 250)
    price = quote(result.items, terms, result.applied)
    assert (price.net_minor, price.tax_minor, price.fee_minor) == (28_167, 1408, 1154)
    assert str(price.total) == "KWD\u00a030.729"


@pytest.mark.parametrize("rate", [0, 10_001])
def test_a_percentage_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match=f"from 1 to 10000 basis points, not {rate}"):
        percent(rate)


@pytest.mark.parametrize(("buy", "get"), [(0, 1), (1, 0)])
def test_a_block_without_a_paid_or_a_free_ticket_is_refused(buy, get):
    with pytest.raises(ValueError, match=f"at least 1, not {buy} and {get}"):
        buy_get(buy, get)


@pytest.mark.parametrize(
    "rules", [{"amount_minor": -1}, {"min_subtotal_minor": -1}, {"min_quantity": -1}]
)
def test_negative_amounts_and_minimums_are_refused(rules):
    with pytest.raises(ValueError, match="not below 0"):
        Discount(1, "Wrong", DiscountKind.AMOUNT, **rules)


def test_a_kind_that_takes_nothing_off_is_refused():
    with pytest.raises(ValueError, match="“none” is not a kind of discount"):
        Discount(1, "Access", "none")


def test_the_kind_may_come_as_it_is_stored():
    assert taken([Item("Regular", 1, 1000)], code=Discount(1, "Tenth", "percent", 1000)) == [100]
