"""`Idempotency-Key` on every POST: https://docs.stripe.com/api/idempotent_requests."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web
from localstripe.errors import UserError  # type: ignore[import-untyped]

from . import bridge
from .errors import StripeError, translated
from .requests import ApiRequest, current_request

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request with a key was, and what it got."""

    path: str
    fingerprint: str
    status: int
    body: bytes
    request_id: str
    created: int


class Idempotency:
    """Gives the second request with a key the answer of the first, an error included.

    The answer is remembered once the request was carried out, or was being carried out. Wrong parameters, and another
    request with the same key under way, are refused before that: the key may then be used again. It is forgotten when
    it is a day old, and a request with it is a new one.
    """

    def __init__(self) -> None:
        self._under_way: set[str] = set()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        key = request.headers.get("Idempotency-Key")
        api_request = ApiRequest(idempotency_key=key)
        token = current_request.set(api_request)
        try:
            if key is None or request.method != "POST":
                response = await handler(request)
            else:
                response = await self._answer_once(request, handler, key, api_request)
        except (StripeError, UserError) as refusal:
            response = _error(request, refusal).response()
        finally:
            current_request.reset(token)
        response.headers.setdefault("Request-Id", api_request.id)
        return response

    async def _answer_once(
        self, request: web.Request, handler: Handler, key: str, api_request: ApiRequest
    ) -> web.StreamResponse:
        if len(key) > 255:
            raise StripeError(
                400, "Idempotency keys can have up to 255 characters.", kind="idempotency_error"
            )
        name = f"idempotency:{request.headers.get('Authorization')}:{key}"
        fingerprint = _fingerprint(await request.read())
        kept: Answer | None = bridge.store.get(name)
        if kept is not None and kept.created > bridge.now() - _KEPT_SECONDS:
            return _replay(kept, path=request.path, fingerprint=fingerprint, key=key)
        if name in self._under_way:
            raise StripeError(
                409,
                f"There is currently another in-progress request using this Idempotent Key '{key}'.",
                kind="idempotency_error",
                code="idempotency_key_in_use",
                should_retry=True,
            )
        self._under_way.add(name)
        try:
            response = await _executed(request, handler)
        finally:
            self._under_way.discard(name)
        if isinstance(response, web.Response):
            body = response.body if isinstance(response.body, bytes) else b""
            bridge.store[name] = Answer(
                request.path, fingerprint, response.status, body, api_request.id, bridge.now()
            )
        response.headers["Idempotency-Key"] = key
        return response


async def _executed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The answer of a request that was carried out; one that never came so far raises."""
    try:
        return await handler(request)
    except (StripeError, UserError) as refusal:
        error = _error(request, refusal)
        if not error.executed:
            raise
        return error.response()


def _error(request: web.Request, refusal: StripeError | UserError) -> StripeError:
    return refusal if isinstance(refusal, StripeError) else translated(request, refusal)


def forget(key: str) -> int:
    """As if the key were a day old; the number of accounts that used it."""
    names = [
        name
        for name in bridge.store
        if name.startswith("idempotency:") and name.split(":", 2)[2] == key
    ]
    for name in names:
        del bridge.store[name]
    return len(names)


def forget_old_answers() -> None:
    oldest = bridge.now() - _KEPT_SECONDS
    for name, answer in list(bridge.store.items()):
        if name.startswith("idempotency:") and answer.created < oldest:
            del bridge.store[name]


def _replay(kept: Answer, *, path: str, fingerprint: str, key: str) -> web.Response:
    if kept.path != path:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{path}' vs '{kept.path}'). Try using a key other than '{key}' if you meant to execute a different "
            "request.",
            kind="idempotency_error",
        )
    if kept.fingerprint != fingerprint:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    headers = {
        "Idempotent-Replayed": "true",
        "Idempotency-Key": key,
        "Original-Request": kept.request_id,
    }
    if kept.status >= 400:
        # https://docs.stripe.com/error-low-level#should-retry: the answer would only be the same once more.
        headers["Stripe-Should-Retry"] = "false"
    return web.Response(
        status=kept.status, body=kept.body, content_type="application/json", headers=headers
    )


def _fingerprint(body: bytes) -> str:
    pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    return hashlib.sha256(repr(pairs).encode()).hexdigest()
