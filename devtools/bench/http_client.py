"""HTTP/1.1 as far as a measuring client needs it.

A load of requests is to cost the server, not the client, so a request is bytes that are sent as they
are, and of an answer only what somebody asks for is looked at.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^=;\r]+)=([^;\r]*)", re.IGNORECASE)
_WITHOUT_BODY = {204, 304}


class Garbled(Exception):
    """The answer is not HTTP as we understand it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request on its way: what it is called in the figures, its bytes, and the good answers to it."""

    step: str
    message: bytes
    expected: frozenset[int] = frozenset({200})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """The header's value, empty if it is not there."""
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)\r\n", self.head, re.IGNORECASE)
        return found[1].decode("latin-1") if found else ""

    @property
    def text(self) -> str:
        """The page, unzipped."""
        body = self.body
        if self.header("content-encoding") == "gzip":
            body = zlib.decompress(body, wbits=31)
        return body.decode()

    @property
    def location(self) -> str:
        """Where a redirection leads: path and query."""
        parts = urlsplit(self.header("location"))
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def cookies(self) -> dict[str, str]:
        """What it asks the browser to keep."""
        return {name.decode(): value.decode() for name, value in _COOKIE.findall(self.head)}


# Everybody comes from an address of their own, as through a proxy that is trusted: what one client may
# do is bounded.
TRUSTED_PROXIES = {"TRUSTED_PROXIES": "127.0.0.1"}
_addresses = (
    f"{first}.{second}.{third}.{fourth}"
    for fourth in range(1, 255)
    for third in range(256)
    for second in range(256)
    for first in range(16, 112)
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the product listens, and how a browser speaks to it."""

    host: str
    port: int

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def get(self, path: str, *, cookies: Mapping[str, str] | None = None) -> bytes:
        """The bytes of a browser's GET."""
        return f"GET {path} HTTP/1.1\r\n{self._head(cookies)}\r\n".encode()

    def post(
        self, path: str, fields: Mapping[str, str], *, cookies: Mapping[str, str] | None = None
    ) -> bytes:
        """The bytes of a form that a browser sends."""
        body = urlencode(fields)
        return (
            f"POST {path} HTTP/1.1\r\n{self._head(cookies)}"
            f"Origin: http://{self.name}\r\nReferer: http://{self.name}{path}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _head(self, cookies: Mapping[str, str] | None) -> str:
        head = (
            f"Host: {self.name}\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
            "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
            "Accept-Language: en-GB,en;q=0.5\r\n"
            "Accept-Encoding: gzip\r\n"
            f"X-Forwarded-For: {next(_addresses)}\r\n"
        )
        if cookies:
            kept = "; ".join(f"{name}={value}" for name, value in cookies.items())
            head += f"Cookie: {kept}\r\n"
        return head


class Reading:
    """One answer as it arrives, piece by piece."""

    __slots__ = ("_body_at", "_is_chunked", "_length", "_received")

    def __init__(self) -> None:
        self._received = b""
        self._body_at = self._length = 0
        self._is_chunked = False

    def feed(self, piece: bytes) -> Answer | None:
        """The answer once it is whole. Raises Garbled."""
        received = self._received = self._received + piece if self._received else piece
        if not self._body_at:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._read_head(received[: end + 2])
            self._body_at = end + 4
        at = self._body_at
        if self._is_chunked:
            body = _unchunked(received, at)
            if body is None:
                return None
        else:
            if len(received) < at + self._length:
                return None
            body = received[at : at + self._length]
        return Answer(_status(received), received[: at - 2], body)

    def _read_head(self, head: bytes) -> None:
        length = _LENGTH.search(head)
        if length:
            self._length = int(length[1])
        elif _CHUNKED.search(head):
            self._is_chunked = True
        elif _status(head) not in _WITHOUT_BODY:
            raise Garbled("an answer that does not say how long it is")


def _status(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 ") or not head[9:12].isdigit():
        raise Garbled(f"an answer that begins with {head[:20]!r}")
    return int(head[9:12])


def _unchunked(received: bytes, at: int) -> bytes | None:
    """The body behind the chunks; None while some are missing. Trailers are not known to us."""
    body = bytearray()
    while True:
        line_end = received.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(received[at:line_end].partition(b";")[0], 16)
        at = line_end + 2
        if len(received) < at + size + 2:
            return None
        if size == 0:
            return bytes(body)
        body += received[at : at + size]
        at += size + 2
