"""How work leaves a request: after the commit, with its tenant, never before."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from celery import Task, shared_task
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tiqqo.core import retention, status
from tiqqo.core.neighbours import Breaker, NeighbourUnavailable
from tiqqo.core.tenancy import current_organiser_id, tenant_scope

logger = logging.getLogger(__name__)

# One failure is enough: each further request would wait as long to learn the same.
broker = Breaker("broker", failures=1, rest_seconds=5.0)


class TenantTask(Task):
    """A task that works in the scope of the organiser it is told; without one it fails at once."""

    abstract = True
    # Celery would refuse `organiser_id`, which the task's own function does not take.
    typing = False

    def __call__(self, *args: Any, organiser_id: int, **kwargs: Any) -> Any:
        # `run`, because Task.__call__ would hide the worker's request, and with it every retry.
        with tenant_scope(organiser_id):
            return self.run(*args, **kwargs)


_enqueues: ContextVar[bool] = ContextVar("enqueues", default=True)


@contextmanager
def nothing_enqueued() -> Iterator[None]:
    """Work that is asked for inside is left to the sweepers: for bulk work such as the demo data."""
    token = _enqueues.set(False)
    try:
        yield
    finally:
        _enqueues.reset(token)


def after_commit(task: Task | str, *args: Any) -> None:
    """Enqueue a tenant task in the current scope once this transaction commits.

    By its name, such as "orders.tasks.prepare_delivery", where the module of the task imports the caller.
    """
    organiser_id = current_organiser_id()
    if not _enqueues.get():
        return

    def leave() -> None:
        enqueue(task, args, {"organiser_id": organiser_id})

    transaction.on_commit(leave, robust=True)


@cache
def task_named(name: str) -> Task:
    """The task of that name, which is its module's and its own. Raises ImportError."""
    return cast(Task, import_string(name))


def enqueue(
    task: Task | str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> bool:
    """The task is in its queue; False where the broker did not take it within a second.

    A failure is logged and forgotten here: every task has a sweeper that finds what it was about. After
    one the broker is not asked for some seconds, so a crowd of requests does not wait for it in turn.
    """
    if isinstance(task, str):
        task = task_named(task)
    try:
        broker.check()
        task.apply_async(args=list(args), kwargs=dict(kwargs or {}), retry=False)
    except NeighbourUnavailable:
        return False
    except (OperationalError, RedisError, OSError) as error:
        broker.failed()
        facts = {"task": task.name, "why": f"{type(error).__name__}: {error}"}
        logger.warning("broker.unavailable", extra=facts)
        return False
    broker.worked()
    return True


@shared_task
def note_queue_alive(queue: str) -> None:
    """A worker takes what is in the queue. That it ran is what `TaskRun` remembers."""


@shared_task
def report_degradation() -> int:
    """What is degraded is in the log, in one line; how many figures."""
    degraded = [figure for group in status.groups() for figure in group.figures if figure.is_bad]
    if degraded:
        named = {figure.name: figure.value for figure in degraded}
        logger.warning("status.degraded", extra={"figures": named})
    return len(degraded)


@shared_task
def sweep_retention() -> int:
    """Personal data whose period is over is gone, as much as one run may take; how many rows."""
    return sum(retention.forget_overdue().values())
