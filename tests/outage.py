"""A Redis that goes down, hangs and comes back empty, at one address."""

import os
import signal
import subprocess
import time
from pathlib import Path

import redis

from devtools.processes import LOOPBACK, end, free_port, spawn
from devtools.redis import redis_program


class OwnRedis:
    """A server without a disk, on a port that it keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._hangs = False

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def start(self) -> None:
        """It answers, and is empty."""
        arguments = ["--port", str(self.port), "--bind", LOOPBACK, "--save", "", "--dir"]
        self._server = spawn(
            [redis_program(), *arguments, self.folder],
            cwd=self.folder,
            env={"PATH": os.defpath},
            output=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
            except redis.RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.03)
            else:
                return

    def stop(self) -> None:
        """Its address refuses connections. Harmless twice."""
        if self._server is not None:
            self.go_on()
            end([self._server])
            self._server = None

    def hang(self) -> None:
        """Connections are accepted and stay open, and nothing answers."""
        os.kill(self._server.pid, signal.SIGSTOP)
        self._hangs = True

    def go_on(self) -> None:
        """What was asked while it hung is answered now."""
        if self._hangs:
            os.kill(self._server.pid, signal.SIGCONT)
            self._hangs = False
