"""Orders: lines, tickets, invoices, payments, refunds and what is sent to the buyer."""

from orders.models.delivery import (
    DELIVERY_TRIES,
    Delivery,
    DeliveryKind,
    DeliveryStatus,
)
from orders.models.document_file import DOCUMENT_TRIES, SLICES, DocumentFile, DocumentKind
from orders.models.invoice import (
    Invoice,
    InvoiceCounter,
)
from orders.models.order import (
    OVER_STATUSES,
    SETTLED_STATUSES,
    Order,
    OrderLine,
    OrderStatus,
    PaymentMethod,
    Stage,
)
from orders.models.payment import (
    OPEN_PAYMENTS,
    REFUND_TRIES,
    REFUNDS_OF_THE_PRICE,
    REFUNDS_UNDER_WAY,
    Dispute,
    DisputeStatus,
    EventOutcome,
    Payment,
    PaymentStatus,
    ProviderEvent,
    Refund,
    RefundReason,
    RefundStatus,
    UnmatchedPayment,
)
from orders.models.substitute import Substitute, SubstituteStatus
from orders.models.ticket import (
    ReplacedCode,
    Ticket,
    TicketStatus,
)

__all__ = [
    "DELIVERY_TRIES",
    "DOCUMENT_TRIES",
    "OPEN_PAYMENTS",
    "OVER_STATUSES",
    "REFUNDS_OF_THE_PRICE",
    "REFUNDS_UNDER_WAY",
    "REFUND_TRIES",
    "SETTLED_STATUSES",
    "SLICES",
    "Delivery",
    "DeliveryKind",
    "DeliveryStatus",
    "Dispute",
    "DisputeStatus",
    "DocumentFile",
    "DocumentKind",
    "EventOutcome",
    "Invoice",
    "InvoiceCounter",
    "Order",
    "OrderLine",
    "OrderStatus",
    "Payment",
    "PaymentMethod",
    "PaymentStatus",
    "ProviderEvent",
    "Refund",
    "RefundReason",
    "RefundStatus",
    "ReplacedCode",
    "Stage",
    "Substitute",
    "SubstituteStatus",
    "Ticket",
    "TicketStatus",
    "UnmatchedPayment",
]
