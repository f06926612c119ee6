"""What is offered: types, releases, caps. Each refusal names its field."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from events.models import Event
from tests.cast import ReleaseFactory, TicketTypeFactory
from ticketing.errors import (
    CapBelowSold,
    NameTaken,
    NotOnSale,
    PriceBelowZero,
    StillSold,
    WindowAfterEvent,
    WindowBackward,
)
from ticketing.models import CapacityPool, Release, TicketType
from ticketing.operations import (
    change_release,
    change_ticket_type,
    create_release,
    create_ticket_type,
    delete_release,
    publish_release,
    set_event_capacity,
    withdraw_release,
)
from ticketing.queries import offers
from tiqqo.core import audit, clock
from tiqqo.core.models import AuditEntry


@pytest.fixture
def balcony(kikker):
    return TicketTypeFactory(event=kikker.event, name="Balcony", capacity=12, by=kikker.owner)


def release_of(ticket_type, by, **changes):
    return create_release(ticket_type, by=by, **{"name": "Early", "price_minor": 1500, **changes})


def terms(release, **changes):
    return {
        "name": release.name,
        "price_minor": release.price_minor,
        "opens_at": release.opens_at,
        "closes_at": release.closes_at,
        "capacity": release.pool.capacity,
        **changes,
    }


def test_a_type_stands_last_with_a_pool_of_its_own(kikker, balcony):
    assert (balcony.position, balcony.pool.capacity) == (2, 12)
    assert [t.name for t in TicketType.objects.order_by("position")] == [
        "Regular",
        "Under 12",
        "Balcony",
    ]
    assert [e.action for e in audit.history_of(balcony)] == ["ticket_type.created"]


def test_a_type_is_in_the_shop_only_through_a_published_release(kikker, balcony):
    release = release_of(balcony, kikker.owner)

    def shown():
        return [o.ticket_type.name for o in offers(kikker.event, at=clock.now())]

    assert "Balcony" not in shown()
    for _ in range(2):
        publish_release(release, by=kikker.owner)
    assert "Balcony" in shown()
    for _ in range(2):
        withdraw_release(release, by=kikker.owner)
    assert "Balcony" not in shown()
    assert [e.action for e in audit.history_of(release)] == [
        "release.created",
        "release.published",
        "release.withdrawn",
    ]


def test_names_are_unique_in_their_place(kikker, balcony):
    release_of(balcony, kikker.owner)
    before = AuditEntry.objects.count()

    with pytest.raises(NameTaken) as refused:
        create_ticket_type(kikker.event, name="Balcony", by=kikker.owner)
    assert refused.value.field == "name"
    with pytest.raises(NameTaken):
        release_of(balcony, kikker.owner)
    with pytest.raises(NameTaken):
        change_ticket_type(
            balcony,
            by=kikker.owner,
            name="Regular",
            description="",
            capacity=None,
            per_order_limit=None,
        )
    assert (TicketType.objects.count(), AuditEntry.objects.count()) == (3, before)


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"price_minor": -1}, PriceBelowZero, "price"),
        ({"opens_at": 2, "closes_at": 2}, WindowBackward, "closes_at"),
        ({"opens_at": 3, "closes_at": 2}, WindowBackward, "closes_at"),
        ({"opens_at": 40}, WindowAfterEvent, "opens_at"),
        ({"closes_at": 40}, WindowAfterEvent, "closes_at"),
        ({"opens_at": 40, "closes_at": 41}, WindowAfterEvent, "opens_at"),
    ],
)
def test_a_release_that_cannot_be_is_refused_with_its_field(kikker, balcony, changes, error, field):
    now = clock.now()
    changes = {
        name: now + timedelta(days=value) if name.endswith("_at") else value
        for name, value in changes.items()
    }
    before = (Release.objects.count(), CapacityPool.objects.count(), AuditEntry.objects.count())

    with pytest.raises(error) as refused:
        release_of(balcony, kikker.owner, **changes)
    assert refused.value.field == field
    with pytest.raises(error):
        change_release(kikker.priced, by=kikker.owner, **terms(kikker.priced, **changes))

    assert before == (
        Release.objects.count(),
        CapacityPool.objects.count(),
        AuditEntry.objects.count(),
    )
    kikker.priced.refresh_from_db()
    assert (kikker.priced.price_minor, kikker.priced.opens_at) == (2500, None)


def test_a_window_may_last_until_the_event_is_over(kikker, balcony):
    release = release_of(balcony, kikker.owner, closes_at=kikker.event.ends_at)

    assert release.closes_at == kikker.event.ends_at


def test_the_window_is_half_open(kikker, balcony):
    now = clock.now()
    release = release_of(balcony, kikker.owner, opens_at=now, closes_at=now + timedelta(hours=1))
    publish_release(release, by=kikker.owner)

    def is_on_sale(at):
        return any(
            o.is_on_sale
            for o in offers(Event.objects.get(pk=kikker.event.pk), at=at)
            if o.release == release
        )

    assert is_on_sale(now)
    assert is_on_sale(now + timedelta(hours=1) - timedelta(microseconds=1))
    assert not is_on_sale(now - timedelta(microseconds=1))
    assert not is_on_sale(now + timedelta(hours=1))


def test_a_cap_does_not_fall_below_what_is_sold_or_held(kikker):
    kikker.place(free=3, method="FREE")
    kikker.reserve(priced=2)
    cases = [
        (5, lambda n: set_event_capacity(kikker.event, capacity=n, by=kikker.owner)),
        (
            2,
            lambda n: change_ticket_type(
                kikker.priced.ticket_type,
                by=kikker.owner,
                name="Regular",
                description="",
                capacity=n,
                per_order_limit=None,
            ),
        ),
        (
            2,
            lambda n: change_release(
                kikker.priced, by=kikker.owner, **terms(kikker.priced, capacity=n)
            ),
        ),
    ]

    for taken, cap_at in cases:
        with pytest.raises(CapBelowSold) as refused, transaction.atomic():
            cap_at(taken - 1)
        assert (refused.value.field, refused.value.taken) == ("capacity", taken)
        cap_at(taken)

    assert sorted(
        CapacityPool.objects.exclude(capacity=None).values_list("capacity", flat=True)
    ) == [
        2,
        2,
        5,
    ]


def test_the_database_refuses_a_cap_below_the_taken_places(kikker):
    kikker.reserve(priced=2)

    with pytest.raises(IntegrityError, match="pool_never_oversold"), transaction.atomic():
        CapacityPool.objects.filter(ticket_type=None, release=None).update(capacity=1)


def test_a_release_goes_only_while_nobody_reserved_from_it(kikker, balcony):
    release = ReleaseFactory(ticket_type=balcony, by=kikker.owner)
    delete_release(release, by=kikker.owner)
    assert not balcony.releases.exists()

    kikker.reserve(priced=1)
    with pytest.raises(StillSold):
        delete_release(kikker.priced, by=kikker.owner)
    assert Release.objects.filter(pk=kikker.priced.pk).exists()


def test_a_withdrawn_release_is_not_sold(kikker):
    withdraw_release(kikker.priced, by=kikker.owner)

    with pytest.raises(NotOnSale) as refused:
        kikker.reserve(priced=1)
    assert str(refused.value) == "Regular is not on sale any more. Look at what is available now."


# The shop -------------------------------------------------------------------------------


def offer_of(kikker, name="Regular", at=None):
    at = at or clock.now()
    return next(o for o in offers(kikker.event, at=at) if o.ticket_type.name == name)


def test_the_shop_shows_the_whole_price(kikker):
    offer = offer_of(kikker)

    assert (offer.state, offer.price.minor, offer.base_price.minor) == ("on_sale", 2599, 2500)
    assert (offer.tax.minor, offer.fee.minor, offer.left, offer.limit) == (206, 99, 40, 20)
    assert offer_of(kikker, "Under 12").is_free


def test_the_shop_offers_no_more_than_what_is_left(kikker):
    set_event_capacity(kikker.event, capacity=3, by=kikker.owner)
    kikker.reserve(priced=1)

    offer = offer_of(kikker)
    assert (offer.left, offer.limit, offer.few_left) == (2, 2, True)


def test_the_next_release_follows_when_the_first_is_sold_out(kikker):
    change_release(kikker.priced, by=kikker.owner, **terms(kikker.priced, capacity=1))
    second = ReleaseFactory(
        ticket_type=kikker.priced.ticket_type, name="Late", price_minor=3000, by=kikker.owner
    )

    assert offer_of(kikker).release == kikker.priced
    kikker.reserve(priced=1)
    assert offer_of(kikker).release == second


def test_states_of_the_shop(kikker):
    now = clock.now()
    change_release(
        kikker.priced,
        by=kikker.owner,
        **terms(
            kikker.priced,
            opens_at=now + timedelta(days=1),
            closes_at=now + timedelta(days=2),
            capacity=1,
        ),
    )
    assert offer_of(kikker).state == "scheduled"
    assert offer_of(kikker, at=now + timedelta(days=1)).state == "on_sale"
    assert offer_of(kikker, at=now + timedelta(days=2)).state == "ended"
    change_release(
        kikker.priced,
        by=kikker.owner,
        **terms(kikker.priced, opens_at=None, closes_at=None, capacity=1),
    )
    kikker.reserve(priced=1)
    assert offer_of(kikker).state == "sold_out"
    assert offer_of(kikker, "Under 12", at=kikker.event.ends_at).state == "ended"
