"""How many statements the product sends to PostgreSQL, by pg_stat_statements."""

from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo

from devtools.postgres import APP, EmbeddedPostgres

# Only what the app's role asked: neither the bench's own questions nor pgbench's.
_READ = """
SELECT coalesce(sum(calls) FILTER (WHERE NOT is_control), 0)::bigint,
       coalesce(sum(calls) FILTER (WHERE is_control), 0)::bigint,
       coalesce(sum(total_exec_time), 0)
  FROM (SELECT calls, total_exec_time,
               query ~* '^(begin|commit|rollback|savepoint|release|start transaction)' AS is_control
          FROM pg_stat_statements
         WHERE userid = %s::regrole AND dbid = (SELECT oid FROM pg_database WHERE datname = %s)) s
"""
_SLOWEST = """
SELECT calls, round(total_exec_time::numeric, 1), regexp_replace(query, '\\s+', ' ', 'g')
  FROM pg_stat_statements
 WHERE userid = %s::regrole AND dbid = (SELECT oid FROM pg_database WHERE datname = %s)
 ORDER BY total_exec_time DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Statements so far. Control is what begins and ends transactions and savepoints."""

    queries: int
    control: int
    milliseconds: float

    def since(self, before: "Asked") -> "Asked":
        return Asked(
            self.queries - before.queries,
            self.control - before.control,
            self.milliseconds - before.milliseconds,
        )


class Statements:
    """A connection of the administrator to the app's database."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.connection = psycopg.connect(
            make_conninfo(postgres.superuser_url, dbname=APP), autocommit=True
        )

    def close(self) -> None:
        self.connection.close()

    def asked(self) -> Asked:
        row = self.connection.execute(_READ, [APP, APP]).fetchone()
        assert row is not None
        return Asked(int(row[0]), int(row[1]), float(row[2]))

    def forget(self) -> None:
        """The counts begin at nothing."""
        self.connection.execute("SELECT pg_stat_statements_reset()")

    def slowest(self, count: int) -> list[tuple[int, float, str]]:
        """Calls, milliseconds in all and text of the statements that took longest together."""
        rows = self.connection.execute(_SLOWEST, [APP, APP, count]).fetchall()
        return [(int(calls), float(took), str(text)) for calls, took, text in rows]
