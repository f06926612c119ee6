"""What the site tells programs that visit it: search engines, and people who look for weaknesses."""

from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from tiqqo.core import clock

# Places where nothing is for them. Pages with a secret in their address are not named: those say
# `noindex` themselves, which only who fetches them can read.
NOT_FOR_CRAWLERS = ("/accounts/", "/admin/", "/door/", "/home/", "/o/", "/webhooks/", "/welcome/")
CONTACT_GOOD_FOR = timedelta(days=90)


@require_safe
@cache_control(public=True, max_age=24 * 60 * 60)
def robots(request: HttpRequest) -> HttpResponse:
    """RFC 9309."""
    lines = ["User-agent: *", *(f"Disallow: {place}" for place in NOT_FOR_CRAWLERS)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=24 * 60 * 60)
def security(request: HttpRequest) -> HttpResponse:
    """RFC 9116: where to report what was found; nothing where SECURITY_CONTACT is not set."""
    contact: str = settings.SECURITY_CONTACT
    if not contact:
        raise Http404
    if "@" in contact and ":" not in contact:
        contact = f"mailto:{contact}"
    expires = datetime.combine(clock.now().date(), time(tzinfo=UTC)) + CONTACT_GOOD_FOR
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(code for code, _name in settings.LANGUAGES)}",
        f"Canonical: {settings.BASE_URL}{request.path}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
