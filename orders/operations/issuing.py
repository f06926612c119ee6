"""Confirmed orders become tickets."""

from collections.abc import Sequence

from django.db import transaction

from orders import facts
from orders.changes import Change
from orders.codes import new_uid
from orders.models import Order, OrderLine, Ticket, TicketStatus
from orders.operations.changing import record_change
from tiqqo.core import clock
from tiqqo.core.audit import Actor
from tiqqo.core.codes import new_code
from tiqqo.core.compiled import Insert
from tiqqo.core.tasks import after_commit

TICKET_CODE_LENGTH = 10
_INSERT = Insert(Ticket)


def issue_tickets(order: Order, lines: Sequence[OrderLine], *, by: Actor) -> list[Ticket]:
    """Each place of the order has its ticket, and the buyer gets them by mail. Twice is harmless.

    The caller holds the order's lock. `ticket_place_once` keeps one ticket to a place.
    """
    if Ticket.objects.filter(order=order).exists():
        return []
    tickets = issue_first_tickets(order, lines)
    record_change(order, Change.TICKETS_ISSUED, by=by, is_first=True, count=len(tickets))
    welcome_later(order)
    return tickets


def issue_first_tickets(order: Order, lines: Sequence[OrderLine]) -> list[Ticket]:
    """As `issue_tickets`, for an order made in this very transaction, whose caller does the rest."""
    now = clock.now()
    tickets = [
        Ticket(
            line=line,
            position=position,
            order=order,
            event_id=order.event_id,
            ticket_type_id=line.ticket_type_id,
            slot_id=line.slot_id,
            code=new_code(TICKET_CODE_LENGTH),
            uid=new_uid(),
            first_name=holder["first"],
            last_name=holder["last"],
            email=holder["email"],
            issued_at=now,
        )
        for line in lines
        for position, holder in enumerate(line.holders)
    ]
    _INSERT(tickets)
    return tickets


def welcome_later(order: Order) -> None:
    """Its buyer and attendees will be contacts and people at the event."""
    after_commit("orders.tasks.welcome_people", order.pk)


def void_tickets(order: Order) -> None:
    """No ticket of the order lets anybody in. The caller holds the order's lock."""
    Ticket.objects.filter(order=order, status=TicketStatus.VALID).update(
        status=TicketStatus.VOID, voided_at=clock.now()
    )


def announce_settled(order: Order) -> None:
    transaction.on_commit(
        lambda: facts.order_settled.send(Order, order_id=order.pk, organiser_id=order.organiser_id),
        robust=True,
    )
