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
    confirm_payment,
    open_payment,
    record_failure,
    store_event,
    store_session,
)
from orders.operations.placing import Buyer, place_order
from orders.operations.refunding import note_refund_failure, refund_succeeded, request_refund
from orders.operations.settling import cancel_lost_order
from orders.operations.substituting import (
    accept_substitute,
    decline_substitute,
    lapse_substitute,
)

__all__ = [
    "Buyer",
    "abandon_payment",
    "accept_substitute",
    "cancel_lost_order",
    "cancel_order",
    "claim_delivery",
    "confirm_payment",
    "decline_substitute",
    "lapse_substitute",
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
