"""An order waits for its address to be confirmed; one by invoice perhaps for the organiser's yes, too."""

from django.db import transaction

from events.models import InvoiceAcceptance
from orders.changes import Change
from orders.due_dates import DUE_FIELDS, due_after, set_due
from orders.errors import (
    AddressLinkOver,
    AlreadyAccepted,
    HoldChanged,
)
from orders.held import is_held_as_ordered
from orders.locks import lock_order
from orders.models import Order, OrderStatus, PaymentMethod
from orders.operations.changing import record_change
from orders.operations.desk import refuse_unless_invoice
from orders.operations.issuing import announce_settled, issue_tickets
from ticketing.errors import ReservationOver
from ticketing.operations import confirm_reservation, note_buyer
from ticketing.queries import lines_of
from tiqqo.core import audit, clock
from tiqqo.core.audit import Actor
from tiqqo.core.codes import is_same_secret


@transaction.atomic
def confirm_address(order: Order, *, secret: str) -> Order:
    """The address is the buyer's, so the order is placed and owns its places. A free one has its tickets;
    one by invoice is accepted at once, or when the organiser says yes, as the event has it. Twice is
    harmless.

    Raises AddressLinkOver, ReservationOver, HoldChanged; TooManyForOnePerson and CodeUsedByYou where
    another order with the address was confirmed meanwhile.
    """
    order = lock_order(order.pk)
    if not order.address_secret or not is_same_secret(order.address_secret, secret):
        raise AddressLinkOver
    if order.is_confirmed:
        return order
    now = clock.now()
    if not order.awaits_address:
        raise AddressLinkOver
    if not order.reservation.is_live(at=now):
        raise ReservationOver
    if not is_held_as_ordered(order):
        raise HoldChanged
    hold = order.reservation
    note_buyer(hold, lines_of(hold), email_key=hold.email_key)
    order.confirmed_at = order.address_confirmed_at = now
    if order.payment_method == PaymentMethod.FREE:
        order.status, order.settled_at = OrderStatus.FREE, now
    else:
        order.status = OrderStatus.OFFLINE_PENDING
        if order.event.invoice_acceptance == InvoiceAcceptance.ADDRESS:
            order.accepted_at = now
        set_due(order, due_after(order.event, now), at=now)
    order.save(
        update_fields=[
            "status",
            "confirmed_at",
            "address_confirmed_at",
            "settled_at",
            "accepted_at",
            *DUE_FIELDS,
        ]
    )
    record_change(order, Change.ADDRESS_CONFIRMED, by=audit.BUYER)
    if order.is_settled:
        issue_tickets(order, list(order.lines.order_by("id")), by=audit.BUYER)
        announce_settled(order)
    confirm_reservation(order.reservation)
    return order


@transaction.atomic
def accept_order(order: Order, *, by: Actor) -> Order:
    """The organiser said yes, and the days to pay begin. Raises NotAnInvoiceOrder, AlreadySettled,
    OrderOver, AlreadyAccepted."""
    order = lock_order(order.pk)
    refuse_unless_invoice(order)
    if not order.awaits_acceptance:
        raise AlreadyAccepted
    now = clock.now()
    order.accepted_at = now
    set_due(order, due_after(order.event, now), at=now)
    order.save(update_fields=["accepted_at", *DUE_FIELDS])
    record_change(order, Change.ACCEPTED, by=by)
    return order
