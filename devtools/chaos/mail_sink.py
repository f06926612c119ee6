"""A mail server that takes mail, remembers which, and can fail in a mail server's ways (RFC 5321)."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from enum import Enum

from devtools.processes import LOOPBACK

LARGEST = 64 * 1024 * 1024


class Mood(Enum):
    TAKES = "takes"
    SLOW = "slow"
    """The good answer comes after `seconds`."""
    BUSY = "busy"
    """451: try again later."""
    REFUSES = "refuses"
    """550: never."""
    CUTS = "cuts"
    """The connection breaks in the middle of a mail: it has not arrived."""
    FORGETS_TO_ANSWER = "forgets to answer"
    """The mail is taken and the connection breaks before the answer."""


@dataclass(frozen=True, slots=True)
class Mail:
    message_id: str
    to: str
    subject: str
    at: float
    """Seconds since 1970."""
    text: str = ""
    """What a reader without pictures sees."""


class MailSink:
    """Takes mail between start and stop. `mood` and `seconds` may change at any time."""

    def __init__(self) -> None:
        self.mood = Mood.TAKES
        self.seconds = 0.0
        self.mails: list[Mail] = []
        self.turned_away = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, limit=LARGEST)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 sink ESMTP")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                await say(f"250-sink\r\n250-8BITMIME\r\n250 SIZE {LARGEST}")
            elif verb == b"RCPT" and self.mood in (Mood.BUSY, Mood.REFUSES):
                self.turned_away += 1
                await say("451 busy" if self.mood is Mood.BUSY else "550 no such person")
            elif verb == b"DATA":
                await say("354 go on")
                if not await self._take(reader):
                    return
                await say("250 taken")
            elif verb == b"QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok")

    async def _take(self, reader: asyncio.StreamReader) -> bool:
        """Whether the sender is to be told that the mail was taken."""
        if self.mood is Mood.CUTS:
            self.turned_away += 1
            await reader.readline()
            return False
        raw = await reader.readuntil(b"\r\n.\r\n")
        if self.mood is Mood.SLOW:
            await asyncio.sleep(self.seconds)
        headers = BytesParser(policy=default).parsebytes(raw)
        body = headers.get_body(("plain",))
        self.mails.append(
            Mail(
                message_id=str(headers["Message-ID"] or "").strip(),
                to=str(headers["To"] or ""),
                subject=str(headers["Subject"] or ""),
                at=time.time(),
                text=body.get_content() if body is not None else "",
            )
        )
        return self.mood is not Mood.FORGETS_TO_ANSWER
