"""Named child processes that live and end together."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from devtools.processes import Child, end, end_recorded, record, spawn
from devtools.var_files import last_lines, log_file

COLOURS = (36, 33, 32, 35, 34, 31)


class ChildEnded(Exception):
    """A child that should go on has ended."""

    def __init__(self, name: str, code: int, output: str) -> None:
        super().__init__(f"{name} ended with code {code}" + (f":\n{output}" if output else ""))
        self.name = name
        self.code = code


class StopRequested(BaseException):
    """Ctrl-C, or somebody's request to end."""


class Supervisor:
    """Starts children, tells when one has ended, ends all.

    With `echo` their output goes to the terminal, each line with its name before it; without it
    to `var_dir`/log/NAME.log.
    """

    def __init__(self, var_dir: Path, *, cwd: Path, echo: bool) -> None:
        self._run = var_dir / "run"
        self._logs = var_dir / "log"
        self._cwd = cwd
        self._echo = echo
        self._children: dict[str, Child] = {}
        self._started: dict[str, tuple[Sequence[str | Path], Mapping[str, str]]] = {}
        self._log_starts: dict[str, int] = {}
        self._readers: list[threading.Thread] = []

    def end_leftovers(self) -> list[str]:
        """No child of an earlier supervisor of this folder runs; the names of those that did."""
        files = sorted(self._run.glob("*.child"))
        return [file.stem for file in files if end_recorded(file)]

    def start(self, name: str, argv: Sequence[str | Path], env: Mapping[str, str]) -> None:
        """The child runs. Call it from the main thread."""
        if self._echo:
            child = spawn(argv, cwd=self._cwd, env=env, output=-1)
            assert child.stdout is not None
            colour = COLOURS[len(self._children) % len(COLOURS)]
            reader = threading.Thread(
                target=_echo_lines, args=(name, colour, child.stdout), daemon=True
            )
            reader.start()
            self._readers.append(reader)
        else:
            path = self._log(name)
            log = log_file(path)
            self._log_starts[name] = path.stat().st_size
            try:
                child = spawn(argv, cwd=self._cwd, env=env, output=log)
            finally:
                os.close(log)
        self._children[name] = child
        self._started[name] = argv, env
        record(self._run / f"{name}.child", child.pid)

    def restart(self, name: str, changed: Mapping[str, str] | None = None) -> None:
        """The child runs anew, with variables changed for this start; what was left of it is killed."""
        argv, env = self._started[name]
        end([self._children[name]], grace=0.0)
        self.start(name, argv, {**env, **(changed or {})})
        self._started[name] = argv, env

    @property
    def ended(self) -> list[str]:
        """The children that should go on and have ended."""
        return [name for name, child in self._children.items() if child.poll() is not None]

    @property
    def pids(self) -> dict[str, int]:
        """The main process of each child, by name."""
        return {name: child.pid for name, child in self._children.items()}

    def check(self) -> None:
        """Raises ChildEnded if any child has ended."""
        for name, child in self._children.items():
            code = child.poll()
            if code is not None:
                output = (
                    "" if self._echo else last_lines(self._log(name), since=self._log_starts[name])
                )
                raise ChildEnded(name, code, output)

    def wait(self) -> None:
        """Returns never: raises ChildEnded, or whatever a signal handler raises."""
        while True:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """Every child has ended with all that it started."""
        end(list(self._children.values()))
        for reader in self._readers:
            reader.join(1.0)
        for name in self._children:
            (self._run / f"{name}.child").unlink(missing_ok=True)
        self._children.clear()
        self._readers.clear()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def say(text: str) -> None:
    """The line is on the terminal at once; a terminal that has gone away is no reason to fail."""
    try:
        print(text, flush=True)
    except OSError:
        return


def _echo_lines(name: str, colour: int, output: IO[bytes]) -> None:
    prefix = f"{name:<7}| "
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        prefix = f"\033[{colour}m{prefix}\033[0m"
    for line in output:
        say(prefix + line.decode(errors="replace").rstrip("\n"))


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Ctrl-C, TERM and a closed terminal raise StopRequested once; then they are ignored."""
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def request(number: int, _: object) -> None:
        for each in watched:
            signal.signal(each, signal.SIG_IGN)
        raise StopRequested(signal.Signals(number).name)

    before = {each: signal.signal(each, request) for each in watched}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
