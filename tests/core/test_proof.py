"""Work and waiting as proof: counted once, for one thing, and not when it is made up."""

import json
from datetime import timedelta

import altcha
import pytest
import time_machine

from tiqqo.core import clock, proof


@pytest.fixture(autouse=True)
def _on(settings, monkeypatch):
    settings.LIMITS = {}
    monkeypatch.setattr(proof, "COST", 5)


def solved(work):
    challenge = altcha.Challenge.from_dict(json.loads(work))
    return altcha.Payload(challenge, altcha.solve_challenge(challenge)).to_base64()


def test_work_counts_once_and_for_its_thing_only():
    solution = solved(proof.work_for("7"))

    assert not proof.has_worked(solution, "8")
    assert proof.has_worked(solution, "7")
    assert not proof.has_worked(solution, "7")


def test_work_that_is_late_counts_no_more():
    solution = solved(proof.work_for("7"))

    with time_machine.travel(clock.now() + proof.GOOD_FOR + timedelta(seconds=1)):
        assert not proof.has_worked(solution, "7")


@pytest.mark.parametrize(
    "made_up",
    ["", "x", "e30=", "bnVsbA==", "W10=", "/" * 100_000, "eyJjaGFsbGVuZ2UiOiB7fX0=", "\x00", "💣"],
)
def test_what_is_no_solution_is_no_error(made_up):
    assert not proof.has_worked(made_up, "7")


def test_a_challenge_of_somebody_elses_making_does_not_count():
    theirs = altcha.create_challenge(
        proof.ALGORITHM, 5, data={"for": "7"}, hmac_secret="not ours"
    ).to_dict()

    assert not proof.has_worked(solved(json.dumps(theirs)), "7")


def test_waiting_counts_after_a_while_once_and_seldom():
    words = [proof.wait_for("7") for _ in range(6)]
    client = f"client {words[0]}"

    assert not proof.has_waited(words[0], "7", client)
    with time_machine.travel(clock.now() + timedelta(seconds=proof.WAIT_SECONDS + 2)):
        assert not proof.has_waited(words[0], "8", client)
        assert [proof.has_waited(word, "7", client) for word in words[1:]] == [
            True,
            True,
            True,
            False,
            False,
        ]
        assert not proof.has_waited(words[1], "7", f"another {words[0]}")
        assert not proof.has_waited("made up", "7", client)
