"""The Celery application, its queues and the schedule of every periodic task."""

import logging
import os
import time
from typing import Any

from celery import Celery, current_task
from celery.schedules import schedule
from celery.signals import (
    before_task_publish,
    task_failure,
    task_prerun,
    task_rejected,
    task_success,
    task_unknown,
    worker_init,
    worker_process_init,
)

from tiqqo.core.processes import settle
from tiqqo.core.worker_priority import lower_priority, wait_for_room

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")

logger = logging.getLogger(__name__)


class Application(Celery):
    """Who consumes has more patience with the broker than who enqueues: nobody waits for a page there,
    and a connection that is given up costs more than a moment."""

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        patience = {"socket_timeout": 10.0, "socket_connect_timeout": 5.0}
        options["transport_options"] = patience | (options.get("transport_options") or {})
        return super().connection_for_read(url, **options)


app = Application("tiqqo")
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


@task_prerun.connect
def note_start(task: Any = None, **_facts: Any) -> None:
    _note_run(task, "note_start")


@task_success.connect
def note_end(sender: Any = None, **_facts: Any) -> None:
    _note_run(sender, "note_end")


@task_failure.connect
def note_failure(sender: Any = None, exception: Any = None, **_facts: Any) -> None:
    _note_run(sender, "note_failure", exception)


def _note_run(task: Any, note: str, *facts: Any) -> None:
    """`TaskRun` knows when each task of the schedule ran last."""
    if task.name not in _SCHEDULED or task.request.is_eager:
        return
    from tiqqo.core import task_runs

    getattr(task_runs, note)(task_runs.run_name(task.name, task.request.args), *facts)


@task_unknown.connect
def name_the_unknown(name: str = "", id: str = "", exc: Any = None, **_facts: Any) -> None:
    """What was sent by another version is dropped, and its sweeper finds what it was about."""
    logger.error("task.unknown", extra={"task": name, "task_id": id, "why": str(exc)[:300]})


@task_rejected.connect
def name_the_undecodable(message: Any = None, exc: Any = None, **_facts: Any) -> None:
    body = str(getattr(message, "body", ""))[:200]
    logger.error("task.rejected", extra={"body": body, "why": str(exc)[:300]})


@worker_init.connect
def wait_longer_for_rows(**_sender: Any) -> None:
    """Nobody waits for a page here: a task may wait for a row as long as it takes others to go on."""
    from django.conf import settings
    from django.db import connection

    options = connection.settings_dict["OPTIONS"]
    # What an operator wrote into DATABASE_URL stays as it is.
    if options["options"] == f"-c lock_timeout={settings.DATABASE_LOCK_TIMEOUT_MS}":
        options["options"] = f"-c lock_timeout={settings.WORKER_LOCK_TIMEOUT_MS}"


@worker_init.connect
def give_way(**_sender: Any) -> None:
    """Whoever waits for a page goes before a worker that `WORKER_GIVES_WAY`, where they share processors."""
    if _gives_way():
        lower_priority()


@worker_init.connect
def warm_up(sender: Any = None, **_facts: Any) -> None:
    """The worker of documents has what it draws with before it forks, so no buyer waits for that."""
    if "documents" in sender.app.amqp.queues.consume_from:
        from tiqqo.ui import pdf

        pdf.warm_up()


@before_task_publish.connect
def note_since_when_it_waits(headers: dict[str, Any] | None = None, **_facts: Any) -> None:
    """What a task asks for has waited as long as the task: a mail since its document was asked for."""
    if headers is not None:
        asking = current_task.request if current_task else None
        headers[WAITING_SINCE] = getattr(asking, WAITING_SINCE, None) or time.time()


@task_prerun.connect
def let_pages_go_first(task: Any = None, **_facts: Any) -> None:
    if task.name in CAN_WAIT and not task.request.is_eager and _gives_way():
        wait_for_room(getattr(task.request, WAITING_SINCE, None))


def _gives_way() -> bool:
    return os.environ.get("WORKER_GIVES_WAY", "0") == "1"


WAITING_SINCE = "waiting_since"
# Nobody has the page before them that these make. Whatever is not here is begun at once.
CAN_WAIT = {
    "orders.tasks.prepare_delivery",
    "orders.tasks.draw_document",
    "orders.tasks.send_delivery",
    "orders.tasks.welcome_people",
}
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
    "orders.tasks.draw_document": {"queue": "documents"},
    "orders.tasks.welcome_people": {"queue": "people"},
    "tiqqo.core.tasks.sweep_retention": {"queue": "people"},
    "orders.tasks.send_delivery": {"queue": "mail"},
    "orders.tasks.tell_on_waitlist": {"queue": "mail"},
    "accounts.tasks.send_invitation": {"queue": "mail"},
    # Somebody looks at a page that waits for these: no mail with tickets stands before them.
    "orders.tasks.ask_to_confirm_place": {"queue": "codes"},
    "accounts.tasks.send_account_mail": {"queue": "codes"},
}
# Nothing keeps others of its queue waiting for ever. The first limit raises in the task, the second
# ends its process. Both are shorter than the broker's visibility time-out.
app.conf.task_soft_time_limit, app.conf.task_time_limit = 240, 300
app.conf.task_annotations = {
    name: {"soft_time_limit": 100, "time_limit": 120}
    for name, route in app.conf.task_routes.items()
    if route["queue"] in {"money", "provider"}
} | {
    # Longer than a mail server takes that answers at all (EMAIL_TIMEOUT for each of its steps).
    "accounts.tasks.send_account_mail": {"soft_time_limit": 60, "time_limit": 90},
    "accounts.tasks.send_invitation": {"soft_time_limit": 60, "time_limit": 90},
}
QUEUES = ("default", "money", "provider", "codes", "documents", "people", "mail")
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
        "task": "ticketing.tasks.serve_waitlists",
        "schedule": schedule(run_every=20),
    },
    "forget requests for a place in line that nobody confirmed": {
        "task": "ticketing.tasks.forget_waitlist_requests",
        "schedule": schedule(run_every=600),
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
    "forget documents that nobody asks for": {
        "task": "orders.tasks.sweep_documents",
        "schedule": schedule(run_every=600),
    },
    "write to waitlists what was missed": {
        "task": "orders.tasks.sweep_waitlist_emails",
        "schedule": schedule(run_every=60),
    },
    "remind buyers of tomorrow": {
        "task": "orders.tasks.sweep_reminders",
        "schedule": schedule(run_every=60),
    },
    "end invoice orders that nobody paid": {
        "task": "orders.tasks.sweep_unpaid_invoice_orders",
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
    "send account mails that were missed": {
        "task": "accounts.tasks.sweep_account_mails",
        "schedule": schedule(run_every=30),
    },
    "send invitations that were missed": {
        "task": "accounts.tasks.sweep_invitations",
        "schedule": schedule(run_every=60),
    },
    "remove accounts that were never confirmed": {
        "task": "accounts.tasks.remove_unconfirmed_accounts",
        "schedule": schedule(run_every=3600),
    },
    "forget sessions that are over": {
        "task": "accounts.tasks.clear_sessions",
        "schedule": schedule(run_every=3600),
    },
    "forget what is over": {
        "task": "tiqqo.core.tasks.sweep_retention",
        "schedule": schedule(run_every=900),
        "options": {"queue": "people"},
    },
    "say what is degraded": {
        "task": "tiqqo.core.tasks.report_degradation",
        "schedule": schedule(run_every=60),
    },
} | {
    f"see that {queue} is worked on": {
        "task": "tiqqo.core.tasks.note_queue_alive",
        "args": (queue,),
        "schedule": schedule(run_every=30),
        "options": {"queue": queue},
    }
    for queue in QUEUES
}
for _entry in app.conf.beat_schedule.values():
    # A queue that stood still does not repeat every run that it missed.
    _entry.setdefault("options", {})["expires"] = max(60, 2 * _entry["schedule"].run_every.seconds)
_SCHEDULED = {entry["task"] for entry in app.conf.beat_schedule.values()}
