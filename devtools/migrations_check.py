"""Every migration of our apps reverses, and going forward again gives the same schema.

Works on a database of its own beside the one that DATABASE_URL names, whose role must be allowed
to create one. `bin/ci` runs it.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from devtools.paths import REPOSITORY

SCRATCH = "tiqqo_migrations_check"

# One row per thing that a migration makes, in words that stay the same when it is made anew.
SCHEMA = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', udt_name, character_maximum_length, is_nullable, column_default,
                 generation_expression)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'policy', tablename || '.' || policyname,
       concat_ws(' ', permissive, roles::text, cmd, qual, 'check', with_check)
  FROM pg_policies WHERE schemaname = 'public'
UNION ALL
SELECT 'row security', relname::text, relrowsecurity || ' ' || relforcerowsecurity
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname::text, pg_get_functiondef(p.oid)
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


def main() -> int:
    """0 when every one of our apps went to zero and back."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")
    with scratch_database(os.environ["DATABASE_URL"]) as address:
        os.environ["DATABASE_URL"] = address
        django.setup()
        problems = check()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def check() -> list[str]:
    """A sentence for everything that did not reverse or came back different."""
    ours = [
        config
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(REPOSITORY)
        and (Path(config.path) / "migrations").is_dir()
    ]
    call_command("migrate", verbosity=0)
    before = schema()
    began = time.monotonic()
    # Listed from the bottom up: in reverse, each goes on its own and not as part of one below it.
    for config in reversed(ours):
        call_command("migrate", config.label, "zero", verbosity=0)

    labels = {config.label for config in ours}
    problems = [
        f"{label}.{name} did not reverse"
        for label, name in MigrationRecorder(connection).applied_migrations()
        if label in labels
    ]
    tables = {
        model._meta.db_table
        for config in ours
        for model in config.get_models(include_auto_created=True)
        if model._meta.managed
    }
    left = tables & set(connection.introspection.table_names())
    problems += [f"the table {table} is still there after going to zero" for table in sorted(left)]

    call_command("migrate", verbosity=0)
    after = schema()
    problems += [
        f"lost by going back and forth: {' | '.join(row)}" for row in sorted(before - after)
    ]
    problems += [
        f"new after going back and forth: {' | '.join(row)}" for row in sorted(after - before)
    ]
    connection.close()
    print(f"{len(ours)} apps, {len(before)} parts of the schema, {time.monotonic() - began:.1f} s")
    return problems


def schema() -> set[tuple[str, str, str]]:
    """Everything in the schema that a migration can make."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return {(str(kind), str(name), str(words)) for kind, name, words in cursor.fetchall()}


@contextmanager
def scratch_database(address: str) -> Iterator[str]:
    """The address of an empty database, which is gone afterwards."""
    name = sql.Identifier(SCRATCH)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
    with psycopg.connect(address, autocommit=True) as administration:
        administration.execute(drop)
        administration.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield urlunsplit(urlsplit(address)._replace(path=f"/{SCRATCH}"))
        finally:
            administration.execute(drop)


if __name__ == "__main__":
    sys.exit(main())
