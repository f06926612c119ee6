"""What somebody does who wants to harm a sale, from one address, as fast as one machine sends it.

Bounded: loopback only, so many requests a second, and it ends with the scenario.
"""

import multiprocessing
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from multiprocessing.synchronize import Event as Signal
from threading import Semaphore
from typing import Any
from urllib.parse import urlencode

from devtools.bench.http_client import Site

ADDRESS = "203.0.113.66"
SLOW_SENDERS = 60
A_SECOND = 30
AT_ONCE = 32
DRIP_EVERY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Target:
    """What is attacked: a shop, a waitlist, and what one's own order can be asked for."""

    site: Site
    shop: str
    field: str
    """The one that chooses a ticket."""
    order: str
    waitlist: str
    wish: str
    """What one can wait for there."""


@contextmanager
def attacked(target: Target) -> Iterator[dict[str, Counter[int]]]:
    """An attacker is at work, in a process of its own. At the end: how often which status came."""
    context = multiprocessing.get_context("spawn")
    stop, answers = context.Event(), context.Queue()
    attacker = context.Process(target=_attack, args=(target, stop, answers), daemon=True)
    seen: dict[str, Counter[int]] = {}
    attacker.start()
    try:
        yield seen
    finally:
        stop.set()
        with suppress(Exception):
            seen.update(answers.get(timeout=30))
        attacker.join(timeout=30)


def _attack(target: Target, stop: Signal, answers: Any) -> None:
    seen: dict[str, Counter[int]] = {}
    slow = [_slow(target) for _ in range(SLOW_SENDERS)]
    requests = cycle(_requests(target))
    dripped = time.monotonic()

    def ask(name: str, method: str, path: str, fields: dict[str, str]) -> None:
        counted = seen.setdefault(name, Counter())
        counted[_status(target, method, path, fields)] += 1

    free = Semaphore(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE) as senders:
        while not stop.wait(1 / A_SECOND):
            if free.acquire(blocking=False):
                sent = senders.submit(ask, *next(requests))
                sent.add_done_callback(lambda _sent: free.release())
            if time.monotonic() - dripped > DRIP_EVERY_SECONDS:
                slow = [_dripped(sender) or _slow(target) for sender in slow]
                dripped = time.monotonic()
    answers.put(seen)


def _requests(target: Target) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """All in turn: pages that are not kept, holds, guesses of codes and passwords, PDFs, mails to others."""
    reservations = f"{target.shop}reservations/"
    for number in range(500):
        yield "page", "GET", f"{target.shop}?campaign={number}", {}
        yield "hold", "POST", reservations, {target.field: "20"}
        yield "code", "GET", f"{target.shop}?code=GUESS{number}", {}
        yield "pdf", "GET", f"{target.order}tickets-phone.pdf", {}
        yield "mail", "POST", f"{target.order}deliveries/", {}
        yield (
            "waitlist",
            "POST",
            target.waitlist,
            {
                "wishes": target.wish,
                "quantity": "2",
                "name": "Vic",
                "email": f"victim+{number}@example.org",
                "consent": "on",
            },
        )
        yield (
            "password",
            "POST",
            "/accounts/login/",
            {"login": f"victim{number}@example.org", "password": "guess"},
        )


def _status(target: Target, method: str, path: str, fields: dict[str, str]) -> int:
    """0 where there was no answer within five seconds."""
    connection = HTTPConnection(target.site.host, target.site.port, timeout=5)
    headers = {"X-Forwarded-For": ADDRESS, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request(
            method, path, body=urlencode(fields) if fields else None, headers=headers
        )
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return 0
    else:
        return answer.status
    finally:
        connection.close()


def _slow(target: Target) -> socket.socket:
    """A connection whose body comes byte by byte."""
    made = socket.create_connection((target.site.host, target.site.port), timeout=5)
    made.sendall(
        f"POST {target.shop}reservations/ HTTP/1.1\r\nHost: {target.site.name}\r\n"
        f"X-Forwarded-For: {ADDRESS}\r\nContent-Length: 100000\r\n\r\n".encode()
    )
    return made


def _dripped(sender: socket.socket) -> socket.socket | None:
    """The connection after one more byte; None where it was cut off."""
    try:
        sender.sendall(b"x")
    except OSError:
        sender.close()
        return None
    return sender
