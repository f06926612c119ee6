"""Visitors over HTTP who press again when nothing comes, and probes that ask one thing every second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from devtools.bench.http_client import Answer, Garbled, Reading, Site
from devtools.chaos.measurements import Log, Try

OK = frozenset({200})
SEE_OTHER = frozenset({302, 303})
# How long somebody waits before pressing again, press by press; then they give up.
PATIENCE_SECONDS = (2.0, 2.0, 5.0, 10.0, 15.0)
PAUSE_AFTER_ERROR_SECONDS = 2.0
PROBE_SECONDS = 15.0
MOST_PROBES_AT_ONCE = 20
PIECE = 1 << 16


class GaveUp(Exception):
    """Somebody pressed as often as people do, and had no answer to go on from."""


async def exchange(site: Site, message: bytes) -> Answer:
    """The answer to one request, on a connection of its own. Raises OSError, Garbled."""
    reader, writer = await asyncio.open_connection(site.host, site.port)
    try:
        writer.write(message)
        await writer.drain()
        reading = Reading()
        while piece := await reader.read(PIECE):
            answer = reading.feed(piece)
            if answer is not None:
                return answer
        raise Garbled("the connection was closed before the answer")
    finally:
        writer.transport.abort()


@dataclass(slots=True)
class Visitor:
    """A browser: it keeps cookies, and its tries are in the log."""

    site: Site
    log: Log
    cookies: dict[str, str] = field(default_factory=dict)
    patience: tuple[float, ...] = PATIENCE_SECONDS

    async def get(self, what: str, path: str, *, good: frozenset[int] = OK) -> Answer:
        """The page, however often it had to be asked for. Raises GaveUp."""
        return await self._insist(what, lambda: self.site.get(path, cookies=self.cookies), good)

    async def post(
        self, what: str, path: str, fields: Mapping[str, str], *, good: frozenset[int] = SEE_OTHER
    ) -> Answer:
        """The answer to a form, the same form pressed again while none comes. Raises GaveUp."""
        return await self._insist(
            what, lambda: self.site.post(path, fields, cookies=self.cookies), good
        )

    async def try_once(
        self, what: str, message: bytes, good: frozenset[int], seconds: float
    ) -> Answer | None:
        """The answer if it is a good one."""
        began = time.monotonic()
        answer: Answer | None = None
        try:
            async with asyncio.timeout(seconds):
                answer = await exchange(self.site, message)
        except (OSError, Garbled, ValueError):  # a time-out is an OSError
            pass
        is_right = answer is not None and answer.status in good
        status = answer.status if answer is not None else None
        self.log.tries.append(Try(what, began, time.monotonic() - began, status, is_right))
        if answer is None or not is_right:
            return None
        self.cookies.update(answer.cookies)
        return answer

    async def _insist(self, what: str, ask: Callable[[], bytes], good: frozenset[int]) -> Answer:
        for seconds in self.patience:
            began = time.monotonic()
            answer = await self.try_once(what, ask(), good, seconds)
            if answer is not None:
                return answer
            # Who was told "very busy" reads that before pressing again.
            await asyncio.sleep(max(0.0, PAUSE_AFTER_ERROR_SECONDS - (time.monotonic() - began)))
        raise GaveUp(what)


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that is asked again and again, each time anew, however long the others take."""

    what: str
    ask: Callable[[], bytes]
    good: frozenset[int]
    every_seconds: float = 1.0


class Traffic:
    """Everything that goes on at a site; starts and ends within the background loop."""

    def __init__(self, site: Site, log: Log) -> None:
        self.site = site
        self.log = log
        self._goes_on = True
        self._tasks: set[asyncio.Task[Any]] = set()

    def probe(self, probe: Probe) -> None:
        """The probe asks until the traffic ends."""
        self._start(self._probe(probe))

    def arrive(
        self, come: Callable[[int], Awaitable[None]], *, every_seconds: float, most: int
    ) -> None:
        """Somebody new comes every so many seconds, at most so many; `come` is what they do."""
        self._start(self._arrive(come, every_seconds, most))

    async def end(self, *, within_seconds: float) -> int:
        """Nobody new comes, and who is there finishes or is sent away; how many were."""
        self._goes_on = False
        waiting = set(self._tasks)
        if not waiting:
            return 0
        _, late = await asyncio.wait(waiting, timeout=within_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _probe(self, probe: Probe) -> None:
        visitor = Visitor(self.site, self.log)
        asking: set[asyncio.Task[Any]] = set()
        next_at = time.monotonic()
        while self._goes_on:
            if len(asking) < MOST_PROBES_AT_ONCE:
                task = asyncio.create_task(
                    visitor.try_once(probe.what, probe.ask(), probe.good, PROBE_SECONDS)
                )
                asking.add(task)
                task.add_done_callback(asking.discard)
            next_at += probe.every_seconds
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
        if asking:
            await asyncio.wait(asking)

    async def _arrive(
        self, come: Callable[[int], Awaitable[None]], every_seconds: float, most: int
    ) -> None:
        next_at = time.monotonic()
        for number in range(1, most + 1):
            if not self._goes_on:
                return
            self._start(self._visit(come, number))
            next_at += every_seconds
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    async def _visit(self, come: Callable[[int], Awaitable[None]], number: int) -> None:
        await come(number)
