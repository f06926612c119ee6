"""`bin/backup FOLDER`: one consistent copy of everything that must be saved.

The database as pg_dump writes it, the files of MEDIA_ROOT, and a manifest that says what they hold.
Database and counts are of one moment; files that came later may be in it, too, and do no harm.
"""

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import psycopg
from django.conf import settings
from psycopg import Connection, IsolationLevel

from tiqqo.core.sealing import CLEAR, keys_in_use
from tiqqo.operating import media, programs, schema
from tiqqo.operating.errors import Stopped
from tiqqo.operating.manifest import (
    DATABASE,
    FORMAT,
    MEDIA,
    Manifest,
    code_version,
    fingerprint,
    sha256,
)

NOT_INSIDE = """Not in it, and needed beside it:
  SECRET_KEY, ENCRYPTION_KEYS and the other variables: keep them where the backup is not (a password
  safe). Whoever has both has every secret; whoever has lost the keys can sign no ticket.
  Redis: nothing; it holds what may be lost."""
HOW_TO_MAKE_ROLE = """Make a role that may, once, as a superuser, and set BACKUP_DATABASE_URL to its address:
  CREATE ROLE tiqqo_backup LOGIN BYPASSRLS PASSWORD '…' IN ROLE pg_read_all_data;"""


def main(arguments: list[str] | None = None) -> int:
    """0 when the backup is complete."""
    parser = argparse.ArgumentParser(prog="bin/backup", description=__doc__)
    parser.add_argument("folder", type=Path, help="is made; must not be there yet")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")
    django.setup()
    try:
        manifest = back_up(options.folder)
    except Stopped as stopped:
        print(f"No backup was made. {stopped}", file=sys.stderr)
        return 1
    rows = sum(manifest.rows.values())
    print(f"{options.folder}: {rows} rows in {len(manifest.rows)} tables,", end=" ")
    print(f"{manifest.media_files} files, code {manifest.version}")
    print(NOT_INSIDE)
    return 0


def back_up(folder: Path) -> Manifest:
    """The folder is a complete backup, or is not there and Stopped was raised."""
    if folder.exists():
        raise Stopped(f"{folder} is there already: name another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.parent / f".{folder.name}.unfinished-{os.getpid()}"
    unfinished.mkdir(mode=0o700)
    try:
        manifest = _fill(unfinished)
        manifest.write(unfinished)
        _sync(unfinished)
        unfinished.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        raise Stopped(f"Writing failed: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def _fill(folder: Path) -> Manifest:
    address = backup_address()
    made_at = datetime.now(UTC)
    with connected(address) as connection:
        programs.check_version("pg_dump", connection.info.server_version)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        rows = schema.row_counts(connection)
        migrations = applied_migrations(connection)
        postgresql = connection.info.parameter_status("server_version") or ""
        # pg_dump looks at the very moment at which we counted.
        [snapshot] = connection.execute("SELECT pg_export_snapshot()").fetchone() or [""]
        programs.run(
            "pg_dump",
            "--format=custom",
            "--schema=public",
            f"--snapshot={snapshot}",
            f"--file={folder / DATABASE}",
            address=address,
        )
    media_files = media.pack(Path(settings.MEDIA_ROOT), folder / MEDIA)
    return Manifest(
        format=FORMAT,
        made_at=made_at.isoformat(timespec="seconds"),
        version=code_version(settings.ROOT),
        postgresql=postgresql,
        migrations=migrations,
        rows=rows,
        media_files=media_files,
        secret_key=fingerprint(settings.SECRET_KEY),
        encryption_keys=sorted({key for _place, key in keys_in_use()} - {CLEAR}),
        files={name: sha256(folder / name) for name in (DATABASE, MEDIA)},
    )


def backup_address() -> str:
    """BACKUP_DATABASE_URL. Raises Stopped without it."""
    address = os.environ.get("BACKUP_DATABASE_URL")
    if not address:
        raise Stopped(
            "Row-level security hides rows from the application's role, so a backup needs another. "
            f"{HOW_TO_MAKE_ROLE}"
        )
    return address


def connected(address: str) -> Connection[Any]:
    """A connection as a role that sees every row. Raises Stopped."""
    try:
        connection = psycopg.connect(address, connect_timeout=10)
    except psycopg.Error as error:
        raise Stopped(f"The database of BACKUP_DATABASE_URL does not answer: {error}") from None
    connection.autocommit = True
    [sees_all] = connection.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone() or [False]
    connection.autocommit = False
    if not sees_all:
        connection.close()
        raise Stopped(
            f"The role of BACKUP_DATABASE_URL does not see every organiser's rows. {HOW_TO_MAKE_ROLE}"
        )
    return connection


def applied_migrations(connection: Connection[Any]) -> list[str]:
    """`app.name` of each migration that was applied, in order. Raises Stopped in a foreign database."""
    try:
        applied = connection.execute("SELECT app, name FROM django_migrations ORDER BY id")
        return [f"{app}.{name}" for app, name in applied]
    except psycopg.errors.UndefinedTable:
        raise Stopped(
            "This database holds no Tiqqo: has `manage.py migrate` run, and do DATABASE_URL and "
            "BACKUP_DATABASE_URL name the same database?"
        ) from None


def _sync(folder: Path) -> None:
    """What stands in the folder is on the disk, names included."""
    for path in [*folder.iterdir(), folder]:
        if path.is_file() or path == folder:
            opened = os.open(path, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)


if __name__ == "__main__":
    sys.exit(main())
