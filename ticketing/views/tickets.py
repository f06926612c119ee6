"""The tickets page: types, releases, the places of the event."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.catalogue import catalogue_of
from ticketing.forms.tickets import CapacityForm, ReleaseForm, TicketTypeForm
from ticketing.models import Release, TicketType
from ticketing.queries import ticket_board
from ticketing.sales_windows import drawn
from ticketing.views.page import tickets_page, to_tab
from tiqqo.core import clock
from tiqqo.ui.forms import refusals


@member_view(Permission.VIEW_EVENTS)
@require_GET
def tickets(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    now = clock.now()
    board = ticket_board(event, at=now)
    return tickets_page(
        request,
        "ticketing/tickets.html",
        event,
        {
            "board": board,
            "drawn": drawn(board, event, now),
            "now": now,
            "may_edit": request.member.may(Permission.EDIT_EVENTS),
        },
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def capacity(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    pool = ticket_board(event, at=clock.now()).event_pool
    form = CapacityForm(request.POST or None, initial={"capacity": pool.capacity if pool else None})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.set_event_capacity(
                event, capacity=form.cleaned_data["capacity"], by=request.member
            )
            messages.success(request, _("Places of the event saved."))
            return to_tab(request, event)
    return tickets_page(
        request, "ticketing/capacity.html", event, {"form": form}, bound=form.is_bound
    )


# Ticket types -----------------------------------------------------------------------------


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_type(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    form = TicketTypeForm(request.POST or None, event=event, others=_possible_parts(event))
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            ticket_type = operations.create_ticket_type(event, by=request.member, **form.details)
            messages.success(
                request,
                _("%(name)s is ready. Give it a release, so that it can be sold.")
                % {"name": ticket_type.name},
            )
            return redirect(
                "ticketing:new_release",
                organiser_slug=request.member.organiser.slug,
                event_slug=event_slug,
                type_code=ticket_type.code,
            )
    return tickets_page(
        request, "ticketing/type.html", event, {"form": form, "made": None}, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def ticket_type(request: Any, event_slug: str, type_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    ticket_type = type_or_404(event, type_code)
    others = _possible_parts(event, ticket_type)
    form = TicketTypeForm(request.POST or None, event=event, others=others, made=ticket_type)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_ticket_type(ticket_type, by=request.member, **form.details)
            messages.success(request, _("Ticket type saved."))
            return to_tab(request, event)
    return tickets_page(
        request,
        "ticketing/type.html",
        event,
        {"form": form, "made": ticket_type},
        bound=form.is_bound,
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def type_position(request: Any, event_slug: str, type_code: str) -> HttpResponse:
    """One up, or one down."""
    event = event_or_404(event_slug)
    ticket_type = type_or_404(event, type_code)
    places = -1 if request.POST.get("to") == "up" else 1
    operations.move_ticket_type(ticket_type, places=places, by=request.member)
    return to_tab(request, event)


def type_or_404(event: Event, code: str) -> TicketType:
    ticket_type: TicketType = get_object_or_404(
        TicketType.objects.select_related("event", "pool"), event=event, code=code
    )
    return ticket_type


def _possible_parts(event: Event, bundle: TicketType | None = None) -> list[tuple[TicketType, int]]:
    """Single tickets that a bundle could contain, each with its lowest price of now."""
    catalogue = catalogue_of(event)
    contained = {p.ticket_type.pk for parts in catalogue.parts.values() for p in parts}
    if bundle is not None and bundle.pk in contained:
        return []
    singles = [
        found
        for found in catalogue.types.values()
        if found != bundle and found.admits == 1 and found.pk not in catalogue.parts
    ]
    return [
        (
            found,
            min(
                (
                    catalogue.lowest_price(release)
                    for release in catalogue.releases
                    if release.ticket_type_id == found.pk and release.published_at
                ),
                default=0,
            ),
        )
        for found in singles
    ]


# Releases ---------------------------------------------------------------------------------


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_release(request: Any, event_slug: str, type_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    ticket_type = type_or_404(event, type_code)
    form = ReleaseForm(request.POST or None, event=event, ticket_type=ticket_type)
    if request.method == "POST" and form.is_valid():
        with refusals(form), transaction.atomic():
            release = operations.create_release(ticket_type, by=request.member, **form.details)
            if "publish" in request.POST:
                operations.publish_release(release, by=request.member)
            messages.success(request, _("Release saved."))
            return to_tab(request, event)
    return tickets_page(
        request,
        "ticketing/release.html",
        event,
        {"form": form, "made": None, "ticket_type": ticket_type},
        bound=form.is_bound,
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def release(request: Any, event_slug: str, release_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    release = release_or_404(event, release_code)
    form = ReleaseForm(
        request.POST or None, event=event, ticket_type=release.ticket_type, made=release
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_release(release, by=request.member, **form.details)
            messages.success(request, _("Release saved."))
            return to_tab(request, event)
    return tickets_page(
        request,
        "ticketing/release.html",
        event,
        {"form": form, "made": release, "ticket_type": release.ticket_type},
        bound=form.is_bound,
    )


def release_or_404(event: Event, code: str) -> Release:
    release: Release = get_object_or_404(
        Release.objects.select_related("ticket_type__event", "pool", "follows"),
        ticket_type__event=event,
        code=code,
    )
    return release


@member_view(Permission.EDIT_EVENTS)
@require_POST
def release_publication(request: Any, event_slug: str, release_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    operations.publish_release(release_or_404(event, release_code), by=request.member)
    messages.success(request, _("The release is published."))
    return to_tab(request, event)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def release_withdrawal(request: Any, event_slug: str, release_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    operations.withdraw_release(release_or_404(event, release_code), by=request.member)
    messages.success(request, _("The release is a draft again and not in the shop."))
    return to_tab(request, event)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def release_deletion(request: Any, event_slug: str, release_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    operations.delete_release(release_or_404(event, release_code), by=request.member)
    messages.success(request, _("The release is deleted."))
    return to_tab(request, event)
