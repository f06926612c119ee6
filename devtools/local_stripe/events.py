"""Events and their delivery: every event is stored, signed and posted to the webhook URL until it is accepted."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal

import aiohttp
from localstripe import resources  # type: ignore[import-untyped]

from . import bridge
from .errors import invalid
from .requests import current_request

logger = logging.getLogger(__name__)

# What the installed `stripe` client speaks (a test compares); importing it for this takes a second at each start.
API_VERSION = "2026-10-28.endive"

Mode = Literal["normal", "hold", "drop"]
Order = Literal["oldest", "newest"]
RETRY_DELAYS = (1, 2, 4, 8, 15, 30, 60, 60, 60, 60)
_CONCURRENT_DELIVERIES = 8


def announce(kind: str, obj: Any, *, before: dict[str, Any] | None = None) -> None:
    """Record that something happened to `obj`, as it is now, and have it delivered.

    `before` are the values of what changed: https://docs.stripe.com/api/events/object#event_object-data.
    """
    event = resources.Event(kind, obj)
    if before is not None:
        event.data["previous_attributes"] = before
    bridge.publish(event)


def payload(event: Any) -> dict[str, Any]:
    """What is posted of an event."""
    return bridge.export(event)


def signature(body: bytes, secret: str, *, at: int) -> str:
    """The `Stripe-Signature` header: https://docs.stripe.com/webhooks#verify-manually."""
    digest = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Deliveries:
    """Posts events in the background, each in its own task, with bounded retries.

    How far an event has come is kept on the event (`_delivery`, `_attempts`), so that it is persisted with it and a
    restart resumes what was under way.
    """

    def __init__(self, url: str | None, secret: str, *, on_change: Callable[[], None]) -> None:
        self._url = url
        self._secret = secret
        self._on_change = on_change
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_CONCURRENT_DELIVERIES)
        self._session: aiohttp.ClientSession | None = None
        self.mode: Mode = "normal"
        self.delay_seconds: float = 0
        self.repeat = 1

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        for event in bridge.all_of("event"):
            if getattr(event, "_delivery", None) == "pending":
                self._dispatch(event)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def accept(self, event: Any) -> None:
        """Take a new event: complete its envelope and send it, or keep it as the mode says."""
        request = current_request.get()
        event.api_version = API_VERSION
        event.data = deepcopy(event.data)
        event.request = {
            "id": request.id if request else None,
            "idempotency_key": request.idempotency_key if request else None,
        }
        event.pending_webhooks = 1 if self._url else 0
        event._attempts = 0
        event._last_status = None
        if self._url is None or self.mode == "drop":
            event._delivery = "dropped"
        elif self.mode == "hold":
            event._delivery = "held"
        else:
            event._delivery = "pending"
            self._dispatch(event)
        self._on_change()

    def release(self) -> int:
        """Send what was held back, all at once, and return to normal; the number of events sent."""
        self.mode = "normal"
        held = self._held()
        for event in held:
            event._delivery = "pending"
            self._dispatch(event)
        return len(held)

    async def release_in_order(self, order: Order | list[str]) -> int:
        """Send what was held back one after another, each when the one before was answered.

        `oldest` and `newest` first return to normal. A list of ids sends those, and goes on holding the others.
        """
        held = self._held()
        if isinstance(order, list):
            by_id = {event.id: event for event in held}
            if strangers := [event_id for event_id in order if event_id not in by_id]:
                raise invalid(f"Not held back: {', '.join(strangers)}", param="order")
            chosen = [by_id[event_id] for event_id in order]
        else:
            self.mode = "normal"
            chosen = held if order == "oldest" else list(reversed(held))
        for event in chosen:
            event._delivery = "pending"
        for event in chosen:
            for _ in range(self.repeat):
                await self._post(event)
            if event._delivery != "delivered":
                self._dispatch(event)
        return len(chosen)

    def _held(self) -> list[Any]:
        return [event for event in bridge.all_of("event") if event._delivery == "held"]

    async def redeliver(self, event: Any) -> int | None:
        """Post an event once more, now and whatever the mode; the receiver's status, None if it was not reached."""
        return await self._post(event)

    def _dispatch(self, event: Any) -> None:
        task = asyncio.create_task(
            self._deliver(event, delay_seconds=self.delay_seconds, repeat=self.repeat)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, event: Any, *, delay_seconds: float, repeat: int) -> None:
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        for delay in (*RETRY_DELAYS, None):
            async with self._slots:
                status = await self._post(event)
            if event._delivery == "delivered":
                for _ in range(repeat - 1):
                    await self._post(event)
                return
            if delay is None:
                break
            logger.info(
                "%s %s not accepted (%s), again in %d s",
                event.type,
                event.id,
                status or "no answer",
                delay,
            )
            await asyncio.sleep(delay)
        event._delivery = "failed"
        self._on_change()
        logger.warning("%s %s given up after %d attempts", event.type, event.id, event._attempts)

    async def _post(self, event: Any) -> int | None:
        if self._session is None or self._url is None:
            return None
        body = json.dumps(payload(event), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (local test mode)",
            "Stripe-Signature": signature(body, self._secret, at=bridge.now()),
        }
        event._attempts += 1
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status: int | None = response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = None
        event._last_status = status
        if status is not None and 200 <= status < 300:
            event._delivery = "delivered"
            event.pending_webhooks = 0
        self._on_change()
        return status


def summary(event: Any) -> dict[str, Any]:
    """An event as the test controls list it: what it is and how its delivery stands."""
    return {
        "id": event.id,
        "type": event.type,
        "created": event.created,
        "object_id": event.data["object"].get("id"),
        "delivery": event._delivery,
        "attempts": event._attempts,
        "last_status": event._last_status,
    }
