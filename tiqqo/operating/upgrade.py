"""`bin/upgrade`: the steps of an upgrade in order, with the new code in place and the old one serving.

Checks the environment, backs up, migrates, collects static files, checks, and restarts by
RESTART_COMMAND or says what to restart. It ends at the first step that fails, and says what to do.
"""

import argparse
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import django
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tiqqo.core.postgres.roles import as_owner
from tiqqo.operating import programs, static_files
from tiqqo.operating.backup import back_up, backup_address, connected
from tiqqo.operating.errors import Stopped

NEEDED = ("BASE_URL", "DATABASE_URL", "MAIL_FROM", "REDIS_URL", "SECRET_KEY")
FOR_CARDS = ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET")
READY_SECONDS = 120
ALWAYS, WHEN_MIGRATING, NEVER = "always", "when-migrating", "never"
WHAT_TO_RESTART = """Restart now, in this order, each when the one before answers:
  1. web: one process after the other, where there are several; {ready} answers 200
  2. worker, documents: they finish what they do (up to a minute) before they end
  3. beat: exactly one
Until then the old code serves on the new schema, which it is made to do."""


def main(arguments: list[str] | None = None) -> int:
    """0 when every step has succeeded."""
    options = _parse(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")
    try:
        may_save = options.backup != NEVER
        _step("environment", lambda: check_environment(os.environ, is_saved=may_save))
        # As the owner: an application that just got a role of its own has no privileges yet.
        with as_owner(connection):
            _step("backup", lambda: save(options.backup, options.backups))
        _step("migrations", migrate)
        _step("static files", collect_static_files)
        _step("checks", check_deployment)
        if options.restart:
            _step("restart", lambda: restart(options.ready_url or f"{settings.BASE_URL}/readyz"))
    except Stopped as stopped:
        print(f"\nStopped. {stopped}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/upgrade", description=__doc__)
    parser.add_argument(
        "--backup",
        choices=[ALWAYS, WHEN_MIGRATING, NEVER],
        default=ALWAYS,
        help="when to save everything before (always)",
    )
    parser.add_argument(
        "--no-backup",
        dest="backup",
        action="store_const",
        const=NEVER,
        help="there is one of just now: the same as --backup=never",
    )
    parser.add_argument(
        "--backups",
        type=Path,
        metavar="FOLDER",
        help="where the backup goes, in a folder of its own (VAR_DIR/backups)",
    )
    parser.add_argument(
        "--no-restart",
        dest="restart",
        action="store_false",
        help="something else restarts, such as Compose",
    )
    parser.add_argument(
        "--ready-url",
        metavar="URL",
        help="where to ask whether web is ready (BASE_URL/readyz)",
    )
    return parser.parse_args(arguments)


def _step(name: str, work: Callable[[], str]) -> None:
    began = time.monotonic()
    print(f"== {name}", flush=True)
    said = work()
    print(f"{said}\n   {name}: done in {time.monotonic() - began:.1f} s", flush=True)


# The steps ----------------------------------------------------------------------------------


def check_environment(environment: Mapping[str, str], *, is_saved: bool) -> str:
    """Everything is set and answers that the later steps and the product need; else Stopped."""
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        raise Stopped(f"Not set: {', '.join(missing)}. docs/operations.md says what they are.")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise Stopped(str(error)) from None
    if settings.DEBUG or settings.MAIL_VIEWER:
        raise Stopped("DEBUG and MAIL_VIEWER are for developers: unset them.")
    try:
        connection.ensure_connection()
        with as_owner(connection):
            connection.ensure_connection()
    except DatabaseError as error:
        raise Stopped(f"The database does not answer: {error}") from None
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        raise Stopped(f"Redis does not answer: {error}") from None
    for folder in (Path(settings.STATIC_ROOT), Path(settings.MEDIA_ROOT)):
        _check_writable(folder)
    if is_saved:
        with connected(backup_address()) as backup_connection:
            programs.check_version("pg_dump", backup_connection.info.server_version)
    without = [name for name in FOR_CARDS if not environment.get(name)]
    return f"   cards cannot be taken without {', '.join(without)}" if without else "   complete"


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Stopped(f"{folder} cannot be written to: {error.strerror}.") from None


def save(when: str, backups: Path | None) -> str:
    """There is a backup to go back to, where one was wanted and there is anything to save."""
    if when == NEVER:
        return "   none, as asked"
    if not connection.introspection.table_names():
        return "   none: the database is empty"
    if when == WHEN_MIGRATING and not _are_migrations_missing():
        return "   none: no migration changes the data"
    folder = (backups or Path(settings.VAR_DIR) / "backups") / (
        f"upgrade-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    )
    back_up(folder)
    return f"   {folder}\n   To go back: bin/restore --replace there, with the code of before."


def _are_migrations_missing() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate() -> str:
    """The schema is this code's. The plan was shown before."""
    try:
        call_command("migrate", plan=True)
        call_command("migrate", interactive=False)
    except (CommandError, DatabaseError) as error:
        raise Stopped(
            f"Migrating failed: {error}\nEach migration that is listed with OK stays applied, the one "
            "that failed changed nothing, and the old code goes on serving. Mend the cause, then run "
            "bin/upgrade again; or restore the backup."
        ) from error
    return ""


def collect_static_files() -> str:
    """This release's files are there, and those of the releases before for a while."""
    static_root = Path(settings.STATIC_ROOT)
    static_files.remember_manifest(static_root)
    try:
        call_command("collectstatic", interactive=False, verbosity=0)
    except (CommandError, OSError) as error:
        raise Stopped(f"Collecting static files failed: {error}") from error
    static_files.remember_manifest(static_root)
    removed = static_files.remove_outdated(static_root)
    return f"   in {static_root}; {len(removed)} files of long ago were removed"


def check_deployment() -> str:
    """`manage.py check --deploy` finds no error; warnings are shown."""
    try:
        call_command("check", deploy=True, databases=["default"], fail_level="ERROR")
    except SystemCheckError as error:
        raise Stopped(
            f"{error}\nThe schema is new, nothing was restarted: the old code serves. Mend this first."
        ) from None
    return ""


def restart(ready_url: str) -> str:
    """The new code serves; or it is said what to restart, where RESTART_COMMAND is not set."""
    command = os.environ.get("RESTART_COMMAND")
    if not command:
        return WHAT_TO_RESTART.format(ready=ready_url)
    # The operator's own command line, as a shell reads it.
    done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise Stopped(f"RESTART_COMMAND ended with code {done.returncode}: {command}")
    wait_until_ready(ready_url, seconds=READY_SECONDS)
    return f"   {ready_url} answers 200"


def wait_until_ready(url: str, *, seconds: float) -> None:
    """The address answered 200. Raises Stopped when it did not in that time."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Stopped(f"{url} is no web address.")
    deadline, seen = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  its scheme is checked
                if answer.status == 200:  # noqa: PLR2004
                    return
        except urllib.error.HTTPError as error:
            seen = f"{error.code} {error.read(500).decode(errors='replace')}"
        except OSError as error:
            seen = str(error)
        time.sleep(0.5)
    raise Stopped(
        f"{url} is not ready after {seconds:.0f} s: {seen}\nLook at the log of web. To go back, start "
        "the code of before: it can live with the new schema."
    )


if __name__ == "__main__":
    sys.exit(main())
