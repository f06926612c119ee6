"""A worker that gives way to pages, and keeps a floor."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from celery import shared_task

from tiqqo import celery
from tiqqo.core import worker_priority
from tiqqo.core.worker_priority import PATIENCE_SECONDS, Processors, wait_for_room


class Machine:
    """Two processors of which `others` says what share others take, and a clock."""

    def __init__(self, stat, others=0.0):
        self.now = 1000.0
        self.others = others
        self.stat = stat
        self.ticks = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        self.write()

    def pass_time(self, seconds):
        self.now += seconds
        user, nice = seconds * 200 * self.others, seconds * 200 * (1 - self.others) / 2
        self.ticks[0] += user
        self.ticks[1] += nice
        self.ticks[3] += seconds * 200 - user - nice
        self.write()

    def write(self):
        self.stat.write_text(
            "cpu  " + " ".join(str(round(n)) for n in self.ticks) + " 0 0\ncpu0 1\n"
        )

    def time(self):
        return self.now


@pytest.fixture
def machine(monkeypatch, tmp_path):
    machine = Machine(tmp_path / "stat")
    monkeypatch.setattr(worker_priority, "STAT", machine.stat)
    monkeypatch.setattr(worker_priority, "processors", Processors(machine.time))
    monkeypatch.setattr(
        worker_priority, "time", SimpleNamespace(time=machine.time, sleep=machine.pass_time)
    )
    return machine


def waited(machine, since=None):
    return wait_for_room(since, sleep=machine.pass_time)


def test_where_there_is_room_nothing_waits_longer_than_a_look(machine):
    assert waited(machine) <= 0.25
    for _task in range(10):
        machine.pass_time(0.1)
        assert waited(machine) == 0


def test_what_such_as_we_take_counts_as_room(machine):
    machine.others = 0.5  # and we the rest

    assert waited(machine) <= 0.25


def test_while_others_keep_the_processors_busy_it_waits_and_no_longer_than_patience(machine):
    machine.others = 1.0

    assert PATIENCE_SECONDS <= waited(machine) <= PATIENCE_SECONDS + 0.5
    assert 4.5 <= waited(machine, since=machine.now - PATIENCE_SECONDS + 5) <= 5.5
    assert waited(machine, since=machine.now - PATIENCE_SECONDS) == 0


def test_it_begins_as_soon_as_there_is_room(machine):
    machine.others = 1.0
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        machine.pass_time(seconds)
        if len(slept) == 8:
            machine.others = 0.2

    assert wait_for_room(None, sleep=sleep) < 3


def test_a_clock_that_is_ahead_elsewhere_makes_nobody_wait_longer(machine):
    machine.others = 1.0

    assert waited(machine, since=machine.now + 3600) <= PATIENCE_SECONDS + 0.5


def test_a_system_that_does_not_tell_has_room(machine):
    machine.stat.unlink()

    assert waited(machine) == 0


# The worker's part -----------------------------------------------------------------------


@shared_task(name="orders.tasks.probe_giving_way")
def probe():
    return None


@pytest.mark.parametrize(("gives_way", "expected"), [("1", [990.0]), ("0", [])])
def test_only_a_worker_that_gives_way_waits_and_only_with_what_can(
    monkeypatch, gives_way, expected
):
    asked = []
    monkeypatch.setenv("WORKER_GIVES_WAY", gives_way)
    monkeypatch.setattr(celery, "wait_for_room", asked.append)
    request = SimpleNamespace(is_eager=False, waiting_since=990.0)
    for name in ("orders.tasks.send_delivery", "accounts.tasks.send_account_mail"):
        celery.let_pages_go_first(task=SimpleNamespace(name=name, request=request))

    assert asked == expected


def test_every_task_that_can_wait_is_one_of_the_queues_of_that_worker():
    queues = {celery.app.conf.task_routes[name]["queue"] for name in celery.CAN_WAIT}

    assert queues == {"documents", "mail", "people"}


def test_a_task_knows_since_when_it_waits_and_passes_it_on():
    headers = {}
    before = time.time()
    celery.note_since_when_it_waits(headers=headers)
    assert before <= headers["waiting_since"] <= time.time()

    probe.push_request(waiting_since=123.0)
    from celery._state import _task_stack

    _task_stack.push(probe)
    try:
        celery.note_since_when_it_waits(headers=headers)
    finally:
        _task_stack.pop()
        probe.pop_request()
    assert headers["waiting_since"] == 123.0


SHARE = """
import os, sys, time
from tiqqo.core import worker_priority

if sys.argv[1] == "1":
    worker_priority.lower_priority()
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    pass
print(time.process_time())
"""


@contextmanager
def busy(processor, seconds):
    """Others keep the processor busy, in a session of their own as pages do."""
    loop = f"import os, time\nos.sched_setaffinity(0, {{{processor}}})\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"
    child = subprocess.Popen([sys.executable, "-c", loop], start_new_session=True)
    try:
        yield
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only where one can choose")
def test_beside_a_busy_process_it_keeps_a_floor_and_takes_no_half():
    processor = min(os.sched_getaffinity(0))
    with busy(processor, 30):
        took = subprocess.run(
            ["taskset", "-c", str(processor), sys.executable, "-c", SHARE, "1", "6"],
            check=True, capture_output=True, text=True, start_new_session=True,
        )  # fmt: skip

    # A quarter; less where others run on this processor, too.
    assert 0.05 < float(took.stdout) / 6 < 0.40
