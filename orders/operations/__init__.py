"""Every write to orders, tickets, invoices, payments, refunds and deliveries."""

from orders.operations.confirming import accept_order, confirm_address
from orders.operations.delivering import (
    begin_delivery,
    mark_failed_try,
    mark_prepared,
    mark_sent,
    mark_unprepared,
    request_delivery,
    request_reminder,
    wait_for_document,
    withdraw_delivery,
)
from orders.operations.desk import cancel_order, make_order, mark_settled
from orders.operations.disputing import follow_dispute
from orders.operations.drawing import (
    begin_document,
    forget_documents,
    keep_slice,
    mark_document_failed,
    mark_drawn,
    outdate_document,
    redraw_document,
    request_document,
)
from orders.operations.erasing import Erasure, erase_person
from orders.operations.invoicing import send_invoice
from orders.operations.lapsing import announce_lapse, lapse_order, move_due
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
    "Erasure",
    "OpenedPayment",
    "abandon_payment",
    "accept_order",
    "accept_substitute",
    "announce_lapse",
    "begin_delivery",
    "begin_document",
    "cancel_lost_order",
    "cancel_order",
    "confirm_address",
    "confirm_payment",
    "decline_substitute",
    "drop_needless_refund",
    "erase_person",
    "follow_dispute",
    "follow_refund",
    "forget_documents",
    "keep_slice",
    "keep_unmatched",
    "lapse_order",
    "lapse_substitute",
    "make_order",
    "mark_document_failed",
    "mark_drawn",
    "mark_failed_try",
    "mark_prepared",
    "mark_sent",
    "mark_settled",
    "mark_unprepared",
    "move_due",
    "note_checked",
    "note_refund_failure",
    "note_unmatched_failure",
    "note_unmatched_refund",
    "open_payment",
    "outdate_document",
    "place_order",
    "record_failure",
    "redraw_document",
    "refuse_payment",
    "replace_code",
    "request_delivery",
    "request_document",
    "request_refund",
    "request_reminder",
    "resend_tickets",
    "send_invoice",
    "store_event",
    "store_session",
    "wait_for_document",
    "withdraw_delivery",
]
