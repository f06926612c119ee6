"""Figures of the status about personal data that should be gone."""

from collections.abc import Iterator
from datetime import timedelta

from tiqqo.core.models import RetentionRun
from tiqqo.core.status import Figure, register, waiting

LATE = timedelta(days=2)
HINT = "the task sweep_retention stands still or has more to do than its runs: manage.py retention"


@register("retention")
def _overdue() -> Iterator[Figure]:
    """As the last run left it."""
    for run in RetentionRun.objects.order_by("rule"):
        yield waiting(f"{run.rule}: oldest overdue, s", run.oldest_due_at, at_most=LATE, hint=HINT)
