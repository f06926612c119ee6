"""A TCP proxy that can fail in every way that a network and a neighbour can.

It knows nothing of the protocol but this: an exchange begins when the client speaks after the server
has spoken (or first of all), and all that the server says until then is the answer.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from devtools.processes import LOOPBACK

PIECE = 1 << 16


class Kind(Enum):
    """What goes wrong."""

    REFUSE = "refuse"
    """Nobody listens, and connections that were open are reset."""
    HANG = "hang"
    """Connections are taken and stay open, and nothing goes through them."""
    SLOW = "slow"
    """A request reaches the server only after `seconds`."""
    LATE = "late"
    """A request is handled at once and its answer comes `seconds` after it was asked."""
    CUT = "cut"
    """The connection breaks when `after_bytes` of an answer are through: handled, but not told."""
    DROP = "drop"
    """The answer never comes; the connection stays open."""
    ANSWER = "answer"
    """`answer` comes instead of the server's, which never sees the request."""


def every_exchange(_request: bytes) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    seconds: float = 0.0
    after_bytes: int = 0
    answer: bytes = b""
    applies_to: Callable[[bytes], bool] = every_exchange
    """By the first piece of the request; REFUSE and HANG concern whole connections."""


@dataclass(slots=True)
class _Exchange:
    fault: Fault | None = None
    began: float = 0.0
    answered_bytes: int = 0
    is_answering: bool = True
    """So that the client's first words begin one."""


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    exchange: _Exchange = field(default_factory=_Exchange)

    def break_off(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                with suppress(RuntimeError):  # the loop is closing
                    writer.transport.abort()


class Proxy:
    """Listens on a port of its own between start and stop; `port` leads to `upstream`.

    To be used within one event loop, except `fault` and `upstream`, which any thread may read.
    """

    def __init__(self, name: str, upstream: int) -> None:
        self.name = name
        self.upstream = upstream
        self.port = 0
        self.fault: Fault | None = None
        self.hits = 0
        """Exchanges that a fault was applied to, and connections that hung."""
        self._listener: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._goes_on = asyncio.Event()
        self._goes_on.set()

    async def start(self) -> Self:
        await self._listen()
        return self

    async def stop(self) -> None:
        self._close()
        self._break_all()

    async def fail(self, fault: Fault) -> None:
        """From now on the fault holds, also for what was begun before."""
        self.fault, self.hits = fault, 0
        if fault.kind is Kind.REFUSE:
            self._close()
            self._break_all()
        if fault.kind is Kind.HANG:
            self._goes_on.clear()

    async def heal(self) -> None:
        """Everything passes again; what hung goes on."""
        self.fault = None
        self._goes_on.set()
        if self._listener is None:
            await self._listen()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _break_all(self) -> None:
        for connection in list(self._connections):
            connection.break_off()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer)
        self._connections.add(connection)
        try:
            await self._pass()
            server_reader, connection.server = await asyncio.open_connection(
                LOOPBACK, self.upstream
            )
            pumps = (
                asyncio.create_task(self._ask(reader, connection)),
                asyncio.create_task(self._answer(server_reader, connection)),
            )
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                # The client has left: what it asked for is still brought to the server.
                if pumps[0].done() and not pumps[1].done():
                    await asyncio.wait(pumps, timeout=1.0)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            connection.break_off()
            self._connections.discard(connection)

    async def _pass(self) -> None:
        if not self._goes_on.is_set():
            self.hits += 1
            await self._goes_on.wait()

    async def _ask(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        """What the client says, to the server."""
        assert connection.server is not None
        while piece := await reader.read(PIECE):
            await self._pass()
            exchange = connection.exchange
            if exchange.is_answering:
                exchange = connection.exchange = self._begin(piece)
            fault = exchange.fault
            if fault is not None and fault.kind is Kind.ANSWER:
                await self._answer_instead(reader, connection, piece, fault.answer)
                return
            if fault is not None and fault.kind is Kind.SLOW:
                await self._wait_until(exchange.began + fault.seconds)
            connection.server.write(piece)
            await connection.server.drain()
        if connection.server.can_write_eof():
            connection.server.write_eof()

    async def _answer_instead(
        self,
        reader: asyncio.StreamReader,
        connection: _Connection,
        piece: bytes,
        answer: bytes,
    ) -> None:
        """The whole HTTP request is read, because unread bytes would reset the answer away."""
        head, _, body = piece.partition(b"\r\n\r\n")
        missing = _content_length(head) - len(body)
        while missing > 0 and (more := await reader.read(PIECE)):
            missing -= len(more)
        connection.client.write(answer)
        await connection.client.drain()
        connection.client.close()

    async def _answer(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        """What the server says, to the client."""
        while piece := await reader.read(PIECE):
            await self._pass()
            exchange = connection.exchange
            exchange.is_answering = True
            fault = exchange.fault
            if fault is not None and fault.kind is Kind.DROP:
                continue
            if fault is not None and fault.kind is Kind.LATE:
                await self._wait_until(exchange.began + fault.seconds)
            if fault is not None and fault.kind is Kind.CUT:
                left = fault.after_bytes - exchange.answered_bytes
                connection.client.write(piece[: max(left, 0)])
                exchange.answered_bytes += len(piece)
                if len(piece) >= left:
                    await connection.client.drain()
                    return
                continue
            connection.client.write(piece)
            await connection.client.drain()

    def _begin(self, piece: bytes) -> _Exchange:
        fault = self.fault
        applies = (
            fault is not None
            and fault.kind not in (Kind.REFUSE, Kind.HANG)
            and fault.applies_to(piece)
        )
        self.hits += applies
        return _Exchange(
            fault if applies else None,
            began=asyncio.get_running_loop().time(),
            is_answering=False,
        )

    async def _wait_until(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
