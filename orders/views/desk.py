"""The orders desk: Ticket Orders, one order, people."""

import re
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_view
from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from events.exports import record_export
from events.queries import event_or_404
from orders import operations
from orders.email_messages import order_url
from orders.emails import due_words
from orders.export import csv_rows
from orders.forms import DueForm, NewOrderForm, OrderFilterForm
from orders.history import told
from orders.models import DocumentKind, PaymentMethod
from orders.price_lines import order_price_lines
from orders.queries import (
    invoice_or_404,
    order_details,
    order_or_404,
    orders_page,
    people_of,
    summary_matrix,
)
from orders.queries.desk import filtered_orders, sold_words
from orders.shown import Wanted, wanted_badges, wanted_invoice
from orders.views.files import Leave, document_response
from ticketing.lock_waiters import taking_places
from ticketing.queries import offers
from tiqqo.core import clock
from tiqqo.core.locales import percent
from tiqqo.ui.forms import refusals

_A_NUMBER = re.compile(r"[0-9]{1,18}")


@member_view(Permission.VIEW_ORDERS)
@require_GET
def order_list(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    form = OrderFilterForm(request.GET or None)
    asked = form.asked
    page = orders_page(event, asked, cursor=request.GET.get("after", ""))
    kept = {k: v for k, v in request.GET.items() if v and k != "after"}
    here = request.path
    context = {
        "form": form,
        "asked": asked,
        "sold": sold_words(event, asked),
        "page": page,
        "next_url": f"{here}?{urlencode({**kept, 'after': page.next_cursor})}"
        if page.next_cursor
        else "",
        "first_url": f"{here}?{urlencode(kept)}" if request.GET.get("after") else "",
        "csv_url": reverse(
            "orders:csv",
            kwargs={"organiser_slug": request.member.organiser.slug, "event_slug": event_slug},
        )
        + f"?{urlencode(kept)}",
        "summary": summary_matrix(event, asked),
        "may_manage": request.member.may(Permission.MANAGE_ORDERS),
        "tax_rate": percent(event.tax_rate_bp),
    }
    return render_dashboard(
        request, "orders/list.html", context, current="orders:list", event=event
    )


@member_view(Permission.VIEW_ORDERS)
@require_GET
def order_csv(request: Any, event_slug: str) -> HttpResponse:
    """The filtered list, all of it."""
    event = event_or_404(event_slug)
    asked = OrderFilterForm(request.GET or None).asked
    rows = list(filtered_orders(event, asked))
    record_export(event, "orders", by=request.member, rows=len(rows), **asdict(asked))
    response = StreamingHttpResponse(csv_rows(rows, event), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="orders-{event.slug}.csv"'
    return response  # type: ignore[return-value]


@member_view(Permission.MANAGE_ORDERS)
@require_http_methods(["GET", "POST"])
def new_order(request: Any, event_slug: str) -> HttpResponse:
    """An order from the organiser's side: it takes the same way as a buyer's."""
    event = event_or_404(event_slug)
    on_sale = [offer for offer in offers(event, at=clock.now()) if offer.is_on_sale]
    form = NewOrderForm(request.POST or None, offers=on_sale)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            with taking_places():
                order = operations.make_order(
                    event,
                    selection=form.selection,
                    buyer=form.buyer,
                    payment_method=PaymentMethod(form.cleaned_data["payment_method"]),
                    by=request.member,
                )
            messages.success(request, _("Order %(code)s is made.") % {"code": order.code})
            return redirect(
                "orders:order",
                organiser_slug=request.member.organiser.slug,
                event_slug=event_slug,
                code=order.code,
            )
    return render_dashboard(
        request,
        "orders/new.html",
        {"form": form, "has_offers": bool(on_sale)},
        current="orders:list",
        event=event,
        status=422 if form.is_bound else 200,
    )


@member_view(Permission.VIEW_ORDERS)
@require_GET
def order(request: Any, event_slug: str, code: str) -> HttpResponse:
    return _order_page(request, event_slug, code)


def _order_page(
    request: Any, event_slug: str, code: str, due_form: DueForm | None = None
) -> HttpResponse:
    event = event_or_404(event_slug)
    details = order_details(order_or_404(event, code))
    may_manage = request.member.may(Permission.MANAGE_ORDERS)
    return render_dashboard(
        request,
        "orders/order.html",
        {
            "details": details,
            "order": details.order,
            "history": told(details.history),
            "price_lines": order_price_lines(details.order, details.lines),
            # Whoever has the link acts as the buyer, and whoever has a ticket's letters may enter.
            "buyer_url": order_url(details.order) if may_manage else "",
            "may_manage": may_manage,
            "due_form": due_form or DueForm(initial=DueForm.initial_of(details.order)),
            "due_words": due_words(details.order),
        },
        current="orders:list",
        event=event,
        status=422 if due_form else 200,
    )


@member_view(Permission.MANAGE_ORDERS)
@require_POST
def acceptance(request: Any, event_slug: str, code: str) -> HttpResponse:
    return _act(
        request,
        event_slug,
        code,
        operations.accept_order,
        _("%(code)s is accepted. The buyer is told."),
    )


@member_view(Permission.MANAGE_ORDERS)
@require_POST
def due_date(request: Any, event_slug: str, code: str) -> HttpResponse:
    """Until when the order is to be paid; without a day it does not end by itself."""
    form = DueForm(request.POST)
    if form.is_valid():
        with refusals(form):
            order = order_or_404(event_or_404(event_slug), code)
            operations.move_due(order, due_on=form.cleaned_data["due_on"], by=request.member)
            messages.success(request, _("The date is saved."))
            return redirect(
                "orders:order",
                organiser_slug=request.member.organiser.slug,
                event_slug=event_slug,
                code=code,
            )
    return _order_page(request, event_slug, code, due_form=form)


def _act(request: Any, event_slug: str, code: str, act: Any, done: str) -> HttpResponse:
    order = order_or_404(event_or_404(event_slug), code)
    with taking_places():
        act(order, by=request.member)
    messages.success(request, done % {"code": order.code})
    return redirect(
        "orders:order",
        organiser_slug=request.member.organiser.slug,
        event_slug=event_slug,
        code=code,
    )


@member_view(Permission.MANAGE_ORDERS)
@require_POST
def invoice(request: Any, event_slug: str, code: str) -> HttpResponse:
    return _act(
        request,
        event_slug,
        code,
        operations.send_invoice,
        _("The invoice of %(code)s is on its way to the buyer."),
    )


@member_view(Permission.VIEW_ORDERS)
@require_GET
def invoice_pdf(request: Any, event_slug: str, code: str) -> HttpResponse:
    invoice = invoice_or_404(order_or_404(event_or_404(event_slug), code))
    return _document(request, wanted_invoice(invoice), f"invoice-{invoice.number}.pdf")


@member_view(Permission.MANAGE_ORDERS)
@require_GET
def badges(request: Any, event_slug: str) -> HttpResponse:
    """All badges of the event by name; `?sheet` prints ten on A4."""
    event = event_or_404(event_slug)
    return _badges(request, wanted_badges(event, _kind(request)), f"badges-{event.slug}.pdf")


@member_view(Permission.MANAGE_ORDERS)
@require_GET
def order_badges(request: Any, event_slug: str, code: str) -> HttpResponse:
    order = order_or_404(event_or_404(event_slug), code)
    wanted = wanted_badges(order.event, _kind(request), order=order)
    return _badges(request, wanted, f"badges-{order.code}.pdf")


def _kind(request: Any) -> DocumentKind:
    return DocumentKind.BADGE_SHEETS if "sheet" in request.GET else DocumentKind.BADGES


def _badges(request: Any, wanted: Wanted | None, filename: str) -> HttpResponse:
    if wanted is None:
        raise Http404
    response = _document(request, wanted, filename)
    if response.headers["Content-Type"] == "application/pdf":
        of_order = {"order": wanted.order.code} if wanted.order else {}
        record_export(wanted.event, "badges", by=request.member, rows=wanted.total, **of_order)
    return response


def _document(request: Any, wanted: Wanted, filename: str) -> HttpResponse:
    place = {"organiser_slug": request.member.organiser.slug, "event_slug": wanted.event.slug}
    leave = (
        Leave(
            reverse("orders:order", kwargs={**place, "code": wanted.order.code}),
            _("Back to the order"),
        )
        if wanted.order
        else Leave(reverse("orders:people", kwargs=place), _("Back to the people"))
    )
    current = "orders:list" if wanted.order else "orders:people"
    return document_response(
        request,
        wanted,
        filename,
        leave=leave,
        page=lambda facts: render_dashboard(
            request, "orders/document.html", facts, current=current, event=wanted.event
        ),
    )


@member_view(Permission.MANAGE_ORDERS)
@require_POST
def settlement(request: Any, event_slug: str, code: str) -> HttpResponse:
    return _act(
        request,
        event_slug,
        code,
        operations.mark_settled,
        _("%(code)s is settled. The tickets are on their way."),
    )


@member_view(Permission.MANAGE_ORDERS)
@require_POST
def order_cancellation(request: Any, event_slug: str, code: str) -> HttpResponse:
    return _act(
        request,
        event_slug,
        code,
        operations.cancel_order,
        _("%(code)s is cancelled and its places are free."),
    )


@member_view(Permission.MANAGE_ORDERS)
@require_POST
def deliveries(request: Any, event_slug: str, code: str) -> HttpResponse:
    return _act(
        request,
        event_slug,
        code,
        operations.resend_tickets,
        _("The tickets of %(code)s are sent again."),
    )


def _number(request: Any, name: str) -> int:
    """A whole number of the address; whatever else stands there counts as none."""
    asked = request.GET.get(name, "")
    return int(asked) if _A_NUMBER.fullmatch(asked) else 0


@member_view(Permission.VIEW_ORDERS)
@require_GET
def people(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    search = request.GET.get("search", "").replace("\0", "").strip()[:100]
    return render_dashboard(
        request,
        "orders/people.html",
        {
            "page": people_of(event, search=search, after=_number(request, "after")),
            "search": search,
            "may_manage": request.member.may(Permission.MANAGE_ORDERS),
        },
        current="orders:people",
        event=event,
    )
