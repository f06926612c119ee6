"""`bin/test`: pytest with a PostgreSQL and a Redis of its own."""

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.claims import Claim, Claimed
from devtools.environment import isolated_environment
from devtools.paths import REPOSITORY, VAR
from devtools.processes import run_in_foreground
from devtools.remembered import remembered_secret
from devtools.services import Services
from devtools.supervisor import stop_signals_raise

DEFAULTS = ("-n", "2", "--dist", "loadgroup")


def main(arguments: list[str]) -> int:
    """The exit code of pytest."""
    began = time.monotonic()
    with stop_signals_raise(), test_folder() as folder, Services(folder, durable=False) as services:
        code = run_in_foreground(
            [sys.executable, "-m", "pytest", *DEFAULTS, *arguments],
            cwd=REPOSITORY,
            env=test_environment(folder, services),
        )
    print(f"bin/test: {time.monotonic() - began:.1f} s with services", flush=True)
    return code


@contextmanager
def test_folder() -> Iterator[Path]:
    """A folder that no other run uses now; kept, so that the next run finds a database in it."""
    for number in itertools.count(1):
        folder = VAR / "test" / str(number)
        claim = Claim(folder / "run" / "tests.lock")
        try:
            claim.take(f"tests of process {os.getpid()}")
        except Claimed:
            continue
        try:
            yield folder
        finally:
            claim.release()
        return


def test_environment(folder: Path, services: Services) -> dict[str, str]:
    """What the tests need to know."""
    return {
        **isolated_environment(),
        **services.environment,
        "SECRET_KEY": remembered_secret(folder / "secrets" / "secret_key"),
        "VAR_DIR": str(folder),
        "DEBUG": "0",
        "TIQQO_TEST": "1",
        "PYTHONUNBUFFERED": "1",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
