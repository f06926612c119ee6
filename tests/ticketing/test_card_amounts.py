"""What a card payment may amount to is said when a price or a code is set, and before the hold."""

import pytest

from tests.cast import ReleaseFactory, TicketTypeFactory
from ticketing.errors import TooLittleForCard, TooMuchForCard
from ticketing.models import PromotionKind, Reservation
from ticketing.operations import (
    change_release,
    create_coded_promotion,
    create_release,
    reserve_tickets,
)
from ticketing.organiser_errors import DiscountBelowCardMinimum, PriceBelowCardMinimum
from ticketing.selling import Choice, fixed_fee
from tiqqo.core.money import Money

pytestmark = pytest.mark.django_db


def kind(house, name="Programme", **facts):
    return TicketTypeFactory(event=house.event, name=name, by=house.owner, **facts)


def free_of_fees(settings):
    settings.SERVICE_FEE_FIXED, settings.SERVICE_FEE_RATE_BP = {}, 0


def test_price_below_the_least_card_payment_is_refused_when_it_is_set(kikker, settings):
    free_of_fees(settings)

    with pytest.raises(
        PriceBelowCardMinimum, match=r"€0\.49, and a card payment is at least €0\.50"
    ):
        create_release(kind(kikker), name="Regular", price_minor=49, by=kikker.owner)
    release = create_release(
        kind(kikker, "Poster"), name="Regular", price_minor=50, by=kikker.owner
    )
    with pytest.raises(PriceBelowCardMinimum):
        change_release(release, price_minor=20, by=kikker.owner)
    change_release(release, price_minor=0, by=kikker.owner)


def test_the_fee_that_the_buyer_pays_counts(kikker):
    create_release(kind(kikker), name="Regular", price_minor=10, by=kikker.owner)


def test_many_small_ones_that_are_only_sold_together_are_enough(kikker, settings):
    free_of_fees(settings)

    create_release(
        kind(kikker, per_order_minimum=10), name="Regular", price_minor=5, by=kikker.owner
    )


def test_without_card_payments_nothing_is_too_small(kikker, settings):
    free_of_fees(settings)
    settings.STRIPE_API_KEY = ""

    create_release(kind(kikker), name="Regular", price_minor=1, by=kikker.owner)


@pytest.mark.parametrize(
    ("terms", "is_refused"),
    [
        ({"kind": PromotionKind.PERCENT, "rate_bp": 9900}, True),
        ({"kind": PromotionKind.PERCENT, "rate_bp": 10_000}, False),
        ({"kind": PromotionKind.PERCENT, "rate_bp": 5000}, False),
        ({"kind": PromotionKind.AMOUNT, "amount_minor": 2480}, True),
        ({"kind": PromotionKind.FIXED_PRICE, "amount_minor": 20}, True),
        ({"kind": PromotionKind.FIXED_PRICE, "amount_minor": 0}, False),
    ],
)
def test_code_that_leaves_less_than_a_card_payment_is_refused(kikker, settings, terms, is_refused):
    free_of_fees(settings)

    def make():
        create_coded_promotion(
            kikker.event, by=kikker.owner, name="Deep", text="DEEP", uses_limit=None, **terms
        )

    if is_refused:
        with pytest.raises(DiscountBelowCardMinimum, match="Take less off, or make it free"):
            make()
    else:
        make()


def test_total_below_the_least_is_told_before_anything_is_held(kikker, settings):
    free_of_fees(settings)
    settings.STRIPE_API_KEY = ""
    small = ReleaseFactory(ticket_type=kind(kikker), price_minor=20, by=kikker.owner)
    settings.STRIPE_API_KEY = "sk_test"

    with pytest.raises(TooLittleForCard, match="Choose something more"):
        reserve_tickets(kikker.event, selection={small.code: 2}, is_buyer=True)
    assert Reservation.objects.count() == 0
    reserve_tickets(kikker.event, selection={small.code: 3}, is_buyer=True)
    # The orders desk settles it in another way.
    reserve_tickets(kikker.event, selection={small.code: 1})


def test_total_above_the_greatest_is_told_before_anything_is_held(kikker, settings):
    dear = ReleaseFactory(ticket_type=kind(kikker), price_minor=9_000_000, by=kikker.owner)

    with pytest.raises(TooMuchForCard, match=r"at most €999,999\.99"):
        reserve_tickets(kikker.event, selection=[Choice(dear.code, 12)], is_buyer=True)


def test_who_may_pay_by_invoice_is_not_bound_by_cards(fjord, settings):
    free_of_fees(settings)
    settings.STRIPE_API_KEY = ""
    small = ReleaseFactory(
        ticket_type=TicketTypeFactory(event=fjord.event, name="Sticker", by=fjord.owner),
        price_minor=20,
        by=fjord.owner,
    )
    settings.STRIPE_API_KEY = "sk_test"
    assert fjord.event.allows_invoice

    reserve_tickets(fjord.event, selection={small.code: 1}, is_buyer=True)


def test_fixed_fee_is_of_the_currency(settings):
    assert fixed_fee("EUR") == Money(49, "EUR")
    assert fixed_fee("KWD") == Money(0, "KWD")
