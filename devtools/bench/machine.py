"""What the machine spends: CPU time and memory of process trees, read from /proc."""

import os
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devtools.bench.figures import Figures, ratio, shares

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """What /proc/PID/stat tells. `cpu_seconds` includes children that have ended and were waited for."""

    pid: int
    parent: int
    cpu_seconds: float


def parse_stat(text: str, *, ticks: int = _TICKS) -> Process:
    """The line of a process, whose name may hold spaces and parentheses."""
    before, _, after = text.rpartition(")")
    fields = after.split()
    return Process(
        pid=int(before.partition(" ")[0]),
        parent=int(fields[1]),
        cpu_seconds=sum(map(int, fields[11:15])) / ticks,
    )


def processes() -> dict[int, Process]:
    """Every process that runs now."""
    found = {}
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            process = parse_stat(stat.read_text())
        except OSError:  # It has ended meanwhile.
            continue
        found[process.pid] = process
    return found


def tree(root: int, among: Mapping[int, Process]) -> Iterator[Process]:
    """The process and all below it."""
    children = defaultdict(list)
    for process in among.values():
        children[process.parent].append(process.pid)
    waiting = [root] if root in among else []
    while waiting:
        pid = waiting.pop()
        yield among[pid]
        waiting += children[pid]


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds so far: of each part of the product, and of the whole machine."""

    parts: Mapping[str, float]
    machine: float

    def since(self, before: "Spent") -> "Spent":
        """What was spent between the two."""
        return Spent(
            {name: took - before.parts.get(name, 0.0) for name, took in self.parts.items()},
            self.machine - before.machine,
        )


def spent(roots: Mapping[str, int]) -> Spent:
    """What each tree has spent; several roots may share a name with `name:anything`."""
    among = processes()
    parts: dict[str, float] = defaultdict(float)
    for name, pid in roots.items():
        part = name.partition(":")[0]
        parts[part] += sum(process.cpu_seconds for process in tree(pid, among))
    return Spent(dict(parts), _busy_seconds((PROC / "stat").read_text()))


def _busy_seconds(text: str, *, ticks: int = _TICKS) -> float:
    """What all cores together did: everything but idling and waiting for the disk."""
    user, nice, system, _idle, _iowait, *more = map(int, text.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(more)) / ticks


def cpu_figures(took: Spent, *, seconds: float, cores: int | None = None) -> Figures:
    """The split; what other programs and the kernel took beside the parts; how busy the cores were."""
    cores = cores or os.cpu_count() or 1
    other = max(took.machine - sum(took.parts.values()), 0.0)
    return {
        "cpu": shares(took.parts),
        "cpu_other_seconds": round(other, 2),
        "cpu_busy": ratio(took.machine, seconds * cores),
    }


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process in MB: RSS counts shared pages fully, PSS by their sharers."""

    pid: int
    rss_mb: float
    pss_mb: float


def memory(pid: int) -> Memory:
    found = parse_rollup((PROC / str(pid) / "smaps_rollup").read_text())
    return Memory(pid, rss_mb=found["Rss"], pss_mb=found["Pss"])


def parse_rollup(text: str) -> dict[str, float]:
    """Field → megabytes (10⁶ bytes)."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = round(int(value.split()[0]) * 1024 / 1e6, 1)
    return found


def description() -> str:
    """The machine in one line, for those who compare figures."""
    memory_kb = int((PROC / "meminfo").read_text().split()[1])
    model = next(
        (
            line.partition(":")[2].strip()
            for line in (PROC / "cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), {memory_kb * 1024 / 1e9:.0f} GB RAM, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


# Whoever forgets them: they end by themselves.
_LOOP = "import time\nend = time.monotonic() + 900\nwhile time.monotonic() < end: pass"


@dataclass(frozen=True, slots=True)
class Loops:
    """Processes that want a processor each, all the time."""

    pids: list[int]

    def spent(self) -> float:
        """CPU seconds that they had."""
        found = processes()
        return sum(found[pid].cpu_seconds for pid in self.pids if pid in found)


@contextmanager
def busy_processors() -> Iterator[Loops]:
    """As many loops as processors run, each in a session of its own, as services do."""
    children = [
        subprocess.Popen([sys.executable, "-c", _LOOP], start_new_session=True)
        for _processor in range(os.cpu_count() or 1)
    ]
    try:
        yield Loops([child.pid for child in children])
    finally:
        for child in children:
            child.kill()
            child.wait()
