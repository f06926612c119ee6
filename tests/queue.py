"""The broker of the tests: it remembers what was enqueued and does it when asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from celery import Task

from tiqqo.core import tenancy


@dataclass(frozen=True)
class Job:
    task: Task
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.task.name)


@dataclass
class Queue:
    jobs: list[Job] = field(default_factory=list)

    @property
    def take(self) -> Callable[..., None]:
        """Stands for `Task.apply_async`, with Celery's own check of the arguments."""

        def apply_async(task: Task, args: Any = None, kwargs: Any = None, **options: Any) -> None:
            if task.typing:
                task.__header__(*(args or ()), **(kwargs or {}))
            self.jobs.append(Job(task, tuple(args or ()), dict(kwargs or {})))

        return apply_async

    @property
    def names(self) -> list[str]:
        return [job.name for job in self.jobs]

    def clear(self) -> None:
        self.jobs.clear()

    def work_on(self, *names: str) -> list[str]:
        """Only the jobs of these tasks are done; the others wait on."""
        others = [job for job in self.jobs if job.name not in names]
        self.jobs = [job for job in self.jobs if job.name in names]
        failed = self.work()
        self.jobs = [*others, *self.jobs]
        return failed

    def work(self, committing: Callable[[], Any] | None = None) -> list[str]:
        """Every job and what it enqueues is done, as a worker does: in no scope but its own.

        Returns the names of the tasks that failed. `committing` makes a job's end its commit.
        """
        failed = []
        while self.jobs:
            job = self.jobs.pop(0)
            token = tenancy._current.set(tenancy.NOTHING)
            try:
                if committing is None:
                    result = job.task.apply(args=job.args, kwargs=job.kwargs)
                else:
                    with committing():
                        result = job.task.apply(args=job.args, kwargs=job.kwargs)
            finally:
                tenancy._current.reset(token)
            if result.failed():
                failed.append(job.name)
        return failed
