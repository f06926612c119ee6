"""`bin/test`: pytest with a PostgreSQL and a Redis of its own."""

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.environment import isolated_environment
from devtools.folder_locks import Claim, Claimed
from devtools.paths import REPOSITORY, VAR
from devtools.processes import run_in_foreground
from devtools.services import Services
from devtools.supervisor import stop_signals_raise
from devtools.var_files import remembered_secret

BROWSER = "tests/browser"
CHAOS = "tests/chaos"
ALONE = (BROWSER, CHAOS)
IN_PARALLEL = ("-n", "2", "--dist", "loadgroup")
NO_TESTS_COLLECTED = 5


def main(arguments: list[str]) -> int:
    """The exit code of pytest: of the first run that failed, else of the last."""
    began = time.monotonic()
    with stop_signals_raise(), test_folder() as folder, Services(folder, durable=False) as services:
        environment = test_environment(folder, services)
        codes = [
            run_in_foreground(
                [sys.executable, "-m", "pytest", *run], cwd=REPOSITORY, env=environment
            )
            for run in runs(arguments)
        ]
    print(f"bin/test: {time.monotonic() - began:.1f} s with services", flush=True)
    failed = [code for code in codes if code not in (0, NO_TESTS_COLLECTED)]
    return failed[0] if failed else min(codes)


def runs(arguments: list[str]) -> list[list[str]]:
    """What pytest is called with: as asked where paths are named, else everything.

    The browser tests have a process of their own: the event loop that drives the browser would stand
    in the way of every database test after them. They use both cores by the product that they start.
    So do the fault experiments, which moreover kill what they have started.
    """
    named = [a for a in arguments if (REPOSITORY / a.partition("::")[0]).exists()]
    if not named:
        apart = [[folder, "-n", "0", *arguments] for folder in ALONE]
        return [[*IN_PARALLEL, *(f"--ignore={folder}" for folder in ALONE), *arguments], *apart]
    options = [argument for argument in arguments if argument not in named]
    by_folder = {
        folder: [path for path in named if Path(path).is_relative_to(folder)] for folder in ALONE
    }
    elsewhere = [path for path in named if not any(path in paths for paths in by_folder.values())]
    found = [[*IN_PARALLEL, *elsewhere, *options]] if elsewhere else []
    return found + [["-n", "0", *paths, *options] for paths in by_folder.values() if paths]


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
        "ENCRYPTION_KEYS": remembered_secret(folder / "secrets" / "encryption_key"),
        "VAR_DIR": str(folder),
        "DEBUG": "0",
        "TIQQO_TEST": "1",
        "PYTHONUNBUFFERED": "1",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
