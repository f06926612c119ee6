"""All of Tiqqo on one machine: PostgreSQL, Redis, a Stripe of our own, web, worker and beat."""

import http.client
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from devtools.environment import isolated_environment
from devtools.folder_locks import Claim
from devtools.paths import REPOSITORY
from devtools.processes import LOOPBACK, free_port
from devtools.services import Services
from devtools.supervisor import Supervisor, say
from devtools.var_files import remembered_secret, write_private

# By worker: what somebody waits for or money depends on, and what gives way to pages.
WORKERS = {
    "worker": "default,money",
    "provider": "provider,codes",
    "documents": "documents,mail,people",
}
READY_SECONDS = 90.0
# Celery's ten lines about root are no news to whoever develops as root.
AS_ROOT = "ignore:You're running the worker with superuser privileges"


class NotReady(Exception):
    """Something did not come up; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start and how. The defaults are a developer's machine."""

    var_dir: Path
    debug: bool = True
    durable: bool = True
    host: str = LOOPBACK
    port: int | None = None
    """The first port to try; None takes any free one."""
    web_workers: int = 1
    web_threads: int = 4
    document_processes: int = 2
    """Of the worker of documents and mails; the other one has one."""
    documents_give_way: bool = True
    """It begins nothing while others keep the processors busy, up to a point (decision 0030)."""
    worker: bool = True
    beat: bool = True
    reload: bool = False
    echo: bool = False
    """Output to the terminal instead of `var_dir`/log."""
    isolated: bool = True
    """Services, keys and addresses in the caller's environment are ignored."""
    database_url: str | None = None
    owner_url: str | None = None
    redis_url: str | None = None
    """Services to use instead of own ones; the owner of that database migrates it."""
    is_owner: bool = False
    """The application connects as the owner of its tables, as releases did that knew one role."""
    ready_at: str = "/readyz"
    """Where web says that it is ready. That of another time than its database's never is."""
    demo: bool = False
    demo_scale: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to what every child gets."""
    repository: Path = REPOSITORY


class Stack:
    """Everything runs between start and stop: `with Stack(Plan(var_dir)) as stack: …`."""

    def __init__(self, plan: Plan, *, report: Callable[[str], None] = say) -> None:
        self.plan = plan
        self.var_dir = plan.var_dir.resolve()
        self.environment: dict[str, str] = {}
        self.port = 0
        self.logins = ""
        """Who can log in to the demo, for people."""
        self._report = report
        self._caller = isolated_environment() if plan.isolated else dict(os.environ)
        self._claim = Claim(self.var_dir / "run" / "stack.lock")
        self._supervisor = Supervisor(self.var_dir, cwd=plan.repository, echo=plan.echo)
        self.services = Services(
            self.var_dir,
            durable=plan.durable,
            database_url=plan.database_url or self._caller.get("DATABASE_URL"),
            redis_url=plan.redis_url or self._caller.get("REDIS_URL"),
            say=report,
        )

    @property
    def base_url(self) -> str:
        """Where a browser finds it."""
        return self.environment["BASE_URL"]

    @property
    def pids(self) -> dict[str, int]:
        """The main process of everything that runs, by name; services only if they are ours."""
        services = {"postgres": self.services.postgres, "redis": self.services.redis}
        return {
            **self._supervisor.pids,
            **{name: service.pid for name, service in services.items() if service},
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """`ready_at` answers 200 and the database is migrated and filled as planned.

        Raises Claimed if another stack uses the folder, CannotStart, NotReady or ChildEnded.
        """
        self._claim.take(f"process {os.getpid()}, starting")
        try:
            for name in self._supervisor.end_leftovers():
                self._report(f"Ended the {name} that an earlier run left behind")
            self.services.start()
            self._choose_addresses()
            self._claim.annotate(f"{self.base_url} (process {os.getpid()})")
            self._prepare()
            write_private(self._environment_file, json.dumps(self._configuration()))
            self._start_children()
            self._wait_for("web", self.port, self.plan.ready_at, exactly=200)
        except BaseException:
            self.stop()
            raise

    def wait(self) -> None:
        """Raises ChildEnded when a child ends; goes on until then."""
        self._supervisor.wait()

    def check(self) -> None:
        """Raises ChildEnded if a child has ended."""
        self._supervisor.check()

    @property
    def ended(self) -> list[str]:
        """The children that should go on and have ended."""
        return self._supervisor.ended

    def restart(self, name: str, **changed: str) -> None:
        """The child runs anew, with variables changed for this start, as a service manager does it."""
        self._supervisor.restart(name, changed)

    def stop(self) -> None:
        """Every process that was started has ended; harmless when nothing runs."""
        self._supervisor.stop()
        self._environment_file.unlink(missing_ok=True)
        self.services.stop()
        self._claim.release()

    def manage(self, *arguments: str) -> str:
        """The output of a `manage.py` that has succeeded, else NotReady was raised."""
        return self._run("manage.py", *arguments, is_captured=True)

    def _run(self, *arguments: str, is_captured: bool) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.plan.repository,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if is_captured else None,
            stderr=subprocess.PIPE if is_captured else None,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            output = f"{done.stdout or ''}{done.stderr or ''}".rstrip()
            raise NotReady(f"{' '.join(arguments)} failed" + (f":\n{output}" if output else ""))
        return done.stdout or ""

    # Addresses and secrets ------------------------------------------------------------------

    def _choose_addresses(self) -> None:
        plan = self.plan
        self.port = free_port(plan.port, plan.host)
        if plan.port is not None and self.port != plan.port:
            self._report(f"Port {plan.port} is taken: using {self.port}")
        reachable = LOOPBACK if plan.host in {"0.0.0.0", "::"} else plan.host  # noqa: S104
        secrets = self.var_dir / "secrets"
        caller = self._caller
        self.environment = {
            **caller,
            **self.services.environment,
            "PYTHONUNBUFFERED": "1",
            # As in the Dockerfile: threads share memory that each would keep for itself.
            "MALLOC_ARENA_MAX": "1",
            "VAR_DIR": str(self.var_dir),
            "DEBUG": "1" if plan.debug else "0",
            "BASE_URL": f"http://{_bracketed(reachable)}:{self.port}",
            "SECRET_KEY": caller.get("SECRET_KEY") or remembered_secret(secrets / "secret_key"),
            "WEB_THREADS": str(plan.web_threads),
            "ENCRYPTION_KEYS": (
                caller.get("ENCRYPTION_KEYS") or remembered_secret(secrets / "encryption_key")
            ),
            **({"OWNER_DATABASE_URL": plan.owner_url} if plan.owner_url else {}),
            **plan.environment,
        }
        if plan.is_owner:
            self.environment["DATABASE_URL"] = self.environment["OWNER_DATABASE_URL"]
        self._choose_stripe(secrets)

    @property
    def _environment_file(self) -> Path:
        return self.var_dir / "run" / "environment.json"

    def _configuration(self) -> dict[str, str]:
        """What configures Tiqqo here, for commands that are called while the stack runs."""
        untouched = isolated_environment(self.environment)
        return {name: value for name, value in self.environment.items() if name not in untouched}

    def _choose_stripe(self, secrets: Path) -> None:
        """A given key means the real Stripe, a given address somebody else's local one."""
        self.stripe_port: int | None = None
        given = self.environment
        if not given.get("STRIPE_API_KEY") and not given.get("STRIPE_API_BASE"):
            self.stripe_port = free_port(12111 if self.plan.port is not None else None)
            given["STRIPE_API_BASE"] = f"http://{LOOPBACK}:{self.stripe_port}"
        if given.get("STRIPE_API_BASE"):
            given.setdefault(
                "STRIPE_API_KEY", remembered_secret(secrets / "stripe_api_key", prefix="sk_test_")
            )
            given.setdefault(
                "STRIPE_WEBHOOK_SECRET",
                remembered_secret(secrets / "stripe_webhook_secret", prefix="whsec_"),
            )

    # What happens once ----------------------------------------------------------------------

    def _prepare(self) -> None:
        commands = [["migrate", "--no-input", "--verbosity=0"]]
        if not self.plan.debug and self.environment.get("TIQQO_TEST") != "1":
            commands.append(["collectstatic", "--no-input", "--verbosity=0"])
        if self.plan.demo:
            scale = [] if self.plan.demo_scale is None else [f"--scale={self.plan.demo_scale}"]
            commands.append(["demo", "--if-empty", *scale])
            commands.append(["demo", "--print-logins"])
        logins = self.var_dir / "run" / "logins"
        self.environment["LOGINS_FILE"] = str(logins)
        self._run("-m", "devtools.prepare", json.dumps(commands), is_captured=not self.plan.echo)
        self.logins = logins.read_text() if self.plan.demo else ""

    # What goes on ---------------------------------------------------------------------------

    def _start_children(self) -> None:
        if self.stripe_port is not None:
            self._start(
                "stripe",
                "-m",
                "devtools.local_stripe",
                f"--port={self.stripe_port}",
                f"--data-dir={self.var_dir / 'stripe'}",
                f"--webhook-url=http://{LOOPBACK}:{self.port}/webhooks/stripe/",
                f"--webhook-secret={self.environment['STRIPE_WEBHOOK_SECRET']}",
            )
        self._start("web", "-m", "granian", *self._web_arguments())
        if self.plan.worker:
            self._start_worker("worker", processes=1)
            self._start_worker("provider", processes=1)
            self._start_worker(
                "documents",
                processes=self.plan.document_processes,
                WORKER_GIVES_WAY="1" if self.plan.documents_give_way else "0",
            )
        if self.plan.beat:
            schedule = self.var_dir / "beat" / "schedule"
            schedule.parent.mkdir(parents=True, exist_ok=True)
            self._start(
                "beat",
                "-m",
                "celery",
                "--app=tiqqo",
                "--quiet",
                "beat",
                f"--schedule={schedule}",
                "--pidfile=",
            )
        if self.stripe_port is not None:
            self._wait_for("stripe", self.stripe_port, "/")

    def _start_worker(self, name: str, *, processes: int, **environment: str) -> None:
        self._start(
            name,
            "-W",
            AS_ROOT,
            "-m",
            "celery",
            "--app=tiqqo",
            "--quiet",
            "worker",
            f"--queues={WORKERS[name]}",
            f"--concurrency={processes}",
            f"--hostname=tiqqo-{name}-{self.port}@%h",
            "--loglevel=INFO",
            "--without-gossip",
            "--without-mingle",
            **environment,
        )

    def _web_arguments(self) -> list[str]:
        plan = self.plan
        # The release before the next speaks WSGI: docs/decisions/0023.
        is_new = (plan.repository / "tiqqo" / "rsgi.py").is_file()
        arguments = [
            *(
                ["--interface=rsgi"]
                if is_new
                else ["--interface=wsgi", f"--blocking-threads={plan.web_threads}"]
            ),
            f"--host={plan.host}",
            f"--port={self.port}",
            f"--workers={plan.web_workers}",
            "--workers-kill-timeout=5",
            "--no-ws",
        ]
        if plan.reload and importlib.util.find_spec("watchfiles"):
            arguments += ["--reload", "--reload-ignore-worker-failure"]
            arguments += [
                f"--reload-ignore-paths={self.var_dir}",
                "--reload-ignore-dirs=node_modules",
            ]
        else:
            # As in the image: of several processes one may die.
            arguments.append("--respawn-failed-workers")
        return [*arguments, f"tiqqo.{'rsgi' if is_new else 'wsgi'}:application"]

    def _start(self, name: str, *arguments: str, **environment: str) -> None:
        # `python -m` and not the console script, whose first line breaks on a path with a space.
        self._supervisor.start(
            name, [sys.executable, *arguments], {**self.environment, **environment}
        )

    def _wait_for(self, name: str, port: int, path: str, *, exactly: int | None = None) -> None:
        deadline = time.monotonic() + READY_SECONDS
        host = LOOPBACK if name != "web" or self.plan.host == "0.0.0.0" else self.plan.host  # noqa: S104
        seen = "nothing answered"
        while time.monotonic() < deadline:
            self._supervisor.check()
            try:
                status = status_of(host, port, path, host_header=urlsplit(self.base_url).netloc)
            except (OSError, http.client.HTTPException) as error:
                seen = str(error)
            else:
                if exactly is None or status == exactly:
                    return
                seen = f"status {status}"
            time.sleep(0.05)
        raise NotReady(f"{name} at {path} is not ready after {READY_SECONDS:.0f} s: {seen}")


def status_of(host: str, port: int, path: str, *, host_header: str) -> int:
    """The HTTP status that a GET answers."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host_header})
        return connection.getresponse().status
    finally:
        connection.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
