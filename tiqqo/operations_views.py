"""What an operator's probes ask, and what an operator looks at."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tiqqo.core import clock, security_log, status
from tiqqo.core.clocks import TOO_FAR, clock_difference

_migrated: list[bool] = []


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """This process can serve; 503 names what keeps it from that.

    Only what this process needs: a shop whose Redis is down still sells, and must not be taken out of
    the balance for it. What is degraded stands at /status/.
    """
    checks = {"database": _database()}
    if checks["database"] == "ok":
        checks["clock"] = _clock()
    code = 200 if all(answer == "ok" for answer in checks.values()) else 503
    return JsonResponse(checks, status=code)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok" if _is_migrated() else "migrations are missing"
    except OperationalError as error:
        return str(error).splitlines()[0]


def _is_migrated() -> bool:
    """Asked until it is so; a process does not outlive its migrations."""
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.append(True)
    return True


def _clock() -> str:
    ahead = clock_difference()
    if abs(ahead) <= TOO_FAR:
        return "ok"
    seconds = round(abs(ahead).total_seconds())
    direction = "ahead of" if ahead.total_seconds() > 0 else "behind"
    return f"this machine's clock is {seconds} s {direction} the database's"


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
        response = view(request)
        response["X-Robots-Tag"] = "noindex"
        return response

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
    return bool(request.user.is_authenticated and request.user.is_staff)
