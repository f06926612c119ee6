"""`bin/chaos`: makes faults in the product as it runs in production, and looks at the books afterwards.

Each experiment warms up for some seconds, fails for some, and recovers, while people buy and others look, scan and
sign in. When all work is done, orders, tickets, mails, payments, refunds, ledger and stock are compared with what
buyers were shown, the mail server received and the payment provider has. Exit code 1 when anything was lost, doubled
or moved wrongly, or an experiment could not be made.
"""

import argparse
import sys
import time
from urllib.error import HTTPError

import psycopg

from devtools.bench import machine
from devtools.chaos.faults import CONTROL, EXPERIMENTS
from devtools.chaos.installation import Installation, forget_earlier_runs
from devtools.chaos.provider import NotPresent
from devtools.chaos.report import details, table, write_down
from devtools.chaos.traffic import GaveUp
from devtools.chaos.trial import Experiment, Runner, Timing, Trial
from devtools.folder_locks import Claimed
from devtools.paths import REPOSITORY, VAR
from devtools.postgres_location import CannotPlace
from devtools.services import CannotStart
from devtools.stack import NotReady
from devtools.supervisor import ChildEnded, StopRequested, stop_signals_raise

HOME = VAR / "chaos"
PAGE = REPOSITORY / "docs" / "reliability.md"
MOST_SECONDS = 25 * 60
# For work that lapses late, after the last experiment.
FINISH_SECONDS = 240.0
CANNOT_BE_MADE = (NotPresent, NotReady, GaveUp, psycopg.Error, HTTPError, TimeoutError)
BROKEN = (Claimed, CannotPlace, CannotStart, NotReady, ChildEnded, OSError)


def main(arguments: list[str]) -> int:
    """0 when nothing was lost, doubled or moved wrongly in any experiment."""
    asked = _parse(arguments)
    if asked.list:
        for one in EXPERIMENTS.values():
            print(f"{one.name:<28} {one.what}")
        return 0
    names = dict.fromkeys([CONTROL, *(asked.experiment or EXPERIMENTS)])
    experiments = [EXPERIMENTS[name] for name in names]
    began = time.monotonic()
    with stop_signals_raise():
        try:
            trials = _make(experiments, asked)
        except BROKEN as error:
            _say(f"bin/chaos: {type(error).__name__}: {error}")
            return 1
        except StopRequested:
            return 130
    print(table(trials))
    print(details(trials))
    _say(f"bin/chaos: {len(trials)} experiments in {time.monotonic() - began:.0f} s")
    if asked.write:
        write_down(PAGE, trials, about=machine.description(), rate=asked.rate)
    is_complete = len(trials) == len(experiments)
    return 1 if any(trial.has_failed for trial in trials) or not is_complete else 0


def _make(experiments: list[Experiment], asked: argparse.Namespace) -> list[Trial]:
    forget_earlier_runs(HOME)
    deadline = time.monotonic() + asked.minutes * 60
    with Installation(HOME, say=_say) as installation:
        runner = Runner(
            installation,
            timing=Timing(fault=asked.scale),
            purchases_a_second=asked.rate,
        )
        sales = installation.seed([one.name for one in experiments])
        trials: list[Trial] = []
        for experiment in experiments:
            if time.monotonic() > deadline - FINISH_SECONDS:
                _say(f"{experiment.name}: time is up, not made")
                continue
            _say(f"{experiment.name} …")
            try:
                trial = runner.run(experiment, sales[experiment.name])
            except CANNOT_BE_MADE as error:
                trial = Trial(experiment, sales[experiment.name], error=_first_line(error))
            trials.append(trial)
            if not trial.error:
                runner.judge(trial)
            _say(f"  {details([trial])}")
        left = runner.finish(
            within_seconds=min(FINISH_SECONDS, max(deadline - time.monotonic(), 1))
        )
        _say(f"left undone: {left}")
        made = [trial for trial in trials if not trial.error]
        for trial in made:
            runner.judge(trial)
        runner.recount(made)
    return trials


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", nargs="*", help="names of experiments; all if none is named")
    parser.add_argument("--list", action="store_true", help="name the experiments and end")
    parser.add_argument(
        "--write", action="store_true", help=f"put the table into {PAGE.relative_to(REPOSITORY)}"
    )
    parser.add_argument("--rate", type=float, default=4.0, help="purchases a second (4)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="how long faults last, times this (1)"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=MOST_SECONDS / 60,
        help="begin no experiment after that (25)",
    )
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.experiment) - set(EXPERIMENTS)):
        parser.error(f"there is no experiment {', '.join(unknown)}; see --list")
    if asked.rate <= 0 or asked.scale <= 0 or asked.minutes <= 0:
        parser.error("--rate, --scale and --minutes must be more than nothing")
    return asked


def _first_line(error: Exception) -> str:
    said = f"{type(error).__name__}: {error}".strip()
    _say(said)
    return said.splitlines()[0]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
