"""The Celery application, its queues and the schedule of every periodic task."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery import Celery
from celery.schedules import schedule
from celery.signals import task_prerun, worker_init, worker_process_init

from tiqqo.core.processes import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")

app = Celery("tiqqo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Celery would give up the database connection before and after every task, and with it all that
# PostgreSQL has prepared for it. Ours are looked after as those of requests are.
app.conf["CELERY_DB_REUSE_MAX"] = 10_000


@worker_process_init.connect
def settle_down(**_sender: Any) -> None:
    settle()


@task_prerun.connect
def look_after_connections(**_sender: Any) -> None:
    """A connection that broke or grew old is not used for another task."""
    from django.db import close_old_connections, connection

    if not connection.in_atomic_block:
        close_old_connections()


@worker_init.connect
def give_way(**_sender: Any) -> None:
    """Whoever waits for a page goes before a worker that `WORKER_GIVES_WAY`, where they share processors.

    Such a worker runs when nothing else would, and is interrupted at once: a merely nicer process is let
    finish its turn of some milliseconds first, in which a page waits at every query (sched(7)).
    """
    if os.environ.get("WORKER_GIVES_WAY", "0") != "1":
        return
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    # Linux may weigh sessions against each other instead of processes.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text("19")


app.conf.task_routes = {
    "orders.tasks.handle_provider_event": {"queue": "money"},
    "orders.tasks.sweep_money": {"queue": "money"},
    # What waits for the payment provider has a worker of its own, and keeps nothing else waiting.
    "orders.tasks.close_payment": {"queue": "provider"},
    "orders.tasks.check_payment": {"queue": "provider"},
    "orders.tasks.refund_at_provider": {"queue": "provider"},
    "orders.tasks.refund_unmatched_payment": {"queue": "provider"},
    "orders.tasks.fetch_provider_events": {"queue": "provider"},
    "orders.tasks.prepare_delivery": {"queue": "documents"},
    "orders.tasks.redraw_document": {"queue": "documents"},
    "orders.tasks.welcome_people": {"queue": "people"},
    "orders.tasks.send_delivery": {"queue": "mail"},
    "orders.tasks.tell_in_line": {"queue": "mail"},
    "accounts.tasks.send_invitation": {"queue": "mail"},
}
app.conf.beat_schedule = {
    "expire reservations": {
        "task": "ticketing.tasks.sweep_reservations",
        "schedule": schedule(run_every=15),
    },
    "return what partners left": {
        "task": "ticketing.tasks.return_allocations",
        "schedule": schedule(run_every=20),
    },
    "serve the waitlists": {
        "task": "ticketing.tasks.serve_lines",
        "schedule": schedule(run_every=20),
    },
    "settle payments that nobody reported": {
        "task": "orders.tasks.sweep_money",
        "schedule": schedule(run_every=20),
    },
    "fetch what the payment provider reported to nobody": {
        "task": "orders.tasks.fetch_provider_events",
        "schedule": schedule(run_every=300),
    },
    "send deliveries that were missed": {
        "task": "orders.tasks.sweep_deliveries",
        "schedule": schedule(run_every=10),
    },
    "write to waitlists what was missed": {
        "task": "orders.tasks.sweep_line",
        "schedule": schedule(run_every=60),
    },
    "remind buyers of tomorrow": {
        "task": "orders.tasks.sweep_reminders",
        "schedule": schedule(run_every=60),
    },
    "move events along the clock": {
        "task": "events.tasks.advance_events",
        "schedule": schedule(run_every=60),
    },
    "recount the stock": {
        "task": "ticketing.tasks.verify_inventory",
        "schedule": schedule(run_every=300),
    },
}
