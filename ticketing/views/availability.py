"""Hide, pause, sold out: what each does, what hangs on it, and the way back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.access import member_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.models import Release, TicketType
from ticketing.queries import connections_of
from ticketing.views.page import tickets_page, to_tab
from ticketing.views.tickets import release_or_404, type_or_404


@dataclass(frozen=True, slots=True)
class Act:
    """One of the three, with its way back; `column` says since when."""

    column: str
    word: str | Promise
    says: str | Promise
    do: str
    do_label: str | Promise
    done: str | Promise
    undo: str
    undo_label: str | Promise
    undone: str | Promise


ACTS = (
    Act(
        "hidden_at",
        _("Hidden"),
        _("Buyers do not see it. A code that unlocks it, or a partner's link, still sells it."),
        "hide",
        _("Hide"),
        _("%(name)s is hidden."),
        "show",
        _("Show again"),
        _("%(name)s is shown again."),
    ),
    Act(
        "paused_at",
        _("Paused"),
        _("Buyers see it and cannot buy it for now. What is in a basket can still be paid."),
        "pause",
        _("Pause"),
        _("%(name)s is paused."),
        "resume",
        _("Resume"),
        _("%(name)s can be bought again."),
    ),
    Act(
        "sold_out_at",
        _("Marked sold out"),
        _(
            "Buyers read that it is sold out, whatever is left, and can join the waitlist. A release"
            " that waits for this one opens."
        ),
        "mark_sold_out",
        _("Mark sold out"),
        _("%(name)s is marked sold out."),
        "put_back_on_sale",
        _("Put back on sale"),
        _("%(name)s is on sale again as far as places are left."),
    ),
)
_OPERATIONS: dict[str, tuple[Callable[..., None], str | Promise]] = {
    name: (getattr(operations, name), said)
    for act in ACTS
    for name, said in ((act.do, act.done), (act.undo, act.undone))
}


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def type_availability(request: Any, event_slug: str, type_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    return _availability(request, event, type_or_404(event, type_code))


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def release_availability(request: Any, event_slug: str, release_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    return _availability(request, event, release_or_404(event, release_code))


def _availability(request: Any, event: Event, subject: TicketType | Release) -> HttpResponse:
    if request.method == "POST":
        name = request.POST.get("act", "")
        if name not in _OPERATIONS:
            raise Http404
        operation, said = _OPERATIONS[name]
        operation(subject, by=request.member)
        messages.success(request, said % {"name": _name(subject)})
        return to_tab(request, event)
    return tickets_page(
        request,
        "ticketing/availability.html",
        event,
        {
            "subject": subject,
            "name": _name(subject),
            "acts": [(act, getattr(subject, act.column)) for act in ACTS],
            "connected": connections_of(subject, event),
        },
    )


def _name(subject: TicketType | Release) -> str:
    if isinstance(subject, Release):
        return f"{subject.ticket_type.name} · {subject.name}"
    return str(subject.name)
