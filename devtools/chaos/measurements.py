"""What visitors saw: each try with its time and answer, and the figures that come of them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from devtools.bench.figures import percentile

# A page that comes later than that is no answer to the person who waits for it.
PROPER_SECONDS = 5.0
FEWEST_FOR_A_RATIO = 5


@dataclass(frozen=True, slots=True)
class Try:
    """One request: what was asked, when (monotonic), how long it took, and the answer."""

    what: str
    began: float
    seconds: float
    status: int | None
    """None: no answer."""
    is_right: bool
    """The status is one that means success here."""

    @property
    def is_proper(self) -> bool:
        return self.is_right and self.seconds <= PROPER_SECONDS

    @property
    def ended(self) -> float:
        return self.began + self.seconds


@dataclass(slots=True)
class Log:
    """All tries of one trial."""

    tries: list[Try] = field(default_factory=list)

    def between(self, begin: float, end: float) -> list[Try]:
        return [one for one in self.tries if begin <= one.began < end]

    def seconds_out(self, what: str, begin: float, end: float) -> float:
        """The longest time without a proper answer to this probe."""
        return longest_out([one for one in self.between(begin, end) if one.what == what])


def longest_out(tries: Iterable[Try]) -> float:
    """From the first try that failed to the next one that was answered properly, or to the last end."""
    longest, since, last_end = 0.0, None, 0.0
    for one in sorted(tries, key=lambda found: found.began):
        last_end = max(last_end, one.ended)
        if one.is_proper:
            if since is not None:
                longest = max(longest, one.began - since)
            since = None
        elif since is None:
            since = one.began
    if since is not None:
        longest = max(longest, last_end - since)
    return longest


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast pages came, in milliseconds; None without enough of them."""

    p50: float | None
    p95: float | None


def pace(tries: Iterable[Try]) -> Pace:
    """Of right answers only; what failed is counted elsewhere."""
    seconds = sorted(one.seconds for one in tries if one.is_right)
    if len(seconds) < FEWEST_FOR_A_RATIO:
        return Pace(None, None)
    return Pace(percentile(seconds, 50), percentile(seconds, 95))


def ratio(during: float | None, before: float | None) -> float | None:
    """How many times slower; None where one of them is unknown."""
    if during is None or not before:
        return None
    found = during / before
    return round(found, 1) if math.isfinite(found) else None


def statuses(tries: Sequence[Try]) -> dict[str, dict[str, int]]:
    """By probe: each answer that was not right, with how often it came."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in tries:
        if not one.is_right:
            found[one.what][str(one.status or "no answer")] += 1
    return {what: dict(counts) for what, counts in found.items()}
