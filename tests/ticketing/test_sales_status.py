"""Hide, pause, sold out: three acts, each with a way back; what hangs on a type; holds let go."""

from datetime import timedelta

import pytest

from people.models import Company
from tests.cast import ReleaseFactory, TicketTypeFactory
from ticketing.errors import NotOnSale
from ticketing.models import (
    Allocation,
    Code,
    Promotion,
    ReservationStatus,
    WaitlistEntry,
    WaitlistWish,
)
from ticketing.operations import (
    Bundled,
    hide,
    let_go,
    mark_payment_started,
    mark_sold_out,
    offer_tickets,
    pause,
    put_back_on_sale,
    resume,
    show,
)
from ticketing.organiser_errors import HoldBeingPaid, HoldIsOffer, HoldOver
from ticketing.queries import connections_of, holds_of, offers, recount
from tiqqo.core import audit, clock
from tiqqo.core.models import AuditEntry


def state(house, name="Regular"):
    """What the shop says; None when it shows nothing."""
    house.event.refresh_from_db()
    rows = offers(house.event, at=clock.now())
    return next((row.state for row in rows if row.ticket_type.name == name), None)


@pytest.mark.parametrize(
    ("do", "undo", "shown", "words"),
    [
        (hide, show, None, ("hidden", "shown")),
        (pause, resume, "paused", ("paused", "resumed")),
        (mark_sold_out, put_back_on_sale, "sold_out", ("sold_out", "back_on_sale")),
    ],
)
@pytest.mark.parametrize("noun", ["ticket_type", "release"])
def test_each_act_shows_in_the_shop_and_can_be_undone(kikker, noun, do, undo, shown, words):
    subject = kikker.priced if noun == "release" else kikker.priced.ticket_type
    before = len(audit.history_of(subject))

    for _ in range(2):
        do(subject, by=kikker.owner)
    assert state(kikker) == shown
    with pytest.raises(NotOnSale):
        kikker.reserve(priced=1)
    for _ in range(2):
        undo(subject, by=kikker.owner)
    assert state(kikker) == "on_sale"

    actions = [entry.action for entry in audit.history_of(subject)][before:]
    assert actions == [f"{noun}.{words[0]}", f"{noun}.{words[1]}"]


def test_acts_do_not_disturb_each_other(kikker):
    for act in (hide, pause, mark_sold_out):
        act(kikker.priced, by=kikker.owner)
    show(kikker.priced, by=kikker.owner)
    assert state(kikker) == "sold_out"
    put_back_on_sale(kikker.priced, by=kikker.owner)
    assert state(kikker) == "paused"
    resume(kikker.priced, by=kikker.owner)
    assert state(kikker) == "on_sale"


def test_who_follows_opens_when_the_release_before_is_marked_sold_out(kikker):
    ReleaseFactory(
        ticket_type=kikker.priced.ticket_type, name="Late", follows=kikker.priced, by=kikker.owner
    )
    mark_sold_out(kikker.priced, by=kikker.owner)

    kikker.event.refresh_from_db()
    [row] = [o for o in offers(kikker.event, at=clock.now()) if o.ticket_type.name == "Regular"]
    assert (row.release.name, row.state) == ("Late", "on_sale")


# What hangs on it -------------------------------------------------------------------------


def test_what_is_connected_is_found(kikker):
    regular, event = kikker.priced.ticket_type, kikker.event
    TicketTypeFactory(
        event=event, name="Family", parts=[Bundled(regular, 2, 2500)], by=kikker.owner
    )
    late = ReleaseFactory(ticket_type=regular, name="Late", follows=kikker.priced, by=kikker.owner)
    named = Promotion.objects.create(
        event=event, name="Friends", rate_bp=1000, ticket_type_ids=[regular.pk]
    )
    by_release = Promotion.objects.create(
        event=event, name="Fast", rate_bp=1000, release_ids=[kikker.priced.pk]
    )
    Promotion.objects.create(event=event, name="Everything", rate_bp=1000)
    for number in range(3):
        Code.objects.create(event=event, promotion=named, text=f"FRIEND{number}")
    company = Company.objects.create(name="Acme")
    allocation = Allocation.objects.create(
        event=event, ticket_type=regular, company=company, from_pool_ids=[]
    )
    entry = WaitlistEntry.objects.create(
        event=event, name="W", email="w@example.org", email_key="w@example.org", quantity=3,
        consent_text="yes",
    )  # fmt: skip
    WaitlistWish.objects.create(entry=entry, ticket_type=regular)
    kikker.reserve(priced=2)
    event.refresh_from_db()

    found = connections_of(regular, event)
    assert [(c.promotion.name, c.codes) for c in found.promotions] == [("Friends", 3), ("Fast", 0)]
    assert (found.waiting_people, found.waiting, found.holds, found.held) == (1, 3, 1, 2)
    assert [bundle.name for bundle in found.bundles] == ["Family"]
    assert (found.allocations, found.followers) == ([allocation], [])
    of_release = connections_of(kikker.priced, event)
    assert of_release.followers == [late]
    assert (of_release.held, of_release.waiting) == (2, 3)
    assert [c.promotion for c in of_release.promotions] == [named, by_release]
    assert [c.promotion for c in connections_of(late, event).promotions] == [named]
    assert connections_of(late, event).held == 0


def test_nothing_is_connected_with_what_stands_alone(kikker):
    assert not connections_of(kikker.free.ticket_type, kikker.event)


# Holds ------------------------------------------------------------------------------------


def test_a_hold_that_is_let_go_frees_its_places_at_once(kikker):
    held = kikker.reserve(priced=2)

    let_go(held, by=kikker.owner)

    held.refresh_from_db()
    assert held.status == ReservationStatus.CANCELED_MANUALLY
    assert [count.held for count in recount()] == [0, 0, 0, 0, 0]
    [entry] = audit.history_of(held)
    assert (entry.action, entry.data) == ("reservation.let_go", {"places": 2})
    assert entry.actor_label == kikker.owner.actor_label
    with pytest.raises(HoldOver):
        let_go(held, by=kikker.owner)


def test_a_hold_that_is_being_paid_stays(kikker):
    held = kikker.reserve(priced=2)
    mark_payment_started(held, until=held.expires_at)

    with pytest.raises(HoldBeingPaid):
        let_go(held, by=kikker.owner)

    held.refresh_from_db()
    assert held.status == ReservationStatus.PENDING
    assert not AuditEntry.objects.filter(action="reservation.let_go").exists()


def test_an_offer_to_the_line_and_an_order_are_not_let_go(kikker):
    held = offer_tickets(kikker.event, selection={kikker.priced.code: 1}, lasts=timedelta(hours=12))
    WaitlistEntry.objects.create(
        event=kikker.event, name="W", email="w@example.org", email_key="w@example.org", quantity=1,
        consent_text="yes", status="offered", reservation=held,
    )  # fmt: skip
    with pytest.raises(HoldIsOffer):
        let_go(held, by=kikker.owner)
    order = kikker.place_free(1)
    with pytest.raises(HoldOver):
        let_go(order.reservation, by=kikker.owner)


def test_holds_are_listed_first_to_run_out_first(kikker):
    later = kikker.reserve(priced=2)
    sooner = kikker.reserve(free=1)
    type(sooner).objects.filter(pk=sooner.pk).update(expires_at=clock.now())
    kikker.place_free(1)

    found = holds_of(kikker.event, at=clock.now())
    assert found.count == 2
    assert [(h.reservation, h.what, h.places, h.is_overdue) for h in found.shown] == [
        (sooner, ("1 × Under 12",), 1, True),
        (later, ("2 × Regular",), 2, False),
    ]
    assert all(h.can_go for h in found.shown)
