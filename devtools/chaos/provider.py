"""The payment provider as the trials see it: its API for the books, its test controls for the rest."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from devtools.processes import LOOPBACK

AT_ONCE = 100
PATIENCE_SECONDS = 20.0


class NotPresent(Exception):
    """Something that an experiment stands on is not there."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Money that the provider took: a succeeded payment intent."""

    intent_id: str
    session_id: str
    organiser: str
    """The slug in its address, as we wrote it on the session."""
    order_code: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A refund at the provider."""

    refund_id: str
    intent_id: str
    amount: int
    status: str


@dataclass(frozen=True, slots=True)
class ProviderBooks:
    """What the provider thinks, of all organisers."""

    taken: list[Taken]
    given_back: list[GivenBack]

    def of(self, organiser: str) -> "ProviderBooks":
        """The part of one organiser's sessions, by its slug."""
        taken = [one for one in self.taken if one.organiser == organiser]
        intents = {one.intent_id for one in taken}
        return ProviderBooks(taken, [one for one in self.given_back if one.intent_id in intents])

    def without(self, session_ids: set[str]) -> "ProviderBooks":
        """All but what was paid in these sessions."""
        taken = [one for one in self.taken if one.session_id not in session_ids]
        gone = {one.intent_id for one in self.taken} - {one.intent_id for one in taken}
        return ProviderBooks(taken, [one for one in self.given_back if one.intent_id not in gone])


class Provider:
    """The local Stripe, asked directly and not through the proxy."""

    def __init__(self, port: int, api_key: str) -> None:
        self._base = f"http://{LOOPBACK}:{port}"
        self._api_key = api_key

    def books(self) -> ProviderBooks:
        """By Stripe's public API: sessions say whose an intent is, intents and refunds what moved."""
        intents = {one["id"]: one for one in self._all("/v1/payment_intents")}
        charges = {one["latest_charge"]: one["id"] for one in intents.values()}
        taken = []
        for session in self._all("/v1/checkout/sessions"):
            intent = intents.get(session["payment_intent"] or "")
            if intent is None or intent["status"] != "succeeded":
                continue
            taken.append(
                Taken(
                    intent_id=intent["id"],
                    session_id=session["id"],
                    organiser=session["metadata"].get("organiser", ""),
                    order_code=session["metadata"].get("order", ""),
                    amount=intent["amount_received"],
                    currency=intent["currency"].upper(),
                )
            )
        given_back = [
            GivenBack(
                refund_id=refund["id"],
                intent_id=refund.get("payment_intent") or charges.get(refund["charge"], ""),
                amount=refund["amount"],
                status=refund["status"],
            )
            for refund in self._all("/v1/refunds")
        ]
        return ProviderBooks(taken, given_back)

    # Test controls --------------------------------------------------------------------------

    def set_webhooks(self, mode: str) -> None:
        """normal, hold or drop."""
        self._ask("POST", "/_test/webhooks", {"mode": mode})

    def events(self) -> list[dict[str, Any]]:
        """Each with id, type, object_id and how its delivery stands; oldest first."""
        data: list[dict[str, Any]] = self._ask("GET", "/_test/events")["data"]
        return data

    def redeliver(self, event_id: str) -> int | None:
        """The event is posted once more; the status that our webhook answered."""
        status: int | None = self._ask("POST", "/_test/webhooks/redeliver", {"event_id": event_id})[
            "status"
        ]
        return status

    def shift_clock(self, seconds: int) -> None:
        """The provider lives so many seconds later than we do. Raises NotPresent."""
        try:
            self._ask("POST", "/_test/clock", {"offset_seconds": seconds})
        except urllib.error.HTTPError as error:
            raise NotPresent(f"the local Stripe has no /_test/clock ({error.code})") from error

    # ----------------------------------------------------------------------------------------

    def _all(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = {"limit": str(AT_ONCE)} | ({"starting_after": found[-1]["id"]} if found else {})
            page = self._ask("GET", f"{path}?{urllib.parse.urlencode(query)}")
            found += page["data"]
            if not page["has_more"]:
                return found

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own server
            self._base + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._api_key}",
            },
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return json.load(answer)
