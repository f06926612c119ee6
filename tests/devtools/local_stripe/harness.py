"""A running local Stripe, the webhook endpoint that it posts to, and the real client."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import stripe

REPOSITORY = Path(__file__).parents[3]
SECRET = "whsec_test_secret"
SUCCEEDS = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
NO_FUNDS = "4000 0000 0000 9995"
AUTHENTICATES = "4000 0027 6000 3184"
REFUNDS_SUCCEED_LATER = "4000 0000 0000 7726"
REFUNDS_FAIL_LATER = "4000 0000 0000 5126"
DISPUTED = "4000 0000 0000 0259"


class Receiver:
    """A webhook endpoint that verifies each delivery and remembers it; `refuse` makes it answer 500."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[bytes, str]] = []
        self.refuse = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = receiver.refuse > 0
                receiver.refuse -= refused
                if not refused:
                    receiver.deliveries.append((body, self.headers["Stripe-Signature"]))
                self.send_response(500 if refused else 200)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def events(self, about: str) -> list[Any]:
        """The accepted events that name the object `about`; each one's signature is verified."""
        return [
            stripe.Webhook.construct_event(body, header, SECRET)
            for body, header in list(self.deliveries)
            if about.encode() in body
        ]

    def kinds(self, about: str) -> set[str]:
        return {event.type for event in self.events(about)}


class Server:
    """A running server, its client, and a browser without JavaScript."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.client: Any = stripe.StripeClient(
            "sk_test_local", base_addresses={"api": self.base}, max_network_retries=0
        )

    def create(
        self,
        *,
        amount: int = 2400,
        currency: str = "eur",
        options: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Any:
        parameters: dict[str, Any] = {
            "mode": "payment",
            "line_items": [
                {
                    "price_data": {
                        "currency": currency,
                        "unit_amount": amount,
                        "product_data": {"name": "Balcony <b>ticket</b>", "description": "Row 3"},
                    },
                    "quantity": 1,
                }
            ],
            "success_url": "http://shop.test/orders/ABCD?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.test/cart",
            "client_reference_id": "ABCD2345",
            "metadata": {"order": "ABCD2345"},
            "payment_intent_data": {"metadata": {"order": "ABCD2345"}},
        } | changes
        return self.client.v1.checkout.sessions.create(parameters, options or {})

    def retrieve(self, session_id: str, *expand: str) -> Any:
        return self.client.v1.checkout.sessions.retrieve(
            session_id, {"expand": list(expand)} if expand else {}
        )

    def fetch(
        self, method: str, path: str, form: dict[str, str] | None = None
    ) -> tuple[int, str, str | None]:
        """The status, the text and the Location of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        connection.request(method, path, urlencode(form) if form is not None else None, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text, response.headers["Location"]

    def submit(self, session_id: str, number: str, **changes: str) -> tuple[int, str, str | None]:
        form = {
            "email": "ada@example.com",
            "card_number": number,
            "expiry": "12 / 34",
            "cvc": "123",
            "name": "Ada",
        }
        return self.fetch("POST", f"/c/pay/{session_id}", form | changes)

    def control(self, path: str, **body: object) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(
            "POST", f"/_test/{path}", json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def ask(self, method: str, path: str) -> Any:
        """What a test control answers that takes no body."""
        return json.loads(self.fetch(method, f"/_test/{path}")[1])

    def paid(self, *, card: str = SUCCEEDS, **changes: Any) -> Any:
        session = self.create(**changes)
        self.submit(session.id, card)
        return self.retrieve(session.id)

    def refund(self, session: Any, **parameters: Any) -> Any:
        return self.client.v1.refunds.create(
            {"payment_intent": session.payment_intent} | parameters
        )

    def charge_of(self, session: Any, *expand: str) -> Any:
        intent = self.client.v1.payment_intents.retrieve(session.payment_intent)
        return self.client.v1.charges.retrieve(intent.latest_charge, {"expand": list(expand)})

    def settled_by_hand(self) -> None:
        """Refunds and disputes of test cards happen only when the test says so."""
        self.control("later", seconds=None)

    def reset(self) -> None:
        """As it was at the start, but for what was sold."""
        self.fetch("DELETE", "/_test/faults")
        self.control("clock", offset_seconds=0)
        self.control("later", seconds=5)
        self.control("webhooks", mode="normal", delay_seconds=0, repeat=1)


def until(condition: Callable[[], Any], *, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return result


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(data_dir: Path, webhook_url: str, *, gracefully: bool = True) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "devtools.local_stripe",
                f"--port={port}",
                f"--data-dir={data_dir}",
            ),
            *(f"--webhook-url={webhook_url}", f"--webhook-secret={SECRET}"),
        ],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    server = Server(port)

    def ready() -> bool:
        assert process.poll() is None, (process.stderr.read() if process.stderr else b"").decode()
        try:
            return server.fetch("GET", "/healthz")[:2] == (200, "ok")
        except OSError:
            return False

    try:
        until(ready, seconds=20)
        yield server
    finally:
        process.terminate() if gracefully else process.kill()
        process.communicate(timeout=30)


def receiver_has(receiver: Receiver, about: str, kind: str) -> Any:
    return until(
        lambda: next((event for event in receiver.events(about) if event.type == kind), None)
    )
