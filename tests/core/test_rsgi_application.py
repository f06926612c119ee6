"""What a web process takes on before a thread has time for it is bounded in number and in memory."""

import asyncio
import math
from threading import Event, current_thread
from types import SimpleNamespace

import pytest

from tiqqo.core import rsgi_application
from tiqqo.core.rsgi_application import (
    LONGEST_KEY,
    MOST_KEPT,
    MOST_KEPT_BYTES,
    MOST_WAITING_BYTES,
    Application,
)

MEGABYTE = 1024 * 1024


class Headers(dict):
    """As granian has them: by lower-case name, each perhaps several times."""

    def get_all(self, name):
        return [self[name]] if name in self else []


def scope(method="GET", client="192.0.2.1:4711", **headers):
    return SimpleNamespace(
        method=method,
        scheme="http",
        http_version="1.1",
        authority=None,
        path="/blauwe-kikker/kestrel/",
        query_string="",
        server="127.0.0.1:8000",
        client=client,
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


def test_a_body_in_chunks_is_as_large_as_it_is_whatever_length_stands_beside_it(answering):
    """The server reads the chunks, and passes on the length that was declared."""
    answering.may.set()

    async def sent():
        protocol = Protocol(b"x" * 13 * MEGABYTE)
        asked = scope("POST", content_length="5", transfer_encoding="chunked")
        await Application(answering, threads=1).__rsgi__(asked, protocol)
        return protocol.status

    assert asyncio.run(sent()) == 413


@pytest.mark.parametrize(
    "name", ["host", "accept_language", "accept_encoding", "x_forwarded_proto"]
)
def test_nothing_is_kept_under_a_key_that_no_browser_has(name):
    """A thousand of them, of 400 KB each, are let through by the server."""
    assert rsgi_application._Kept.key_of(scope(**{name: "x" * LONGEST_KEY})) is None
    assert rsgi_application._Kept.key_of(scope(**{name: "x" * 200})) is not None


@pytest.mark.parametrize(
    ("query", "is_kept"),
    [
        ("", True),
        ("utm_source=mail&utm_id=7&fbclid=abc", True),
        ("%75tm_source=mail", True),
        ("utm_source=mail&code=EARLY", False),
        ("utm_source=mail&c%6fde=EARLY", False),
        ("code=utm_source", False),
        ("&&", True),
        ("x", False),
        ("fbclid=" + "x" * 3000, False),
    ],
)
def test_words_for_tracking_make_no_page_of_their_own(query, is_kept):
    kept, page = rsgi_application._Kept(), page_of(10)
    kept.keep(scope(), page)
    asked = scope()
    asked.query_string = query

    assert kept.page_for(asked) == (page if is_kept else None)


def kept_after(pages, size):
    """What is kept of so many pages of that size, each asked for under another host."""
    kept = rsgi_application._Kept()
    for number in range(pages):
        kept.keep(scope(host=str(number)), page_of(size))
    return kept


def page_of(size):
    return rsgi_application._Page(200, [], b"x" * size, until=math.inf)


def test_as_many_pages_are_kept_as_may_be():
    kept = kept_after(MOST_KEPT + 5, 10)

    assert len(kept._pages) == MOST_KEPT
    assert [kept.page_for(scope(host=str(number))) is None for number in (4, 5)] == [True, False]


def test_pages_that_are_kept_take_no_more_memory_than_they_may():
    """The page of an event is as large as its organiser likes, and is kept for each language of a browser."""
    kept = kept_after(100, MEGABYTE)

    bodies = [page.body for n in range(100) if (page := kept.page_for(scope(host=str(n))))]
    assert sum(map(len, bodies)) in range(MOST_KEPT_BYTES - 2 * MEGABYTE, MOST_KEPT_BYTES)


def test_a_page_that_is_larger_than_all_that_may_be_kept_is_not():
    kept = kept_after(1, MOST_KEPT_BYTES)

    assert (kept.page_for(scope(host="0")), list(kept._paths)) == (None, [])


def test_a_path_is_looked_up_as_long_as_a_page_of_it_is_kept():
    kept = rsgi_application._Kept()
    page = page_of(10)
    for _ in range(2):
        kept.keep(scope(host="a"), page)
    assert (kept.page_for(scope(host="a")), kept.page_for(scope(host="b"))) == (page, None)

    for number in range(MOST_KEPT):
        other = scope(host=str(number))
        other.path = "/elsewhere/"
        kept.keep(other, page)

    assert (kept.page_for(scope(host="a")), list(kept._paths)) == (None, ["/elsewhere/"])


class Silent(Protocol):
    """Whoever sends the head and then nothing."""

    async def __call__(self):
        await asyncio.sleep(60)


def sending_nothing(application):
    protocol = Silent()
    asked = scope("POST", content_length="10")
    return protocol, asyncio.ensure_future(application.__rsgi__(asked, protocol))


def test_who_sends_nothing_is_cut_off_and_nobody_else(answering, monkeypatch):
    monkeypatch.setattr(rsgi_application, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(rsgi_application, "LOOK_SECONDS", 0.05)
    answering.may.set()

    async def wait():
        application = Application(answering, threads=1)
        silent, heard = sending_nothing(application), send(application, 100)
        await asyncio.wait_for(asyncio.gather(silent[1], heard[1]), 5)
        again = sending_nothing(application)
        await asyncio.wait_for(again[1], 5)
        return [protocol.status for protocol, _ in (silent, heard, again)]

    assert asyncio.run(wait()) == [408, 200, 408]


def test_where_too_many_arrive_the_oldest_is_cut_off(answering, monkeypatch):
    monkeypatch.setattr(rsgi_application, "MOST_ARRIVING", 2)
    answering.may.set()

    async def wait():
        application = Application(answering, threads=1)
        silent = [sending_nothing(application) for _ in range(4)]
        await asyncio.sleep(0.1)
        statuses = [protocol.status for protocol, _ in silent]
        for _protocol, task in silent:
            task.cancel()
        return statuses

    assert asyncio.run(wait()) == [408, 408, None, None]


def test_requests_are_done_with_soon_after_their_answer(answering):
    answering.may.set()

    async def wait():
        application = Application(answering, threads=2)
        for _ in range(3):
            await asyncio.wait_for(send(application, 100)[1], 5)
        return application._open, application._arriving._until

    assert asyncio.run(wait()) == (0, {})


def test_the_thread_that_was_busy_last_is_asked_first_and_all_are_where_there_is_much():
    busy, may = [], Event()

    def handler(_environ, start_response):
        busy.append(current_thread().name)
        may.wait(10)
        start_response("200 OK", [])
        return Response([b"ok"])

    async def wait():
        application = Application(handler, threads=3)
        rush = [send(application, 0)[1] for _ in range(7)]
        await asyncio.sleep(0.1)
        at_once = set(busy)
        may.set()
        await asyncio.gather(*rush)
        answered = len(busy)
        busy.clear()
        for _ in range(5):
            await send(application, 0)[1]
        return at_once, answered, set(busy)

    at_once, answered, later = asyncio.run(wait())

    assert (len(at_once), answered, len(later)) == (3, 7, 1)


def test_whoever_asks_for_much_at_once_has_one_turn_in_eight_while_others_wait(answering):
    answered = []

    def handler(environ, start_response):
        answering.may.wait(10)
        answered.append(environ["REMOTE_ADDR"])
        start_response("200 OK", [])
        return Response([b"ok"])

    async def flood():
        application = Application(handler, threads=1)
        floods = [scope(client=f"198.51.100.66:{port}") for port in range(1, 201)]
        others = [scope(client=f"192.0.2.{host}:4711") for host in range(1, 41)]
        sent = [
            asyncio.ensure_future(application.__rsgi__(asked, Protocol()))
            for asked in [*floods, *others]
        ]
        await asyncio.sleep(0.1)
        answering.may.set()
        await asyncio.gather(*sent)
        return application._turns._of_client

    assert asyncio.run(flood()) == {}
    last = max(place for place, host in enumerate(answered, 1) if host.startswith("192."))
    # The one that came first, those it may have among the others, and one turn in eight.
    ordinary = rsgi_application.MOST_WAITING_OF_A_CLIENT + 40
    assert last == 1 + ordinary + (ordinary - 1) // (rsgi_application.TURNS - 1)
    assert len(answered) == 240


def test_a_flood_of_one_client_is_refused_before_anybody_else_is(answering, monkeypatch):
    monkeypatch.setattr(rsgi_application, "MOST_WAITING", 60)

    async def flood():
        application = Application(answering, threads=1)
        asked = [scope(client="198.51.100.66:1") for _ in range(80)]
        asked.append(scope(client="192.0.2.1:1"))
        protocols = [Protocol() for _ in asked]
        sent = [
            asyncio.ensure_future(application.__rsgi__(*pair))
            for pair in zip(asked, protocols, strict=True)
        ]
        await asyncio.sleep(0.1)
        answering.may.set()
        await asyncio.gather(*sent)
        return [protocol.status for protocol in protocols]

    statuses = asyncio.run(flood())

    let_in = 1 + rsgi_application.MOST_WAITING_OF_A_CLIENT + 30
    assert statuses == [200] * let_in + [503] * (80 - let_in) + [200]


def test_however_many_requests_come_one_timer_sees_to_them_and_ends(answering, monkeypatch):
    answering.may.set()
    monkeypatch.setattr(rsgi_application, "SETTLE_SECONDS", 0.05)

    async def wait():
        application = Application(answering, threads=2)
        loop, timers = asyncio.get_running_loop(), []
        call_later = loop.call_later

        def noted(seconds, call, *args):
            timers.append(call.__name__)
            return call_later(seconds, call, *args)

        loop.call_later = noted
        for _ in range(20):
            send(application, 0)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        lately = timers.count("_settle_regularly")
        await asyncio.sleep(0.3)
        return lately, timers.count("_settle_regularly"), application._open

    lately, after, still_open = asyncio.run(wait())

    assert lately <= 10
    assert (after, still_open) == (lately, 0)
