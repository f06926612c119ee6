"""Controls for tests under `/_test/`, answered to this machine only. JSON in (or a form), JSON out.

| request | body | what it does |
|---|---|---|
| `GET /_test/books` | | what the provider thinks: each payment with its session, refunds and disputes (`books`) |
| `GET /_test/events` | query: `payload=1`, `type`, `object_id` | every event and how its delivery stands |
| `POST /_test/webhooks` | `mode` (`normal`, `hold`, `drop`), `delay_seconds`, `repeat` | how events are delivered from now on; each may be left out |
| `POST /_test/webhooks/release` | `order` (`oldest`, `newest`, or a list of ids) | sends held events; without `order` all at once, with it one after another. A list leaves the others held |
| `POST /_test/webhooks/redeliver` | `event_id` | posts an event once more |
| `POST /_test/sessions/ID/pay` | `card`, `authentication` (`complete`, `fail`, `leave`), `email`, `name` | pays as the hosted page does |
| `POST /_test/sessions/ID/expire-now` | | the clock runs out for an open session |
| `POST /_test/sessions/ID/complete-delayed` | `email`, `name` | completes it by a delayed payment method: `unpaid` |
| `POST /_test/sessions/ID/end-delayed` | `outcome` (`succeeded`, `failed`) | the bank's answer to that |
| `POST /_test/payment_intents/ID/refund` | `amount`, `reason`, `metadata` | a refund made in the Dashboard; the whole rest without `amount` |
| `POST /_test/refunds/ID/settle` | `status`, `failure_reason` | a pending refund succeeds, fails or is canceled; a succeeded one fails |
| `POST /_test/payment_intents/ID/dispute` | `reason`, `amount`, `inquiry` | the cardholder disputes the payment |
| `POST /_test/disputes/ID/escalate` | | an inquiry becomes a chargeback |
| `POST /_test/disputes/ID/review` | | evidence was submitted: `under_review` |
| `POST /_test/disputes/ID/close` | `outcome` (`won`, `lost`) | the bank's decision |
| `POST /_test/later` | `seconds`, or null for never | when test cards' later refunds and disputes happen by themselves; 5 at the start |
| `POST /_test/faults` | a rule, or `rules` | faults for API requests (`faults`) |
| `GET /_test/faults` | | the rules, with how often each was met |
| `DELETE /_test/faults` | | forgets the rules and ends what hangs |
| `POST /_test/clock` | `offset_seconds` | sets this server's notion of now apart from the machine's, for signatures too; 0 after a restart |
| `POST /_test/idempotency/forget` | `key` | the key is a day old: a request with it is a new one |

Acts of the Dashboard are in `dashboard`.
"""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web

from . import bridge
from .books import books
from .cards import FormErrors, read_card_form
from .errors import invalid, missing, refused
from .events import Deliveries, payload, summary
from .faults import Faults
from .idempotency import forget
from .later import waiting
from .requests import body_of
from .sessions import Checkout

_MODES = ("normal", "hold", "drop")
_MOST_REPEATS = 20


class Controls:
    """Hold, release and repeat webhooks; pay and expire sessions without a browser; faults, clock and books."""

    def __init__(self, checkout: Checkout, deliveries: Deliveries, faults: Faults) -> None:
        self._checkout = checkout
        self._deliveries = deliveries
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_test/books", self.show_books),
            web.get("/_test/events", self.list_events),
            web.post("/_test/webhooks", self.set_delivery),
            web.post("/_test/webhooks/release", self.release),
            web.post("/_test/webhooks/redeliver", self.redeliver),
            web.post("/_test/sessions/{id}/pay", self.pay),
            web.post("/_test/sessions/{id}/expire-now", self.expire_now),
            web.post("/_test/later", self.set_later),
            web.post("/_test/faults", self.add_faults),
            web.get("/_test/faults", self.list_faults),
            web.delete("/_test/faults", self.clear_faults),
            web.post("/_test/clock", self.set_clock),
            web.post("/_test/idempotency/forget", self.forget_key),
        ]

    async def show_books(self, _request: web.Request) -> web.Response:
        return web.json_response(books())

    async def list_events(self, request: web.Request) -> web.Response:
        events = [
            summary(event) | ({"payload": payload(event)} if request.query.get("payload") else {})
            for event in bridge.all_of("event")
            if request.query.get("type") in (None, event.type)
            and request.query.get("object_id") in (None, event.data["object"].get("id"))
        ]
        return web.json_response({"mode": self._deliveries.mode, "data": events})

    async def set_delivery(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        mode = body.get("mode", self._deliveries.mode)
        if mode not in _MODES:
            raise invalid(f"mode is one of {', '.join(_MODES)}", param="mode")
        delay, repeat = body.get("delay_seconds"), body.get("repeat")
        if repeat is not None and not 1 <= int(repeat) <= _MOST_REPEATS:
            raise invalid(f"repeat is from 1 to {_MOST_REPEATS}", param="repeat")
        self._deliveries.mode = mode
        if delay is not None:
            self._deliveries.delay_seconds = max(0.0, float(delay))
        if repeat is not None:
            self._deliveries.repeat = int(repeat)
        return web.json_response(
            {
                "mode": mode,
                "delay_seconds": self._deliveries.delay_seconds,
                "repeat": self._deliveries.repeat,
            }
        )

    async def release(self, request: web.Request) -> web.Response:
        order = (await body_of(request)).get("order")
        if order is None:
            released = self._deliveries.release()
        elif order in ("oldest", "newest") or isinstance(order, list):
            released = await self._deliveries.release_in_order(order)
        else:
            raise invalid("order is oldest, newest or a list of ids", param="order")
        return web.json_response({"released": released, "mode": self._deliveries.mode})

    async def redeliver(self, request: web.Request) -> web.Response:
        event_id = str((await body_of(request)).get("event_id", ""))
        event = bridge.find("event", event_id)
        if event is None:
            raise missing("event", event_id, param="event_id")
        status = await self._deliveries.redeliver(event)
        return web.json_response({"event_id": event_id, "status": status})

    async def pay(self, request: web.Request) -> web.Response:
        """Pay with `card`; `authentication` (`complete`, `fail`, `leave`) answers a card that asks for 3-D Secure."""
        session = self._checkout.find(request.match_info["id"])
        body = await body_of(request)
        if session.status != "open":
            raise refused(f"This Checkout Session has a status of `{session.status}`.")
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

    async def set_later(self, request: web.Request) -> web.Response:
        seconds = (await body_of(request)).get("seconds")
        waiting.after_seconds = None if seconds is None else max(0, int(seconds))
        return web.json_response({"seconds": waiting.after_seconds})

    async def add_faults(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        given = body.get("rules", [body])
        if not isinstance(given, list):
            raise invalid("rules is a list of rules", param="rules")
        rules = [self._faults.add(rule) for rule in given]
        return web.json_response({"data": [rule.shown() for rule in rules]})

    async def list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": self._faults.list()})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"cleared": self._faults.clear()})

    async def set_clock(self, request: web.Request) -> web.Response:
        bridge.clock.offset_seconds = int((await body_of(request)).get("offset_seconds", 0))
        return web.json_response(
            {"offset_seconds": bridge.clock.offset_seconds, "now": bridge.now()}
        )

    async def forget_key(self, request: web.Request) -> web.Response:
        key = str((await body_of(request)).get("key", ""))
        return web.json_response({"key": key, "forgotten": forget(key)})


def is_local(request: web.Request) -> bool:
    return request.remote is not None and ip_address(request.remote).is_loopback
