"""What stands before the shops: Tiqqo's front page, and each organiser's own."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import public_view
from events.queries import public_events, upcoming_everywhere
from orders.link_previews import front_preview, organiser_preview
from ticketing.queries import listings
from tiqqo.core import clock
from tiqqo.core.headers import found_by_search
from tiqqo.core.language import in_readers_language
from tiqqo.core.page_cache import kept_for_strangers
from tiqqo.core.tenancy import platform_scope


@in_readers_language
@kept_for_strangers
@require_GET
def front(request: Any) -> HttpResponse:
    with platform_scope("show the next public events of everybody on the front page"):
        found = listings(upcoming_everywhere(), at=clock.now())
    preview = front_preview(
        _("Tickets, from the first idea to the payout"),
        _(
            "Create an event, sell tickets, let people in and get paid: one workflow, one set of data."
        ),
        request.reader,
    )
    page = render(request, "shop/front.html", {"listings": found, "preview": preview})
    return found_by_search(page)


@public_view
@kept_for_strangers
@require_GET
def organiser(request: Any) -> HttpResponse:
    upcoming, past = public_events(request.organiser)
    for event in upcoming:
        event.organiser = request.organiser
    preview = organiser_preview(request.organiser, request.path, upcoming, request.reader)
    page = render(
        request,
        "shop/organiser.html",
        {
            "preview": preview,
            "organiser": request.organiser,
            "organiser_url": request.path,
            "accent": request.organiser.accent_colour.lstrip("#"),
            "upcoming": listings(upcoming, at=clock.now()),
            "past": past,
        },
    )
    return found_by_search(page)
