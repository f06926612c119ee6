"""Asking for a place in line: what is kept before it is confirmed, and which place it becomes."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from tests.ticketing.waitlists import (
    CONSENT,
    differences,
    fresh,
    join,
    let_go,
    reread,
    sell_out,
    waiting_by_pool,
    wish,
)
from ticketing.errors import NothingWished, NotSoldOut, NoWaitlist, RequestOver, WaitlistClosed
from ticketing.models import (
    PLACE_KEPT_FOR,
    REQUEST_LASTS,
    WaitlistEntry,
    WaitlistMethod,
    WaitlistRequest,
)
from ticketing.operations import (
    Newcomer,
    claim_request_mail,
    close_waitlist,
    confirm_request,
    mark_request_mailed,
    mark_request_not_mailed,
    request_place,
    serve_waitlist,
)
from ticketing.operations.waitlist_requests import MAIL_TRIES
from ticketing.queries.waitlist import queue_position
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_house(request):
    house = request.getfixturevalue("kikker")
    with house.scope():
        yield
        assert differences() == []


def ask(house, name="Wim", quantity=1, *wishes):
    return request_place(
        fresh(house),
        who=Newcomer(name=name, email=f"{name.lower()}@example.org", consent_text=CONSENT),
        quantity=quantity,
        wishes=wishes or [wish(house.priced)],
    )


def later(**delta):
    return time_machine.travel(clock.now() + timedelta(**delta))


def test_a_request_keeps_nothing_and_is_offered_nothing(kikker):
    """However many people are made up, nobody who is real waits longer for it."""
    holds = sell_out(kikker)

    for number in range(20):
        ask(kikker, f"Made{number}", 20)
    real = join(kikker, "Wim")
    let_go(holds[0])

    assert queue_position(reread(real)) == 1
    assert serve_waitlist(kikker.event) == 1
    assert reread(real).status == "offered"
    assert waiting_by_pool() == {}


def test_confirmed_within_an_hour_it_is_the_place_of_when_it_was_asked_for(kikker):
    sell_out(kikker)
    request = ask(kikker, "Wim", 2)
    xena = join(kikker, "Xena")

    with later(minutes=59):
        entry = confirm_request(request)

    entry = reread(entry)
    assert (queue_position(entry), queue_position(reread(xena))) == (1, 2)
    assert (entry.joined_at, entry.secret) == (request.asked_at, request.secret)
    assert waiting_by_pool() == {"Night of the Blue Note": 3}
    assert WaitlistRequest.objects.count() == 0


def test_confirmed_later_it_is_the_last_place(kikker):
    sell_out(kikker)
    request = ask(kikker)
    xena = join(kikker, "Xena")

    with later(hours=1, seconds=1):
        entry = confirm_request(request)

    assert (queue_position(reread(xena)), queue_position(reread(entry))) == (1, 2)
    assert reread(entry).joined_at - request.asked_at > PLACE_KEPT_FOR


def test_in_a_lottery_it_waits_for_the_draw_as_all_do(kikker):
    sell_out(kikker, method=WaitlistMethod.LOTTERY)

    entry = confirm_request(ask(kikker))

    assert not reread(entry).is_in_lottery_order


def test_after_a_day_it_cannot_be_confirmed(kikker):
    sell_out(kikker)
    request = ask(kikker)

    with later(days=1, seconds=1), pytest.raises(RequestOver):
        confirm_request(request)

    assert (WaitlistEntry.objects.count(), waiting_by_pool()) == (0, {})


def test_a_request_is_confirmed_once(kikker):
    sell_out(kikker)
    request = ask(kikker)
    confirm_request(request)

    with pytest.raises(RequestOver):
        confirm_request(request)

    assert WaitlistEntry.objects.count() == 1


def test_asking_again_replaces_what_was_asked_for_and_keeps_link_and_place(kikker):
    sell_out(kikker)
    first = ask(kikker, "Wim", 2)
    second = ask(kikker, "Wim", 4, wish(kikker.priced), wish(kikker.free))

    assert WaitlistRequest.objects.count() == 1
    assert (second.secret, second.place_id) == (first.secret, first.place_id)
    entry = confirm_request(second)
    assert (entry.quantity, entry.wishes.count()) == (4, 2)


def test_of_several_wishes_those_that_are_still_sold_out_count(kikker):
    sell_out(kikker, 0)
    request = ask(kikker, "Wim", 1, wish(kikker.priced), wish(kikker.free))
    request.wishes = [*request.wishes, [10**9, None, None]]
    request.save(update_fields=["wishes"])

    assert confirm_request(request).wishes.count() == 2


def test_a_line_that_was_closed_meanwhile_takes_nobody(kikker):
    sell_out(kikker)
    request = ask(kikker)
    close_waitlist(kikker.event, by=kikker.owner)

    with pytest.raises(WaitlistClosed), transaction.atomic():
        confirm_request(request)

    assert WaitlistRequest.objects.count() == 1


def test_what_cannot_be_waited_for_is_not_asked_about(kikker):
    with pytest.raises(NoWaitlist):
        ask(kikker)
    holds = sell_out(kikker)
    with pytest.raises(NothingWished):
        request_place(
            fresh(kikker), who=Newcomer("Wim", "wim@example.org", CONSENT), quantity=1, wishes=[]
        )
    let_go(holds[0])
    with pytest.raises(NotSoldOut):
        ask(kikker)

    assert WaitlistRequest.objects.count() == 0


def test_who_is_in_line_makes_no_request(kikker):
    sell_out(kikker)
    join(kikker)

    assert ask(kikker) is None
    assert WaitlistRequest.objects.count() == 0


def test_who_got_in_line_otherwise_meanwhile_has_one_place(kikker):
    sell_out(kikker)
    request = ask(kikker)
    entry = join(kikker)

    assert confirm_request(request) == entry
    assert WaitlistEntry.objects.count() == 1


# Its mail -------------------------------------------------------------------------------


def mailed(request):
    claimed = claim_request_mail(request.pk)
    if claimed is not None:
        mark_request_mailed(claimed)
    return claimed is not None


def test_an_address_is_asked_once_in_ten_minutes_wherever_it_was_typed(cast, kikker):
    sell_out(kikker)
    assert mailed(ask(kikker))
    assert not mailed(ask(kikker))
    with later(minutes=9):
        assert not mailed(ask(kikker))
    with later(minutes=11):
        assert mailed(WaitlistRequest.objects.get())
    with cast.fjord.scope():
        sell_out(cast.fjord)
        elsewhere = ask(cast.fjord)
        assert not mailed(elsewhere)
        with later(minutes=22):
            assert mailed(elsewhere)


def test_one_worker_sends_it_and_another_takes_over_where_that_died(kikker):
    sell_out(kikker)
    request = ask(kikker)

    assert claim_request_mail(request.pk) is not None
    assert claim_request_mail(request.pk) is None
    with later(minutes=3):
        assert claim_request_mail(request.pk) is not None


def test_a_mail_that_never_goes_is_given_up(kikker):
    sell_out(kikker)
    request = ask(kikker)
    tries = 0
    with time_machine.travel(clock.now(), tick=False) as traveller:
        while (claimed := claim_request_mail(request.pk)) is not None:
            tries += 1
            mark_request_not_mailed(claimed)
            traveller.shift(timedelta(minutes=61))
            assert tries <= MAIL_TRIES

    assert tries == MAIL_TRIES


def test_a_lapsed_request_is_begun_anew(kikker):
    sell_out(kikker)
    first = ask(kikker)
    with time_machine.travel(clock.now() + REQUEST_LASTS + timedelta(seconds=1)):
        second = ask(kikker)

        assert second.secret != first.secret
        assert second.place_id > first.place_id
        assert WaitlistRequest.objects.count() == 1
