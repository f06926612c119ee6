"""The text of every mail and of the PDF, beside what it was; `UPDATE_GOLDEN=1 bin/test …` rewrites."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.core import mail
from lxml import html
from pypdf import PdfReader

from accounts.models import Invitation
from accounts.operations import invite_member
from accounts.permissions import Role
from events.operations import change_event
from orders import operations
from orders.models import Delivery, DeliveryStatus, Payment, Ticket
from orders.operations import mark_settled
from tests.cast import DORA
from tests.golden.compare import compare

pytestmark = pytest.mark.django_db

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
    assert message.extra_headers["Message-ID"].startswith(f"<{order.code}.tickets.1.")
    page = html_of(message)
    assert page.xpath("//a[@class='button']/@href")[0].endswith(
        f"/fjord-tech/fjord-tech-summit/orders/{order.code}/{order.secret}/"
    )
    assert page.xpath("//img | //script | //link") == []


def test_mail_of_a_settled_invoice(house, worked):
    order, _messages = worked(lambda: house.place_invoice(2))
    mail.outbox.clear()

    _order, [message] = worked(lambda: mark_settled(order, by=house.owner))

    compare("mail-tickets-invoice.txt", steady(written(message), order))


def test_received_mail(house, worked):
    order, [message] = worked(lambda: house.place_invoice(2))

    compare("mail-received.txt", steady(written(message), order))


def test_refunded_mail(house, worked, provider):
    order, payment = house.begin_payment()
    operations.confirm_payment(payment, paid=order.total, intent_id="pi_1")
    second = Payment.objects.create(
        order=order, attempt=2, amount_minor=order.total_minor, currency=order.currency
    )
    mail.outbox.clear()

    _order, messages = worked(
        lambda: operations.confirm_payment(second, paid=order.total, intent_id="pi_2")
    )

    [message] = [m for m in messages if "on its way back" in m.subject]
    compare("mail-refunded.txt", steady(written(message), order))
    assert [amount.minor for _intent, amount in provider.refunded] == [order.total_minor]


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

    assert "Hello <b>Bo</b>," in message.body
    assert html_of(message).xpath("//b") == []


def test_subject_stays_on_one_line(house, worked):
    change_event(house.event, by=house.owner, name="Two lines: really")

    _order, [message] = worked(lambda: house.place_free(1))

    assert "\n" not in message.subject


def test_ticket_document(house, worked):
    order, _messages = worked(lambda: house.place_free(2, attendees=(DORA,)))

    delivery = Delivery.objects.get()
    assert delivery.status == DeliveryStatus.SENT
    with delivery.document.open("rb") as document:
        pdf = PdfReader(BytesIO(document.read()))
    text = "\n--- page ---\n".join(
        "\n".join(line.strip() for line in page.extract_text().splitlines() if line.strip())
        for page in pdf.pages
    )

    assert len(pdf.pages) == 2
    assert pdf.metadata.title == "Tickets for Fjord Tech Summit"
    assert pdf.trailer["/Root"]["/Lang"] == "en"
    compare("ticket-pdf.txt", steady(text, order) + "\n")
