"""Whoever sends slowly, reads slowly or sends too much keeps nobody else waiting. Against the real web
process, which has fewer threads than there are of them."""

import http.client
import socket
import time
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from tests.browser.shopping import SUMMIT

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

MANY = 60
# Far more than a page takes on a busy machine, far less than what is waited for a slow sender.
PATIENCE = 5.0
HOLD = f"{SUMMIT}reservations/"


@pytest.fixture
def address(site):
    parts = urlsplit(site.base_url)
    return parts.hostname, parts.port


@pytest.fixture
def connect(address):
    with ExitStack() as opened:

        def connect(*, head="", receive_buffer=None):
            made = opened.enter_context(socket.socket())
            if receive_buffer:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            made.settimeout(30)
            made.connect(address)
            made.sendall(head.encode())
            return made

        yield connect


@pytest.fixture
def head(address):
    def head(method, path, **headers):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address[0]}:{address[1]}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""])

    return head


@pytest.fixture
def others_are_served(address):
    @contextmanager
    def served():
        yield
        for path in ("/healthz", SUMMIT):
            began = time.monotonic()
            connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
            connection.request("GET", path)
            assert connection.getresponse().status == 200
            connection.close()
            assert time.monotonic() - began < PATIENCE

    return served


def status_of(connection):
    answer = connection.recv(4096).decode("latin-1")
    return int(answer.split(" ")[1])


def test_slow_senders_keep_nobody_waiting_and_are_cut_off(connect, head, others_are_served):
    with others_are_served():
        slow = [connect(head=head("POST", HOLD, Content_Length=1000) + "q") for _ in range(MANY)]
        for connection in slow:
            connection.sendall(b"u")

    began = time.monotonic()
    assert status_of(slow[0]) == 408
    assert time.monotonic() - began < 20
    assert {status_of(connection) for connection in slow[1:]} == {408}
    assert slow[0].recv(10) == b""


def test_senders_of_half_a_chunk_are_cut_off_too(connect, head, others_are_served):
    with others_are_served():
        slow = [
            connect(head=head("POST", HOLD, Transfer_Encoding="chunked") + "5\r\nqu")
            for _ in range(MANY)
        ]

    assert {status_of(connection) for connection in slow} == {408}


def test_what_says_that_it_is_too_large_is_refused_before_it_is_sent(connect, head):
    sender = connect(head=head("POST", HOLD, Content_Length=200_000_000))

    assert status_of(sender) == 413


@pytest.mark.parametrize("beside", [{}, {"Content_Length": 5}])
def test_what_turns_out_too_large_is_cut_off(connect, head, others_are_served, beside):
    sender = connect(head=head("POST", HOLD, **beside, Transfer_Encoding="chunked"))
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with others_are_served(), pytest.raises(OSError):  # noqa: PT011  reset, broken pipe, as it comes
        while sent < 100_000_000:
            sender.sendall(chunk)
            sent += len(chunk)

    assert sent < 60_000_000


def test_slow_readers_keep_nobody_waiting(connect, head, others_are_served):
    with others_are_served():
        for _ in range(MANY):
            connect(head=head("GET", SUMMIT), receive_buffer=2048)


def test_slow_heads_keep_nobody_waiting(connect, others_are_served):
    with others_are_served():
        for _ in range(MANY):
            connect(head=f"GET {SUMMIT} HTTP/1.1\r\nX-A: b")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/%ff%fe/", {}),
        ("/a%00b/", {}),
        ("/a%2F..%2Fb/", {}),
        ("/", {"X_Forwarded_Proto": "https"}),
        ("/", {"Cookie": "a=b; " * 100}),
        ("/?q=%ff%fe", {}),
    ],
)
def test_odd_requests_are_answered(connect, head, path, headers):
    asked = connect(head=head("GET", path, Connection="close", **headers))

    assert status_of(asked) in {200, 400, 404}
