"""Places that are set aside for partners."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import member_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.catalogue import catalogue_of
from ticketing.forms.allocations import AllocationChangeForm, AllocationForm
from ticketing.queries import AllocationRow, allocation_board, allocation_row_or_404
from ticketing.views.codes import share_link
from ticketing.views.page import tickets_page, to_tab
from tiqqo.core import clock
from tiqqo.core.locales import number
from tiqqo.ui.forms import refusals

TAB = "ticketing:allocations"


@dataclass(frozen=True, slots=True)
class Linked:
    """A partner's places with the address that leads its buyers to them."""

    row: AllocationRow
    link: str


@member_view(Permission.EDIT_EVENTS)
@require_GET
def allocations(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    context = {
        "rows": [
            Linked(row, share_link(request, event, row.code))
            for row in allocation_board(event, at=clock.now())
        ],
        "has_types": bool(catalogue_of(event).types),
        "may_edit": request.member.may(Permission.EDIT_EVENTS),
    }
    return tickets_page(request, "ticketing/allocations.html", event, context, tab=TAB)


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_allocation(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    form = AllocationForm(request.POST or None, event=event, catalogue=catalogue_of(event))
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.allocate_stock(by=request.member, **form.wish, **form.discount)
            messages.success(
                request,
                _("The places are set aside. Send the link to %(company)s.")
                % {"company": form.cleaned_data["company_name"]},
            )
            return _to_list(request, event)
    return tickets_page(
        request,
        "ticketing/new_allocation.html",
        event,
        {"form": form},
        tab=TAB,
        bound=form.is_bound,
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def allocation(request: Any, event_slug: str, allocation_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    row = allocation_row_or_404(event, allocation_code, at=clock.now())
    form = AllocationChangeForm(
        request.POST or None,
        event=event,
        initial={"quantity": row.pool.capacity, "returns_at": row.allocation.returns_at},
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_allocation(row.allocation, by=request.member, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return _to_list(request, event)
    context = {"form": form, "row": row}
    return tickets_page(
        request, "ticketing/allocation.html", event, context, tab=TAB, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def allocation_return(request: Any, event_slug: str, allocation_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    row = allocation_row_or_404(event, allocation_code, at=clock.now())
    if request.method == "POST":
        count = operations.return_allocation(row.allocation, by=request.member)
        messages.success(
            request,
            ngettext(
                "%(count)s place is back on sale.", "%(count)s places are back on sale.", count
            )
            % {"count": number(count)},
        )
        return _to_list(request, event)
    return tickets_page(request, "ticketing/allocation_return.html", event, {"row": row}, tab=TAB)


def _to_list(request: Any, event: Event) -> HttpResponse:
    return to_tab(request, event, TAB)
