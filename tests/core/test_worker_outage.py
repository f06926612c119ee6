"""A real worker and a real beat, whose Redis goes away, hangs and speaks nonsense."""

import os
import signal
import subprocess
import sys
import time

import pytest

from devtools.paths import REPOSITORY
from tests.outage import OwnRedis

PATIENCE_SECONDS = 90
# Longer than any time-out of a worker or of beat.
LONG_SECONDS = 15


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    server = OwnRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def log_of(own_redis, tmp_path_factory):
    """What worker and beat have written so far. Both run while the tests do."""
    folder = tmp_path_factory.mktemp("celery")
    environment = {**os.environ, "REDIS_URL": own_redis.url}
    common = [sys.executable, "-m", "celery", "--app=tiqqo", "--quiet"]
    commands = {
        "worker": [
            *common, "worker", "--queues=probe", "--concurrency=1",
            "--loglevel=INFO", "--without-gossip", "--without-mingle",
        ],
        "beat": [*common, "beat", f"--schedule={folder}/schedule", "--pidfile=", "--loglevel=INFO"],
    }  # fmt: skip
    children = []
    for name, command in commands.items():
        with (folder / name).open("wb") as log:
            children.append(
                subprocess.Popen(
                    command, cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT
                )
            )

    def written(name):
        assert [child.poll() for child in children] == [None, None], "worker or beat has ended"
        return (folder / name).read_text()

    yield written
    for child in children:
        child.send_signal(signal.SIGTERM)
    for child in children:
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@pytest.fixture
def is_worked_on(own_redis, log_of):
    """Checks that the worker does what is enqueued now."""

    def check(number):
        script = (
            "import django; django.setup();"
            "from tiqqo.core.tasks import note_queue_alive as task;"
            f"task.apply_async(args=['round {number}'], queue='probe', task_id='round-{number}')"
        )
        environment = {**os.environ, "REDIS_URL": own_redis.url}
        subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, env=environment, check=True)
        _until(lambda: f"[round-{number}] succeeded" in log_of("worker"))

    return check


def _until(is_so):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_worker_passes_over_what_is_no_message(own_redis, log_of, is_worked_on):
    is_worked_on(1)
    for poison in ("no json", "[1, 2]", "{}", b"\xff\xfe"):
        own_redis.client.lpush("probe", poison)

    is_worked_on(2)

    assert log_of("worker").count("queue.poison") == 4


def test_worker_and_beat_go_on_when_redis_is_back_and_empty(own_redis, log_of, is_worked_on):
    _until(lambda: own_redis.client.exists("default"))
    own_redis.stop()
    _until(lambda: "broker.unavailable" in log_of("beat"))
    own_redis.start()

    is_worked_on(3)
    _until(lambda: own_redis.client.exists("default"))

    assert "Traceback" not in log_of("beat")


def test_worker_and_beat_go_on_when_redis_answers_again(own_redis, log_of, is_worked_on):
    _until(lambda: own_redis.client.exists("default"))
    before = log_of("beat").count("broker.unavailable")
    own_redis.hang()
    _until(lambda: log_of("beat").count("broker.unavailable") > before)
    time.sleep(LONG_SECONDS)
    own_redis.go_on()
    sent = own_redis.client.llen("default")

    is_worked_on(4)
    _until(lambda: own_redis.client.llen("default") > sent)
