"""The edges that every request crosses."""

import logging
import time
from collections.abc import Callable

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from tiqqo.core.errors import Busy, DomainError
from tiqqo.core.limits import TooManyRequests
from tiqqo.core.tenancy import NOTHING, _current

logger = logging.getLogger(__name__)

TRACED_EVERY_SECONDS = 60.0

type_of_response = Callable[[HttpRequest], HttpResponse]


class RequestContext:
    """No scope survives a request, whatever a view entered. No address and no cookie holds a NUL.

    PostgreSQL cannot compare text with NUL, so such an address would be a server error. So would be such
    a cookie, which is no session of anybody: quoted (`"\\000"`) a header can bring one.
    """

    def __init__(self, get_response: type_of_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info:
            raise Http404
        if "\\" in request.META.get("HTTP_COOKIE", ""):
            request.COOKIES = {
                name: value for name, value in request.COOKIES.items() if "\x00" not in value
            }
        token = _current.set(NOTHING)
        try:
            return self.get_response(request)
        finally:
            _current.reset(token)


class DomainErrors:
    """A refusal becomes an alert: a fragment for htmx, JSON for scripts, a page for people.

    So does a database that cannot answer now: a lock that did not come, a deadlock, no connection left.
    Its transaction is undone, so what was asked can be asked again.
    """

    def __init__(self, get_response: type_of_response) -> None:
        self.get_response = get_response
        self._traced_at = float("-inf")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError):
            self._log(request, error)
            return self._told(request, Busy())
        return self._told(request, error) if isinstance(error, DomainError) else None

    def _log(self, request: HttpRequest, error: OperationalError) -> None:
        """One line each; where it came from once a minute, for in a rush it is the same place."""
        match = request.resolver_match
        facts = {
            "sqlstate": getattr(error.__cause__, "sqlstate", None),
            "view": match.view_name if match else None,
            "why": str(error).split("\n")[0],
        }
        now = time.monotonic()
        is_time = now - self._traced_at >= TRACED_EVERY_SECONDS
        if is_time:
            self._traced_at = now
        logger.error("database.busy", extra=facts, exc_info=error if is_time else None)

    def _told(self, request: HttpRequest, error: DomainError) -> HttpResponse:
        response = self._answer(request, error)
        if isinstance(error, Busy | TooManyRequests):
            response["Retry-After"] = str(error.retry_after_seconds)
        return response

    def _answer(self, request: HttpRequest, error: DomainError) -> HttpResponse:
        if request.headers.get("accept", "").startswith("application/json"):
            problem = {"type": error.code, "title": str(error), "status": error.status}
            return JsonResponse(
                problem, status=error.status, content_type="application/problem+json"
            )
        if getattr(request, "htmx", False):
            response = render(
                request,
                "components/alert.html",
                {"tone": "negative", "text": str(error)},
                status=error.status,
            )
            response["HX-Retarget"], response["HX-Reswap"] = "#alerts", "innerHTML"
            return response
        context: dict[str, object]
        if isinstance(error, Busy):
            context = {"address": request.get_full_path(), "fields": _sent_again(request)}
            return render(request, "errors/busy.html", context, status=error.status)
        if isinstance(error, TooManyRequests):
            context = {
                "error": error,
                "address": request.get_full_path(),
                "fields": _sent_again(request),
            }
            return render(request, "errors/429.html", context, status=error.status)
        return render(request, "errors/refused.html", {"error": error}, status=error.status)


def _sent_again(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of the form that was sent, so that it can be sent again; never a password."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if "password" not in name
    ]
