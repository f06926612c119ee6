"""The server: localstripe's routes and ours behind one set of middlewares."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from localstripe.errors import UserError  # type: ignore[import-untyped]

from . import bridge, disputes, lists, refunds
from .controls import Controls, is_local
from .dashboard import Dashboard
from .errors import StripeError, invalid, translated
from .events import Deliveries
from .faults import Faults
from .idempotency import Idempotency, forget_old_answers
from .later import waiting
from .pages import HostedPages
from .requests import parameters
from .sessions import Checkout, line_items

logger = logging.getLogger(__name__)

_BEAT_SECONDS = 0.5
_HOUSEKEEPING_BEATS = 7200


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    port: int
    data_dir: Path
    webhook_url: str | None
    webhook_secret: str
    public_url: str


def build(options: Options) -> web.Application:
    keeper = bridge.Keeper(options.data_dir)
    keeper.load()
    deliveries = Deliveries(options.webhook_url, options.webhook_secret, on_change=keeper.touch)
    bridge.on_event(deliveries.accept)
    checkout = Checkout(public_url=options.public_url)
    waiting.restore()
    faults = Faults()

    app = web.Application(
        middlewares=[
            *(_errors, _saving(keeper), _access),
            # Faults of the way to here see answers, errors of carrying a request out are remembered by its key.
            *(faults.around, _errors, _idempotency(Idempotency()), faults.inside),
        ]
    )
    app.add_routes([web.get("/healthz", _healthz)])
    app.add_routes(HostedPages(checkout).routes())
    app.add_routes(Controls(checkout, deliveries, faults).routes())
    app.add_routes(Dashboard(checkout).routes())
    # Ours come first: the first route that matches answers.
    app.add_routes(Api(checkout).routes())
    for method, path, handler in bridge.v1_routes():
        app.router.add_route(method, path, handler)

    async def run(_app: web.Application) -> AsyncIterator[None]:
        await deliveries.start()
        beat = asyncio.create_task(_beat(checkout, keeper))
        yield
        faults.clear()
        beat.cancel()
        with suppress(asyncio.CancelledError):
            await beat
        await deliveries.stop()
        keeper.changed()
        keeper.save()

    app.cleanup_ctx.append(run)
    return app


class Api:
    """The routes of `/v1` that localstripe lacks or answers differently from Stripe."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def routes(self) -> list[web.RouteDef]:
        sessions = "/v1/checkout/sessions"
        return [
            web.post(sessions, self.create_session),
            web.get(sessions, self.list_sessions),
            web.get(f"{sessions}/{{id}}", self.retrieve_session),
            web.post(f"{sessions}/{{id}}", self.update_session),
            web.post(f"{sessions}/{{id}}/expire", self.expire_session),
            web.get(f"{sessions}/{{id}}/line_items", self.list_line_items),
            web.post("/v1/refunds", self.create_refund),
            web.get("/v1/refunds", self.list_refunds),
            web.get("/v1/refunds/{id}", self.retrieve_refund),
            web.post("/v1/refunds/{id}", self.update_refund),
            web.post("/v1/refunds/{id}/cancel", self.cancel_refund),
            web.get("/v1/disputes", self.list_disputes),
            web.get("/v1/disputes/{id}", self.retrieve_dispute),
            web.post("/v1/disputes/{id}", self.update_dispute),
            web.post("/v1/disputes/{id}/close", self.close_dispute),
            web.get("/v1/events", self.list_events),
            web.get("/v1/payment_intents", self.list_intents),
            web.get("/v1/charges", self.list_charges),
            web.get("/v1/balance_transactions", self.list_movements),
        ]

    async def create_session(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        return _exported(self._checkout.create(given), expand)

    async def list_sessions(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        return _exported(self._checkout.matching(given), expand)

    async def retrieve_session(self, request: web.Request) -> web.Response:
        _, expand = await _given(request)
        return _exported(self._checkout.find(request.match_info["id"]), expand)

    async def update_session(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        session = self._checkout.find(request.match_info["id"])
        self._checkout.update(session, given)
        return _exported(session, expand)

    async def expire_session(self, request: web.Request) -> web.Response:
        _, expand = await _given(request)
        session = self._checkout.find(request.match_info["id"])
        self._checkout.expire(session)
        return _exported(session, expand)

    async def list_line_items(self, request: web.Request) -> web.Response:
        return web.json_response(line_items(self._checkout.find(request.match_info["id"])))

    async def create_refund(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        return _exported(refunds.create_refund(given), expand)

    async def list_refunds(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        return _exported(refunds.list_refunds(given), expand)

    async def retrieve_refund(self, request: web.Request) -> web.Response:
        _, expand = await _given(request)
        return _exported(refunds.find_refund(request.match_info["id"]), expand)

    async def update_refund(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        refund = refunds.find_refund(request.match_info["id"])
        refunds.update_refund(refund, given)
        return _exported(refund, expand)

    async def cancel_refund(self, request: web.Request) -> web.Response:
        _, expand = await _given(request)
        refund = refunds.find_refund(request.match_info["id"])
        refunds.cancel_refund(refund)
        return _exported(refund, expand)

    async def list_disputes(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        return _exported(disputes.list_disputes(given), expand)

    async def retrieve_dispute(self, request: web.Request) -> web.Response:
        _, expand = await _given(request)
        return _exported(disputes.find_dispute(request.match_info["id"]), expand)

    async def update_dispute(self, request: web.Request) -> web.Response:
        given, expand = await _given(request)
        dispute = disputes.find_dispute(request.match_info["id"])
        disputes.update_dispute(dispute, given)
        return _exported(dispute, expand)

    async def close_dispute(self, request: web.Request) -> web.Response:
        _, expand = await _given(request)
        dispute = disputes.find_dispute(request.match_info["id"])
        disputes.accept(dispute)
        return _exported(dispute, expand)

    async def list_events(self, request: web.Request) -> web.Response:
        """Stripe lists the newest first and takes `type` or `types[]`."""
        given, expand = await _given(request)
        kinds = given.pop("types", None) or ([given.pop("type")] if "type" in given else None)
        return _exported(
            lists.newest_first(
                "event",
                "/v1/events",
                given,
                accept=lambda event: kinds is None or event.type in kinds,
            ),
            expand,
        )

    async def list_intents(self, request: web.Request) -> web.Response:
        return await _listed(request, "payment_intent", "/v1/payment_intents", ("customer",))

    async def list_charges(self, request: web.Request) -> web.Response:
        narrowed_by = ("customer", "payment_intent")
        return await _listed(request, "charge", "/v1/charges", narrowed_by)

    async def list_movements(self, request: web.Request) -> web.Response:
        narrowed_by = ("currency", "source", "type")
        return await _listed(
            request, "balance_transaction", "/v1/balance_transactions", narrowed_by
        )


async def _listed(
    request: web.Request, kind: str, url: str, narrowed_by: tuple[str, ...]
) -> web.Response:
    given, expand = await _given(request)
    return _exported(lists.newest_first(kind, url, given, narrowed_by=narrowed_by), expand)


async def _given(request: web.Request) -> tuple[dict[str, Any], list[str]]:
    given = await parameters(request)
    expand = given.pop("expand", [])
    if not isinstance(expand, list):
        raise invalid("Invalid array", param="expand")
    return given, expand


def _exported(obj: Any, expand: list[str]) -> web.Response:
    return web.json_response(bridge.export(obj, expand))


async def _healthz(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in Stripe's shape, localstripe's terser ones included."""
    try:
        return await handler(request)
    except StripeError as error:
        return error.response()
    except UserError as error:
        return translated(request, error).response()
    except web.HTTPNotFound:
        if not request.path.startswith("/v1/"):
            raise
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return StripeError(404, message).response()


@web.middleware
async def _access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The API takes any test key; the test controls answer this machine only."""
    if request.path.startswith("/_test/") and not is_local(request):
        raise StripeError(403, "The test controls answer this machine only.")
    if request.path.startswith("/v1/"):
        _check_key(_secret_key(request))
    return await handler(request)


def _check_key(key: str) -> None:
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    if not key.startswith("sk_test_") or len(key) == len("sk_test_"):
        raise StripeError(401, f"Invalid API Key provided: {key[:8]}****")


def _secret_key(request: web.Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer":
        return credentials.strip()
    if scheme == "Basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(credentials).decode().partition(":")[0]
    return ""


def _idempotency(idempotency: Idempotency) -> Any:
    @web.middleware
    async def answer_once(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/v1/"):
            return await handler(request)
        return await idempotency.answer(request, handler)

    return answer_once


def _saving(keeper: bridge.Keeper) -> Any:
    @web.middleware
    async def save_changes(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            if request.method in ("POST", "DELETE"):
                keeper.changed()

    return save_changes


async def _beat(checkout: Checkout, keeper: bridge.Keeper) -> None:
    """What happens without a request: sessions expire, changes are saved, old idempotency keys are forgotten."""
    beats = 0
    while True:
        checkout.expire_due()
        if waiting.come_due():
            keeper.touch()
        if beats % _HOUSEKEEPING_BEATS == 0:
            forget_old_answers()
        keeper.save_if_due()
        beats += 1
        await asyncio.sleep(_BEAT_SECONDS)
