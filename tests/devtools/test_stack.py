"""The services and the supervisor that bin/dev, bin/test and bin/bench stand on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devtools.folder_locks import Claimed
from devtools.processes import (
    LOOPBACK,
    end_recorded,
    free_port,
    identity,
    is_free,
    record,
)
from devtools.services import EmbeddedPostgres, EmbeddedRedis
from devtools.supervisor import ChildEnded, Supervisor

pytestmark = pytest.mark.xdist_group("devtools")


@pytest.fixture(scope="module")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a space in its path, open to the user that runs PostgreSQL for root."""
    folder = tmp_path_factory.mktemp("a clone") / "var"
    folder.mkdir()
    yield folder
    # Root may have kept the data elsewhere, because temporary folders are closed to others.
    EmbeddedPostgres(folder, say=lambda _: None).destroy()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def postgres(var_dir: Path, said: list[str]) -> EmbeddedPostgres:
    return EmbeddedPostgres(var_dir, say=said.append)


def rows(address: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        found = connection.execute(question.encode())
        return found.fetchall() if found.description else []


def test_app_role_cannot_pass_row_level_security_and_owns_nothing(
    postgres: EmbeddedPostgres,
) -> None:
    powers = (
        "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole"
        " FROM pg_roles WHERE rolname = current_user"
    )
    with postgres:
        [role] = rows(postgres.url, powers)
        [migrating] = rows(postgres.owner_url, powers)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(postgres.url, "CREATE TABLE mine AS SELECT 1 AS n")
        [owner] = rows(
            postgres.url,
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()",
        )

    assert role == ("tiqqo_app", True, False, False, False, False)
    assert migrating == ("tiqqo", True, False, False, True, False)
    assert owner == ("tiqqo",)


def test_backup_role_sees_every_row_and_is_no_superuser(postgres: EmbeddedPostgres) -> None:
    with postgres:
        rows(postgres.owner_url, "CREATE TABLE hidden AS SELECT 1 AS n")
        rows(postgres.owner_url, "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
        rows(postgres.owner_url, "ALTER TABLE hidden FORCE ROW LEVEL SECURITY")

        assert rows(postgres.owner_url, "SELECT n FROM hidden") == []
        assert rows(postgres.backup_url, "SELECT n FROM hidden") == [(1,)]
        assert rows(
            postgres.backup_url,
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user",
        ) == [(False, True)]


def test_server_listens_on_loopback_only_and_asks_for_the_password(
    postgres: EmbeddedPostgres,
) -> None:
    with postgres:
        [listens] = rows(
            postgres.superuser_url,
            "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')",
        )
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://tiqqo:wrong@{LOOPBACK}:{postgres.port}/tiqqo")

    assert listens == (LOOPBACK, "")


def test_restart_keeps_data_port_and_passwords(postgres: EmbeddedPostgres, var_dir: Path) -> None:
    with postgres:
        rows(postgres.owner_url, "CREATE TABLE kept AS SELECT 'yes' AS answer")
        addresses = postgres.url, postgres.owner_url

    again = EmbeddedPostgres(var_dir)
    with again:
        assert (again.url, again.owner_url) == addresses
        assert rows(again.owner_url, "SELECT answer FROM kept") == [("yes",)]


def test_committed_rows_survive_a_killed_server(postgres: EmbeddedPostgres, var_dir: Path) -> None:
    postgres.start()
    rows(postgres.owner_url, "CREATE TABLE survived AS SELECT 42 AS n")
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.stop()

    with EmbeddedPostgres(var_dir) as again:
        assert rows(again.owner_url, "SELECT n FROM survived") == [(42,)]


def test_server_left_running_by_an_earlier_run_is_ended(
    postgres: EmbeddedPostgres, var_dir: Path, said: list[str]
) -> None:
    postgres.start()
    left_running = postgres.pid
    # What a killed supervisor would do: the lock is let go of, the server is not ended.
    postgres._claim.release()

    with EmbeddedPostgres(var_dir, say=said.append) as again:
        assert again.pid != left_running
        assert rows(again.url, "SELECT 1") == [(1,)]

    assert said[-1] == (
        f"Ending the PostgreSQL that an earlier run left behind (process {left_running})"
    )
    postgres.stop()


def test_stale_pid_file_that_names_a_stranger_is_ignored(
    postgres: EmbeddedPostgres, var_dir: Path
) -> None:
    with postgres:
        [(shown,)] = rows(postgres.superuser_url, "SHOW data_directory")
    data = Path(str(shown))
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")

    with EmbeddedPostgres(var_dir) as again:
        assert rows(again.url, "SELECT 1") == [(1,)]


def test_second_server_on_the_same_folder_is_refused(
    postgres: EmbeddedPostgres, var_dir: Path
) -> None:
    with postgres, pytest.raises(Claimed, match=f"PostgreSQL of process {os.getpid()}"):
        EmbeddedPostgres(var_dir).start()


def test_redis_keeps_its_data_and_asks_for_the_password(var_dir: Path) -> None:
    with EmbeddedRedis(var_dir) as first:
        redis.Redis.from_url(first.url).set("kept", "yes")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(host=LOOPBACK, port=first.port, retry=Retry(NoBackoff(), 0)).get("kept")

    with EmbeddedRedis(var_dir) as again:
        assert redis.Redis.from_url(again.url).get("kept") == b"yes"


def test_redis_starts_over_a_dump_that_it_cannot_read(var_dir: Path, said: list[str]) -> None:
    dump = var_dir / "redis" / "dump.rdb"
    dump.parent.mkdir(exist_ok=True)
    dump.write_bytes(b"REDIS9999 of the future")

    with EmbeddedRedis(var_dir, say=said.append) as server:
        assert redis.Redis.from_url(server.url).ping()

    assert said == [f"Redis could not read {dump}: it was moved aside"]


def test_supervisor_tells_which_child_ended_and_what_it_said(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, cwd=tmp_path, echo=False)
    supervisor.start("calm", [sys.executable, "-c", "import time; time.sleep(60)"], os.environ)
    supervisor.start("hasty", [sys.executable, "-c", "print('no more'); raise SystemExit(3)"], {})

    with pytest.raises(ChildEnded, match="hasty ended with code 3:\nno more"):
        supervisor.wait()
    supervisor.stop()

    assert list((tmp_path / "run").iterdir()) == []


def test_stopping_ends_grandchildren_too(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, cwd=tmp_path, echo=False)
    supervisor.start("family", ["sh", "-c", 'sleep 60 & echo $! >"$0"; wait', "grandchild"], {})
    grandchild = _number_in(tmp_path / "grandchild")

    supervisor.stop()

    assert _is_gone(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_children_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    script = (
        "import sys, time, os; from pathlib import Path;"
        "from devtools.supervisor import Supervisor;"
        "s = Supervisor(Path('.'), cwd=Path('.'), echo=False);"
        "s.start('child', ['sh', '-c', 'echo $$ > child; exec sleep 60'], os.environ);"
        "time.sleep(60)"
    )
    repository = Path(__file__).resolve().parent.parent.parent
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )
    child = _number_in(tmp_path / "child")

    supervisor.kill()
    supervisor.wait()

    assert _is_gone(child)


def test_recorded_process_is_ended_but_never_a_stranger_with_its_number(tmp_path: Path) -> None:
    ours = subprocess.Popen(["sleep", "60"], process_group=0)
    record(tmp_path / "ours", ours.pid)
    (tmp_path / "stranger").write_text(
        f'{{"pid": {os.getpid()}, "identity": "somebody else", "program": []}}'
    )

    assert not end_recorded(tmp_path / "stranger")
    assert end_recorded(tmp_path / "ours", grace=5)
    assert ours.wait() == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="groups are looked up in /proc")
def test_what_outlives_a_recorded_process_in_its_group_is_ended(tmp_path: Path) -> None:
    script = 'sh -c "echo \\$\\$ > child; sleep 60; true" & wait'
    leader = subprocess.Popen(["sh", "-c", script], cwd=tmp_path, process_group=0)
    record(tmp_path / "leader", leader.pid)
    child = _number_in(tmp_path / "child")
    leader.kill()
    leader.wait()

    assert end_recorded(tmp_path / "leader")
    assert _is_gone(child)


def test_next_port_is_taken_when_the_first_is_busy() -> None:
    with socket.create_server((LOOPBACK, 0)) as busy:
        port = busy.getsockname()[1]

        assert not is_free(port)
        assert free_port(port) > port


def _number_in(file: Path) -> int:
    for _ in range(200):
        if file.exists() and (text := file.read_text().strip()):
            return int(text)
        time.sleep(0.02)
    raise AssertionError(f"{file} was not written")


def _is_gone(pid: int) -> bool:
    for _ in range(200):
        if identity(pid) is None:
            return True
        time.sleep(0.02)
    return False
