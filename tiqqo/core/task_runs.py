"""When each scheduled task ran last: what tells an operator that beat and workers are alive."""

import logging
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db import DatabaseError

from tiqqo.core import clock
from tiqqo.core.models import TaskRun

logger = logging.getLogger(__name__)

ERROR_LENGTH = 500
# A run that is so much later than planned is missed, whatever its period.
GRACE = timedelta(seconds=90)


def run_name(task_name: str, args: Any) -> str:
    """The name of a scheduled task with what it is called with, such as the queue of a heartbeat."""
    return " ".join([task_name.replace(".tasks.", "."), *(str(arg) for arg in args or ())])


def scheduled() -> dict[str, timedelta]:
    """Every scheduled task by its run's name, and how often it runs."""
    return {
        run_name(entry["task"], entry.get("args")): entry["schedule"].run_every
        for entry in current_app.conf.beat_schedule.values()
    }


def note_start(name: str) -> None:
    """The task began now."""
    _note(name, last_started_at=clock.now())


def note_end(name: str) -> None:
    """The task did what it does."""
    _note(name, last_finished_at=clock.now())


def note_failure(name: str, error: BaseException | str) -> None:
    """The task broke, and why."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    _note(name, last_failed_at=clock.now(), last_error=text[:ERROR_LENGTH])


def _note(name: str, **values: Any) -> None:
    try:
        TaskRun.objects.bulk_create(
            [TaskRun(name=name, **values)],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=list(values),
        )
    except DatabaseError as error:
        logger.warning("task_run.not_noted", extra={"run": name, "why": str(error)[:200]})
