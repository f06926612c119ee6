"""The short form of bin/chaos: the product in production form, three kinds of fault, and the books."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.chaos import provider_faults
from devtools.chaos.checks import Harm
from devtools.chaos.installation import CHILDREN, Installation, forget_earlier_runs
from devtools.chaos.proxy import Fault, Kind
from devtools.chaos.trial import Experiment, Runner, Scene, Timing, Trial

SETTLED_SECONDS = 30.0
# Work that waits is none of these: a killed worker's claim lapses later than this test has time for.
HARM = (Harm.LOST, Harm.DOUBLED, Harm.MOVED_WRONGLY)
# As in production, but pages need no collected static files.
ENVIRONMENT = {
    "TIQQO_TEST": "1",
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
}


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    folder = Path(os.environ["VAR_DIR"]) / "chaos"
    forget_earlier_runs(folder)
    with Installation(folder, say=print, environment=ENVIRONMENT) as running:
        yield running


def test_webhook_before_the_answer_then_cut_answers_then_everything_killed(
    installation: Installation,
) -> None:
    def act(scene: Scene) -> None:
        late = Fault(
            Kind.LATE,
            seconds=4.0,
            applies_to=provider_faults.FirstOfEachKey(provider_faults.SESSIONS),
        )
        scene.fail("stripe", late)
        scene.hold(8)
        scene.fail("stripe", Fault(Kind.CUT))
        scene.hold(4)
        scene.heal("stripe")
        scene.installation.kill(*CHILDREN)
        scene.hold(4)

    trial = tried(installation, Experiment("short", "a little of everything", act))

    assert trial.buyers >= 10
    assert len(trial.told) >= trial.buyers // 2
    assert set(trial.restarts) == set(CHILDREN)
    assert any(one.order_code for one in installation.provider.books().taken)
    assert [str(one) for one in trial.findings if one.harm in HARM] == []


def tried(installation: Installation, experiment: Experiment) -> Trial:
    """The experiment was made and judged."""
    [sale] = installation.seed([experiment.name]).values()
    timing = Timing(warm_up=2.0, after=1.0, recovery=20.0, leaving=15.0, quiet=0.0)
    runner = Runner(installation, timing=timing, purchases_a_second=2.0)
    trial = runner.run(experiment, sale)
    installation.wait(SETTLED_SECONDS, until=installation.is_money_settled, every=1.0)
    runner.judge(trial)
    runner.recount([trial])
    return trial
