"""`bin/restore FOLDER`: what bin/backup saved is there again, and was looked over.

The manifest and its hashes are checked before anything is changed, and the database is filled in
one transaction. Ids that were given after the backup was made are known elsewhere (the payment
provider, mails, printed tickets), so every sequence goes on well beyond them.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import connection as django_connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from tiqqo.core import sealed
from tiqqo.core.postgres.roles import application_role, as_owner, grant_to_application
from tiqqo.operating import media, programs, schema
from tiqqo.operating.errors import Stopped
from tiqqo.operating.manifest import DATABASE, MEDIA, Manifest, is_of_key, verify

ID_JUMP = 1_000_000
NEXT = """Next:
  1. Empty Redis (redis-cli FLUSHDB): its messages and pages speak of what came after the backup.
  2. Start web, workers, beat.
  3. manage.py reconcile_payments: what the provider was paid since then, compared with what is here.
  4. Invoices sent after the backup are gone and their numbers will be given again: see the manual."""
# What would be lost is listed before it is dropped, and the extensions' own things stay.
OURS = """
SELECT format('DROP TABLE IF EXISTS public.%I CASCADE;', relname)
  FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
UNION ALL
SELECT format('DROP SEQUENCE IF EXISTS public.%I CASCADE;', relname)
  FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'a', 'i'))
UNION ALL
SELECT format('DROP ROUTINE IF EXISTS %s CASCADE;', p.oid::regprocedure)
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
JUMP = """
DO $$
DECLARE
    found record;
    target bigint;
BEGIN
    FOR found IN SELECT schemaname, sequencename, start_value, max_value,
                        coalesce(last_value, start_value) AS reached
                   FROM pg_catalog.pg_sequences WHERE schemaname = 'public'
    LOOP
        target := ((found.reached + {jump}) / {jump} + 1) * {jump};
        IF target > found.max_value THEN
            RAISE EXCEPTION 'the sequence % has no room for a jump to %: choose a smaller --id-jump',
                found.sequencename, target;
        END IF;
        PERFORM pg_catalog.setval(
            pg_catalog.format('%I.%I', found.schemaname, found.sequencename)::regclass, target);
    END LOOP;
END $$;
"""
UNBALANCED = """
SELECT count(*) FROM (SELECT FROM payouts_posting GROUP BY entry_id, currency
                      HAVING sum(amount_minor) <> 0) AS unbalanced
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at after a restore."""

    name: str
    is_good: bool
    words: str


def main(arguments: list[str] | None = None) -> int:
    """0 when everything is back and every check agrees."""
    parser = argparse.ArgumentParser(prog="bin/restore", description=__doc__)
    parser.add_argument("folder", type=Path, help="a backup that bin/backup made")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="drop what the database holds; files in MEDIA_ROOT are moved aside",
    )
    parser.add_argument(
        "--id-jump",
        type=int,
        default=ID_JUMP,
        metavar="N",
        help=f"more ids than were given between backup and crash ({ID_JUMP})",
    )
    parser.add_argument(
        "--other-secret-key",
        action="store_true",
        help="the backup's SECRET_KEY is lost: restore with another, everybody signs in anew",
    )
    parser.add_argument(
        "--lost-encryption-keys",
        action="store_true",
        help="a key that sealed secrets of the backup is lost: restore all the same, without them",
    )
    options = parser.parse_args(arguments)
    if options.id_jump < 1:
        parser.error("--id-jump must be at least 1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")
    django.setup()
    try:
        findings = restore(
            options.folder,
            is_replacing=options.replace,
            id_jump=options.id_jump,
            allows_other_key=options.other_secret_key,
            allows_lost_keys=options.lost_encryption_keys,
        )
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return 1
    for finding in findings:
        print(f"{'ok     ' if finding.is_good else 'DIFFERS'}  {finding.name:<14} {finding.words}")
    if not all(finding.is_good for finding in findings):
        print("Not everything is as it was: do not start Tiqqo on it before you know why.")
        return 1
    print(NEXT)
    return 0


def restore(
    folder: Path,
    *,
    is_replacing: bool,
    id_jump: int = ID_JUMP,
    allows_other_key: bool = False,
    allows_lost_keys: bool = False,
) -> list[Finding]:
    """Database and media are those of the backup; what was found when they were looked over.

    Raises Stopped, and then the database is as it was.
    """
    manifest = Manifest.read(folder)
    verify(manifest, folder)
    _check_key(manifest, allows_other_key=allows_other_key)
    _check_encryption_keys(manifest, allows_lost_keys=allows_lost_keys)
    _check_code(manifest)
    address, media_root = owner_address(), Path(settings.MEDIA_ROOT)
    with _connected(address) as connection:
        programs.check_version("pg_restore", connection.info.server_version)
        _check_alone(connection)
        dropped = _what_to_drop(connection, is_replacing=is_replacing)
    if not is_replacing:
        media.check_empty(media_root)

    beside, files = media.unpack(folder / MEDIA, media_root)
    try:
        programs.replay(
            folder / DATABASE,
            entries=[
                line for line in programs.listing(folder / DATABASE) if " SCHEMA - " not in line
            ],
            before=dropped,
            after=JUMP.format(jump=id_jump),
            address=address,
        )
    except Stopped:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    aside = media.put_in_place(beside, media_root)

    with _connected(address) as connection:
        schema.see_all_rows(connection)
        found = [_rows(connection, manifest), _migrations(connection, manifest)]
        connection.execute("ANALYZE")
    words = f"{files} of {manifest.media_files} files"
    if aside:
        words += f"; those that were here are in {aside}"
    found.append(Finding("media", files == manifest.media_files, words))
    # A dump is restored without privileges, which name the roles of where it was made.
    with as_owner(django_connection):
        grant_to_application(django_connection)
    found.append(_newer_migrations())
    return [*found, *look_over(address), Finding("ids", True, f"go on {id_jump} or more beyond")]


def look_over(address: str) -> list[Finding]:
    """Whether the rows agree with each other, whatever they were before."""
    with _connected(address) as connection:
        schema.see_all_rows(connection)
        [unbalanced] = connection.execute(UNBALANCED).fetchone() or [0]
    return [
        _of_command("checks", "check", databases=["default"]),
        _of_command("inventory", "verify_inventory"),
        Finding("ledger", unbalanced == 0, f"{unbalanced} entries do not sum to zero"),
    ]


def owner_address() -> str:
    """OWNER_DATABASE_URL, or DATABASE_URL where the application is the owner.

    Raises Stopped without DATABASE_URL: a restore must not guess.
    """
    address = os.environ.get("DATABASE_URL")
    if not address:
        raise Stopped(
            "Set DATABASE_URL to the database to restore into, and OWNER_DATABASE_URL to the same one "
            "for the role that owns it."
        )
    return os.environ.get("OWNER_DATABASE_URL") or address


# Before -------------------------------------------------------------------------------------


def _check_key(manifest: Manifest, *, allows_other_key: bool) -> None:
    if not allows_other_key and not is_of_key(manifest.secret_key, settings.SECRET_KEY):
        raise Stopped(
            "SECRET_KEY is not the one of the backup: set that one. If it is lost, "
            "--other-secret-key restores without it, and everybody has to sign in anew."
        )


def _check_encryption_keys(manifest: Manifest, *, allows_lost_keys: bool) -> None:
    missing = sorted(set(manifest.encryption_keys) - {key.id for key in sealed.known_keys()})
    if missing and not allows_lost_keys:
        raise Stopped(
            f"Secrets in the backup are sealed with keys that ENCRYPTION_KEYS lacks ({', '.join(missing)}): "
            "set those, behind the current one. If they are lost, --lost-encryption-keys restores without: "
            "tickets of old events cannot be signed, secret links and second factors are gone."
        )


def _check_code(manifest: Manifest) -> None:
    known = MigrationLoader(None).disk_migrations
    ours = {app for app, _name in known}
    missing = [
        label
        for label in manifest.migrations
        if label.partition(".")[0] in ours
        and (label.partition(".")[0], label.partition(".")[2]) not in known
        and label not in _replaced(known)
    ]
    if missing:
        raise Stopped(
            f"The backup was made by newer code ({manifest.version}): this one does not know "
            f"{', '.join(missing)}. Restore with that code."
        )


def _replaced(known: Mapping[tuple[str, str], object]) -> set[str]:
    """Migrations that a squashed one stands for."""
    return {
        f"{app}.{name}"
        for migration in known.values()
        for app, name in getattr(migration, "replaces", [])
    }


def _connected(address: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(address, connect_timeout=10, autocommit=True)
    except psycopg.Error as error:
        raise Stopped(f"The database to restore into does not answer: {error}") from None


def _check_alone(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    [others] = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND usename IN (current_user, %s)",
        [application_role(django_connection)],
    ).fetchone() or [0]
    if others:
        raise Stopped(
            f"{others} other connections use this database: stop web, workers and beat first."
        )


def _what_to_drop(connection: psycopg.Connection[tuple[object, ...]], *, is_replacing: bool) -> str:
    """The statements that empty the database. Raises Stopped if they were needed and not asked for."""
    there = [str(words) for (words,) in connection.execute(OURS)]
    if there and not is_replacing:
        raise Stopped(
            f"The database holds {len(schema.tables(connection))} tables already: name an empty one "
            "in DATABASE_URL, or use --replace, which drops them for good."
        )
    return "\n".join(there)


# After --------------------------------------------------------------------------------------


def _rows(connection: psycopg.Connection[tuple[object, ...]], manifest: Manifest) -> Finding:
    now = schema.row_counts(connection)
    differing = [
        f"{table} {now.get(table, 'missing')} instead of {manifest.rows.get(table, 'none')}"
        for table in sorted(now.keys() | manifest.rows.keys())
        if now.get(table) != manifest.rows.get(table)
    ]
    words = ", ".join(differing) or f"{sum(now.values())} in {len(now)} tables"
    return Finding("rows", not differing, words)


def _migrations(connection: psycopg.Connection[tuple[object, ...]], manifest: Manifest) -> Finding:
    applied = [
        f"{app}.{name}"
        for app, name in connection.execute("SELECT app, name FROM django_migrations ORDER BY id")
    ]
    return Finding("migrations", applied == manifest.migrations, f"{len(applied)} as in the backup")


def _newer_migrations() -> Finding:
    """What this code has beyond the backup's is applied."""
    executor = MigrationExecutor(django_connection)
    newer = [m for m, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    if newer:
        call_command("migrate", interactive=False, verbosity=0)
    words = ", ".join(str(migration) for migration in newer) or "none to apply"
    return Finding("newer code", True, words)


def _of_command(name: str, command: str, **options: object) -> Finding:
    """Whether the command of manage.py agrees, and the last it says."""
    said = StringIO()
    run: Callable[..., object] = call_command
    try:
        run(command, stdout=said, stderr=said, **options)
    except SystemExit as ended:
        is_good = not ended.code
    except (CommandError, SystemCheckError) as error:
        return Finding(name, False, str(error))
    else:
        is_good = True
    lines = said.getvalue().strip().splitlines()
    return Finding(
        name, is_good, (lines[-1] if is_good else "\n".join(lines)) if lines else "agree"
    )


if __name__ == "__main__":
    sys.exit(main())
