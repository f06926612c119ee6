"""Invoice orders that nobody pays end at a date, never in silence."""

from datetime import date, datetime, time, timedelta

from django.db import transaction

from orders.changes import Change
from orders.due_dates import DUE_FIELDS, SHORTEST_NOTICE, set_due
from orders.errors import DueTooSoon
from orders.locks import lock_order
from orders.models import Order, OrderStatus
from orders.operations.changing import record_change
from orders.operations.desk import refuse_unless_invoice
from orders.operations.settling import end_order
from tiqqo.core import audit, clock
from tiqqo.core.audit import Actor


@transaction.atomic
def announce_lapse(order: Order) -> bool:
    """The buyer hears until when to pay; False where that is not due, or was done.

    Where the notice is late, the order lasts `SHORTEST_NOTICE` longer, as far as the event allows.
    """
    order = lock_order(order.pk)
    now = clock.now()
    if order.lapse_notice_at is None or order.lapse_notice_at > now or not _can_lapse(order, now):
        return False
    order.lapse_notice_at = None
    shortest = now + SHORTEST_NOTICE
    starts_at = order.event.starts_at
    assert order.payment_due_at is not None, "whoever is told has a date"
    if order.payment_due_at < shortest and (starts_at is None or shortest < starts_at):
        order.payment_due_at = shortest
    order.save(update_fields=list(DUE_FIELDS))
    record_change(order, Change.LAPSE_ANNOUNCED, by=audit.SYSTEM)
    return True


@transaction.atomic
def lapse_order(order: Order) -> bool:
    """The order is cancelled because it was not paid in time, its buyer is told and its places are free;
    False where it was paid meanwhile, given more time, or its event has begun."""
    order = lock_order(order.pk)
    now = clock.now()
    if not _can_lapse(order, now) or order.lapse_notice_at is not None:
        return False
    if order.payment_due_at is None or order.payment_due_at > now:
        return False
    end_order(order, Change.LAPSED, by=audit.SYSTEM)
    return True


def _can_lapse(order: Order, now: datetime) -> bool:
    """Nobody is turned away at the door for it: an event that has begun keeps its orders."""
    starts_at = order.event.starts_at
    return (
        order.status == OrderStatus.OFFLINE_PENDING
        and order.payment_due_at is not None
        and (starts_at is None or starts_at > now)
    )


@transaction.atomic
def move_due(order: Order, *, due_on: date | None, by: Actor) -> Order:
    """The order is to be paid by the end of that day, and its buyer knows; without a day it does not end
    by itself. Raises NotAnInvoiceOrder, AlreadySettled, OrderOver, DueTooSoon."""
    order = lock_order(order.pk)
    refuse_unless_invoice(order)
    now = clock.now()
    due = None
    if due_on is not None:
        if due_on <= order.event.local(now).date():
            raise DueTooSoon
        due = datetime.combine(due_on + timedelta(days=1), time(), order.event.zone)
    set_due(order, due, at=now)
    order.accepted_at = order.accepted_at or now
    order.save(update_fields=["accepted_at", *DUE_FIELDS])
    record_change(order, Change.DUE_MOVED, by=by, due_on=due_on.isoformat() if due_on else None)
    return order
