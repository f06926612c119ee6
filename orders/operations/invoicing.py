"""An invoice order gets its invoice: a number, frozen figures, and a mail."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import translation

from events.models import InvoiceIssues
from orders.changes import Change
from orders.due_dates import DUE_FIELDS, due_after, set_due
from orders.locks import lock_invoice_counter, lock_order
from orders.models import Invoice, Order, OrderLine
from orders.operations.changing import record_change
from orders.operations.desk import refuse_unless_invoice
from orders.operations.issuing import issue_tickets
from orders.price_lines import slot_words
from tiqqo.core import clock
from tiqqo.core.audit import Actor
from tiqqo.ui.dates import words_for_range

MOMENT = timedelta(microseconds=1)


@transaction.atomic
def send_invoice(order: Order, *, by: Actor) -> Order:
    """The order's invoice has its number and goes to the buyer; its stage is Invoice Sent.

    Its tickets are issued where the event says so. Twice is harmless.
    Raises NotAnInvoiceOrder, AlreadySettled, OrderOver.
    """
    order = lock_order(order.pk)
    refuse_unless_invoice(order)
    if order.invoice_sent_at is None:
        lines = list(order.lines.select_related("slot").order_by("id"))
        invoice = _issue_invoice(order, lines)
        order.invoice_sent_at = invoice.issued_at
        order.accepted_at = order.accepted_at or invoice.issued_at
        order.save(update_fields=["invoice_sent_at", "accepted_at", *DUE_FIELDS])
        record_change(order, Change.INVOICE_SENT, by=by, number=invoice.number)
        if order.event.invoice_issues == InvoiceIssues.SENT:
            issue_tickets(order, lines, by=by)
    return order


def _issue_invoice(order: Order, lines: list[OrderLine]) -> Invoice:
    now = clock.now()
    _begin_days_to_pay(order, at=now)
    issued_on = order.event.local(now).date()
    counter = lock_invoice_counter(issued_on.year)
    counter.last += 1
    counter.save(update_fields=["last"])
    invoice = drawn_up(order, lines, year=counter.year, sequence=counter.last, issued_on=issued_on)
    invoice.issued_at = now
    invoice.save()
    return invoice


def _begin_days_to_pay(order: Order, *, at: datetime) -> None:
    """An order that ends by itself has all its days from the invoice on, if that is later; and it ends
    before the event, should that have been moved."""
    planned, due = order.payment_due_at, due_after(order.event, at)
    if planned is None or due is None:
        return
    starts_at = order.event.starts_at
    if due > planned or (starts_at is not None and planned >= starts_at):
        set_due(order, due, at=at)


def drawn_up(
    order: Order, lines: list[OrderLine], *, year: int, sequence: int, issued_on: date
) -> Invoice:
    """The invoice of an order, not saved: its figures and addresses as they are now."""
    event, organiser = order.event, order.event.organiser
    with translation.override(order.locale):
        when = (
            words_for_range(event.starts_at, event.ends_at, event.time_zone)
            if event.starts_at
            else ""
        )
        labels = [_label(line, event.time_zone) for line in lines]
    return Invoice(
        organiser=organiser,
        order=order,
        year=year,
        sequence=sequence,
        issued_on=issued_on,
        due_on=_due_on(order, issued_on),
        seller=[organiser.name],
        seller_email=organiser.support_email,
        buyer=[line for line in (order.company_name, order.buyer_name, order.email) if line],
        buyer_vat_number=order.vat_number,
        buyer_reference=order.purchase_number,
        payment_reference=order.code,
        event_words=" · ".join(part for part in (event.name, when, event.venue_words) if part),
        currency=order.currency,
        lines=[
            {
                "label": label,
                "quantity": line.quantity,
                "unit_minor": line.unit_price_minor,
                "discount_minor": line.discount_minor,
                "amount_minor": line.net_minor,
                "tax_rate_bp": order.tax_rate_bp if line.tax_rate_bp is None else line.tax_rate_bp,
                "tax_minor": line.tax_minor,
            }
            for label, line in zip(labels, lines, strict=True)
        ],
        tax_name=order.tax_name,
        tax_rate_bp=order.tax_rate_bp,
        net_minor=order.net_minor,
        tax_minor=order.tax_minor,
        fee_minor=order.fee_minor,
        total_minor=order.total_minor,
    )


def _label(line: OrderLine, zone: str) -> str:
    when = slot_words(line.slot.starts_at if line.slot else None, zone)
    return f"{line.name}, {when}" if when else line.name


def _due_on(order: Order, issued_on: date) -> date:
    """The day that the order ends by itself, where it does. Else so many days as the event gives, but
    before the doors open where that is sooner."""
    due = issued_on + timedelta(days=order.event.invoice_days)
    if order.payment_due_at is not None:
        # At midnight it is the day before.
        due = order.event.local(order.payment_due_at - MOMENT).date()
    if order.event.starts_at:
        due = min(due, order.event.local(order.event.starts_at).date())
    return max(due, issued_on)
