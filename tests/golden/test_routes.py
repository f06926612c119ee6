"""Every route: its pattern, its name, and who may come."""

from collections.abc import Iterator

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, get_resolver

from tests.golden.compare import compare

# Django's and allauth's own; named here by their root only.
FOREIGN = ("admin/", "accounts/")


def _routes(
    patterns: list[URLPattern | URLResolver], prefix: str, space: str
) -> Iterator[tuple[str, str, str]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if path in FOREIGN:
            yield path, "…", "its own"
        elif isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _routes(pattern.url_patterns, path, inner)
        else:
            yield path, space + (pattern.name or "–"), _audience(pattern.callback)


def _audience(view: object) -> str:
    permission = getattr(view, "permission", None)
    if permission is not None:
        return str(permission)
    if getattr(view, "is_public", False):
        return "everybody, in the organiser's scope"
    audience = getattr(view, "audience", None)
    if audience is not None:
        return str(audience)
    return "signed in" if _is_guarded(view) else "everybody"


def _is_guarded(view: object) -> bool:
    """Whether `login_required` is one of its decorators."""
    while view is not None:
        code = getattr(view, "__code__", None)
        if code is not None and code.co_filename == login_required.__code__.co_filename:
            return True
        view = getattr(view, "__wrapped__", None)
    return False


def test_routes_and_who_may_come():
    rows = list(_routes(get_resolver().url_patterns, "", ""))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]

    compare(
        "routes.txt",
        "\n".join(f"{path:<{widths[0]}}  {name:<{widths[1]}}  {who}" for path, name, who in rows),
    )
