"""Every price adds up, to the cent."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.models import FeePayer
from ticketing.pricing import Applied, Item, Terms, quote, shares_of
from tiqqo.core.money import share, tax_within

full_price_items = st.lists(
    st.builds(
        Item,
        name=st.just("Ticket"),
        quantity=st.integers(1, 50),
        unit_price_minor=st.integers(0, 10**7),
    ),
    max_size=6,
)


@st.composite
def anything(draw):
    """Any item: taxed in its own way, a part of a bundle, discounted, even to nothing."""
    quantity = draw(st.integers(1, 12))
    unit_price = draw(st.one_of(st.integers(0, 30), st.integers(0, 10**6)))
    amount = quantity * unit_price
    return Item(
        name="Ticket",
        quantity=quantity,
        unit_price_minor=unit_price,
        tax_rate_bp=draw(st.sampled_from([None, 0, 900, 2500])),
        bears_fixed_fee=draw(st.booleans()),
        discount_minor=draw(st.one_of(st.integers(0, amount), st.sampled_from([0, amount]))),
    )


items = st.lists(anything(), max_size=6)
terms = st.builds(
    Terms,
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    tax_name=st.just("VAT"),
    tax_rate_bp=st.integers(0, 10_000),
    prices_include_tax=st.booleans(),
    fee_payer=st.sampled_from(FeePayer.values),
    fee_fixed_minor=st.integers(0, 500),
    fee_rate_bp=st.integers(0, 1_000),
)


def of(fee_payer=FeePayer.BUYER, *, include=True, rate=900, currency="EUR", fixed=49, fee=200):
    return Terms(currency, "VAT", rate, include, fee_payer, fixed, fee)


@given(items, terms)
def test_totals_add_up_to_the_cent(items, terms):
    price = quote(items, terms)
    fee = sum(line.fee_minor for line in price.lines)
    borne = fee if terms.fee_payer == FeePayer.BUYER else 0

    assert price.total_minor == borne + sum(line.net_minor + line.tax_minor for line in price.lines)
    assert price.total.minor == price.total_minor
    assert price.total_minor == price.net_minor + price.tax_minor + price.buyer_fee_minor
    for line in price.lines:
        assert line.gross_minor == line.net_minor + line.tax_minor
        assert min(line.net_minor, line.tax_minor, line.fee_minor) >= 0
    assert price.quantity == sum(item.quantity for item in items)


@given(items, terms)
def test_included_tax_changes_no_price_and_added_tax_no_net(items, terms):
    price = quote(items, terms)
    listed = sum(item.quantity * item.unit_price_minor for item in items)
    taken = sum(item.discount_minor for item in items)

    assert price.discount_minor == taken
    assert (price.gross_minor if terms.prices_include_tax else price.net_minor) == listed - taken
    for item, line in zip(items, price.lines, strict=True):
        base = line.gross_minor if terms.prices_include_tax else line.net_minor
        assert line.amount_minor - line.discount_minor == base
        assert (line.amount_minor, line.discount_minor) == (
            item.quantity * item.unit_price_minor,
            item.discount_minor,
        )


@given(items, terms)
def test_the_tax_of_a_rate_is_that_on_its_sum_and_each_line_has_its_part(items, terms):
    price = quote(items, terms)
    for item, line in zip(items, price.lines, strict=True):
        rate = terms.tax_rate_bp if item.tax_rate_bp is None else item.tax_rate_bp
        assert line.tax_rate_bp == rate
        alone = (
            tax_within(line.gross_minor, rate)
            if terms.prices_include_tax
            else share(line.net_minor, rate)
        )
        assert abs(line.tax_minor - alone) <= 1
    for rate, net, tax in price.tax_by_rate:
        if terms.prices_include_tax:
            assert tax == tax_within(net + tax, rate)
        else:
            assert tax == share(net, rate)


def test_three_lines_are_taxed_as_the_sum_that_the_invoice_shows():
    """3 x 10.30 net at 19 % are 5.87, not three times 1.96."""
    items = [Item(name, 1, 1030) for name in ("Adult", "Student", "Senior")]
    price = quote(items, Terms("EUR", "VAT", 1900, False, FeePayer.BUYER, 0, 0))

    assert sorted(line.tax_minor for line in price.lines) == [195, 196, 196]
    assert (price.tax_minor, price.total_minor) == (587, 3677)


@given(items, terms)
def test_the_rates_of_tax_add_up_to_the_tax(items, terms):
    price = quote(items, terms)
    rates = [rate for rate, _, _ in price.tax_by_rate]

    assert rates == sorted(set(rates))
    assert sum(net for _, net, _ in price.tax_by_rate) == price.net_minor
    assert sum(tax for _, _, tax in price.tax_by_rate) == price.tax_minor
    for rate, net, tax in price.tax_by_rate:
        lines = [line for line in price.lines if line.tax_rate_bp == rate]
        assert lines
        assert net == sum(line.net_minor for line in lines)
        assert tax == sum(line.tax_minor for line in lines)


@given(full_price_items, terms)
def test_without_a_discount_the_fee_of_a_line_is_that_of_one_ticket_times_the_tickets(items, terms):
    for item, line in zip(items, quote(items, terms).lines, strict=True):
        unit = item.unit_price_minor
        one = terms.fee_fixed_minor + share(unit, terms.fee_rate_bp) if unit else 0
        assert line.fee_minor == one * item.quantity
        assert quote([replace(item, quantity=1)], terms).fee_minor == one


@given(items, terms)
@example([Item("Ticket", 3, 1000, discount_minor=2999)], of())
def test_the_fee_is_borne_by_the_tickets_that_cost_something(items, terms):
    for item, line in zip(items, quote(items, terms).lines, strict=True):
        due = line.amount_minor - line.discount_minor
        paid_for = min(due, item.quantity)
        fixed = terms.fee_fixed_minor if item.bears_fixed_fee else 0
        percentage = line.fee_minor - fixed * paid_for
        # Each unit rounds by itself, so the line is at most half a cent per unit away.
        assert abs(percentage * 10_000 - due * terms.fee_rate_bp) <= 5_000 * paid_for
        if due == 0:
            assert (line.fee_minor, line.gross_minor) == (0, 0)


@given(items, terms, st.data())
def test_more_discount_never_raises_the_total(items, terms, data):
    more = [
        replace(item, discount_minor=data.draw(st.integers(item.discount_minor, item.amount_minor)))
        for item in items
    ]

    before, after = quote(items, terms), quote(more, terms)

    assert after.total_minor <= before.total_minor
    assert after.fee_minor <= before.fee_minor
    assert after.tax_minor <= before.tax_minor


@given(st.permutations(range(4)), st.lists(anything(), min_size=4, max_size=4), terms)
def test_the_order_of_the_lines_changes_no_amount(order, items, terms):
    price, shuffled = quote(items, terms), quote([items[at] for at in order], terms)

    assert shuffled.total_minor == price.total_minor
    assert shuffled.tax_by_rate == price.tax_by_rate
    assert shuffled.fee_minor == price.fee_minor
    # Of lines that are the same in everything, any may have the odd cent.
    assert sorted(shuffled.lines, key=repr) == sorted(price.lines, key=repr)


@given(items, terms)
def test_a_fee_that_the_organiser_bears_is_not_in_the_total(items, terms):
    price = quote(items, terms)

    if terms.fee_payer == FeePayer.ORGANISER:
        assert (price.buyer_fee_minor, price.total_minor) == (0, price.gross_minor)
    else:
        assert price.buyer_fee_minor == price.fee_minor


@given(
    st.integers(0, 10**9),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=8),
)
def test_the_parts_of_a_bundle_add_up_to_its_price(price, weights):
    parts = shares_of(price, weights)

    assert sum(parts) == price
    assert len(parts) == len(weights)
    fair = weights if any(weights) else [1] * len(weights)
    for part, weight in zip(parts, fair, strict=True):
        assert part >= 0
        assert abs(part * sum(fair) - price * weight) < sum(fair)


def test_tax_within_the_price():
    price = quote([Item("Regular", 2, 2500)], of())

    assert (price.net_minor, price.tax_minor, price.fee_minor) == (4587, 413, 198)
    assert price.total_minor == 5198


def test_tax_on_top_of_the_price():
    price = quote([Item("Full pass", 1, 100_000)], of(include=False, rate=2500))

    assert (price.net_minor, price.tax_minor, price.fee_minor) == (100_000, 25_000, 2049)
    assert price.total_minor == 127_049


def test_the_organiser_may_bear_the_fee():
    price = quote([Item("Regular", 2, 2500)], of(FeePayer.ORGANISER))

    assert (price.fee_minor, price.buyer_fee_minor, price.total_minor) == (198, 0, 5000)


def test_nothing_costs_nothing():
    price = quote([], of())

    assert (price.total_minor, price.discount_minor, price.tax_by_rate) == (0, 0, ())


def test_tax_and_fee_are_those_of_the_discounted_amount():
    applied = (Applied(1, "Friends", 1000),)

    price = quote([Item("Regular", 3, 2500, discount_minor=1000)], of(), applied)

    # 6500 is 2167 + 2167 + 2166, and two per cent of each is 43.
    (line,) = price.lines
    assert (line.amount_minor, line.discount_minor, line.gross_minor) == (7500, 1000, 6500)
    assert (line.net_minor, line.tax_minor, line.fee_minor) == (5963, 537, 276)
    assert (price.discount_minor, price.total_minor, price.applied) == (1000, 6776, applied)


def test_tax_on_top_is_on_the_discounted_amount():
    price = quote([Item("Regular", 3, 2500, discount_minor=1000)], of(include=False))

    assert (price.net_minor, price.tax_minor, price.fee_minor) == (6500, 585, 276)
    assert price.total_minor == 7361


def test_a_unit_that_costs_nothing_bears_no_fee():
    price = quote([Item("Regular", 3, 1000, discount_minor=2998)], of(fee=10_000))

    assert price.fee_minor == 2 * (49 + 1)


def test_a_line_that_costs_nothing_bears_no_fee():
    price = quote([Item("Regular", 3, 1000, discount_minor=3000)], of())

    assert (price.fee_minor, price.total_minor) == (0, 0)


def test_of_the_parts_of_a_bundle_only_the_first_bears_the_fixed_fee():
    museum, boat = shares_of(3000, [2000, 1500])
    parts = [
        Item("Museum", 2, museum, tax_rate_bp=900),
        Item("Boat", 2, boat, tax_rate_bp=2100, bears_fixed_fee=False),
    ]

    price = quote(parts, of(rate=0))

    assert (museum, boat) == (1714, 1286)
    assert [line.fee_minor for line in price.lines] == [2 * (49 + 34), 2 * 26]
    assert price.tax_by_rate == ((900, 3145, 283), (2100, 2126, 446))
    assert price.total_minor == 6000 + 166 + 52


def test_lines_of_one_rate_stand_together_whoever_named_it():
    lines = [
        Item("Dinner", 1, 5000, tax_rate_bp=2100),
        Item("Regular", 1, 2500),
        Item("Student", 1, 1000, tax_rate_bp=900),
    ]

    price = quote(lines, of(include=False, rate=900))

    assert price.tax_by_rate == ((900, 3500, 315), (2100, 5000, 1050))
    assert (price.net_minor, price.tax_minor) == (8500, 1365)


def test_a_rate_of_nothing_is_a_rate_and_not_the_rate_of_the_terms():
    price = quote([Item("Book", 1, 1000, tax_rate_bp=0)], of(rate=900))

    assert price.tax_by_rate == ((0, 1000, 0),)


def test_yen_have_no_cents():
    terms = of(include=False, rate=1000, currency="JPY", fixed=50, fee=360)

    price = quote([Item("General", 3, 3333, discount_minor=1000)], terms)

    # 8999 is 3000 + 3000 + 2999, and 3.6 per cent of each is 108.
    assert (price.net_minor, price.tax_minor) == (8999, 900)
    assert price.fee_minor == 3 * (50 + 108)
    assert str(price.total) == "¥10,373"


def test_dinars_have_a_thousand_parts():
    terms = of(rate=500, currency="KWD", fixed=150, fee=250)

    price = quote([Item("General", 2, 12_345, discount_minor=2469)], terms)

    # 22.221 is 11.111 + 11.110; two and a half per cent of either is 0.278.
    assert (price.net_minor, price.tax_minor, price.fee_minor) == (21_163, 1058, 856)
    assert str(price.total) == "KWD\u00a023.077"


def test_parts_of_a_bundle():
    assert shares_of(1000, [1, 1, 1]) == (334, 333, 333)
    assert shares_of(1000, [3000, 0, 1000]) == (750, 0, 250)
    assert shares_of(1001, [0, 0]) == (501, 500)
    assert shares_of(0, [5, 5]) == (0, 0)


@pytest.mark.parametrize("weights", [[], [3, -1]])
def test_a_bundle_of_nothing_is_refused(weights):
    with pytest.raises(ValueError, match="Weights"):
        shares_of(1000, weights)


@pytest.mark.parametrize("discount", [-1, 2001])
def test_a_discount_larger_than_its_line_is_refused(discount):
    with pytest.raises(ValueError, match=f"from 0 to its amount .2000., not {discount}"):
        Item("Regular", 2, 1000, discount_minor=discount)


def test_a_line_may_be_discounted_to_nothing_and_by_nothing():
    assert Item("Regular", 2, 1000, discount_minor=2000).due_minor == 0
    assert Item("Regular", 2, 1000, discount_minor=0).due_minor == 2000
