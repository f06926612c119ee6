"""The waitlist's line: who gets in, what is kept for them, who is offered what, and how it ends."""

from datetime import timedelta

import pytest
import time_machine

from events.models import Event, EventStatus
from tests.cast import ReleaseFactory, TicketTypeFactory
from tests.ticketing.waitlists import (
    CONSENT,
    differences,
    event_pool,
    fresh,
    join,
    let_go,
    reread,
    sell_out,
    states,
    take,
    waiting_by_pool,
    wish,
)
from ticketing import tasks
from ticketing.errors import (
    AlreadyInLine,
    NothingWished,
    NotSoldOut,
    NoWaitlist,
    PaymentUnderWay,
    SalesClosed,
    SoldOut,
    TooFewTickets,
    TooManyTickets,
    WaitlistClosed,
)
from ticketing.models import (
    UNDRAWN,
    CapacityPool,
    ReservationStatus,
    TicketType,
    TimeSlot,
    WaitlistEntry,
    WaitlistMethod,
)
from ticketing.operations import (
    close_offers,
    close_waitlist,
    confirm_reservation,
    draw_lots,
    expire_reservations,
    extend_reservation,
    join_waitlist,
    leave_waitlist,
    mark_payment_started,
    mark_sold_out,
    mark_told,
    offer_now,
    pause_offers,
    put_ahead,
    put_back,
    reacquire_reservation,
    reopen_waitlist,
    resume_offers,
    send_place_again,
    serve_waitlist,
    set_event_capacity,
    set_waitlist,
)
from ticketing.operations.waitlist_offers import OFFERS_AT_ONCE
from ticketing.organiser_errors import NobodyToDraw, NotALottery, NothingFree, NotWaiting
from ticketing.queries.waitlist import (
    own_entry,
    queue_position,
    waitables,
    waitlist_counts,
    waitlist_page,
)
from tiqqo.core import audit, clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _exactly_counted(request):
    """Whatever a test does with the line, every counter is what its rows say."""
    house = request.getfixturevalue("kikker")
    yield
    with house.scope():
        assert differences() == []


# Getting in line ------------------------------------------------------------------------


def test_who_gets_in_line_is_written_down_and_has_places_kept(kikker):
    sell_out(kikker)

    entry = join(kikker, " Wim  de Wit", 2, locale="nl")

    entry = reread(entry)
    assert (entry.name, entry.email, entry.quantity) == ("Wim de Wit", "wim  de wit@example.org", 2)
    assert (entry.status, entry.consent_text, entry.locale) == ("waiting", CONSENT, "nl")
    assert entry.pool_ids == [event_pool().pk]
    assert waiting_by_pool() == {"Night of the Blue Note": 2}


def test_the_places_kept_are_those_of_the_pools_that_are_full(kikker):
    """The event has room, the type has not."""
    sell_out(kikker, 10)
    set_event_capacity(kikker.event, capacity=40, by=kikker.owner)
    CapacityPool.objects.filter(ticket_type=kikker.priced.ticket_type).update(capacity=10)

    join(kikker, "Wim", 3)

    assert waiting_by_pool() == {"Regular": 3}


def test_a_group_ticket_waits_for_a_place_for_each_of_its_people(kikker):
    sell_out(kikker)
    group = ReleaseFactory(
        ticket_type=TicketTypeFactory(
            event=kikker.event, name="Table of 4", admits=4, by=kikker.owner
        ),
        by=kikker.owner,
    )

    entry = join(kikker, "Wim", 2, wish(group))

    assert waiting_by_pool() == {"Night of the Blue Note": 8}
    assert reread(entry).pool_ids == [event_pool().pk] * 4


def test_wishes_that_share_a_pool_count_once(kikker):
    sell_out(kikker)

    join(kikker, "Wim", 2, wish(kikker.priced), wish(kikker.free))

    assert waiting_by_pool() == {"Night of the Blue Note": 2}


def refused(kikker, error, *, quantity=1, wishes=None, name="Wim"):
    with pytest.raises(error) as raised:
        join(kikker, name, quantity, *(wishes or []))
    assert waiting_by_pool() == {} or WaitlistEntry.objects.count() == 1
    return str(raised.value)


def test_without_a_waitlist_nobody_gets_in_line(kikker):
    set_event_capacity(kikker.event, capacity=0, by=kikker.owner)

    assert refused(kikker, NoWaitlist) == "This event has no waitlist."


def test_a_closed_waitlist_takes_nobody_new_until_it_is_reopened(kikker):
    sell_out(kikker)
    close_waitlist(kikker.event, by=kikker.owner)

    assert refused(kikker, WaitlistClosed) == "The waitlist takes nobody new."

    reopen_waitlist(kikker.event, by=kikker.owner)
    assert join(kikker).status == "waiting"


def test_what_is_not_sold_out_is_bought_and_not_waited_for(kikker):
    holds = sell_out(kikker)
    let_go(holds[0])

    said = refused(kikker, NotSoldOut)

    assert said == "Regular is not sold out. You can buy it in the shop now."


def test_an_address_stands_in_line_once_however_it_is_written(kikker):
    sell_out(kikker)
    join(kikker, "Wim")

    said = refused(kikker, AlreadyInLine, name="WIM")

    assert "in line already" in said
    assert waiting_by_pool() == {"Night of the Blue Note": 1}


@pytest.mark.parametrize(
    ("limits", "quantity", "error"),
    [
        ({}, 21, TooManyTickets),
        ({"per_order_limit": 3}, 4, TooManyTickets),
        ({"per_email_limit": 2}, 3, TooManyTickets),
        ({"per_order_minimum": 2}, 1, TooFewTickets),
    ],
)
def test_the_limits_of_an_order_hold_in_line_too(kikker, limits, quantity, error):
    sell_out(kikker)
    TicketType.objects.filter(pk=kikker.priced.ticket_type_id).update(**limits)

    refused(kikker, error, quantity=quantity)


def test_a_wish_is_needed_and_an_event_that_goes_on(kikker):
    sell_out(kikker)
    with pytest.raises(NothingWished):
        join_waitlist(fresh(kikker), who=None, quantity=1, wishes=[])
    Event.objects.filter(pk=kikker.event.pk).update(status=EventStatus.CANCELLED)

    refused(kikker, SalesClosed)


# What can be waited for -----------------------------------------------------------------


def names(kikker):
    return [thing.name(fresh(kikker)) for thing in waitables(fresh(kikker), at=clock.now())]


def test_of_a_type_that_still_sells_the_release_that_is_sold_out_can_be_waited_for(kikker):
    second = ReleaseFactory(
        ticket_type=kikker.priced.ticket_type, name="Late", price_minor=3000, by=kikker.owner
    )
    CapacityPool.objects.filter(release=kikker.priced).update(capacity=1)
    set_waitlist(kikker.event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=kikker.owner)
    hold = take(kikker)

    assert names(kikker) == ["Regular"]  # a release called as its type is not said twice
    [thing] = waitables(fresh(kikker), at=clock.now())
    assert (thing.release, thing.wish) == (kikker.priced, wish(kikker.priced, exactly=True))

    entry = join(kikker, "Wim", 1, thing.wish)
    assert waiting_by_pool() == {"Regular · Regular": 1}
    take(kikker, release=second)
    let_go(hold)
    assert serve_waitlist(kikker.event) == 1
    [line] = reread(entry).reservation.lines.all()
    assert (line.release, line.unit_price_minor) == (kikker.priced, 2500)


def test_of_timed_tickets_the_times_that_are_full_can_be_waited_for(kikker):
    TicketType.objects.filter(pk=kikker.priced.ticket_type_id).update(is_timed=True)
    starts = kikker.event.starts_at
    slots = [
        TimeSlot.objects.create(event=kikker.event, starts_at=starts + timedelta(hours=hour))
        for hour in (1, 2)
    ]
    pools = [
        CapacityPool.objects.create(event=kikker.event, slot=slot, capacity=count)
        for slot, count in zip(slots, (0, 5), strict=True)
    ]
    set_waitlist(kikker.event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=kikker.owner)

    [thing] = waitables(fresh(kikker), at=clock.now())
    assert thing.slot == slots[0]
    entry = join(kikker, "Wim", 2, thing.wish)
    assert reread(entry).pool_ids == [pools[0].pk]

    CapacityPool.objects.filter(pk=pools[0].pk).update(capacity=2)
    assert serve_waitlist(kikker.event) == 1
    [line] = reread(entry).reservation.lines.all()
    assert (line.slot, line.quantity) == (slots[0], 2)


# Being served ---------------------------------------------------------------------------


def test_the_first_in_line_is_offered_the_place_that_becomes_free(kikker, queue, committing):
    holds = sell_out(kikker)
    first, second = join(kikker, "Wim"), join(kikker, "Xena")
    let_go(holds[0])
    queue.clear()

    with time_machine.travel(clock.now(), tick=False), committing():
        assert serve_waitlist(kikker.event) == 1
        now = clock.now()

    assert states(first, second) == ["offered", "waiting"]
    offer = reread(first).reservation
    assert offer.expires_at == now + timedelta(hours=12)
    assert [(line.release, line.quantity) for line in offer.lines.all()] == [(kikker.priced, 1)]
    assert (event_pool().held, event_pool().waiting) == (2, 1)
    assert reread(first).pool_ids == []
    assert [(job.name, job.args) for job in queue.jobs] == [
        ("orders.tasks.tell_on_waitlist", (first.pk,))
    ]
    [entry] = audit.history_of(reread(first))
    assert (entry.action, entry.actor_label) == ("waitlist.offered", "Tiqqo")


def test_walk_ins_cannot_have_what_the_line_waits_for(kikker):
    holds = sell_out(kikker)
    join(kikker, "Wim")
    let_go(*holds)

    take(kikker)
    with pytest.raises(SoldOut):
        take(kikker)


def test_serving_twice_offers_nothing_twice(kikker):
    holds = sell_out(kikker)
    first, second = join(kikker, "Wim"), join(kikker, "Xena")
    let_go(holds[0])

    assert [serve_waitlist(kikker.event), serve_waitlist(kikker.event)] == [1, 0]
    assert states(first, second) == ["offered", "waiting"]


def test_who_wants_more_than_is_free_keeps_their_place_before_those_behind(kikker):
    holds = sell_out(kikker, 4)
    large, small = join(kikker, "Large", 3), join(kikker, "Small", 1)
    let_go(*holds[:2])

    assert serve_waitlist(kikker.event) == 0
    assert waiting_by_pool() == {"Night of the Blue Note": 4}

    let_go(holds[2])
    assert serve_waitlist(kikker.event) == 1
    assert states(large, small) == ["offered", "waiting"]


def test_nobody_waits_for_those_who_want_something_else(kikker):
    """Regular has places of its own and Under 12, too; the line is one."""
    set_waitlist(kikker.event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=kikker.owner)
    for release in (kikker.priced, kikker.free):
        CapacityPool.objects.filter(ticket_type=release.ticket_type).update(capacity=1)
    holds = [take(kikker), take(kikker, release=kikker.free)]
    regular = join(kikker, "Wim", 1, wish(kikker.priced))
    child = join(kikker, "Xena", 1, wish(kikker.free))
    let_go(holds[1])

    assert serve_waitlist(kikker.event) == 1
    assert states(regular, child) == ["waiting", "offered"]


def test_the_first_wish_that_fits_is_offered_and_the_others_are_given_up(kikker):
    set_waitlist(kikker.event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=kikker.owner)
    for release in (kikker.priced, kikker.free):
        CapacityPool.objects.filter(ticket_type=release.ticket_type).update(capacity=1)
    holds = [take(kikker), take(kikker, release=kikker.free)]
    entry = join(kikker, "Wim", 1, wish(kikker.priced), wish(kikker.free))
    assert waiting_by_pool() == {"Regular": 1, "Under 12": 1}
    let_go(holds[1])

    serve_waitlist(kikker.event)

    [line] = reread(entry).reservation.lines.all()
    assert line.release == kikker.free
    assert waiting_by_pool() == {}


def test_what_stands_in_the_way_is_found_anew(kikker):
    """The type gets room, the event has none: the claim moves from one pool to the other."""
    holds = sell_out(kikker)
    set_event_capacity(kikker.event, capacity=3, by=kikker.owner)
    CapacityPool.objects.filter(ticket_type=kikker.priced.ticket_type).update(capacity=2)
    entry = join(kikker, "Wim")
    assert waiting_by_pool() == {"Regular": 1}
    let_go(holds[0])
    take(kikker, 2, release=kikker.free)

    assert serve_waitlist(kikker.event) == 0

    assert waiting_by_pool() == {"Night of the Blue Note": 1}
    assert states(entry) == ["waiting"]


def test_a_line_longer_than_a_batch_is_served_in_order(kikker):
    count = OFFERS_AT_ONCE + 3
    sell_out(kikker)
    entries = [join(kikker, f"W{number}") for number in range(count + 1)]
    set_event_capacity(kikker.event, capacity=2 + count, by=kikker.owner)

    assert serve_waitlist(kikker.event) == count

    assert states(*entries) == ["offered"] * count + ["waiting"]
    assert (event_pool().held, event_pool().waiting) == (2 + count, 1)


def test_who_stands_behind_the_head_of_a_long_line_is_found(kikker, monkeypatch):
    """The head waits for what is not free, and is all that is read at first."""
    monkeypatch.setattr("ticketing.operations.waitlist_offers.HEAD", 2)
    set_waitlist(kikker.event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=kikker.owner)
    for release in (kikker.priced, kikker.free):
        CapacityPool.objects.filter(ticket_type=release.ticket_type).update(capacity=1)
    holds = [take(kikker), take(kikker, release=kikker.free)]
    head = [join(kikker, name, 1, wish(kikker.priced)) for name in ("Wim", "Xena")]
    behind = join(kikker, "Yara", 1, wish(kikker.free))
    let_go(holds[1])

    assert serve_waitlist(kikker.event) == 1
    assert states(*head, behind) == ["waiting", "waiting", "offered"]


def test_paused_offers_keep_the_places_for_the_line(kikker):
    holds = sell_out(kikker)
    entry = join(kikker, "Wim")
    pause_offers(kikker.event, by=kikker.owner)
    let_go(holds[0])

    assert serve_waitlist(kikker.event) == 0
    with pytest.raises(SoldOut):
        take(kikker)

    resume_offers(kikker.event, by=kikker.owner)
    assert serve_waitlist(kikker.event) == 1
    assert states(entry) == ["offered"]


def test_what_the_organiser_marked_sold_out_is_not_offered_but_by_the_organiser(kikker):
    sell_out(kikker)
    set_event_capacity(kikker.event, capacity=10, by=kikker.owner)
    mark_sold_out(kikker.priced.ticket_type, by=kikker.owner)
    entry = join(kikker, "Wim", 2)
    assert waiting_by_pool() == {"Night of the Blue Note": 2}

    assert serve_waitlist(kikker.event) == 0

    offer_now(entry, by=kikker.owner)
    assert states(entry) == ["offered"]
    assert waiting_by_pool() == {}


def test_limits_that_were_lowered_since_stop_only_those_they_concern(kikker):
    holds = sell_out(kikker, 4)
    many, one = join(kikker, "Many", 2), join(kikker, "One", 1)
    TicketType.objects.filter(pk=kikker.priced.ticket_type_id).update(per_order_limit=1)
    let_go(*holds)

    assert serve_waitlist(kikker.event) == 1
    assert states(many, one) == ["waiting", "offered"]


def test_a_further_release_is_for_the_line_first(kikker):
    """Published with a window to come, so that nobody is faster than the line."""
    CapacityPool.objects.filter(release=kikker.priced).update(capacity=1)
    set_waitlist(kikker.event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=kikker.owner)
    take(kikker)
    entry = join(kikker, "Wim")
    late = ReleaseFactory(
        ticket_type=kikker.priced.ticket_type,
        name="Late",
        opens_at=clock.now() + timedelta(hours=1),
        capacity=1,
        by=kikker.owner,
    )

    assert serve_waitlist(kikker.event) == 0
    assert waiting_by_pool() == {"Regular · Regular": 1, "Regular · Late": 1}
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        with pytest.raises(SoldOut):
            take(kikker, release=late)
        assert serve_waitlist(kikker.event) == 1
    [line] = reread(entry).reservation.lines.all()
    assert line.release == late


def test_an_offer_ends_with_the_event(kikker):
    holds = sell_out(kikker, hours=168)
    entry = join(kikker, "Wim")
    let_go(holds[0])

    with time_machine.travel(kikker.event.ends_at - timedelta(hours=1), tick=False):
        serve_waitlist(kikker.event)

    assert reread(entry).reservation.expires_at == kikker.event.ends_at


def test_an_event_that_is_over_or_paused_is_not_served(kikker):
    holds = sell_out(kikker)
    entry = join(kikker, "Wim")
    let_go(holds[0])
    Event.objects.filter(pk=kikker.event.pk).update(sales_paused_at=clock.now())
    assert serve_waitlist(kikker.event) == 0
    Event.objects.filter(pk=kikker.event.pk).update(sales_paused_at=None)

    with time_machine.travel(kikker.event.ends_at):
        assert serve_waitlist(kikker.event) == 0

    assert states(entry) == ["waiting"]


# How offers end -------------------------------------------------------------------------


@pytest.fixture
def offered(kikker):
    """Wim has an offer, Xena waits behind him; the other place is sold."""
    holds = sell_out(kikker)
    confirm_reservation(holds[1])
    entries = join(kikker, "Wim"), join(kikker, "Xena")
    let_go(holds[0])
    serve_waitlist(kikker.event)
    return entries


def test_what_was_bought_is_bought(kikker, offered):
    confirm_reservation(reread(offered[0]).reservation)

    assert [close_offers(kikker.event), close_offers(kikker.event)] == [1, 0]

    assert states(*offered) == ["bought", "waiting"]
    assert (event_pool().sold, event_pool().waiting) == (2, 1)


def test_an_offer_that_lapsed_goes_to_the_next_and_never_to_a_walk_in(kikker, offered):
    with time_machine.travel(reread(offered[0]).reservation.expires_at + timedelta(seconds=1)):
        with pytest.raises(
            SoldOut
        ):  # overdue holds are reclaimed, and what comes free is the line's
            take(kikker)
        assert expire_reservations(at=clock.now()) == 0  # nothing is left to the sweeper
        with pytest.raises(SoldOut):
            take(kikker)
        assert close_offers(kikker.event) == 1
        assert serve_waitlist(kikker.event) == 1

    assert states(*offered) == ["lapsed", "offered"]


def test_who_lapsed_may_get_in_line_again_even_before_the_sweeper(kikker, offered):
    with time_machine.travel(reread(offered[0]).reservation.expires_at + timedelta(seconds=1)):
        again = join(kikker, "Wim")

    assert states(offered[0], again) == ["lapsed", "waiting"]
    assert reread(offered[0]).reservation.status == ReservationStatus.EXPIRED


def test_who_has_an_offer_is_in_line(kikker, offered):
    with pytest.raises(AlreadyInLine):
        join(kikker, "Wim")


def test_money_that_came_late_makes_a_lapsed_offer_a_bought_one(kikker, offered):
    leave_waitlist(offered[1])
    reservation = reread(offered[0]).reservation
    with time_machine.travel(reservation.expires_at + timedelta(seconds=1)):
        expire_reservations(at=clock.now())
        close_offers(kikker.event)
        assert states(offered[0]) == ["lapsed"]
        reacquire_reservation(reservation)
        close_offers(kikker.event)

    assert states(offered[0]) == ["bought"]


def test_an_offer_that_is_being_paid_is_not_given_away(kikker, offered):
    reservation = reread(offered[0]).reservation
    mark_payment_started(reservation, until=clock.now())

    with time_machine.travel(reservation.expires_at + timedelta(days=1)):
        expire_reservations(at=clock.now())
        close_offers(kikker.event)
        assert own_entry(reread(offered[0]), at=clock.now()).status == "offered"
        with pytest.raises(PaymentUnderWay):
            leave_waitlist(offered[0])

    assert states(offered[0]) == ["offered"]


def test_more_time_at_the_checkout_never_makes_an_offer_shorter(kikker, offered):
    reservation = reread(offered[0]).reservation

    assert extend_reservation(reservation).expires_at == reservation.expires_at


# Leaving --------------------------------------------------------------------------------


def test_who_leaves_gives_up_what_was_kept(kikker, queue, committing):
    holds = sell_out(kikker)
    entry = join(kikker, "Wim", 2)
    queue.clear()

    with committing():
        leave_waitlist(entry)
        leave_waitlist(entry)

    assert states(entry) == ["left"]
    assert waiting_by_pool() == {}
    assert queue.names == ["ticketing.tasks.serve_waitlist"]
    let_go(holds[0])
    take(kikker)


def test_who_leaves_an_offer_gives_the_tickets_to_the_next(kikker, offered):
    leave_waitlist(offered[0])

    assert reread(offered[0]).reservation.status == ReservationStatus.CANCELED_MANUALLY
    assert serve_waitlist(kikker.event) == 1
    assert states(*offered) == ["left", "offered"]


def test_who_bought_cannot_leave(kikker, offered):
    confirm_reservation(reread(offered[0]).reservation)

    leave_waitlist(offered[0])

    assert states(offered[0]) == ["bought"]
    assert event_pool().sold == 2


def test_a_hold_that_its_buyer_cancels_at_the_checkout_is_a_place_left(kikker, offered):
    let_go(reread(offered[0]).reservation)

    close_offers(kikker.event)

    assert states(offered[0]) == ["left"]


# Steering -------------------------------------------------------------------------------


def test_whom_the_organiser_puts_ahead_is_served_first(kikker):
    holds = sell_out(kikker)
    entries = [join(kikker, name) for name in ("Wim", "Xena", "Yara")]
    put_ahead(entries[1], by=kikker.owner)
    put_ahead(entries[2], by=kikker.owner)
    assert [queue_position(reread(entry)) for entry in entries] == [3, 2, 1]
    put_back(entries[2], by=kikker.owner)

    let_go(holds[0])
    serve_waitlist(kikker.event)

    assert states(*entries) == ["waiting", "offered", "waiting"]


def test_an_offer_by_hand_passes_the_line_if_places_are_free(kikker):
    holds = sell_out(kikker)
    large, small = join(kikker, "Large", 2), join(kikker, "Small", 1)
    with pytest.raises(NothingFree) as raised:
        offer_now(small, by=kikker.owner)
    assert "No place is free" in str(raised.value)

    let_go(holds[0])
    offer_now(small, by=kikker.owner)

    assert states(large, small) == ["waiting", "offered"]
    with pytest.raises(NotWaiting):
        offer_now(small, by=kikker.owner)
    [entry] = audit.history_of(reread(small))
    assert entry.actor_label == "Ana de Vries"


def test_an_offer_by_hand_reclaims_holds_that_are_overdue(kikker):
    holds = sell_out(kikker)
    entry = join(kikker, "Wim")

    with time_machine.travel(holds[0].expires_at + timedelta(seconds=1)):
        offer_now(entry, by=kikker.owner)

    assert states(entry) == ["offered"]


def test_a_lottery_offers_nothing_before_the_draw_and_then_in_its_order(kikker):
    holds = sell_out(kikker, 4, method=WaitlistMethod.LOTTERY)
    entries = [join(kikker, f"W{number}") for number in range(6)]
    let_go(*holds[:2])
    assert serve_waitlist(kikker.event) == 0
    assert own_entry(reread(entries[0]), at=clock.now()).awaits_draw

    assert draw_lots(kikker.event, by=kikker.owner) == 6

    [drawn] = audit.history_of(kikker.event).filter(action="waitlist.drawn")
    assert sorted(drawn.data["order"]) == [entry.pk for entry in entries]
    assert serve_waitlist(kikker.event) == 2
    chosen = {entry.pk for entry in entries if reread(entry).status == "offered"}
    assert chosen == set(drawn.data["order"][:2])


def test_who_comes_after_the_draw_is_drawn_behind(kikker):
    sell_out(kikker, method=WaitlistMethod.LOTTERY)
    before = [join(kikker, f"W{number}") for number in range(3)]
    draw_lots(kikker.event, by=kikker.owner)
    after = [join(kikker, f"X{number}") for number in range(3)]
    assert {reread(entry).drawn for entry in after} == {UNDRAWN}

    draw_lots(kikker.event, by=kikker.owner)

    assert sorted(reread(entry).drawn for entry in before) == [1, 2, 3]
    assert sorted(reread(entry).drawn for entry in after) == [4, 5, 6]
    with pytest.raises(NobodyToDraw):
        draw_lots(kikker.event, by=kikker.owner)


def test_the_order_of_a_draw_is_not_that_of_coming(kikker):
    """Of forty people in their own order there is one chance in 40! that this fails."""
    sell_out(kikker, method=WaitlistMethod.LOTTERY)
    entries = [join(kikker, f"W{number}") for number in range(40)]

    draw_lots(kikker.event, by=kikker.owner)

    assert [reread(entry).drawn for entry in entries] != list(range(1, 41))


def test_changing_the_rule_changes_the_line(kikker):
    sell_out(kikker)
    entries = [join(kikker, name) for name in ("Wim", "Xena")]
    with pytest.raises(NotALottery):
        draw_lots(kikker.event, by=kikker.owner)

    set_waitlist(kikker.event, method=WaitlistMethod.LOTTERY, offer_hours=6, by=kikker.owner)
    assert {reread(entry).drawn for entry in entries} == {UNDRAWN}
    set_waitlist(kikker.event, method=WaitlistMethod.FIRST_COME, offer_hours=6, by=kikker.owner)

    assert [queue_position(reread(entry)) for entry in entries] == [1, 2]


# Reading --------------------------------------------------------------------------------


def test_the_line_is_paged_by_key(kikker, monkeypatch):
    monkeypatch.setattr("tiqqo.core.paging.PAGE_SIZE", 2)
    sell_out(kikker)
    entries = [join(kikker, name) for name in ("Wim", "Xena", "Yara")]
    put_ahead(entries[2], by=kikker.owner)

    first = waitlist_page(fresh(kikker), "waiting", at=clock.now())
    last = waitlist_page(fresh(kikker), "waiting", at=clock.now(), after=first.next_id)

    assert [(row.place, row.entry.name) for row in first.rows] == [(1, "Yara"), (2, "Wim")]
    assert [(row.place, row.entry.name, row.wishes) for row in last.rows] == [
        (3, "Xena", ("Regular",))
    ]
    assert last.next_id is None


def test_people_and_tickets_are_counted_by_how_they_stand(kikker, offered):
    join(kikker, "Yara", 3)

    counts = waitlist_counts(fresh(kikker))

    found = {status: (count.people, count.tickets) for status, count in counts.items()}
    assert found == {
        "waiting": (2, 4),
        "offered": (1, 1),
        "bought": (0, 0),
        "lapsed": (0, 0),
        "left": (0, 0),
    }


# Tasks ----------------------------------------------------------------------------------


def test_the_worker_finds_and_serves_every_line(cast, kikker, queue, committing):
    holds = sell_out(kikker)
    entry = join(kikker, "Wim")
    let_go(holds[0])
    queue.clear()

    assert tasks.serve_waitlists() == 1
    assert queue.work(committing) == []

    assert states(entry) == ["offered"]


def test_where_nobody_waits_nothing_is_served(kikker, queue):
    sell_out(kikker)
    queue.clear()

    assert tasks.serve_waitlists() == 0
    assert queue.jobs == []


def test_places_that_expired_are_offered_at_once(kikker, queue, committing):
    holds = sell_out(kikker)
    entry = join(kikker, "Wim")
    queue.clear()

    with time_machine.travel(holds[0].expires_at + timedelta(seconds=1)):
        tasks.sweep_reservations()
        assert queue.names == ["ticketing.tasks.serve_waitlists"]
        queue.work(committing)

    assert states(entry) == ["offered"]


def test_a_link_is_sent_again_but_not_all_the_time(kikker, queue, committing):
    sell_out(kikker)
    entry = join(kikker, "Wim")
    mark_told(entry, "waiting")
    queue.clear()

    with committing():
        send_place_again(fresh(kikker), email="wim@example.org")
    assert queue.jobs == []

    with time_machine.travel(clock.now() + timedelta(minutes=11)), committing():
        send_place_again(fresh(kikker), email=" WIM@example.org")
        send_place_again(fresh(kikker), email="nobody@example.org")
    assert [job.args for job in queue.jobs] == [(entry.pk,)]
