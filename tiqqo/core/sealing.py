"""Every secret in the database is sealed with the first key, or put back in clear; and what is not.

In slices, each a transaction of its own: the site goes on, and whoever breaks it off may begin again. Rows
that somebody else has in hand are left for the next round.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from psycopg import sql

from tiqqo.core import sealed
from tiqqo.core.sealed import MARK, SealedField
from tiqqo.core.tenancy import platform_scope

SLICE = 500
ROUNDS = 5
CLEAR = "in clear"

Change = Callable[[str, str], str]


def as_sealed_now(stored: str, purpose: str) -> str:
    """Sealed with the first key. Raises SealedWithUnknownKey."""
    if stored.startswith(sealed.known_keys()[0].head):
        return stored
    return sealed.seal_text(sealed.unseal_text(stored, purpose), purpose)


def reseal_everything(*, is_clear: bool, say: Callable[[str], None]) -> int:
    """All secrets are sealed with the first key, or in clear; how many could not be had in hand."""
    left = 0
    with platform_scope("seal secrets anew"):
        for field in sealed_fields():
            changed, busy = _reseal(field, is_clear=is_clear)
            left += busy
            say(f"{field.purpose}: {changed} changed" + (f", {busy} are in use" if busy else ""))
        change: Change = sealed.unseal_text if is_clear else as_sealed_now
        for keeper in sealed.keepers():
            say(f"{keeper.name}: {keeper.reseal(change)} changed")
    return left


def sealed_fields() -> list[SealedField]:
    """Every field that holds a secret, in the order of their tables."""
    return sorted(
        (
            field
            for model in apps.get_models()
            for field in model._meta.local_concrete_fields
            if isinstance(field, SealedField)
        ),
        key=lambda field: field.purpose,
    )


def _reseal(field: SealedField, *, is_clear: bool) -> tuple[int, int]:
    """How many rows changed, and how many others still have in hand after some rounds."""
    changed, kept = 0, set[int]()
    for _round in range(ROUNDS):
        after = 0
        while pks := _slice(field, after, is_clear=is_clear):
            changed += _reseal_rows(field, pks, kept, is_clear=is_clear)
            after = pks[-1]
        left = set(_slice(field, 0, is_clear=is_clear)) - kept
        if not left:
            return changed, 0
    return changed, len(left)


def _slice(field: SealedField, after: int, *, is_clear: bool) -> list[int]:
    """The next rows that are not as they should be."""
    with connection.cursor() as cursor:
        cursor.execute(
            _on(
                field,
                "SELECT id FROM {table} WHERE id > %s AND ({is_due}) ORDER BY id LIMIT %s",
                is_clear,
            ),
            [after, SLICE],
        )
        return [pk for (pk,) in cursor.fetchall()]


@transaction.atomic
def _reseal_rows(field: SealedField, pks: list[int], kept: set[int], *, is_clear: bool) -> int:
    """How many of the rows changed; `kept` grows by those whose value cannot be sealed."""
    with connection.cursor() as cursor:
        cursor.execute(
            _on(
                field,
                "SELECT id, {column} FROM {table} WHERE id = ANY(%s) AND ({is_due}) ORDER BY id"
                " FOR UPDATE SKIP LOCKED",
                is_clear,
            ),
            [pks],
        )
        changed = 0
        for pk, found in cursor.fetchall():
            value = bytes(found) if _is_binary(field) else found
            clear = field.unsealed(value)
            new = clear if is_clear else field.stored(clear)
            if new == value:
                kept.add(pk)
                continue
            cursor.execute(
                _on(field, "UPDATE {table} SET {column} = %s WHERE id = %s", is_clear), [new, pk]
            )
            changed += 1
    return changed


def _is_binary(field: SealedField) -> bool:
    return field.get_internal_type() == "BinaryField"


def _on(field: SealedField, words: str, is_clear: bool) -> str:
    """The statement, for the field's table and column; rows are due that are not as they should be."""
    column = sql.Identifier(str(field.column))
    text = sql.SQL("encode({}, 'escape')" if _is_binary(field) else "{}").format(column)
    is_sealed = (
        sql.SQL("octet_length({}) > {}").format(column, sql.Literal(field.max_length))
        if _is_binary(field)
        else sql.SQL("left({}, 1) = {}").format(text, sql.Literal(MARK))
    )
    if is_clear:
        is_due: sql.Composable = is_sealed
    else:
        head = sealed.known_keys()[0].head
        # Where there is no secret there is nothing to seal.
        is_due = sql.SQL("octet_length({}) > 0 AND NOT ({} AND left({}, {}) = {})").format(
            column, is_sealed, text, sql.Literal(len(head)), sql.Literal(head)
        )
    statement = sql.SQL(words).format(
        table=sql.Identifier(field.model._meta.db_table), column=column, is_due=is_due
    )
    connection.ensure_connection()
    return str(statement.as_string(connection.connection))


def keys_in_use() -> Counter[tuple[str, str]]:
    """How many secrets stand under each key, or in clear: by where, and by the id of the key."""
    counter: Counter[tuple[str, str]] = Counter()
    with platform_scope("see which keys are in use"), connection.cursor() as cursor:
        for field in sealed_fields():
            column = sql.Identifier(str(field.column))
            binary = _is_binary(field)
            statement = sql.SQL(
                "SELECT {head}, count(*) FROM {table} WHERE octet_length({c}) > 0 GROUP BY 1"
            ).format(
                c=column,
                head=sql.SQL(
                    "CASE WHEN octet_length({c}) > {n} THEN left(encode({c}, 'escape'), {h}) END"
                    if binary
                    else "CASE WHEN left({c}, 1) = '~' THEN left({c}, {h}) END"
                ).format(
                    c=column, n=sql.Literal(field.max_length), h=sql.Literal(sealed.HEAD_LENGTH)
                ),
                table=sql.Identifier(field.model._meta.db_table),
            )
            cursor.execute(statement.as_string(cursor.connection))
            for head, count in cursor.fetchall():
                counter[field.purpose, _id(head)] += count
        for keeper in sealed.keepers():
            for head in keeper.heads():
                counter[keeper.name, _id(head)] += 1
    return counter


def _id(head: Any) -> str:
    return head[len(MARK) :] if head and head.startswith(MARK) else CLEAR
