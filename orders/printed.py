"""Tickets as they are shown and printed: with the code for the door."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from events.models import Event, EventKey
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

    @property
    def company(self) -> str:
        """Whom the attendee comes for: the person's company, else the buyer's."""
        person = self.ticket.person
        company = person.company if person else None
        return company.name if company else self.ticket.order.company_name


def printed_tickets(order: Order) -> list[PrintedTicket]:
    """The order's valid tickets. Two queries."""
    return printed(_valid().filter(order=order), _private_key(order.event_id))


def badges_of(
    event: Event, *, order: Order | None = None, first: int = 1, most: int | None = None
) -> list[PrintedTicket]:
    """The valid tickets of the event, or of one order, by name, with whom they come for. Two queries.

    `first` counts from 1; `most` is how many from there.
    """
    tickets = _valid().filter(event=event).select_related("ticket_type", "order", "person__company")
    if order is not None:
        tickets = tickets.filter(order=order)
    chosen = tickets.order_by("last_name", "first_name", "id")[first - 1 :][:most]
    return printed(chosen, _private_key(event.pk))


def printed(tickets: Iterable[Ticket], private_key: bytes) -> list[PrintedTicket]:
    return [PrintedTicket(ticket, ticket_code(ticket, private_key)) for ticket in tickets]


def _valid() -> QuerySet[Ticket]:
    return Ticket.objects.valid().select_related("ticket_type").order_by("id")


def _private_key(event_id: int) -> bytes:
    return bytes(EventKey.objects.get(event_id=event_id).private_key)
