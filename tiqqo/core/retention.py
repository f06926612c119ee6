"""How long personal data stays: one rule for each kind, its period in `settings.RETENTION_DAYS`.

Apps register their rules, because only they know what a row hangs on. A run takes a few rows at a time, each
slice in a transaction of its own that passes by whatever somebody else has locked, and ends after a bounded
time: it goes on where it stopped at the next run, so it is harmless beside sales.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F, QuerySet

from tiqqo.core import clock
from tiqqo.core.models import RetentionRun, SecurityEntry, TaskRun
from tiqqo.core.tenancy import platform_scope

logger = logging.getLogger(__name__)

SLICE = 200
SLICES_A_RUN = 25
SECONDS_A_RUN = 60.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes when. `name` is its key in RETENTION_DAYS.

    `due` are the rows whose period was over at a given instant; `age` is the field that says since when a
    row has been over; `forget` gets some of the due rows, inside a transaction, locks those that nobody
    else has locked, deletes or empties them and says how many.
    """

    name: str
    words: str
    due: Callable[[datetime], QuerySet[Any]]
    age: str
    forget: Callable[[QuerySet[Any]], int]
    slice_size: int = SLICE

    @property
    def period(self) -> timedelta:
        """How long such a row stays after it is over."""
        return timedelta(days=settings.RETENTION_DAYS[self.name])

    def due_now(self) -> QuerySet[Any]:
        """The rows that should be gone. The caller is in the platform's scope."""
        return self.due(clock.now() - self.period)

    def oldest_due_at(self) -> datetime | None:
        """When the oldest row that is still here should have gone. None: all is done."""
        over_at = self.due_now().order_by(self.age).values_list(self.age, flat=True).first()
        return over_at + self.period if over_at is not None else None


_rules: dict[str, Rule] = {}


def register(rule: Rule) -> Rule:
    """The rule is part of every run from now on."""
    if rule.name not in settings.RETENTION_DAYS:
        raise LookupError(f"RETENTION_DAYS has no period for {rule.name}.")
    _rules[rule.name] = rule
    return rule


def rules() -> list[Rule]:
    return [_rules[name] for name in sorted(_rules)]


def delete_unlocked(rows: QuerySet[Any]) -> int:
    """Those that nobody else has locked are deleted, with what hangs on them; how many."""
    locked = rows.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)
    ids = list(locked)
    rows.model._default_manager.filter(pk__in=ids).delete()
    return len(ids)


def forget_overdue() -> dict[str, int]:
    """Rows whose period is over are gone, as many as a run may take; how many of each rule."""
    until = time.monotonic() + SECONDS_A_RUN
    done = {rule.name: _run(rule, until) for rule in rules()}
    gone = {name: count for name, count in done.items() if count}
    if gone:
        logger.info("retention.done", extra={"rows": gone})
    return done


def _run(rule: Rule, until: float) -> int:
    count = 0
    for _slice in range(SLICES_A_RUN):
        if time.monotonic() >= until:
            break
        try:
            found, forgotten = _forget_slice(rule)
        except OperationalError as error:
            # A lock that did not come: these rows have time until the next run.
            facts = {"rule": rule.name, "why": str(error).splitlines()[0][:200]}
            logger.warning("retention.postponed", extra=facts)
            break
        count += forgotten
        if found < rule.slice_size or not forgotten:
            break
    _remember(rule, count)
    return count


def _forget_slice(rule: Rule) -> tuple[int, int]:
    """How many rows were looked at, and how many are gone."""
    with platform_scope(f"forget what is over: {rule.name}"), transaction.atomic():
        due = rule.due_now()
        ids = list(due.order_by(rule.age).values_list("pk", flat=True)[: rule.slice_size])
        return len(ids), rule.forget(due.filter(pk__in=ids)) if ids else 0


def _remember(rule: Rule, count: int) -> None:
    with platform_scope(f"look for what is left: {rule.name}"):
        oldest = rule.oldest_due_at()
    run, _made = RetentionRun.objects.get_or_create(rule=rule.name)
    RetentionRun.objects.filter(pk=run.pk).update(
        last_run_at=clock.now(), done_count=F("done_count") + count, oldest_due_at=oldest
    )


# What the kernel itself keeps ---------------------------------------------------------------

register(
    Rule(
        name="security_log",
        words="rows of the security log",
        due=lambda before: SecurityEntry.objects.filter(last_at__lt=before),
        age="last_at",
        forget=delete_unlocked,
        slice_size=1000,
    )
)
register(
    Rule(
        name="task_runs",
        words="tasks that are scheduled no more",
        due=lambda before: TaskRun.objects.filter(last_finished_at__lt=before),
        age="last_finished_at",
        forget=delete_unlocked,
    )
)
