"""Two roles: the owner of the tables migrates, the application works in what it was granted.

An owner may do anything with its tables: empty them at once, lift a policy, drop a trigger. Row-level
security would then guard against forgetful code alone, and not against a statement that somebody smuggles
in. So the application connects as a role that owns nothing (`DATABASE_URL`), and migrations as the owner
(`OWNER_DATABASE_URL`). What the application may do is granted after every `migrate`, by this list:

- read and write rows, everywhere;
- add and read, and not change or delete, where the model says `is_append_only`; `may_change` names columns
  that are an exception;
- read the list of migrations.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

Grants = frozenset[tuple[str, str]]
"""Privileges, each with the column that it is for, or with none."""

READ = frozenset({("SELECT", "")})
ADD = READ | {("INSERT", "")}
WRITE = ADD | {("UPDATE", ""), ("DELETE", "")}
# To take the next number; not to set it.
COUNT = frozenset({("SELECT", ""), ("USAGE", "")})

_GRANTED = """
SELECT c.relname, c.relkind::text, coalesce(array_agg(g.privilege_type || ' ' || g.attname)
                                      FILTER (WHERE g.privilege_type IS NOT NULL), '{}')
  FROM pg_class c
  LEFT JOIN LATERAL (
       SELECT a.privilege_type, '' AS attname FROM aclexplode(c.relacl) a
        WHERE a.grantee = %(role)s::regrole
       UNION ALL
       SELECT a.privilege_type, col.attname FROM pg_attribute col, aclexplode(col.attacl) a
        WHERE col.attrelid = c.oid AND a.grantee = %(role)s::regrole
  ) g ON true
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S')
   AND c.relowner = current_user::regrole
 GROUP BY c.oid
"""


@contextmanager
def as_owner(connection: Any) -> Iterator[None]:
    """The process connects as the owner of the tables, where the application has a role of its own.

    For commands that migrate: other threads of the process would connect as the owner, too.
    """
    settings = connection.settings_dict
    owner = settings.get("OWNER")
    if owner is None or settings["USER"] == owner["USER"]:
        yield
        return
    if connection.in_atomic_block:
        raise ImproperlyConfigured("A transaction cannot go on as another role.")
    before = {key: settings[key] for key in (*owner, "OPTIONS")}
    connection.close()
    settings.update(owner, APPLICATION=settings["USER"])
    settings["OPTIONS"] = {
        key: value for key, value in settings["OPTIONS"].items() if key != "pool"
    }
    try:
        yield
    finally:
        connection.close()
        settings.update(before)
        del settings["APPLICATION"]


def application_role(connection: Any) -> str:
    """The role of DATABASE_URL, whoever is connected now."""
    settings = connection.settings_dict
    return str(settings.get("APPLICATION") or settings["USER"])


def grant_to_application(connection: Any) -> list[str]:
    """The application's role may do what it should and nothing else; the tables that changed.

    The owner is connected. Where the application is the owner itself there is nothing to grant.
    """
    role = application_role(connection)
    changed = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        if cursor.fetchone()[0] == role:
            return []
        cursor.execute(_GRANTED, {"role": role})
        for name, kind, granted in cursor.fetchall():
            has = frozenset((p, c) for p, _, c in (words.partition(" ") for words in granted))
            should = COUNT if kind == "S" else privileges_on(name)
            if has != should:
                cursor.execute(_statements(name, kind, role, should).as_string(cursor.connection))
                changed.append(name)
        # A database that PostgreSQL 14 or older made lets everybody make tables.
        cursor.execute("SELECT has_schema_privilege(%s::name, 'public', 'CREATE')", [role])
        if cursor.fetchone()[0]:
            cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return changed


def privileges_on(table: str) -> Grants:
    """What the application may do with a table."""
    if table == MigrationRecorder.Migration._meta.db_table:
        return READ
    models = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    model = models.get(table)
    if not getattr(model, "is_append_only", False):
        return WRITE
    return ADD | {("UPDATE", column) for column in getattr(model, "may_change", ())}


def _statements(table: str, kind: str, role: str, should: Grants) -> sql.Composable:
    target = sql.SQL("{} public.{}").format(
        sql.SQL("SEQUENCE" if kind == "S" else "TABLE"), sql.Identifier(table)
    )
    grants = sql.SQL(", ").join(
        sql.SQL("{} ({})").format(sql.SQL(privilege), sql.Identifier(column))
        if column
        else sql.SQL(privilege)
        for privilege, column in sorted(should)
    )
    # One statement list, so one transaction: nobody meets a table without its privileges.
    return sql.SQL(
        "REVOKE ALL ON {target} FROM {role}; GRANT {grants} ON {target} TO {role}"
    ).format(target=target, role=sql.Identifier(role), grants=grants)


def excess_of_application(connection: Any) -> list[str]:
    """A sentence for each thing that the application's role could do to the tables and should not."""
    role = application_role(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(pg_get_userbyid(relowner)) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            "   AND pg_has_role(%s::name, relowner, 'MEMBER')",
            [role],
        )
        owned, owner = cursor.fetchone()
        cursor.execute("SELECT has_schema_privilege(%s::name, 'public', 'CREATE')", [role])
        may_create = cursor.fetchone()[0]
    problems = []
    if owned:
        problems.append(
            f"The role {role} of DATABASE_URL owns {owned} tables"
            + (f" through {owner}" if owner != role else "")
        )
    if may_create:
        problems.append(f"The role {role} of DATABASE_URL may make tables")
    return problems
