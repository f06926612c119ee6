"""The text of every mail, beside what it was; `UPDATE_GOLDEN=1 bin/test …` rewrites."""

import re
from datetime import UTC, datetime
from pathlib import Path

import allauth
import pytest
import time_machine
from django.core import mail
from lxml import html

from accounts.emails import account_email, foreign_email
from accounts.models import Invitation
from accounts.operations import invite_member
from accounts.permissions import Role
from events.operations import change_event
from orders import operations
from orders.emails import due_words
from orders.models import Payment, RefundReason, Ticket
from orders.operations import mark_settled, send_invoice
from orders.providers import ProviderRefusal
from tests.cast import DORA
from tests.golden.compare import compare
from tiqqo.styleguide_documents import MAILS
from tiqqo.ui.colour import contrast
from tiqqo.ui.emails import DARK_SHEET, SHEET, Colours, render_email

pytestmark = pytest.mark.django_db

TODAY = datetime(2099, 3, 1, 12, tzinfo=UTC)
NIGHT = datetime(2099, 3, 6, 19, 30, tzinfo=UTC)
LATE = datetime(2099, 3, 7, 1, 0, tzinfo=UTC)


@pytest.fixture
def house(fjord):
    """The conference at a date that stays."""
    change_event(fjord.event, by=fjord.owner, starts_at=NIGHT, ends_at=LATE)
    return fjord


@pytest.fixture
def worked(queue, committing):
    """The block's commit and the worker's part of it; the mails that went out."""

    def work(make):
        with committing():
            made = make()
        assert queue.work(committing) == []
        return made, list(mail.outbox)

    return work


def steady(text, order):
    """The text with names instead of what is new in every run."""
    names = {order.code: "ORDER", order.secret: "SECRET"}
    for number, ticket in enumerate(Ticket.objects.filter(order=order).order_by("id"), start=1):
        names[ticket.code] = f"TICKET-{number}"
    if order.payment_due_at is not None:
        names[due_words(order)] = "DUE"
    for value, name in names.items():
        text = text.replace(value, name)
    return text


def written(message):
    """Subject, addresses, text, and the names of what is attached."""
    files = [f"Attached: {name} ({kind})" for name, _content, kind in message.attachments]
    head = [
        f"Subject: {message.subject}",
        f"To: {', '.join(message.to)}",
        f"Reply-To: {', '.join(message.reply_to)}",
        *files,
    ]
    return "\n".join(head) + "\n\n" + message.body.strip() + "\n"


def html_of(message):
    [(body, kind)] = [(part.content, part.mimetype) for part in message.alternatives]
    assert kind == "text/html"
    return html.fromstring(body)


def test_tickets_mail(house, worked):
    order, [message] = worked(lambda: house.place_free(2, attendees=(DORA,)))

    compare("mail-tickets.txt", steady(written(message), order))
    assert message.extra_headers["Message-ID"] == order.deliveries.get().message_id
    page = html_of(message)
    assert page.xpath("//a[@class='button']/@href")[0].endswith(
        f"/fjord-tech/fjord-tech-summit/orders/{order.code}/{order.secret}/"
    )
    assert page.xpath("//img | //script | //link") == []
    [stub] = page.xpath("//table[@class='stub']")
    assert "Dora Guest" in stub.text_content() and "Carla Buyer" in stub.text_content()


def test_mail_of_a_settled_invoice(house, worked):
    order, _messages = worked(lambda: house.place_invoice(2))
    mail.outbox.clear()

    _order, [message] = worked(lambda: mark_settled(order, by=house.owner))

    compare("mail-tickets-invoice.txt", steady(written(message), order))


def test_received_mail(house, worked):
    order, [message] = worked(lambda: house.place_invoice(2))

    compare("mail-received.txt", steady(written(message), order))


def test_invoice_mail(house, worked):
    order, _messages = worked(lambda: house.place_invoice(2, purchase_number="PO 7"))
    mail.outbox.clear()

    with time_machine.travel(TODAY, tick=False):
        _order, [message] = worked(lambda: send_invoice(order, by=house.owner))

    compare("mail-invoice.txt", steady(written(message), order))


def test_reminder_mail(house, worked):
    order, _messages = worked(lambda: house.place_free(1))
    mail.outbox.clear()

    with time_machine.travel(NIGHT.replace(day=5), tick=False):
        _asked, [message] = worked(lambda: operations.request_reminder(order))

    compare("mail-reminder.txt", steady(written(message), order))


@pytest.mark.parametrize(("hour", "word"), [(10, "Tomorrow"), (23, "Today")])
def test_reminder_that_was_late_does_not_say_tomorrow(house, worked, hour, word):
    """In Copenhagen it is one hour later: after 23 o'clock UTC the day of the event has begun."""
    order, _messages = worked(lambda: house.place_free(1))
    mail.outbox.clear()

    with time_machine.travel(NIGHT.replace(day=5, hour=hour), tick=False):
        _asked, [message] = worked(lambda: operations.request_reminder(order))

    assert message.subject == f"{word}: Fjord Tech Summit"


def test_refunded_mail(house, worked, provider):
    order, payment = house.begin_payment()
    operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")
    second = Payment.objects.create(
        order=order, attempt=2, amount_minor=order.total_minor, currency=order.currency
    )
    mail.outbox.clear()
    provider.took("pi_2", order.total)

    _order, messages = worked(
        lambda: operations.confirm_payment(second, paid=order.total, intent_id="pi_2")
    )

    [message] = [m for m in messages if "on its way back" in m.subject]
    compare("mail-refunded.txt", steady(written(message), order))
    assert [amount.minor for _intent, amount in provider.refunded] == [order.total_minor]


def test_canceled_mail(house, worked):
    order, _messages = worked(lambda: house.place_free(2))

    _order, messages = worked(lambda: operations.cancel_order(order, by=house.owner))

    compare("mail-canceled.txt", steady(written(messages[-1]), order))


def test_refund_failed_mail(house, worked, provider):
    order, payment = house.begin_payment()
    provider.pay(payment.session_id)
    operations.confirm_payment(
        payment, paid=order.total, intent_id=provider.pages[payment.session_id].intent_id
    )
    provider.refuses = ProviderRefusal("The charge is disputed.", code="charge_disputed")

    _refund, messages = worked(
        lambda: operations.request_refund(
            payment, amount=order.total, reason=RefundReason.REQUESTED, by=house.owner
        )
    )

    # The tickets and the first mail about the money were overtaken.
    [message] = messages
    compare("mail-refund-failed.txt", steady(written(message), order))


@time_machine.travel(datetime(2026, 11, 22, 9, 0, tzinfo=UTC), tick=False)
def test_invitation_mail(house, worked):
    _made, [message] = worked(
        lambda: invite_member(
            house.organiser, email="nils@example.org", role=Role.MANAGER, by=house.owner
        )
    )

    secret = Invitation.objects.get().secret
    compare("mail-invitation.txt", written(message).replace(secret, "SECRET"))


def test_mail_is_in_the_buyers_language_where_there_is_one(house, worked):
    order, [message] = worked(lambda: house.place_free(1))

    assert order.locale == "en"
    assert html_of(message).xpath("//html/@lang") == ["en"]


def test_names_cannot_break_out_of_a_mail(house, worked):
    _order, [message] = worked(
        lambda: house.place_free(1, first_name="<b>Bo</b>", last_name='"x" & y')
    )

    assert "Hello," in message.body
    assert '<b>Bo</b> "x" & y' in message.body
    assert html_of(message).xpath("//b") == []


def test_subject_stays_on_one_line(house, worked):
    change_event(house.event, by=house.owner, name="Two lines: really")

    _order, [message] = worked(lambda: house.place_free(1))

    assert "\n" not in message.subject


# The design ------------------------------------------------------------------------------


@pytest.fixture(params=sorted(MAILS))
def rendered(request):
    """Every mail of the style guide: (letter, text, html)."""
    letter = MAILS[request.param]()
    return letter, *render_email(letter)


def test_nothing_is_loaded_and_the_layout_is_for_outlook(rendered):
    _email, _text, body = rendered
    page = html.fromstring(body)

    assert page.xpath("//img | //script | //link | //@background") == []
    assert "url(" not in body and "@import" not in body
    assert all(
        table.get("width") or "action" in table.get("class", "") or "code" in table.get("class", "")
        for table in page.xpath("//table")
    )
    assert "<!--[if mso]><table" in body
    assert body.count("<v:roundrect") == len(page.xpath("//a[contains(@class, 'button')]"))


def test_styles_stand_on_the_elements(rendered):
    """Mail programs that drop the head still show the page as it is meant."""
    _email, _text, body = rendered
    page = html.fromstring(body)

    for path in ("//h1", "//p", "//a", "//td[@class='sheet']", "//td[@class='foot']"):
        assert all(element.get("style") for element in page.xpath(path)), path


def test_the_twin_says_what_the_page_says(rendered):
    letter, text, body = rendered
    page = html.fromstring(body)
    for hidden in page.xpath("//*[@class='preheader'] | //head"):
        hidden.drop_tree()

    said = set(re.findall(r"\w{3,}", " ".join(page.xpath("//body//text()"))))
    assert said - set(re.findall(r"\w{3,}", text)) == set()
    for link in page.xpath("//a[starts-with(@href, 'http')]/@href"):
        assert link in text
    assert letter.heading in text


def test_a_mail_has_one_heading_a_language_and_the_dark(rendered):
    letter, _text, body = rendered
    page = html.fromstring(body)

    assert [h.text_content() for h in page.iter("h1")] == [letter.heading]
    assert page.xpath("//html/@lang") == ["en"]
    assert page.xpath("//meta[@name='color-scheme']/@content") == ["light dark"]
    assert "@media (prefers-color-scheme: dark)" in body
    assert len(body) < 60_000, "above 102 KB Gmail cuts a mail off; no mail comes near"


@pytest.mark.parametrize("accent", ["#ffffff", "#000000", "#f2c14e", "#1d4f7c", "#7f7f7f", "", "x"])
def test_every_accent_can_be_read_in_light_and_in_dark(accent):
    colours = Colours.of(accent)

    assert contrast(colours.fill, colours.ink) >= 4.5
    assert contrast(colours.dark_fill, colours.dark_ink) >= 4.5
    assert contrast(colours.text, SHEET) >= 4.5
    assert contrast(colours.dark_text, DARK_SHEET) >= 4.5


# Accounts --------------------------------------------------------------------------------


def mails_of_allauth():
    """The prefixes of every mail that allauth has a template for, in the apps that we use."""
    root = Path(allauth.__file__).parent / "templates"
    if not root.is_dir():
        root = Path(allauth.__file__).parent
    for app in ("account", "mfa"):
        for path in root.rglob(f"{app}/email/*_subject.txt"):
            yield f"{app}/email/" + path.name.removesuffix("_subject.txt")


CONTEXT = {
    "email": "bo@example.org",
    "code": "K7QX-29FM",
    "activate_url": "http://127.0.0.1/a",
    "password_reset_url": "http://127.0.0.1/p",
    "signup_url": "http://127.0.0.1/s",
    "from_email": "old@example.org",
    "to_email": "new@example.org",
    "deleted_email": "old@example.org",
    "timestamp": NIGHT,
    "ip": "203.0.113.7",
    "user_agent": "<b>Browser</b>",
}


def test_every_mail_of_allauth_has_our_words():
    prefixes = set(mails_of_allauth())

    assert {"account/email/password_reset_code", "mfa/email/webauthn_added"} <= prefixes
    assert [p for p in sorted(prefixes) if account_email(p, CONTEXT) is None] == []


def test_a_notice_cannot_be_broken_by_a_browsers_name():
    _text, body = render_email(account_email("account/email/password_changed", CONTEXT))

    assert "<b>Browser</b>" not in body and "&lt;b&gt;Browser&lt;/b&gt;" in body


def test_a_mail_that_we_have_no_words_for_keeps_its_own():
    assert account_email("account/email/from_the_future", CONTEXT) is None

    text, body = render_email(foreign_email("Hello", "First.\n\nSee http://127.0.0.1/x"))

    assert "First.\n\nSee http://127.0.0.1/x" in text
    assert html.fromstring(body).xpath("//p/a/@href") == ["http://127.0.0.1/x"]
