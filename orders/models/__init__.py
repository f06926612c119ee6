"""Orders: lines, tickets, invoices, payments, refunds and what is sent to the buyer."""

from orders.models.delivery import (
    DELIVERY_TRIES,
    Delivery,
    DeliveryKind,
    DeliveryStatus,
)
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
    Payment,
    PaymentStatus,
    ProviderEvent,
    Refund,
    RefundReason,
    RefundStatus,
)
from orders.models.substitute import Substitute, SubstituteStatus
from orders.models.ticket import (
    Ticket,
    TicketStatus,
)

__all__ = [
    "DELIVERY_TRIES",
    "OPEN_PAYMENTS",
    "OVER_STATUSES",
    "REFUND_TRIES",
    "SETTLED_STATUSES",
    "Delivery",
    "DeliveryKind",
    "DeliveryStatus",
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
    "Stage",
    "Substitute",
    "SubstituteStatus",
    "Ticket",
    "TicketStatus",
]
