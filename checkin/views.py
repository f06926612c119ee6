"""The door: one page, one hand."""

from typing import Any
from urllib.parse import urlencode

from csp.constants import WASM_UNSAFE_EVAL
from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.access import member_view
from accounts.models import Organiser
from accounts.permissions import Permission
from accounts.queries import memberships_of
from checkin import operations
from checkin.errors import ForgedTicket, Refused, TicketAlreadyAdmitted, TooEarly
from checkin.models import Admission
from checkin.queries import door_count, door_events, recent_admissions
from events.models import Event
from events.queries import event_or_404
from orders.models import Ticket
from tiqqo.core import clock, security_log
from tiqqo.core.headers import uses_camera
from tiqqo.core.tenancy import tenant_scope
from tiqqo.ui import dates

LONGEST_CODE = 400
LONGEST_GATE = 60


@never_cache
@login_required
@require_GET
def home(request: Any) -> HttpResponse:
    """The events that this user may scan at, of all organisers they work for."""
    doors: list[tuple[Organiser, Event]] = []
    for member in memberships_of(request.user):
        if member.may(Permission.SCAN):
            with tenant_scope(member.organiser):
                doors.extend((member.organiser, event) for event in door_events())
    doors.sort(key=lambda door: door[1].starts_at or clock.now())
    return render(request, "door/home.html", {"doors": doors, "now": clock.now()})


@csp_update({"script-src": [WASM_UNSAFE_EVAL]})
@uses_camera
@member_view(Permission.SCAN)
@require_GET
def scan(request: Any, event_slug: str) -> HttpResponse:
    """The page to scan on. `?gate=` names the door, so that a link or a reload keeps it."""
    event = event_or_404(event_slug)
    return render(request, "door/scan.html", _desk(request, event) | _state(event))


@member_view(Permission.SCAN)
@require_GET
def live(request: Any, event_slug: str) -> HttpResponse:
    """The count and the last admissions, for polling."""
    event = event_or_404(event_slug)
    return render(request, "door/scan.html#live", _desk(request, event) | _state(event))


@member_view(Permission.SCAN)
@require_POST
def admissions(request: Any, event_slug: str) -> HttpResponse:
    """Let the ticket in, and answer: green, amber with when and where, red with the reason.

    Long before the event, those who may manage its orders are asked whether to let in all the same.
    The status tells scripts: 201 in, 409 already in, 404 or 422 refused.
    """
    event = event_or_404(event_slug)
    answer = _desk(request, event)
    text = _storable(request.POST.get("code", ""), LONGEST_CODE)
    status, may_early = 201, request.member.may(Permission.MANAGE_ORDERS)
    try:
        admitted = operations.admit_ticket(
            event,
            text,
            by=request.member,
            gate=answer["gate"],
            early=may_early and "early" in request.POST,
        )
    except TicketAlreadyAdmitted as already:
        status = already.status
        answer |= {"verdict": "warning", "word": _("Already in")}
        answer |= {"detail": _earlier(already, event)} | _holder(already.facts["ticket"])
    except Refused as refused:
        if isinstance(refused, ForgedTicket):
            security_log.note(
                security_log.Kind.TICKET_SIGNATURE,
                request=request,
                event=event_slug,
                gate=answer["gate"],
            )
        status = refused.status
        answer |= {"verdict": "refused", "word": _("No entry"), "detail": str(refused)}
        if may_early and isinstance(refused, TooEarly):
            answer |= {"early_code": text, "early_url": request.path}
    else:
        answer |= {"verdict": "admitted", "word": _("Admitted")} | _holder(admitted.ticket)
    template = "door/result.html" if _wants_fragment(request) else "door/answer.html"
    return render(request, template, answer, status=status)


@member_view(Permission.SCAN)
@require_POST
def undo(request: Any, event_slug: str, admission_id: int) -> HttpResponse:
    """The admission is taken back; the ticket may enter again."""
    event = event_or_404(event_slug)
    admission = get_object_or_404(
        Admission.objects.select_related("ticket"), event=event, pk=admission_id
    )
    operations.undo_admission(admission, by=request.member)
    name = admission.ticket.holder_name
    note = _("%s is not in any more and may enter again.") % name
    desk = _desk(request, event)
    if not _wants_fragment(request):
        messages.success(request, note)
        return redirect(desk["desk_url"])
    return render(request, "door/scan.html#live", desk | _state(event) | {"note": note})


def _desk(request: Any, event: Event) -> dict[str, Any]:
    """Who stands where: what every page of the door says."""
    address = {"organiser_slug": request.member.organiser.slug, "event_slug": event.slug}
    gate = request.POST.get("gate") or request.GET.get("gate", "")
    gate = " ".join(_storable(gate, LONGEST_GATE).split())
    url = reverse("door:scan", kwargs=address)
    return {
        "member": request.member,
        "event": event,
        "gate": gate,
        "desk_url": f"{url}?{urlencode({'gate': gate})}" if gate else url,
    }


def _state(event: Event) -> dict[str, Any]:
    return {"count": door_count(event), "recent": recent_admissions(event)}


def _storable(typed: str, longest: int) -> str:
    """Without what the database cannot hold."""
    return typed.replace("\x00", "")[:longest]


def _holder(ticket: Ticket) -> dict[str, Any]:
    return {"name": ticket.holder_name, "kind": ticket.ticket_type.name}


def _earlier(already: TicketAlreadyAdmitted, event: Event) -> str:
    """When, where and by whom: "19:42, Gate B, by Ana (14 minutes ago)"."""
    is_today = event.local(already.at).date() == event.local(clock.now()).date()
    when = dates.words_for(already.at, event.zone, "time" if is_today else "datetime")
    who = _("by %s") % already.by
    told = ", ".join(part for part in (when, already.gate, who) if part)
    return f"{told} ({dates.ago(already.at)})"


def _wants_fragment(request: Any) -> bool:
    return bool(request.htmx) or request.headers.get("X-Requested-With") == "fetch"
