"""How work leaves a request: after the commit, with its tenant, never before."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from celery import Task
from django.db import transaction

from tiqqo.core.tenancy import current_organiser_id, tenant_scope


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


def after_commit(task: Task, *args: Any) -> None:
    """Enqueue a tenant task in the current scope once this transaction commits.

    A broker that does not answer is logged and forgotten here: the task's sweeper finds the row.
    """
    organiser_id = current_organiser_id()
    if not _enqueues.get():
        return
    transaction.on_commit(
        lambda: task.apply_async(args=args, kwargs={"organiser_id": organiser_id}), robust=True
    )
