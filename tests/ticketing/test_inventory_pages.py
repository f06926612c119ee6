"""The proof on its page: the sum, every counter beside its rows, the last run, the holds."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache

from accounts.permissions import Role
from tests.cast import MembershipFactory
from tests.pages import PageClient
from ticketing.models import CapacityPool, Code, Promotion, ReservationStatus
from ticketing.operations import mark_payment_started, reserve_tickets, set_event_capacity
from ticketing.tasks import verify_inventory
from tiqqo.core import audit, clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _never_verified():
    cache.delete("ticketing.verified")
    yield
    cache.delete("ticketing.verified")


def proof(desk):
    return desk.get("ticketing:inventory")


def test_the_proof_is_one_sum(at_kikker):
    with at_kikker.house.scope():
        at_kikker.house.place_free(2)
        at_kikker.house.reserve(priced=3)

    page = proof(at_kikker)

    assert page.text(".proof__sum") == (
        "Capacity 40 = sold 2 + held 3 + set aside 0 + free 35, verified 1 second ago, 0 differences"
    )
    assert page.alerts == []
    assert page.rows == [
        ["Night of the Blue Note", "40", "2", "2", "3", "3", "0", "0", "0", "0"],
        ["Regular", "–", "0", "0", "3", "3", "0", "0", "0", "0"],
        ["Regular · Regular", "–", "0", "0", "3", "3", "0", "0", "0", "0"],
        ["Under 12", "–", "2", "2", "0", "0", "0", "0", "0", "0"],
        ["Under 12 · Under 12", "–", "2", "2", "0", "0", "0", "0", "0", "0"],
    ]


def test_without_a_limit_the_sum_is_of_what_is_taken(at_kikker):
    house = at_kikker.house
    with house.scope():
        set_event_capacity(house.event, capacity=None, by=house.owner)
        house.reserve(priced=3)

    assert proof(at_kikker).text(".proof__sum") == (
        "No limit: sold 0 + held 3, verified 1 second ago, 0 differences"
    )


@pytest.mark.parametrize("column", ["sold", "held", "set_aside", "waiting"])
def test_a_counter_that_is_wrong_says_so(at_kikker, column):
    with at_kikker.house.scope():
        CapacityPool.objects.filter(ticket_type=None, release=None).update(**{column: 5})

    page = proof(at_kikker)

    assert page.alerts == ["1 counter differs from its rows. Tell us at once."]
    assert page.rows[0][0] == "Night of the Blue Note differs"
    assert page.text(".proof__sum").endswith("1 difference")


def test_codes_are_counted_beside_their_rows(at_kikker):
    house = at_kikker.house
    with house.scope():
        promotion = Promotion.objects.create(event=house.event, name="Friends", rate_bp=1000)
        code = Code.objects.create(event=house.event, promotion=promotion, text="FRIEND")
        house.event.refresh_from_db()
        reserve_tickets(house.event, selection={house.priced.code: 1}, code="friend")
    page = proof(at_kikker)
    assert page.texts("#codes tbody td") == ["FRIEND", "0", "0", "1", "1"]

    with house.scope():
        Code.objects.filter(pk=code.pk).update(used=3)
    page = proof(at_kikker)
    assert page.texts("#codes tbody td")[0] == "FRIEND differs"
    assert page.alerts == ["1 counter differs from its rows. Tell us at once."]


def test_the_last_run_of_the_recount_is_told(at_kikker, cast):
    assert "has not run yet" in proof(at_kikker).text(".proof")
    with cast.fjord.scope():
        CapacityPool.objects.filter(ticket_type=None, release=None).update(sold=5)
    assert verify_inventory() == 1

    with time_machine.travel(clock.now() + timedelta(minutes=4), tick=False):
        said = proof(at_kikker).text(".proof")
    assert "All stock was last recounted by itself 4 minutes ago" in said
    assert said.endswith(": 0 differences here.")
    with at_kikker.house.scope():
        CapacityPool.objects.filter(ticket_type=None, release=None).update(sold=5)
    assert verify_inventory() == 2
    assert proof(at_kikker).text(".proof").endswith(": 1 difference here.")


# Holds --------------------------------------------------------------------------------------


def test_holds_are_listed_and_one_is_let_go(at_kikker):
    house = at_kikker.house
    assert "Nobody holds anything right now." in proof(at_kikker).text("#holds")
    with house.scope():
        held = house.reserve(priced=2, free=1)
    page = proof(at_kikker)
    [row] = page.texts("#holds tbody tr")
    assert "2 × Regular, 1 × Under 12" in row
    name = "Let go 2 × Regular, 1 × Under 12"
    assert page.links("#holds a") == {name: at_kikker.url("ticketing:hold", hold_id=held.pk)}

    page = at_kikker.get("ticketing:hold", hold_id=held.pk)
    assert page.h1 == "Let this hold go?"
    with house.scope():
        held.refresh_from_db()
        assert held.status == ReservationStatus.PENDING
    page = at_kikker.pages.follow(page.submit("Let 3 places go"))

    assert page.alerts == ["3 places are free."]
    with house.scope():
        held.refresh_from_db()
        assert held.status == ReservationStatus.CANCELED_MANUALLY
        assert [e.action for e in audit.history_of(held)] == ["reservation.let_go"]
    at_kikker.post("ticketing:hold", status=409, hold_id=held.pk)
    page = at_kikker.get("ticketing:hold", hold_id=held.pk)
    assert page.alerts == ["These places are not held any more."]
    assert page.texts("main button") == []


def test_a_hold_that_is_being_paid_has_no_button(at_kikker):
    house = at_kikker.house
    with house.scope():
        held = house.reserve(priced=2)
        mark_payment_started(held, until=held.expires_at)

    page = proof(at_kikker)
    assert page.texts("#holds .pill") == ["being paid"]
    assert page.links("#holds a") == {}
    page = at_kikker.get("ticketing:hold", hold_id=held.pk)
    assert page.texts("main button") == []
    at_kikker.post("ticketing:hold", status=409, hold_id=held.pk)
    with house.scope():
        held.refresh_from_db()
        assert held.status == ReservationStatus.PENDING


def test_who_may_only_look_lets_nothing_go(at_kikker):
    house = at_kikker.house
    with house.scope():
        held = house.reserve(priced=2)
    viewer = MembershipFactory(organiser=house.organiser, role=Role.VIEWER)
    pages = PageClient().sign_in(viewer.user)

    assert pages.get_page(at_kikker.url("ticketing:inventory")).links("#holds a") == {}
    pages.get_page(at_kikker.url("ticketing:hold", hold_id=held.pk), status=403)


def test_a_hold_of_another_event_is_not_here(at_kikker, cast):
    with cast.fjord.scope():
        foreign = cast.fjord.reserve(priced=1)

    at_kikker.get("ticketing:hold", hold_id=foreign.pk, status=404)


def test_queries_of_the_proof(at_kikker, expect_queries):
    with at_kikker.house.scope():
        at_kikker.house.reserve(priced=1)
    proof(at_kikker)

    # session · user · membership · event · recount · recount of codes · holds · their lines · organisers
    with expect_queries(9):
        proof(at_kikker)
