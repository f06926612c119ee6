"""Many clients at once from one process: each follows a script, none waits for another."""

import errno
import itertools
import multiprocessing
import resource
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Self

from devtools.bench.http_client import Answer, Ask, Garbled, Reading, Site
from devtools.bench.pages import FormMissing

PATIENCE_SECONDS = 30.0
# So that a server that refuses everything is not stormed.
PAUSE_AFTER_ERROR_SECONDS = 0.05
PIECE = 1 << 18

Script = Generator[Ask, Answer, str]
"""What one visitor does: asks are yielded, answers come back, and the ending has a name."""


class Unexpected(Exception):
    """An answer that a script cannot go on from."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many clients at a time follow the script, each run of it with a number of its own.

    New runs begin for `seconds`, or until there were `count`; those that have begun are finished.
    """

    site: Site
    script: Callable[[int], Script]
    clients: int
    seconds: float = 0.0
    count: int | None = None
    warm_up_seconds: float = 0.0
    first_number: int = 0
    is_new_visitor_each: bool = True
    """Each run has a connection of its own, as another browser has."""

    def __post_init__(self) -> None:
        if self.clients < 1 or (self.seconds <= 0 and self.count is None):
            raise ValueError("a load needs clients, and seconds or a count")


@dataclass(slots=True)
class Outcome:
    """What the clients saw."""

    seconds: float = 0.0
    """From the first request to the last answer."""
    latencies: dict[str, list[float]] = field(default_factory=dict)
    """Seconds of each good answer by step, ascending."""
    endings: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    first_error: str = ""
    client_cpu_seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(map(len, self.latencies.values()))

    @property
    def runs(self) -> int:
        """Scripts that were followed to their end."""
        return self.endings.total()


class _Client:
    __slots__ = ("ask", "began", "reading", "script", "socket", "unsent")

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.script: Script | None = None
        self.ask: Ask | None = None
        self.reading = Reading()
        self.unsent = b""
        self.began = 0.0


class _Crowd:
    """The loop. A client is idle, connecting, sending or reading; the socket's events move it on."""

    def __init__(self, load: Load, seconds: float, numbers: Iterator[int]) -> None:
        self.outcome = Outcome()
        self._load = load
        self._selector = selectors.DefaultSelector()
        self._numbers = numbers
        self._begun = 0
        self._busy: set[_Client] = set()
        self._resting: deque[tuple[float, _Client]] = deque()
        self._until = time.perf_counter() + seconds if seconds > 0 else None

    def run(self) -> Outcome:
        began = time.perf_counter()
        cpu = _own_cpu()
        for _ in range(self._load.clients):
            self._begin(_Client())
        next_look = began + 1.0
        while self._busy or self._resting:
            timeout = self._wake_resting()
            for key, events in self._selector.select(timeout):
                self._move(key.data, events)
            now = time.perf_counter()
            if now > next_look:
                next_look = now + 1.0
                self._give_up_on_the_silent(now)
        outcome = self.outcome
        outcome.seconds = time.perf_counter() - began
        outcome.client_cpu_seconds = _own_cpu() - cpu
        for latencies in outcome.latencies.values():
            latencies.sort()
        self._selector.close()
        return outcome

    # One client -----------------------------------------------------------------------------

    def _begin(self, client: _Client) -> None:
        """The next run of the script, or an end to this client."""
        load = self._load
        is_over = load.count is not None and self._begun >= load.count
        if is_over or (self._until is not None and time.perf_counter() >= self._until):
            self._hang_up(client)
            self._busy.discard(client)
            return
        self._begun += 1
        self._busy.add(client)
        client.script = load.script(next(self._numbers))
        client.ask = next(client.script)
        self._send(client)

    def _send(self, client: _Client) -> None:
        assert client.ask is not None
        client.reading, client.unsent = Reading(), client.ask.message
        client.began = time.perf_counter()
        if client.socket is None:
            self._connect(client)
        else:
            self._go_on_sending(client)

    def _connect(self, client: _Client) -> None:
        client.socket = made = socket.socket()
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = made.connect_ex((self._load.site.host, self._load.site.port))
        self._selector.register(made, selectors.EVENT_WRITE | selectors.EVENT_READ, client)
        if code not in (0, errno.EINPROGRESS):
            self._fail(client, OSError(code, errno.errorcode.get(code, "connecting failed")))

    def _move(self, client: _Client, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._go_on_sending(client)
            if events & selectors.EVENT_READ and client.socket is not None:
                self._go_on_reading(client)
        except OSError as error:
            self._fail(client, error)

    def _go_on_sending(self, client: _Client) -> None:
        assert client.socket is not None
        try:
            sent = client.socket.send(client.unsent)
        except BlockingIOError:
            sent = 0
        client.unsent = client.unsent[sent:]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
        if self._selector.get_key(client.socket).events != wanted:
            self._selector.modify(client.socket, wanted, client)

    def _go_on_reading(self, client: _Client) -> None:
        assert client.socket is not None
        try:
            piece = client.socket.recv(PIECE)
        except BlockingIOError:
            return
        try:
            if not piece:
                raise Garbled("the connection was closed before the answer")
            answer = client.reading.feed(piece)
        except Garbled as error:
            self._fail(client, error)
            return
        if answer is not None:
            self._take(client, answer)

    def _take(self, client: _Client, answer: Answer) -> None:
        now = time.perf_counter()
        assert client.ask is not None and client.script is not None
        ask = client.ask
        if answer.status not in ask.expected:
            self._fail(client, Unexpected(f"status {answer.status}"))
            return
        self.outcome.latencies.setdefault(ask.step, []).append(now - client.began)
        try:
            client.ask = client.script.send(answer)
        except StopIteration as ended:
            self.outcome.endings[ended.value] += 1
            if self._load.is_new_visitor_each:
                self._hang_up(client)
            self._begin(client)
        except (Unexpected, FormMissing) as error:
            self._fail(client, error)
        else:
            self._send(client)

    # When something is wrong ----------------------------------------------------------------

    def _fail(self, client: _Client, error: Exception) -> None:
        """The run is over; the client comes again a little later."""
        self.outcome.errors += 1
        if not self.outcome.first_error:
            step = client.ask.step if client.ask else ""
            self.outcome.first_error = f"{step}: {type(error).__name__}: {error}"
        self._hang_up(client)
        self._busy.discard(client)
        self._resting.append((time.perf_counter() + PAUSE_AFTER_ERROR_SECONDS, client))

    def _hang_up(self, client: _Client) -> None:
        if client.socket is not None:
            self._selector.unregister(client.socket)
            client.socket.close()
            client.socket = None

    def _wake_resting(self) -> float:
        """Those whose pause is over begin anew; how long until somebody else's is."""
        while self._resting:
            left = self._resting[0][0] - time.perf_counter()
            if left > 0:
                return min(left, 1.0)
            self._begin(self._resting.popleft()[1])
        return 1.0

    def _give_up_on_the_silent(self, now: float) -> None:
        for client in [c for c in self._busy if now - c.began > PATIENCE_SECONDS]:
            self._fail(client, TimeoutError(f"no answer for {PATIENCE_SECONDS:.0f} s"))


def drive(load: Load) -> Outcome:
    """The load, from this process and without warming up."""
    return _Crowd(load, load.seconds, itertools.count(load.first_number)).run()


def converse(site: Site, script: Script, heard: Callable[[str], None]) -> str:
    """One visitor alone, step by step: `heard` is called after each answer. How the script ended.

    Raises Unexpected, Garbled, FormMissing.
    """
    ask = next(script)
    with socket.create_connection((site.host, site.port), timeout=PATIENCE_SECONDS) as connection:
        while True:
            answer = _exchange(connection, ask)
            heard(ask.step)
            try:
                ask = script.send(answer)
            except StopIteration as ended:
                return str(ended.value)


def fetch(site: Site, path: str) -> Answer:
    """The page. Raises Unexpected, Garbled."""
    with socket.create_connection((site.host, site.port), timeout=PATIENCE_SECONDS) as connection:
        return _exchange(connection, Ask(path, site.get(path)))


def _exchange(connection: socket.socket, ask: Ask) -> Answer:
    connection.sendall(ask.message)
    reading, answer = Reading(), None
    while answer is None:
        piece = connection.recv(PIECE)
        if not piece:
            raise Unexpected(f"{ask.step}: the connection was closed")
        answer = reading.feed(piece)
    if answer.status not in ask.expected:
        raise Unexpected(f"{ask.step}: status {answer.status}")
    return answer


class Clients:
    """A process that drives one load, so that its CPU time and its interpreter are its own.

    `with Clients(load) as clients:` starts and warms up; `run` measures.
    """

    def __init__(self, load: Load) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, load), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._expect("warm")
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.terminate()
        self._process.join()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def run(self) -> Outcome:
        """The load was driven."""
        self._ours.send("go")
        outcome = self._expect(Outcome)
        assert isinstance(outcome, Outcome)
        return outcome

    def _expect(self, wanted: object) -> object:
        while not self._ours.poll(1.0):
            if not self._process.is_alive():
                raise RuntimeError("the clients' process has ended")
        found = self._ours.recv()
        if found != wanted and not (wanted is Outcome and isinstance(found, Outcome)):
            raise RuntimeError(f"the clients' process said {found!r}")
        return found


def _serve(pipe: Connection, load: Load) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < load.clients + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    numbers = itertools.count(load.first_number)
    if load.warm_up_seconds:
        _Crowd(load, load.warm_up_seconds, numbers).run()
    pipe.send("warm")
    pipe.recv()
    pipe.send(_Crowd(load, load.seconds, numbers).run())


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
