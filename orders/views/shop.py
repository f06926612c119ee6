"""The public shop: what is on offer, and the hold.

These pages know no session: a hold is reached by its secret address, so nothing here needs a cookie.
"""

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import membership_of, public_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from events.text import as_html
from orders.calendar import calendar_file
from ticketing.errors import (
    NothingSelected,
    NotOnSale,
    SalesClosed,
    SalesPaused,
    SoldOut,
    TooManyTickets,
)
from ticketing.operations import reserve_tickets
from ticketing.queries import offers
from tiqqo.core import clock
from tiqqo.core.errors import DomainError
from tiqqo.core.language import suggest_language
from tiqqo.core.page_cache import kept_for_strangers

QUANTITY = "quantity_"
_A_CHOICE = re.compile(rf"{QUANTITY}[0-9A-Za-z]+")
_A_COUNT = re.compile(r"[0-9]{1,4}")


def event_context(request: Any, event: Event) -> dict[str, Any]:
    """What every public page of an event shows."""
    return {
        "organiser": request.organiser,
        "organiser_url": reverse("organiser", kwargs={"organiser": request.organiser.slug}),
        "event": event,
        "accent": event.accent,
        "event_url": reverse(
            "shop:event", kwargs={"organiser": request.organiser.slug, "event": event.slug}
        ),
    }


def may_preview(request: HttpRequest, event: Event) -> bool:
    """Members see the shop of an event that is not public yet; everybody else gets 404."""
    if not request.user.is_authenticated:
        return False
    try:
        member = membership_of(request.user.pk, event.organiser.slug)
    except Http404:
        return False
    return member.may(Permission.VIEW_EVENTS)


def public_event_or_404(request: Any, slug: str) -> Event:
    event = event_or_404(slug)
    event.organiser = request.organiser
    suggest_language(request, event.language)
    if not event.is_public and not may_preview(request, event):
        raise Http404
    return event


@public_view
@kept_for_strangers
@require_GET
def event_page(request: Any, event: str) -> HttpResponse:
    return _shop(request, public_event_or_404(request, event), wanted={})


def _shop(
    request: Any, event: Event, *, wanted: dict[str, int], error: DomainError | None = None
) -> HttpResponse:
    rows = offers(event, at=clock.now())
    return render(
        request,
        "shop/event.html",
        {
            **event_context(request, event),
            "offers": [(offer, wanted.get(offer.release.code, 0)) for offer in rows],
            "can_buy": any(offer.is_on_sale for offer in rows) and event.is_public,
            "description": as_html(event.description) if event.description else "",
            "error": error,
            "is_preview": not event.is_public,
        },
        status=error.status if error else 200,
    )


@public_view
@require_GET
def event_calendar(request: Any, event: str) -> HttpResponse:
    """The date for a calendar, for those who have no ticket yet."""
    found = event_or_404(event)
    if not found.is_public or not found.starts_at:
        raise Http404
    address = reverse("shop:event", args=[request.organiser.slug, found.slug])
    body = calendar_file(
        found,
        url=request.build_absolute_uri(address),
        uid=f"{request.organiser.slug}.{found.slug}@tiqqo",
    )
    return HttpResponse(
        body,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{found.slug}.ics"'},
    )


def _selection(request: HttpRequest) -> dict[str, int]:
    """Release code → quantity. What is not a code or not a number counts as none."""
    return {
        name.removeprefix(QUANTITY): int(value)
        for name, value in request.POST.items()
        if _A_CHOICE.fullmatch(name) and isinstance(value, str) and _A_COUNT.fullmatch(value)
    }


@csrf_exempt
@public_view
@require_http_methods(["GET", "POST"])
def reservations(request: Any, event: str) -> HttpResponse:
    """Hold the selection and go to its checkout. Refusals show the shop again, nothing typed is lost.

    Exempt from the CSRF check: it acts for nobody in particular and reads no cookie. Whoever comes back
    to the address of a refusal, as after a choice of language, is led to the shop.
    """
    if request.method == "GET":
        return redirect("shop:event", organiser=request.organiser.slug, event=event)
    found = event_or_404(event)
    found.organiser = request.organiser
    suggest_language(request, found.language)
    if not found.is_public:
        raise Http404
    wanted = _selection(request)
    try:
        reservation = reserve_tickets(found, selection=wanted)
    except (
        NothingSelected,
        TooManyTickets,
        NotOnSale,
        SalesPaused,
        SalesClosed,
        SoldOut,
    ) as error:
        return _shop(request, found, wanted=wanted, error=error)
    return redirect(
        "shop:checkout",
        organiser=request.organiser.slug,
        event=event,
        secret=reservation.secret,
        permanent=False,
    )
