"""The proof: every counter beside what its rows say, and the holds of this moment."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import member_view
from accounts.permissions import Permission
from events.queries import event_or_404
from ticketing import operations
from ticketing.catalogue import catalogue_of
from ticketing.models import Reservation
from ticketing.queries import held_of, holds_of, recount, recount_codes
from ticketing.verification import last_verified
from ticketing.views.page import tickets_page, to_tab
from tiqqo.core import clock


@member_view(Permission.VIEW_EVENTS)
@require_GET
def inventory(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    now = clock.now()
    may_edit = request.member.may(Permission.EDIT_EVENTS)
    pools, codes = recount(event), recount_codes(event)
    ids = catalogue_of(event).pools
    of_slots = {pool for found_ids in ids.slots.values() for pool in found_ids}
    return tickets_page(
        request,
        "ticketing/inventory.html",
        event,
        {
            # Those of time slots can be thousands: they fold, unless something is wrong.
            "pools": [p for p in pools if p.differs or p.pool_id not in of_slots],
            "slot_pools": [p for p in pools if not p.differs and p.pool_id in of_slots],
            # Whoever knows a code may use it: others see only that all codes were counted.
            "codes": codes if may_edit else [],
            "whole": next((pool for pool in pools if pool.pool_id in ids.event), None),
            "differences": sum(p.differs for p in pools) + sum(c.differs for c in codes),
            "verified": last_verified(event),
            "holds": holds_of(event, at=now),
            "now": now,
            "may_edit": may_edit,
        },
        tab="ticketing:inventory",
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def hold(request: Any, event_slug: str, hold_id: int) -> HttpResponse:
    """What is held, and the button that lets it go."""
    event = event_or_404(event_slug)
    reservation = get_object_or_404(
        Reservation.objects.select_related("waitlist_entry"), event=event, pk=hold_id
    )
    held = held_of(reservation, at=clock.now())
    if request.method == "POST":
        operations.let_go(reservation, by=request.member)
        said = ngettext("%(count)s place is free.", "%(count)s places are free.", held.places)
        messages.success(request, said % {"count": held.places})
        return to_tab(request, event, "ticketing:inventory")
    return tickets_page(
        request, "ticketing/hold.html", event, {"held": held}, tab="ticketing:inventory"
    )
