"""Invoice orders of buyers: the share of places, the address, the organiser's yes, and how they end."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from events.models import Event, InvoiceAcceptance, InvoiceIssues
from events.operations import change_event
from orders.due_dates import due_after
from orders.emails import due_words
from orders.errors import (
    AddressAwaited,
    AddressLinkOver,
    AlreadyAccepted,
    AlreadySettled,
    DueTooSoon,
    HoldChanged,
    InvoiceShareUsed,
)
from orders.models import Delivery, Order, OrderStatus
from orders.operations import (
    accept_order,
    cancel_lost_order,
    confirm_address,
    lapse_order,
    mark_settled,
    move_due,
    place_order,
    send_invoice,
)
from orders.tasks import sweep_unpaid_invoice_orders
from tests.cast import ReleaseFactory, TicketTypeFactory, buyer
from tests.races import at_once
from ticketing.errors import ReservationOver
from ticketing.models import CapacityPool
from ticketing.operations import (
    change_reservation,
    create_code,
    create_promotion,
    expire_reservations,
    reserve_tickets,
)
from ticketing.queries import recount
from tiqqo.core import audit, clock

pytestmark = pytest.mark.django_db
NOON = datetime(2098, 10, 1, 10, tzinfo=UTC)
STARTS = datetime(2098, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
def autumn(fjord):
    """The first of October, two months before the event."""
    with time_machine.travel(NOON, tick=False) as traveller:
        change_event(
            fjord.event,
            by=fjord.owner,
            starts_at=STARTS,
            ends_at=STARTS + timedelta(hours=8),
        )
        yield traveller


def change(house, **facts):
    Event.objects.filter(pk=house.event.pk).update(**facts)


def asked(house, count=1, **facts):
    return house.place_invoice(count, is_confirmed=False, **facts)


def stock():
    assert [count for count in recount() if count.differs] == []
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


def kinds(order):
    return list(Delivery.objects.filter(order=order).order_by("id").values_list("kind", flat=True))


def reread(order):
    return Order.objects.select_related("event", "reservation").get(pk=order.pk)


# The address -----------------------------------------------------------------------------


def test_until_the_address_is_confirmed_places_are_held_no_longer_than_a_hold(fjord, autumn):
    order = asked(fjord, 2)

    assert (order.status, order.confirmed_at, order.payment_due_at) == ("INITIATED", None, None)
    assert (stock(), kinds(order)) == ((2, 0), ["confirm"])
    assert order.reservation.expires_at == NOON + timedelta(minutes=30)

    autumn.shift(timedelta(minutes=30))
    expire_reservations(at=clock.now())
    cancel_lost_order(order)
    assert (reread(order).status, stock()) == ("CANCELED", (0, 0))
    with pytest.raises(AddressLinkOver):
        confirm_address(order, secret=order.address_secret)


def test_a_link_with_letters_that_no_secret_has_leads_nowhere(fjord, client):
    order = asked(fjord)
    where = [fjord.organiser.slug, fjord.event.slug, order.code, "\u00e9" * 22]

    assert client.get(reverse("shop:address", args=where)).status_code == 404
    with pytest.raises(AddressLinkOver):
        confirm_address(order, secret="\u00e9" * 22)


def test_the_confirmed_address_orders_and_a_due_date_begins(fjord, autumn):
    order = confirm_address(o := asked(fjord, 2), secret=o.address_secret)

    order = reread(order)
    assert (order.status, order.address_confirmed_at, order.accepted_at) == (
        OrderStatus.OFFLINE_PENDING,
        NOON,
        NOON,
    )
    assert (stock(), kinds(order)) == ((0, 2), ["confirm", "received"])
    # The end of the fourteenth day in Copenhagen, and three days before it.
    assert order.payment_due_at == datetime(2098, 10, 15, 22, tzinfo=UTC)
    assert order.lapse_notice_at == order.payment_due_at - timedelta(days=3)
    again = confirm_address(order, secret=order.address_secret)
    assert (again.payment_due_at, stock()) == (order.payment_due_at, (0, 2))


def test_no_way_around_leads_from_one_address_to_another(fjord):
    """By card and back again: the link that went to one address does not speak for the next."""
    order = asked(fjord, email="mallory@example.org")
    link = order.address_secret

    for method in ("CARD", "INVOICE"):
        order = place_order(
            order.reservation,
            buyer=buyer(company_name="Acme", email="victim@example.org"),
            attendees=[],
            payment_method=method,
        )

    assert order.awaits_address
    with pytest.raises(AddressLinkOver):
        confirm_address(order, secret=link)
    assert (reread(order).status, kinds(order)) == ("INITIATED", ["confirm", "confirm"])


@pytest.fixture
def twin(fjord):
    """A release of another type that costs the same."""
    ticket_type_factory = TicketTypeFactory(event=fjord.event, name="Balcony", by=fjord.owner)
    return ReleaseFactory(
        ticket_type=ticket_type_factory,
        name="Balcony",
        price_minor=fjord.priced.price_minor,
        by=fjord.owner,
    )


@pytest.mark.parametrize("change", ["fewer", "more", "others"])
def test_a_hold_that_was_changed_after_it_was_ordered_is_not_confirmed(fjord, twin, change):
    """Its tickets would be issued by the order, and its places counted by the hold."""
    order = asked(fjord, 3)
    counts = {
        "fewer": {fjord.priced.code: 1},
        "more": {fjord.priced.code: 9},
        "others": {twin.code: 3},
    }[change]
    change_reservation(reread(order).reservation, selection=counts)

    with pytest.raises(HoldChanged):
        confirm_address(order, secret=order.address_secret)

    assert (reread(order).status, stock()) == ("INITIATED", (sum(counts.values()), 0))
    order = place_order(
        reread(order).reservation,
        buyer=buyer(company_name="Acme"),
        attendees=[],
        payment_method="INVOICE",
    )
    confirm_address(order, secret=order.address_secret)
    assert stock() == (0, sum(counts.values()))


def test_a_code_that_is_let_go_of_after_ordering_lowers_nothing(fjord):
    """Else one use of it would lower any number of orders."""
    promotion = create_promotion(
        fjord.event, name="Half", kind="percent", rate_bp=5000, by=fjord.owner
    )
    create_code(promotion, text="HALF", uses_limit=1, by=fjord.owner)
    event = Event.objects.get(pk=fjord.event.pk)
    held = reserve_tickets(event, selection={fjord.priced.code: 1}, code="HALF")
    order = place_order(
        held, buyer=buyer(company_name="Acme"), attendees=[], payment_method="INVOICE"
    )
    change_reservation(held, selection={fjord.priced.code: 1})

    with pytest.raises(HoldChanged):
        confirm_address(order, secret=order.address_secret)


def test_the_pages_of_a_changed_hold_lead_to_ordering_anew(fjord, client):
    order = asked(fjord, 2)
    shop = [fjord.organiser.slug, fjord.event.slug]
    checkout = reverse("shop:checkout", args=[*shop, order.reservation.secret])
    address = reverse("shop:address", args=[*shop, order.code, order.address_secret])
    assert "Who is buying?" not in client.get(checkout).content.decode()

    change_reservation(reread(order).reservation, selection={fjord.priced.code: 1})

    assert "Who is buying?" in client.get(checkout).content.decode()
    assert [client.get(address).status_code, client.post(address).status_code] == [410, 410]


@pytest.mark.parametrize("secret", ["", "guessed", None])
def test_no_other_secret_confirms_it(fjord, secret):
    order = asked(fjord)

    with pytest.raises(AddressLinkOver):
        confirm_address(order, secret=order.secret if secret is None else secret)

    assert (reread(order).status, stock()) == ("INITIATED", (1, 0))


def test_an_expired_hold_is_not_confirmed(fjord, autumn):
    order = asked(fjord)
    autumn.shift(timedelta(minutes=31))

    with pytest.raises(ReservationOver):
        confirm_address(order, secret=order.address_secret)


def test_the_desk_can_do_nothing_with_an_unconfirmed_order(fjord):
    order = asked(fjord)

    for operation in (send_invoice, mark_settled, accept_order):
        with pytest.raises(AddressAwaited):
            operation(order, by=fjord.owner)

    assert (reread(order).status, stock()) == ("INITIATED", (1, 0))


def test_what_the_organiser_orders_needs_nobodys_address_and_does_not_end(fjord):
    order = fjord.place_invoice(1, by=fjord.owner)

    assert (order.status, order.payment_due_at, kinds(order)) == (
        "OFFLINE_PENDING",
        None,
        ["received"],
    )


# The share -------------------------------------------------------------------------------


def test_unpaid_invoice_orders_hold_a_share_of_the_places(fjord, autumn):
    places = CapacityPool.objects.get(ticket_type=None, release=None).capacity
    change(fjord, invoice_share_percent=30)
    share = places * 30 // 100
    first = fjord.place_invoice(share - 1)
    unconfirmed = asked(fjord)

    with pytest.raises(InvoiceShareUsed) as full:
        asked(fjord)
    assert (full.value.left, full.value.field) == (0, "payment_method")

    # What the organiser orders is not counted, what is paid is counted no more, and neither what lapsed.
    fjord.place_invoice(2, by=fjord.owner)
    mark_settled(first, by=fjord.owner)
    with pytest.raises(InvoiceShareUsed) as full:
        asked(fjord, share)
    assert full.value.left == share - 1
    autumn.shift(timedelta(minutes=31))
    expire_reservations(at=clock.now())
    cancel_lost_order(unconfirmed)
    assert asked(fjord, share).status == "INITIATED"


def test_placing_again_does_not_count_twice(fjord):
    change(fjord, invoice_share_percent=1)
    order = asked(fjord)

    again = place_order(
        order.reservation,
        buyer=buyer(company_name="Other"),
        attendees=[],
        payment_method="INVOICE",
    )

    assert (again.pk, again.company_name) == (order.pk, "Other")


def test_events_from_before_the_upgrade_keep_all_their_places(fjord):
    field = Event._meta.get_field("invoice_share_percent")

    assert (field.default, field.db_default) == (30, 100)


@pytest.mark.django_db(transaction=True)
def test_buyers_at_the_same_moment_do_not_take_the_same_share(cast):
    with cast.fjord.scope():
        change(cast.fjord, invoice_share_percent=1)
        holds = [cast.fjord.reserve(priced=1) for _ in range(6)]

    def place(hold):
        return place_order(
            hold, buyer=buyer(company_name="Acme"), attendees=[], payment_method="INVOICE"
        )

    answers = at_once(cast.fjord.organiser, *(lambda h=hold: place(h) for hold in holds))

    refused = [answer for answer in answers if isinstance(answer, InvoiceShareUsed)]
    with cast.fjord.scope():
        share = max(1, CapacityPool.objects.get(ticket_type=None, release=None).capacity // 100)
        assert Order.objects.count() == share
    assert len(refused) == len(holds) - share


# The organiser's yes ---------------------------------------------------------------------


def test_where_the_organiser_says_yes_the_order_waits_for_it(fjord, autumn):
    change(fjord, invoice_acceptance=InvoiceAcceptance.ORGANISER)
    order = fjord.place_invoice()
    assert (order.awaits_acceptance, kinds(order)) == (True, ["confirm", "requested"])

    autumn.shift(timedelta(days=2))
    accepted = accept_order(order, by=fjord.owner)

    assert kinds(order)[-1] == "received"
    assert accepted.payment_due_at == datetime(2098, 10, 17, 22, tzinfo=UTC)
    with pytest.raises(AlreadyAccepted):
        accept_order(order, by=fjord.owner)


def test_sending_the_invoice_says_yes_and_gives_all_the_days(fjord, autumn):
    change(fjord, invoice_acceptance=InvoiceAcceptance.ORGANISER)
    order = fjord.place_invoice()

    autumn.shift(timedelta(days=5))
    order = send_invoice(order, by=fjord.owner)

    assert not order.awaits_acceptance
    assert order.payment_due_at == datetime(2098, 10, 20, 22, tzinfo=UTC)
    assert order.invoice.due_on == date(2098, 10, 20)


# The end ---------------------------------------------------------------------------------


def test_an_unpaid_order_is_announced_three_days_before_and_then_cancelled(fjord, autumn):
    order = send_invoice(fjord.place_invoice(2), by=fjord.owner)
    due = order.payment_due_at

    autumn.move_to(due - timedelta(days=3, seconds=1))
    assert sweep_unpaid_invoice_orders() == 0
    autumn.move_to(due - timedelta(days=3))
    assert sweep_unpaid_invoice_orders() == 1
    assert sweep_unpaid_invoice_orders() == 0
    assert (kinds(order)[-1], stock()) == ("lapsing", (0, 2))

    autumn.move_to(due - timedelta(seconds=1))
    assert sweep_unpaid_invoice_orders() == 0
    autumn.move_to(due)
    assert sweep_unpaid_invoice_orders() == 1
    assert sweep_unpaid_invoice_orders() == 0

    order = reread(order)
    assert (order.status, kinds(order)[-1], stock()) == ("CANCELED", "lapsed", (0, 0))
    assert audit.history_of(order).last().action == "order.lapsed"


def test_nobody_loses_an_order_without_a_day_of_notice(fjord, autumn):
    """The sweeper stood still for a month."""
    order = fjord.place_invoice()
    autumn.shift(timedelta(days=30))

    assert sweep_unpaid_invoice_orders() == 1
    assert sweep_unpaid_invoice_orders() == 0
    order = reread(order)
    assert (order.status, kinds(order)[-1]) == ("OFFLINE_PENDING", "lapsing")
    assert order.payment_due_at == clock.now() + timedelta(days=1)

    autumn.shift(timedelta(days=1))
    assert sweep_unpaid_invoice_orders() == 1
    assert reread(order).status == "CANCELED"


def test_what_was_paid_stays(fjord, autumn):
    order = fjord.place_invoice()
    mark_settled(order, by=fjord.owner)
    autumn.shift(timedelta(days=20))

    assert sweep_unpaid_invoice_orders() == 0
    assert lapse_order(order) is False
    assert reread(order).status == "PAID"


def test_orders_without_a_date_do_not_end(fjord, autumn):
    """Those of the organiser, and those from before there was a date."""
    order = fjord.place_invoice(1, by=fjord.owner)
    autumn.move_to(STARTS - timedelta(hours=1))

    assert sweep_unpaid_invoice_orders() == 0
    assert reread(order).status == "OFFLINE_PENDING"


def test_nobody_with_a_ticket_is_turned_away_once_the_event_has_begun(fjord, autumn):
    change(fjord, invoice_issues=InvoiceIssues.SENT)
    order = send_invoice(fjord.place_invoice(), by=fjord.owner)
    assert order.tickets.count() == 1
    autumn.move_to(STARTS)

    assert sweep_unpaid_invoice_orders() == 0
    assert lapse_order(order) is False
    assert order.tickets.valid().count() == 1


def test_the_organiser_gives_another_day_or_none(fjord, autumn):
    order = fjord.place_invoice()
    autumn.shift(timedelta(days=12))
    sweep_unpaid_invoice_orders()

    moved = move_due(order, due_on=date(2098, 11, 1), by=fjord.owner)

    assert moved.payment_due_at == datetime(2098, 11, 1, 23, tzinfo=UTC)
    assert kinds(order)[-1] == "due"
    assert due_words(moved).endswith("2098") and "1" in due_words(moved)
    autumn.shift(timedelta(days=5))
    assert sweep_unpaid_invoice_orders() == 0
    forever = move_due(order, due_on=None, by=fjord.owner)
    assert (forever.payment_due_at, kinds(order)[-1]) == (None, "due")
    autumn.move_to(STARTS - timedelta(days=1))
    assert sweep_unpaid_invoice_orders() == 0
    with pytest.raises(DueTooSoon):
        move_due(order, due_on=STARTS.date() - timedelta(days=1), by=fjord.owner)
    mark_settled(order, by=fjord.owner)
    with pytest.raises(AlreadySettled):
        move_due(order, due_on=date(2099, 1, 1), by=fjord.owner)


@pytest.mark.parametrize(
    ("before", "due"),
    [
        (timedelta(days=60), None),
        (timedelta(days=10), STARTS - timedelta(days=1)),
        (timedelta(hours=25), STARTS - timedelta(days=1)),
        (timedelta(hours=24), STARTS - timedelta(hours=1)),
        (timedelta(hours=2), STARTS - timedelta(hours=1)),
        (timedelta(hours=1), "never"),
        (timedelta(hours=-1), "never"),
    ],
)
def test_the_date_is_always_before_the_event(fjord, autumn, before, due):
    event = Event.objects.get(pk=fjord.event.pk)

    found = due_after(event, STARTS - before)

    if due == "never":
        assert found is None
    elif due is None:
        assert found < STARTS - timedelta(days=1)
    else:
        assert found == due


# The desk --------------------------------------------------------------------------------


def test_the_desk_accepts_and_moves_the_date(at_fjord):
    house = at_fjord.house
    with house.scope():
        change(house, invoice_acceptance=InvoiceAcceptance.ORGANISER)
        order = house.place_invoice()
    page = at_fjord.get("orders:order", code=order.code)

    page = at_fjord.pages.follow(page.submit("Accept order"))

    assert page.alerts == [f"{order.code} is accepted. The buyer is told."]
    assert "Accept order" not in page.texts("button")
    refused = page.submit("Save date", status=422, due_on="2020-01-01")
    assert refused.errors == {"due_on": "Choose a day from tomorrow on, or none at all."}
    page = at_fjord.pages.follow(page.submit("Save date", due_on=""))
    assert "This order does not end by itself." in page.text("#due")


def test_the_desk_says_that_an_address_is_not_confirmed(at_fjord):
    with at_fjord.house.scope():
        order = asked(at_fjord.house)

    page = at_fjord.get("orders:order", code=order.code)

    assert "The buyer has not confirmed the address yet." in page.text("#due")
    assert "Send invoice" not in page.texts("button")
