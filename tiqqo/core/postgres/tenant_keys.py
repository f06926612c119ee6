"""No row refers to a row of another organiser: foreign keys that compare the organiser as well.

PostgreSQL checks a foreign key without asking a policy, so a key to another tenant's row would be accepted.
Each foreign key from one tenant table to another therefore has a companion, from (organiser_id, column) to
(organiser_id, id), and once that holds for every row, Django's own key goes: it says less, and costs as
much. Companions are made after every `migrate` from what the database itself says of its foreign keys, so
none is forgotten with the next table, and one goes when its column or table goes. A key that is to lead to
another table needs its companion dropped in the same migration: Django finds no key of its own to replace.

They are made while the release before serves: the index that a companion refers to without a lock, the
companion without a look at old rows, which are checked afterwards while others write. Each is a transaction
of its own: one that is refused a lock raises, and all that came before it stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError
from psycopg import sql

from tiqqo.core.postgres.lock_waits import lock_timeout
from tiqqo.core.tenancy import platform_scope

NAME_LENGTH = 63

# Where no companion stands, by table and column, and why: nowhere. Decision 0025 says what they cost.
WITHOUT: dict[str, str] = {}

# Django's keys have one column, and those that replace them two.
_KEYS = """
SELECT child.relname, col.attname, parent.relname,
       max(fk.conname) FILTER (WHERE cardinality(fk.conkey) = 1),
       max(fk.conname) FILTER (WHERE cardinality(fk.conkey) = 2),
       coalesce(bool_or(fk.convalidated) FILTER (WHERE cardinality(fk.conkey) = 2), false)
  FROM pg_constraint fk
  JOIN pg_class child ON child.oid = fk.conrelid
  JOIN pg_class parent ON parent.oid = fk.confrelid
  JOIN pg_attribute mine ON mine.attrelid = child.oid AND mine.attname = 'organiser_id'
       AND NOT mine.attisdropped
  JOIN pg_attribute theirs ON theirs.attrelid = parent.oid AND theirs.attname = 'organiser_id'
       AND NOT theirs.attisdropped
  JOIN pg_attribute id ON id.attrelid = parent.oid AND id.attname = 'id'
  JOIN pg_attribute col ON col.attrelid = child.oid
       AND col.attnum = fk.conkey[cardinality(fk.conkey)]
 WHERE fk.contype = 'f' AND fk.connamespace = 'public'::regnamespace
   AND (fk.confkey = ARRAY[id.attnum]
        OR fk.conkey[1] = mine.attnum AND fk.confkey = ARRAY[theirs.attnum, id.attnum])
 GROUP BY child.relname, col.attname, parent.relname
 ORDER BY child.relname, col.attname
"""
_INDEX = """
SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE c.relname = %s AND c.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True, slots=True)
class TenantKey:
    """A foreign key between two tables whose rows belong to organisers, and its companion."""

    table: str
    column: str
    parent: str
    plain: str | None
    """Django's own, which does not compare organisers; gone once the companion holds for every row."""
    companion: str | None
    is_validated: bool

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def name(self) -> str:
        """Of the companion, where it is to be made."""
        ending = "_same_organiser"
        return f"{self.table}_{self.column}"[: NAME_LENGTH - len(ending)] + ending

    @property
    def index(self) -> str:
        """Of the parent, which the companion refers to."""
        ending = "_of_organiser"
        return self.parent[: NAME_LENGTH - len(ending)] + ending


def tenant_keys(connection: Any) -> list[TenantKey]:
    """Every foreign key from one tenant table to another."""
    with connection.cursor() as cursor:
        cursor.execute(_KEYS)
        return [TenantKey(*row) for row in cursor.fetchall()]


def keys_without_companion(connection: Any) -> list[TenantKey]:
    """Those that would take another organiser's row, and that nobody gave a reason for."""
    return [
        key for key in tenant_keys(connection) if key.companion is None and str(key) not in WITHOUT
    ]


def ensure_companions(connection: Any) -> list[str]:
    """Each tenant key has its companion; a sentence for each whose rows already break it.

    The owner is connected, outside of a transaction.
    """
    # Policies bind the owner, too: without this scope no old row would be seen, and all would pass.
    with platform_scope("compare the organisers of rows"), connection.cursor() as cursor:
        missing = keys_without_companion(connection)
        # Indexes made beside the sale block nobody, and half of one would remain if it gave up.
        with lock_timeout(connection, 0):
            for parent, index in sorted({(key.parent, key.index) for key in missing}):
                _ensure_index(cursor, parent, index)
        for key in missing:
            _run(cursor, _add(key))
        unchecked = [
            key for key in tenant_keys(connection) if key.companion and not key.is_validated
        ]
        problems = [problem for key in unchecked for problem in _validate(cursor, key)]
        for key in tenant_keys(connection):
            if key.plain and key.companion and key.is_validated:
                _run(cursor, _drop_plain(key, key.plain))
        return problems


def _ensure_index(cursor: Any, parent: str, index: str) -> None:
    cursor.execute(_INDEX, [index])
    found = cursor.fetchone()
    if found and found[0]:
        return
    name = sql.Identifier(index)
    if found:
        # Left by one that was broken off.
        _run(cursor, sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))
    _run(
        cursor,
        sql.SQL("CREATE UNIQUE INDEX CONCURRENTLY {} ON {} (organiser_id, id)").format(
            name, sql.Identifier(parent)
        ),
    )


def _add(key: TenantKey) -> sql.Composable:
    return sql.SQL(
        "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY (organiser_id, {}) REFERENCES {} (organiser_id, id)"
        " DEFERRABLE INITIALLY DEFERRED NOT VALID"
    ).format(*map(sql.Identifier, (key.table, key.name, key.column, key.parent)))


def _drop_plain(key: TenantKey, plain: str) -> sql.Composable:
    """What the companion holds, a second key would look up once more for every row."""
    return sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
        sql.Identifier(key.table), sql.Identifier(plain)
    )


def _validate(cursor: Any, key: TenantKey) -> Iterator[str]:
    statement = sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
        sql.Identifier(key.table), sql.Identifier(key.companion or key.name)
    )
    try:
        _run(cursor, statement)
    except IntegrityError as error:
        yield f"{key} refers to rows of another organiser: {str(error).splitlines()[0]}"


def _run(cursor: Any, statement: sql.Composable) -> None:
    cursor.execute(statement.as_string(cursor.connection))
