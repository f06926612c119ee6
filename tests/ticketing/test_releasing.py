"""Releases: suggested prices, chains without circles, and the lines of time they are drawn on."""

from datetime import timedelta

import pytest

from tests.cast import ReleaseFactory, TicketTypeFactory
from ticketing.models import Release
from ticketing.operations import (
    change_release,
    create_release,
    delete_release,
    mark_sold_out,
    set_event_capacity,
    withdraw_release,
)
from ticketing.organiser_errors import FollowsAnotherType, FollowsInCircle, SuggestedTooLow
from ticketing.queries import ticket_board
from ticketing.sales_windows import drawn
from tiqqo.core import clock


@pytest.fixture
def donation(kikker):
    return TicketTypeFactory(event=kikker.event, name="Donation", pricing="open", by=kikker.owner)


def early_and_late(house, **early):
    """Late follows Early."""
    ticket_type_factory = TicketTypeFactory(event=house.event, name="Box", by=house.owner)
    first = ReleaseFactory(ticket_type=ticket_type_factory, name="Early", by=house.owner, **early)
    return first, ReleaseFactory(
        ticket_type=ticket_type_factory, name="Late", follows=first, by=house.owner
    )


def box(house, now=None):
    """How the type Box is drawn."""
    now = now or clock.now()
    house.event.refresh_from_db()
    board = ticket_board(house.event, at=now)
    return next(t for t in drawn(board, house.event, now).types if t.row.ticket_type.name == "Box")


def test_a_suggestion_is_no_less_than_the_least(kikker, donation):
    release = create_release(
        donation, name="Gift", price_minor=500, suggested_minor=1000, by=kikker.owner
    )
    assert release.suggested_minor == 1000

    with pytest.raises(SuggestedTooLow) as refused:
        change_release(release, price_minor=1001, by=kikker.owner)
    assert refused.value.field == "suggested"
    with pytest.raises(SuggestedTooLow):
        create_release(donation, name="Less", price_minor=500, suggested_minor=499, by=kikker.owner)

    release.refresh_from_db()
    assert (release.price_minor, Release.objects.filter(ticket_type=donation).count()) == (500, 1)


def test_a_release_follows_only_one_of_its_own_type(kikker):
    with pytest.raises(FollowsAnotherType):
        change_release(kikker.priced, follows=kikker.free, by=kikker.owner)
    with pytest.raises(FollowsAnotherType):
        create_release(kikker.priced.ticket_type, name="Late", follows=kikker.free, by=kikker.owner)

    kikker.priced.refresh_from_db()
    assert kikker.priced.follows is None


def test_a_chain_has_no_circle(kikker):
    first, second = early_and_late(kikker)
    third = ReleaseFactory(
        ticket_type=first.ticket_type, name="Last", follows=second, by=kikker.owner
    )

    for follows in (first, second, third):
        with pytest.raises(FollowsInCircle) as refused:
            change_release(first, follows=follows, by=kikker.owner)
        assert refused.value.subject == follows.name
    first.refresh_from_db()
    assert first.follows is None
    change_release(third, follows=first, by=kikker.owner)


def test_a_release_without_its_predecessor_waits_for_nothing(kikker):
    first, second = early_and_late(kikker)
    delete_release(first, by=kikker.owner)

    second.refresh_from_db()
    assert second.follows is None
    assert box(kikker).releases[0].row.state == "on_sale"


# Drawn ------------------------------------------------------------------------------------


def test_a_chain_is_drawn_from_where_the_one_before_closes(kikker):
    now = clock.now()
    first, _second = early_and_late(kikker, closes_at=now + timedelta(days=10))

    early, late = box(kikker, now).releases
    assert [early.row.state, late.row.state] == ["on_sale", "waiting"]
    assert round(early.window.x + early.window.width, 1) == round(late.window.x, 1)
    assert (box(kikker, now).clashes, box(kikker, now).stalled) == ((), ())
    assert late.row.follows == first


def test_releases_are_told_in_the_order_they_open(kikker):
    now = clock.now()
    first, _second = early_and_late(kikker, capacity=10)
    ReleaseFactory(
        ticket_type=first.ticket_type, name="Presale", opens_at=now - timedelta(days=9),
        closes_at=now - timedelta(days=2), by=kikker.owner,
    )  # fmt: skip

    names = [drawn.row.release.name for drawn in box(kikker, now).releases]
    assert names == ["Presale", "Early", "Late"]


def test_gaps_stand_on_the_line_of_time_of_the_whole_event(kikker):
    now = clock.now()
    first, second = early_and_late(kikker, closes_at=now + timedelta(days=3))
    change_release(second, opens_at=now + timedelta(days=5), by=kikker.owner)

    early, late = box(kikker, now).releases
    [gap] = box(kikker, now).clashes
    assert round(gap.x, 1) == round(early.window.x + early.window.width, 1)
    assert round(gap.x + gap.width, 1) == round(late.window.x, 1)


def test_an_open_chain_is_no_overlap(kikker):
    early_and_late(kikker, capacity=10)

    assert (box(kikker).clashes, box(kikker).stalled) == ((), ())


def test_two_that_are_not_chained_overlap_and_leave_gaps(kikker):
    now = clock.now()
    ticket_type_factory = TicketTypeFactory(event=kikker.event, name="Box", by=kikker.owner)
    for name, opens, closes in (("One", 0, 5), ("Two", 3, 6), ("Three", 9, 12)):
        ReleaseFactory(
            ticket_type=ticket_type_factory,
            name=name,
            opens_at=now + timedelta(days=opens),
            closes_at=now + timedelta(days=closes),
            by=kikker.owner,
        )

    assert [(clash.kind, clash.words) for clash in box(kikker, now).clashes] == [
        ("overlap", "One and Two sell at the same time"),
        ("gap", "Nothing on sale between Two and Three"),
    ]


def test_a_chain_that_opens_later_than_it_could_leaves_a_gap(kikker):
    now = clock.now()
    _first, second = early_and_late(kikker, closes_at=now + timedelta(days=3))
    change_release(second, opens_at=now + timedelta(days=5), by=kikker.owner)

    assert [clash.kind for clash in box(kikker, now).clashes] == ["gap"]


def test_who_waits_for_a_draft_is_told(kikker):
    first, _second = early_and_late(kikker, capacity=5)
    withdraw_release(first, by=kikker.owner)

    assert box(kikker).stalled == ("Late waits for Early, which is a draft: it does not open.",)


def test_who_waits_for_what_never_ends_is_told(kikker):
    now = clock.now()
    first, second = early_and_late(kikker)
    [words] = box(kikker).stalled
    assert words.startswith(
        "Late waits for Early, which has neither an end nor a number of tickets"
    )
    mark_sold_out(first, by=kikker.owner)
    assert box(kikker).stalled == ()

    third = ReleaseFactory(
        ticket_type=first.ticket_type,
        name="Last",
        follows=second,
        closes_at=now + timedelta(days=2),
        by=kikker.owner,
    )
    change_release(second, closes_at=now + timedelta(days=2), by=kikker.owner)
    assert box(kikker, now).stalled == ("Last is over before Late ends: it does not open.",)
    change_release(third, closes_at=now + timedelta(days=3), by=kikker.owner)
    assert box(kikker, now).stalled == ()


def test_the_board_says_which_release_waits_and_costs_what(kikker):
    first, second = early_and_late(kikker, capacity=1)
    set_event_capacity(kikker.event, capacity=9, by=kikker.owner)

    rows = {row.release.name: row for row in (d.row for d in box(kikker).releases)}
    assert (rows["Late"].state, rows["Late"].follows) == ("waiting", first)
    assert (rows["Early"].price.minor, rows["Early"].has_prices) == (1000, False)
    assert second.follows == first
