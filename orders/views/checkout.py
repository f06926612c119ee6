"""Checkout: from the hold to the order and its payment.

The secret in the address is the permission: whoever has it may finish, extend or drop this hold.
"""

from contextlib import suppress
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import public_view
from orders import operations, payments
from orders.basket import Basket
from orders.errors import OrderAlreadyPlaced, PaymentUnavailable
from orders.forms import CheckoutForm
from orders.held import is_held_as_ordered
from orders.limits import ORDERS_OF_AN_ADDRESS, count_people
from orders.models import Order, OrderStatus, PaymentMethod
from orders.price_lines import hold_items, hold_price_lines, hold_tax_words
from orders.providers import ProviderFailure
from orders.queries import attendee_fields, hold_by_secret, open_payment_of
from orders.views.shop import event_context
from ticketing.catalogue import catalogue_of
from ticketing.errors import AlreadyExtended, ReservationOver
from ticketing.lock_waiters import taking_places
from ticketing.models import Reservation, ReservationStatus
from ticketing.operations import cancel_reservation, extend_reservation
from ticketing.queries import lines_of, quote_of
from tiqqo.core import clock
from tiqqo.core.email_addresses import mailbox_of
from tiqqo.core.language import suggest_language
from tiqqo.ui.forms import refusals

TICKETS, DETAILS, PAYMENT = range(3)


def _hold_or_404(request: Any, event_slug: str, secret: str) -> tuple[Reservation, Order | None]:
    hold = hold_by_secret(secret)
    if hold is None or hold[0].event.slug != event_slug:
        raise Http404
    suggest_language(request, hold[0].event.language)
    return hold


def _see_other(name: str, request: Any, event_slug: str, **kwargs: str) -> HttpResponse:
    where = {"organiser_slug": request.organiser.slug, "event_slug": event_slug, **kwargs}
    address = reverse(name, kwargs=where)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponse(status=303, headers={"Location": address})


def _to_order(request: Any, order: Order) -> HttpResponse:
    return _see_other("shop:order", request, order.event.slug, code=order.code, secret=order.secret)


@csrf_exempt
@public_view
@never_cache
@require_http_methods(["GET", "POST"])
def checkout(request: Any, event_slug: str, secret: str) -> HttpResponse:
    """One page: time left, who buys, who comes, how it is paid."""
    reservation, order = _hold_or_404(request, event_slug, secret)
    if order is not None and order.is_confirmed:
        return _to_order(request, order)
    if not reservation.is_live(at=clock.now()):
        return _over(request, reservation)
    is_looking = request.method == "GET" and "change" not in request.GET
    lines = lines_of(reservation)
    awaited = order if is_looking and order is not None and order.awaits_address else None
    # Tickets that were changed since are ordered anew.
    if awaited is not None and is_held_as_ordered(awaited, lines):
        return _look_in_your_mail(request, reservation, awaited)
    places = attendee_fields(reservation.event, lines)
    count_people(request, len(places))
    price = quote_of(reservation, lines)
    form = CheckoutForm(
        request.POST or None,
        event=reservation.event,
        places=places,
        total=price.total,
        initial=_typed_before(order),
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form), suppress(OrderAlreadyPlaced):
            return _place(request, reservation, form)
        if form.is_valid():  # Sent twice at once: the order of the first one is theirs.
            return _see_other("shop:checkout", request, event_slug, secret=secret)
    return render(
        request,
        "shop/checkout.html",
        {
            **event_context(request, reservation.event),
            "reservation": reservation,
            "form": form,
            "lines": hold_price_lines(lines, price, reservation.event.time_zone),
            "price": price,
            "tax_note": hold_tax_words(price),
            "steps": _steps(at=DETAILS, is_free=price.total_minor == 0),
            "steps_label": _("Getting tickets"),
            "payment_canceled": request.GET.get("payment") == "canceled",
            "last_failure": _last_failure(order),
        },
        status=422 if form.is_bound else 200,
    )


def _look_in_your_mail(request: Any, reservation: Reservation, order: Order) -> HttpResponse:
    """The order is placed by the link in the buyer's mail."""
    return render(
        request,
        "shop/address_asked.html",
        {
            **event_context(request, reservation.event),
            "reservation": reservation,
            "order": order,
            "steps": _steps(at=DETAILS, is_free=order.total_minor == 0),
            "steps_label": _("Getting tickets"),
        },
    )


def _steps(*, at: int, is_free: bool = False) -> list[dict[str, Any]]:
    """Where the buyer is between the shop and the tickets."""
    labels = [_("Tickets"), _("Your details"), _("Payment"), _("Done")]
    found = [
        {
            "label": label,
            "state": "done" if number < at else "current" if number == at else "ahead",
        }
        for number, label in enumerate(labels)
    ]
    return [step for number, step in enumerate(found) if not (is_free and number == PAYMENT)]


def _typed_before(order: Order | None) -> dict[str, Any]:
    """What was typed before going to pay, when the buyer comes back."""
    if order is None:
        return {}
    names = ("first_name", "last_name", "email", "company_name", "vat_number", "purchase_number")
    typed: dict[str, Any] = {name: getattr(order, name) for name in names}
    typed["payment_method"], typed["consent"] = order.payment_method, bool(order.consented_at)
    holders = [holder for line in order.lines.order_by("id") for holder in line.holders]
    for number, holder in enumerate(holders, start=1):
        if holder["email"] != order.email or holder["first"] != order.first_name:
            typed[f"first_name_{number}"] = holder["first"]
            typed[f"last_name_{number}"] = holder["last"]
            typed[f"email_{number}"] = holder["email"]
    return typed


def _last_failure(order: Order | None) -> str:
    if order is None:
        return ""
    payment = order.payments.order_by("-attempt").first()
    return payment.last_failure if payment else ""


def _place(request: Any, reservation: Reservation, form: CheckoutForm) -> HttpResponse:
    # Nobody is written to before a card has paid, so nobody who types an address keeps its owner from that.
    if form.method != PaymentMethod.CARD:
        ORDERS_OF_AN_ADDRESS.spend(mailbox_of(form.buyer.email))
    with taking_places():
        order = operations.place_order(
            reservation,
            buyer=form.buyer,
            attendees=form.attendees,
            payment_method=form.method,
            consent_text=form.consent_text,
            locale=get_language() or "en",
        )
    if order.payment_method == PaymentMethod.CARD:
        return HttpResponse(status=303, headers={"Location": payments.payment_page(order)})
    if order.awaits_address:
        # Not to the order's own page: its address is the permission, and this buyer proved nothing.
        return _see_other("shop:checkout", request, order.event.slug, secret=reservation.secret)
    return _to_order(request, order)


def _over(request: Any, reservation: Reservation) -> HttpResponse:
    """The hold is gone: back to the shop with the same selection in hand."""
    lines = lines_of(reservation)
    return render(
        request,
        "shop/expired.html",
        {
            **event_context(request, reservation.event),
            "reservation": reservation,
            "items": hold_items(lines, quote_of(reservation, lines), reservation.event.time_zone),
            "basket": Basket.of_hold(reservation, lines, catalogue_of(reservation.event)),
            "was_canceled": reservation.status == ReservationStatus.CANCELED_MANUALLY,
        },
        status=410,
    )


@csrf_exempt
@public_view
@require_POST
def extension(request: Any, event_slug: str, secret: str) -> HttpResponse:
    """More time, once (WCAG 2.2.1)."""
    reservation, _order = _hold_or_404(request, event_slug, secret)
    # Refused or not: the page that follows says how it stands.
    with suppress(ReservationOver, AlreadyExtended):
        extend_reservation(reservation)
    return _see_other("shop:checkout", request, event_slug, secret=secret)


@csrf_exempt
@public_view
@require_POST
def cancellation(request: Any, event_slug: str, secret: str) -> HttpResponse:
    """The buyer lets the tickets go; the places are free at once."""
    reservation, order = _hold_or_404(request, event_slug, secret)
    payment = open_payment_of(order) if order else None
    if payment is not None:
        try:
            payments.close_payment(payment)
        except ProviderFailure as failure:
            raise PaymentUnavailable from failure
        reservation, order = _hold_or_404(request, event_slug, secret)
    if reservation.status == ReservationStatus.PENDING:
        with taking_places():
            cancel_reservation(reservation, manually=True)
    if order is not None:
        order.refresh_from_db()
        if order.is_confirmed:  # The page had been paid a moment before.
            return _to_order(request, order)
        operations.cancel_lost_order(order)
    return _see_other("shop:event", request, event_slug)


@public_view
@never_cache
@require_GET
def payment_return(request: Any, event_slug: str, secret: str) -> HttpResponse:
    """Where the payment page sends the buyer back to.

    Asks the provider at once, so that nobody waits for a webhook; whichever comes first settles the
    order. It is a GET because the provider redirects; repeating it is harmless.
    """
    reservation, order = _hold_or_404(request, event_slug, secret)
    if order is None:
        return _see_other("shop:checkout", request, event_slug, secret=secret)
    payment = open_payment_of(order)
    if payment is not None:
        # If the provider is silent, the webhook or the sweeper will tell; the page waits.
        with suppress(ProviderFailure):
            payments.check_payment_seldom(payment)
        order.refresh_from_db()
    if order.status == OrderStatus.INITIATED and open_payment_of(order) is None:
        return _see_other("shop:checkout", request, event_slug, secret=secret)
    if order.status != OrderStatus.INITIATED:
        return _to_order(request, order)
    if request.htmx:
        return HttpResponse(status=204)
    return render(
        request,
        "shop/waiting.html",
        {
            **event_context(request, reservation.event),
            "order": order,
            "steps": _steps(at=PAYMENT),
            "steps_label": _("Getting tickets"),
        },
    )
