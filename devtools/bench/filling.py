"""A history of sales in seconds: one real order, multiplied row by row in SQL.

The columns are looked up, so that the copies stay true when the tables gain some; what must differ
from row to row is named here. All constraints stay on: a copy that breaks one is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True)
class Copied:
    """Rows of a table that are multiplied: those of the one order, and how each copy differs."""

    table: str
    where: str
    """The order's rows; %(order)s, %(reservation)s."""
    parents: Mapping[str, str]
    """Column → table of the copied row that it points to."""
    unique: Mapping[str, str]
    """Column → expression over the running number `n.n`."""


# Eight and ten hexadecimal digits are codes, too; random codes practically never begin with zeros.
TABLES = (
    Copied(
        "ticketing_reservation",
        "id = %(reservation)s",
        {},
        {"secret": "md5('hold' || n.n || random())"},
    ),
    Copied(
        "ticketing_reservationline",
        "reservation_id = %(reservation)s",
        {"reservation_id": "ticketing_reservation"},
        {},
    ),
    Copied(
        "orders_order",
        "id = %(order)s",
        {"reservation_id": "ticketing_reservation"},
        {
            "code": "lpad(upper(to_hex(n.n)), 8, '0')",
            "secret": "md5('order' || n.n || random())",
            "email": "'buyer' || n.n || '@example.org'",
        },
    ),
    Copied("orders_orderline", "order_id = %(order)s", {"order_id": "orders_order"}, {}),
    Copied(
        "orders_ticket",
        "order_id = %(order)s",
        {"order_id": "orders_order", "line_id": "orders_orderline"},
        {"code": "lpad(upper(to_hex(n.n)), 10, '0')", "uid": "n.n"},
    ),
    Copied("orders_delivery", "order_id = %(order)s", {"order_id": "orders_order"}, {}),
    Copied(
        "core_auditentry",
        "subject_type = 'orders.order' AND subject_id = %(order)s",
        {"subject_id": "orders_order"},
        {},
    ),
)


class NotMultipliable(Exception):
    """The order is not what can be copied; the message says why."""


def multiply_order(
    connection: psycopg.Connection, order_id: int, *, first: int, count: int
) -> None:
    """`count` more orders like this one exist, numbered from `first`, and the stock counts them.

    The order has one line with one ticket, and whatever the worker does for it is done.
    """
    with connection.transaction():
        _refuse(connection, order_id)
        row = connection.execute(
            "SELECT reservation_id FROM orders_order WHERE id = %s", [order_id]
        ).fetchone()
        assert row is not None
        facts = {"order": order_id, "reservation": row[0], "first": first, "count": count}
        bases: dict[str, tuple[int, int]] = {}
        for copied in TABLES:
            bases[copied.table] = _copy(connection, copied, facts, bases)
        connection.execute(
            "UPDATE ticketing_capacitypool pool SET sold = sold + line.quantity * %(count)s"
            "  FROM ticketing_reservationline line"
            " WHERE line.reservation_id = %(reservation)s AND pool.id = ANY (line.pool_ids)",
            facts,
        )


def _refuse(connection: psycopg.Connection, order_id: int) -> None:
    found = connection.execute(
        "SELECT (SELECT count(*) FROM orders_orderline WHERE order_id = o.id),"
        "       (SELECT count(*) FROM orders_ticket WHERE order_id = o.id),"
        "       (SELECT count(*) FROM orders_delivery WHERE order_id = o.id AND status <> 'sent'),"
        "       o.people_at IS NULL"
        "  FROM orders_order o WHERE id = %s",
        [order_id],
    ).fetchone()
    if found is None or found[:2] != (1, 1):
        raise NotMultipliable(f"order {order_id} has not exactly one line with one ticket")
    if found[2] or found[3]:
        raise NotMultipliable(f"the worker has not finished order {order_id}")


def _copy(
    connection: psycopg.Connection,
    copied: Copied,
    facts: Mapping[str, int],
    bases: Mapping[str, tuple[int, int]],
) -> tuple[int, int]:
    """The copies are there. Their ids: copy number i of the k-th of m rows is base + i·m + k."""
    table = sql.Identifier(copied.table)
    where = sql.SQL(copied.where)
    rows = connection.execute(
        sql.SQL("SELECT count(*), pg_get_serial_sequence({}, 'id') FROM {} WHERE {}").format(
            sql.Literal(copied.table), table, where
        ),
        facts,
    ).fetchone()
    assert rows is not None
    per_order, sequence = int(rows[0]), str(rows[1])
    if per_order == 0:
        return 0, 0
    moved = connection.execute(
        "SELECT nextval(%(s)s::regclass),"
        " setval(%(s)s::regclass, nextval(%(s)s::regclass) + %(many)s)",
        {"s": sequence, "many": per_order * facts["count"] + 1},
    ).fetchone()
    assert moved is not None
    base = int(moved[0])

    values: dict[str, sql.Composable] = {
        name: sql.SQL("row.{}").format(sql.Identifier(name))
        for name in _columns(connection, copied.table)
    }
    ids = sql.SQL("{} + (n.n - %(first)s) * {} + row.nth - 1")
    values["id"] = ids.format(sql.Literal(base), sql.Literal(per_order))
    for column, parent in copied.parents.items():
        at, each = bases[parent]
        if each != 1:
            raise NotMultipliable(f"an order has {each} rows of {parent}")
        values[column] = sql.SQL("{} + n.n - %(first)s").format(sql.Literal(at))
    values |= {column: sql.SQL(expression) for column, expression in copied.unique.items()}
    connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values}"
            " FROM (SELECT *, row_number() OVER (ORDER BY id) AS nth FROM {table} WHERE {where}) row,"
            " generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS n (n)"
        ).format(
            table=table,
            where=where,
            columns=sql.SQL(", ").join(map(sql.Identifier, values)),
            values=sql.SQL(", ").join(values.values()),
        ),
        facts,
    )
    return base, per_order


def _columns(connection: psycopg.Connection, table: str) -> list[str]:
    """All that can be written."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'"
        " ORDER BY ordinal_position",
        [table],
    )
    return [str(name) for (name,) in found]
