"""How a request reaches Django: granian reads it, a thread answers it once all of it is here.

A request that is still arriving keeps no thread, so whoever sends slowly keeps nobody waiting. It has
until a deadline, may be so large, and where too many arrive at once the one that began first is cut
off: what honest people send arrives in a moment. docs/decisions/0023.
"""

import asyncio
import logging
import sys
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from granian.rsgi import (  # type: ignore[attr-defined]  # it says what they are elsewhere
    HTTPProtocol,
    ProtocolClosed,
    Scope,
)

from tiqqo.core.clients import client_behind
from tiqqo.core.recent import Recent
from tiqqo.core.tracking import is_only_tracking

logger = logging.getLogger(__name__)

Headers = list[tuple[str, str]]
Environ = dict[str, Any]
Heads = Any
"""The headers of a request as granian has them. Asked for once: each time it copies them."""
Handler = Callable[[Environ, Callable[..., Any]], Any]
"""Django's WSGI handler, which answers with its response."""

# A phone on a poor connection sends this much a second; what is sent faster never meets the deadline.
SLOWEST_BYTES_A_SECOND = 16 * 1024
FIRST_SECONDS = 10.0
# Of one process: requests that are still arriving, their bytes, and requests that wait for a thread.
MOST_ARRIVING = 200
MOST_ARRIVING_BYTES = 48 * 1024 * 1024
MOST_WAITING = 2000
# Of one client; more of them wait apart.
MOST_WAITING_OF_A_CLIENT = 6
# Those are answered one time in so many while others wait, too.
TURNS = 8
ONE_PIECE_BYTES = 16 * 1024
MOST_WAITING_BYTES = 48 * 1024 * 1024
# What a form comes to at most; so many of them may wait as may requests.
SMALL_BYTES = 64 * 1024
# So much later than its answer the last request of a while is done with; in between the next one sees to it.
SETTLE_SECONDS = 0.2
LOOK_SECONDS = 1.0
# Of pages as they were sent: so many, and so many bytes of them.
MOST_KEPT = 1000
MOST_KEPT_BYTES = 32 * 1024 * 1024
# No browser says more about itself. What is kept for whoever does would take more memory than the page.
LONGEST_KEY = 2000

REFUSALS = {
    HTTPStatus.REQUEST_TIMEOUT: "This took too long to arrive. Please send it again.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "This is too large. Send less, or a smaller file.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Many people are here right now. Please try again in a moment.",
}


class _Refused(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class Application:
    """The RSGI application around Django's handler. One serves one process."""

    def __init__(self, handler: Handler, *, threads: int) -> None:
        self._handler = handler
        self._arriving = _Arriving()
        self._kept = _Kept()
        self._turns = _Turns()
        self._answered: deque[_Request] = deque()
        # Requests that are with the threads, and the bytes of their large bodies. Only the loop counts.
        self._open = 0
        self._waiting_bytes = 0
        self._settles_regularly = False
        for number in range(threads):
            # Granian ends the process once those that were begun are answered.
            Thread(target=self._work, name=f"web-{number}", daemon=True).start()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        page = self._kept.page_for(scope)
        if page is not None:
            protocol.response_bytes(page.status, page.headers, page.body)
            return
        headers = scope.headers
        try:
            body = await self._arriving.body_of(headers, protocol) if _has_body(headers) else b""
            self._refuse_beyond_what_may_wait(body)
            loop = asyncio.get_running_loop()
            request = _Request(scope, headers, body, protocol, loop.create_future())
            self._turns.give(request)
        except _Refused as refusal:
            _refuse(protocol, refusal.status)
            return
        except ProtocolClosed:
            return
        self._settle()
        if not self._settles_regularly:
            self._settles_regularly = True
            loop.call_later(SETTLE_SECONDS, self._settle_regularly, loop)
        self._open += 1
        self._waiting_bytes += _counted(body)
        await request.answered

    def _refuse_beyond_what_may_wait(self, body: bytes) -> None:
        """Raises _Refused."""
        size = _counted(body)
        if size and self._waiting_bytes + size > MOST_WAITING_BYTES:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE)

    def _work(self) -> None:
        """A thread answers one request after the other, as long as the process lives."""
        mine = _Inbox()
        while True:
            request = self._turns.next_for(mine)
            try:
                self._answer(request)
            except Exception:
                logger.exception("serving.failed")
            self._answered.append(request)

    def _settle(self) -> None:
        """Those that the threads are through with are done with.

        The threads do not wake the loop for it: granian has the answer, and waking costs as much as a
        query. What was not answered by now, granian answers with 500.
        """
        while self._answered:
            request = self._answered.popleft()
            self._open -= 1
            self._waiting_bytes -= _counted(request.body)
            if not request.answered.done():
                request.answered.set_result(None)

    def _settle_regularly(self, loop: asyncio.AbstractEventLoop) -> None:
        """As long as there are requests."""
        self._settle()
        self._settles_regularly = self._open > 0
        if self._settles_regularly:
            loop.call_later(SETTLE_SECONDS, self._settle_regularly, loop)

    def _answer(self, request: "_Request") -> None:
        """Django's answer is on its way. Granian keeps what a slow reader has not taken yet.

        What a view streams is sent when all of it is made: no thread waits for a reader, and what
        fails halfway is an error and not a file that ends too early.
        """
        head: tuple[int, Headers] = (HTTPStatus.INTERNAL_SERVER_ERROR, [])

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
            nonlocal head
            head = int(status[:3]), headers

        environ = _environ(request.scope, request.headers, request.body)
        response = self._handler(environ, start_response)
        try:
            path = _whole_file(response)
            if path is None:
                body = b"".join(response)
                request.protocol.response_bytes(*head, body)
                until = getattr(response, "kept_until", None)
                if until is not None:
                    self._kept.keep(request.scope, _Page(*head, body, until))
            else:
                request.protocol.response_file(*head, path)
        finally:
            response.close()


@dataclass(slots=True)
class _Request:
    scope: Scope
    headers: Heads
    body: bytes
    protocol: HTTPProtocol
    answered: asyncio.Future[None]


_Inbox = SimpleQueue[_Request]


class _Turns:
    """Which thread answers which request: of those that are idle, the one that was busy last.

    Its connection to the database, the process at the other end and all that both used a moment ago are
    still at hand. Taking turns instead cost a hold 7 % of its time where one came after the other.

    Where none is idle, requests wait in two lines: what a client asks beyond so much at once waits in
    the second, which has one turn in eight. So much of the threads' time has one client that floods; and
    so have the many people behind the one address of a mobile provider, whom a turn for each client
    would starve.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[_Inbox] = []
        self._lines: list[deque[tuple[str, _Request]]] = [deque(), deque()]
        self._turn = 0
        self._of_client: Counter[str] = Counter()

    def give(self, request: _Request) -> None:
        """A thread has it, or the next that is through with another. Raises _Refused where its line is
        as long as it may be."""
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
            if inbox is None:
                self._wait(request)
        if inbox is not None:
            inbox.put(request)

    def next_for(self, inbox: _Inbox) -> _Request:
        """The request whose turn it is; without one the thread of this inbox is idle until there is."""
        with self._lock:
            line = self._next_line()
            if line:
                client, request = line.popleft()
                self._of_client[client] -= 1
                if not self._of_client[client]:
                    del self._of_client[client]
                return request
            self._idle.append(inbox)
        return inbox.get()

    def _next_line(self) -> deque[tuple[str, _Request]]:
        """The one whose turn it is; empty where nobody waits."""
        ordinary, apart = self._lines
        if ordinary and apart:
            self._turn = (self._turn + 1) % TURNS
            return ordinary if self._turn else apart
        return ordinary or apart

    def _wait(self, request: _Request) -> None:
        forwarded = ",".join(request.headers.get_all("x-forwarded-for"))
        client = client_behind(_host_of(request.scope.client), forwarded)
        line = self._lines[self._of_client[client] >= MOST_WAITING_OF_A_CLIENT]
        if len(line) >= MOST_WAITING // 2:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        self._of_client[client] += 1
        line.append((client, request))


def _host_of(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _counted(body: bytes) -> int:
    """What it counts among the large bodies."""
    return len(body) if len(body) > SMALL_BYTES else 0


_Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    status: int
    headers: Headers
    body: bytes
    until: float


class _Kept:
    """Public pages as they were sent, for requests that are alike in all that such a page depends on.

    What `PublicPages` keeps in Django is answered from here without a thread, as long as it is fresh.
    """

    DEPENDS_ON = ("host", "accept-language", "accept-encoding", "x-forwarded-proto")
    # With one of these a request is nobody's in particular, or wants more than the page.
    NEVER_WITH = ("cookie", "authorization", "hx-request", "range")

    def __init__(self) -> None:
        self._pages: Recent[_Key, _Page] = Recent(most=MOST_KEPT, most_bytes=MOST_KEPT_BYTES)
        self._paths: Counter[str] = Counter()
        self._lock = Lock()

    def page_for(self, scope: Scope) -> _Page | None:
        """The page that answers it, if there is one."""
        if scope.path not in self._paths:
            return None
        key = self.key_of(scope)
        page = self._pages.get(key) if key is not None else None
        return page if page is not None and time.monotonic() < page.until else None

    def keep(self, scope: Scope, page: _Page) -> None:
        """The next alike is answered with it. The oldest is forgotten where there are too many."""
        key = self.key_of(scope)
        if key is None:
            return
        size = len(page.body) + sum(len(part or "") for part in key)
        with self._lock:
            self._paths[scope.path] += key not in self._pages
            for forgotten in self._pages.keep(key, page, size):
                self._forget(str(forgotten[0]))

    def _forget(self, path: str) -> None:
        self._paths[path] -= 1
        if not self._paths[path]:
            del self._paths[path]

    @classmethod
    def key_of(cls, scope: Scope) -> _Key | None:
        """All that a kept page depends on; None where the request may not be answered with one, or
        where that is longer than any browser's."""
        if scope.method != "GET" or not is_only_tracking(scope.query_string):
            return None
        headers = scope.headers
        if any(name in headers for name in cls.NEVER_WITH):
            return None
        key = (
            scope.path,
            scope.scheme,
            scope.authority,
            *[",".join(headers.get_all(name)) for name in cls.DEPENDS_ON],  # type: ignore[attr-defined]
        )
        return key if sum(len(part or "") for part in key) <= LONGEST_KEY else None


class _Arriving:
    """The bodies that are on their way to this process."""

    def __init__(self) -> None:
        # Who waits for each, oldest first, and until when; and how much of all of them is here.
        self._until: OrderedDict[asyncio.Task[Any], float] = OrderedDict()
        self._bytes = 0
        self._is_watched = False

    async def body_of(self, headers: Heads, protocol: HTTPProtocol) -> bytes:
        """All that the client sends. Raises _Refused."""
        length = _length_of(headers)
        most: int = settings.MOST_BODY_BYTES
        if length > most:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        waiter = asyncio.current_task()
        assert waiter is not None
        pieces, size = [], 0
        try:
            self._begin(waiter, seconds=FIRST_SECONDS + length / SLOWEST_BYTES_A_SECOND)
            if 0 < length <= ONE_PIECE_BYTES:
                # Granian keeps to what was declared; waiting once costs half of waiting twice.
                return bytes(await protocol())
            async for piece in protocol:
                pieces.append(piece)
                size += len(piece)
                self._bytes += len(piece)
                if size > most:
                    raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                self._make_room(waiter)
        except asyncio.CancelledError:
            if waiter in self._until:  # Not by us: the process ends.
                raise
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT) from None
        finally:
            self._until.pop(waiter, None)
            self._bytes -= size
        return b"".join(pieces)

    def _begin(self, waiter: "asyncio.Task[Any]", *, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._until[waiter] = loop.time() + seconds
        self._make_room(waiter)
        if not self._is_watched:
            self._is_watched = True
            loop.call_later(LOOK_SECONDS, self._watch, loop)

    def _make_room(self, waiter: "asyncio.Task[Any]") -> None:
        """Where too much is arriving, what began first is out of time. Raises _Refused if it is this."""
        if len(self._until) <= MOST_ARRIVING and self._bytes <= MOST_ARRIVING_BYTES:
            return
        oldest = next(iter(self._until))
        if oldest is waiter:
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT)
        self._cut_off(oldest)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whoever is out of time is cut off. One look at all of them in a while costs less than a timer
        for each, which nearly all put up for nothing."""
        now = loop.time()
        for waiter in [waiter for waiter, until in self._until.items() if until < now]:
            self._cut_off(waiter)
        self._is_watched = bool(self._until)
        if self._is_watched:
            loop.call_later(LOOK_SECONDS, self._watch, loop)

    def _cut_off(self, waiter: "asyncio.Task[Any]") -> None:
        del self._until[waiter]
        waiter.cancel()


def _has_body(headers: Heads) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _length_of(headers: Heads) -> int:
    """What the client says it sends; 0 where it does not say. A body in chunks is as long as its chunks
    are, whatever is declared beside it (RFC 9112, 6.3)."""
    if "transfer-encoding" in headers:
        return 0
    with suppress(ValueError):
        return int(headers.get("content-length", "0"))
    return 0


def _refuse(protocol: HTTPProtocol, status: HTTPStatus) -> None:
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
        ("Retry-After", "2"),
    ]
    protocol.response_str(status, headers, REFUSALS[status])


def _whole_file(response: HttpResponse) -> str | None:
    """The path of the file that the response is, from its begin to its end."""
    file = getattr(response, "file_to_stream", None)
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and name.startswith("/") else None


def _environ(scope: Scope, headers: Heads, body: bytes) -> Environ:
    """What PEP 3333 asks for. Nothing of the process's own environment is in it."""
    server, _colon, port = scope.server.rpartition(":")
    client_port = scope.client.rpartition(":")[2]
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": _host_of(scope.client),
        "REMOTE_PORT": client_port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority
    for name, value in headers.items():
        key = _variable_of(name)
        if key is not None:
            before = environ.get(key)
            between = "; " if name == "cookie" else ","
            environ[key] = value if before is None else before + between + value
    return environ


@lru_cache(maxsize=256)
def _variable_of(header: str) -> str | None:
    """Where a header stands in the environ; None for one that is not passed on."""
    # An underscore would be taken for a hyphen, and so a stranger's header for the proxy's.
    if "_" in header or header == "content-length":
        return None
    return (
        "CONTENT_TYPE" if header == "content-type" else "HTTP_" + header.upper().replace("-", "_")
    )
