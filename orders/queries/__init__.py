"""Reads of orders, shaped for the buyer's pages, the orders desk and the checklist."""

from orders.queries.buyer import (
    Place,
    can_be_paid,
    hold_by_secret,
    invoice_or_404,
    lines_of_order,
    offered_substitute,
    open_payment_of,
    order_by_link,
    order_page,
    order_status_of,
    orders_to_remind,
    places_of,
    refunds_of,
)
from orders.queries.desk import (
    OrderFilter,
    SummaryMatrix,
    order_details,
    order_or_404,
    orders_page,
    people_of,
    summary_matrix,
)
from orders.queries.shop import HeldTickets, ShopPage, held_tickets, shop_page

__all__ = [
    "HeldTickets",
    "OrderFilter",
    "Place",
    "ShopPage",
    "SummaryMatrix",
    "can_be_paid",
    "held_tickets",
    "hold_by_secret",
    "invoice_or_404",
    "lines_of_order",
    "offered_substitute",
    "open_payment_of",
    "order_by_link",
    "order_details",
    "order_or_404",
    "order_page",
    "order_status_of",
    "orders_page",
    "orders_to_remind",
    "people_of",
    "places_of",
    "refunds_of",
    "shop_page",
    "summary_matrix",
]
