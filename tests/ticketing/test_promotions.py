"""Promotions: terms that codes claim or that apply by themselves; changed, paused, deleted."""

from datetime import timedelta

import pytest
import time_machine

from events.models import Event
from tests.cast import EventFactory, ReleaseFactory
from ticketing.errors import CodePaused, NameTaken, PriceBelowZero
from ticketing.models import Code, Promotion, PromotionKind, Reservation
from ticketing.operations import (
    cancel_reservation,
    change_promotion,
    change_reservation,
    confirm_reservation,
    create_code,
    create_promotion,
    delete_promotion,
    pause_promotion,
    reserve_tickets,
    resume_promotion,
)
from ticketing.organiser_errors import (
    AmountOffMissing,
    AutomaticPerPerson,
    AutomaticUnlocks,
    AutomaticWithoutDiscount,
    BuyAndGetMissing,
    CodesOfAutomatic,
    MinimumWithoutDiscount,
    PercentOutOfRange,
    PromotionAfterEvent,
    PromotionDoesNothing,
    PromotionWasUsed,
    PromotionWindowBackward,
    ScopeOfAnotherEvent,
    TooLittle,
)
from ticketing.queries import lines_of, promotion_board, quote_of
from tiqqo.core import clock
from tiqqo.core.models import AuditEntry
from tiqqo.core.money import Money

NOTHING = PromotionKind.NONE
PERCENT = PromotionKind.PERCENT
AMOUNT = PromotionKind.AMOUNT
FIXED = PromotionKind.FIXED_PRICE
BUY_GET = PromotionKind.BUY_X_GET_Y


def fresh(house):
    return Event.objects.get(pk=house.event.pk)


def promote(house, name="Friends", **terms):
    return create_promotion(
        house.event, name=name, by=house.owner, **{"kind": PERCENT, "rate_bp": 2000, **terms}
    )


def hold(house, code="", **counts):
    counts = counts or {"priced": 2}
    selection = {getattr(house, name).code: count for name, count in counts.items()}
    return reserve_tickets(fresh(house), selection=selection, code=code)


def saved(reservation):
    return [(done["name"], done["minor"]) for done in reservation.discounts]


# Making and changing ----------------------------------------------------------------------


def test_terms_are_kept_as_given(kikker):
    begins = clock.now() + timedelta(days=1)

    promotion = promote(
        kikker,
        ticket_types=[kikker.priced.ticket_type],
        releases=[kikker.free],
        opens_at=begins,
        closes_at=begins + timedelta(days=2),
        min_subtotal_minor=5000,
        min_quantity=3,
        per_email_limit=2,
        unlocks=True,
    )

    found = Promotion.objects.get(pk=promotion.pk)
    assert (found.ticket_type_ids, found.release_ids) == (
        [kikker.priced.ticket_type_id],
        [kikker.free.pk],
    )
    assert (found.min_subtotal_minor, found.min_quantity, found.per_email_limit) == (5000, 3, 2)
    assert (found.opens_at, found.unlocks, found.rate_bp) == (begins, True, 2000)
    [entry] = AuditEntry.objects.filter(action="promotion.created")
    assert (entry.subject_id, entry.data["name"]) == (promotion.pk, "Friends")


def test_another_kind_forgets_the_numbers_of_the_one_before(kikker):
    promotion = promote(kikker)

    change_promotion(promotion, by=kikker.owner, kind=BUY_GET, buy=3, get=1)

    found = Promotion.objects.get(pk=promotion.pk)
    assert (found.rate_bp, found.amount_minor, found.buy, found.get) == (0, 0, 3, 1)


def test_what_is_not_given_stays(kikker):
    promotion = promote(kikker, min_quantity=3)

    change_promotion(promotion, by=kikker.owner, name="Old friends")

    found = Promotion.objects.get(pk=promotion.pk)
    assert (found.name, found.rate_bp, found.min_quantity) == ("Old friends", 2000, 3)
    assert AuditEntry.objects.filter(action="promotion.changed").get().data["fields"] == ["name"]


@pytest.mark.parametrize(
    ("terms", "error", "field", "sentence"),
    [
        ({"rate_bp": 0}, PercentOutOfRange, "percent", "Enter a percentage above 0 and up to 100."),
        ({"rate_bp": 10_001}, PercentOutOfRange, "percent", "Enter a percentage above 0 and up to 100."),
        ({"kind": AMOUNT}, AmountOffMissing, "amount", "Enter what is taken off, more than 0."),
        ({"kind": FIXED, "amount_minor": -1}, PriceBelowZero, "price", "The price cannot be below zero. Write 0 for a free ticket."),
        ({"kind": BUY_GET, "get": 1}, BuyAndGetMissing, "buy", "Enter a number from 1 on."),
        ({"kind": BUY_GET, "buy": 1}, BuyAndGetMissing, "get", "Enter a number from 1 on."),
        ({"kind": NOTHING}, PromotionDoesNothing, "unlocks", "Without a discount it has to unlock hidden tickets. Tick this, or choose a discount."),
        ({"kind": NOTHING, "unlocks": True, "min_quantity": 2}, MinimumWithoutDiscount, "min_quantity", "A minimum is for discounts. Leave this empty."),
        ({"kind": NOTHING, "unlocks": True, "min_subtotal_minor": 2}, MinimumWithoutDiscount, "min_subtotal", "A minimum is for discounts. Leave this empty."),
        ({"min_quantity": -1}, TooLittle, "min_quantity", "Enter 1 or more, or leave it empty."),
        ({"min_subtotal_minor": -1}, TooLittle, "min_subtotal", "Enter 1 or more, or leave it empty."),
        ({"per_email_limit": 0}, TooLittle, "per_email_limit", "Enter 1 or more, or leave it empty."),
        ({"is_automatic": True, "kind": NOTHING}, AutomaticWithoutDiscount, "kind", "What applies by itself needs a discount. Choose one."),
        ({"is_automatic": True, "unlocks": True}, AutomaticUnlocks, "unlocks", "Only a code can unlock hidden tickets. Leave this empty."),
        ({"is_automatic": True, "per_email_limit": 1}, AutomaticPerPerson, "per_email_limit", "Only the uses of codes can be limited per person. Leave this empty."),
    ],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused_at_their_field(kikker, terms, error, field, sentence):
    with pytest.raises(error) as refused:
        promote(kikker, **terms)

    assert (refused.value.field, str(refused.value)) == (field, sentence)
    assert not Promotion.objects.exists()


def test_window_must_run_forward_and_begin_before_the_event_is_over(kikker):
    now = clock.now()

    with pytest.raises(PromotionWindowBackward):
        promote(kikker, opens_at=now, closes_at=now)
    with pytest.raises(PromotionAfterEvent):
        promote(kikker, opens_at=kikker.event.ends_at)


def test_a_name_is_given_once(kikker):
    promote(kikker)

    with pytest.raises(NameTaken):
        promote(kikker)
    second = promote(kikker, "Family")
    with pytest.raises(NameTaken):
        change_promotion(second, by=kikker.owner, name="Friends")

    assert sorted(Promotion.objects.values_list("name", flat=True)) == ["Family", "Friends"]


def test_what_another_event_sells_cannot_be_covered(kikker):
    elsewhere = EventFactory(organiser=kikker.organiser, by=kikker.owner)
    release = ReleaseFactory(event=elsewhere, by=kikker.owner)

    with pytest.raises(ScopeOfAnotherEvent):
        promote(kikker, ticket_types=[release.ticket_type])
    with pytest.raises(ScopeOfAnotherEvent):
        promote(kikker, releases=[release])


# Pausing and deleting ---------------------------------------------------------------------


def test_a_paused_one_applies_to_nothing_new_and_what_is_held_keeps_it(kikker):
    promotion = promote(kikker)
    create_code(promotion, text="FRIEND", by=kikker.owner)
    before = hold(kikker, "friend")

    pause_promotion(promotion, by=kikker.owner)
    pause_promotion(promotion, by=kikker.owner)

    with pytest.raises(CodePaused):
        hold(kikker, "friend")
    assert quote_of(before, lines_of(before)).discount_minor == 1000
    resume_promotion(promotion, by=kikker.owner)
    assert saved(hold(kikker, "friend")) == [("Friends", 1000)]
    assert AuditEntry.objects.filter(action="promotion.paused").count() == 1


def test_one_that_nobody_used_is_deleted_with_its_codes(kikker):
    promotion = promote(kikker)
    create_code(promotion, text="FRIEND", by=kikker.owner)

    delete_promotion(promotion, by=kikker.owner)

    assert (Promotion.objects.count(), Code.objects.count()) == (0, 0)


@pytest.mark.parametrize("is_automatic", [True, False])
def test_one_that_somebody_used_stays(kikker, is_automatic):
    promotion = promote(kikker, is_automatic=is_automatic)
    if not is_automatic:
        create_code(promotion, text="FRIEND", by=kikker.owner)
    cancel_reservation(hold(kikker, "" if is_automatic else "FRIEND"), manually=True)

    with pytest.raises(PromotionWasUsed):
        delete_promotion(promotion, by=kikker.owner)

    assert Promotion.objects.filter(pk=promotion.pk).exists()


# By rule ----------------------------------------------------------------------------------


def test_an_automatic_one_has_no_codes(kikker):
    with pytest.raises(CodesOfAutomatic):
        create_code(promote(kikker, is_automatic=True), text="FRIEND", by=kikker.owner)


def test_it_applies_without_a_code_and_the_hold_freezes_it(kikker):
    promotion = promote(kikker, "Early summer", is_automatic=True)
    reservation = hold(kikker)

    change_promotion(promotion, by=kikker.owner, name="Late", rate_bp=9000)
    pause_promotion(promotion, by=kikker.owner)

    reservation = Reservation.objects.get(pk=reservation.pk)
    assert saved(reservation) == [("Early summer", 1000)]
    assert [line.discount_minor for line in lines_of(reservation)] == [1000]
    assert quote_of(reservation, lines_of(reservation)).discount_minor == 1000
    assert saved(hold(kikker)) == []


def test_of_several_the_single_best_one_applies(kikker):
    promote(kikker, "A tenth", is_automatic=True, rate_bp=1000)
    promote(kikker, "Four euros", is_automatic=True, kind=AMOUNT, amount_minor=400)
    promote(kikker, "Three for two", is_automatic=True, kind=BUY_GET, buy=2, get=1)

    # 2 x 25.00: 5.00 is more than 4.00. 3 x 25.00: one is free. 1 x 25.00: 4.00 is more than 2.50.
    assert saved(hold(kikker, priced=2)) == [("A tenth", 500)]
    assert saved(hold(kikker, priced=3)) == [("Three for two", 2500)]
    assert saved(hold(kikker, priced=1)) == [("Four euros", 400)]


def test_a_code_applies_to_what_the_rule_left(kikker):
    promote(kikker, "A tenth", is_automatic=True, rate_bp=1000)
    create_code(promote(kikker, "Half"), text="HALF", by=kikker.owner)
    change_promotion(Promotion.objects.get(name="Half"), by=kikker.owner, rate_bp=5000)

    assert saved(hold(kikker, "half")) == [("A tenth", 500), ("Half", 2250)]


def test_rule_applies_within_its_window_from_its_minimum_and_to_what_it_covers(kikker):
    begins = clock.now() + timedelta(hours=1)
    promote(
        kikker,
        is_automatic=True,
        ticket_types=[kikker.priced.ticket_type],
        min_quantity=2,
        min_subtotal_minor=5000,
        opens_at=begins,
        closes_at=begins + timedelta(hours=1),
    )
    dear = ReleaseFactory(event=kikker.event, price_minor=9000, by=kikker.owner)

    def discounts(**counts):
        return saved(hold(kikker, **counts))

    assert discounts(priced=2) == []
    with time_machine.travel(begins, tick=False):
        assert discounts(priced=2) == [("Friends", 1000)]
        assert discounts(priced=1) == []
        other = reserve_tickets(fresh(kikker), selection={dear.code: 2})
        assert saved(other) == []
    with time_machine.travel(begins + timedelta(hours=1), tick=False):
        assert discounts(priced=2) == []


def test_a_hold_that_is_changed_has_the_discount_of_what_it_holds_now(kikker):
    promote(kikker, is_automatic=True, min_quantity=2)
    reservation = hold(kikker, priced=2)

    less = change_reservation(reservation, selection={kikker.priced.code: 1})

    assert saved(less) == []
    assert [line.discount_minor for line in lines_of(less)] == [0]


# What came of it --------------------------------------------------------------------------


def test_figures_come_from_what_reservations_froze(kikker):
    create_code(promote(kikker, "Half", rate_bp=5000), text="HALF", by=kikker.owner)
    promote(kikker, "A tenth", is_automatic=True, rate_bp=1000)
    sold = hold(kikker, "half", priced=2)
    confirm_reservation(sold)
    confirm_reservation(hold(kikker, priced=1))
    hold(kikker, "half", priced=1)
    cancelled = hold(kikker, "half", priced=4)
    confirm_reservation(cancelled)
    cancel_reservation(cancelled, manually=True)

    board = promotion_board(fresh(kikker), at=clock.now())

    [half], [tenth] = board.coded, board.automatic
    # 50.00 - 5.00 by rule - 22.50 by code
    assert (half.figures.held, half.figures.used) == (1, 1)
    assert (half.figures.sales, half.figures.discount) == (Money(2250, "EUR"), Money(2250, "EUR"))
    # and 25.00 - 2.50
    assert (tenth.figures.held, tenth.figures.used) == (1, 2)
    assert (tenth.figures.sales, tenth.figures.discount) == (Money(4500, "EUR"), Money(750, "EUR"))


def test_an_unlocking_one_counts_its_uses_and_sales_too(kikker):
    kikker.priced.hidden_at = clock.now()
    kikker.priced.save()
    create_code(promote(kikker, kind=NOTHING, unlocks=True), text="DOOR", by=kikker.owner)
    confirm_reservation(hold(kikker, "door", priced=1))

    [row] = promotion_board(fresh(kikker), at=clock.now()).coded

    assert (row.figures.used, row.figures.sales.minor, row.figures.discount.minor) == (1, 2500, 0)
    assert (row.terms, row.covers, row.only_code) == ("", "Everything", "DOOR")


def test_board_says_in_words_what_each_one_does(kikker):
    promote(kikker, "Percent", ticket_types=[kikker.priced.ticket_type], min_quantity=2)
    promote(kikker, "Amount", kind=AMOUNT, amount_minor=1000, releases=[kikker.free])
    promote(kikker, "Fixed", kind=FIXED, amount_minor=0, per_email_limit=1)
    promote(kikker, "Group", kind=BUY_GET, buy=4, get=1, min_subtotal_minor=2000, per_email_limit=3)

    rows = promotion_board(fresh(kikker), at=clock.now()).coded

    assert [(row.terms, row.covers, row.conditions) for row in rows] == [
        ("Buy 4, get 1 free", "Everything", ("from a subtotal of €20.00", "3 times per e-mail address")),
        ("€0.00 per ticket", "Everything", ("once per e-mail address",)),
        ("€10.00 off the order", "Under 12", ()),
        ("20% off", "Regular", ("from 2 tickets",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("opens", "closes", "paused", "state"),
    [
        (None, None, False, "running"),
        (None, None, True, "paused"),
        (1, None, False, "scheduled"),
        (1, None, True, "paused"),
        (-2, -1, False, "over"),
        (-2, -1, True, "over"),
    ],
)
def test_state_follows_the_window_and_the_hand(kikker, opens, closes, paused, state):
    now = clock.now()
    promotion = promote(
        kikker,
        opens_at=None if opens is None else now + timedelta(days=opens),
        closes_at=None if closes is None else now + timedelta(days=closes),
    )
    if paused:
        pause_promotion(promotion, by=kikker.owner)

    [row] = promotion_board(fresh(kikker), at=now).coded

    assert row.state == state
