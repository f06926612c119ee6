"""How tasks are kept from keeping others waiting, and what remembers when they ran."""

import ast
import re
from pathlib import Path

import pytest
from celery.signals import task_failure, task_prerun, task_success
from django.conf import settings
from django.db import connection

from devtools.stack import WORKERS
from tiqqo import celery
from tiqqo.celery import QUEUES, app, name_the_unknown, wait_longer_for_rows
from tiqqo.core.models import TaskRun
from tiqqo.core.tasks import note_queue_alive, task_named

ROOT = Path(settings.ROOT)
APPS = ("tiqqo", "accounts", "events", "people", "ticketing", "orders", "checkin", "reports")


def limits(name):
    app.loader.import_default_modules()
    task = app.tasks[name]
    default = (app.conf.task_soft_time_limit, app.conf.task_time_limit)
    return (task.soft_time_limit or default[0], task.time_limit or default[1])


def test_no_task_may_run_longer_than_the_broker_waits_for_it():
    app.loader.import_default_modules()
    patience = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]

    ours = [name for name in app.tasks if not name.startswith("celery.")]

    assert len(ours) > 15
    assert [name for name in ours if not limits(name)[0] < limits(name)[1] < patience] == []


def named_in_code():
    """What `after_commit` and `enqueue` are told by name, and where."""
    for path in (path for folder in APPS for path in (ROOT / folder).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            for argument in call.args[:2]:
                words = getattr(argument, "value", None)
                if isinstance(words, str) and re.fullmatch(r"\w+(\.\w+)?\.tasks\.\w+", words):
                    yield words, f"{path.relative_to(ROOT)}:{call.lineno}"


def test_every_task_that_is_named_exists_under_that_name():
    app.loader.import_default_modules()
    named = dict(named_in_code())
    named |= dict.fromkeys(app.conf.task_routes, "routes")
    named |= {entry["task"]: f"schedule, {what}" for what, entry in app.conf.beat_schedule.items()}

    assert len(named) > 30
    assert {name: where for name, where in named.items() if name not in app.tasks} == {}
    assert [name for name in named if task_named(name).name != name] == []


def test_every_queue_has_a_worker_in_compose_and_in_development():
    routed = {route["queue"] for route in app.conf.task_routes.values()} | {"default"}
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    served = set(",".join(re.findall(r"--queues=([\w,]+)", compose)).split(","))

    assert served == routed == set(QUEUES)
    assert set(",".join(WORKERS.values()).split(",")) == routed


def test_money_is_given_less_time_than_the_rest():
    assert limits("orders.tasks.handle_provider_event") == (100, 120)
    assert limits("orders.tasks.sweep_deliveries") == (240, 300)
    assert limits("accounts.tasks.send_account_mail") == (60, 90)


def test_a_worker_waits_longer_for_rows_than_a_request(monkeypatch, settings):
    settings.WORKER_LOCK_TIMEOUT_MS = 4321
    options = dict(connection.settings_dict["OPTIONS"])
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)

    wait_longer_for_rows()
    assert options["options"] == "-c lock_timeout=4321"

    options["options"] = "-c work_mem=64MB"
    wait_longer_for_rows()
    assert options["options"] == "-c work_mem=64MB"


def test_consumers_have_more_patience_with_the_broker_than_who_enqueues():
    reads, writes = app.connection_for_read(), app.connection_for_write()

    assert writes.transport_options["socket_timeout"] < 0.5
    assert writes.transport_options["socket_connect_timeout"] < 0.5
    assert reads.transport_options["socket_timeout"] == 10
    assert reads.transport_options["visibility_timeout"] == 600


@pytest.fixture
def sent(monkeypatch):
    """Signals as a worker sends them for a heartbeat of the queue of mails."""
    monkeypatch.setattr(celery, "_SCHEDULED", {note_queue_alive.name})

    def send(signal, **facts):
        note_queue_alive.push_request(args=["mail"], is_eager=False)
        try:
            task = {"task": note_queue_alive} if signal is task_prerun else {}
            answers = signal.send(sender=note_queue_alive, **task, **facts)
        finally:
            note_queue_alive.pop_request()
        assert [answer for _receiver, answer in answers if isinstance(answer, Exception)] == []

    return send


@pytest.mark.django_db
def test_when_a_scheduled_task_ran_is_remembered(sent):
    sent(task_prerun)
    [run] = TaskRun.objects.all()
    assert run.name == "tiqqo.core.note_queue_alive mail"
    assert run.last_started_at is not None
    assert run.last_finished_at is None

    sent(task_success)
    sent(task_failure, exception=ValueError("broken"))

    [run] = TaskRun.objects.all()
    assert run.last_finished_at is not None
    assert (run.last_error, run.last_failed_at is not None) == ("ValueError: broken", True)


@pytest.mark.django_db
def test_what_is_not_scheduled_leaves_no_trace(sent, monkeypatch):
    monkeypatch.setattr(celery, "_SCHEDULED", set())

    sent(task_prerun)

    assert not TaskRun.objects.exists()


def test_an_unknown_task_is_named(caplog):
    name_the_unknown(name="gone.tasks.old", id="1", exc=KeyError("gone.tasks.old"))

    assert [record.message for record in caplog.records] == ["task.unknown"]
    assert caplog.records[0].task == "gone.tasks.old"
