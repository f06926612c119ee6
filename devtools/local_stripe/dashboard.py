"""Acts of others than the API's client: of the seller in the Dashboard, of the cardholder and of the banks."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from . import bridge, disputes, refunds
from .errors import invalid, missing, refused
from .requests import body_of
from .sessions import Checkout


class Dashboard:
    """Refunds, disputes and delayed payments as test controls; `controls` lists them."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_test/sessions/{id}/complete-delayed", self.complete_delayed),
            web.post("/_test/sessions/{id}/end-delayed", self.end_delayed),
            web.post("/_test/payment_intents/{id}/refund", self.refund),
            web.post("/_test/refunds/{id}/settle", self.settle_refund),
            web.post("/_test/payment_intents/{id}/dispute", self.dispute),
            web.post("/_test/disputes/{id}/escalate", self.escalate),
            web.post("/_test/disputes/{id}/review", self.review),
            web.post("/_test/disputes/{id}/close", self.close),
        ]

    async def complete_delayed(self, request: web.Request) -> web.Response:
        session = self._checkout.find(request.match_info["id"])
        body = await body_of(request)
        if session.status != "open" or session.amount_total == 0:
            raise refused("This Checkout Session is not open, or has nothing to pay.")
        email = body.get("email") or session.fields["customer_email"] or "buyer@example.com"
        self._checkout.complete_unpaid(
            session, email=str(email), name=str(body.get("name", "Test Buyer"))
        )
        return _shown(session)

    async def end_delayed(self, request: web.Request) -> web.Response:
        session = self._checkout.find(request.match_info["id"])
        outcome = (await body_of(request)).get("outcome")
        if outcome not in ("succeeded", "failed"):
            raise invalid("outcome is succeeded or failed", param="outcome")
        self._checkout.end_delayed(session, success=outcome == "succeeded")
        return _shown(session)

    async def refund(self, request: web.Request) -> web.Response:
        """A refund that the seller makes by hand: it carries no metadata of the seller's program."""
        asked = await body_of(request)
        given = {name: asked[name] for name in ("amount", "reason", "metadata") if name in asked}
        return _shown(refunds.create_refund(given | {"payment_intent": request.match_info["id"]}))

    async def settle_refund(self, request: web.Request) -> web.Response:
        refund = refunds.find_refund(request.match_info["id"])
        body = await body_of(request)
        refunds.settle(
            refund, body.get("status", "succeeded"), failure_reason=body.get("failure_reason")
        )
        return _shown(refund)

    async def dispute(self, request: web.Request) -> web.Response:
        intent_id = request.match_info["id"]
        intent = bridge.find("payment_intent", intent_id)
        if intent is None:
            raise missing("payment_intent", intent_id, param="id")
        if intent.latest_charge is None:
            raise refused("Nothing was paid that could be disputed.")
        body = await body_of(request)
        amount = body.get("amount")
        return _shown(
            disputes.open_dispute(
                intent.latest_charge,
                reason=str(body.get("reason", "fraudulent")),
                amount=None if amount is None else int(amount),
                is_inquiry=bool(body.get("inquiry")),
            )
        )

    async def escalate(self, request: web.Request) -> web.Response:
        dispute = disputes.find_dispute(request.match_info["id"])
        disputes.escalate(dispute)
        return _shown(dispute)

    async def review(self, request: web.Request) -> web.Response:
        dispute = disputes.find_dispute(request.match_info["id"])
        disputes.submit_evidence(dispute, {"product_description": "An admission ticket."})
        return _shown(dispute)

    async def close(self, request: web.Request) -> web.Response:
        dispute = disputes.find_dispute(request.match_info["id"])
        disputes.close(dispute, (await body_of(request)).get("outcome", ""))
        return _shown(dispute)


def _shown(obj: Any) -> web.Response:
    return web.json_response(bridge.export(obj))
