"""Every write to orders, tickets, invoices, payments, refunds and deliveries."""

from orders.operations.delivering import (
    begin_delivery,
    claimed,
    deliveries_in_hand,
    mark_failed_try,
    mark_prepared,
    mark_redrawn,
    mark_sent,
    mark_unprepared,
    request_delivery,
    request_redraw,
    request_reminder,
    withdraw_delivery,
)
from orders.operations.desk import cancel_order, mark_settled
from orders.operations.disputing import follow_dispute
from orders.operations.invoicing import send_invoice
from orders.operations.paying import (
    OpenedPayment,
    abandon_payment,
    confirm_payment,
    note_checked,
    open_payment,
    record_failure,
    refuse_payment,
    store_event,
    store_session,
)
from orders.operations.placing import Buyer, place_order
from orders.operations.refunding import (
    drop_needless_refund,
    follow_refund,
    note_refund_failure,
    request_refund,
)
from orders.operations.replacing import replace_code
from orders.operations.resending import resend_tickets
from orders.operations.settling import cancel_lost_order
from orders.operations.substituting import (
    accept_substitute,
    decline_substitute,
    lapse_substitute,
)
from orders.operations.unmatched import (
    keep_unmatched,
    note_unmatched_failure,
    note_unmatched_refund,
)

__all__ = [
    "Buyer",
    "OpenedPayment",
    "abandon_payment",
    "accept_substitute",
    "begin_delivery",
    "cancel_lost_order",
    "cancel_order",
    "claimed",
    "confirm_payment",
    "decline_substitute",
    "deliveries_in_hand",
    "drop_needless_refund",
    "follow_dispute",
    "follow_refund",
    "keep_unmatched",
    "lapse_substitute",
    "mark_failed_try",
    "mark_prepared",
    "mark_redrawn",
    "mark_sent",
    "mark_settled",
    "mark_unprepared",
    "note_checked",
    "note_refund_failure",
    "note_unmatched_failure",
    "note_unmatched_refund",
    "open_payment",
    "place_order",
    "record_failure",
    "refuse_payment",
    "replace_code",
    "request_delivery",
    "request_redraw",
    "request_refund",
    "request_reminder",
    "resend_tickets",
    "send_invoice",
    "store_event",
    "store_session",
    "withdraw_delivery",
]
