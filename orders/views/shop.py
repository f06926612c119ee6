"""The public shop: what is on offer, and the hold.

These pages know no session: a hold is reached by its secret address, so nothing here needs a cookie.
What depends on the buyer stands in the query string or the form: without one, the page is everybody's.
"""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import membership_of, public_view
from accounts.permissions import Permission
from events.models import Event
from events.queries import event_or_404
from orders import payments
from orders.basket import NOTHING_CHOSEN, Basket
from orders.calendar import calendar_file
from orders.errors import PaymentUnavailable
from orders.limits import count_guess, refuse_guessing
from orders.link_previews import event_preview
from orders.providers import ProviderFailure
from orders.queries import (
    HeldTickets,
    held_tickets,
    open_payment_of,
    order_status_of,
    shop_page,
)
from ticketing.errors import CodeUnknown, ProofNeeded, ReservationOver
from ticketing.lock_waiters import taking_places
from ticketing.models import Reservation, ReservationStatus
from ticketing.operations import change_reservation, reserve_tickets
from ticketing.queries import reservation_by_secret
from ticketing.shares import Asker, asker_of, who_worked
from tiqqo.core import clock, proof
from tiqqo.core.errors import Busy, DomainError
from tiqqo.core.headers import found_by_search
from tiqqo.core.language import suggest_language
from tiqqo.core.page_cache import kept_answer, kept_for_strangers
from tiqqo.ui.markdown import as_html


def event_context(request: Any, event: Event) -> dict[str, Any]:
    """What every public page of an event shows."""
    return {
        "organiser": request.organiser,
        "organiser_url": reverse("organiser", kwargs={"organiser_slug": request.organiser.slug}),
        "event": event,
        "accent": event.accent,
        "event_url": reverse(
            "shop:event",
            kwargs={"organiser_slug": request.organiser.slug, "event_slug": event.slug},
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
def event_page(request: Any, event_slug: str) -> HttpResponse:
    event = public_event_or_404(request, event_slug)
    if not request.GET:
        response = _shop(request, event, NOTHING_CHOSEN)
    else:
        basket = Basket.read(request.GET)
        if basket.code:
            refuse_guessing(request)
        response = _with_choice(request, event, basket)
        add_never_cache_headers(response)
    return found_by_search(response) if event.is_public else response


def _with_choice(request: Any, event: Event, basket: Basket) -> HttpResponse:
    """The shop with something chosen already: by a link, or in a hold that is being changed."""
    reservation = _hold_of(event, basket)
    if reservation is None:
        return _shop(request, event, replace(basket, hold=""))
    if reservation.status == ReservationStatus.CONFIRMED:
        return _to_checkout(request, event, reservation)
    held = held_tickets(event, reservation)
    if basket.is_empty:
        basket = replace(
            held.basket,
            hold=basket.hold,
            day=basket.day,
            slot=basket.slot or held.basket.slot,
            code=basket.code if "code" in request.GET else held.basket.code,
        )
    if not reservation.is_live(at=clock.now()):
        return _shop(request, event, replace(basket, hold=""), refusal=ReservationOver())
    return _shop(request, event, basket, held=held)


def _hold_of(event: Event, basket: Basket) -> Reservation | None:
    reservation = reservation_by_secret(basket.hold) if basket.hold else None
    return reservation if reservation and reservation.event_id == event.pk else None


def _shop(
    request: Any,
    event: Event,
    basket: Basket,
    *,
    held: HeldTickets | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    page = shop_page(event, basket, at=clock.now(), held=held, refusal=refusal)
    if page.code and page.code.is_unknown and request.method == "GET":
        count_guess(request)
    return render(
        request,
        "shop/event.html",
        {
            **event_context(request, event),
            "page": page,
            "preview": event_preview(
                event,
                page,
                reverse("shop:event", args=[request.organiser.slug, event.slug]),
                request.reader,
            )
            if event.is_public
            else None,
            "can_buy": page.can_buy and event.is_public,
            "description": as_html(event.description) if event.description else "",
            "is_preview": not event.is_public,
        },
        status=refusal.status if refusal else 200,
    )


@public_view
@require_GET
def event_calendar(request: Any, event_slug: str) -> HttpResponse:
    """The date for a calendar, for those who have no ticket yet."""
    event = event_or_404(event_slug)
    if not event.is_public or not event.starts_at:
        raise Http404
    address = reverse("shop:event", args=[request.organiser.slug, event.slug])
    body = calendar_file(
        event,
        url=request.build_absolute_uri(address),
        uid=f"{request.organiser.slug}.{event.slug}@tiqqo",
    )
    return HttpResponse(
        body,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{event.slug}.ics"'},
    )


@csrf_exempt
@public_view
@require_http_methods(["GET", "POST"])
def reservations(request: Any, event_slug: str) -> HttpResponse:
    """Hold the selection, or change a hold to it, and go to its checkout. Refusals show the shop
    again, nothing typed is lost.

    Exempt from the CSRF check: it acts for nobody in particular and reads no cookie. Whoever comes back
    to the address of a refusal, as after a choice of language, is led to the shop.
    """
    if request.method == "GET":
        return redirect("shop:event", organiser_slug=request.organiser.slug, event_slug=event_slug)
    event = event_or_404(event_slug)
    event.organiser = request.organiser
    suggest_language(request, event.language)
    if not event.is_public:
        raise Http404
    basket = Basket.read(request.POST)
    held = _hold_of(event, basket)
    asker, was_wrong = _asker(request, event)
    if basket.code:
        refuse_guessing(request)
    try:
        with taking_places():
            reservation = _take(event, basket, held, asker)
    except Busy:
        raise
    except ProofNeeded:
        return _proof(request, event, basket, was_wrong=was_wrong)
    except DomainError as refusal:
        return _refused(request, event, basket, held, refusal)
    return _to_checkout(request, event, reservation)


def _refused(
    request: Any, event: Event, basket: Basket, held: Reservation | None, refusal: DomainError
) -> HttpResponse:
    """The shop again with what was chosen, and why not. In a rush many are told the same."""
    if isinstance(refusal, CodeUnknown):
        count_guess(request)
    if isinstance(refusal, ReservationOver):
        if held is not None and _is_order(held):
            return _to_checkout(request, event, held)
        return _shop(request, event, replace(basket, hold=""), refusal=refusal)
    if held is not None:
        return _shop(request, event, basket, held=held_tickets(event, held), refusal=refusal)
    facts = (event.pk, basket.query(), refusal.code, str(refusal), repr(refusal.facts))
    return kept_answer(request, facts, lambda: _shop(request, event, basket, refusal=refusal))


def _take(event: Event, basket: Basket, held: Reservation | None, asker: Asker) -> Reservation:
    """The hold of what is in the basket: a new one, or the one that is being changed."""
    choices = basket.choices(event.currency)
    if held is None:
        return reserve_tickets(
            event, selection=choices, code=basket.code, is_buyer=True, asker=asker
        )
    _leave_payment(held)
    return change_reservation(held, selection=choices, code=basket.code, asker=asker)


def _asker(request: HttpRequest, event: Event) -> tuple[Asker, bool]:
    """Who asks for places, and whether they sent a proof that does not count."""
    asker = asker_of(request, event)
    solution, word = request.POST.get("worked", ""), request.POST.get("waited", "")
    if not (solution or word):
        return asker, False
    thing = str(event.pk)
    if solution:
        is_proven = proof.has_worked(solution, thing)
    else:
        is_proven = proof.has_waited(word, thing, asker.client)
    return (who_worked(asker), False) if is_proven else (asker, True)


def _proof(request: Any, event: Event, basket: Basket, *, was_wrong: bool) -> HttpResponse:
    """The work that comes before more places, with the choice kept."""
    thing = str(event.pk)
    return render(
        request,
        "shop/proof.html",
        {
            **event_context(request, event),
            "basket": basket,
            "work": proof.work_for(thing),
            "word": proof.wait_for(thing),
            "wait_seconds": proof.WAIT_SECONDS,
            "was_wrong": was_wrong,
        },
        status=ProofNeeded.status,
    )


def _leave_payment(held: Reservation) -> None:
    """Who changes their tickets pays for the new ones: the page that was open takes no money.

    Raises PaymentUnavailable when the provider does not answer.
    """
    if held.payment_started_at is None:
        return
    order = order_status_of(held)
    payment = open_payment_of(order) if order else None
    if payment is not None:
        try:
            payments.close_payment(payment)
        except ProviderFailure as failure:
            raise PaymentUnavailable from failure


def _is_order(reservation: Reservation) -> bool:
    order = order_status_of(reservation)
    return order is not None and order.is_confirmed


def _to_checkout(request: Any, event: Event, reservation: Reservation) -> HttpResponse:
    return redirect(
        "shop:checkout",
        organiser_slug=request.organiser.slug,
        event_slug=event.slug,
        secret=reservation.secret,
    )
