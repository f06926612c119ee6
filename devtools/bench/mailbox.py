"""A mail server that takes every mail and keeps none: production sends by SMTP, so the bench does."""

import asyncio
import multiprocessing
from ctypes import c_long
from multiprocessing.connection import Connection
from typing import Any, Self

from devtools.processes import LOOPBACK

LARGEST = 64 * 1024 * 1024


class Mailbox:
    """Takes mail between start and stop, in a process of its own, and counts."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._taken: Any = context.Value(c_long)
        self._bytes: Any = context.Value(c_long)
        self._process = context.Process(
            target=_serve, args=(theirs, self._taken, self._bytes), daemon=True
        )
        self.port = 0

    def __enter__(self) -> Self:
        self._process.start()
        self.port = self._ours.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def mails(self) -> int:
        """How many came so far."""
        return int(self._taken.value)

    @property
    def bytes(self) -> int:
        """How long they were together."""
        return int(self._bytes.value)


def _serve(pipe: Connection, taken: Any, size: Any) -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 5321, as far as a sender that does nothing odd needs it."""

        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 bench ESMTP")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                await say(f"250-bench\r\n250-8BITMIME\r\n250 SIZE {LARGEST}")
            elif verb == b"DATA":
                await say("354 go on")
                mail = await reader.readuntil(b"\r\n.\r\n")
                with taken.get_lock(), size.get_lock():
                    taken.value += 1
                    size.value += len(mail)
                await say("250 taken")
            elif verb == b"QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(take, LOOPBACK, 0, limit=LARGEST)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
