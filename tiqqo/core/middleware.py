"""The edges that every request crosses."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from tiqqo.core.errors import DomainError
from tiqqo.core.tenancy import NOTHING, _current

type_of_response = Callable[[HttpRequest], HttpResponse]


class RequestContext:
    """No scope survives a request, whatever a view entered. No address holds a NUL.

    PostgreSQL cannot compare text with NUL, so such an address would be a server error.
    """

    def __init__(self, get_response: type_of_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info:
            raise Http404
        token = _current.set(NOTHING)
        try:
            return self.get_response(request)
        finally:
            _current.reset(token)


class DomainErrors:
    """A refusal becomes an alert: a fragment for htmx, JSON for scripts, a page for people."""

    def __init__(self, get_response: type_of_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
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
        return render(request, "errors/refused.html", {"error": error}, status=error.status)
