"""PDF documents, rendered by WeasyPrint in the worker."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from weasyprint import CSS, HTML

from events.models import EventKey
from orders.codes import ticket_code
from orders.models import Order, Ticket
from orders.qr import qr_svg

_STYLES = Path(settings.ROOT) / "static/css/documents/ticket.css"


@dataclass(frozen=True, slots=True)
class PrintedTicket:
    ticket: Ticket
    qr: SafeString


def printed_tickets(order: Order) -> list[PrintedTicket]:
    """The order's valid tickets with their QR images."""
    key = EventKey.objects.get(event_id=order.event_id)
    tickets = (
        Ticket.objects.valid().select_related("ticket_type").filter(order=order).order_by("id")
    )
    return [
        # Our own SVG, made of modules: nothing of the buyer's is in it.
        PrintedTicket(ticket, mark_safe(_inline(qr_svg(ticket_code(ticket, key.private_key)))))
        for ticket in tickets
    ]


def _inline(svg: str) -> str:
    """The SVG element without its XML declaration, so that it stands inside HTML."""
    return svg[svg.index("<svg") :]


def tickets_pdf(order: Order) -> bytes:
    """All valid tickets of the order, a page each, titled and tagged (PDF/UA-1)."""
    with translation.override(order.locale):
        html = render_to_string(
            "documents/tickets.html",
            {"order": order, "event": order.event, "printed": printed_tickets(order)},
        )
    return _render(html)


def _render(html: str) -> bytes:
    document: bytes = HTML(string=html, base_url=str(settings.ROOT)).write_pdf(
        stylesheets=[CSS(filename=str(_STYLES))], pdf_variant="pdf/ua-1"
    )
    return document
