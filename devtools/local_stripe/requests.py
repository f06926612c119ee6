"""What a request to Stripe's API carries, read as Stripe reads it."""

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from .bridge import random_id, unflatten
from .errors import invalid


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """The API call being answered; events name it as their cause."""

    idempotency_key: str | None
    id: str = field(default_factory=lambda: f"req_{random_id(14)}")


current_request: ContextVar[ApiRequest | None] = ContextVar("current_request", default=None)


async def parameters(request: web.Request) -> dict[str, Any]:
    """The form body of a POST, or the query of a GET, as nested dictionaries and lists."""
    if request.method == "POST":
        pairs = parse_qsl((await request.read()).decode(), keep_blank_values=True)
    else:
        pairs = list(request.query.items())
    return dict(unflatten(MultiDict(pairs)))


async def body_of(request: web.Request) -> dict[str, Any]:
    """The body of a test control as JSON or as a form, whichever it is."""
    text = await request.text()
    if not text:
        return {}
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return {name: str(value) for name, value in (await request.post()).items()}
    if not isinstance(body, dict):
        raise invalid("The body must be an object.")
    return body


def integer(value: Any, *, param: str, minimum: int = 0) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise invalid(
            f"Invalid integer: {value}", param=param, code="parameter_invalid_integer"
        ) from None
    if number < minimum:
        wanted = "Invalid positive integer" if minimum == 1 else "Invalid non-negative integer"
        raise invalid(wanted, param=param, code="parameter_invalid_integer")
    return number


def metadata(value: Any, *, param: str = "metadata") -> dict[str, str]:
    """Metadata within Stripe's limits: 50 keys of 40 characters, values of 500."""
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=param)
    if len(value) > 50:
        raise invalid("Metadata can have up to 50 keys.", param=param)
    for key, text in value.items():
        if len(key) > 40:
            raise invalid(
                f"Metadata keys can have up to 40 characters. Yours is {len(key)}.", param=param
            )
        if not isinstance(text, str):
            raise invalid("Metadata values must be strings.", param=f"{param}[{key}]")
        if len(text) > 500:
            raise invalid(
                f"Metadata values can have up to 500 characters, but you passed in a value that is "
                f"{len(text)} characters. Invalid value: {text[:20]}…",
                param=f"{param}[{key}]",
            )
    return {key: text for key, text in value.items() if text != ""}


def changed_metadata(kept: dict[str, str], given: Any) -> dict[str, str]:
    """Metadata after an update: keys are added and replaced, and removed by an empty value."""
    if given == "":
        return {}
    removed = {key for key, text in given.items() if text == ""} if isinstance(given, dict) else ()
    merged = kept | metadata(given)
    return {key: text for key, text in merged.items() if key not in removed}
