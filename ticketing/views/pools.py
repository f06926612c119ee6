"""Places that several things share."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import member_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.catalogue import catalogue_of
from ticketing.forms.pools import SharedPoolForm
from ticketing.models import CapacityPool
from ticketing.views.page import tickets_page, to_tab
from tiqqo.ui.forms import refusals


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_pool(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    form = _form(request, event)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.create_shared_pool(
                event,
                name=form.cleaned_data["name"],
                capacity=form.cleaned_data["capacity"],
                members=form.chosen,
                by=request.member,
            )
            messages.success(request, _("The shared places are counted from now on."))
            return to_tab(request, event)
    return tickets_page(
        request, "ticketing/pool.html", event, {"form": form, "made": None}, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def pool(request: Any, event_slug: str, pool_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    pool = _pool_or_404(event, pool_id)
    form = _form(request, event, pool)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_shared_pool(
                pool,
                name=form.cleaned_data["name"],
                capacity=form.cleaned_data["capacity"],
                members=form.chosen,
                by=request.member,
            )
            messages.success(request, _("Shared places saved."))
            return to_tab(request, event)
    return tickets_page(
        request, "ticketing/pool.html", event, {"form": form, "made": pool}, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def pool_deletion(request: Any, event_slug: str, pool_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    operations.delete_shared_pool(_pool_or_404(event, pool_id), by=request.member)
    messages.success(request, _("The shared places are deleted. Nothing shares them any more."))
    return to_tab(request, event)


def _form(request: Any, event: Event, made: CapacityPool | None = None) -> SharedPoolForm:
    pools = list(CapacityPool.objects.filter(event=event, slot=None))
    return SharedPoolForm(
        request.POST or None, catalogue=catalogue_of(event), pools=pools, made=made
    )


def _pool_or_404(event: Event, pool_id: int) -> CapacityPool:
    """A shared one: those have names."""
    shared = CapacityPool.objects.exclude(name="")
    capacity_pool: CapacityPool = get_object_or_404(shared, event=event, pk=pool_id)
    return capacity_pool
