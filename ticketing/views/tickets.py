"""The tickets page: types, releases, stock."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.forms.tickets import CapacityForm, ReleaseForm, TicketTypeForm
from ticketing.models import Release, TicketType
from ticketing.queries import recount, ticket_board
from ticketing.views.page import tickets_page, to_tab
from ticketing.windows import drawn
from tiqqo.core import clock
from tiqqo.ui.forms import refusals


@member_view(Permission.VIEW_EVENTS)
@require_GET
def tickets(request: Any, event: str) -> HttpResponse:
    found = event_or_404(event)
    now = clock.now()
    board = ticket_board(found, at=now)
    return tickets_page(
        request,
        "ticketing/tickets.html",
        found,
        {
            "board": board,
            "drawn": drawn(board, found, now),
            "now": now,
            "may_edit": request.member.may(Permission.EDIT_EVENTS),
        },
    )


@member_view(Permission.VIEW_EVENTS)
@require_GET
def inventory(request: Any, event: str) -> HttpResponse:
    """The proof: every counter beside what its rows say."""
    found = event_or_404(event)
    counts = recount(found)
    return tickets_page(
        request,
        "ticketing/inventory.html",
        found,
        {"counts": counts, "differences": sum(c.differs for c in counts), "now": clock.now()},
        tab="ticketing:inventory",
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def capacity(request: Any, event: str) -> HttpResponse:
    found = event_or_404(event)
    pool = ticket_board(found, at=clock.now()).event_pool
    form = CapacityForm(request.POST or None, initial={"capacity": pool.capacity if pool else None})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.set_event_capacity(
                found, capacity=form.cleaned_data["capacity"], by=request.member
            )
            messages.success(request, _("Places of the event saved."))
            return to_tab(request, found)
    return tickets_page(
        request, "ticketing/capacity.html", found, {"form": form}, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_type(request: Any, event: str) -> HttpResponse:
    found = event_or_404(event)
    form = TicketTypeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            made = operations.create_ticket_type(found, by=request.member, **form.cleaned_data)
            messages.success(
                request,
                _("%(name)s is ready. Give it a release, so that it can be sold.")
                % {"name": made.name},
            )
            return redirect(
                "ticketing:new_release",
                organiser=request.member.organiser.slug,
                event=event,
                ticket_type=made.code,
            )
    return tickets_page(
        request, "ticketing/type.html", found, {"form": form, "made": None}, bound=form.is_bound
    )


def _type_or_404(event: Event, code: str) -> TicketType:
    found: TicketType = get_object_or_404(
        TicketType.objects.select_related("event", "pool"), event=event, code=code
    )
    return found


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def ticket_type(request: Any, event: str, ticket_type: str) -> HttpResponse:
    found = event_or_404(event)
    made = _type_or_404(found, ticket_type)
    form = TicketTypeForm(
        request.POST or None,
        initial={
            "name": made.name,
            "description": made.description,
            "capacity": made.pool.capacity,
            "per_order_limit": made.per_order_limit,
        },
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_ticket_type(made, by=request.member, **form.cleaned_data)
            messages.success(request, _("Ticket type saved."))
            return to_tab(request, found)
    return tickets_page(
        request, "ticketing/type.html", found, {"form": form, "made": made}, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_release(request: Any, event: str, ticket_type: str) -> HttpResponse:
    found = event_or_404(event)
    made = _type_or_404(found, ticket_type)
    form = ReleaseForm(request.POST or None, event=found)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            release = operations.create_release(made, by=request.member, **form.terms)
            if "publish" in request.POST:
                operations.publish_release(release, by=request.member)
            messages.success(request, _("Release saved."))
            return to_tab(request, found)
    return tickets_page(
        request,
        "ticketing/release.html",
        found,
        {"form": form, "made": None, "ticket_type": made},
        bound=form.is_bound,
    )


def _release_or_404(event: Event, code: str) -> Release:
    found: Release = get_object_or_404(
        Release.objects.select_related("ticket_type__event", "pool"),
        ticket_type__event=event,
        code=code,
    )
    return found


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def release(request: Any, event: str, release: str) -> HttpResponse:
    found = event_or_404(event)
    made = _release_or_404(found, release)
    form = ReleaseForm(
        request.POST or None,
        event=found,
        initial={
            "name": made.name,
            "price": made.price_minor,
            "opens_at": made.opens_at,
            "closes_at": made.closes_at,
            "capacity": made.pool.capacity,
        },
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_release(made, by=request.member, **form.terms)
            messages.success(request, _("Release saved."))
            return to_tab(request, found)
    return tickets_page(
        request,
        "ticketing/release.html",
        found,
        {"form": form, "made": made, "ticket_type": made.ticket_type},
        bound=form.is_bound,
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def release_publication(request: Any, event: str, release: str) -> HttpResponse:
    found = event_or_404(event)
    operations.publish_release(_release_or_404(found, release), by=request.member)
    messages.success(request, _("The release is published."))
    return to_tab(request, found)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def release_withdrawal(request: Any, event: str, release: str) -> HttpResponse:
    found = event_or_404(event)
    operations.withdraw_release(_release_or_404(found, release), by=request.member)
    messages.success(request, _("The release is a draft again and not in the shop."))
    return to_tab(request, found)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def release_deletion(request: Any, event: str, release: str) -> HttpResponse:
    found = event_or_404(event)
    operations.delete_release(_release_or_404(found, release), by=request.member)
    messages.success(request, _("The release is deleted."))
    return to_tab(request, found)
