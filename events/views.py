"""Events in the dashboard."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_view
from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from events import operations, readiness
from events.forms import NewEventForm, SetupForm
from events.queries import event_or_404, events_of
from tiqqo.ui.forms import refusals


@member_view(Permission.VIEW_EVENTS)
@require_GET
def event_list(request: Any) -> HttpResponse:
    rows = list(events_of(request.member.organiser)[:200])
    return render_dashboard(
        request,
        "events/list.html",
        {"events": rows, "may_create": request.member.may(Permission.EDIT_EVENTS)},
        current="events:list",
    )


def _create(request: Any, template: str, context: dict[str, Any]) -> HttpResponse:
    organiser = request.member.organiser
    form = NewEventForm(request.POST or None, zone=organiser.time_zone)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            event = operations.create_event(organiser, by=request.member, **form.cleaned_data)
            return redirect(
                "dashboard:overview", organiser_slug=organiser.slug, event_slug=event.slug
            )
    return render_dashboard(
        request,
        template,
        {"form": form, **context},
        current="events:list",
        status=422 if form.is_bound else 200,
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_event(request: Any) -> HttpResponse:
    return _create(request, "events/new.html", {})


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def first_event(request: Any) -> HttpResponse:
    """The last step of sign-up, which may be skipped."""
    return _create(request, "events/first.html", {"step": 3, "steps": 3})


@member_view(Permission.VIEW_EVENTS)
@require_http_methods(["GET", "POST"])
def setup(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    may_edit = request.member.may(Permission.EDIT_EVENTS)
    form = SetupForm(request.POST or None, request.FILES or None, event=event)
    if request.method == "POST":
        request.member.require(Permission.EDIT_EVENTS)
        if form.is_valid():
            with refusals(form):
                operations.change_event(event, by=request.member, **form.changes)
                messages.success(request, _("Event saved."))
                return redirect(
                    "events:setup",
                    organiser_slug=request.member.organiser.slug,
                    event_slug=event_slug,
                )
    if not may_edit:
        # Where to join online is for holders of tickets: whoever knows it is in.
        form.initial["online_url"] = ""
    return render_dashboard(
        request,
        "events/setup.html",
        {"form": form, "may_edit": may_edit},
        current="events:setup",
        event=event,
        status=422 if form.is_bound else 200,
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def publication(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    reasons = readiness.blocking_reasons(event)
    if reasons:
        messages.error(request, _("Not yet: %(reasons)s.") % {"reasons": "; ".join(reasons)})
    else:
        operations.publish_event(event, by=request.member)
        messages.success(request, _("Published. The shop is open to everybody."))
    return redirect(
        "dashboard:overview", organiser_slug=request.member.organiser.slug, event_slug=event_slug
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def pause(request: Any, event_slug: str) -> HttpResponse:
    operations.pause_sales(event_or_404(event_slug), by=request.member)
    messages.success(request, _("Sales are paused. Orders that were begun may finish."))
    return redirect(
        "dashboard:overview", organiser_slug=request.member.organiser.slug, event_slug=event_slug
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def resumption(request: Any, event_slug: str) -> HttpResponse:
    operations.resume_sales(event_or_404(event_slug), by=request.member)
    messages.success(request, _("Sales are open again."))
    return redirect(
        "dashboard:overview", organiser_slug=request.member.organiser.slug, event_slug=event_slug
    )
