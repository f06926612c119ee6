"""Stock set aside for partners: taken out of sale, sold by its code, returned; never doubled."""

from datetime import timedelta
from threading import Event as Signal

import pytest
import time_machine

from events.models import Event
from events.operations import change_event
from tests.cast import ReleaseFactory, TicketTypeFactory
from tests.owner import owner_cursor
from tests.races import at_once
from ticketing.errors import CodePlacesReturned, SoldOut
from ticketing.models import (
    Allocation,
    CapacityPool,
    Code,
    Promotion,
    PromotionKind,
    Reservation,
    TimeSlot,
)
from ticketing.operations import (
    Bundled,
    Members,
    allocate_stock,
    cancel_reservation,
    change_allocation,
    change_ticket_type,
    confirm_reservation,
    create_shared_pool,
    create_ticket_type,
    hide,
    reserve_tickets,
    return_allocation,
    return_due_allocations,
    returning,
    set_event_capacity,
)
from ticketing.organiser_errors import (
    AllocationBelowTaken,
    AllocationOver,
    BundleSetAside,
    CodeTaken,
    CompanyNameMissing,
    NoRoomToSetAside,
    PlacesMissing,
    ReturnsInPast,
)
from ticketing.queries import allocation_board, recount
from ticketing.selling import Choice
from ticketing.tasks import return_allocations
from tiqqo.core import clock
from tiqqo.core.models import AuditEntry

pytestmark = pytest.mark.django_db

CAPACITY = 40
A_WEEK = timedelta(days=7)


@pytest.fixture
def kikker(kikker):
    """Its evening, where one order may fill the hall."""
    change_event(kikker.event, by=kikker.owner, per_order_limit=50)
    return kikker


def fresh(house):
    return Event.objects.get(pk=house.event.pk)


def set_aside(house, quantity=10, returns_in=A_WEEK, company_name="Acme BV", **more):
    return allocate_stock(
        more.pop("ticket_type", house.priced.ticket_type),
        company_name=company_name,
        quantity=quantity,
        returns_at=clock.now() + returns_in if returns_in else None,
        by=house.owner,
        **more,
    )


def code_of(allocation):
    return Code.objects.get(promotion__allocation=allocation).text


def buy(house, count=1, *, by_code_of=None, release=None):
    code = code_of(by_code_of) if by_code_of else ""
    return reserve_tickets(
        fresh(house), selection={(release or house.priced).code: count}, code=code
    )


def agree():
    """Every counter says what its rows say."""
    assert [count for count in recount() if count.differs] == []


def event_stock():
    """(held, sold, set aside, free) of the event."""
    agree()
    pool = CapacityPool.objects.get(
        ticket_type=None, release=None, slot=None, allocation=None, name=""
    )
    return pool.held, pool.sold, pool.set_aside, pool.free


def own_stock(allocation):
    """(capacity, held, sold) of the partner's pool."""
    pool = CapacityPool.objects.get(allocation=allocation)
    return pool.capacity, pool.held, pool.sold


def later(by=A_WEEK):
    return time_machine.travel(clock.now() + by, tick=False)


# Setting aside ----------------------------------------------------------------------------


def test_places_leave_the_pools_of_the_type_and_have_one_of_their_own(kikker):
    allocation = set_aside(kikker)

    assert event_stock() == (0, 0, 10, 30)
    assert CapacityPool.objects.get(ticket_type=kikker.priced.ticket_type).set_aside == 10
    assert CapacityPool.objects.get(release=kikker.priced).set_aside == 0
    assert own_stock(allocation) == (10, 0, 0)
    assert allocation.company.name == "Acme BV"
    [entry] = AuditEntry.objects.filter(action="allocation.made")
    assert (entry.subject_id, entry.data["places"]) == (allocation.pk, 10)


def test_its_code_says_whose_it_is_and_cannot_be_guessed(kikker):
    allocation = set_aside(kikker, company_name="Jansen & Zonen Verzekeringen")

    assert code_of(allocation)[:12] == "JANSENZONEN-"
    assert len(code_of(allocation)) == 20
    promotion = allocation.promotion
    assert (promotion.name, promotion.kind) == (
        "Jansen & Zonen Verzekeringen · Regular",
        PromotionKind.NONE,
    )
    assert (promotion.unlocks, promotion.ticket_type_ids) == (True, [kikker.priced.ticket_type_id])


def test_a_second_one_for_the_same_company_gets_a_number(kikker):
    first, second = set_aside(kikker), set_aside(kikker, company_name=" acme  bv ")

    assert first.company == second.company
    assert list(Promotion.objects.order_by("id").values_list("name", flat=True)) == [
        "Acme BV · Regular",
        "Acme BV · Regular 2",
    ]


def test_organiser_may_choose_the_code_and_give_a_discount(kikker):
    allocation = set_aside(kikker, code="acme26", kind=PromotionKind.PERCENT, rate_bp=5000)

    reservation = buy(kikker, 2, by_code_of=allocation)

    assert code_of(allocation) == "ACME26"
    assert [done["minor"] for done in reservation.discounts] == [2500]
    with pytest.raises(CodeTaken):
        set_aside(kikker, code="ACME26")


def test_shared_pools_of_the_type_give_places_too(kikker):
    shared = create_shared_pool(
        kikker.event,
        name="Hall",
        capacity=20,
        members=Members(types=[kikker.priced.ticket_type]),
        by=kikker.owner,
    )

    allocation = set_aside(kikker, 15)

    shared.refresh_from_db()
    assert (shared.set_aside, shared.free) == (15, 5)
    assert shared.pk in allocation.from_pool_ids
    agree()


def test_a_type_that_takes_no_place_leaves_the_event_alone(kikker):
    parking = ReleaseFactory(
        ticket_type=TicketTypeFactory(
            event=kikker.event, by=kikker.owner, takes_place=False, capacity=5
        ),
        by=kikker.owner,
    )

    set_aside(kikker, 3, ticket_type=parking.ticket_type)

    assert event_stock() == (0, 0, 0, CAPACITY)
    assert CapacityPool.objects.get(ticket_type=parking.ticket_type).free == 2


def test_more_than_is_free_is_refused_and_nothing_changes(kikker):
    buy(kikker, 8)

    with pytest.raises(NoRoomToSetAside) as refused:
        set_aside(kikker, 33)

    assert isinstance(refused.value, SoldOut)
    assert (refused.value.field, refused.value.available) == ("quantity", 32)
    assert str(refused.value) == (
        "Only 32 places of Night of the Blue Note are free for this. Set aside fewer, or make room"
        " first."
    )
    assert event_stock() == (8, 0, 0, 32)
    assert (Allocation.objects.count(), Promotion.objects.count()) == (0, 0)


def test_places_that_people_in_line_wait_for_cannot_be_set_aside(kikker):
    CapacityPool.objects.filter(ticket_type=kikker.priced.ticket_type).update(
        capacity=10, waiting=4
    )

    with pytest.raises(NoRoomToSetAside) as refused:
        set_aside(kikker, 7)

    assert refused.value.available == 6


def test_overdue_holds_make_room(kikker):
    buy(kikker, 10)

    with later(timedelta(hours=1)):
        set_aside(kikker, CAPACITY)
        assert event_stock() == (0, 0, CAPACITY, 0)


@pytest.mark.parametrize(
    ("asked", "error", "field", "sentence"),
    [
        ({"quantity": 0}, PlacesMissing, "quantity", "Set aside 1 place or more."),
        ({"company_name": " "}, CompanyNameMissing, "company_name", "Name the company that the places are for."),
        ({"returns_in": -A_WEEK}, ReturnsInPast, "returns_at", "Choose a moment to come, or leave it empty."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(kikker, asked, error, field, sentence):
    with pytest.raises(error) as refused:
        set_aside(kikker, **asked)

    assert (refused.value.field, str(refused.value)) == (field, sentence)
    assert event_stock() == (0, 0, 0, CAPACITY)


def test_bundles_are_refused(kikker):
    bundle = create_ticket_type(
        kikker.event,
        name="Family",
        by=kikker.owner,
        parts=[Bundled(kikker.priced.ticket_type, 2, 2500), Bundled(kikker.free.ticket_type, 2, 1)],
    )

    with pytest.raises(BundleSetAside) as refused:
        set_aside(kikker, ticket_type=bundle)

    assert str(refused.value) == (
        "Family is a bundle of other tickets. Set aside those tickets, one type at a time."
    )


# Buying from it ---------------------------------------------------------------------------


def test_the_partner_buys_its_own_places_when_everybody_else_is_refused(kikker):
    allocation = set_aside(kikker)
    buy(kikker, 30)

    with pytest.raises(SoldOut):
        buy(kikker, 1)
    reservation = buy(kikker, 10, by_code_of=allocation)

    assert own_stock(allocation) == (10, 10, 0)
    confirm_reservation(reservation)
    assert own_stock(allocation) == (10, 0, 10)
    assert event_stock() == (30, 0, 10, 0)
    with pytest.raises(SoldOut):
        buy(kikker, 1, by_code_of=allocation)


def test_a_hidden_type_is_reached_by_the_code_alone(kikker):
    hide(kikker.priced.ticket_type, by=kikker.owner)
    allocation = set_aside(kikker)

    assert buy(kikker, 2, by_code_of=allocation).code.text == code_of(allocation)
    agree()


def test_a_hold_that_ends_gives_its_places_to_the_partner_again(kikker):
    allocation = set_aside(kikker)
    reservation = buy(kikker, 4, by_code_of=allocation)

    cancel_reservation(reservation, manually=True)

    assert own_stock(allocation) == (10, 0, 0)
    assert event_stock() == (0, 0, 10, 30)


def test_timed_types_draw_on_the_slot_as_well(kikker):
    slot = TimeSlot.objects.create(event=kikker.event, starts_at=kikker.event.starts_at)
    of_slot = CapacityPool.objects.create(event=kikker.event, slot=slot, capacity=3)
    timed = kikker.priced.ticket_type
    change_ticket_type(timed, by=kikker.owner, is_timed=True)
    allocation = set_aside(kikker)

    def choose(count):
        return reserve_tickets(
            fresh(kikker),
            selection=[Choice(kikker.priced.code, count, slot=slot.code)],
            code=code_of(allocation),
        )

    choose(2)

    of_slot.refresh_from_db()
    assert (of_slot.held, of_slot.set_aside) == (2, 0)
    assert own_stock(allocation) == (10, 2, 0)
    with pytest.raises(SoldOut):
        choose(2)
    agree()


# Changing ---------------------------------------------------------------------------------


def test_more_places_need_room_and_fewer_are_free_at_once(kikker):
    allocation = set_aside(kikker, 10)
    buy(kikker, 25)

    change_allocation(allocation, quantity=15, returns_at=None, by=kikker.owner)
    assert (event_stock(), own_stock(allocation)) == ((25, 0, 15, 0), (15, 0, 0))
    with pytest.raises(NoRoomToSetAside):
        change_allocation(allocation, quantity=16, returns_at=None, by=kikker.owner)
    change_allocation(allocation, quantity=5, returns_at=None, by=kikker.owner)

    assert (event_stock(), own_stock(allocation)) == ((25, 0, 5, 10), (5, 0, 0))
    allocation.refresh_from_db()
    assert allocation.returns_at is None


def test_it_never_falls_below_what_the_partner_took(kikker):
    allocation = set_aside(kikker, 10)
    confirm_reservation(buy(kikker, 3, by_code_of=allocation))
    buy(kikker, 2, by_code_of=allocation)

    with pytest.raises(AllocationBelowTaken) as refused:
        change_allocation(allocation, quantity=4, returns_at=None, by=kikker.owner)
    change_allocation(allocation, quantity=5, returns_at=None, by=kikker.owner)

    assert (refused.value.field, str(refused.value)) == (
        "quantity",
        "5 places of it are sold or held, so it cannot be less than that.",
    )
    assert (event_stock(), own_stock(allocation)) == ((0, 0, 5, 35), (5, 2, 3))


# Returning --------------------------------------------------------------------------------


def test_what_nobody_took_is_on_sale_again(kikker):
    allocation = set_aside(kikker)
    confirm_reservation(buy(kikker, 3, by_code_of=allocation))
    buy(kikker, 2, by_code_of=allocation)

    assert return_allocation(allocation, by=kikker.owner) == 5
    assert return_allocation(allocation, by=kikker.owner) == 0

    allocation.refresh_from_db()
    assert allocation.returned_at is not None
    assert own_stock(allocation) == (5, 2, 3)
    assert event_stock() == (0, 0, 5, 35)
    assert AuditEntry.objects.filter(action="allocation.returned").count() == 1
    with pytest.raises(AllocationOver):
        change_allocation(allocation, quantity=10, returns_at=None, by=kikker.owner)


@time_machine.travel("2026-03-02 12:00 +0000", tick=False)
def test_its_code_says_that_the_places_were_returned(kikker):
    allocation = set_aside(kikker)
    said = (
        f"The places for the code {code_of(allocation)} were kept until Mon 9 Mar 2026, 13:00."
        " What is left can be bought without a code."
    )

    with later():
        # Already before the sweeper came.
        with pytest.raises(CodePlacesReturned) as due:
            buy(kikker, 1, by_code_of=allocation)
        return_due_allocations(at=clock.now())
        with pytest.raises(CodePlacesReturned) as returned:
            buy(kikker, 1, by_code_of=allocation)

    assert (str(due.value), str(returned.value)) == (said, said)


def test_sweeper_returns_those_whose_day_has_come(kikker, cast):
    soon = set_aside(kikker, 10, timedelta(days=1))
    late = set_aside(kikker, 5, timedelta(days=3))
    never = set_aside(kikker, 5, None)

    assert return_allocations() == 0
    with later(timedelta(days=2)):
        assert return_allocations() == 1
        assert return_allocations() == 0

    found = {a.pk: a.returned_at for a in Allocation.objects.all()}
    assert found[soon.pk] is not None
    assert (found[late.pk], found[never.pk]) == (None, None)
    assert event_stock() == (0, 0, 10, 30)


def test_places_that_a_partner_lets_go_later_are_on_sale_too(kikker):
    allocation = set_aside(kikker)
    bought = buy(kikker, 4, by_code_of=allocation)
    confirm_reservation(bought)
    held = buy(kikker, 2, by_code_of=allocation)
    return_allocation(allocation, by=kikker.owner)

    cancel_reservation(bought, manually=True)
    cancel_reservation(held, manually=True)
    assert own_stock(allocation) == (6, 0, 0)
    assert return_allocations() == 1

    assert own_stock(allocation) == (0, 0, 0)
    assert event_stock() == (0, 0, 0, CAPACITY)


def test_a_walk_in_has_what_is_due_before_the_sweeper_comes(kikker):
    allocation = set_aside(kikker, CAPACITY)
    with pytest.raises(SoldOut):
        buy(kikker, 1)

    with later():
        buy(kikker, 2)
        assert event_stock() == (2, 0, 0, CAPACITY - 2)

    allocation.refresh_from_db()
    assert allocation.returned_at is not None


def test_a_walk_in_has_what_a_partner_let_expire_after_the_return(kikker):
    allocation = set_aside(kikker, CAPACITY, timedelta(minutes=5))
    buy(kikker, CAPACITY // 4, by_code_of=allocation)
    buy(kikker, CAPACITY // 4, by_code_of=allocation)

    with later(timedelta(minutes=6)):
        return_due_allocations(at=clock.now())
        buy(kikker, CAPACITY // 2)
        with pytest.raises(SoldOut):
            buy(kikker, 1)
    with later(timedelta(minutes=23)):
        buy(kikker, 1)

    agree()


def test_refused_walk_ins_do_not_lock_the_event_when_nothing_is_due(kikker, expect_queries):
    allocation = set_aside(kikker, 10)
    return_allocation(allocation, by=kikker.owner)
    set_event_capacity(kikker.event, capacity=0, by=kikker.owner)
    event = fresh(kikker)
    with pytest.raises(SoldOut):
        reserve_tickets(event, selection={kikker.priced.code: 1})

    with pytest.raises(SoldOut), expect_queries(9):
        # Twice: reservation, lines, pools. In between: overdue holds, allocations that are due.
        # At last: the pool that refused.
        reserve_tickets(event, selection={kikker.priced.code: 1})


def test_whose_places_they_are_is_no_business_of_the_partners_buyers(kikker):
    allocation = set_aside(kikker, 1)

    with pytest.raises(SoldOut) as refused:
        buy(kikker, 2, by_code_of=allocation)

    # The buyer of a partner's stock reads what is sold out, not whose stock it is.
    assert "Acme BV" not in str(refused.value)


def test_board_shows_the_next_to_return_first_and_the_returned_last(kikker):
    over = set_aside(kikker, 1, timedelta(days=1), company_name="Over")
    set_aside(kikker, 2, None, company_name="Never")
    set_aside(kikker, 3, timedelta(days=2), company_name="Soon")
    return_allocation(over, by=kikker.owner)

    board = allocation_board(fresh(kikker), at=clock.now())

    assert [(row.allocation.company.name, row.state, row.pool.capacity) for row in board] == [
        ("Soon", "kept", 3),
        ("Never", "kept", 2),
        ("Over", "returned", 0),
    ]


# Races ------------------------------------------------------------------------------------


def places_gone(house):
    """How many people could come in: those of the event's pool and those of the partners'."""
    pools = CapacityPool.objects.filter(event=house.event)
    return sum(
        pool.held + pool.sold
        for pool in pools
        if pool.allocation_id or str(pool.subject) == house.event.name
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(4))
def test_of_partner_walk_in_and_return_the_last_place_goes_to_one(kikker, round_):
    allocation = set_aside(kikker, 1)
    buy(kikker, CAPACITY - 1)

    answers = at_once(
        kikker.organiser,
        lambda: buy(kikker, 1, by_code_of=allocation),
        lambda: return_allocation(allocation, by=kikker.owner),
        *[lambda: buy(kikker, 1)] * 4,
    )

    bought = [answer for answer in answers if isinstance(answer, Reservation)]
    refused = [answer for answer in answers if isinstance(answer, SoldOut | CodePlacesReturned)]
    assert len(bought) <= 1
    assert len(bought) + len(refused) == 5
    assert places_gone(kikker) == CAPACITY - 1 + len(bought)
    agree()
    if not bought:
        # The return came last: now the place is there for the next.
        buy(kikker, 1)
    assert places_gone(kikker) == CAPACITY


@pytest.mark.django_db(transaction=True)
def test_many_walk_ins_at_the_hour_of_return_get_exactly_what_is_left(kikker):
    allocation = set_aside(kikker, 5)
    buy(kikker, CAPACITY - 5)
    confirm_reservation(buy(kikker, 2, by_code_of=allocation))
    # Holds of the crowd are not overdue yet when the partner's time is.
    Allocation.objects.update(returns_at=clock.now())

    answers = at_once(
        kikker.organiser,
        *[lambda: buy(kikker, 1)] * 12,
        *[lambda: return_due_allocations(at=clock.now())] * 2,
    )

    bought = sum(isinstance(answer, Reservation) for answer in answers)
    assert [a for a in answers if isinstance(a, Exception) and not isinstance(a, SoldOut)] == []
    while bought < 3:
        # Whoever was refused while it was being returned, tries again.
        buy(kikker, 1)
        bought += 1
    with pytest.raises(SoldOut):
        buy(kikker, 1)
    assert places_gone(kikker) == CAPACITY
    assert own_stock(allocation) == (2, 0, 2)
    agree()


@pytest.fixture
def without_the_check(transactional_db):
    add = (
        "ALTER TABLE ticketing_capacitypool ADD CONSTRAINT pool_never_oversold"
        " CHECK (capacity IS NULL OR capacity >= held + sold + set_aside)"
    )
    with owner_cursor() as cursor:
        cursor.execute("ALTER TABLE ticketing_capacitypool DROP CONSTRAINT pool_never_oversold")
        yield
        cursor.execute("TRUNCATE ticketing_capacitypool CASCADE")
        cursor.execute(add)


def lose_the_lock(monkeypatch):
    """The return looks at the partner's pool without locking it, and acts after the partner bought."""
    looked, bought = Signal(), Signal()

    def looked_at(allocation):
        pool = CapacityPool.objects.get(allocation=allocation)
        looked.set()
        bought.wait(10)
        return pool

    monkeypatch.setattr(returning, "locked_pool", looked_at)
    return looked, bought


@pytest.mark.django_db(transaction=True)
def test_without_lock_and_check_partner_and_walk_in_get_the_same_place(
    kikker, monkeypatch, without_the_check
):
    """Negative control: this race can be lost."""
    looked, bought = lose_the_lock(monkeypatch)
    allocation = set_aside(kikker, 1)
    buy(kikker, CAPACITY - 1)

    def partner():
        looked.wait(10)
        try:
            return buy(kikker, 1, by_code_of=allocation)
        finally:
            bought.set()

    answers = at_once(
        kikker.organiser, partner, lambda: return_allocation(allocation, by=kikker.owner)
    )
    buy(kikker, 1)

    assert isinstance(answers[0], Reservation)
    assert places_gone(kikker) == CAPACITY + 1


@pytest.mark.django_db(transaction=True)
def test_the_check_alone_holds_too(kikker, monkeypatch):
    looked, bought = lose_the_lock(monkeypatch)
    allocation = set_aside(kikker, 1)
    buy(kikker, CAPACITY - 1)

    def partner():
        looked.wait(10)
        try:
            return buy(kikker, 1, by_code_of=allocation)
        finally:
            bought.set()

    answers = at_once(
        kikker.organiser, partner, lambda: return_allocation(allocation, by=kikker.owner)
    )

    assert isinstance(answers[0], Reservation)
    assert "pool_never_oversold" in str(answers[1])
    assert places_gone(kikker) == CAPACITY
    agree()


@pytest.mark.django_db(transaction=True)
def test_two_who_set_aside_the_last_places_do_not_both_get_them(kikker):
    buy(kikker, CAPACITY - 5)

    answers = at_once(
        kikker.organiser,
        *[lambda: set_aside(kikker, 5, company_name="One")] * 3,
        *[lambda: buy(kikker, 1)] * 3,
    )

    made = [answer for answer in answers if isinstance(answer, Allocation)]
    others = [answer for answer in answers if isinstance(answer, Reservation)]
    assert [a for a in answers if isinstance(a, Exception) and not isinstance(a, SoldOut)] == []
    assert (len(made), len(others)) in [(1, 0), (0, 1), (0, 2), (0, 3)]
    assert places_gone(kikker) + 5 * len(made) <= CAPACITY
    agree()
