"""A worker that shares processors with pages: it gives way to them, and keeps a floor (decision 0030).

Who waits for a page goes first: while others keep the processors busy, nothing new is begun here. That
ends once the task has waited for PATIENCE_SECONDS; from then on the worker's niceness is what holds, and
leaves it a quarter of the processors. Where there is room it works at full speed all the time.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Of the kernel's weights (sched(7)) 335 against the usual 1024: a quarter of a processor that both want.
NICENESS = 5
PATIENCE_SECONDS = 20.0
# Above that share of all processors others keep them busy.
BUSY = 0.75
LOOKS_EVERY_SECONDS = 0.25
# What was seen then still holds.
SEEN_LATELY_SECONDS = 1.0

STAT = Path("/proc/stat")


def lower_priority() -> None:
    """This process, and what it forks from now on, has a quarter where pages want all."""
    os.nice(NICENESS)
    if hasattr(os, "SCHED_BATCH"):
        # It never interrupts a page when it wakes up.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    # Linux may weigh sessions against each other instead of processes.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(NICENESS))


class Processors:
    """How busy others keep them: whatever runs at the usual priority or for the kernel."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = float("-inf")
        self._ticks: tuple[int, int] | None = None
        self._is_busy = False

    def are_busy(self) -> bool:
        """Whether they were since the last look. False where the system does not tell."""
        now = self._clock()
        passed = now - self._at
        if passed < LOOKS_EVERY_SECONDS:
            return self._is_busy
        before, ticks = self._ticks, _ticks()
        self._at, self._ticks = now, ticks
        if before is None or ticks is None or passed > SEEN_LATELY_SECONDS:
            # Too long ago to say how it is now: the next look tells.
            self._is_busy = ticks is not None
        else:
            others, all_of_them = (new - old for new, old in zip(ticks, before, strict=True))
            self._is_busy = others > BUSY * all_of_them
        return self._is_busy


def _ticks() -> tuple[int, int] | None:
    """Of all processors since the start: those that others took, and all."""
    try:
        words = STAT.read_text().partition("\n")[0].split()
    except OSError:
        return None
    # user nice system idle iowait irq softirq steal: nice is what such as we took.
    user, nice, system, idle, waiting, *interrupts = (int(word) for word in words[1:9])
    others = user + system + sum(interrupts)
    return others, others + nice + idle + waiting


processors = Processors()


def wait_for_room(since: float | None, *, sleep: Callable[[float], None] = time.sleep) -> float:
    """There is room on the processors, or what waits since then (a Unix time) has waited long enough.

    How many seconds that took. Without a `since` it waits from now on.
    """
    began = time.time()
    until = (began if since is None else since) + PATIENCE_SECONDS
    # Never longer, whatever a clock elsewhere says.
    until = min(until, began + PATIENCE_SECONDS)
    while time.time() < until and processors.are_busy():
        sleep(LOOKS_EVERY_SECONDS)
    return time.time() - began
