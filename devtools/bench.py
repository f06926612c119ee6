"""`bin/bench`: measures a production-like stack over HTTP and prints one JSON object per scenario.

PostgreSQL keeps its data safe as in production (fsync on), DEBUG is off, two web processes with
four threads each and a Celery worker run; the clients are a process of their own.
"""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable

from devtools.bench_client import Load, Result, run_load
from devtools.claims import Claimed
from devtools.paths import VAR
from devtools.services import CannotStart
from devtools.stack import NotReady, Plan, Stack
from devtools.supervisor import ChildEnded, StopRequested, stop_signals_raise

Scenario = Callable[[Stack, float], Result]


def shop(stack: Stack, seconds: float) -> Result:
    """Eight strangers look at the page of an event, again and again."""
    path = stack.manage("demo", "--print-shop").split()[-1]
    return measure(Load(stack.base_url, path, clients=8, seconds=seconds))


SCENARIOS: dict[str, Scenario] = {"shop": shop}


def main(arguments: list[str]) -> int:
    """0 when every scenario was measured without an error."""
    options = _parse(arguments)
    plan = Plan(
        var_dir=VAR / "bench",
        debug=False,
        web_workers=2,
        web_threads=4,
        demo=True,
        demo_scale=options.scale,
        environment={
            # Demo data and their mail are made though DEBUG is off; nothing is sent.
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        },
    )
    with stop_signals_raise():
        try:
            with Stack(plan, report=_complain) as stack:
                failed = False
                for name in options.scenario or SCENARIOS:
                    result = SCENARIOS[name](stack, options.seconds)
                    stack.check()
                    print(json.dumps({"scenario": name, **result.figures()}), flush=True)
                    failed = failed or result.errors > 0
        except (Claimed, CannotStart, NotReady, ChildEnded) as error:
            _complain(f"bin/bench: {error}")
            return 1
        except StopRequested:
            return 130
    return 1 if failed else 0


def measure(load: Load) -> Result:
    """The load, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run_load, (load,))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument(
        "scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all if none is named"
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long each scenario is driven"
    )
    parser.add_argument(
        "--scale", type=int, default=1, help="how much demo data an empty database gets"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.scenario) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    return options


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
