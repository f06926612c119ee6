"""The security log on screen: an organiser's part of it, and the platform's whole."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import member_view
from accounts.navigation import render_dashboard
from accounts.permissions import Permission
from accounts.security import (
    ORGANISER_TOPICS,
    TOPICS,
    SecurityPage,
    organiser_security,
    platform_security,
)

_A_NUMBER = re.compile(r"[0-9]{1,18}")


@member_view(Permission.MANAGE_TEAM)
@require_safe
def security(request: Any) -> HttpResponse:
    """Who signed in, who was turned away, what was exported, who came and went."""
    organiser = request.member.organiser
    topic, after = _asked(request)
    page = organiser_security(organiser, topic=topic, after=after)
    context = _context(request, page, topic, ORGANISER_TOPICS, organiser.time_zone)
    return render_dashboard(request, "accounts/security.html", context, current="accounts:security")


def for_staff(view: Callable[[Any], HttpResponse]) -> Any:
    """For platform staff; for others there is nothing here."""

    @wraps(view)
    def guarded(request: Any) -> HttpResponse:
        if not (request.user.is_authenticated and request.user.is_staff):
            raise Http404
        response = view(request)
        response["X-Robots-Tag"] = "noindex"
        return response

    guarded.audience = "platform staff"  # type: ignore[attr-defined]
    return guarded


@require_safe
@never_cache
@for_staff
def platform(request: Any) -> HttpResponse:
    """The same of everybody, and what belongs to nobody."""
    topic, after = _asked(request)
    page = platform_security(topic=topic, after=after)
    context = _context(request, page, topic, tuple(TOPICS), "UTC") | {"is_platform": True}
    return render(request, "operations/security.html", context)


def _asked(request: Any) -> tuple[str, int]:
    """What is filtered by and where the page begins; what makes no sense is ignored."""
    topic, after = request.GET.get("topic", ""), request.GET.get("after", "")
    return topic if topic in TOPICS else "", int(after) if _A_NUMBER.fullmatch(after) else 0


def _context(
    request: Any, page: SecurityPage, topic: str, topics: tuple[str, ...], zone: str
) -> dict[str, Any]:
    kept = {"topic": topic} if topic else {}
    here = request.path
    return {
        "page": page,
        "zone": zone,
        "topics": [
            {"label": _("Everything"), "url": here, "current": not topic},
            *(
                {
                    "label": TOPICS[name][0],
                    "url": f"{here}?topic={name}",
                    "current": name == topic,
                }
                for name in topics
            ),
        ],
        "next_url": f"{here}?{urlencode({**kept, 'after': page.next_id})}" if page.next_id else "",
        "first_url": f"{here}?{urlencode(kept)}" if request.GET.get("after") else "",
    }
