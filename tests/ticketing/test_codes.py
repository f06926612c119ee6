"""Codes: named, generated, limited, deleted; what each refusal says; the last use in a race."""

import re
from datetime import timedelta
from time import perf_counter

import pytest
import time_machine
from django.db import IntegrityError

from events.models import Event
from orders.models import PaymentMethod
from orders.operations import place_order
from tests.cast import buyer
from tests.owner import owner_cursor
from tests.races import at_once
from ticketing import stock
from ticketing.codes import guesses_per_hit
from ticketing.errors import (
    CodeCoversNothing,
    CodeNeedsMore,
    CodeNeedsMoreTickets,
    CodePaused,
    CodeSavesNothing,
    CodeTooEarly,
    CodeTooLate,
    CodeUnknown,
    CodeUsedByYou,
    CodeUsedUp,
)
from ticketing.models import Code, PromotionKind, Reservation
from ticketing.operations import (
    cancel_reservation,
    change_reservation,
    confirm_reservation,
    create_code,
    create_promotion,
    delete_code,
    delete_unused_codes,
    expire_reservations,
    generate_codes,
    limit_code,
    pause_promotion,
    reserve_tickets,
)
from ticketing.organiser_errors import (
    CodeBadlyWritten,
    CodeTaken,
    CodeWasUsed,
    LimitBelowUses,
    NoUnusedCodes,
    RandomPartTooLong,
    TooEasilyGuessed,
    TooLittle,
    TooManyCodes,
)
from ticketing.queries import code_totals, codes_of, codes_page, recount_codes
from tiqqo.core import clock
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db


def fresh(house):
    return Event.objects.get(pk=house.event.pk)


def promote(house, name="Friends", **terms):
    return create_promotion(
        house.event,
        name=name,
        by=house.owner,
        **{"kind": PromotionKind.PERCENT, "rate_bp": 2000, **terms},
    )


def coded(house, text="FRIEND", uses_limit=None, **terms):
    return create_code(promote(house, **terms), text=text, uses_limit=uses_limit, by=house.owner)


def hold(house, code="friend", **counts):
    selection = {getattr(house, name).code: n for name, n in (counts or {"priced": 1}).items()}
    return reserve_tickets(fresh(house), selection=selection, code=code)


def uses(code):
    """(held, used), and every code agrees with its reservations."""
    assert [count for count in recount_codes() if count.differs] == []
    code.refresh_from_db()
    return code.held, code.used


# Named ones -------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["FRIEND", "friend", "  Friend "])
def test_a_code_is_compared_in_upper_case(kikker, typed):
    code = coded(kikker, text=" friend")

    assert code.text == "FRIEND"
    assert hold(kikker, typed).code == code


@pytest.mark.parametrize("text", ["", "A B", "A+B", "É", "A" * 21, "=1"])
def test_a_code_is_of_letters_digits_and_dashes(kikker, text):
    with pytest.raises(CodeBadlyWritten) as refused:
        coded(kikker, text=text)

    assert str(refused.value) == "Use letters from A to Z, digits, - and _, at most 20 of them."
    assert not Code.objects.exists()


def test_dashes_and_twenty_characters_are_fine(kikker):
    assert coded(kikker, text="early_bird-2026-KIKK").text == "EARLY_BIRD-2026-KIKK"


def test_a_code_is_given_once_per_event(kikker, cast):
    coded(kikker)

    with pytest.raises(CodeTaken) as refused:
        coded(kikker, text="Friend", name="Others")

    assert str(refused.value) == "This event has a code FRIEND already. Choose another one."
    with tenant_scope(cast.fjord.organiser):
        assert coded(cast.fjord).text == "FRIEND"


def test_uses_are_one_or_more_or_without_a_limit(kikker):
    with pytest.raises(TooLittle):
        coded(kikker, uses_limit=0)


def test_limit_may_fall_to_what_is_taken_and_no_lower(kikker):
    code = coded(kikker, uses_limit=5)
    confirm_reservation(hold(kikker))
    hold(kikker)

    with pytest.raises(LimitBelowUses) as refused:
        limit_code(code, uses_limit=1, by=kikker.owner)
    limit_code(code, uses_limit=2, by=kikker.owner)

    assert (refused.value.field, str(refused.value)) == (
        "uses_limit",
        "It was used or is held 2 times already, so it cannot be less than that.",
    )
    with pytest.raises(CodeUsedUp):
        hold(kikker)
    limit_code(code, uses_limit=None, by=kikker.owner)
    assert uses(hold(kikker).code) == (2, 1)


def test_the_database_itself_keeps_the_limit(kikker):
    code = coded(kikker, uses_limit=1)

    with pytest.raises(IntegrityError, match="code_never_overused"):
        Code.objects.filter(pk=code.pk).update(held=2)


# Generated ones ---------------------------------------------------------------------------


def test_generated_codes_are_unique_and_can_be_read_aloud(kikker):
    promotion = promote(kikker)

    made = generate_codes(promotion, count=500, beginning="jazz-", length=8, by=kikker.owner)

    texts = list(Code.objects.values_list("text", flat=True))
    assert (made.count, len(texts), len(set(texts))) == (500, 500, 500)
    assert [t for t in texts if not re.fullmatch("JAZZ-[0-9A-HJKMNP-TV-Z]{8}", t)] == []
    assert set(Code.objects.values_list("uses_limit", "event_id")) == {(1, kikker.event.pk)}
    assert made.guesses_per_hit == 32**8 // 500 == guesses_per_hit(8, among=500)


def test_ten_thousand_codes_are_there_in_seconds_with_few_statements(kikker, expect_queries):
    promotion = promote(kikker)
    began = perf_counter()

    # The event's lock, codes of before, how many the event has, those that exist already, the insert,
    # the audit log.
    with expect_queries(6):
        generate_codes(promotion, count=10_000, by=kikker.owner)

    assert Code.objects.filter(promotion=promotion).count() == 10_000
    assert perf_counter() - began < 10


def test_a_text_that_exists_is_made_again(kikker, monkeypatch):
    coded(kikker, text="AAAAAA")
    texts = iter(["AAAAAA", "BBBBBB", "BBBBBB", "CCCCCC", "DDDDDD"])
    monkeypatch.setattr("ticketing.operations.promoting.new_code", lambda length: next(texts))

    generate_codes(promote(kikker, "More"), count=3, length=6, by=kikker.owner)

    assert sorted(Code.objects.values_list("text", flat=True)) == [
        "AAAAAA",
        "BBBBBB",
        "CCCCCC",
        "DDDDDD",
    ]


@pytest.mark.parametrize(
    ("asked", "error", "field", "sentence"),
    [
        ({"count": 0}, TooManyCodes, "count", "From 1 to 10000 codes at once. Generate again for more."),
        ({"count": 10_001}, TooManyCodes, "count", "From 1 to 10000 codes at once. Generate again for more."),
        ({"beginning": "Ü-"}, CodeBadlyWritten, "beginning", "Use letters from A to Z, digits, - and _, at most 20 of them."),
        ({"beginning": "SUMMER-2026-", "length": 9}, RandomPartTooLong, "length", "A code has at most 20 characters, so 8 random ones fit behind this prefix. Choose fewer, or a shorter prefix."),
        ({"count": 10_000, "length": 5}, TooEasilyGuessed, "length", "So many codes of that length could be guessed. Choose 6 random characters or more."),
        ({"count": 10, "length": 0}, TooEasilyGuessed, "length", "So many codes of that length could be guessed. Choose 4 random characters or more."),
        ({"uses_limit": 0}, TooLittle, "uses_limit", "Enter 1 or more, or leave it empty."),
    ],
)  # fmt: skip
def test_a_generation_that_makes_no_sense_is_refused(kikker, asked, error, field, sentence):
    promotion = promote(kikker)

    with pytest.raises(error) as refused:
        generate_codes(promotion, **{"count": 10, **asked}, by=kikker.owner)

    assert (refused.value.field, str(refused.value)) == (field, sentence)
    assert not Code.objects.exists()


def test_codes_of_before_count_among_those_that_a_guess_may_hit(kikker):
    promotion = promote(kikker)
    generate_codes(promotion, count=10, length=4, by=kikker.owner)

    with pytest.raises(TooEasilyGuessed):
        generate_codes(promotion, count=1, length=4, by=kikker.owner)


def test_pages_of_codes_follow_each_other_and_can_be_searched(kikker):
    promotion = promote(kikker)
    generate_codes(promotion, count=120, beginning="A-", by=kikker.owner)
    create_code(promotion, text="NEEDLE", by=kikker.owner)

    first = codes_page(promotion)
    second = codes_page(promotion, cursor=first.next_cursor)
    third = codes_page(promotion, cursor=second.next_cursor)

    assert [len(page.codes) for page in (first, second, third)] == [50, 50, 21]
    assert third.next_cursor == ""
    found = [code.text for page in (first, second, third) for code in page.codes]
    assert found == [text for text, *_ in codes_of(promotion)]
    assert [code.text for code in codes_page(promotion, search="EEDL").codes] == ["NEEDLE"]
    assert codes_page(promotion, search="%").codes == []


def test_totals_add_up_all_codes(kikker):
    promotion = promote(kikker)
    create_code(promotion, text="ONE", uses_limit=3, by=kikker.owner)
    create_code(promotion, text="TWO", uses_limit=4, by=kikker.owner)
    confirm_reservation(hold(kikker, "one"))
    hold(kikker, "two")

    totals = code_totals(promotion)
    assert (totals.count, totals.held, totals.used, totals.limit) == (2, 1, 1, 7)
    create_code(promotion, text="THREE", by=kikker.owner)
    assert code_totals(promotion).limit is None


# Deleting ---------------------------------------------------------------------------------


def test_unused_codes_can_be_deleted_and_used_ones_stay(kikker):
    used = coded(kikker)
    confirm_reservation(hold(kikker))
    unused = create_code(used.promotion, text="NOBODY", by=kikker.owner)

    delete_code(unused, by=kikker.owner)
    with pytest.raises(CodeWasUsed) as refused:
        delete_code(used, by=kikker.owner)

    assert str(refused.value) == (
        "Somebody reserved tickets with FRIEND, so it stays on record. Lower its uses, or pause the"
        " promotion."
    )
    assert list(Code.objects.values_list("text", flat=True)) == ["FRIEND"]


def test_a_code_of_a_hold_that_ended_stays_on_record(kikker):
    code = coded(kikker)
    cancel_reservation(hold(kikker), manually=True)

    with pytest.raises(CodeWasUsed):
        delete_code(code, by=kikker.owner)


def test_all_unused_ones_are_deleted_at_once(kikker):
    used = coded(kikker)
    confirm_reservation(hold(kikker))
    generate_codes(used.promotion, count=300, by=kikker.owner)

    assert delete_unused_codes(used.promotion, by=kikker.owner) == 300
    with pytest.raises(NoUnusedCodes):
        delete_unused_codes(used.promotion, by=kikker.owner)

    assert list(Code.objects.values_list("text", flat=True)) == ["FRIEND"]


# What buyers are told ---------------------------------------------------------------------


def refusal(error, act):
    """What the buyer reads; nothing is held."""
    with pytest.raises(error) as refused:
        act()
    assert not Reservation.objects.exists()
    return str(refused.value)


def test_unknown(kikker):
    said = refusal(CodeUnknown, lambda: hold(kikker, "freund"))

    assert said == "We do not know the code FREUND. Check how it is written."


def test_a_code_of_another_organiser_is_unknown(kikker, cast):
    with tenant_scope(cast.fjord.organiser):
        coded(cast.fjord)

    refusal(CodeUnknown, lambda: hold(kikker))


@time_machine.travel("2026-03-02 12:00 +0000", tick=False)
def test_too_early(kikker):
    kikker.event.ends_at = None
    coded(kikker, opens_at=clock.now() + timedelta(minutes=1))

    said = refusal(CodeTooEarly, lambda: hold(kikker))

    assert said == "The code FRIEND is not valid yet. It begins on Mon 2 Mar 2026, 13:01."


@time_machine.travel("2026-03-02 12:00 +0000", tick=False)
def test_too_late(kikker):
    coded(kikker, closes_at=clock.now())

    said = refusal(CodeTooLate, lambda: hold(kikker))

    assert said == "The code FRIEND was valid until Mon 2 Mar 2026, 13:00."


def test_paused(kikker):
    pause_promotion(coded(kikker).promotion, by=kikker.owner)

    said = refusal(CodePaused, lambda: hold(kikker))

    assert said == "The code FRIEND is not in use at the moment."


def test_used_up(kikker):
    coded(kikker, uses_limit=1)
    confirm_reservation(hold(kikker))

    with pytest.raises(CodeUsedUp) as refused:
        hold(kikker)

    assert str(refused.value) == "The code FRIEND has been used as often as it may be."
    assert Reservation.objects.count() == 1


def test_covers_nothing(kikker):
    coded(kikker, ticket_types=[kikker.free.ticket_type])

    said = refusal(CodeCoversNothing, lambda: hold(kikker, priced=1))

    assert said == "The code FRIEND does not apply to the tickets you chose."


def test_needs_more_money(kikker):
    coded(kikker, min_subtotal_minor=5000)

    said = refusal(CodeNeedsMore, lambda: hold(kikker, priced=1))

    assert said == "The code FRIEND applies from €50.00 of the tickets it is for."


def test_needs_more_tickets(kikker):
    coded(kikker, min_quantity=3)

    said = refusal(CodeNeedsMoreTickets, lambda: hold(kikker, priced=2))

    assert said == "The code FRIEND applies from 3 tickets it is for."


def test_saves_nothing(kikker):
    coded(kikker, kind=PromotionKind.FIXED_PRICE, amount_minor=9900)

    said = refusal(CodeSavesNothing, lambda: hold(kikker, priced=1))

    assert said == "The code FRIEND does not make these tickets cheaper."


def test_used_by_you(kikker):
    coded(kikker, per_email_limit=1)

    def buy(email):
        return place_order(
            hold(kikker, priced=1),
            buyer=buyer(email=email),
            attendees=(),
            payment_method=PaymentMethod.CARD,
            consent_text="",
            locale="en",
        )

    buy("carla@example.org")
    with pytest.raises(CodeUsedByYou) as refused:
        buy("Carla@Example.org")
    buy("dora@example.org")

    assert refused.value.field == "email"
    assert "has used the code FRIEND as often as one may" in str(refused.value)


# Uses are exact ---------------------------------------------------------------------------


def test_a_use_is_held_then_used_and_given_back_when_the_sale_is_undone(kikker):
    code = coded(kikker, uses_limit=2)

    reservation = hold(kikker)
    assert uses(code) == (1, 0)
    confirm_reservation(reservation)
    assert uses(code) == (0, 1)
    cancel_reservation(reservation, manually=True)
    assert uses(code) == (0, 0)


def test_a_hold_that_expires_or_is_cancelled_gives_its_use_back(kikker):
    code = coded(kikker, uses_limit=2)
    cancel_reservation(hold(kikker), manually=True)
    hold(kikker)

    with time_machine.travel(clock.now() + timedelta(hours=1)):
        expire_reservations(at=clock.now())

    assert uses(code) == (0, 0)


def test_a_use_of_an_overdue_hold_is_had_by_the_next_before_the_sweeper_comes(kikker):
    code = coded(kikker, uses_limit=1)
    hold(kikker)

    with time_machine.travel(clock.now() + timedelta(hours=1)):
        hold(kikker)

    assert uses(code) == (1, 0)


def test_changing_the_code_of_a_hold_gives_the_first_use_back(kikker):
    first = coded(kikker, uses_limit=1)
    second = coded(kikker, text="FAMILY", name="Family", uses_limit=1)
    reservation = hold(kikker)

    change_reservation(reservation, selection={kikker.priced.code: 2}, code="family")
    assert (uses(first), uses(second)) == ((0, 0), (1, 0))
    change_reservation(reservation, selection={kikker.priced.code: 2})
    assert (uses(first), uses(second)) == ((0, 0), (0, 0))


# The race ---------------------------------------------------------------------------------

BUYERS = 12


def race_for_the_last_use(house):
    code = coded(house, uses_limit=1)
    event = fresh(house)
    selection = {house.priced.code: 1}
    answers = at_once(
        house.organiser,
        *[lambda: reserve_tickets(event, selection=selection, code="FRIEND")] * BUYERS,
    )
    code.refresh_from_db()
    return code, answers


@pytest.mark.django_db(transaction=True)
def test_the_last_use_goes_to_one_of_many_simultaneous_buyers(kikker):
    code, answers = race_for_the_last_use(kikker)

    assert sum(isinstance(answer, Reservation) for answer in answers) == 1
    assert sum(isinstance(answer, CodeUsedUp) for answer in answers) == BUYERS - 1
    assert uses(code) == (1, 0)


@pytest.fixture
def without_the_uses_condition(monkeypatch):
    condition = "AND (uses_limit IS NULL OR held + used + 1 <= uses_limit)"
    assert condition in stock._CLAIM_CODE
    monkeypatch.setattr(stock, "_CLAIM_CODE", stock._CLAIM_CODE.replace(condition, ""))


@pytest.fixture
def without_the_check(transactional_db):
    add = (
        "ALTER TABLE ticketing_code ADD CONSTRAINT code_never_overused"
        " CHECK (uses_limit IS NULL OR uses_limit >= held + used)"
    )
    with owner_cursor() as cursor:
        cursor.execute("ALTER TABLE ticketing_code DROP CONSTRAINT code_never_overused")
        yield
        cursor.execute("TRUNCATE ticketing_code CASCADE")
        cursor.execute(add)


@pytest.mark.django_db(transaction=True)
def test_the_check_constraint_alone_holds_too(kikker, without_the_uses_condition):
    code, answers = race_for_the_last_use(kikker)

    assert sum(isinstance(answer, Reservation) for answer in answers) == 1
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == BUYERS - 1
    assert uses(code) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_without_condition_and_check_everybody_gets_the_last_use(
    kikker, without_the_uses_condition, without_the_check
):
    """Negative control: this race can be lost."""
    code, answers = race_for_the_last_use(kikker)

    assert sum(isinstance(answer, Reservation) for answer in answers) == BUYERS
    assert (code.held, code.uses_limit) == (BUYERS, 1)
