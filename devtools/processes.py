"""Child processes: each in a group of its own, ended with its parent, recognised after a crash."""

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1

# Loaded before any fork, because nothing may be imported between fork and exec.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

Child = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system user that a child runs as."""

    name: str
    uid: int
    gid: int


def spawn(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int | IO[bytes],
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """The program runs in its own process group and gets `death_signal` when we end.

    Call it from the main thread: Linux sends the signal when the calling thread ends.
    """
    return subprocess.Popen(
        [str(part) for part in argv],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_end_with(os.getpid(), death_signal),
        **account_options(account),
    )


def run_in_foreground(argv: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> int:
    """The exit code of a program that has the terminal, and gets Ctrl-C and TERM instead of us."""
    child = subprocess.Popen(
        [str(part) for part in argv],
        cwd=cwd,
        env=dict(env),
        preexec_fn=_end_with(os.getpid(), signal.SIGTERM),
    )
    before = (
        # The terminal sends Ctrl-C to the child too, which knows best what to do with it.
        signal.signal(signal.SIGINT, lambda *_: None),
        signal.signal(signal.SIGTERM, lambda *_: child.terminate()),
    )
    try:
        return child.wait()
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


class AccountOptions(TypedDict, total=False):
    """Keyword arguments of `subprocess` that choose a user."""

    user: int
    group: int
    extra_groups: list[int]


def account_options(account: Account | None) -> AccountOptions:
    """Keyword arguments that make `subprocess` run a program as `account`."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _end_with(parent: int, death_signal: signal.Signals) -> Callable[[], None] | None:
    libc = _libc
    if libc is None:
        return None

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def end(children: Sequence[Child], *, grace: float = 10.0) -> None:
    """Every child and its whole group has ended: asked first, killed after `grace` seconds."""
    for child in children:
        if child.poll() is None:
            signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        signal_group(child.pid, signal.SIGKILL)
        child.wait()


def signal_group(group: int, sent: signal.Signals) -> None:
    """Everything in the process group has the signal; a group that is gone is fine."""
    try:
        os.killpg(group, sent)
    except (ProcessLookupError, PermissionError):
        return


def identity(pid: int) -> str | None:
    """Words that fit this process and no later one with its number; None if it has ended."""
    if sys.platform != "linux":
        return _identity_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else f"{boot} {started}"


def _identity_by_ps(pid: int) -> str | None:
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or None


def command_line(pid: int) -> list[str]:
    """The arguments that a live process was started with; empty if it has ended or hides them."""
    if sys.platform != "linux":
        shown = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return shown.stdout.split()
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(part) for part in raw.split(b"\0") if part]


def record(pid_file: Path, pid: int) -> None:
    """The file names the process, so that the next start can end it if nobody else did."""
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    known = {"pid": pid, "identity": identity(pid), "program": command_line(pid)[:1]}
    pid_file.write_text(json.dumps(known))


def end_recorded(pid_file: Path, *, grace: float = 10.0) -> bool:
    """What the file names has ended with its group, and the file is gone. True if there was any."""
    try:
        found = json.loads(pid_file.read_text())
        pid, known, program = int(found["pid"]), found["identity"], found["program"]
    except (OSError, ValueError, KeyError, TypeError):
        pid_file.unlink(missing_ok=True)
        return False
    is_alive = known is not None and identity(pid) == known
    if is_alive:
        signal_group(pid, signal.SIGTERM)
        wait_until_gone(pid, known, grace)
    has_survivors = _group_runs(pid, program)
    if has_survivors:
        signal_group(pid, signal.SIGKILL)
        wait_until_gone(pid, known, 5.0)
    pid_file.unlink(missing_ok=True)
    return is_alive or has_survivors


def _group_runs(group: int, program: list[str]) -> bool:
    """Whether the group, whose first process may be gone, still has one that runs the program."""
    if sys.platform != "linux":
        return identity(group) is not None and command_line(group)[:1] == program
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        is_member = int(its_group) == group and state not in "ZX"
        if is_member and command_line(int(stat.parent.name))[:1] == program:
            return True
    return False


def wait_until_gone(pid: int, known: str | None, seconds: float) -> bool:
    """Waits for a process that is not our child; True once it has ended."""
    deadline = time.monotonic() + seconds
    while identity(pid) == known:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody could listen on the port now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def free_port(first: int | None = None, host: str = LOOPBACK) -> int:
    """A port that nobody listens on: `first` or the next free one after it; None means any."""
    if first is not None:
        for port in range(first, min(first + 200, 65536)):
            if is_free(port, host):
                return port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port
