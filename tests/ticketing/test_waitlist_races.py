"""The line against walk-ins, with real connections; the race is also run with its guard off."""

import pytest

from tests.races import at_once
from tests.ticketing.waitlists import (
    CONSENT,
    differences,
    event_pool,
    fresh,
    join,
    let_go,
    sell_out,
    states,
    take,
    wish,
)
from ticketing import stock
from ticketing.errors import AlreadyInLine, RequestOver, SoldOut
from ticketing.models import CapacityPool, Reservation, WaitlistEntry, WaitlistRequest
from ticketing.operations import (
    Newcomer,
    confirm_request,
    leave_waitlist,
    offer_now,
    request_place,
    reserve_tickets,
    serve_waitlist,
    set_event_capacity,
)
from ticketing.organiser_errors import NothingFree, NotWaiting

pytestmark = pytest.mark.django_db(transaction=True)

WALK_INS = 30


def walk_ins(house, count=WALK_INS):
    event = fresh(house)
    return [lambda: reserve_tickets(event, selection={house.priced.code: 1})] * count


def rush_for_a_free_place(house):
    """A place is let go while the line's server and 30 walk-ins are after it; who got what."""
    holds = sell_out(house)
    entries = [join(house, name) for name in ("Wim", "Xena")]
    answers = at_once(
        house.organiser,
        lambda: let_go(holds[0]),
        *walk_ins(house),
        lambda: serve_waitlist(house.event.pk),
    )
    got = [answer for answer in answers if isinstance(answer, Reservation)]
    odd = [a for a in answers if isinstance(a, Exception) and not isinstance(a, SoldOut)]
    return entries, got, odd


@pytest.mark.parametrize("round_", range(3))
def test_the_place_that_becomes_free_goes_to_the_first_in_line(kikker, round_):
    entries, got, odd = rush_for_a_free_place(kikker)
    serve_waitlist(kikker.event)  # the server may have looked before the place was free

    assert (got, odd) == ([], [])
    assert states(*entries) == ["offered", "waiting"]
    assert (event_pool().held, event_pool().waiting) == (2, 1)
    assert differences() == []


@pytest.fixture
def without_the_line(monkeypatch):
    """Walk-ins look at what is free and not at who waits."""
    behind = stock._HOLD.replace(stock._ROOM_BEHIND_THE_LINE, stock._ROOM)
    assert behind != stock._HOLD
    monkeypatch.setattr(stock, "_HOLD", behind)


def test_without_the_lines_condition_a_walk_in_gets_it(kikker, without_the_line):
    """Negative control: this race can be lost. Walk-ins come before the server does."""
    holds = sell_out(kikker)
    entry = join(kikker, "Wim")

    answers = at_once(kikker.organiser, lambda: let_go(holds[0]), *walk_ins(kikker))
    late = [take(kikker)] if not any(isinstance(a, Reservation) for a in answers) else []
    serve_waitlist(kikker.event)

    assert sum(isinstance(a, Reservation) for a in [*answers, *late]) == 1
    assert states(entry) == ["waiting"]


@pytest.mark.parametrize("round_", range(2))
def test_several_servers_and_walk_ins_hand_out_exactly_what_is_free(kikker, round_):
    """Twelve wait for eight places: eight offers, in the order of the line, whoever serves."""
    sell_out(kikker)
    entries = [join(kikker, f"W{number}") for number in range(12)]
    set_event_capacity(kikker.event, capacity=10, by=kikker.owner)

    answers = at_once(
        kikker.organiser, *[lambda: serve_waitlist(kikker.event.pk)] * 4, *walk_ins(kikker, 10)
    )
    serve_waitlist(kikker.event)

    assert {type(a) for a in answers if isinstance(a, Exception)} == {SoldOut}
    assert not any(isinstance(answer, Reservation) for answer in answers)
    assert states(*entries) == ["offered"] * 8 + ["waiting"] * 4
    assert Reservation.objects.filter(waitlist_entry__isnull=False).count() == 8
    assert (event_pool().held, event_pool().waiting) == (10, 4)
    assert differences() == []


def test_leaving_serving_and_offering_by_hand_never_disagree(kikker):
    """Each of six does all at once; every counter is what its rows say afterwards."""
    sell_out(kikker)
    entries = [join(kikker, f"W{number}", 1 + number % 3) for number in range(6)]
    set_event_capacity(kikker.event, capacity=6, by=kikker.owner)

    answers = at_once(
        kikker.organiser,
        *(lambda e=entry: leave_waitlist(e) for entry in entries[::2]),
        *(lambda e=entry: offer_now(e, by=kikker.owner) for entry in entries),
        *[lambda: serve_waitlist(kikker.event.pk)] * 2,
    )

    allowed = (NotWaiting, NothingFree)
    assert [a for a in answers if isinstance(a, Exception) and not isinstance(a, allowed)] == []
    assert set(states(*entries[::2])) == {"left"}
    assert event_pool().held <= 6
    assert differences() == []


def test_pools_are_taken_in_one_order_by_the_line_and_by_walk_ins(kikker):
    """Wishes and selections over two pools in both orders, again and again: no deadlock."""
    sell_out(kikker)
    for release in (kikker.priced, kikker.free):
        CapacityPool.objects.filter(ticket_type=release.ticket_type).update(capacity=10)
    entries = [join(kikker, f"W{number}", 2) for number in range(4)]
    set_event_capacity(kikker.event, capacity=20, by=kikker.owner)
    event = fresh(kikker)
    both = [
        {kikker.priced.code: 1, kikker.free.code: 1},
        {kikker.free.code: 1, kikker.priced.code: 1},
    ]

    answers = at_once(
        kikker.organiser,
        *[lambda: serve_waitlist(kikker.event.pk)] * 3,
        *(lambda s=selection: reserve_tickets(event, selection=s) for selection in both * 5),
        *(lambda e=entry: leave_waitlist(e) for entry in entries[2:]),
    )

    assert [a for a in answers if isinstance(a, Exception) and not isinstance(a, SoldOut)] == []
    assert differences() == []


def test_one_address_gets_in_line_once_however_often_it_presses(kikker):
    sell_out(kikker)

    answers = at_once(kikker.organiser, *[lambda: join(kikker, "Wim")] * 6)

    assert sum(isinstance(answer, WaitlistEntry) for answer in answers) == 1
    assert sum(isinstance(answer, AlreadyInLine) for answer in answers) == 5
    assert event_pool().waiting == 1
    assert differences() == []


def test_one_request_is_confirmed_once_however_often_the_button_is_pressed(kikker):
    sell_out(kikker)
    asked = at_once(kikker.organiser, *[lambda: ask(kikker)] * 4)
    [request] = set(asked)
    assert isinstance(request, WaitlistRequest)

    answers = at_once(kikker.organiser, *[lambda: confirm_request(request)] * 6)

    assert sum(isinstance(answer, WaitlistEntry) for answer in answers) == 1
    assert sum(isinstance(answer, RequestOver) for answer in answers) == 5
    assert (event_pool().waiting, differences()) == (1, [])


def ask(house):
    return request_place(
        fresh(house),
        who=Newcomer("Wim", "wim@example.org", CONSENT),
        quantity=1,
        wishes=[wish(house.priced)],
    )
