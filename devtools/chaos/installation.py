"""Everything that runs: the product in production form, and its neighbours behind proxies."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from devtools.bench.http_client import TRUSTED_PROXIES, Site
from devtools.bench.machine import processes, tree
from devtools.chaos.background import Background
from devtools.chaos.books import Database, Unfinished
from devtools.chaos.mail_sink import MailSink
from devtools.chaos.people import Sale
from devtools.chaos.provider import Provider
from devtools.chaos.proxy import Proxy
from devtools.paths import REPOSITORY
from devtools.processes import LOOPBACK, free_port
from devtools.services import EmbeddedPostgres, EmbeddedRedis
from devtools.stack import WORKERS, NotReady, Plan, Stack, status_of
from devtools.supervisor import Supervisor
from devtools.var_files import remembered_secret

STALE = ("beat", "log", "mail", "media", "outside", "run")
WEB_PROCESSES, WEB_THREADS = 2, 4
# As a service manager waits before it starts again what has ended.
RESTART_SECONDS = 1.0
CHILDREN = ("web", *WORKERS, "beat")


class Installation:
    """Runs between start and stop. All methods are for the main thread, which starts processes."""

    def __init__(
        self,
        var_dir: Path,
        *,
        say: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.var_dir = var_dir
        self._environment = environment or {}
        self.say = say
        self.background = Background()
        self.redis = EmbeddedRedis(var_dir, say=say)
        self.sink = MailSink()
        self.restarts: dict[str, int] = {}
        """How often a child had to be started again, by name."""
        self._outside = Supervisor(var_dir / "outside", cwd=REPOSITORY, echo=False)
        self._ended_at: dict[str, float] = {}
        self._kept_down: set[str] = set()

    def __enter__(self) -> Self:
        self.background.__enter__()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        self._outside.end_leftovers()
        self.redis.start()
        port, stripe_port = free_port(), free_port()
        self.background.call(self.sink.start())
        self.proxies = {
            "redis": Proxy("redis", self.redis.port),
            "stripe": Proxy("stripe", stripe_port),
            "mail": Proxy("mail", self.sink.port),
        }
        for proxy in self.proxies.values():
            self.background.call(proxy.start())
        secrets = self.var_dir / "secrets"
        api_key = remembered_secret(secrets / "stripe_api_key", prefix="sk_test_")
        webhook_secret = remembered_secret(secrets / "stripe_webhook_secret", prefix="whsec_")
        self._outside.start(
            "stripe",
            [
                sys.executable,
                "-m",
                "devtools.local_stripe",
                f"--port={stripe_port}",
                f"--data-dir={self.var_dir / 'outside' / 'stripe'}",
                f"--webhook-url=http://{LOOPBACK}:{port}/webhooks/stripe/",
                f"--webhook-secret={webhook_secret}",
            ],
            {**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.stack = Stack(
            Plan(
                var_dir=self.var_dir,
                debug=False,
                port=port,
                web_workers=WEB_PROCESSES,
                web_threads=WEB_THREADS,
                documents_give_way=False,
                redis_url=_through(self.redis.url, self.proxies["redis"]),
                environment={
                    "STRIPE_API_BASE": f"http://{LOOPBACK}:{self.proxies['stripe'].port}",
                    "STRIPE_API_KEY": api_key,
                    "STRIPE_WEBHOOK_SECRET": webhook_secret,
                    "EMAIL_HOST": LOOPBACK,
                    "EMAIL_PORT": str(self.proxies["mail"].port),
                    **TRUSTED_PROXIES,
                    **self._environment,
                },
            ),
            report=self.say,
        )
        self.stack.start()
        if self.stack.port != port:
            raise NotReady(f"somebody took port {port}, which the provider's webhooks lead to")
        assert self.stack.services.postgres is not None
        self.postgres = self.stack.services.postgres
        self.database = Database(self.postgres, secret_key=self.stack.environment["SECRET_KEY"])
        self.provider = Provider(stripe_port, api_key)
        address = urlsplit(self.stack.base_url)
        assert address.hostname and address.port
        self.site = Site(address.hostname, address.port)
        self.stripe_site = Site(LOOPBACK, stripe_port)

    def stop(self) -> None:
        """Nothing of it runs any more."""
        if hasattr(self, "stack"):
            self.stack.stop()
        self._outside.stop()
        self.redis.stop()
        self.background.__exit__()

    def seed(self, names: Sequence[str]) -> dict[str, Sale]:
        """A sale of its own for each name."""
        made = self._shell(f"seed.plant({list(names)!r})")
        return {sale["name"]: Sale(**sale) for sale in made}

    def refund(self, sale: Sale, *, count: int) -> int:
        """So many paid orders are to be refunded; how many there were."""
        asked: int = self._shell(f"seed.refund({sale.organiser_id}, count={count})")
        return asked

    def _shell(self, call: str) -> Any:
        output = self.stack.manage(
            "shell", "--no-imports", "-c", f"from devtools.chaos import seed; {call}"
        )
        return json.loads(output.strip().splitlines()[-1])

    # Processes ------------------------------------------------------------------------------

    def kill(self, *names: str) -> None:
        """kill -9 of the children and of all that they started, at the same moment."""
        among = processes()
        pids = [p.pid for name in names for p in tree(self._pid(name), among)]
        for pid in pids:
            send(pid, signal.SIGKILL)

    def kill_a_child_of(self, name: str) -> None:
        """kill -9 of one process that the named one has started: a web worker, a pool's member."""
        root = self._pid(name)
        below = [p.pid for p in tree(root, processes()) if p.pid != root]
        if below:
            send(max(below), signal.SIGKILL)

    def _pid(self, name: str) -> int:
        if name == "redis":
            return self.redis.pid
        if name == "postgres":
            return self.postgres.pid
        return self.stack.pids[name]

    def keep_running(self) -> None:
        """What has ended is started again a moment later, as a service manager does."""
        now = time.monotonic()
        for name in self.stack.ended:
            if name in self._kept_down:
                continue
            if now - self._ended_at.setdefault(name, now) >= RESTART_SECONDS:
                del self._ended_at[name]
                self.restarts[name] = self.restarts.get(name, 0) + 1
                self.stack.restart(name)

    def keep_down(self, *names: str) -> None:
        """These are not started again until `let_up`."""
        self._kept_down |= set(names)

    def let_up(self) -> None:
        self._kept_down.clear()

    def wait(
        self, seconds: float, *, until: Callable[[], bool] | None = None, every: float = 0.2
    ) -> bool:
        """The time has passed, or what is waited for is so (True); asked every so many seconds."""
        deadline = time.monotonic() + seconds
        ask_at = 0.0
        while time.monotonic() < deadline:
            self.keep_running()
            if until is not None and time.monotonic() >= ask_at:
                if until():
                    return True
                ask_at = time.monotonic() + every
            time.sleep(0.2)
        return until is None

    def start_redis(self) -> None:
        """Redis runs again after its end, with what it had written down."""
        self.redis.stop()
        self.redis.start()
        self.proxies["redis"].upstream = self.redis.port

    def start_redis_empty(self) -> None:
        """Redis runs again after its end and remembers nothing."""
        self.redis.stop()
        for dump in (self.var_dir / "redis").glob("*.rdb"):
            dump.unlink()
        self.start_redis()

    def start_postgres(self) -> None:
        """PostgreSQL runs again where it was, whatever ended it. Raises NotReady if it is elsewhere."""
        port = self.postgres.port
        self.postgres.stop()
        self.postgres.start()
        if self.postgres.port != port:
            raise NotReady(f"PostgreSQL came back on port {self.postgres.port} instead of {port}")

    def restart_postgres(self) -> None:
        """As an upgrade of the server does it: a fast shutdown, and a start."""
        self.start_postgres()

    # How it stands --------------------------------------------------------------------------

    def is_ready(self) -> bool:
        """The web service says that it can serve."""
        try:
            status = status_of(
                self.site.host, self.site.port, "/readyz", host_header=self.site.name
            )
        except (OSError, HTTPException):
            return False
        return status == 200

    def unfinished(self) -> Unfinished:
        """Work that waits or is under way, the provider's money that nobody noticed included."""
        waiting = self.database.unfinished()
        if waiting.deliveries or waiting.people:
            return waiting
        return self._with_payments(waiting)

    def is_money_settled(self) -> bool:
        """No event, refund or payment waits, whatever mails do."""
        waiting = self.database.unfinished()
        return not (waiting.events or waiting.refunds or self._with_payments(waiting).payments)

    def _with_payments(self, waiting: Unfinished) -> Unfinished:
        taken = {one.session_id for one in self.provider.books().taken}
        return replace(waiting, payments=len(self.database.open_sessions() & taken))


def send(pid: int, number: signal.Signals) -> None:
    """The signal is sent; a process that has ended is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def forget_earlier_runs(var_dir: Path) -> None:
    """The next start finds nothing of the last one."""
    EmbeddedPostgres(var_dir, say=lambda _: None).destroy()
    EmbeddedRedis(var_dir, say=lambda _: None).destroy()
    for folder in STALE:
        shutil.rmtree(var_dir / folder, ignore_errors=True)


def _through(url: str, proxy: Proxy) -> str:
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{LOOPBACK}:{proxy.port}"))
