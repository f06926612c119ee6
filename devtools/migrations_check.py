"""Every migration of our apps reverses, and going forward again gives the same schema and rows.

First on an empty database, all the way to zero. Then on the demo's rows, each migration after an
app's first by itself: it comes back with every row and value, or refuses to go (`KeepData`) and has
changed nothing, or says in `reversal_loses` which columns it loses and so does docs/operations.md.

Works on a database of its own beside the one that OWNER_DATABASE_URL names, whose role must be allowed
to create one. `bin/ci` runs it.
"""

import os
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import django
import psycopg
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from devtools.paths import REPOSITORY
from devtools.scratch import scratch_database
from tiqqo.core.migration_reversal import DataWouldBeLost
from tiqqo.operating import schema as described

SCRATCH = "tiqqo_migrations_check"
REFUSED = "refuses to lose data"
# When a migration was applied, and the numbers of permissions and models, which are made anew.

NOT_BUSINESS = {"django_migrations", "auth_permission", "django_content_type"}


def main() -> int:
    """0 when every one of our apps went to zero and back, and no row was lost on any step."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")
    # The demo sells by card and never calls the provider.
    os.environ.setdefault("STRIPE_API_KEY", "sk_test_only_named_never_used")
    with scratch_database(SCRATCH) as addresses:
        os.environ.update(addresses)
        django.setup()
        problems = check()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def check() -> list[str]:
    """A sentence for everything that did not reverse, came back different or lost rows."""
    call_command("migrate", verbosity=0)
    problems = check_empty()
    if not problems:
        settings.STRIPE_API_KEY = settings.STRIPE_API_KEY or "sk_test_only_named_never_used"
        call_command("demo", verbosity=0, stdout=StringIO())
        problems = check_populated()
    connection.close()
    return problems


def our_apps() -> list[AppConfig]:
    """Our apps that have migrations, from the bottom up."""
    return [
        config
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(REPOSITORY)
        # The environment stands in the repository, too.
        and "site-packages" not in Path(config.path).parts
        and (Path(config.path) / "migrations").is_dir()
    ]


# All the way, without rows -------------------------------------------------------------------


def check_empty() -> list[str]:
    """To zero and back, app by app."""
    before = schema()
    began = time.monotonic()
    # Listed from the bottom up: in reverse, each goes on its own and not as part of one below it.
    for config in reversed(our_apps()):
        call_command("migrate", config.label, "zero", verbosity=0)

    labels = {config.label for config in our_apps()}
    problems = [
        f"{label}.{name} did not reverse"
        for label, name in MigrationRecorder(connection).applied_migrations()
        if label in labels
    ]
    tables = {
        model._meta.db_table
        for config in our_apps()
        for model in config.get_models(include_auto_created=True)
        if model._meta.managed
    }
    left = tables & set(connection.introspection.table_names())
    problems += [f"the table {table} is still there after going to zero" for table in sorted(left)]

    call_command("migrate", verbosity=0)
    problems += differences(before, schema())
    print(
        f"{len(labels)} apps, {len(before)} parts of the schema, {time.monotonic() - began:.1f} s"
    )
    return problems


def schema() -> set[tuple[str, str, str]]:
    """Everything in the schema that a migration can make."""
    return described.schema(raw_connection())


def differences(before: set[tuple[str, str, str]], after: set[tuple[str, str, str]]) -> list[str]:
    """A sentence for each part of the schema that was lost or came new."""
    return [
        *(f"lost by going back and forth: {' | '.join(row)}" for row in sorted(before - after)),
        *(f"new after going back and forth: {' | '.join(row)}" for row in sorted(after - before)),
    ]


def raw_connection() -> psycopg.Connection[Any]:
    """Of Django's connection, open, and bound to no organiser."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    return raw


# Step by step, over rows ---------------------------------------------------------------------


def check_populated() -> list[str]:
    """Each migration after an app's first, from the last to the first."""
    graph = MigrationLoader(connection).graph
    problems = [
        problem
        for key in later_migrations()
        for problem in undocumented(graph.nodes[key], ".".join(key))
    ]
    refusing: set[tuple[str, str]] = set()
    for key in reversed(later_migrations()):
        began, name = time.monotonic(), ".".join(key)
        above = refusing.intersection(graph.backwards_plan(key))
        if above:
            print(f"{name:<36} stands behind {', '.join(sorted('.'.join(k) for k in above))}")
            continue
        outcome, found = check_one(key)
        if outcome == REFUSED:
            refusing.add(key)
        problems += [f"{name}: {problem}" for problem in found]
        print(f"{name:<36} {outcome}, {time.monotonic() - began:.1f} s")
    return problems


def later_migrations() -> list[tuple[str, str]]:
    """Our migrations after each app's first ones, in the order in which they are applied."""
    graph = MigrationLoader(connection).graph
    labels = {config.label for config in our_apps()}
    order: list[tuple[str, str]] = []
    for leaf in graph.leaf_nodes():
        order += [key for key in graph.forwards_plan(leaf) if key not in order]
    return [key for key in order if key[0] in labels and predecessor(graph, key)]


def predecessor(graph: MigrationGraph, key: tuple[str, str]) -> str | None:
    """The name of the migration before this one in its app."""
    names = [parent.key[1] for parent in graph.node_map[key].parents if parent.key[0] == key[0]]
    return names[0] if names else None


def check_one(key: tuple[str, str]) -> tuple[str, list[str]]:
    """How going back over it and forward again went, and what it changed that it should not."""
    graph = MigrationLoader(connection).graph
    declared = {
        column
        for step in graph.backwards_plan(key)
        for column in getattr(graph.nodes[step], "reversal_loses", {})
    }
    before_rows, before_schema = rows(declared), schema()
    try:
        call_command("migrate", key[0], predecessor(graph, key), verbosity=0)
        outcome = "goes back and forth"
    except DataWouldBeLost as refusal:
        outcome = REFUSED
        print(f"  {refusal}".partition(". This migration")[0])
    except DatabaseError as error:
        return "FAILED", [f"fails on the rows of the demo: {error}"]
    call_command("migrate", verbosity=0)

    after_rows = rows(declared)
    problems = differences(before_schema, schema())
    for table in sorted(before_rows.keys() | after_rows.keys()):
        before, after = before_rows.get(table), after_rows.get(table)
        if before != after:
            problems.append(f"changed the rows of {table} from {before} to {after}")
    return outcome, problems


def rows(without: set[str]) -> dict[str, described.Rows]:
    """Each table's rows, except what Django keeps of migrations themselves."""
    raw = raw_connection()
    described.see_all_rows(raw)
    connection.pushed_scope = None
    found = described.table_rows(raw, leave_out=frozenset(without))
    return {table: value for table, value in found.items() if table not in NOT_BUSINESS}


def undocumented(migration: Migration, name: str) -> list[str]:
    """What its reversal loses by its own word must stand in the manual as well."""
    if not getattr(migration, "reversal_loses", None):
        return []
    manual = (REPOSITORY / "docs" / "operations.md").read_text()
    return (
        []
        if f"`{name}`" in manual
        else [f"{name} loses data in reverse: docs/operations.md must say so"]
    )


if __name__ == "__main__":
    sys.exit(main())
