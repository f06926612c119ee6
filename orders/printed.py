"""Tickets as they are shown and printed: with the code for the door."""

from base64 import b64encode
from dataclasses import dataclass

from events.models import EventKey
from orders.codes import ticket_code
from orders.models import Order, Ticket
from orders.qr import qr_png, qr_svg


@dataclass(frozen=True, slots=True)
class PrintedTicket:
    """A ticket and the signed text of its QR; the images are drawn when asked for."""

    ticket: Ticket
    code: str

    @property
    def svg(self) -> str:
        return qr_svg(self.code)

    @property
    def png_uri(self) -> str:
        return "data:image/png;base64," + b64encode(qr_png(self.code)).decode()


def printed_tickets(order: Order) -> list[PrintedTicket]:
    """The order's valid tickets. Two queries."""
    key = EventKey.objects.get(event_id=order.event_id)
    tickets = (
        Ticket.objects.valid().select_related("ticket_type").filter(order=order).order_by("id")
    )
    return [
        PrintedTicket(ticket, ticket_code(ticket, bytes(key.private_key))) for ticket in tickets
    ]
