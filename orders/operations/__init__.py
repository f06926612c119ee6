"""Every write to orders, tickets, invoices, payments, refunds and deliveries."""

from orders.operations.delivering import (
    claim_delivery,
    mark_failed_try,
    mark_prepared,
    mark_sent,
    request_delivery,
    request_reminder,
    resend_tickets,
)
from orders.operations.desk import cancel_order, mark_settled
from orders.operations.invoicing import send_invoice
from orders.operations.paying import (
    abandon_payment,
    cancel_lost_order,
    confirm_payment,
    note_refund_failure,
    open_payment,
    record_failure,
    refund_succeeded,
    request_refund,
    store_event,
    store_session,
)
from orders.operations.placing import Buyer, place_order

__all__ = [
    "Buyer",
    "abandon_payment",
    "cancel_lost_order",
    "cancel_order",
    "claim_delivery",
    "confirm_payment",
    "mark_failed_try",
    "mark_prepared",
    "mark_sent",
    "mark_settled",
    "note_refund_failure",
    "open_payment",
    "place_order",
    "record_failure",
    "refund_succeeded",
    "request_delivery",
    "request_refund",
    "request_reminder",
    "resend_tickets",
    "send_invoice",
    "store_event",
    "store_session",
]
