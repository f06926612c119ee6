"""From measurements to figures: percentiles, shares, and whether a target is met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devtools.bench.load import Outcome

Figures = dict[str, object]


def percentile(ascending: Sequence[float], share: int) -> float | None:
    """Milliseconds within which this share of answers came (nearest rank); None without any."""
    if not ascending:
        return None
    rank = -(-len(ascending) * share // 100)
    return round(ascending[rank - 1] * 1000, 1)


def latency(ascending: Sequence[float]) -> Figures:
    return {f"p{share}_ms": percentile(ascending, share) for share in (50, 95, 99)}


def what_clients_saw(outcome: Outcome) -> Figures:
    """Rate is of scripts that were followed to their end, latencies are of single requests."""
    every = sorted(one for step in outcome.latencies.values() for one in step)
    figures: Figures = {
        "rate": rate(outcome.runs, outcome.seconds),
        "requests": outcome.requests,
        **latency(every),
        "errors": outcome.errors,
    }
    if outcome.first_error:
        figures["first_error"] = outcome.first_error
    if len(outcome.latencies) > 1:
        figures["steps"] = {step: latency(found) for step, found in outcome.latencies.items()}
    if outcome.requests:
        figures["client_us_per_request"] = round(
            outcome.client_cpu_seconds / outcome.requests * 1_000_000
        )
    return figures


def slowest_p95(outcome: Outcome) -> float | None:
    """The p95 of the step whose p95 is worst."""
    found = [percentile(step, 95) for step in outcome.latencies.values()]
    return max((one for one in found if one is not None), default=None)


def rate(count: float, seconds: float) -> float:
    return round(count / seconds, 1) if seconds else 0.0


def ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 3) if whole else None


def shares(seconds: Mapping[str, float]) -> Figures:
    """CPU seconds of each part and its share of what all parts took together."""
    whole = sum(seconds.values())
    return {
        name: {"seconds": round(took, 2), "share": ratio(took, whole)}
        for name, took in seconds.items()
    }


@dataclass(frozen=True, slots=True)
class Target:
    """A limit that a figure has to keep."""

    figure: str
    limit: float
    is_floor: bool

    def is_met(self, figures: Mapping[str, object]) -> bool:
        """A figure that is missing or empty meets nothing."""
        found = figures.get(self.figure)
        if not isinstance(found, int | float):
            return False
        return found >= self.limit if self.is_floor else found <= self.limit

    def __str__(self) -> str:
        return f"{self.figure} {'≥' if self.is_floor else '≤'} {self.limit:g}"


def at_least(figure: str, limit: float) -> Target:
    return Target(figure, limit, is_floor=True)


def at_most(figure: str, limit: float) -> Target:
    return Target(figure, limit, is_floor=False)


def judged(figures: Mapping[str, object], targets: Sequence[Target]) -> Figures:
    """Each target with whether it is met, and whether all are."""
    if not targets:
        return {}
    met = {str(target): target.is_met(figures) for target in targets}
    return {"targets": met, "met": all(met.values())}
