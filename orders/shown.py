"""What a document shows, in one word: two that would look the same have the same state."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation

from events.models import Event
from orders.models import DocumentFile, DocumentKind, Invoice, Order, Ticket
from orders.printed import badge_rows, tickets_of

DRAWN_WITH = ("templates/documents", "static/css/documents", "locale")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document that somebody wants, and the state of what it is to show."""

    kind: DocumentKind
    event: Event
    order: Order | None
    language: str
    total: int
    state: str


def wanted_tickets(order: Order, kind: DocumentKind) -> Wanted | None:
    """The valid tickets of a confirmed order; None where it has none."""
    tickets = tickets_of(order) if order.is_confirmed else []
    if not tickets:
        return None
    facts = [
        _facts_of_event(order.event),
        _facts_of_order(order),
        [_facts_of_ticket(ticket) for ticket in tickets],
    ]
    return _wanted(kind, order.event, order, order.locale, len(tickets), facts)


def wanted_invoice(invoice: Invoice) -> Wanted:
    """The invoice is frozen, and so is nearly all that it shows."""
    order = invoice.order
    facts = [
        {field.attname: getattr(invoice, field.attname) for field in Invoice._meta.concrete_fields},
        [order.code, order.discounts, order.event.accent],
    ]
    return _wanted(DocumentKind.INVOICE, order.event, order, order.locale, 1, facts)


def wanted_badges(
    event: Event, kind: DocumentKind, *, order: Order | None = None, language: str | None = None
) -> Wanted | None:
    """The badges of the event, or of one order, in the current language; None where there are none."""
    rows = list(badge_rows(event, order=order))
    if not rows:
        return None
    facts = [event.pk, event.name, event.accent, event.organiser.name, rows]
    return _wanted(kind, event, order, language or translation.get_language(), len(rows), facts)


def wanted_now(document: DocumentFile) -> Wanted | None:
    """What the document would show if it were asked for now; None where there is nothing any more."""
    kind = DocumentKind(document.kind)
    match kind:
        case DocumentKind.TICKETS | DocumentKind.PHONE:
            return wanted_tickets(document.order, kind) if document.order else None
        case DocumentKind.INVOICE:
            invoice = Invoice.objects.filter(order=document.order).first()
            if invoice is None or document.order is None:
                return None
            invoice.order = document.order
            return wanted_invoice(invoice)
        case DocumentKind.BADGES | DocumentKind.BADGE_SHEETS:
            return wanted_badges(
                document.event, kind, order=document.order, language=document.language
            )


def _wanted(
    kind: DocumentKind,
    event: Event,
    order: Order | None,
    language: str,
    total: int,
    facts: Sequence[Any],
) -> Wanted:
    described = [kind.value, order.pk if order else None, language, facts]
    text = json.dumps(described, cls=_Exactly, sort_keys=True)
    return Wanted(kind, event, order, language, total, hashlib.sha256(text.encode()).hexdigest())


class _Exactly(DjangoJSONEncoder):
    """Django's own cuts instants to milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)


def _facts_of_event(event: Event) -> list[Any]:
    return [
        event.name,
        event.starts_at,
        event.ends_at,
        event.time_zone,
        event.venue_name,
        event.venue_address,
        event.city,
        event.online_url,
        event.accent,
        event.organiser.name,
        event.organiser.support_email,
    ]


def _facts_of_order(order: Order) -> list[Any]:
    return [
        order.code,
        order.buyer_name,
        order.company_name,
        order.placed_at,
        order.currency,
        order.total_minor,
        order.tax_minor,
        order.tax_name,
    ]


def _facts_of_ticket(ticket: Ticket) -> list[Any]:
    kind, slot, option = ticket.ticket_type, ticket.slot, ticket.line.option
    return [
        ticket.uid,
        ticket.generation,
        ticket.code,
        ticket.first_name,
        ticket.last_name,
        kind.name,
        [day.isoformat() for day in kind.days],
        list(kind.zones),
        option.name if option else None,
        [slot.starts_at, slot.ends_at] if slot else None,
    ]


@cache
def layout() -> str:
    """Of what all documents are drawn with, so that a release with new ones keeps no old file."""
    digest = hashlib.sha256()
    for path in sorted(_drawn_with()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _drawn_with() -> Iterable[Path]:
    for folder in DRAWN_WITH:
        for path in (Path(settings.ROOT) / folder).rglob("*"):
            if path.suffix in {".html", ".css", ".svg", ".po"}:
                yield path
