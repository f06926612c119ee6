"""The buyer's mails, ready to be sent: the letter, its twin in plain text, and what is attached."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import translation

from orders.calendar import calendar_file
from orders.documents import invoice_pdf, tickets_pdf
from orders.letters import OrderFacts, letter_for
from orders.models import Delivery, DeliveryKind, Invoice, Order
from orders.printed import tickets_of
from orders.queries import lines_of_order, offered_substitute, refunds_of
from tiqqo.ui.mails import render_letter

WITH_TICKETS = (DeliveryKind.TICKETS, DeliveryKind.REMINDER)


def order_url(order: Order) -> str:
    """The buyer's own page of the order: its secret is the permission."""
    return settings.BASE_URL + reverse(
        "shop:order",
        kwargs={
            "organiser": order.event.organiser.slug,
            "event": order.event.slug,
            "code": order.code,
            "secret": order.secret,
        },
    )


def address_url(order: Order) -> str:
    """The page that confirms that the buyer's address is theirs; nothing else can be done there."""
    if not order.address_secret:
        return ""
    return settings.BASE_URL + reverse(
        "shop:address",
        kwargs={
            "organiser": order.event.organiser.slug,
            "event": order.event.slug,
            "code": order.code,
            "secret": order.address_secret,
        },
    )


def document_of(delivery: Delivery) -> bytes | None:
    """The PDF that goes with the mail, if its kind has one."""
    if delivery.kind in WITH_TICKETS:
        return tickets_pdf(delivery.order)
    if delivery.kind == DeliveryKind.INVOICE:
        return invoice_pdf(delivery.order.invoice)
    return None


def mail_of(delivery: Delivery) -> EmailMultiAlternatives:
    """The mail, complete."""
    order = delivery.order
    organiser = order.event.organiser
    with translation.override(order.locale):
        letter = letter_for(DeliveryKind(delivery.kind), _facts(order))
        text, html = render_letter(letter)
    mail = EmailMultiAlternatives(
        subject=letter.subject,
        body=text,
        to=[order.email],
        reply_to=[organiser.support_email] if organiser.support_email else None,
        headers={"Message-ID": delivery.message_id, "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(html, "text/html")
    _attach(mail, delivery)
    return mail


def _facts(order: Order) -> OrderFacts:
    return OrderFacts(
        order=order,
        url=order_url(order),
        lines=lines_of_order(order),
        tickets=tickets_of(order),
        refunds=refunds_of(order),
        substitute=offered_substitute(order),
        invoice=Invoice.objects.filter(order=order).first(),
        address_url=address_url(order),
    )


def _attach(mail: EmailMultiAlternatives, delivery: Delivery) -> None:
    order = delivery.order
    if delivery.document:
        name = (
            f"invoice-{order.invoice.number}.pdf"
            if delivery.kind == DeliveryKind.INVOICE
            else f"tickets-{order.code}.pdf"
        )
        with delivery.document.open("rb") as document:
            mail.attach(name, document.read(), "application/pdf")
    if delivery.kind == DeliveryKind.TICKETS:
        mail.attach(
            f"{order.event.slug}.ics",
            calendar_file(
                order.event, url=order_url(order), uid=f"{order.code}@tiqqo", is_holders=True
            ),
            "text/calendar",
        )
