"""Controls for tests under `/_test/`, answered to this machine only."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from . import bridge
from .cards import FormErrors, read_card_form
from .events import Deliveries, summary
from .requests import invalid, missing
from .sessions import Checkout

_MODES = ("normal", "hold", "drop")


class Controls:
    """Hold, release and repeat webhooks; pay and expire sessions without a browser."""

    def __init__(self, checkout: Checkout, deliveries: Deliveries) -> None:
        self._checkout = checkout
        self._deliveries = deliveries

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_test/events", self.list_events),
            web.post("/_test/webhooks", self.set_mode),
            web.post("/_test/webhooks/release", self.release),
            web.post("/_test/webhooks/redeliver", self.redeliver),
            web.post("/_test/sessions/{id}/pay", self.pay),
            web.post("/_test/sessions/{id}/expire-now", self.expire_now),
        ]

    async def list_events(self, _request: web.Request) -> web.Response:
        events = [summary(event) for event in bridge.all_of("event")]
        return web.json_response({"mode": self._deliveries.mode, "data": events})

    async def set_mode(self, request: web.Request) -> web.Response:
        mode = (await _body(request)).get("mode")
        if mode not in _MODES:
            raise invalid(f"mode is one of {', '.join(_MODES)}", param="mode")
        self._deliveries.mode = mode
        return web.json_response({"mode": mode})

    async def release(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"released": self._deliveries.release(), "mode": self._deliveries.mode}
        )

    async def redeliver(self, request: web.Request) -> web.Response:
        event_id = str((await _body(request)).get("event_id", ""))
        event = bridge.find("event", event_id)
        if event is None:
            raise missing("event", event_id, param="event_id")
        status = await self._deliveries.redeliver(event)
        return web.json_response({"event_id": event_id, "status": status})

    async def pay(self, request: web.Request) -> web.Response:
        """Pay with `card`; `authentication` (`complete`, `fail`, `leave`) answers a card that asks for 3-D Secure."""
        session = self._checkout.find(request.match_info["id"])
        body = await _body(request)
        if session.status != "open":
            raise invalid(f"This Checkout Session has a status of `{session.status}`.")
        form = {
            "card_number": str(body.get("card", "4242424242424242")),
            "expiry": str(body.get("expiry", "12 / 34")),
            "cvc": str(body.get("cvc", "123")),
            "name": str(body.get("name", "Test Buyer")),
            "email": str(
                body.get("email") or session.fields["customer_email"] or "buyer@example.com"
            ),
        }
        if session.amount_total == 0:
            self._checkout.complete_free(session, email=form["email"], name=form["name"])
            return web.json_response({"outcome": "completed", "session": bridge.export(session)})
        try:
            outcome = self._checkout.pay(session, read_card_form(form))
        except FormErrors as problem:
            field, message = next(iter(problem.errors.items()))
            raise invalid(message, param=field) from problem
        answer = body.get("authentication", "complete")
        if outcome == "requires_action" and answer in ("complete", "fail"):
            outcome = self._checkout.authenticate(session, success=answer == "complete")
        return web.json_response({"outcome": outcome, "session": bridge.export(session)})

    async def expire_now(self, request: web.Request) -> web.Response:
        """Let the clock run out for one open session."""
        session = self._checkout.find(request.match_info["id"])
        if session.status == "open":
            session.expires_at = bridge.now()
        return web.json_response(bridge.export(self._checkout.find(session.id)))


def is_local(request: web.Request) -> bool:
    return request.remote is not None and ip_address(request.remote).is_loopback


async def _body(request: web.Request) -> dict[str, Any]:
    """The body as JSON or as a form, whichever it is."""
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
