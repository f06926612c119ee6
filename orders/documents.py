"""PDF documents about orders."""

from collections.abc import Sequence

from django.core.files.storage import default_storage
from django.utils import translation

from events.models import Event
from orders.models import SLICES, DocumentFile, DocumentKind, Invoice, Order
from orders.printed import PrintedTicket, badges_of, printed_tickets
from tiqqo.ui.pdf import join_pdfs, render_pdf

SHEET = "badge-sheet"
TO_A_SHEET = 10
SHAPES = {DocumentKind.TICKETS: "ticket", DocumentKind.PHONE: "phone"}


def tickets_pdf(order: Order, *, shape: str = "ticket") -> bytes:
    """All valid tickets of the order, a page each; `phone` is the shape for a phone's screen."""
    return tickets_document(order, printed_tickets(order), shape=shape)


def tickets_document(
    order: Order,
    printed: Sequence[PrintedTicket],
    *,
    shape: str = "ticket",
    before: int = 0,
    count: int | None = None,
) -> bytes:
    """These tickets; of `count` in all where they are a slice, `before` which others stand."""
    event = order.event
    context = {
        "order": order,
        "event": event,
        "printed": printed,
        "before": before,
        "count": len(printed) if count is None else count,
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


def next_slice(document: DocumentFile) -> bytes:
    """What is drawn next of a document: so much of it that others need not wait for long."""
    kind, event, order = DocumentKind(document.kind), document.event, document.order
    first, most = document.done, SLICES[kind]
    match kind:
        case DocumentKind.TICKETS | DocumentKind.PHONE:
            assert order is not None
            printed = printed_tickets(order)
            return tickets_document(
                order,
                printed[first : first + most],
                shape=SHAPES[kind],
                before=first,
                count=len(printed),
            )
        case DocumentKind.INVOICE:
            assert order is not None
            invoice = order.invoice
            invoice.order = order
            return invoice_pdf(invoice)
        case DocumentKind.BADGES | DocumentKind.BADGE_SHEETS:
            printed = badges_of(event, order=order, first=first + 1, most=most)
            with translation.override(document.language):
                on_sheets = kind == DocumentKind.BADGE_SHEETS
                return badges_pdf(event, printed, on_sheets=on_sheets)


def joined(document: DocumentFile) -> bytes:
    """All slices of a document in one. Raises FileNotFoundError where one was lost."""
    parts = []
    for name in document.part_names:
        with default_storage.open(name) as part:
            parts.append(part.read())
    return join_pdfs(parts)
