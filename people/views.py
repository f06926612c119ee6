"""What people may read and decide about their data: privacy notice, terms, and consent withdrawn."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import public_view
from accounts.models import Organiser
from people.consent_links import contact_of, is_one_click
from people.operations import withdraw_consent
from tiqqo.ui.markdown import as_html


@public_view
@require_safe
def privacy(request: Any) -> HttpResponse:
    """The organiser's text, or a plain default that names who is responsible, or where else it stands."""
    organiser = request.organiser
    text = as_html(organiser.privacy_text) if organiser.privacy_text else None
    return _legal_page(request, _("Privacy notice"), text, organiser.privacy_url)


@public_view
@require_safe
def terms(request: Any) -> HttpResponse:
    """The organiser's text, or where else it stands; there is no default for a contract."""
    organiser = request.organiser
    if not organiser.has_terms:
        raise Http404
    return _legal_page(request, _("Terms"), as_html(organiser.terms_text), organiser.terms_url)


def _legal_page(request: Any, title: str, html: SafeString | None, elsewhere: str) -> HttpResponse:
    """An address elsewhere is named, not led to: nobody gets from our address to any other unasked."""
    context = {
        **_frame(request.organiser),
        "title": title,
        "html": html,
        "elsewhere": elsewhere,
    }
    return render(request, "legal/page.html", context)


def _frame(organiser: Organiser) -> dict[str, Any]:
    """What every public page of an organiser has around it."""
    return {"organiser": organiser, "accent": organiser.accent_colour.lstrip("#")}


@csrf_exempt
@public_view
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: Any, token: str) -> HttpResponse:
    """What was agreed to, and the button that takes it back. The link is the permission; a GET, such as
    that of a mail scanner, changes nothing."""
    contact = contact_of(token)
    if contact is None:
        raise Http404
    if request.method == "POST":
        by_program = is_one_click(request)
        withdraw_consent(contact, source="mail program" if by_program else "consent page")
        if by_program:
            # A mail program follows no redirection.
            return HttpResponse("ok", content_type="text/plain")
        return HttpResponse(status=303, headers={"Location": request.path})
    response = render(
        request, "people/consent.html", {**_frame(request.organiser), "contact": contact}
    )
    response["X-Robots-Tag"] = "noindex"
    return response
