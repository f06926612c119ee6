"""The bench's client against a tiny server, and its mailbox against Python's own SMTP client."""

import smtplib
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from devtools.bench import buyers
from devtools.bench.buyers import Shop
from devtools.bench.http_client import Site
from devtools.bench.load import Clients, Load, converse, drive, fetch
from devtools.bench.mailbox import Mailbox
from devtools.bench.pages import form_to
from devtools.processes import LOOPBACK

SHOP = (
    '<form action="/b/e/reservations/"><input name="quantity_A" value="0">'
    '<input name="quantity_B" value="0"></form>'
)
CHECKOUT = (
    '<form action="/b/e/c/1/"><input name="first_name"><input name="last_name">'
    '<input name="email"></form>'
)
SOLD_OUT = '<div class="alert__body"><p>B is sold out.</p></div>'


class _Till(BaseHTTPRequestHandler):
    """A shop with three tickets."""

    protocol_version = "HTTP/1.1"
    left: int
    lock = threading.Lock()
    asked: Counter[str]
    bodies: list[bytes]

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        pages = {"/b/e/": SHOP, "/b/e/c/1/": CHECKOUT, "/b/e/o/1/": "thanks", "/healthz": "ok"}
        self._answer(200 if self.path in pages else 500, body=pages.get(self.path, ""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked[self.path] += 1
        self.bodies.append(body)
        if self.path == "/b/e/reservations/":
            with self.lock:
                type(self).left -= 1
            if self.left < 0:
                self._answer(409, body=SOLD_OUT)
            else:
                self._answer(302, location="/b/e/c/1/")
        else:
            self._answer(303, location="/b/e/o/1/")

    def _answer(self, status: int, *, body: str = "", location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def till() -> Iterator[type[_Till]]:
    handler = type("Till", (_Till,), {"left": 3, "asked": Counter(), "bodies": []})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        handler.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handler
        server.shutdown()
        thread.join()


def shop_of(till) -> Shop:
    site = Site(LOOPBACK, till.port)
    choice = form_to(fetch(site, "/b/e/").text, "/reservations/")
    return Shop(site, "/b/e/", code="B", choice=choice, offers=2)


def test_crowd_buys_what_is_there_and_everybody_is_answered(till):
    shop = shop_of(till)

    outcome = drive(Load(shop.site, partial(buyers.rush, shop), clients=10, count=10))

    assert outcome.endings == {"bought": 3, "sold out": 7}
    assert (outcome.errors, outcome.first_error) == (0, "")
    assert {step: len(took) for step, took in outcome.latencies.items()} == {
        "hold": 10,
        "checkout": 3,
        "details": 3,
        "order": 3,
    }
    assert all(took == sorted(took) for took in outcome.latencies.values())
    assert till.bodies[0] == b"quantity_A=0&quantity_B=1"


def test_every_buyer_types_something_else(till):
    shop = shop_of(till)

    drive(Load(shop.site, partial(buyers.buy, shop), clients=2, count=3, first_number=7))

    typed = sorted(body for body in till.bodies if b"email" in body)
    assert [body.rpartition(b"=")[2] for body in typed] == [
        b"robin7%40example.org",
        b"robin8%40example.org",
        b"robin9%40example.org",
    ]


def test_visitor_alone_is_heard_step_by_step(till):
    shop, steps = shop_of(till), []

    ending = converse(shop.site, buyers.buy(shop, 1), steps.append)

    assert (ending, steps) == ("bought", ["page", "hold", "checkout", "details", "order"])


def test_wrong_answers_are_errors_and_end_only_their_own_run(till):
    shop = shop_of(till)

    outcome = drive(Load(shop.site, partial(buyers.buy, shop), clients=2, count=5))

    assert outcome.endings == {"bought": 3}
    assert (outcome.errors, outcome.first_error) == (2, "hold: Unexpected: status 409")


def test_page_without_its_offers_is_an_error(till):
    shop = Shop(Site(LOOPBACK, till.port), "/b/e/", code="B", offers=5)

    outcome = drive(Load(shop.site, partial(buyers.look, shop), clients=1, count=1))

    assert outcome.first_error == "page: Unexpected: the shop shows 2 offers instead of 5"


def test_nobody_at_home_is_an_error(till):
    site = Site(LOOPBACK, 1)

    outcome = drive(Load(site, partial(buyers.knock, site), clients=2, count=4))

    assert (outcome.runs, outcome.errors) == (0, 4)
    assert "ConnectionRefusedError" in outcome.first_error


def test_clients_of_another_process_keep_their_connection_if_told(till):
    site = Site(LOOPBACK, till.port)
    load = Load(site, partial(buyers.knock, site), clients=2, count=20, is_new_visitor_each=False)

    with Clients(load) as clients:
        outcome = clients.run()

    assert (outcome.runs, outcome.errors) == (20, 0)
    assert till.asked["/healthz"] == 20
    assert outcome.client_cpu_seconds > 0


def test_mailbox_counts_what_is_sent():
    with Mailbox() as mailbox:
        with smtplib.SMTP(LOOPBACK, mailbox.port) as sender:
            for _ in range(2):
                sender.sendmail(
                    "a@example.org", ["b@example.org"], b"Subject: x\r\n\r\nA\r\n.\r\nB"
                )

        assert mailbox.mails == 2
        assert mailbox.bytes > 2 * len("Subject: x")
