"""The public waitlist: getting in line, one's own place in it, leaving.

As the shop, these pages know no session: a place in line is reached by its secret address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import public_view
from events.models import Event
from orders.limits import WAITLIST_JOINS_OF_AN_ADDRESS
from orders.views.shop import event_context, public_event_or_404
from orders.waitlist_email_messages import offered_words
from orders.waitlist_emails import tickets_wanted
from orders.waitlist_form import JoinForm
from people.consent_links import is_one_click
from ticketing.catalogue import catalogue_of
from ticketing.errors import NotSoldOut, NoWaitlist, RequestOver, SalesClosed, WaitlistClosed
from ticketing.models import (
    PLACE_KEPT_FOR,
    WaitlistEntry,
    WaitlistMethod,
    WaitlistPolicy,
    WaitlistRequest,
    WaitlistStatus,
)
from ticketing.operations import confirm_request, leave_waitlist, request_place
from ticketing.queries.waitlist import (
    Waitable,
    entry_by_secret,
    is_over,
    own_entry,
    request_by_secret,
    waitables,
    words_of_request,
)
from tiqqo.core import clock
from tiqqo.core.email_addresses import mailbox_of
from tiqqo.core.language import suggest_language
from tiqqo.ui.forms import refusals


@dataclass(frozen=True, slots=True)
class FullDay:
    """A day on which times are full; the page shows one at a time."""

    day: date
    first: Waitable
    is_shown: bool


@csrf_exempt
@public_view
@never_cache
@require_http_methods(["GET", "POST"])
def waitlist(request: Any, event_slug: str) -> HttpResponse:
    """Get in line. Exempt from the CSRF check, as reservations are: it reads no cookie."""
    event = public_event_or_404(request, event_slug)
    policy = catalogue_of(event).waitlist
    if policy is None:
        return _page(request, event, {"refusal": str(NoWaitlist())}, status=NoWaitlist.status)
    things = waitables(event, at=clock.now())
    days = _days(event, things, request.POST or request.GET)
    shown = [t for t in things if t.slot is None or _day_of(event, t) in _shown(days)]
    form = JoinForm(
        request.POST or None, event=event, choices=shown, initial=_linked(shown, request.GET)
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            return _ask(request, event, form)
    return _page(
        request,
        event,
        {
            "form": form if _takes_people(event, policy) and things else None,
            "days": days,
            "shown_day": next((full for full in days if full.is_shown), None),
            "policy": policy,
            "is_lottery": policy.method == WaitlistMethod.LOTTERY,
            "is_over": is_over(event, at=clock.now()),
        },
        status=422 if form.is_bound else 200,
    )


def _ask(request: Any, event: Event, form: JoinForm) -> HttpResponse:
    """The same answer whether the address is in line already or not: its owner has a mail."""
    WAITLIST_JOINS_OF_AN_ADDRESS.spend(mailbox_of(form.cleaned_data["email"]))
    request_place(
        event,
        who=form.newcomer(get_language() or "en"),
        quantity=form.cleaned_data["quantity"],
        wishes=form.wanted,
    )
    return redirect(
        "shop:waitlist_mailed", organiser_slug=request.organiser.slug, event_slug=event.slug
    )


@public_view
@never_cache
@require_GET
def mailed(request: Any, event_slug: str) -> HttpResponse:
    """What to do after the form: the mail has the link that confirms the address."""
    event = public_event_or_404(request, event_slug)
    return render(request, "shop/waitlist_mailed.html", event_context(request, event))


def _takes_people(event: Event, policy: WaitlistPolicy) -> bool:
    return policy.closed_at is None and event.is_public and not is_over(event, at=clock.now())


def _days(event: Event, things: Sequence[Waitable], asked: Any) -> list[FullDay]:
    """The days of times that are full; the one asked for, or that of the time asked for, is shown."""
    firsts: dict[date, Waitable] = {}
    chosen = None
    for thing in things:
        if thing.slot is not None:
            day = _day_of(event, thing)
            firsts.setdefault(day, thing)
            if day.isoformat() == asked.get("day") or (
                "day" not in asked and thing.slot.code == asked.get("slot")
            ):
                chosen = day
    days = sorted(firsts)
    shown = chosen or next(iter(days), None)
    return [FullDay(day, firsts[day], day == shown) for day in days]


def _day_of(event: Event, thing: Waitable) -> date:
    assert thing.slot is not None, "only times have a day"
    return event.local(thing.slot.starts_at).date()


def _shown(days: Sequence[FullDay]) -> list[date]:
    return [full.day for full in days if full.is_shown]


def _linked(things: Sequence[Waitable], query: Any) -> dict[str, Any]:
    """What a link from the shop named is ticked."""
    slot = query.get("slot")
    ticked = [
        thing.code
        for thing in things
        if thing.ticket_type.code == query.get("type")
        and (slot is None or thing.slot is None or thing.slot.code == slot)
    ]
    return {"wishes": ticked} if len(ticked) == 1 else {}


def _page(
    request: Any, event: Event, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    return render(
        request,
        "shop/waitlist.html",
        {**event_context(request, event), **context},
        status=status,
    )


# One's own place ------------------------------------------------------------------------


@public_view
@never_cache
@require_GET
def entry(request: Any, event_slug: str, secret: str) -> HttpResponse:
    """How one stands in line; before that, the question whether one wants to, which opening the page
    does not answer: mail scanners open links, too."""
    asked = _request_of(request, event_slug, secret)
    if asked is not None:
        return _question(request, asked)
    return _own_page(request, _entry_or_404(request, event_slug, secret))


@csrf_exempt
@public_view
@never_cache
@require_POST
def confirmation(request: Any, event_slug: str, secret: str) -> HttpResponse:
    """They want to wait, and the address is theirs. Twice is harmless."""
    asked = _request_of(request, event_slug, secret)
    if asked is not None:
        try:
            secret = confirm_request(asked).secret
        except RequestOver:
            # Another press of the button was faster, or the time is over.
            _entry_or_404(request, event_slug, secret)
        except (NotSoldOut, WaitlistClosed, SalesClosed, NoWaitlist) as refusal:
            return _question(request, asked, refusal=str(refusal), status=refusal.status)
    else:
        _entry_or_404(request, event_slug, secret)
    return redirect(
        "shop:waitlist_entry",
        organiser_slug=request.organiser.slug,
        event_slug=event_slug,
        secret=secret,
    )


def _request_of(request: Any, event_slug: str, secret: str) -> WaitlistRequest | None:
    found = request_by_secret(public_event_or_404(request, event_slug), secret, at=clock.now())
    if found is not None:
        suggest_language(request, found.locale, over_browser=True)
    return found


def _question(
    request: Any, asked: WaitlistRequest, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    wanted = tickets_wanted(asked.quantity, words_of_request(asked))
    return render(
        request,
        "shop/waitlist_confirmation.html",
        {
            **event_context(request, asked.event),
            "asked": asked,
            "wanted": wanted,
            "refusal": refusal,
            "is_in_time": asked.asked_at > clock.now() - PLACE_KEPT_FOR,
        },
        status=status,
    )


@csrf_exempt
@public_view
@never_cache
@require_http_methods(["GET", "POST"])
def departure(request: Any, event_slug: str, secret: str) -> HttpResponse:
    """Leave the line; asks first, for the place in it is lost."""
    entry = _entry_or_404(request, event_slug, secret)
    if request.method == "GET" and entry.is_on_waitlist:
        return _own_page(request, entry, is_leaving=True)
    if request.method == "POST":
        leave_waitlist(entry)
        if is_one_click(request):
            # A mail program follows no redirection.
            return HttpResponse("ok", content_type="text/plain")
    return redirect(
        "shop:waitlist_entry",
        organiser_slug=request.organiser.slug,
        event_slug=event_slug,
        secret=secret,
    )


def _entry_or_404(request: Any, event_slug: str, secret: str) -> WaitlistEntry:
    entry = entry_by_secret(public_event_or_404(request, event_slug), secret)
    if entry is None:
        raise Http404
    suggest_language(request, entry.locale, over_browser=True)
    return entry


def _own_page(request: Any, entry: WaitlistEntry, *, is_leaving: bool = False) -> HttpResponse:
    own = own_entry(entry, at=clock.now())
    return render(
        request,
        "shop/waitlist_entry.html",
        {
            **event_context(request, entry.event),
            "own": own,
            "entry": entry,
            "wanted": tickets_wanted(entry.quantity, own.wishes),
            "offered": offered_words(entry) if own.status == WaitlistStatus.OFFERED else (),
            "is_leaving": is_leaving,
        },
    )
