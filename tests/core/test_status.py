"""What an operator sees, who is one, and what is bad."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError

from tests.cast import StaffFactory
from tests.pages import PageClient
from tiqqo.celery import app
from tiqqo.core import clock, figures, status, task_runs, tasks
from tiqqo.core.models import TaskRun
from tiqqo.core.neighbours import Breaker, Bulkhead
from tiqqo.core.status import Figure, waiting

pytestmark = pytest.mark.django_db

SWEEP = "ticketing.sweep_reservations"


@pytest.fixture
def report(client, settings):
    """The status as a script gets it: value and whether it is bad, by name."""
    settings.STATUS_TOKEN = "s3cret"

    def get():
        answer = client.get("/status/", headers={"Authorization": "Bearer s3cret"})
        assert answer.status_code == 200
        return {
            figure["name"]: (figure["value"], figure["degraded"])
            for figure in answer.json()["figures"]
        }

    return get


@pytest.fixture
def all_ran():
    """Every scheduled task ran a moment ago."""
    for name in task_runs.scheduled():
        task_runs.note_end(name)


def is_bad(group):
    [found] = [found for found in status.groups() if found.name == group]
    return found.is_bad


# Who -------------------------------------------------------------------------------------


def test_staff_sees_the_status_as_a_page(cast):
    page = PageClient(cast).sign_in(StaffFactory()).get_page("/status/")

    assert page.h1 == "Status"
    assert page.response.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in page.response.headers["Cache-Control"]
    assert page.texts("h2") == [
        "Database",
        "Redis",
        "Schedule",
        "This process",
        "Retention",
        "Security",
        "Accounts",
        "Money",
        "Documents",
        "Mails of orders",
    ]


def test_for_others_there_is_no_status(client, cast, settings):
    settings.STATUS_TOKEN = "s3cret"

    assert client.get("/status/").status_code == 404
    for words in ("Bearer wrong", "Bearer ", "Basic s3cret", "Bearer s3cré"):
        assert client.get("/status/", HTTP_AUTHORIZATION=words).status_code == 404
    client.force_login(cast.kikker.owner.user)
    assert client.get("/status/").status_code == 404


def test_without_a_token_none_is_right(client, settings):
    settings.STATUS_TOKEN = ""

    assert client.get("/status/", headers={"Authorization": "Bearer "}).status_code == 404


# What ------------------------------------------------------------------------------------


def test_what_is_well_is_not_degraded(all_ran, cast):
    assert [group.name for group in status.groups() if group.is_bad] == []


def test_a_scheduled_task_that_stands_still_is_bad(report, all_ran):
    long_ago = clock.now() - timedelta(minutes=10)
    TaskRun.objects.filter(name=SWEEP).update(last_finished_at=long_ago)

    name = f"{SWEEP}: ran, s ago"
    seconds, bad = report()[name]
    assert (seconds >= 600, bad) == (True, True)

    task_runs.note_end(SWEEP)

    assert report()[name] == (0, False)


def test_a_scheduled_task_that_fails_is_bad_until_it_works(report, all_ran):
    task_runs.note_failure(SWEEP, ValueError("no"))

    assert report()[f"{SWEEP}: ran, s ago"][1] is True
    assert TaskRun.objects.get(name=SWEEP).last_error == "ValueError: no"

    task_runs.note_end(SWEEP)

    assert report()[f"{SWEEP}: ran, s ago"][1] is False


def test_every_queue_has_a_heartbeat():
    queues = {route["queue"] for route in app.conf.task_routes.values()} | {"default"}

    beats = {entry["args"][0]: entry["options"]["queue"] for entry in app.conf.beat_schedule.values()
             if entry["task"] == "tiqqo.core.tasks.note_queue_alive"}  # fmt: skip

    assert beats == {queue: queue for queue in queues}


def test_a_run_that_nobody_takes_in_time_is_dropped():
    late = [
        name
        for name, entry in app.conf.beat_schedule.items()
        if entry["options"]["expires"] < entry["schedule"].run_every.total_seconds()
    ]

    assert late == []


def test_a_breaker_that_is_open_and_a_bulkhead_that_is_full_are_bad():
    breaker, bulkhead = Breaker("till", failures=1), Bulkhead("gate", most=1)
    assert not is_bad("this process")

    breaker.failed()
    assert is_bad("this process")
    breaker.worked()
    assert not is_bad("this process")

    with bulkhead.entered():
        assert is_bad("this process")
    assert not is_bad("this process")


def test_what_cannot_be_found_out_is_bad_and_hides_nothing_else(report, monkeypatch):
    def broken():
        raise OperationalError("no database here\nline two")

    monkeypatch.setitem(status._checks, "database", [broken])

    figures_now = report()

    assert figures_now["database"] == ("not known", True)
    assert "process" in figures_now


def test_a_long_queue_is_bad(report, monkeypatch):
    monkeypatch.setattr(figures, "LONG_QUEUE", 1)
    client = cache._cache.get_client()
    monkeypatch.setattr(figures, "_queue_names", lambda: ["status-test"])
    client.lpush("status-test", "a", "b")
    try:
        assert report()["queue status-test: waiting"] == (2, True)
    finally:
        client.delete("status-test")


def test_how_long_the_oldest_waits():
    now = clock.now()

    assert waiting("x", None, at_most=timedelta(seconds=5)) == Figure("x", 0)
    late = waiting("x", now - timedelta(seconds=9), at_most=timedelta(seconds=5), hint="look")
    assert (late.value, late.is_bad, late.hint) == (9, True, "look")
    assert not waiting("x", now - timedelta(seconds=3), at_most=timedelta(seconds=5)).is_bad


def test_what_is_degraded_is_one_line_of_the_log(all_ran, caplog):
    assert tasks.report_degradation() == 0
    assert "status.degraded" not in caplog.messages

    task_runs.note_failure(SWEEP, ValueError("no"))

    assert tasks.report_degradation() == 1
    [record] = [record for record in caplog.records if record.message == "status.degraded"]
    assert list(record.figures) == [f"{SWEEP}: ran, s ago"]
