"""This machine's clock beside the database's."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tiqqo.core import clocks
from tiqqo.core.clocks import clock_difference, forget_difference, measure_difference

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forgotten(settings):
    settings.STATUS_TOKEN = "s3cret"
    forget_difference()
    yield
    forget_difference()


@pytest.fixture
def apart():
    """Our clock goes so much ahead of the database's."""

    def shift(**difference):
        return time_machine.travel(timezone.now() + timedelta(**difference))

    return shift


def differs(caplog):
    return [record for record in caplog.records if record.message == "clock.differs"]


def test_clocks_of_one_machine_agree(client, caplog):
    assert measure_difference() == timedelta(0)
    assert client.get("/readyz").status_code == 200
    assert differs(caplog) == []


@pytest.mark.parametrize(("seconds", "words"), [(90, "90 s ahead of"), (-90, "90 s behind")])
def test_clocks_that_are_far_apart_make_a_process_unready(client, apart, caplog, seconds, words):
    with apart(seconds=seconds):
        answer = client.get("/readyz", headers={"Authorization": "Bearer s3cret"})

    assert answer.status_code == 503
    assert answer.json()["clock"] == f"this machine's clock is {words} the database's"
    assert len(differs(caplog)) == 1


@pytest.mark.parametrize("seconds", [20, -20])
def test_clocks_that_are_a_little_apart_are_logged_only(client, apart, caplog, seconds):
    with apart(seconds=seconds):
        answer = client.get("/readyz")

    assert answer.json() == {"ready": True}
    [record] = differs(caplog)
    assert abs(record.ahead_seconds - seconds) < 5


def test_the_database_is_asked_twice_a_minute_at_most(apart, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("tiqqo.core.clocks.time.monotonic", lambda: now[0])
    asked = []
    measure = clocks.measure_difference
    monkeypatch.setattr(clocks, "measure_difference", lambda: asked.append(1) or measure())

    for seconds in (0, 29, 31, 45, 62):
        now[0] = 1000.0 + seconds
        clock_difference()

    assert len(asked) == 3
