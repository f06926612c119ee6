"""PDF documents, rendered by WeasyPrint in the worker."""

from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from orders.models import Order
from orders.printed import printed_tickets

_STYLES = Path(settings.ROOT) / "static/css/documents/ticket.css"


def tickets_pdf(order: Order) -> bytes:
    """All valid tickets of the order, a page each, titled and tagged (PDF/UA-1)."""
    with translation.override(order.locale):
        html = render_to_string(
            "documents/tickets.html",
            {"order": order, "event": order.event, "printed": printed_tickets(order)},
        )
    return _render(html)


def _render(html: str) -> bytes:
    # Imported here: only the worker renders, and a web process starts faster and smaller without it.
    from weasyprint import CSS, HTML

    document: bytes = HTML(string=html, base_url=str(settings.ROOT)).write_pdf(
        stylesheets=[CSS(filename=str(_STYLES))], pdf_variant="pdf/ua-1"
    )
    return document
