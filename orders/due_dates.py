"""Until when an invoice order is to be paid."""

from datetime import datetime, timedelta

from events.models import Event
from orders.models import Order

# An unpaid order ends so long before the event, so that its places can still be sold.
ENDS_BEFORE_EVENT = timedelta(days=1)
ENDS_BEFORE_EVENT_AT_LEAST = timedelta(hours=1)
NOTICE = timedelta(days=3)
# Nobody loses an order less than this after the notice, however late that was.
SHORTEST_NOTICE = timedelta(days=1)


def due_after(event: Event, start: datetime) -> datetime | None:
    """The end of the last of the event's `invoice_days`, but a day before the event; of the orders of
    the last day, an hour before it. None where that is over: then the organiser decides.
    """
    last = event.local(start) + timedelta(days=event.invoice_days + 1)
    due = last.replace(hour=0, minute=0, second=0, microsecond=0)
    if event.starts_at is None:
        return due
    for margin in (ENDS_BEFORE_EVENT, ENDS_BEFORE_EVENT_AT_LEAST):
        if event.starts_at - margin > start:
            return min(due, event.starts_at - margin)
    return None


def set_due(order: Order, due: datetime | None, *, at: datetime) -> None:
    """It is to be paid until then, and three days before its buyer hears of it; where there is less time,
    at half of it. The caller saves `DUE_FIELDS`."""
    order.payment_due_at = due
    order.lapse_notice_at = None if due is None else due - min(NOTICE, (due - at) / 2)


DUE_FIELDS = ("payment_due_at", "lapse_notice_at")
