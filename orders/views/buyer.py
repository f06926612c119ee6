"""The buyer's own page of an order, by its secret link."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.access import public_view
from orders.calendar import calendar_file
from orders.email_messages import order_url
from orders.errors import SubstituteOver
from orders.limits import RESENDS, RESENDS_TO_AN_ADDRESS, count_people
from orders.models import DocumentKind, Order, PaymentMethod, Substitute
from orders.operations import (
    accept_substitute,
    decline_substitute,
    resend_tickets,
)
from orders.printed import printed_ticket
from orders.queries import invoice_or_404, offered_substitute, order_by_link, order_page
from orders.shown import Wanted, wanted_invoice, wanted_tickets
from orders.views.files import Leave, document_response
from orders.views.shop import event_context
from people.consent_links import consent_url
from tiqqo.core import audit
from tiqqo.core.email_addresses import mailbox_of
from tiqqo.core.language import suggest_language


def _order_or_404(request: Any, event_slug: str, code: str, secret: str) -> Order:
    """The order behind the link, below its own event's address, in the language it was made in."""
    order = order_by_link(code, secret)
    if order.event.slug != event_slug:
        raise Http404
    suggest_language(request, order.locale, over_browser=True)
    return order


@public_view
@never_cache
@require_GET
def order(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    order = _order_or_404(request, event_slug, code, secret)
    page = order_page(order)
    count_people(request, len(page.printed))
    template = "shop/order.html#tickets" if request.htmx else "shop/order.html"
    return render(
        request,
        template,
        {
            **event_context(request, order.event),
            "page": page,
            "order": order,
            "steps": _invoice_steps(order, has_tickets=bool(page.printed)),
            "consent_url": _consent_url(order),
        },
    )


def _consent_url(order: Order) -> str:
    """Where the buyer takes back that they may be sent news; empty where they may not."""
    if order.contact is None or order.contact.consented_at is None:
        return ""
    return consent_url(order.contact, order.event.organiser)


def _invoice_steps(order: Order, *, has_tickets: bool) -> list[dict[str, str]]:
    """How far an order by invoice is. When its tickets come is up to the event."""
    if order.payment_method != PaymentMethod.INVOICE or order.is_over or order.is_settled:
        return []
    sent = order.invoice_sent_at is not None
    tickets = (_("Tickets"), has_tickets)
    steps = [(_("Ordered"), True), (_("Invoice sent"), sent), (_("Paid"), False)]
    steps.insert(2 if has_tickets else 3, tickets)
    first_open = next(label for label, done in steps if not done)
    return [
        {
            "label": label,
            "state": "done" if done else "current" if label == first_open else "ahead",
        }
        for label, done in steps
    ]


@public_view
@never_cache
@require_GET
def tickets_pdf(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    """The PDF as it was mailed, or drawn anew where the tickets changed since.

    While the mail is being made, back to the page that says so.
    """
    order = _order_or_404(request, event_slug, code, secret)
    wanted = wanted_tickets(order, DocumentKind.TICKETS)
    if wanted is None or order_page(order).is_preparing:
        return redirect(order_url(order))
    return _document(request, wanted, f"tickets-{order.code}.pdf")


@public_view
@never_cache
@require_GET
def tickets_phone_pdf(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    """The tickets for a phone's screen."""
    order = _order_or_404(request, event_slug, code, secret)
    wanted = wanted_tickets(order, DocumentKind.PHONE)
    if wanted is None:
        return redirect(order_url(order))
    return _document(request, wanted, f"tickets-{order.code}-phone.pdf")


@public_view
@never_cache
@require_GET
def invoice_pdf(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    """The invoice as it was mailed: it is made of what was frozen when it had its number."""
    invoice = invoice_or_404(_order_or_404(request, event_slug, code, secret))
    return _document(request, wanted_invoice(invoice), f"invoice-{invoice.number}.pdf")


def _document(request: Any, wanted: Wanted, filename: str) -> HttpResponse:
    assert wanted.order is not None
    context = event_context(request, wanted.event)
    return document_response(
        request,
        wanted,
        filename,
        leave=Leave(order_url(wanted.order), _("Back to the order")),
        page=lambda facts: render(request, "shop/document.html", {**context, **facts}),
    )


@csrf_exempt
@public_view
@require_POST
def deliveries(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    """The PDF is made again and mailed to the buyer's address, which this page cannot change."""
    order = _order_or_404(request, event_slug, code, secret)
    # Not before there is one: what is made up would fill the memory of whoever counts.
    RESENDS.spend(order.secret)
    RESENDS_TO_AN_ADDRESS.spend(mailbox_of(order.email))
    resend_tickets(order, by=audit.BUYER)
    return HttpResponse(status=303, headers={"Location": order_url(order)})


@csrf_exempt
@public_view
@require_POST
def substitute_acceptance(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    """The buyer takes the tickets that are held in place of those that were gone."""
    return _decided(_order_or_404(request, event_slug, code, secret), accept_substitute)


@csrf_exempt
@public_view
@require_POST
def substitute_refusal(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    """The buyer has the money back instead."""
    order = _order_or_404(request, event_slug, code, secret)
    return _decided(order, partial(decline_substitute, by=audit.BUYER))


def _decided(order: Order, decide: Callable[[Substitute], Order]) -> HttpResponse:
    """Decided already, or too late: the page that follows says how it stands."""
    offered = offered_substitute(order)
    if offered is not None:
        with suppress(SubstituteOver):
            decide(offered.substitute)
    return HttpResponse(status=303, headers={"Location": order_url(order)})


@public_view
@never_cache
@require_GET
def calendar(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    order = _order_or_404(request, event_slug, code, secret)
    body = calendar_file(
        order.event,
        url=order_url(order),
        uid=f"{order.code}@tiqqo",
        is_holders=order.is_confirmed and order.tickets.valid().exists(),
    )
    return HttpResponse(
        body,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{order.event.slug}.ics"'},
    )


@public_view
@never_cache
@require_GET
def qr(request: Any, event_slug: str, code: str, secret: str, ticket: str) -> HttpResponse:
    """The QR of one ticket as an image."""
    printed = printed_ticket(_order_or_404(request, event_slug, code, secret), ticket)
    if printed is None:
        raise Http404
    return HttpResponse(printed.svg, content_type="image/svg+xml")
