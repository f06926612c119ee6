"""The running product, and everything that measures it."""

import json
import signal
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from devtools.bench.buyers import Shop
from devtools.bench.ceiling import Ceiling, yardstick
from devtools.bench.figures import Figures, what_clients_saw
from devtools.bench.http_client import Site
from devtools.bench.load import Clients, Load, Outcome, Script, converse, fetch
from devtools.bench.machine import Memory, Spent, cpu_figures, memory, processes, spent
from devtools.bench.mailbox import Mailbox
from devtools.bench.pages import form_to
from devtools.bench.statements import Statements
from devtools.processes import signal_group
from devtools.stack import WORKERS, Stack

WARM_UP_SECONDS = 2.0
MOST_SECONDS_OF_WORK = 600.0
SOLO_PASSES = 5


class NotFinished(Exception):
    """The worker still had work when time was up."""


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float
    clients: int | None
    scale: float

    def clients_or(self, usual: int) -> int:
        return self.clients or usual

    def scaled(self, count: int) -> int:
        """Sizes of scenarios that count instead of taking time."""
        return max(1, round(count * self.scale))


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the bench."""

    pk: int
    address: str
    """ORGANISER/EVENT."""
    shop: Shop


@dataclass(frozen=True, slots=True)
class Sent:
    """The mails of an event's orders."""

    orders: int
    sent: int
    unsent: int
    failed: int
    seconds: float
    """From the last order to the last mail."""


@dataclass(frozen=True, slots=True)
class MailAges:
    """How old the mails of an event were when they went, or are now where they did not."""

    sent: int
    oldest_seconds: float
    median_seconds: float


class Product:
    """What scenarios talk to."""

    def __init__(
        self, stack: Stack, mailbox: Mailbox, options: Options, say: Callable[[str], None]
    ) -> None:
        assert stack.services.postgres is not None
        address = urlsplit(stack.base_url)
        assert address.hostname and address.port
        self.options = options
        self.site = Site(address.hostname, address.port)
        self.mailbox = mailbox
        self.say = say
        self._stack = stack
        self._postgres = stack.services.postgres
        self.statements = Statements(self._postgres)
        self._next_number = 1

    def close(self) -> None:
        self.statements.close()

    # Events ---------------------------------------------------------------------------------

    def event(self, name: str, *, places: int = 1_000_000) -> Event:
        """A published event with five ticket types, of which a free one is bought."""
        made = json.loads(self._stack.manage("bench_event", name, f"--places={places}"))
        path = f"/{made['event']}/"
        bare = Shop(self.site, path, code=made["free_release"])
        page = fetch(self.site, path).text
        shop = replace(bare, choice=form_to(page, "/reservations/"), offers=made["types"])
        shop.chosen(shop.choice)
        return Event(made["pk"], made["event"], shop)

    def sold_out_event(self, name: str) -> str:
        """The path of the shop of an event without a place left, where people may wait."""
        made = json.loads(self._stack.manage("bench_event", name, "--places=1", "--waitlist"))
        self._stack.manage("bench_orders", made["event"], made["free_release"], "--count=1")
        return f"/{made['event']}/"

    def place_orders(self, event: Event, count: int) -> None:
        """So many orders were placed in process."""
        self._stack.manage("bench_orders", event.address, event.shop.code, f"--count={count}")

    def next_numbers(self, count: int) -> int:
        """The first of so many numbers that no other buyer has."""
        first = self._next_number
        self._next_number += count
        return first

    def differences(self) -> str:
        """The last line of `manage.py verify_inventory`. Raises NotReady on any difference."""
        return self._stack.manage("verify_inventory").strip().splitlines()[-1]

    # Measuring ------------------------------------------------------------------------------

    def measure(
        self,
        script: Callable[[int], Script],
        *,
        clients: int,
        count: int | None = None,
        warm_up: bool = True,
        is_new_visitor_each: bool = True,
    ) -> tuple[Outcome, Figures]:
        """The load was driven, from a process of its own; what was seen and what it took."""
        load = Load(
            self.site,
            script,
            clients=clients,
            seconds=0.0 if count else self.options.seconds,
            count=count,
            warm_up_seconds=WARM_UP_SECONDS if warm_up else 0.0,
            first_number=self.next_numbers(1_000_000),
            is_new_visitor_each=is_new_visitor_each,
        )
        with Clients(load) as process:
            asked_before = self.statements.asked()
            spent_before = self.spent()
            outcome = process.run()
            took = self.spent().since(spent_before)
            asked = self.statements.asked().since(asked_before)
        self._stack.check()
        took = replace(took, parts={**took.parts, "client": outcome.client_cpu_seconds})
        requests = max(outcome.requests, 1)
        return outcome, {
            "clients": clients,
            **what_clients_saw(outcome),
            "queries_per_request": round(asked.queries / requests, 2),
            "transaction_statements_per_request": round(asked.control / requests, 2),
            "foreign_key_checks_per_request": round(asked.checks / requests, 2),
            "sql_ms_per_request": round(asked.milliseconds / requests, 2),
            "cpu_ms_per_request": round(sum(took.parts.values()) / requests * 1000, 2),
            **cpu_figures(took, seconds=outcome.seconds),
        }

    def queries_by_step(self, script: Callable[[int], Script]) -> dict[str, int]:
        """Exact: one visitor alone, while the worker stands still."""
        found: dict[str, list[int]] = defaultdict(list)
        with self.paused_worker():
            for _ in range(SOLO_PASSES):
                before = self.statements.asked()

                def heard(step: str) -> None:
                    nonlocal before
                    time.sleep(0.02)  # for what a request does after its answer
                    now = self.statements.asked()
                    found[step].append(now.since(before).queries)
                    before = now

                converse(self.site, script(self.next_numbers(1)), heard)
        # The middle one: a thread's first request also sets up its connection.
        return {step: int(statistics.median(counts)) for step, counts in found.items()}

    def spent(self) -> Spent:
        """CPU seconds so far, by part; beat counts as worker."""
        pids = self._stack.pids
        return spent(
            {
                "web": pids["web"],
                "postgres": pids["postgres"],
                "redis": pids["redis"],
                **{f"worker:{name}": pids[name] for name in WORKERS},
                "worker:beat": pids["beat"],
                "mail": self.mailbox.pid,
            }
        )

    def memory_of_web(self) -> list[Memory]:
        """Of each process that answers requests."""
        root = self._stack.pids["web"]
        return [memory(p.pid) for p in processes().values() if p.parent == root]

    def ceiling(self, *, clients: int, is_synchronous: bool, seconds: float) -> Ceiling:
        """What the database alone can do now."""
        with yardstick(self._postgres) as bare:
            return bare.measure(clients=clients, is_synchronous=is_synchronous, seconds=seconds)

    # The workers ----------------------------------------------------------------------------

    @contextmanager
    def paused_worker(self) -> Iterator[None]:
        """What is asked of the worker meanwhile waits."""
        pids = [self._stack.pids[name] for name in WORKERS]
        for pid in pids:
            signal_group(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                signal_group(pid, signal.SIGCONT)

    def wait_until_sent(self, event: Event) -> Sent:
        """No mail of the event's orders waits. Raises NotFinished."""
        return self._wait(lambda: self._sent(event), f"mails of {event.address}")

    def rest(self) -> None:
        """The worker has nothing left of what came before. Raises NotFinished."""
        self._wait(lambda: self._sent(None), "work of an earlier scenario")

    def _wait(self, look: Callable[[], Sent], what: str) -> Sent:
        began, told = time.monotonic(), time.monotonic()
        while (sent := look()).unsent:
            self._stack.check()
            now = time.monotonic()
            if now - began > MOST_SECONDS_OF_WORK:
                raise NotFinished(f"{what}: {sent.unsent} left after {now - began:.0f} s")
            if now - told > 15:
                self.say(f"  {what}: {sent.unsent} left")
                told = now
            time.sleep(0.25)
        return sent

    def _sent(self, event: Event | None) -> Sent:
        row = self.statements.connection.execute(
            "SELECT count(DISTINCT o.id), count(*) FILTER (WHERE d.status = 'sent'),"
            "       count(*) FILTER (WHERE d.status IN ('pending', 'prepared')"
            "                           OR (o.people_at IS NULL AND o.confirmed_at IS NOT NULL)),"
            "       count(*) FILTER (WHERE d.status = 'failed'),"
            "       coalesce(extract(epoch FROM max(d.sent_at) - max(o.confirmed_at)), 0)"
            "  FROM orders_delivery d JOIN orders_order o ON o.id = d.order_id"
            " WHERE %(event)s::bigint IS NULL OR o.event_id = %(event)s",
            {"event": event.pk if event else None},
        ).fetchone()
        assert row is not None
        return Sent(*map(int, row[:4]), seconds=round(float(row[4]), 1))

    def mail_ages(self, event: Event) -> MailAges:
        """Of its orders' mails, as it is now."""
        row = self.statements.connection.execute(
            "WITH ages AS (SELECT d.sent_at, extract(epoch FROM"
            "       coalesce(d.sent_at, now()) - d.requested_at) AS age"
            "  FROM orders_delivery d JOIN orders_order o ON o.id = d.order_id"
            " WHERE o.event_id = %s)"
            " SELECT count(sent_at), coalesce(max(age), 0),"
            "       coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY age), 0) FROM ages",
            [event.pk],
        ).fetchone()
        assert row is not None
        return MailAges(int(row[0]), round(float(row[1]), 1), round(float(row[2]), 1))

    def sold(self, event: Event) -> tuple[int, int]:
        """Confirmed orders and valid tickets of the event, counted from their rows."""
        row = self.statements.connection.execute(
            "SELECT (SELECT count(*) FROM orders_order"
            "         WHERE event_id = %(event)s AND status = 'FREE'),"
            "       (SELECT count(*) FROM orders_ticket"
            "         WHERE event_id = %(event)s AND status = 'valid')",
            {"event": event.pk},
        ).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])
