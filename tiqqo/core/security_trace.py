"""The middleware that leaves a trace of what was refused, whoever refused it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views import csrf

from tiqqo.core import security_log
from tiqqo.core.security_log import Kind

FORBIDDEN, TOO_MANY = 403, 429


class RefusalsTraced:
    """Every 403 and 429, and every page of the support tool, is in the security log, by its view's name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with security_log.asked_by(request):
            response = self.get_response(request)
            kind = _kind_of(request, response)
            if kind is not None:
                security_log.note(kind, request=request, view=_view_name(request))
        return response


def _kind_of(request: HttpRequest, response: HttpResponse) -> Kind | None:
    if response.status_code == FORBIDDEN:
        known = (Kind.REFUSED, Kind.FORM_REFUSED)
        return None if security_log.is_noted(request, *known) else Kind.REFUSED
    if response.status_code == TOO_MANY:
        known = (Kind.LIMIT_HIT, Kind.LOCKED_OUT)
        return None if security_log.is_noted(request, *known) else Kind.LIMIT_HIT
    match = request.resolver_match
    is_admin = match is not None and "admin" in match.namespaces
    user = getattr(request, "_cached_user", None)
    return Kind.ADMIN_VIEW if is_admin and user is not None and user.is_staff else None


def _view_name(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.view_name if match else ""


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's page for a form without a valid token, with a trace of it."""
    security_log.note(
        Kind.FORM_REFUSED,
        request=request,
        view=_view_name(request),
        reason=reason.split(" - ", maxsplit=1)[0],
    )
    response: HttpResponse = csrf.csrf_failure(request, reason)
    return response
