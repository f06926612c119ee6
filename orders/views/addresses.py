"""Where a buyer shows that the address of an order is theirs."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.access import public_view
from orders.errors import AddressLinkOver, HoldChanged
from orders.held import is_held_as_ordered
from orders.models import Order
from orders.operations import confirm_address
from orders.price_lines import order_price_lines
from orders.queries import lines_of_order
from orders.views.shop import event_context
from ticketing.errors import ReservationOver
from ticketing.lock_waiters import taking_places
from tiqqo.core import clock
from tiqqo.core.codes import is_same_secret
from tiqqo.core.language import suggest_language


@csrf_exempt
@public_view
@never_cache
@require_http_methods(["GET", "POST"])
def address(request: Any, event_slug: str, code: str, secret: str) -> HttpResponse:
    """What is to be ordered, and the button that orders it. Opening the page does nothing: mail scanners
    open links, too."""
    found = _order_or_404(request, event_slug, code, secret)
    is_over = not found.is_confirmed and not (
        found.awaits_address
        and found.reservation.is_live(at=clock.now())
        and is_held_as_ordered(found)
    )
    if request.method == "POST" and not is_over:
        try:
            with taking_places():
                found = confirm_address(found, secret=secret)
        except (AddressLinkOver, ReservationOver, HoldChanged):
            is_over = True
    if found.is_confirmed:
        return redirect(
            "shop:order",
            organiser_slug=request.organiser.slug,
            event_slug=event_slug,
            code=found.code,
            secret=found.secret,
        )
    return render(
        request,
        "shop/address.html",
        {
            **event_context(request, found.event),
            "order": found,
            "is_over": is_over,
            "prices": order_price_lines(found, lines_of_order(found)),
        },
        status=410 if is_over else 200,
    )


def _order_or_404(request: Any, event_slug: str, code: str, secret: str) -> Order:
    order: Order | None = (
        Order.objects.select_related("event__organiser", "reservation")
        .filter(code=code, event__slug=event_slug)
        .exclude(address_secret="")
        .first()
    )
    if order is None or not is_same_secret(order.address_secret, secret):
        raise Http404
    suggest_language(request, order.locale, over_browser=True)
    return order
