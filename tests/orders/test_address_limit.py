"""At most so many of a type for one e-mail address: through whichever releases, prices and times."""

import pytest

from orders.models import Order, PaymentMethod
from orders.operations import cancel_order, place_order
from tests.cast import ReleaseFactory, TicketTypeFactory, buyer
from tests.orders import full_event as stalls
from tests.races import at_once
from ticketing.errors import TooManyForOnePerson
from ticketing.models import Reservation, ReservationStatus
from ticketing.operations import reserve_tickets
from ticketing.selling import Choice

pytestmark = pytest.mark.django_db


def hold(stall, *choices):
    return reserve_tickets(stall.fresh(), selection=[Choice(*choice) for choice in choices])


def place(reservation, method=PaymentMethod.FREE, **facts):
    return place_order(reservation, buyer=buyer(**facts), attendees=(), payment_method=method)


def refused(reservation, *, left, **facts):
    with pytest.raises(TooManyForOnePerson) as refusal:
        place(reservation, **facts)
    assert (refusal.value.limit, refusal.value.left) == (2, left)
    reservation.refresh_from_db()
    assert (reservation.status, reservation.email_key) == (ReservationStatus.PENDING, "")
    assert Order.objects.filter(reservation=reservation).count() == 0


@pytest.fixture
def releases(stall):
    """Two releases of a free type of which one address may have two."""
    made = stall.offer("Seat", 0, per_email_limit=2)
    late = ReleaseFactory(ticket_type=made, name="Late", price_minor=0, by=stall.house.owner)
    return stall.releases["Seat"].code, late.code


@pytest.mark.parametrize("counts", [(18, 2), (2, 18), (1, 2), (2, 1)])
def test_releases_count_together(stall, releases, counts):
    refused(hold(stall, *zip(releases, counts, strict=True)), left=2)


def test_within_the_limit_releases_may_be_mixed(stall, releases):
    assert place(hold(stall, (releases[0], 1), (releases[1], 1))).quantity == 2


def test_prices_count_together(stall):
    stall.offer("Seat", pricing="options", options=["Adult", "Child"], per_email_limit=2,
                release={"options": {"Adult": 0, "Child": 0}})  # fmt: skip
    code = stall.releases["Seat"].code
    adult, child = stall.type_of("Seat").options.order_by("position")

    refused(hold(stall, (code, 2, adult.code), (code, 1, child.code)), left=2)


def test_times_count_together(stall):
    stalls.timed(stall)
    stall.offer("Seat", 0, is_timed=True, per_email_limit=2)
    code, (first, second, *_) = stall.releases["Seat"].code, stall.slots()

    refused(hold(stall, (code, 1, "", first.code), (code, 2, "", second.code)), left=2)


def test_a_bundle_is_one_of_its_own_type(stall):
    parts = [
        stalls.Bundled(stall.offer("Entry", 0), 2, 100),
        stalls.Bundled(stall.offer("Meal", 0), 1, 100),
    ]
    stall.offer("Evening", 0, parts=parts, per_email_limit=2)
    code = stall.releases["Evening"].code

    refused(hold(stall, (code, 3)), left=2)
    assert place(hold(stall, (code, 2))).quantity == 6
    refused(hold(stall, (code, 1)), left=0)


def test_earlier_orders_count_through_whatever_release_they_were(stall, releases):
    place(hold(stall, (releases[0], 1)))

    refused(hold(stall, (releases[1], 2)), left=1)
    refused(hold(stall, (releases[1], 2)), left=1, email=" CARLA@Example.org ")
    assert place(hold(stall, (releases[1], 2)), email="dora@example.org").quantity == 2


def test_what_the_address_holds_while_it_pays_counts_until_it_is_let_go(stall):
    stall.offer("Seat", 1000, per_email_limit=2)
    code = stall.releases["Seat"].code
    paying = place(hold(stall, (code, 2)), PaymentMethod.CARD)

    waiting = hold(stall, (code, 1))
    with pytest.raises(TooManyForOnePerson):
        place(waiting, PaymentMethod.CARD)
    cancel_order(paying, by=stall.house.owner)

    assert place(waiting, PaymentMethod.CARD).quantity == 1


@pytest.mark.django_db(transaction=True)
def test_of_orders_at_once_through_several_releases_only_the_limit_is_had(kikker):
    ticket_type_factory = TicketTypeFactory(
        event=kikker.event, name="Seat", per_email_limit=2, by=kikker.owner
    )
    early, late = (
        ReleaseFactory(ticket_type=ticket_type_factory, name=name, price_minor=0, by=kikker.owner)
        for name in ("Early", "Late")
    )
    kikker.event.refresh_from_db()
    holds = [
        reserve_tickets(kikker.event, selection={release.code: 1}) for release in (early, late) * 3
    ]

    answers = at_once(kikker.organiser, *[lambda one=one: place(one) for one in holds])

    kinds = sorted(type(answer).__name__ for answer in answers)
    assert kinds == ["Order"] * 2 + ["TooManyForOnePerson"] * 4
    assert Reservation.objects.filter(status=ReservationStatus.CONFIRMED).count() == 2
