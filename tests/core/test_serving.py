"""What a web process takes on before a thread has time for it is bounded in number and in memory."""

import asyncio
from threading import Event
from types import SimpleNamespace

import pytest

from tiqqo.core import serving
from tiqqo.core.serving import LONGEST_KEY, MOST_KEPT, MOST_WAITING_BYTES, Application

MEGABYTE = 1024 * 1024


class Headers(dict):
    """As granian has them: by lower-case name, each perhaps several times."""

    def get_all(self, name):
        return [self[name]] if name in self else []


def scope(method="GET", **headers):
    return SimpleNamespace(
        method=method,
        scheme="http",
        http_version="1.1",
        authority=None,
        path="/blauwe-kikker/kestrel/",
        query_string="",
        server="127.0.0.1:8000",
        client="192.0.2.1:4711",
        headers=Headers({name.replace("_", "-"): value for name, value in headers.items()}),
    )


class Protocol:
    def __init__(self, body=b""):
        self.body, self.status = body, None

    async def __call__(self):
        return self.body

    async def __aiter__(self):
        if self.body:
            yield self.body

    def response_bytes(self, status, _headers, _body):
        self.status = int(status)

    response_str = response_bytes


class Response(list):
    kept_until = None

    def close(self):
        pass


@pytest.fixture
def answering():
    """A handler that answers once it may."""
    may = Event()

    def handler(_environ, start_response):
        may.wait(10)
        start_response("200 OK", [])
        return Response([b"ok"])

    handler.may = may
    yield handler
    may.set()


def send(application, size):
    protocol = Protocol(b"x" * size)
    asked = scope("POST", content_length=str(size))
    return protocol, asyncio.ensure_future(application.__rsgi__(asked, protocol))


def test_bodies_that_wait_for_a_thread_take_no_more_memory_than_they_may(answering):
    async def rush():
        application = Application(answering, threads=1)
        large = [send(application, 10 * MEGABYTE) for _ in range(8)]
        small = send(application, 1000)
        await asyncio.sleep(0.1)
        refused = [protocol.status for protocol, _answered in large if protocol.status]
        answering.may.set()
        await asyncio.gather(*[answered for _protocol, answered in [*large, small]])
        later = send(application, 10 * MEGABYTE)
        await later[1]
        return refused, [protocol.status for protocol, _ in [*large, small, later]]

    refused, statuses = asyncio.run(rush())

    let_in = MOST_WAITING_BYTES // (10 * MEGABYTE)
    assert refused == [503] * (8 - let_in)
    assert statuses == [200] * let_in + [503] * (8 - let_in) + [200, 200]


@pytest.mark.parametrize(
    "name", ["host", "accept_language", "accept_encoding", "x_forwarded_proto"]
)
def test_nothing_is_kept_under_a_key_that_no_browser_has(name):
    """A thousand of them, of 400 KB each, are let through by the server."""
    assert serving._Kept.key_of(scope(**{name: "x" * LONGEST_KEY})) is None
    assert serving._Kept.key_of(scope(**{name: "x" * 200})) is not None


def test_as_many_pages_are_kept_as_may_be():
    kept = serving._Kept()
    for number in range(MOST_KEPT + 5):
        kept.keep(serving._Kept.key_of(scope(host=str(number))), SimpleNamespace(until=0.0))

    assert len(kept._pages) == MOST_KEPT
