"""Orders as CSV (RFC 4180), safe to open in a spreadsheet."""

from collections.abc import Iterable, Iterator
from typing import Any

from events.models import Event
from orders.models import Order, Stage
from tiqqo.core.csv_files import csv_lines
from tiqqo.core.money import Money

COLUMNS = [
    "Order",
    "Event",
    "Company",
    "Contact",
    "E-mail",
    "Date",
    "Ordered",
    "Tickets",
    "Net",
    "Tax",
    "Fee",
    "Amount",
    "Currency",
    "Payment",
    "Status",
    "Invoice sent",
    "Settled",
    "Reference",
    "VAT number",
]


def csv_rows(orders: Iterable[Order], event: Event) -> Iterator[str]:
    return csv_lines(COLUMNS, (_row(order, event) for order in orders))


def _row(order: Any, event: Event) -> list[Any]:
    def amount(minor: int) -> str:
        return str(Money(minor, order.currency).decimal)

    def local(instant: Any) -> str:
        return event.local(instant).isoformat(timespec="minutes") if instant else ""

    return [
        order.code,
        event.name,
        order.company_name,
        order.buyer_name,
        order.email,
        local(order.placed_at),
        order.quantity,
        order.ticket_count,
        amount(order.net_minor),
        amount(order.tax_minor),
        amount(order.fee_minor),
        amount(order.total_minor),
        order.currency,
        order.get_payment_method_display(),
        Stage(order.stage_value).label,
        local(order.invoice_sent_at),
        local(order.settled_at),
        order.purchase_number,
        order.vat_number,
    ]
