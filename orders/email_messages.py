"""The buyer's mails, ready to be sent: the HTML, its twin in plain text, and what is attached."""

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models.fields.files import FieldFile
from django.urls import reverse
from django.utils import translation

from orders.calendar import calendar_file
from orders.documents import invoice_pdf, tickets_pdf
from orders.emails import OrderEmailFacts, email_for
from orders.models import SLICES, Delivery, DeliveryKind, DocumentKind, Invoice, Order
from orders.operations.drawing import redraw_document, request_document
from orders.printed import tickets_of
from orders.queries import lines_of_order, mailed_document, offered_substitute, refunds_of
from orders.shown import Wanted, wanted_invoice, wanted_tickets
from tiqqo.ui.emails import render_email

WITH_TICKETS = (DeliveryKind.TICKETS, DeliveryKind.REMINDER)


def order_url(order: Order) -> str:
    """The buyer's own page of the order: its secret is the permission."""
    return settings.BASE_URL + reverse(
        "shop:order",
        kwargs={
            "organiser_slug": order.event.organiser.slug,
            "event_slug": order.event.slug,
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
            "organiser_slug": order.event.organiser.slug,
            "event_slug": order.event.slug,
            "code": order.code,
            "secret": order.address_secret,
        },
    )


@dataclass(frozen=True, slots=True)
class Attached:
    """The PDF that goes with a mail, if any, and the state of what it shows."""

    pdf: bytes | None = None
    shows: str = ""


def attached_to(delivery: Delivery) -> Attached | None:
    """What goes with the mail, drawn now or kept from before; None while a large one is being drawn."""
    order = delivery.order
    if delivery.kind in WITH_TICKETS:
        wanted = wanted_tickets(order, DocumentKind.TICKETS)
        if wanted is None:
            return Attached()
        pdf = _tickets(delivery, wanted)
        return None if pdf is None else Attached(pdf, wanted.state)
    if delivery.kind == DeliveryKind.INVOICE:
        return Attached(invoice_pdf(order.invoice), wanted_invoice(order.invoice).state)
    return Attached()


def _tickets(delivery: Delivery, wanted: Wanted) -> bytes | None:
    kept = mailed_document(delivery.order, wanted) if _is_another(delivery) else None
    if kept is not None:
        return _read(kept)
    if wanted.total <= SLICES[wanted.kind]:
        return tickets_pdf(delivery.order)
    document = request_document(wanted)
    if not document.is_in_lottery_order:
        return None
    try:
        return _read(document.file)
    except FileNotFoundError:
        redraw_document(document)
        return None


def _is_another(delivery: Delivery) -> bool:
    """Whether the tickets may have been drawn for a mail before this one."""
    return delivery.kind != DeliveryKind.TICKETS or delivery.number > 1


def _read(file: FieldFile) -> bytes:
    with file.open("rb") as opened:
        content: bytes = opened.read()
    return content


def mail_of(delivery: Delivery) -> EmailMultiAlternatives:
    """The mail, complete."""
    order = delivery.order
    organiser = order.event.organiser
    with translation.override(order.locale):
        email = email_for(DeliveryKind(delivery.kind), _facts(order))
        text, html = render_email(email)
    mail = EmailMultiAlternatives(
        subject=email.subject,
        body=text,
        to=[order.email],
        reply_to=[organiser.support_email] if organiser.support_email else None,
        headers={"Message-ID": delivery.message_id, "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(html, "text/html")
    _attach(mail, delivery)
    return mail


def _facts(order: Order) -> OrderEmailFacts:
    return OrderEmailFacts(
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
