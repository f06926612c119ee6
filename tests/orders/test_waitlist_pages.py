"""The public waitlist and the organiser's: getting in line, one's own place, mails, steering."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
import time_machine
from django.core import mail

from orders.tasks import sweep_waitlist_emails
from tests.ticketing.waitlists import join, let_go, reread, sell_out, waiting_by_pool, wish
from ticketing.models import (
    CapacityPool,
    TicketType,
    TimeSlot,
    WaitlistEntry,
    WaitlistMethod,
    WaitlistRequest,
)
from ticketing.operations import (
    close_offers,
    close_waitlist,
    confirm_reservation,
    expire_reservations,
    leave_waitlist,
    serve_waitlist,
)
from ticketing.tasks import forget_waitlist_requests
from tiqqo.core import clock

pytestmark = pytest.mark.django_db

WIM = {"name": "Wim Hendriks", "email": "wim@example.org", "quantity": "2", "consent": "on"}
CONSENT = "Blauwe Kikker may write to me about my place in line and the tickets held for me."


@pytest.fixture
def shop(in_kikker_shop):
    return in_kikker_shop


@pytest.fixture
def sold_out(shop):
    """Both types are sold out; the holds."""
    with shop.house.scope():
        return sell_out(shop.house)


def join_page(shop, **query):
    return shop.get("shop:waitlist", query)


def ticked(page):
    return page.attributes("input[name=wishes][checked]", "value")


def asked(shop, page, wishes, **facts):
    """Wim has sent the form; what he sees then."""
    return page.client.follow(page.submit("Join the waitlist", wishes=wishes, **(WIM | facts)))


def confirmed(shop, _asked):
    """Wim has opened the link in his mail, and pressed the button; what he sees then."""
    with shop.house.scope():
        request = WaitlistRequest.objects.get()
    question = shop.get("shop:waitlist_entry", secret=request.secret)
    return question.client.follow(question.submit("Yes, I want to wait"))


def on_waitlist(shop, name="Wim", quantity=1, **facts):
    with shop.house.scope():
        return join(shop.house, name, quantity, **facts)


def offered(shop, holds):
    """Wim has an offer."""
    entry = on_waitlist(shop)
    with shop.house.scope():
        let_go(holds[0])
        assert serve_waitlist(shop.house.event) == 1
        return reread(entry)


# Getting in line ------------------------------------------------------------------------


def test_a_visitor_gets_in_line_and_sees_their_place(shop, sold_out):
    page = join_page(shop)
    assert page.h1 == "Waitlist"
    assert page.texts("label")[:2] == ["Regular", "Under 12"]
    regular = page.attributes("input[name=wishes]", "value")[0]

    own = confirmed(shop, asked(shop, page, regular))

    assert own.h1 == "You are on the waitlist"
    assert "You are number 1 in line." in own.text()
    assert "2 tickets: Regular" in own.text()
    with shop.house.scope():
        entry = WaitlistEntry.objects.get()
    assert (entry.name, entry.email, entry.quantity) == ("Wim Hendriks", "wim@example.org", 2)
    assert entry.consent_text == CONSENT
    assert own.address.endswith(f"/waitlist/{entry.secret}/")


def test_until_the_address_is_confirmed_nobody_is_in_line(shop, sold_out, queue, committing):
    queue.clear()
    page = join_page(shop)
    regular = page.attributes("input[name=wishes]", "value")[0]
    with committing():
        said = asked(shop, page, regular)
    assert queue.work(committing) == []

    assert said.h1 == "Look in your mail"
    [message] = mail.outbox
    assert message.to == ["wim@example.org"]
    assert message.subject == "Do you want to wait for Night of the Blue Note?"
    for words in ("Hello,", "2 tickets: Regular", "waitlist/"):
        assert words in message.body, message.body
    # Nothing that the stranger typed but what can be waited for.
    assert "Hendriks" not in message.body
    with shop.house.scope():
        request = WaitlistRequest.objects.get()
        assert request.secret in message.body
        assert (WaitlistEntry.objects.count(), waiting_by_pool()) == (0, {})
        let_go(sold_out[0])
        assert serve_waitlist(shop.house.event) == 0
    # Opening the link confirms nothing, as often as scanners may do it.
    for _time in range(3):
        question = shop.get("shop:waitlist_entry", secret=request.secret)
    assert question.h1 == "Do you want to wait?"
    with shop.house.scope():
        assert WaitlistEntry.objects.count() == 0


def test_confirming_twice_is_harmless_and_no_second_mail_goes_out(
    shop, sold_out, queue, committing
):
    page = join_page(shop)
    asked(shop, page, page.attributes("input[name=wishes]", "value")[0])
    with shop.house.scope():
        request = WaitlistRequest.objects.get()
    question = shop.get("shop:waitlist_entry", secret=request.secret)
    queue.clear()
    with committing():
        first = question.submit("Yes, I want to wait")
        again = question.submit("Yes, I want to wait")

    assert first.headers["Location"] == again.headers["Location"]
    assert queue.work(committing) == []
    assert sweep_waitlist_emails() == 0
    assert mail.outbox == []
    with shop.house.scope():
        assert WaitlistEntry.objects.get().secret == request.secret
        assert WaitlistRequest.objects.count() == 0


def test_what_came_free_before_it_was_confirmed_is_bought_in_the_shop(shop, sold_out):
    page = join_page(shop)
    asked(shop, page, page.attributes("input[name=wishes]", "value")[0])
    with shop.house.scope():
        request = WaitlistRequest.objects.get()
        let_go(*sold_out)
    question = shop.get("shop:waitlist_entry", secret=request.secret)

    refused = question.submit("Yes, I want to wait", status=422)

    assert "Regular is not sold out. You can buy it in the shop now." in refused.text()
    with shop.house.scope():
        assert WaitlistEntry.objects.count() == 0


def test_a_link_that_is_over_is_nowhere(shop, sold_out):
    page = join_page(shop)
    asked(shop, page, page.attributes("input[name=wishes]", "value")[0])
    with shop.house.scope():
        request = WaitlistRequest.objects.get()

    with time_machine.travel(clock.now() + timedelta(days=1, seconds=1)):
        shop.get("shop:waitlist_entry", secret=request.secret, status=404)
        assert forget_waitlist_requests() == 1
        assert forget_waitlist_requests() == 0


@pytest.mark.parametrize("name", ["https://evil.example", "evil.com", "Wim\u202e"])
def test_nobody_waits_under_an_address(shop, sold_out, name):
    page = join_page(shop)
    regular = page.attributes("input[name=wishes]", "value")[0]

    refused = page.submit("Join the waitlist", status=422, wishes=regular, **(WIM | {"name": name}))

    assert list(refused.errors) == ["name"]


def test_several_wishes_are_one_place(shop, sold_out):
    page = join_page(shop)
    codes = page.attributes("input[name=wishes]", "value")

    own = confirmed(shop, asked(shop, page, codes))

    assert "2 tickets: Regular or Under 12" in own.text()


def test_the_link_from_the_shop_ticks_what_it_is_about(shop, sold_out):
    with shop.house.scope():
        code = shop.house.free.ticket_type.code

    assert ticked(join_page(shop, type=code)) == [f"{code}.."]
    assert ticked(join_page(shop)) == []


def test_the_shop_leads_to_the_waitlist(shop, sold_out):
    links = shop.get("shop:event").links()

    assert shop.url("shop:waitlist") in " ".join(links.values())


def test_what_is_missing_is_said_and_what_was_typed_stays(shop, sold_out):
    page = join_page(shop).submit(
        "Join the waitlist", status=422, quantity="0", name="Wim", email="wim"
    )

    assert page.errors["quantity"] == "Ensure this value is greater than or equal to 1."
    assert page.errors["email"] == "Enter an e-mail address such as name@example.org."
    assert page.errors["consent"] == "Tick the box, so that we may write to you."
    assert "Choose an answer for “What do you wait for?”." in page.text("error-summary")
    assert page.attributes("#id_name", "value") == ["Wim"]


def test_no_more_than_one_order_may_have(shop, sold_out):
    page = join_page(shop)
    regular = page.attributes("input[name=wishes]", "value")[0]

    refused = page.submit(
        "Join the waitlist", status=422, wishes=regular, **(WIM | {"quantity": "21"})
    )

    assert refused.errors == {"quantity": "Ensure this value is less than or equal to 20."}


def test_an_address_in_line_is_told_by_mail_and_nothing_else_is_said(
    shop, sold_out, queue, committing
):
    entry = on_waitlist(shop)
    queue.work(committing)
    with shop.house.scope():
        WaitlistEntry.objects.update(told="waiting", told_at=clock.now())
    page = join_page(shop)
    regular = page.attributes("input[name=wishes]", "value")[0]
    sent = len(mail.outbox)

    with time_machine.travel(clock.now() + timedelta(hours=1)):
        with committing():
            said = asked(shop, page, regular)
        queue.work(committing)
        with committing():
            other = join_page(shop).submit(
                "Join the waitlist", wishes=regular, **(WIM | {"email": "new@example.org"})
            )

    # As for an address that is not in line.
    assert said.address == other.headers["Location"]
    assert said.h1 == "Look in your mail"
    assert entry.secret not in said.response.content.decode()
    assert [message.to for message in mail.outbox[sent:]] == [["wim@example.org"]]
    assert entry.secret in mail.outbox[-1].body


def test_without_a_waitlist_the_page_says_so(shop):
    page = shop.get("shop:waitlist", status=404)

    assert "This event has no waitlist." in page.text()
    assert page.links()["Back to the shop"] == shop.url("shop:event")


def test_a_closed_waitlist_has_no_form_and_takes_nobody(shop, sold_out):
    form = join_page(shop)
    with shop.house.scope():
        close_waitlist(shop.house.event, by=shop.house.owner)

    assert "The waitlist takes nobody new" in join_page(shop).text()
    assert not join_page(shop).all("form[method=post] [name=email]")
    regular = form.attributes("input[name=wishes]", "value")[0]
    refused = form.submit("Join the waitlist", status=422, wishes=regular, **WIM)
    assert "The waitlist takes nobody new" in refused.text()


def test_what_came_free_in_the_meantime_is_bought_in_the_shop(shop, sold_out):
    page = join_page(shop)
    regular = page.attributes("input[name=wishes]", "value")[0]
    with shop.house.scope():
        let_go(sold_out[0])

    refused = page.submit("Join the waitlist", status=422, wishes=regular, **WIM)

    assert "Nothing is sold out" in refused.text()
    assert "Nothing is sold out" in join_page(shop).text()


def test_an_event_that_is_over_takes_nobody(shop, sold_out):
    with time_machine.travel(shop.house.event.ends_at):
        assert "This event sells no tickets any more" in join_page(shop).text()


def test_times_that_are_full_are_chosen_day_by_day(shop):
    house = shop.house
    with house.scope():
        TicketType.objects.filter(pk=house.priced.ticket_type_id).update(is_timed=True)
        slots = [
            TimeSlot.objects.create(event=house.event, starts_at=house.event.starts_at + after)
            for after in (timedelta(0), timedelta(hours=1), timedelta(days=1))
        ]
        for slot in slots:
            CapacityPool.objects.create(event=house.event, slot=slot, capacity=0)
        sell_out(house, 0)

        code = house.priced.ticket_type.code

    first = join_page(shop)
    last = join_page(shop, type=code, slot=slots[2].code)

    values = "input[name=wishes]"
    assert first.attributes(values, "value")[:2] == [f"{code}..{slot.code}" for slot in slots[:2]]
    assert ticked(last) == [f"{code}..{slots[2].code}"]
    assert len(last.all("nav.slot-picker__days a")) == 2
    own = confirmed(shop, asked(shop, last, f"{code}..{slots[2].code}"))
    assert "2 tickets: Regular · " in own.text()


# One's own place ------------------------------------------------------------------------


def test_a_place_is_left_after_a_question(shop, sold_out):
    entry = on_waitlist(shop)
    own = shop.get("shop:waitlist_entry", secret=entry.secret)

    question = own.client.get_page(own.links()["Leave the waitlist"])
    assert question.h1 == "Leave the waitlist?"
    left = question.client.follow(question.submit("Leave the waitlist"))

    assert left.h1 == "You left the waitlist"
    assert left.links()["Join the waitlist again"] == shop.url("shop:waitlist")
    with shop.house.scope():
        assert reread(entry).status == "left"


def test_an_offer_leads_to_its_checkout(shop, sold_out):
    entry = offered(shop, sold_out)

    own = shop.get("shop:waitlist_entry", secret=entry.secret)

    assert own.h1 == "Tickets are held for you"
    assert "Your tickets are held until" in own.text()
    assert "1 × Regular" in own.text()
    checkout = own.client.get_page(own.links()["Get your tickets"])
    assert checkout.h1 == "Checkout"


def test_an_offer_is_bought_as_any_other_hold(shop, sold_out, queue):
    entry = offered(shop, sold_out)
    with shop.house.scope():
        confirm_reservation(entry.reservation)

    assert shop.get("shop:waitlist_entry", secret=entry.secret).h1 == "You have your tickets"
    with shop.house.scope():
        close_offers(shop.house.event)
    assert shop.get("shop:waitlist_entry", secret=entry.secret).h1 == "You have your tickets"


def test_an_offer_whose_time_is_over_says_so_before_any_sweeper(shop, sold_out):
    entry = offered(shop, sold_out)

    with time_machine.travel(entry.reservation.expires_at + timedelta(seconds=1)):
        own = shop.get("shop:waitlist_entry", secret=entry.secret)

    assert own.h1 == "Your time is over"
    assert own.links()["Join the waitlist again"] == shop.url("shop:waitlist")


def test_a_place_in_a_lottery_has_no_number_before_the_draw(shop):
    with shop.house.scope():
        sell_out(shop.house, method=WaitlistMethod.LOTTERY)
    entry = on_waitlist(shop)

    own = shop.get("shop:waitlist_entry", secret=entry.secret)

    assert "Who is offered tickets is decided by lot." in own.text()
    assert "number" not in own.text()


def test_a_secret_of_nobody_and_of_another_event_is_not_found(shop, sold_out, cast):
    entry = on_waitlist(shop)

    shop.get("shop:waitlist_entry", secret="nobody", status=404)
    at_fjord = {
        "organiser_slug": "fjord-tech",
        "event_slug": cast.fjord.event.slug,
        "secret": entry.secret,
    }
    url = shop.url("shop:waitlist_entry", secret=entry.secret)
    for name, here in (("organiser_slug", "blauwe-kikker"), ("event_slug", cast.kikker.event.slug)):
        url = url.replace(here, at_fjord[name])
    shop.pages.get_page(url, status=404)


# Mails ----------------------------------------------------------------------------------


def test_whoever_gets_in_line_has_a_mail_with_the_way_back(shop, sold_out, queue, committing):
    queue.clear()
    with committing():
        entry = on_waitlist(shop, quantity=2)
    assert queue.work(committing) == []

    [message] = mail.outbox
    assert message.to == ["wim@example.org"]
    assert message.reply_to == ["help@blauwekikker.example"]
    assert message.subject == "You are on the waitlist for Night of the Blue Note"
    for words in ("Hello Wim,", "2 tickets: Regular", entry.secret, "Place in line: 1"):
        assert words in message.body, message.body
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    assert entry.secret in html


def test_an_offer_is_told_with_its_end_in_the_language_of_the_entry(
    shop, sold_out, queue, committing
):
    entry = on_waitlist(shop, locale="de")
    with shop.house.scope():
        let_go(sold_out[0])
        queue.clear()
        with committing():
            serve_waitlist(shop.house.event)
        entry = reread(entry)
    assert queue.work(committing) == []

    [message] = mail.outbox
    assert "Tickets für Sie" in message.subject
    assert entry.reservation.secret in message.body
    until = shop.house.event.local(entry.reservation.expires_at)
    assert f"{until:%H:%M}" in message.body


def test_an_offer_that_lapsed_is_told_with_the_way_back(shop, sold_out, queue, committing):
    entry = offered(shop, sold_out)
    with time_machine.travel(entry.reservation.expires_at + timedelta(seconds=1)):
        with shop.house.scope():
            queue.clear()
            expire_reservations(at=clock.now())
            with committing():
                close_offers(shop.house.event)
        assert queue.work(committing) == []

    [message] = mail.outbox
    assert message.subject == "Your tickets for Night of the Blue Note went to the next in line"
    assert shop.url("shop:waitlist") in message.body


def test_a_mail_that_was_missed_is_sent_once_by_the_sweeper(shop, sold_out, queue, committing):
    on_waitlist(shop)
    queue.clear()

    assert sweep_waitlist_emails() == 1
    assert queue.work(committing) == []
    assert sweep_waitlist_emails() == 0

    assert len(mail.outbox) == 1


def test_whom_the_mail_server_refuses_is_not_written_to_again_about_this(
    shop, sold_out, queue, committing, monkeypatch
):
    def refuse(mail, fail_silently=False):
        raise SMTPRecipientsRefused({"x": (550, b"no such user")})

    on_waitlist(shop)
    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)

    assert sweep_waitlist_emails() == 1
    assert queue.work(committing) == []
    assert sweep_waitlist_emails() == 0


def test_who_left_hears_nothing(shop, sold_out, queue):
    entry = on_waitlist(shop)
    with shop.house.scope():
        leave_waitlist(entry)
    queue.clear()

    assert sweep_waitlist_emails() == 0


# The organiser --------------------------------------------------------------------------


@pytest.fixture
def desk(at_kikker):
    return at_kikker


def test_an_event_without_a_waitlist_offers_to_open_one(desk):
    page = desk.get("ticketing:waitlist")
    assert "No waitlist yet" in page.text()

    form = page.client.get_page(page.links()["Open a waitlist"])
    opened = form.client.follow(form.submit("Open waitlist", method="lottery", offer_hours="24"))

    assert "The waitlist is open." in " ".join(opened.alerts)
    assert "By lot · an offer lasts 24 hours" in opened.text()
    assert "Nobody waits" in opened.text()


@pytest.mark.parametrize("hours", ["0", "169", ""])
def test_an_offer_lasts_from_an_hour_to_a_week(desk, hours):
    form = desk.get("ticketing:waitlist_settings")

    refused = form.submit("Open waitlist", status=422, offer_hours=hours)

    assert list(refused.errors) == ["offer_hours"]


@pytest.fixture
def line(desk):
    """Wim and Xena wait; the holds of the places they wait for."""
    with desk.house.scope():
        holds = sell_out(desk.house)
        join(desk.house, "Wim", 2)
        join(desk.house, "Xena", 1, wish(desk.house.priced), wish(desk.house.free))
    return holds


def test_the_line_is_shown_in_order(desk, line):
    page = desk.get("ticketing:waitlist")

    assert [row[:4] for row in page.rows] == [
        ["1", "Wim wim@example.org", "Regular", "2"],
        ["2", "Xena xena@example.org", "Regular, Under 12", "1"],
    ]
    assert page.texts(".kpi")[:2] == ["Waiting 2 3 tickets", "Offered 0 0 tickets"]


def test_the_line_costs_as_many_queries_for_few_as_for_many(desk, line, expect_queries):
    desk.get("ticketing:waitlist")
    with desk.house.scope():
        for number in range(5):
            join(desk.house, f"W{number}")
    # session · user, member, event, policy, undrawn, counts, line, wishes, their organisers
    with expect_queries(10):
        desk.get("ticketing:waitlist")


def test_somebody_is_put_ahead_and_back(desk, line):
    page = desk.get("ticketing:waitlist")
    after = page.client.follow(page.submit("Put ahead Xena"))
    assert [row[1].split()[0] for row in after.rows] == ["Xena", "Wim"]

    again = after.client.follow(after.submit("Put back Xena"))
    assert [row[1].split()[0] for row in again.rows] == ["Wim", "Xena"]


def test_an_offer_by_hand_is_refused_without_places_and_made_with_them(desk, line):
    page = desk.get("ticketing:waitlist")
    refused = page.submit("Offer now Xena", status=409)
    assert "No place is free of what they wait for." in refused.text("main")

    with desk.house.scope():
        let_go(line[0])
    page = desk.get("ticketing:waitlist")
    after = page.client.follow(page.submit("Offer now Xena"))
    assert "The places are held for Xena, who gets a mail." in " ".join(after.alerts)
    offered_page = desk.get("ticketing:waitlist", {"status": "offered"})
    assert [row[0] for row in offered_page.rows] == ["Xena xena@example.org"]
    assert offered_page.all("count-down")


def test_somebody_is_taken_out_after_a_question(desk, line):
    page = desk.get("ticketing:waitlist")
    question = page.client.get_page(page.links()["Take out Wim"])
    assert question.h1 == "Take Wim out of line?"

    after = question.client.follow(question.submit("Take out of line"))

    assert [row[1].split()[0] for row in after.rows] == ["Xena"]
    left = desk.get("ticketing:waitlist", {"status": "left"})
    assert [row[0].split()[0] for row in left.rows] == ["Wim"]


def test_the_waitlist_is_closed_paused_and_opened_again(desk, line):
    page = desk.get("ticketing:waitlist")
    for button, words in (
        ("Take nobody new", "Closed to newcomers"),
        ("Pause offers", "Offers paused"),
        ("Take people again", "Open"),
        ("Resume offers", "Offers go out"),
    ):
        page = page.client.follow(page.submit(button))
        assert words in page.texts(".pill"), button


def test_the_draw_is_held_after_a_question(desk):
    with desk.house.scope():
        sell_out(desk.house, method=WaitlistMethod.LOTTERY)
        for name in ("Wim", "Xena", "Yara"):
            join(desk.house, name)
    page = desk.get("ticketing:waitlist")
    assert "3 people wait for the draw" in " ".join(page.alerts)
    assert [row[0] for row in page.rows] == ["–", "–", "–"]

    question = page.client.get_page(page.links()["Hold the draw"])
    after = question.client.follow(question.submit("Draw 3 places"))

    assert [row[0] for row in after.rows] == ["1", "2", "3"]
    assert "There is nobody to draw for." in desk.get("ticketing:waitlist_draw").text()


def test_the_list_goes_on_page_by_page(desk, line, monkeypatch):
    monkeypatch.setattr("tiqqo.core.paging.PAGE_SIZE", 1)

    first = desk.get("ticketing:waitlist")
    second = first.client.get_page(first.address.split("?")[0] + first.links("nav a")["Next"])

    assert [row[:2] for row in second.rows] == [["2", "Xena xena@example.org"]]
    assert "Next" not in second.links("nav a")


@pytest.mark.parametrize("query", [{"status": "gone"}, {"after": "x"}, {"after": "999999"}])
def test_a_page_that_there_is_not_is_not_found(desk, line, query):
    desk.get("ticketing:waitlist", query, status=404)


def test_another_organiser_finds_nothing(cast, at_fjord):
    with cast.kikker.scope():
        sell_out(cast.kikker)
        entry = join(cast.kikker)
    at_fjord.get("ticketing:waitlist_removal", entry_id=entry.pk, status=404)
