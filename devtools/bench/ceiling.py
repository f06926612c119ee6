"""What PostgreSQL alone can do: the bare SQL of a hold, driven by pgbench.

Its tables are its own and as small as they can be, so that the yardstick stays the same whatever the
product's tables grow to.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from devtools.postgres import EmbeddedPostgres

DATABASE = "ceiling"
TABLES = """
CREATE TABLE pool (
    id int PRIMARY KEY, capacity int NOT NULL, held int NOT NULL, sold int NOT NULL,
    CHECK (held + sold <= capacity)
) WITH (fillfactor = 50);
CREATE TABLE reservation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, secret text NOT NULL UNIQUE,
    status text NOT NULL, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL
);
CREATE TABLE line (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reservation_id bigint NOT NULL REFERENCES reservation, pool_id int NOT NULL,
    quantity int NOT NULL, unit_price_minor bigint NOT NULL
);
CREATE INDEX ON line (reservation_id);
INSERT INTO pool VALUES (1, 2000000000, 0, 0);
"""
# The hot row last, so that it is locked for the shortest time.
HOLD = """
BEGIN;
INSERT INTO reservation (secret, status, created_at, expires_at)
VALUES (gen_random_uuid()::text, 'PENDING', now(), now() + interval '20 minutes') RETURNING id \\gset
INSERT INTO line (reservation_id, pool_id, quantity, unit_price_minor) VALUES (:id, 1, 1, 2500);
UPDATE pool SET held = held + 1 WHERE id = 1 AND held + sold + 1 <= capacity;
COMMIT;
"""
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_MEAN = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)


class NoCeiling(Exception):
    """pgbench is missing or failed; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Holds per second. Synchronous: each commit waits for the disk."""

    clients: int
    is_synchronous: bool
    rate: float
    mean_ms: float
    errors: int

    @property
    def name(self) -> str:
        return f"{'synchronous' if self.is_synchronous else 'asynchronous'}_{self.clients}"


def parse(output: str, *, clients: int, is_synchronous: bool) -> Ceiling:
    """What pgbench printed. Raises NoCeiling."""
    tps, mean, failed = (pattern.search(output) for pattern in (_TPS, _MEAN, _FAILED))
    if not (tps and mean):
        raise NoCeiling(f"pgbench printed no rate:\n{output}")
    errors = int(failed[1]) if failed else 0
    return Ceiling(clients, is_synchronous, round(float(tps[1]), 1), float(mean[1]), errors)


@contextmanager
def yardstick(postgres: EmbeddedPostgres) -> Iterator["Yardstick"]:
    """A database of its own on the product's server, gone afterwards."""
    drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(f"CREATE DATABASE {DATABASE}")
        address = make_conninfo(postgres.superuser_url, dbname=DATABASE)
        with psycopg.connect(address) as own:
            own.execute(TABLES)
        try:
            yield Yardstick(postgres.programs / "pgbench", address)
        finally:
            connection.execute(drop)


@dataclass(frozen=True, slots=True)
class Yardstick:
    program: Path
    address: str

    def measure(self, *, clients: int, is_synchronous: bool, seconds: float) -> Ceiling:
        """Raises NoCeiling."""
        if not self.program.exists():
            raise NoCeiling(f"There is no {self.program}: install a PostgreSQL that has pgbench")
        at = conninfo_to_dict(self.address)
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(HOLD)
            script.flush()
            done = subprocess.run(
                [
                    self.program,
                    "--no-vacuum",
                    "--protocol=prepared",
                    f"--client={clients}",
                    f"--jobs={min(clients, 2)}",
                    f"--time={max(1, round(seconds))}",
                    f"--file={script.name}",
                ],
                env={
                    "PGHOST": str(at["host"]),
                    "PGPORT": str(at["port"]),
                    "PGUSER": str(at["user"]),
                    "PGPASSWORD": str(at["password"]),
                    "PGDATABASE": DATABASE,
                    "PGOPTIONS": f"-c synchronous_commit={'on' if is_synchronous else 'off'}",
                },
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise NoCeiling(f"pgbench failed:\n{done.stdout}{done.stderr}")
        return parse(done.stdout, clients=clients, is_synchronous=is_synchronous)
