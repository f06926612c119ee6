"""What an operator's probes ask, and what an operator looks at."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tiqqo.core import clock, security_log, status
from tiqqo.core.readiness import readiness


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if this process can serve, 503 if not. Why not is for operators: others learn yes or no.

    What is degraded stands at /status/.
    """
    found = readiness()
    told: dict[str, object] = {"ready": found.is_ready}
    if _has_token(request) or (found.is_ready and _is_staff(request)):
        told |= found.checks
    return JsonResponse(told, status=200 if found.is_ready else 503)


def for_operators(view: Callable[[HttpRequest], HttpResponse]) -> Any:
    """For platform staff, and for whoever has STATUS_TOKEN; for others there is nothing here."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not _has_token(request) and not _is_staff(request):
            if "Authorization" in request.headers:
                security_log.note(
                    security_log.Kind.REFUSED, request=request, view="status", why="wrong token"
                )
            raise Http404
        return view(request)

    guarded.audience = "operators"  # type: ignore[attr-defined]
    return guarded


@require_safe
@never_cache
@for_operators
def status_page(request: HttpRequest) -> HttpResponse:
    """What is degraded. Answers 200 whatever it says: it is read, not probed."""
    groups = status.groups()
    is_bad = any(group.is_bad for group in groups)
    if _has_token(request) or "application/json" in request.headers.get("Accept", ""):
        return JsonResponse(_as_json(groups, is_bad=is_bad))
    context = {"groups": groups, "is_bad": is_bad, "at": clock.now()}
    return render(request, "operations/status.html", context)


def _as_json(groups: list[status.Group], *, is_bad: bool) -> dict[str, object]:
    return {
        "degraded": is_bad,
        "at": clock.now().isoformat(),
        "figures": [
            {
                "group": group.name,
                "name": figure.name,
                "value": figure.value,
                "degraded": figure.is_bad,
                **({"hint": figure.hint} if figure.is_bad else {}),
            }
            for group in groups
            for figure in group.figures
        ],
    }


def _has_token(request: HttpRequest) -> bool:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    expected: str = settings.STATUS_TOKEN
    return (
        bool(expected)
        and scheme.lower() == "bearer"
        and secrets.compare_digest(token.strip().encode(), expected.encode())
    )


def _is_staff(request: HttpRequest) -> bool:
    """Costs a query or two, so a stranger, who brings no session, is not asked about."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    return bool(request.user.is_authenticated and request.user.is_staff)
