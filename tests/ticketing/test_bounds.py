"""What an event may have of each kind."""

import pytest

from ticketing.models import (
    CapacityPool,
    Code,
    PriceOption,
    PricingMethod,
    Promotion,
    PromotionKind,
    Release,
    TicketType,
)
from ticketing.operations import (
    Members,
    change_ticket_type,
    create_code,
    create_promotion,
    create_release,
    create_shared_pool,
    create_ticket_type,
    generate_codes,
)
from ticketing.operations.bounds import MOST
from ticketing.organiser_errors import EventHasEnough

pytestmark = pytest.mark.django_db


def room_for(monkeypatch, kind, event, more):
    """The event may have so many more of that kind."""
    _most, things, of_event = MOST[kind]
    there = kind.objects.filter(**{of_event: event.pk}).count()
    monkeypatch.setitem(MOST, kind, (there + more, things, of_event))


def a_type(event, by, name):
    return create_ticket_type(event, name=name, by=by, capacity=None)


def a_promotion(event, by, name):
    return create_promotion(event, name=name, by=by, kind=PromotionKind.PERCENT, rate_bp=1000)


def a_release(event, by, name):
    return create_release(event.ticket_types.first(), name=name, by=by, price_minor=1000)


def a_pool(event, by, name):
    members = Members(types=[event.ticket_types.first()], releases=[])
    return create_shared_pool(event, name=name, capacity=9, members=members, by=by)


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (TicketType, a_type),
        (Promotion, a_promotion),
        (Release, a_release),
        (CapacityPool, a_pool),
    ],
)
def test_an_event_has_so_many_and_no_more(kikker, monkeypatch, kind, make):
    room_for(monkeypatch, kind, kikker.event, 1)
    make(kikker.event, kikker.owner, "One")
    before = kind.objects.count()

    with pytest.raises(EventHasEnough):
        make(kikker.event, kikker.owner, "Two")
    assert kind.objects.count() == before


def test_codes_are_counted_all_together(kikker, monkeypatch):
    promotion = a_promotion(kikker.event, kikker.owner, "Friends")
    room_for(monkeypatch, Code, kikker.event, 5)
    generate_codes(promotion, count=4, by=kikker.owner)

    with pytest.raises(EventHasEnough):
        generate_codes(promotion, count=2, by=kikker.owner)
    create_code(promotion, text="FIFTH-ONE", by=kikker.owner)
    with pytest.raises(EventHasEnough):
        create_code(promotion, text="SIXTH-ONE", by=kikker.owner)
    assert Code.objects.filter(promotion=promotion).count() == 5


def test_prices_are_counted_over_all_types(kikker, monkeypatch):
    room_for(monkeypatch, PriceOption, kikker.event, 5)
    details = {"pricing": PricingMethod.OPTIONS, "by": kikker.owner, "capacity": None}
    create_ticket_type(kikker.event, name="One", options=["Adult", "Child", "Dog"], **details)
    other = create_ticket_type(kikker.event, name="Two", options=["Adult"], **details)

    with pytest.raises(EventHasEnough):
        create_ticket_type(kikker.event, name="Three", options=["Adult", "Child"], **details)
    with pytest.raises(EventHasEnough):
        change_ticket_type(other, options=["Adult", "Child", "Dog"], by=kikker.owner)
    change_ticket_type(other, options=["Cat", "Child"], by=kikker.owner)

    assert PriceOption.objects.filter(ticket_type__event=kikker.event).count() == 5
