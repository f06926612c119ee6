"""The door: one page, one hand."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.access import member_view
from accounts.permissions import Permission
from accounts.queries import memberships_of
from checkin import operations
from checkin.errors import Refused, TicketAlreadyAdmitted
from checkin.models import Admission
from checkin.queries import door_count, door_events, recent_admissions
from events.models import Event
from events.queries import event_or_404
from orders.models import Ticket
from tiqqo.core.tenancy import tenant_scope


@never_cache
@login_required
@require_GET
def home(request: Any) -> HttpResponse:
    """The events that this user may scan at, of all organisers they work for."""
    doors = []
    for member in memberships_of(request.user):
        if member.may(Permission.SCAN):
            with tenant_scope(member.organiser):
                doors.extend((member.organiser, event) for event in door_events())
    return render(request, "door/home.html", {"doors": doors})


@member_view(Permission.SCAN)
@require_GET
def scan(request: Any, event: str) -> HttpResponse:
    found = event_or_404(event)
    return render(
        request,
        "door/scan.html",
        {
            "member": request.member,
            "event": found,
            "count": door_count(found),
            "recent": recent_admissions(found),
        },
    )


@member_view(Permission.SCAN)
@require_GET
def live(request: Any, event: str) -> HttpResponse:
    """The count and the last admissions, for polling."""
    found = event_or_404(event)
    return render(
        request,
        "door/scan.html#live",
        {
            "member": request.member,
            "event": found,
            "count": door_count(found),
            "recent": recent_admissions(found),
        },
    )


@member_view(Permission.SCAN)
@require_POST
def admissions(request: Any, event: str) -> HttpResponse:
    """Let the ticket in, and answer: green, amber with when and where, red with the reason.

    The status tells scripts: 201 in, 409 already in, 404 or 422 refused.
    """
    found = event_or_404(event)
    text, gate = request.POST.get("code", "")[:400], request.POST.get("gate", "")[:60]
    answer: dict[str, Any] = {"event": found, "member": request.member}
    try:
        admitted = operations.admit_ticket(found, text, by=request.member, gate=gate)
    except TicketAlreadyAdmitted as already:
        answer |= {"verdict": "warning", "already": already, "status": already.status}
        answer |= _holder(already.facts["ticket"])
    except Refused as refused:
        answer |= {"verdict": "refused", "reason": str(refused), "status": refused.status}
    else:
        answer |= {"verdict": "admitted", "admission_id": admitted.admission_id, "status": 201}
        answer |= _holder(admitted.ticket)
    template = "door/result.html" if request.htmx or _wants_fragment(request) else "door/answer.html"
    return render(request, template, answer, status=answer["status"])


def _holder(ticket: Ticket) -> dict[str, Any]:
    return {"name": ticket.holder_name, "kind": ticket.ticket_type.name}


def _wants_fragment(request: Any) -> bool:
    return bool(request.headers.get("X-Requested-With") == "fetch")


@member_view(Permission.SCAN)
@require_POST
def undo(request: Any, event: str, admission_id: int) -> HttpResponse:
    """The admission is taken back; the ticket may enter again."""
    found: Event = event_or_404(event)
    admission = get_object_or_404(
        Admission.objects.select_related("ticket"), event=found, pk=admission_id
    )
    operations.undo_admission(admission, by=request.member)
    return render(
        request,
        "door/scan.html#live",
        {
            "member": request.member,
            "event": found,
            "count": door_count(found),
            "recent": recent_admissions(found),
            "note": _("Taken back."),
        },
    )
