"""What a database holds, in words that can be compared: its schema and the rows of its tables."""

import re
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from tiqqo.core.rls import PLATFORM_SETTING

# One row per thing that a migration makes, in words that stay the same when it is made anew.
# Extensions are the server's, and so is what they bring.
SCHEMA = """
WITH of_extensions AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', udt_name, character_maximum_length, is_nullable, column_default,
                 is_identity, generation_expression)
  FROM information_schema.columns WHERE table_schema = 'public'
   AND (table_schema || '.' || quote_ident(table_name))::regclass NOT IN (
       SELECT objid FROM of_extensions WHERE classid = 'pg_class'::regclass)
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
SELECT 'privileges', c.relname || ' ' || pg_get_userbyid(a.grantee), string_agg(a.privilege_type, ' '
       ORDER BY a.privilege_type)
  FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S')
   AND c.oid NOT IN (SELECT objid FROM of_extensions WHERE classid = 'pg_class'::regclass)
 GROUP BY c.relname, a.grantee
UNION ALL
SELECT 'sequence', sequencename::text, concat_ws(' ', data_type, increment_by, cycle)
  FROM pg_sequences WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname::text, pg_get_functiondef(p.oid)
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
   AND oid NOT IN (SELECT objid FROM of_extensions WHERE classid = 'pg_proc'::regclass)
"""
TABLES = """
SELECT relname FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
   AND oid NOT IN (SELECT objid FROM pg_depend
                    WHERE deptype = 'e' AND classid = 'pg_class'::regclass)
 ORDER BY relname
"""
COLUMNS = """
SELECT attname FROM pg_attribute
 WHERE attrelid = format('public.%%I', %s::text)::regclass AND attnum > 0 AND NOT attisdropped
 ORDER BY attname
"""

_ARRAY_OF_TEXT = re.compile(r"\(ARRAY\[([^\]]*::character varying)\]\)::text\[\]")
_ONE_TEXT = re.compile(r"'[^']*'::character varying")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table: how many, and a sum that differs when any value of any column differs."""

    count: int
    checksum: str


def see_all_rows(connection: Connection[Any]) -> None:
    """Row-level security hides no organiser's rows from this session, whatever its role."""
    connection.execute("SELECT set_config(%s, 'on', false)", [PLATFORM_SETTING])


def schema(connection: Connection[Any]) -> set[tuple[str, str, str]]:
    """Everything in the schema that a migration can make."""
    return {
        (str(kind), str(name), _as_restored(str(words)))
        for kind, name, words in connection.execute(SCHEMA)
    }


def _as_restored(words: str) -> str:
    """`IN (…)` over texts is written in one way when it was made, and in another when restored."""
    return _ARRAY_OF_TEXT.sub(
        lambda found: "ARRAY[" + _ONE_TEXT.sub(r"(\g<0>)::text", found[1]) + "]", words
    )


def tables(connection: Connection[Any]) -> list[str]:
    """The tables that are ours, by name."""
    return [name for (name,) in connection.execute(TABLES)]


def row_counts(connection: Connection[Any]) -> dict[str, int]:
    """How many rows each table has."""
    counts = {}
    for table in tables(connection):
        question = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table))
        [counts[table]] = connection.execute(question).fetchone() or [0]
    return counts


def columns(connection: Connection[Any], table: str) -> list[str]:
    """The table's columns by name, whose order does not change when one is dropped and made again."""
    return [name for (name,) in connection.execute(COLUMNS, [table])]


def table_rows(
    connection: Connection[Any], *, leave_out: frozenset[str] = frozenset()
) -> dict[str, Rows]:
    """Each table's rows, without the columns that are named as table.column."""
    found = {}
    for table in tables(connection):
        wanted = [
            sql.Identifier(column)
            for column in columns(connection, table)
            if f"{table}.{column}" not in leave_out
        ]
        question = sql.SQL(
            "SELECT count(*), coalesce(md5(string_agg(words, '' ORDER BY words)), '')"
            " FROM (SELECT md5(ROW({})::text) AS words FROM {}) AS row"
        ).format(sql.SQL(", ").join(wanted), sql.Identifier("public", table))
        count, checksum = connection.execute(question).fetchone() or (0, "")
        found[table] = Rows(count, checksum)
    return found
