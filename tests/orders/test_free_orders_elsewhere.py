"""What went wrong elsewhere with free orders, addresses to confirm, waitlists and limits, tried here."""

from datetime import timedelta
from secrets import token_hex

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from events.models import Event, EventStatus
from orders.errors import InvoiceShareUsed
from orders.models import Delivery, DeliveryStatus, Order, OrderStatus, PaymentMethod
from orders.operations import cancel_order, confirm_address, place_order
from people.models import Contact
from tests.cast import DORA, EMIL, buyer
from tests.orders.public_pages import CARLA
from tests.races import at_once
from tests.ticketing.waitlists import join, let_go, reread, sell_out, states
from ticketing import shares
from ticketing.catalogue import forget_catalogues
from ticketing.errors import CodeUsedByYou, ReservationOver, SoldOut, TooManyForOnePerson
from ticketing.models import CapacityPool, TicketType
from ticketing.operations import (
    change_reservation,
    close_offers,
    create_coded_promotion,
    reserve_tickets,
    serve_waitlist,
    set_event_capacity,
)
from ticketing.queries import recount
from ticketing.shares import Asker
from tiqqo.core import clock

pytestmark = pytest.mark.django_db
# Longer than a hold lasts whose buyer looks for a mail.
TOO_LATE = timedelta(minutes=51)


@pytest.fixture
def asking(kikker):
    """The club's event asks everybody who orders for nothing to confirm the address."""
    change(kikker, free_needs_address=True)
    return kikker


@pytest.fixture
def join_waitlist_page(kikker, client):
    """Sends the form of the sold-out event's waitlist: the status of the answer."""
    sell_out(kikker)
    url = reverse("shop:waitlist", args=[kikker.organiser.slug, kikker.event.slug])
    wish = f"{kikker.priced.ticket_type.code}.."

    def joined(email, address):
        sent = {"wishes": wish, "quantity": "1", "name": "Wim", "email": email, "consent": "on"}
        return client.post(url, sent, REMOTE_ADDR=address).status_code

    return joined


def change(house, **facts):
    Event.objects.filter(pk=house.event.pk).update(**facts)


def allow_one_each(house, release):
    TicketType.objects.filter(pk=release.ticket_type_id).update(per_email_limit=1)
    forget_catalogues()


def everything_off(house, **terms):
    """Whoever has the code GUEST pays nothing."""
    event = Event.objects.get(pk=house.event.pk)
    facts = {"name": "Guests", "rate_bp": 10_000, **terms}
    create_coded_promotion(event, by=house.owner, text="GUEST", **facts)


def hold(house, release, count=1, **facts):
    event = Event.objects.select_related("organiser").get(pk=house.event.pk)
    return reserve_tickets(event, selection={release.code: count}, **facts)


def order(held, method=PaymentMethod.FREE, **facts):
    return place_order(held, buyer=buyer(**facts), attendees=(), payment_method=method)


def confirm(asked):
    return confirm_address(asked, secret=asked.address_secret)


def link_of(house, asked):
    where = [house.organiser.slug, house.event.slug, asked.code, asked.address_secret]
    return reverse("shop:address", args=where)


def stock():
    assert [count for count in recount() if count.differs] == []
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


# The link in the mail --------------------------------------------------------------------


def test_a_mail_scanner_that_opens_the_link_orders_nothing_and_spoils_nothing(asking, client):
    """supabase/auth issue 1214: scanners of mails used up the links before their owners opened them."""
    asked = asking.place_free(2, is_confirmed=False)
    link = link_of(asking, asked)

    for look in (client.head, client.get, client.get):
        look(link)
    asked.refresh_from_db()
    assert (asked.status, stock()) == (OrderStatus.INITIATED, (2, 0))

    client.post(link)
    asked.refresh_from_db()
    assert (asked.status, stock()) == (OrderStatus.FREE, (0, 2))


def test_the_link_works_on_another_device_and_leads_to_the_tickets_ever_after(
    asking, in_kikker_shop, client
):
    """Hi.Events issue 682: whoever confirms an address on another device cannot go on there."""
    held = asking.reserve(free=2)
    page = in_kikker_shop.get("shop:checkout", secret=held.secret)
    page.submit("Get tickets", status=303, **CARLA)
    asked = Order.objects.get()
    tickets = reverse(
        "shop:order", args=[asking.organiser.slug, asking.event.slug, asked.code, asked.secret]
    )

    answers = [client.post(link_of(asking, asked)) for _press in range(2)]
    answers.append(client.get(link_of(asking, asked)))

    assert [answer.headers["Location"] for answer in answers] == [tickets] * 3
    assert asked.tickets.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_button_pressed_many_times_at_once_gives_the_tickets_once(asking):
    """odoo pull request 20507: a double click registered people twice and took twice the seats."""
    asked = asking.place_free(2, is_confirmed=False)

    answers = at_once(asking.organiser, *[lambda: confirm(asked)] * 8)

    assert {type(answer) for answer in answers} == {Order}
    assert (asked.tickets.count(), stock()) == (2, (0, 2))
    assert [sent.kind for sent in asked.deliveries.order_by("id")] == ["confirm", "tickets"]


def test_a_mail_that_would_come_after_the_hold_is_over_is_not_sent(asking, queue, committing):
    """pretix issue 1106: a mail told of an end that the order did not have any more."""
    with committing():
        asked = asking.place_free(2, is_confirmed=False)

    with time_machine.travel(clock.now() + TOO_LATE):
        assert queue.work(committing) == []

    assert mail.outbox == []
    assert Delivery.objects.get(order=asked).status == DeliveryStatus.WITHDRAWN


def test_whoever_corrects_the_address_late_has_time_to_find_the_second_mail(asking, in_kikker_shop):
    """Hi.Events issue 682: many mistype their address and never see the mail."""
    with time_machine.travel(began := clock.now(), tick=False) as traveller:
        held = asking.reserve(free=1)
        page = in_kikker_shop.get("shop:checkout", secret=held.secret)
        page.submit("Get tickets", status=303, **CARLA | {"email": "carla@exmaple.org"})
        lasts = []
        for address in ("carla@example.com", CARLA["email"]):
            traveller.shift(timedelta(minutes=15))
            page = in_kikker_shop.get("shop:checkout", {"change": ""}, secret=held.secret)
            page.submit("Get tickets", status=303, **CARLA | {"email": address})
            held.refresh_from_db()
            lasts.append((held.expires_at - began) // timedelta(minutes=1))

        assert lasts == [45, 50]
        traveller.shift(timedelta(minutes=19))
        assert confirm(Order.objects.get()).status == OrderStatus.FREE


def test_nobody_is_sent_news_because_a_stranger_typed_their_address(asking, queue, committing):
    """consuldemocracy issue 3761: newsletters went to addresses that nobody had confirmed."""
    with committing():
        asked = asking.place_free(is_confirmed=False, consent_text="You may write to me.")
    queue.work(committing)
    assert Contact.objects.count() == 0

    with committing():
        confirm(asked)
    queue.work(committing)
    assert Contact.objects.get().consented_at is not None


def test_the_addresses_of_the_others_get_no_mail_with_the_link_to_all_tickets(
    kikker, queue, committing
):
    """pretix issue 951: a mail to each attendee would have held the link to the whole order."""
    with committing():
        kikker.place_free(2, attendees=(DORA, EMIL))
    queue.work(committing)

    assert [message.to for message in mail.outbox] == [["carla@example.org"]]


# Holds that nobody finishes --------------------------------------------------------------


def test_the_places_of_an_order_that_nobody_confirmed_are_the_next_ones(asking):
    """Attendize issue 1000: tickets of orders that nobody finished never came back."""
    set_event_capacity(asking.event, capacity=1, by=asking.owner)
    left = order(hold(asking, asking.free), email="left@example.org")
    with pytest.raises(SoldOut):
        hold(asking, asking.free)

    with time_machine.travel(clock.now() + timedelta(minutes=31)):
        with pytest.raises(ReservationOver):
            confirm(left)
        confirm(order(hold(asking, asking.free), email="next@example.org"))

    assert stock() == (0, 1)


def test_a_code_for_one_use_is_the_next_ones_where_nobody_confirmed(asking):
    """pretix issue 165: a voucher stayed used although its order was gone."""
    everything_off(asking, uses_limit=1)
    left = order(hold(asking, asking.priced, code="GUEST"), email="left@example.org")
    assert (left.status, left.total_minor) == (OrderStatus.INITIATED, 0)

    with time_machine.travel(clock.now() + TOO_LATE):
        confirm(order(hold(asking, asking.priced, code="GUEST"), email="next@example.org"))

    assert stock() == (0, 1)


def test_what_a_stranger_holds_with_an_address_takes_nothing_from_its_owner(asking):
    """Whoever typed it could keep its owner from the tickets for as long as a hold lasts, again and again."""
    allow_one_each(asking, asking.free)

    def ordered(client):
        held = reserve_tickets(
            Event.objects.get(pk=asking.event.pk),
            selection={asking.free.code: 1},
            asker=Asker(client=client, network=client),
        )
        return place_order(held, buyer=buyer(), attendees=(), payment_method=PaymentMethod.FREE)

    theirs, own = ordered("stranger"), ordered("owner")
    with pytest.raises(TooManyForOnePerson):
        ordered("owner")

    assert confirm_address(own, secret=own.address_secret).is_confirmed
    with pytest.raises(TooManyForOnePerson):
        confirm_address(theirs, secret=theirs.address_secret)
    assert Order.objects.filter(status=OrderStatus.FREE).count() == 1


def test_ones_own_order_that_ran_out_does_not_count_against_the_limit_of_an_address(asking):
    """Hi.Events issue 790: who ordered as much as they may and left could not order again."""
    allow_one_each(asking, asking.free)
    order(hold(asking, asking.free))
    with pytest.raises(TooManyForOnePerson):
        order(hold(asking, asking.free))

    with time_machine.travel(clock.now() + TOO_LATE):
        confirm(order(hold(asking, asking.free)))

    assert stock()[1] == 1


def test_an_order_that_may_still_be_paid_counts_although_its_hold_ran_out(kikker):
    """Hi.Events issue 790, the other way about: nobody has more than they may by paying late."""
    allow_one_each(kikker, kikker.priced)
    kikker.begin_payment()

    with (
        time_machine.travel(clock.now() + TOO_LATE),
        pytest.raises(TooManyForOnePerson),
    ):
        order(hold(kikker, kikker.priced), PaymentMethod.CARD)


def test_an_invoice_order_that_nobody_confirmed_in_time_leaves_its_share_to_the_next(fjord):
    """open-event-server issue 6653: orders that were never paid kept others from ordering."""
    set_event_capacity(fjord.event, capacity=10, by=fjord.owner)
    change(fjord, invoice_share_percent=20)
    fjord.place_invoice(2, is_confirmed=False)
    with pytest.raises(InvoiceShareUsed):
        fjord.place_invoice(2, is_confirmed=False, email="dora@example.org")

    with time_machine.travel(clock.now() + TOO_LATE):
        assert fjord.place_invoice(2, email="dora@example.org").is_confirmed


def test_changing_the_tickets_does_not_make_a_hold_last_longer(asking):
    """pretix issue 1575: the time began anew whenever the number of tickets was changed."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        held = hold(asking, asking.free)
        until = held.expires_at
        traveller.shift(timedelta(minutes=3))

        changed = change_reservation(held, selection={asking.free.code: 2})

    assert changed.expires_at == until


def test_whoever_holds_the_last_places_can_still_change_how_many(kikker, in_kikker_shop):
    """Hi.Events issue 790: what a buyer held was sold out to that buyer."""
    set_event_capacity(kikker.event, capacity=5, by=kikker.owner)
    held = hold(kikker, kikker.free, 5)

    page = in_kikker_shop.get("shop:event", {"hold": held.secret})
    page.submit("Update tickets", **{f"quantity_{kikker.free.code}": "4"})

    assert stock() == (4, 0)


# One person, many addresses --------------------------------------------------------------


def test_what_stands_behind_a_plus_makes_nobody_another_person(asking):
    """stk-addons issue 166: who writes something behind a plus was never seen before."""
    allow_one_each(asking, asking.free)
    confirm(order(hold(asking, asking.free)))

    for email in ("carla+2@example.org", " Carla+3@Example.org"):
        with pytest.raises(TooManyForOnePerson):
            order(hold(asking, asking.free), email=email)
    assert order(hold(asking, asking.free), email="dora@example.org").awaits_address


def test_a_code_that_each_may_use_once_is_not_had_again_behind_a_plus(kikker):
    """Polar pull request 13402: one customer used a code again with another alias."""
    everything_off(kikker, uses_limit=None, per_email_limit=1)
    order(hold(kikker, kikker.priced, code="GUEST"))

    with pytest.raises(CodeUsedByYou):
        order(hold(kikker, kikker.priced, code="GUEST"), email="carla+2@example.org")


def test_a_mailbox_is_not_flooded_by_waitlist_mails_from_many_clients(
    join_waitlist_page, settings, queue, committing
):
    """percolator-launch pull request 2150: a waitlist wrote to one victim from many clients."""
    settings.LIMITS = {"waitlist-joins-of-an-address": (3, 3600)}
    name, network = token_hex(6), token_hex(2)

    with committing():
        statuses = [
            join_waitlist_page(f"{name}+{number}@example.org", f"2001:db8:{network}:{number}::1")
            for number in range(5)
        ]
    queue.work(committing)

    assert statuses == [302] * 3 + [422] * 2
    assert len(mail.outbox) == 3


# Many people, one address ----------------------------------------------------------------


def test_everybody_in_an_office_gets_in_line_at_the_same_moment(join_waitlist_page, settings):
    """django-ratelimit issue 56: a company has one address on the internet."""
    settings.LIMITS = {}
    office = f"2001:db8:{token_hex(2)}:1::1"

    assert {join_waitlist_page(f"{token_hex(6)}@example.org", office) for _ in range(50)} == {302}


def test_everybody_in_an_office_has_a_free_ticket(kikker, settings):
    """django-ratelimit issue 56: beyond a share they are asked for their addresses, and not refused."""
    settings.LIMITS = {}
    shares.forget_askers()
    set_event_capacity(kikker.event, capacity=400, by=kikker.owner)
    office = Asker("office", "street")

    placed = [
        order(hold(kikker, kikker.free, asker=office), email=f"colleague{number}@example.org")
        for number in range(50)
    ]
    asked = [one for one in placed if one.awaits_address]
    assert len(asked) == 10
    for one in asked:
        confirm(one)

    assert stock() == (0, 50)


# Nothing to pay --------------------------------------------------------------------------


def test_a_code_that_takes_everything_off_needs_no_payment_page(kikker, in_kikker_shop, provider):
    """stripe-payments issue 130: a discount of 100 % ended in an error of the payment page."""
    provider.is_down = True
    everything_off(kikker, uses_limit=None)
    held = hold(kikker, kikker.priced, 2, code="GUEST")

    page = in_kikker_shop.get("shop:checkout", secret=held.secret)
    assert "Payment" not in page.text()
    page.submit("Get tickets", status=303, **CARLA)

    placed = Order.objects.get()
    assert (placed.status, placed.total_minor, placed.tickets.count()) == (OrderStatus.FREE, 0, 2)
    assert provider.calls == []


def test_a_code_that_takes_everything_off_is_asked_for_the_address_as_what_is_free(asking):
    """Ticket Tailor help 4959054: bots book where no payment details are asked for."""
    everything_off(asking, uses_limit=None)

    assert order(hold(asking, asking.priced, code="GUEST"), PaymentMethod.CARD).awaits_address


def test_an_invoice_can_be_ordered_on_the_day_of_the_event(fjord):
    """alf.io issue 1415: a bank transfer on the day of the event ended in an unexpected error."""
    now = clock.now()
    change(fjord, starts_at=now, ends_at=now + timedelta(hours=8), status=EventStatus.STARTED)

    placed = fjord.place_invoice()

    assert (placed.status, placed.payment_due_at) == (OrderStatus.OFFLINE_PENDING, None)


# The waitlist ----------------------------------------------------------------------------


def test_whoever_cancels_what_the_waitlist_brought_is_not_offered_it_again(kikker):
    """pretix issue 1163: who cancelled got a new voucher, ahead of those who waited."""
    first_hold, _second_hold = sell_out(kikker)
    wim, xena = join(kikker, "Wim"), join(kikker, "Xena")
    let_go(first_hold)
    assert serve_waitlist(kikker.event.pk) == 1
    bought = place_order(
        reread(wim).reservation,
        buyer=buyer(),
        attendees=(),
        payment_method=PaymentMethod.SPONSORED,
        by=kikker.owner,
    )
    close_offers(kikker.event)

    cancel_order(bought, by=kikker.owner)
    assert serve_waitlist(kikker.event.pk) == 1

    assert states(wim, xena) == ["bought", "offered"]
