"""The waitlist: its rule, the line, and the acts that steer it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_view
from accounts.models import Membership
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.forms.waitlist import WaitlistForm
from ticketing.models import WaitlistEntry, WaitlistMethod, WaitlistPolicy, WaitlistStatus
from ticketing.queries.waitlist import (
    status_after,
    undrawn_count,
    waitlist_counts,
    waitlist_page,
    words_of_wishes,
)
from ticketing.views.page import tickets_page, to_tab
from tiqqo.core import clock
from tiqqo.ui.forms import refusals

TAB = "ticketing:waitlist"


@member_view(Permission.VIEW_ORDERS)
@require_GET
def waitlist(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    policy = WaitlistPolicy.objects.filter(event=event).first()
    if policy is None:
        return tickets_page(
            request, "ticketing/waitlist.html", event, {"may_edit": _may_edit(request)}, tab=TAB
        )
    status, after = _asked(request)
    return tickets_page(
        request,
        "ticketing/waitlist.html",
        event,
        {
            "policy": policy,
            "is_lottery": policy.method == WaitlistMethod.LOTTERY,
            "undrawn": undrawn_count(event),
            "counts": [
                {"status": each, "count": count} for each, count in waitlist_counts(event).items()
            ],
            "shown": status,
            "page": waitlist_page(event, status, at=clock.now(), after=after),
            "after": after,
            "now": clock.now(),
            "may_edit": _may_edit(request),
        },
        tab=TAB,
    )


def _may_edit(request: Any) -> bool:
    member: Membership = request.member
    return member.may(Permission.EDIT_EVENTS)


def _asked(request: Any) -> tuple[WaitlistStatus, int | None]:
    """The status whose people are listed, and whom the page begins after."""
    try:
        status = WaitlistStatus(request.GET.get("status", WaitlistStatus.WAITING))
        after = request.GET.get("after")
        return status, int(after) if after else None
    except ValueError:
        raise Http404 from None


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def settings(request: Any, event_slug: str) -> HttpResponse:
    """Switches the waitlist on, or changes how it is served."""
    event = event_or_404(event_slug)
    policy = WaitlistPolicy.objects.filter(event=event).first()
    initial = {"method": policy.method, "offer_hours": policy.offer_hours} if policy else {}
    form = WaitlistForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.set_waitlist(
                event,
                method=WaitlistMethod(form.cleaned_data["method"]),
                offer_hours=form.cleaned_data["offer_hours"],
                by=request.member,
            )
            said = _("The waitlist is saved.") if policy else _("The waitlist is open.")
            messages.success(request, said)
            return to_tab(request, event, TAB)
    return tickets_page(
        request,
        "ticketing/waitlist_settings.html",
        event,
        {"form": form, "policy": policy},
        tab=TAB,
        bound=form.is_bound,
    )


def _switch(act: Callable[..., None], said: Any) -> Any:
    @member_view(Permission.EDIT_EVENTS)
    @require_POST
    def switched(request: Any, event_slug: str) -> HttpResponse:
        event = event_or_404(event_slug)
        act(event, by=request.member)
        messages.success(request, said())
        return to_tab(request, event, TAB)

    return switched


closing = _switch(operations.close_waitlist, lambda: _("Nobody new gets in line."))
reopening = _switch(operations.reopen_waitlist, lambda: _("People can get in line again."))
pause = _switch(
    operations.pause_offers,
    lambda: _("No offers go out. What the line waits for is kept for it."),
)
resumption = _switch(operations.resume_offers, lambda: _("Offers go out again."))


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def draw(request: Any, event_slug: str) -> HttpResponse:
    """The order of the line is drawn by lot; asks first, for nobody can undo it."""
    event = event_or_404(event_slug)
    if request.method == "POST":
        count = operations.draw_lots(event, by=request.member)
        said = ngettext(
            "%(count)s person has a place by lot.", "%(count)s people have a place by lot.", count
        )
        messages.success(request, said % {"count": count})
        return to_tab(request, event, TAB)
    return tickets_page(
        request, "ticketing/waitlist_draw.html", event, {"undrawn": undrawn_count(event)}, tab=TAB
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def offer(request: Any, event_slug: str, entry_id: int) -> HttpResponse:
    """This one is offered places now."""
    event = event_or_404(event_slug)
    chosen = _entry_or_404(event, entry_id)
    operations.offer_now(chosen, by=request.member)
    messages.success(
        request, _("The places are held for %(name)s, who gets a mail.") % {"name": chosen.name}
    )
    return to_tab(request, event, TAB)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def priority(request: Any, event_slug: str, entry_id: int) -> HttpResponse:
    """To the head of the line, or back to where they came."""
    event = event_or_404(event_slug)
    chosen = _entry_or_404(event, entry_id)
    if request.POST.get("to") == "back":
        operations.put_back(chosen, by=request.member)
        said = _("%(name)s is back in their own place.")
    else:
        operations.put_ahead(chosen, by=request.member)
        said = _("%(name)s is the first in line.")
    messages.success(request, said % {"name": chosen.name})
    return to_tab(request, event, TAB)


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def removal(request: Any, event_slug: str, entry_id: int) -> HttpResponse:
    """Take somebody out of line; asks first, for their place is lost."""
    event = event_or_404(event_slug)
    chosen = _entry_or_404(event, entry_id)
    if request.method == "POST":
        operations.leave_waitlist(chosen, by=request.member)
        messages.success(request, _("%(name)s is out of line.") % {"name": chosen.name})
        return to_tab(request, event, TAB)
    is_offered = bool(
        chosen.reservation
        and chosen.is_on_waitlist
        and status_after(chosen.reservation, at=clock.now()) == WaitlistStatus.OFFERED
    )
    return tickets_page(
        request,
        "ticketing/waitlist_removal.html",
        event,
        {
            "entry": chosen,
            "wishes": words_of_wishes(event, [chosen])[chosen.pk],
            "is_offered": is_offered,
        },
        tab=TAB,
    )


def _entry_or_404(event: Event, pk: int) -> WaitlistEntry:
    waitlist_entry: WaitlistEntry = get_object_or_404(
        WaitlistEntry.objects.select_related("reservation"), event=event, pk=pk
    )
    return waitlist_entry
