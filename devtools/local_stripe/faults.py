"""Faults of the provider and of the way to it, on order of a test: late, cut off, refused, or without any answer.

A rule takes part of the API's requests and does one thing to them:

    {"method": "POST", "path_prefix": "/v1/refunds", "times": 2, "fault": {"delay_after": 20}}

`method` and `path_prefix` may be left out; so may `times`, which then is every one. Of several rules that match, the
oldest that is not used up is taken. The faults:

| fault | what the client sees |
|---|---|
| `{"delay_before": seconds}` | the request is handled that much later |
| `{"delay_executing": seconds}` | the same, but its idempotency key is in use meanwhile |
| `{"delay_after": seconds}` | the request is handled at once and answered that much later |
| `"cut_before"` | the connection ends; nothing was done |
| `"cut_after"` | the connection ends; it was done |
| `"hang"` | no answer until the rules are cleared, and then a connection that ends; nothing was done |
| `{"status": 500, "code": …, "message": …, "when": …}` | that error; `code` and `message` may be left out |

`when` an error comes decides what an idempotency key remembers: `before` anything (the default: nothing was done and
nothing is remembered, as with a rate limit), while `executing` (nothing was done, and the error is remembered), or
`after` (it was done, and the error is remembered): https://docs.stripe.com/error-low-level#content-errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from aiohttp import web
from aiohttp.typedefs import Handler

from .errors import StripeError, invalid, of_status

Kind = Literal[
    "delay_before", "delay_executing", "delay_after", "cut_before", "cut_after", "hang", "status"
]
When = Literal["before", "executing", "after"]

_LONGEST_SECONDS = 600
_LISTENS_SECONDS = 0.25


@dataclass(slots=True)
class Rule:
    id: int
    method: str | None
    path_prefix: str
    times: int | None
    fault: Kind
    seconds: float = 0
    status: int = 0
    code: str | None = None
    message: str | None = None
    when: When = "before"
    hits: int = 0
    cleared: asyncio.Event = field(default_factory=asyncio.Event)

    def takes(self, request: web.Request) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and self.method in (None, request.method)
            and request.path.startswith(self.path_prefix)
        )

    @property
    def is_inside(self) -> bool:
        return self.fault == "delay_executing" or (self.fault == "status" and self.when != "before")

    def error(self) -> StripeError:
        error = of_status(self.status, code=self.code, message=self.message)
        error.executed = self.when != "before"
        return error

    def shown(self) -> dict[str, Any]:
        return asdict(self, dict_factory=lambda pairs: {k: v for k, v in pairs if k != "cleared"})


class Faults:
    """The rules of this server; two middlewares carry them out, around and inside of idempotency."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._ids = itertools.count(1)

    def add(self, given: dict[str, Any]) -> Rule:
        if unknown := given.keys() - {"method", "path_prefix", "times", "fault"}:
            raise invalid(f"A rule has no {min(unknown)}.", param=min(unknown))
        method = given.get("method")
        prefix = str(given.get("path_prefix") or "/v1/")
        if not prefix.startswith("/v1"):
            raise invalid("Faults are for API requests: path_prefix begins with /v1.")
        times = given.get("times")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise invalid("times is a number from 1 up, or null for all.", param="times")
        rule = Rule(
            id=next(self._ids),
            method=str(method).upper() if method else None,
            path_prefix=prefix,
            times=times,
            **_read_fault(given.get("fault")),
        )
        self._rules.append(rule)
        return rule

    def list(self) -> list[dict[str, Any]]:
        return [rule.shown() for rule in self._rules]

    def clear(self) -> int:
        """Forget every rule and end what hangs; the number of rules there were."""
        rules, self._rules = self._rules, []
        for rule in rules:
            rule.cleared.set()
        return len(rules)

    @property
    def around(self) -> Any:
        """Faults that the API does not know of: they come before and after everything else."""

        @web.middleware
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            rule = self._take(request, executing=False)
            if rule is None:
                return await handler(request)
            return await _suffer(rule, request, handler)

        return around

    @property
    def inside(self) -> Any:
        """Delays and errors while a request is carried out, which its idempotency key knows of."""

        @web.middleware
        async def inside(request: web.Request, handler: Handler) -> web.StreamResponse:
            rule = self._take(request, executing=True)
            if rule is None:
                return await handler(request)
            if rule.fault == "delay_executing":
                await asyncio.sleep(rule.seconds)
                return await handler(request)
            if rule.when == "after":
                await handler(request)
            raise rule.error()

        return inside

    def _take(self, request: web.Request, *, executing: bool) -> Rule | None:
        """The oldest rule for this request, counted as used, if it belongs where it is asked for."""
        if not request.path.startswith("/v1/"):
            return None
        rule = next((rule for rule in self._rules if rule.takes(request)), None)
        if rule is None or rule.is_inside != executing:
            return None
        rule.hits += 1
        return rule


async def _suffer(rule: Rule, request: web.Request, handler: Handler) -> web.StreamResponse:
    match rule.fault:
        case "delay_before":
            await asyncio.sleep(rule.seconds)
            return await handler(request)
        case "delay_after":
            response = await handler(request)
            await asyncio.sleep(rule.seconds)
            return response
        case "cut_after":
            await handler(request)
        case "hang":
            await _hang(rule, request)
        case "status":
            raise rule.error()
        case "cut_before":
            pass
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _hang(rule: Rule, request: web.Request) -> None:
    """Wait until the rules are cleared or the client has gone."""
    while request.transport is not None and not request.transport.is_closing():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(rule.cleared.wait(), _LISTENS_SECONDS)
            return


def _read_fault(given: Any) -> dict[str, Any]:
    """A fault as a name or as an object of one of them: fields of a Rule."""
    described: Any = {given: True} if isinstance(given, str) else given
    if not isinstance(described, dict):
        described = {}
    kind = next((name for name in get_args(Kind) if name in described), None)
    if kind is None:
        raise invalid(f"fault is one of {', '.join(get_args(Kind))}", param="fault")
    value = described[kind]
    if kind.startswith("delay_"):
        if not isinstance(value, int | float) or not 0 <= value <= _LONGEST_SECONDS:
            raise invalid(f"{kind} is in seconds, up to {_LONGEST_SECONDS}.", param="fault")
        return {"fault": kind, "seconds": value}
    if kind != "status":
        return {"fault": kind}
    when = described.get("when", "before")
    if when not in get_args(When):
        raise invalid(f"when is one of {', '.join(get_args(When))}", param="fault")
    code, message = described.get("code"), described.get("message")
    of_status(int(value), code=code)  # refuses a status that has no error
    return {"fault": "status", "status": int(value), "code": code, "message": message, "when": when}
