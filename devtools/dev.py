"""`bin/dev`: Tiqqo with demo data on this machine, until Ctrl-C."""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from devtools.folder_locks import Claimed
from devtools.paths import VAR
from devtools.postgres_location import CannotPlace
from devtools.processes import LOOPBACK
from devtools.services import CannotStart, EmbeddedPostgres, EmbeddedRedis
from devtools.stack import NotReady, Plan, Stack
from devtools.supervisor import ChildEnded, StopRequested, say, stop_signals_raise

RESET_FOLDERS = ("media", "mail", "stripe", "beat", "static", "log")


def main(arguments: list[str]) -> int:
    """The exit code: 0 after Ctrl-C, 1 when something ended or could not start."""
    options = _parse(arguments)
    plan = Plan(
        var_dir=VAR,
        host=os.environ.get("HOST", LOOPBACK),
        port=options.port,
        reload=True,
        echo=True,
        isolated=False,
        demo=options.demo,
        demo_scale=options.scale,
    )
    with stop_signals_raise():
        try:
            if options.reset:
                reset(VAR)
            _run(plan)
        except Claimed as claimed:
            say(f"Already running: {claimed.note or claimed.path}")
        except (CannotPlace, CannotStart, NotReady) as error:
            say(f"\nCould not start: {error}")
        except ChildEnded as ended:
            say(f"\n*** {ended} ***\nEverything else was ended too.")
        except StopRequested:
            say("Ended.")
            return 0
    return 1


def _run(plan: Plan) -> None:
    began = float(os.environ.get("TIQQO_BEGAN") or time.time())
    setup_seconds = time.time() - began
    stack = Stack(plan)
    try:
        stack.start()
        _welcome(stack, setup_seconds, time.time() - began)
        stack.wait()
    finally:
        stack.stop()


def _welcome(stack: Stack, setup_seconds: float, total_seconds: float) -> None:
    say("")
    say(f"  Tiqqo          {stack.base_url}/")
    say(f"  Mail           {stack.base_url}/dev/mail/")
    if stack.stripe_port is not None:
        say("  Payments       local Stripe; 4242 4242 4242 4242 succeeds")
    for line in stack.logins.strip().splitlines():
        say(f"  {line}")
    say("")
    say(f"  Ready after {total_seconds:.1f} s (setup {setup_seconds:.1f} s). Ctrl-C ends it all.")
    say("")


def reset(var_dir: Path) -> None:
    """The data of development is gone. Raises Claimed when something still uses it."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        if os.environ.get(name):
            say(f"{name} is set: what it names is left as it is")
    EmbeddedPostgres(var_dir).destroy()
    EmbeddedRedis(var_dir).destroy()
    for folder in RESET_FOLDERS:
        shutil.rmtree(var_dir / folder, ignore_errors=True)
    say(f"Removed the data in {var_dir}")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/dev", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("PORT") or 8000),
        help="8000, or the next free one",
    )
    parser.add_argument(
        "--reset",
        action="store_true",
        help="remove database, redis, media, mail and payments first",
    )
    parser.add_argument(
        "--no-demo", dest="demo", action="store_false", help="start with an empty database"
    )
    parser.add_argument("--scale", type=int, help="how much demo data an empty database gets")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
