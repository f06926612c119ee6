"""What stands before the shops: Tiqqo's front page, and each organiser's own."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import public_view
from events.queries import public_events, upcoming_everywhere
from ticketing.queries import listings
from tiqqo.core import clock
from tiqqo.core.language import in_readers_language
from tiqqo.core.page_cache import kept_for_strangers
from tiqqo.core.tenancy import platform_scope


@in_readers_language
@kept_for_strangers
@require_GET
def front(request: HttpRequest) -> HttpResponse:
    with platform_scope("show the next public events of everybody on the front page"):
        found = listings(upcoming_everywhere(), at=clock.now())
    return render(request, "shop/front.html", {"listings": found})


@public_view
@kept_for_strangers
@require_GET
def organiser(request: Any) -> HttpResponse:
    upcoming, past = public_events(request.organiser)
    for event in upcoming:
        event.organiser = request.organiser
    return render(
        request,
        "shop/organiser.html",
        {
            "organiser": request.organiser,
            "organiser_url": request.path,
            "accent": request.organiser.accent_colour.lstrip("#"),
            "upcoming": listings(upcoming, at=clock.now()),
            "past": past,
        },
    )
