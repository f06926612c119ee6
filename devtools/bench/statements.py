"""How many statements the product sends to PostgreSQL, by pg_stat_statements."""

from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo

from devtools.postgres import APP, DATABASE, OWNER, EmbeddedPostgres

# Only what the app's role asked, and what PostgreSQL asks itself as the owner of the tables: neither
# the bench's own questions nor pgbench's.
_READ = """
SELECT coalesce(sum(calls) FILTER (WHERE kind = 'query'), 0)::bigint,
       coalesce(sum(calls) FILTER (WHERE kind = 'control'), 0)::bigint,
       coalesce(sum(calls) FILTER (WHERE kind = 'check'), 0)::bigint,
       coalesce(sum(total_exec_time), 0)
  FROM (SELECT calls, total_exec_time,
               CASE WHEN query ~* '^(begin|commit|rollback|savepoint|release|start transaction)'
                    THEN 'control'
                    -- What PostgreSQL asks itself at the commit, for deferred foreign keys.
                    WHEN query LIKE '%% FROM ONLY %% FOR KEY SHARE OF x' THEN 'check'
                    ELSE 'query' END AS kind
          FROM pg_stat_statements
         WHERE userid IN (%s::regrole, %s::regrole)
           AND dbid = (SELECT oid FROM pg_database WHERE datname = %s)) s
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Statements so far.

    Control is what begins and ends transactions and savepoints; checks are PostgreSQL's own, of
    foreign keys. Milliseconds are of all of them, in the server.
    """

    queries: int
    control: int
    checks: int
    milliseconds: float

    def since(self, before: "Asked") -> "Asked":
        return Asked(
            self.queries - before.queries,
            self.control - before.control,
            self.checks - before.checks,
            self.milliseconds - before.milliseconds,
        )


class Statements:
    """A connection of the administrator to the app's database."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.connection = psycopg.connect(
            make_conninfo(postgres.superuser_url, dbname=DATABASE), autocommit=True
        )

    def close(self) -> None:
        self.connection.close()

    def asked(self) -> Asked:
        row = self.connection.execute(_READ, [APP, OWNER, DATABASE]).fetchone()
        assert row is not None
        return Asked(*map(int, row[:3]), milliseconds=float(row[3]))
