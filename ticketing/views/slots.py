"""The times to visit."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.forms.slots import SlotForm, SlotRuleForm
from ticketing.models import TimeSlot
from ticketing.queries import slot_board, slots_of_day
from ticketing.views.page import tickets_page
from tiqqo.core import clock
from tiqqo.ui.forms import refusals

TAB = "ticketing:slots"


@member_view(Permission.VIEW_EVENTS)
@require_GET
def slots(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    return tickets_page(
        request,
        "ticketing/slots.html",
        event,
        {
            "board": slot_board(event, day=_asked_day(request), at=clock.now()),
            "may_edit": request.member.may(Permission.EDIT_EVENTS),
        },
        tab=TAB,
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_slots(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    form = SlotRuleForm(request.POST or None, event=event)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            done = operations.make_slots(event, rule=form.rule, by=request.member)
            said = ngettext(
                "%(count)s time slot is new.", "%(count)s time slots are new.", done.made
            ) % {"count": done.made}
            if done.kept:
                said += " " + ngettext(
                    "%(count)s was there already and stays as it was.",
                    "%(count)s were there already and stay as they were.",
                    done.kept,
                ) % {"count": done.kept}
            messages.success(request, said)
            return _to_day(request, event, form.rule.first_on)
    return tickets_page(
        request, "ticketing/new_slots.html", event, {"form": form}, tab=TAB, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def slot(request: Any, event_slug: str, slot_code: str) -> HttpResponse:
    """The places of one time."""
    event = event_or_404(event_slug)
    slot = _slot_or_404(event, slot_code)
    form = SlotForm(request.POST or None, initial={"capacity": slot.pool.capacity})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.set_slot_capacity(
                slot, capacity=form.cleaned_data["capacity"], by=request.member
            )
            messages.success(request, _("Places saved."))
            return _to_day(request, event, _day_of(event, slot))
    return tickets_page(
        request,
        "ticketing/slot.html",
        event,
        {"form": form, "made": slot, "day": _day_of(event, slot)},
        tab=TAB,
        bound=form.is_bound,
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def slot_pause(request: Any, event_slug: str, slot_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    slot = _slot_or_404(event, slot_code)
    return _paused(request, event, [slot], _day_of(event, slot))


@member_view(Permission.EDIT_EVENTS)
@require_POST
def slot_resumption(request: Any, event_slug: str, slot_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    slot = _slot_or_404(event, slot_code)
    return _resumed(request, event, [slot], _day_of(event, slot))


@member_view(Permission.EDIT_EVENTS)
@require_POST
def slot_deletion(request: Any, event_slug: str, slot_code: str) -> HttpResponse:
    event = event_or_404(event_slug)
    slot = _slot_or_404(event, slot_code)
    return _deleted(request, event, [slot], _day_of(event, slot))


@member_view(Permission.EDIT_EVENTS)
@require_POST
def day_pause(request: Any, event_slug: str, day: str) -> HttpResponse:
    event = event_or_404(event_slug)
    on = _day_or_404(day)
    return _paused(request, event, _slots_or_404(event, on), on)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def day_resumption(request: Any, event_slug: str, day: str) -> HttpResponse:
    event = event_or_404(event_slug)
    on = _day_or_404(day)
    return _resumed(request, event, _slots_or_404(event, on), on)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def day_deletion(request: Any, event_slug: str, day: str) -> HttpResponse:
    """Those that nobody bought or waits for."""
    event = event_or_404(event_slug)
    on = _day_or_404(day)
    return _deleted(request, event, _slots_or_404(event, on), on)


def _paused(request: Any, event: Event, found: list[TimeSlot], day: date) -> HttpResponse:
    count = operations.pause_slots(event, found, by=request.member)
    said = ngettext("%(count)s time is paused.", "%(count)s times are paused.", count)
    messages.success(request, said % {"count": count})
    return _to_day(request, event, day)


def _resumed(request: Any, event: Event, found: list[TimeSlot], day: date) -> HttpResponse:
    count = operations.resume_slots(event, found, by=request.member)
    said = ngettext(
        "%(count)s time can be chosen again.", "%(count)s times can be chosen again.", count
    )
    messages.success(request, said % {"count": count})
    return _to_day(request, event, day)


def _deleted(request: Any, event: Event, found: list[TimeSlot], day: date) -> HttpResponse:
    count = operations.delete_slots(event, found, by=request.member)
    said = ngettext("%(count)s time is deleted.", "%(count)s times are deleted.", count)
    if count < len(found):
        said += " " + _("Those that somebody reserved stay.")
    messages.success(request, said % {"count": count})
    return _to_day(request, event, day)


def _slot_or_404(event: Event, code: str) -> TimeSlot:
    time_slot: TimeSlot = get_object_or_404(
        TimeSlot.objects.select_related("pool"), event=event, code=code
    )
    return time_slot


def _slots_or_404(event: Event, day: date) -> list[TimeSlot]:
    found = slots_of_day(event, day)
    if not found:
        raise Http404
    return found


def _day_of(event: Event, slot: TimeSlot) -> date:
    return event.local(slot.starts_at).date()


def _day_or_404(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise Http404 from None


def _asked_day(request: Any) -> date | None:
    try:
        return date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None


def _to_day(request: Any, event: Event, day: date) -> HttpResponse:
    where = {"organiser_slug": request.member.organiser.slug, "event_slug": event.slug}
    return redirect(f"{reverse(TAB, kwargs=where)}?day={day.isoformat()}")
