"""The buyer's mails: one mail with everything."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from orders.calendar import calendar_file
from orders.documents import tickets_pdf
from orders.models import Delivery, DeliveryKind, Order, Refund, Ticket
from tiqqo.ui.mails import render_mail


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


def document_of(delivery: Delivery) -> bytes | None:
    """The PDF that goes with the mail, if its kind has one."""
    return tickets_pdf(delivery.order) if delivery.kind == DeliveryKind.TICKETS else None


def mail_of(delivery: Delivery) -> EmailMultiAlternatives:
    """The mail, complete: text, HTML, and for tickets the PDF and the calendar file."""
    order = delivery.order
    with translation.override(order.locale):
        text, html = render_mail(
            f"orders/emails/{delivery.kind}",
            {
                "order": order,
                "event": order.event,
                "lines": list(order.lines.order_by("id")),
                "tickets": list(
                    Ticket.objects.valid().select_related("ticket_type").filter(order=order)
                ),
                "refunds": list(
                    Refund.objects.select_related("payment").filter(payment__order=order)
                ),
                "order_url": order_url(order),
            },
        )
        subject = _subject(delivery)
    organiser = order.event.organiser
    mail = EmailMultiAlternatives(
        subject=subject,
        body=text,
        to=[order.email],
        reply_to=[organiser.support_email] if organiser.support_email else None,
        headers={"Message-ID": delivery.message_id},
    )
    mail.attach_alternative(html, "text/html")
    if delivery.kind == DeliveryKind.TICKETS:
        with delivery.document.open("rb") as document:
            mail.attach(f"tickets-{order.code}.pdf", document.read(), "application/pdf")
        mail.attach(
            f"{order.event.slug}.ics",
            calendar_file(order.event, url=order_url(order), uid=f"{order.code}@tiqqo"),
            "text/calendar",
        )
    return mail


def _subject(delivery: Delivery) -> str:
    facts = {"event": delivery.order.event.name, "code": delivery.order.code}
    if delivery.kind == DeliveryKind.TICKETS:
        subject = _("Your tickets for %(event)s") % facts
    elif delivery.kind == DeliveryKind.RECEIVED:
        subject = _("We have your order %(code)s for %(event)s") % facts
    else:
        subject = _("Your money for order %(code)s is on its way back") % facts
    return " ".join(subject.split())
