"""Clients that ask for pages as fast as they are answered, for a bounded time."""

import http.client
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """So many clients ask for one page for so long."""

    base_url: str
    path: str
    clients: int
    seconds: float
    expected_status: int = 200


@dataclass(frozen=True, slots=True)
class Result:
    """What the clients saw."""

    seconds: float
    latencies: list[float] = field(repr=False)
    """Seconds of each good answer, ascending."""
    errors: int
    first_error: str = ""

    def figures(self) -> dict[str, float | int | str | None]:
        """Numbers for people and for comparing."""
        figures: dict[str, float | int | str | None] = {
            "rate": round(len(self.latencies) / self.seconds, 1),
            "requests": len(self.latencies),
            "p50_ms": self.percentile(50),
            "p95_ms": self.percentile(95),
            "p99_ms": self.percentile(99),
            "errors": self.errors,
        }
        return figures | ({"first_error": self.first_error} if self.first_error else {})

    def percentile(self, share: int) -> float | None:
        """Milliseconds within which this share of answers came (nearest rank); None without any."""
        if not self.latencies:
            return None
        rank = -(-len(self.latencies) * share // 100)
        return round(self.latencies[rank - 1] * 1000, 1)


class _Client(threading.Thread):
    def __init__(self, load: Load, start: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self.latencies: list[float] = []
        self.errors: list[str] = []
        self._load = load
        self._start_together = start
        address = urlsplit(load.base_url)
        assert address.hostname
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)

    def run(self) -> None:
        self._start_together.wait()
        counted_from = time.monotonic() + WARM_UP_SECONDS
        end = counted_from + self._load.seconds
        while (began := time.monotonic()) < end:
            problem = self._ask()
            if began < counted_from:
                continue
            if problem:
                self.errors.append(problem)
            else:
                self.latencies.append(time.monotonic() - began)
        self._connection.close()

    def _ask(self) -> str | None:
        try:
            self._connection.request("GET", self._load.path)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            time.sleep(0.01)
            return f"{type(error).__name__}: {error}"
        return None if answer.status == self._load.expected_status else f"status {answer.status}"


def run_load(load: Load) -> Result:
    """Drives the load from threads of this process; a second of warming up is not counted."""
    start = threading.Barrier(load.clients)
    clients = [_Client(load, start) for _ in range(load.clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    errors = [error for client in clients for error in client.errors]
    return Result(
        seconds=load.seconds,
        latencies=sorted(latency for client in clients for latency in client.latencies),
        errors=len(errors),
        first_error=errors[0] if errors else "",
    )
