"""Tickets as they are shown and printed: with the code for the door."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from events.models import Event, EventKey
from orders.codes import ticket_code
from orders.models import Order, Ticket
from orders.qr import qr_png, qr_svg
from tiqqo.core.compiled import Compiled, Param
from tiqqo.ui.dates import words_for_day, words_for_range

# What a ticket's words are made of.
NAMED = ("ticket_type", "slot", "line__option")


def kind_of(ticket: Ticket) -> str:
    """What it is a ticket of: its type, and which of several prices was paid."""
    option = ticket.line.option if ticket.line_id else None
    return f"{ticket.ticket_type.name} · {option.name}" if option else ticket.ticket_type.name


def slot_of(ticket: Ticket, event: Event) -> str:
    """The time it is for, in words; nothing where it is for all of the event."""
    if ticket.slot is None:
        return ""
    slot = ticket.slot
    return words_for_range(slot.starts_at, slot.ends_at, event.time_zone, show_zone=True)


def limits_of(ticket: Ticket) -> list[tuple[str, str]]:
    """Where it does not let in everywhere and always: a word and what belongs to it."""
    ticket_type = ticket.ticket_type
    rows = [
        (_("Valid on"), ", ".join(words_for_day(day) for day in ticket_type.days)),
        (_("Valid for"), ", ".join(ticket_type.zones)),
    ]
    return [(label, words) for label, words in rows if words]


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
    def kind(self) -> str:
        return kind_of(self.ticket)

    @property
    def slot(self) -> str:
        return slot_of(self.ticket, self.ticket.event) if self.ticket.slot_id else ""

    @property
    def limits(self) -> list[tuple[str, str]]:
        return limits_of(self.ticket)

    @property
    def limits_words(self) -> str:
        return " · ".join(f"{label} {words}" for label, words in self.limits)

    @property
    def company(self) -> str:
        """Whom the attendee comes for: the person's company, else the buyer's."""
        person = self.ticket.person
        company = person.company if person else None
        return company.name if company else self.ticket.order.company_name


def tickets_of(order: Order) -> list[Ticket]:
    """The order's valid tickets, with what their words are made of."""
    tickets = _TICKETS.all(order=order.pk)
    for ticket in tickets:
        ticket.event = order.event
    return tickets


def printed_tickets(order: Order) -> list[PrintedTicket]:
    """The order's valid tickets with their codes. Two queries."""
    tickets = tickets_of(order)
    return printed(tickets, _private_key(order.event_id))


def printed_ticket(order: Order, letters: str) -> PrintedTicket | None:
    """The order's valid ticket that is called so, with its code; None where there is none. Two queries."""
    ticket = _valid().filter(order=order, code=letters).first()
    return next(iter(printed([ticket], _private_key(order.event_id)))) if ticket else None


def badges_of(
    event: Event, *, order: Order | None = None, first: int = 1, most: int | None = None
) -> list[PrintedTicket]:
    """The valid tickets of the event, or of one order, by name, with whom they come for. Two queries.

    `first` counts from 1; `most` is how many from there.
    """
    tickets = _badges(event, order).select_related("ticket_type", "order", "person__company")
    return printed(tickets[first - 1 :][:most], _private_key(event.pk))


def badge_rows(event: Event, *, order: Order | None = None) -> QuerySet[Ticket, Any]:
    """What those badges show, one row each. One query, which makes no objects of them."""
    return _badges(event, order).values_list(
        "uid",
        "generation",
        "code",
        "first_name",
        "last_name",
        "ticket_type__name",
        "person__company__name",
        "order__company_name",
    )


def _badges(event: Event, order: Order | None) -> QuerySet[Ticket]:
    tickets = _valid().filter(event=event)
    if order is not None:
        tickets = tickets.filter(order=order)
    return tickets.order_by("last_name", "first_name", "id")


def printed(tickets: Iterable[Ticket], private_key: bytes) -> list[PrintedTicket]:
    return [PrintedTicket(ticket, ticket_code(ticket, private_key)) for ticket in tickets]


def _valid() -> QuerySet[Ticket]:
    return _named(Ticket.objects.all())


def _named(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    return tickets.valid().select_related(*NAMED).order_by("id")  # type: ignore[attr-defined,no-any-return]


_TICKETS = Compiled(Ticket, lambda rows: _named(rows).filter(order=Param("order")))
_KEY = Compiled(EventKey, lambda rows: rows.filter(event=Param("event")))


def _private_key(event_id: int) -> bytes:
    return bytes(_KEY.get(event=event_id).private_key)
