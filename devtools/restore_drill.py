"""A backup of the demo is restored beside it, and nothing differs; a damaged one is refused.

Works on databases of its own beside the one that DATABASE_URL names; `bin/ci` runs it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from devtools.paths import REPOSITORY
from devtools.scratch import scratch_database
from tiqqo.operating import schema
from tiqqo.operating.restore import ID_JUMP

NAMES = ("tiqqo_drill_before", "tiqqo_drill_after")
IDS = """
SELECT sequencename, coalesce(last_value, start_value) FROM pg_sequences
 WHERE schemaname = 'public'
"""


def main() -> int:
    """0 when the restored database and files are the saved ones."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiqqo-drill-")))
        before, after = (
            Place(folder / name, stack.enter_context(scratch_database(name))) for name in NAMES
        )
        problems = drill(before, after, folder / "backup")
    for problem in problems:
        print(problem)
    print(f"restore drill: {len(problems)} problems, {time.monotonic() - began:.1f} s")
    return 1 if problems else 0


class Place:
    """A database and a folder for files, and Tiqqo's commands on them."""

    def __init__(self, folder: Path, addresses: Mapping[str, str]) -> None:
        self.address = addresses["DATABASE_URL"]
        self.owner_address = addresses["OWNER_DATABASE_URL"]
        self.media = folder / "media"
        self.environment = {
            **os.environ,
            **addresses,
            "MEDIA_ROOT": str(self.media),
            # The demo sells by card and never calls the provider.
            "STRIPE_API_KEY": "sk_test_only_named_never_used",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A Python program in the repository."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *arguments: str) -> str:
        """What a program said that had to succeed."""
        done = self.run(*arguments)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def backup(self, folder: Path) -> None:
        """The folder is a backup of it."""
        self.must("-m", "tiqqo.operating.backup", str(folder))

    def restore(self, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """What the restore said, and how it ended."""
        return self.run("-m", "tiqqo.operating.restore", str(folder), *options)

    def look(self) -> "Content":
        """Everything that it holds."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            schema.see_all_rows(connection)
            return Content(connection, self.media)


class Content:
    """Schema, rows, numbers and files."""

    def __init__(self, connection: psycopg.Connection[Any], media: Path) -> None:
        self.schema = schema.schema(connection)
        self.rows = schema.table_rows(connection)
        self.ids = dict(connection.execute(IDS).fetchall())
        self.files = {
            str(path.relative_to(media)): path.read_bytes()
            for path in media.rglob("*")
            if path.is_file()
        }


def drill(before: Place, after: Place, backup: Path) -> list[str]:
    """A sentence for everything that is not as it was, or should have been refused and was not."""
    before.must("manage.py", "migrate", "--no-input", "--verbosity=0")
    before.must("manage.py", "demo")
    for name in ("public/organisers/logo.png", "private/tickets/a name with ü.pdf"):
        path = before.media / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(5000))
    saved = before.look()
    before.backup(backup)

    damaged = backup.with_name("damaged")
    shutil.copytree(backup, damaged)
    with (damaged / "database.dump").open("r+b") as dump:
        dump.seek(-1000, os.SEEK_END)
        dump.write(bytes(8))
    refused = after.restore(damaged)
    problems = []
    if refused.returncode == 0 or after.look().rows:
        problems.append("a damaged backup was restored")

    restored = after.restore(backup)
    print(restored.stdout.partition("Next:")[0].rstrip())
    if restored.returncode != 0:
        return [*problems, f"the restore failed: {restored.stdout}{restored.stderr}"]
    return [*problems, *differences(saved, after.look())]


def differences(saved: Content, restored: Content) -> list[str]:
    """A sentence for each thing that is not as it was."""
    problems = [f"schema: {' | '.join(row)}" for row in sorted(saved.schema ^ restored.schema)]
    problems += [
        f"{table}: {restored.rows.get(table)} instead of {saved.rows.get(table)}"
        for table in sorted(saved.rows.keys() | restored.rows.keys())
        if saved.rows.get(table) != restored.rows.get(table)
    ]
    problems += [
        f"{sequence} goes on at {restored.ids.get(sequence)} after {reached}"
        for sequence, reached in sorted(saved.ids.items())
        if restored.ids.get(sequence, 0) < reached + ID_JUMP
    ]
    if saved.files != restored.files:
        problems.append(f"files: {sorted(restored.files)} instead of {sorted(saved.files)}")
    if not saved.files or sum(rows.count for rows in saved.rows.values()) < 1000:
        problems.append("there was too little to restore to say anything")
    return problems


if __name__ == "__main__":
    sys.exit(main())
