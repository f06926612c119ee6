"""`bin/ci`: everything that must hold before a change goes in, as a list of named steps.

`bin/ci NAME…` runs only those steps.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from devtools.environment import isolated_environment
from devtools.paths import REPOSITORY
from devtools.run_tests import test_environment, test_folder
from devtools.services import Services
from devtools.supervisor import say, stop_signals_raise

PRODUCTION = {
    "DEBUG": "0",
    "TIQQO_TEST": "0",
    "BASE_URL": "https://tickets.example.com",
    "ALLOWED_HOSTS": "tickets.example.com",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "STRIPE_API_KEY": "sk_live_only_checked_never_used",
    "STRIPE_WEBHOOK_SECRET": "whsec_only_checked_never_used",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A command that must succeed."""

    name: str
    argv: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_shown: bool = False
    """Its output is shown as it comes, not only when it fails."""
    is_alone: bool = False
    """It brings its own services and environment."""


def python(*arguments: str) -> list[str]:
    """The command of a Python module in our environment."""
    return [sys.executable, "-m", *arguments]


def manage(*arguments: str) -> list[str]:
    """A command of manage.py."""
    return [sys.executable, "manage.py", *arguments]


# import-linter has no __main__, and its console script breaks on a path with a space.
LAYERS = "from importlinter.cli import lint_imports_command as check; check()"
# The check asks for collected static files.
DEPLOYMENT = [
    ["collectstatic", "--no-input", "--verbosity=0"],
    ["check", "--deploy", "--fail-level=WARNING"],
]

STEPS = [
    Step("format", python("ruff", "format", "--check", ".")),
    Step("lint", python("ruff", "check", ".")),
    Step("types", python("mypy")),
    Step("layers", [sys.executable, "-c", LAYERS]),
    Step("templates", python("djlint", "templates", "--lint", "--quiet")),
    Step("messages", python("devtools.messages", "--check")),
    Step("lock", python("devtools.lock_check")),
    Step("migrations-complete", manage("makemigrations", "--check", "--dry-run")),
    Step(
        "migrations-reverse",
        python("devtools.migrations_check"),
        {"STRIPE_API_KEY": "sk_test_only_named_never_used"},
    ),
    Step("previous-release", python("devtools.previous_release"), is_shown=True, is_alone=True),
    Step("restore-drill", python("devtools.restore_drill")),
    Step("deploy-check", python("devtools.prepare", json.dumps(DEPLOYMENT)), PRODUCTION),
    Step("tests", ["bin/test"], is_shown=True, is_alone=True),
]


def main(names: list[str]) -> int:
    """0 when every step succeeded."""
    unknown = set(names) - {step.name for step in STEPS}
    if unknown:
        say(f"There is no step {', '.join(sorted(unknown))}: {', '.join(s.name for s in STEPS)}")
        return 2
    chosen = [step for step in STEPS if not names or step.name in names]

    began = time.monotonic()
    with stop_signals_raise(), test_folder() as folder, Services(folder, durable=False) as services:
        environment = test_environment(folder, services)
        failed = [step.name for step in chosen if not succeeds(step, environment)]
    say(f"\n{len(chosen)} steps in {time.monotonic() - began:.1f} s")
    if failed:
        say(f"FAILED: {', '.join(failed)}")
    say(f"steps: {len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def succeeds(step: Step, environment: Mapping[str, str]) -> bool:
    """Runs the step and says how it went."""
    if step.is_shown:
        say(f"{step.name} …")
    began = time.monotonic()
    done = subprocess.run(
        step.argv,
        cwd=REPOSITORY,
        env=isolated_environment() if step.is_alone else {**environment, **step.environment},
        stdin=subprocess.DEVNULL,
        stdout=None if step.is_shown else subprocess.PIPE,
        stderr=None if step.is_shown else subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    ok = done.returncode == 0
    say(f"{step.name:<20} {'OK    ' if ok else 'FAILED'} {time.monotonic() - began:6.1f} s")
    if not ok and done.stdout:
        say(done.stdout.rstrip())
        say(f"--- {step.name} failed: {' '.join(step.argv).replace(sys.executable, 'python')}")
    return ok


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    sys.exit(main(sys.argv[1:]))
