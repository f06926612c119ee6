"""PDF documents about orders."""

from collections.abc import Sequence

from django.utils import translation

from events.models import Event
from orders.models import Invoice, Order
from orders.printed import PrintedTicket, printed_tickets
from tiqqo.ui.pdf import render_pdf

SHEET = "badge-sheet"
TO_A_SHEET = 10


def tickets_pdf(order: Order, *, shape: str = "ticket") -> bytes:
    """All valid tickets of the order, a page each; `phone` is the shape for a phone's screen."""
    return tickets_document(order, printed_tickets(order), shape=shape)


def tickets_document(
    order: Order, printed: Sequence[PrintedTicket], *, shape: str = "ticket"
) -> bytes:
    event = order.event
    context = {
        "order": order,
        "event": event,
        "printed": printed,
    }
    with translation.override(order.locale):
        return render_pdf(shape, context, accent=event.accent)


def invoice_pdf(invoice: Invoice) -> bytes:
    """The invoice, from what was frozen when it had its number."""
    order = invoice.order
    context = {
        "invoice": invoice,
        "order_code": order.code,
        "before_tax": invoice.net_minor + invoice.fee_minor,
        "taxes": invoice.taxes,
        "discounts": [(done["name"], done["minor"]) for done in order.discounts],
        "prices_include_tax": invoice.prices_include_tax,
    }
    with translation.override(order.locale):
        return render_pdf("invoice", context, accent=order.event.accent)


def badges_pdf(event: Event, printed: Sequence[PrintedTicket], *, on_sheets: bool = False) -> bytes:
    """A badge for each ticket, one to a page or ten to a sheet of A4."""
    sheets = [printed[at : at + TO_A_SHEET] for at in range(0, len(printed), TO_A_SHEET)]
    context = {"event": event, "sheets": sheets}
    return render_pdf("badge", context, accent=event.accent, style=SHEET if on_sheets else "badge")
