"""`bin/bench`: measures the product as it runs in production and prints one JSON object per scenario.

PostgreSQL keeps its data safe (fsync on), DEBUG is off; two web processes with four threads each, the
Celery workers (one process for money, two for documents and mails) and beat run, mail goes out by SMTP;
the clients are a process of their own. Each run begins with an empty database. Exit code 1 when any answer was an error.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping

from devtools.bench import machine
from devtools.bench.ceiling import NoCeiling
from devtools.bench.http_client import TRUSTED_PROXIES, Garbled
from devtools.bench.load import Unexpected
from devtools.bench.mailbox import Mailbox
from devtools.bench.pages import FormMissing
from devtools.bench.product import NotFinished, Options, Product
from devtools.bench.scenarios import SCENARIOS
from devtools.folder_locks import Claimed
from devtools.paths import VAR
from devtools.postgres_location import CannotPlace
from devtools.processes import LOOPBACK
from devtools.services import CannotStart, EmbeddedPostgres, EmbeddedRedis
from devtools.stack import NotReady, Plan, Stack
from devtools.supervisor import ChildEnded, StopRequested, stop_signals_raise

HOME = VAR / "bench"
STALE = ("beat", "log", "mail", "media", "stripe")
# What keeps the product or its measuring from working.
BROKEN = (
    Claimed, CannotPlace, CannotStart, NotReady, ChildEnded,
    NotFinished, NoCeiling, Unexpected, Garbled, FormMissing, OSError,
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """0 when every scenario was measured without an error."""
    options, names, environment = _parse(arguments)
    _complain(f"bin/bench: {machine.description()}")
    with stop_signals_raise():
        try:
            _forget_earlier_runs()
            return 1 if _measure(options, names, environment) else 0
        except BROKEN as error:
            _complain(f"bin/bench: {type(error).__name__}: {error}")
            return 1
        except StopRequested:
            return 130


def _measure(options: Options, names: list[str], environment: Mapping[str, str]) -> bool:
    """Whether anything answered with an error."""
    failed = False
    with Mailbox() as mailbox:
        plan = Plan(
            var_dir=HOME,
            debug=False,
            web_workers=2,
            web_threads=4,
            environment={
                "EMAIL_HOST": LOOPBACK,
                "EMAIL_PORT": str(mailbox.port),
                **TRUSTED_PROXIES,
                **environment,
            },
        )
        with Stack(plan, report=_complain) as stack:
            product = Product(stack, mailbox, options, _complain)
            try:
                for name in names:
                    product.rest()
                    _complain(f"{name} …")
                    figures = SCENARIOS[name](product)
                    stack.check()
                    print(json.dumps({"scenario": name, **figures}, ensure_ascii=False), flush=True)
                    failed = failed or bool(figures["errors"])
            finally:
                product.close()
    return failed


def _forget_earlier_runs() -> None:
    EmbeddedPostgres(HOME, say=lambda _: None).destroy()
    EmbeddedRedis(HOME, say=lambda _: None).destroy()
    for folder in STALE:
        shutil.rmtree(HOME / folder, ignore_errors=True)


def _parse(arguments: list[str]) -> tuple[Options, list[str], dict[str, str]]:
    parser = argparse.ArgumentParser(
        prog="bin/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all if none is named"
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long a load is driven (10)"
    )
    parser.add_argument("--clients", type=int, help="how many at a time, instead of the usual")
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="sizes of rush, documents and growth, times this: 0.1 for a quick look (1)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable for the product, to compare settings",
    )
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.scenario) - set(SCENARIOS)):
        parser.error(f"there is no scenario {', '.join(unknown)}: {', '.join(SCENARIOS)}")
    if asked.seconds <= 0 or asked.scale <= 0 or (asked.clients is not None and asked.clients < 1):
        parser.error("--seconds, --clients and --scale must be more than nothing")
    if bad := [one for one in asked.set if "=" not in one]:
        parser.error(f"--set takes NAME=VALUE, not {bad[0]}")
    environment = dict(one.split("=", 1) for one in asked.set)
    options = Options(seconds=asked.seconds, clients=asked.clients, scale=asked.scale)
    return options, asked.scenario or list(SCENARIOS), environment


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
