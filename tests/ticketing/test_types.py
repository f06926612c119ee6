"""Ticket types: their prices by name, bundles, groups, order, and what sales settle for good."""

from datetime import date

import pytest

from tests.cast import ReleaseFactory, TicketTypeFactory
from ticketing.catalogue import catalogue_of
from ticketing.errors import CapBelowSold
from ticketing.models import CapacityPool, PricingMethod, Release, TicketType
from ticketing.operations import (
    Bundled,
    cancel_reservation,
    change_release,
    change_ticket_type,
    create_release,
    create_ticket_type,
    move_ticket_type,
    publish_release,
    reserve_tickets,
    set_event_capacity,
)
from ticketing.organiser_errors import (
    BundleHasItsParts,
    BundleInBundle,
    GroupInBundle,
    OptionsMissing,
    OptionSold,
    OrderRangeBackward,
    PartOfAnotherEvent,
    PriceMissing,
    SetBySales,
    TooManyOptions,
)
from ticketing.queries import recount
from ticketing.selling import Choice
from tiqqo.core import audit
from tiqqo.core.models import AuditEntry


@pytest.fixture
def entry(kikker):
    """Adult and child, 30 and 15, on sale."""
    ticket_type = create_ticket_type(
        kikker.event,
        name="Entry",
        pricing=PricingMethod.OPTIONS,
        options=["Adult", "Child"],
        by=kikker.owner,
    )
    adult, child = ticket_type.options.order_by("position")
    release = create_release(
        ticket_type, name="Entry", option_prices={adult.pk: 3000, child.pk: 1500}, by=kikker.owner
    )
    publish_release(release, by=kikker.owner)
    return release


def fresh(event):
    event.refresh_from_db()
    return event


def prices(release):
    return dict(release.option_prices.values_list("option__name", "price_minor"))


def names(ticket_type):
    return list(ticket_type.options.order_by("position").values_list("name", flat=True))


def changed(ticket_type, by, **changes):
    return change_ticket_type(ticket_type, by=by, **changes)


def test_a_type_is_all_that_was_said_of_it(kikker):
    ticket_type = create_ticket_type(
        kikker.event,
        name="Backstage",
        description="All areas",
        policy_text="Bring your card.",
        admits=2,
        per_order_minimum=1,
        per_order_limit=4,
        per_email_limit=8,
        naming="required",
        is_timed=True,
        takes_place=False,
        tax_rate_bp=2100,
        days=[date(2026, 12, 24)],
        zones=["Backstage", "Bar"],
        capacity=10,
        by=kikker.owner,
    )

    ticket_type.refresh_from_db()
    assert (ticket_type.policy_text, ticket_type.admits, ticket_type.naming) == (
        "Bring your card.",
        2,
        "required",
    )
    assert (
        ticket_type.per_order_minimum,
        ticket_type.per_order_limit,
        ticket_type.per_email_limit,
    ) == (1, 4, 8)
    assert (ticket_type.is_timed, ticket_type.takes_place, ticket_type.tax_rate_bp) == (
        True,
        False,
        2100,
    )
    assert (ticket_type.days, ticket_type.zones) == ([date(2026, 12, 24)], ["Backstage", "Bar"])
    assert (ticket_type.pool.capacity, ticket_type.position) == (10, 2)


def test_what_is_not_given_stays(kikker):
    ticket_type_factory = TicketTypeFactory(
        event=kikker.event, name="Box", description="Red", capacity=4, by=kikker.owner
    )

    after = changed(ticket_type_factory, kikker.owner, per_order_limit=2)

    after.refresh_from_db()
    assert (after.name, after.description, after.pool.capacity) == ("Box", "Red", 4)
    assert after.per_order_limit == 2
    [*_, entry] = audit.history_of(ticket_type_factory)
    assert (entry.action, entry.data["fields"]) == ("ticket_type.changed", ["per_order_limit"])


def test_more_at_least_than_at_most_is_refused(kikker):
    with pytest.raises(OrderRangeBackward) as refused:
        TicketTypeFactory(
            event=kikker.event, per_order_minimum=5, per_order_limit=4, by=kikker.owner
        )

    assert refused.value.field == "per_order_limit"
    assert TicketType.objects.count() == 2


# Prices by name ---------------------------------------------------------------------------


def test_several_prices_need_names(kikker):
    with pytest.raises(OptionsMissing):
        TicketTypeFactory(event=kikker.event, pricing="options", by=kikker.owner)
    with pytest.raises(TooManyOptions) as refused:
        TicketTypeFactory(
            event=kikker.event,
            pricing="options",
            options=[f"Price {n}" for n in range(101)],
            by=kikker.owner,
        )

    assert refused.value.limit == 100
    assert TicketType.objects.count() == 2


def test_a_release_sells_each_option_that_has_an_amount(kikker, entry):
    adult, child = entry.ticket_type.options.order_by("position")
    change_release(entry, option_prices={child.pk: 1200}, by=kikker.owner)

    assert prices(entry) == {"Child": 1200}
    held = reserve_tickets(
        fresh(kikker.event), selection=[Choice(entry.code, 1, option=child.code)]
    )
    assert held.lines.get().unit_price_minor == 1200


def test_a_published_release_sells_at_least_one_of_the_prices(kikker, entry):
    with pytest.raises(PriceMissing) as refused:
        change_release(entry, option_prices={}, by=kikker.owner)
    assert str(refused.value) == "Entry: give at least one of its prices an amount."
    assert prices(entry) == {"Adult": 3000, "Child": 1500}

    draft = create_release(entry.ticket_type, name="Late", by=kikker.owner)
    with pytest.raises(PriceMissing):
        publish_release(draft, by=kikker.owner)
    with pytest.raises(PriceMissing) as refused:
        changed(entry.ticket_type, kikker.owner, options=["Senior"])
    assert refused.value.field == "options"
    assert names(entry.ticket_type) == ["Adult", "Child"]


def test_options_are_added_renamed_in_case_and_sorted_and_keep_their_amounts(kikker, entry):
    changed(entry.ticket_type, kikker.owner, options=["child", "Senior", "Adult"])

    assert names(entry.ticket_type) == ["child", "Senior", "Adult"]
    assert prices(entry) == {"child": 1500, "Adult": 3000}


def test_an_option_that_was_sold_stays(kikker, entry):
    adult = entry.ticket_type.options.get(name="Adult")
    reserve_tickets(fresh(kikker.event), selection=[Choice(entry.code, 1, option=adult.code)])

    with pytest.raises(OptionSold) as refused:
        changed(entry.ticket_type, kikker.owner, options=["Child"])

    assert (refused.value.name, refused.value.field) == ("Adult", "options")
    assert names(entry.ticket_type) == ["Adult", "Child"]
    changed(entry.ticket_type, kikker.owner, options=["Adult"])
    assert names(entry.ticket_type) == ["Adult"]


def test_one_price_becomes_several_at_the_same_amount_and_back(kikker):
    regular = kikker.priced.ticket_type

    changed(regular, kikker.owner, pricing="options", options=["Adult", "Child"])
    assert prices(kikker.priced) == {"Adult": 2500, "Child": 2500}
    child = regular.options.get(name="Child")
    adult = regular.options.get(name="Adult")
    change_release(kikker.priced, option_prices={adult.pk: 2500, child.pk: 900}, by=kikker.owner)

    changed(regular, kikker.owner, pricing="fixed")

    kikker.priced.refresh_from_db()
    assert kikker.priced.price_minor == 2500
    assert catalogue_of(fresh(kikker.event)).lowest_price(kikker.priced) == 2500


# Bundles ----------------------------------------------------------------------------------


@pytest.fixture
def family(kikker):
    return create_ticket_type(
        kikker.event,
        name="Family",
        parts=[
            Bundled(kikker.priced.ticket_type, 2, 2500),
            Bundled(kikker.free.ticket_type, 3, 0),
        ],
        by=kikker.owner,
    )


def test_a_bundle_sells_its_parts(kikker, family):
    release = ReleaseFactory(ticket_type=family, price_minor=4000, by=kikker.owner)

    held = reserve_tickets(fresh(kikker.event), selection={release.code: 1})

    lines = held.lines.order_by("id").values_list("ticket_name", "admits", "unit_price_minor")
    assert list(lines) == [("Regular", 2, 4000), ("Under 12", 3, 0)]
    assert [count for count in recount() if count.differs] == []


def bundle_of(part, quantity=1):
    return {"parts": [Bundled(part, quantity, 1000)]}


def test_what_cannot_be_in_a_bundle_is_refused(kikker, family, cast):
    regular = kikker.priced.ticket_type
    group = TicketTypeFactory(event=kikker.event, name="Table", admits=8, by=kikker.owner)
    with cast.fjord.scope():
        foreign = cast.fjord.priced.ticket_type
    before = (TicketType.objects.count(), AuditEntry.objects.count())

    cases = [
        (BundleInBundle, lambda: TicketTypeFactory(event=kikker.event, by=kikker.owner, **bundle_of(family))),
        (BundleInBundle, lambda: changed(family, kikker.owner, **bundle_of(family))),
        (BundleInBundle, lambda: changed(regular, kikker.owner, **bundle_of(kikker.free.ticket_type))),
        (GroupInBundle, lambda: changed(family, kikker.owner, **bundle_of(group))),
        (GroupInBundle, lambda: changed(regular, kikker.owner, admits=2)),
        (PartOfAnotherEvent, lambda: changed(family, kikker.owner, **bundle_of(foreign))),
        (BundleHasItsParts, lambda: changed(family, kikker.owner, admits=2)),
        (BundleHasItsParts, lambda: changed(family, kikker.owner, is_timed=True)),
    ]  # fmt: skip
    for error, act in cases:
        with pytest.raises(error):
            act()

    assert before == (TicketType.objects.count(), AuditEntry.objects.count())
    assert set(family.parts.values_list("part__name", "quantity")) == {
        ("Regular", 2),
        ("Under 12", 3),
    }


# What sales settle ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"admits": 2}, "admits"),
        ({"pricing": "open"}, "pricing"),
        ({"is_timed": True}, "is_timed"),
        ({"takes_place": False}, "takes_place"),
    ],
)
def test_what_was_promised_with_a_ticket_stays_once_it_is_held(kikker, changes, field):
    regular = kikker.priced.ticket_type
    before = getattr(regular, field)
    kikker.reserve(priced=1)

    with pytest.raises(SetBySales) as refused:
        changed(regular, kikker.owner, **changes)

    assert refused.value.field == field
    assert str(refused.value).startswith("Tickets of it are held or sold, so ")
    regular.refresh_from_db()
    assert getattr(regular, field) == before


def test_what_is_in_a_bundle_stays_once_it_is_sold_but_its_worth_may_change(kikker, family):
    release = ReleaseFactory(ticket_type=family, price_minor=4000, by=kikker.owner)
    reserve_tickets(fresh(kikker.event), selection={release.code: 1})

    with pytest.raises(SetBySales) as refused:
        changed(family, kikker.owner, **bundle_of(kikker.priced.ticket_type, 3))
    assert refused.value.field == "parts"
    worth = [
        Bundled(kikker.priced.ticket_type, 2, 3000),
        Bundled(kikker.free.ticket_type, 3, 100),
    ]
    changed(family, kikker.owner, parts=worth)

    assert set(family.parts.values_list("part__name", "usual_price_minor")) == {
        ("Regular", 3000),
        ("Under 12", 100),
    }


def test_name_texts_and_limits_may_change_while_it_is_sold(kikker):
    kikker.reserve(priced=2)

    after = changed(
        kikker.priced.ticket_type,
        kikker.owner,
        name="Normal",
        description="A seat",
        policy_text="No flash",
        per_order_limit=3,
        capacity=2,
    )

    after.refresh_from_db()
    assert (after.name, after.per_order_limit, after.pool.capacity) == ("Normal", 3, 2)
    with pytest.raises(CapBelowSold):
        changed(after, kikker.owner, capacity=1)


def test_what_expired_or_was_let_go_settles_nothing(kikker):
    cancel_reservation(kikker.reserve(priced=1), manually=True)

    assert changed(kikker.priced.ticket_type, kikker.owner, admits=2).admits == 2


def test_places_that_are_set_aside_count_when_a_limit_falls(kikker):
    CapacityPool.objects.filter(ticket_type=None, release=None).update(set_aside=4)
    kikker.reserve(priced=2)

    with pytest.raises(CapBelowSold) as refused:
        set_event_capacity(kikker.event, capacity=5, by=kikker.owner)
    assert refused.value.taken == 6


# Order ------------------------------------------------------------------------------------


def order():
    return list(TicketType.objects.order_by("position").values_list("name", flat=True))


def test_types_move_up_and_down_and_stop_at_the_ends(kikker):
    box = TicketTypeFactory(event=kikker.event, name="Box", by=kikker.owner)

    move_ticket_type(box, places=-1, by=kikker.owner)
    assert order() == ["Regular", "Box", "Under 12"]
    move_ticket_type(box, places=-5, by=kikker.owner)
    assert order() == ["Box", "Regular", "Under 12"]
    before = AuditEntry.objects.count()
    move_ticket_type(box, places=-1, by=kikker.owner)
    assert (order()[0], AuditEntry.objects.count()) == ("Box", before)
    move_ticket_type(box, places=9, by=kikker.owner)
    assert order() == ["Regular", "Under 12", "Box"]


def test_releases_of_a_moved_type_are_still_its_own(kikker):
    move_ticket_type(kikker.free.ticket_type, places=-1, by=kikker.owner)

    assert [r.ticket_type.name for r in Release.objects.chronologically()] == [
        "Under 12",
        "Regular",
    ]
