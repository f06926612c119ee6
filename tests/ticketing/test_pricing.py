"""Every price adds up, to the cent."""

from hypothesis import given
from hypothesis import strategies as st

from events.models import FeePayer
from ticketing.pricing import Item, Terms, quote

items = st.lists(
    st.builds(
        Item,
        name=st.just("Ticket"),
        quantity=st.integers(1, 50),
        unit_price_minor=st.integers(0, 10**7),
    ),
    max_size=6,
)
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


def of(fee_payer=FeePayer.BUYER, *, include=True, rate=900):
    return Terms("EUR", "VAT", rate, include, fee_payer, 49, 200)


@given(items, terms)
def test_totals_add_up_to_the_cent(items, terms):
    price = quote(items, terms)

    assert price.total_minor == price.net_minor + price.tax_minor + price.buyer_fee_minor
    for line in price.lines:
        assert line.gross_minor == line.net_minor + line.tax_minor
        assert min(line.net_minor, line.tax_minor, line.fee_minor) >= 0
    assert price.quantity == sum(item.quantity for item in items)


@given(items, terms)
def test_included_tax_changes_no_price_and_added_tax_no_net(items, terms):
    price = quote(items, terms)
    listed = sum(item.quantity * item.unit_price_minor for item in items)

    assert (price.gross_minor if terms.prices_include_tax else price.net_minor) == listed


@given(items, terms)
def test_free_tickets_have_no_fee(items, terms):
    for item, line in zip(items, quote(items, terms).lines, strict=True):
        if item.unit_price_minor == 0:
            assert (line.fee_minor, line.gross_minor) == (0, 0)
        else:
            assert line.fee_minor >= terms.fee_fixed_minor * item.quantity


@given(items, terms)
def test_the_fee_grows_by_the_ticket_and_not_by_the_line(items, terms):
    for item in items:
        one = quote([Item("Ticket", 1, item.unit_price_minor)], terms).fee_minor
        assert quote([item], terms).fee_minor == one * item.quantity


@given(items, terms)
def test_a_fee_that_the_organiser_bears_is_not_in_the_total(items, terms):
    price = quote(items, terms)

    if terms.fee_payer == FeePayer.ORGANISER:
        assert (price.buyer_fee_minor, price.total_minor) == (0, price.gross_minor)
    else:
        assert price.buyer_fee_minor == price.fee_minor


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
    assert quote([], of()).total_minor == 0
