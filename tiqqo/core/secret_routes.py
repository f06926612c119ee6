"""Addresses that are permissions: which parts of which routes are secret.

Whoever knows such an address may do what stands behind it. So it is shown to nobody by us: not in a log,
not to search engines. A route is one of these if a parameter of it is named as one of `SECRET_NAMES`; a
test asks about every name that a route uses.
"""

import re
import sys
from collections.abc import Iterator

from django.conf import settings
from django.urls import ResolverMatch, URLPattern, URLResolver, get_resolver

SECRET_NAMES = frozenset({"secret", "token", "key"})
"""Names of parameters, ours and those of the libraries whose pages we serve."""

_PARAMETER = re.compile(r"<(?:[^>:]+:)?(\w+)>")
# A named group, with groups in it one level deep.
_REGEX_PARAMETER = re.compile(r"\(\?P(<\w+>)(?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)")
# What stands in a part of an address, as it is found in running text. The bound keeps a long line cheap.
_PART = r"(?:[^\s/?#&\"'<>%]|%(?!2F)){1,200}"
_SLASH = "(?:/|%2F)"


def holds_secret(match: ResolverMatch | None) -> bool:
    """Whether the address that was asked for is a permission."""
    return match is not None and not SECRET_NAMES.isdisjoint(match.kwargs)


def secret_addresses() -> re.Pattern[str] | None:
    """Finds such addresses in a text, as far as their secret, which is the one group that matched.

    None while the routes are being loaded: a line that is logged meanwhile must not wait for them.
    """
    module = sys.modules.get(settings.ROOT_URLCONF)
    spec = getattr(module, "__spec__", None)
    if module is None or spec is None or getattr(spec, "_initializing", False):
        return None
    forms = {form for route in routes() if (form := _form(route))}
    return re.compile("|".join(sorted(forms, key=len, reverse=True)), re.IGNORECASE)


def routes(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    """Every route of the site; a parameter stands in it as `<converter:name>` or `<name>`."""
    for entry in (resolver or get_resolver()).url_patterns:
        part = str(entry.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        route = prefix + _REGEX_PARAMETER.sub(r"\1", part)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


def parameters(route: str) -> list[str]:
    """The names of what varies in a route."""
    return _PARAMETER.findall(route)


def _form(route: str) -> str | None:
    """A regular expression of the route up to its last secret part, all secrets in one group.

    What shares a part with a secret, as in `<uid>-<key>`, is in the group: where it ends cannot be told.
    """
    # Literal, name, literal, name, …
    pieces = _PARAMETER.split(route)
    secret = [at for at in range(1, len(pieces), 2) if pieces[at] in SECRET_NAMES]
    if not secret:
        return None
    before = "".join(
        f"<{piece}>" if at % 2 else piece for at, piece in enumerate(pieces[: secret[0]])
    )
    before = before[: before.rindex("/") + 1]
    whole = "".join(
        f"<{piece}>" if at % 2 else piece for at, piece in enumerate(pieces[: secret[-1] + 1])
    )
    return f"{_expression(before)}({_expression(whole[len(before) :])})"


def _expression(route: str) -> str:
    pieces = _PARAMETER.split(route)
    return "".join(
        _PART if at % 2 else re.escape(piece).replace("/", _SLASH)
        for at, piece in enumerate(pieces)
    )
