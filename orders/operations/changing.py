"""A change of an order is on record together with the mail that tells its buyer."""

from collections.abc import Sequence
from typing import Any

from orders.changes import Change, message_of
from orders.models import Order
from orders.operations.delivering import request_delivery
from tiqqo.core import audit
from tiqqo.core.audit import Actor


def record_change(
    order: Order, change: Change, *, by: Actor, is_first: bool = False, **data: Any
) -> None:
    """The change is in the history, and the buyer will have the mail that `MESSAGES` names for it.

    The caller has made the change in this very transaction; `is_first` where it knows that there was
    no such mail before.
    """
    audit.record(order, change.value, by=by, **data)
    message = message_of(change, order)
    if message is not None:
        request_delivery(order, message, is_first=is_first)


def record_first_changes(
    order: Order, changes: Sequence[tuple[Change, dict[str, Any]]], *, by: Actor
) -> None:
    """As `record_change` for an order made in this very transaction, which no mail can be about yet."""
    audit.record_all(audit.entry(order, change.value, by=by, **data) for change, data in changes)
    for change, _data in changes:
        message = message_of(change, order)
        if message is not None:
            request_delivery(order, message, is_first=True)
