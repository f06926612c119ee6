"""The schema changes under a sale that goes on: whoever changes it gives way, and comes back."""

import threading
import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.commands import migrate as django_migrate
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.migrations import Migration
from psycopg.errors import DeadlockDetected

from tests.owner import owner_cursor
from tiqqo.core.management.commands.migrate import Command
from tiqqo.core.postgres import lock_waits
from tiqqo.core.postgres.lock_waits import LOCK_TIMEOUT_MS, StillHeld, lock_timeout, until_unlocked

A, B = "accounts_organiser", "events_event"


@pytest.fixture
def visitor():
    """Somebody else's transaction, which ends by itself in the end."""
    with owner_cursor() as cursor:
        yield cursor


def wait_for(cursor, seconds=20):
    """Until somebody stands behind the cursor's process; False when nobody came."""
    until = time.monotonic() + seconds
    with owner_cursor() as looking:
        while time.monotonic() < until:
            looking.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND %s = ANY (pg_blocking_pids(pid)))",
                [cursor.connection.info.backend_pid],
            )
            if looking.fetchone()[0]:
                return True
            time.sleep(0.02)
    return False


def changing_both():
    """As a migration that alters two tables, and takes long over it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {B} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"LOCK TABLE {A} IN ACCESS EXCLUSIVE MODE")


class Reading(threading.Thread):
    """A visitor who has one table, and wants the other as soon as somebody waits for the first."""

    def __init__(self, cursor):
        super().__init__(daemon=True)
        self.cursor = cursor
        self.error = None

    def run(self):
        try:
            assert wait_for(self.cursor)
            self.cursor.execute(f"SELECT count(*) FROM {B}")
            self.cursor.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  who fails is what the test is about
            self.error = error


def crossing(visitor, work):
    """The work met a visitor who holds what it wants and wants what it holds; how that went for both."""
    visitor.execute("BEGIN")
    visitor.execute(f"SELECT count(*) FROM {A}")
    reading = Reading(visitor)
    reading.start()
    try:
        work()
        failed = None
    except OperationalError as error:
        failed = error
    reading.join(30)
    assert not reading.is_alive()
    return failed, reading.error


@pytest.mark.usefixtures("as_owner")
class TestMigrating:
    @pytest.mark.django_db(transaction=True)
    def test_a_migration_gives_way_to_a_visitor_and_is_done_afterwards(self, visitor, monkeypatch):
        tries = []

        def handle(self, *args, **options):
            tries.append(1)
            changing_both()

        monkeypatch.setattr(django_migrate.Command, "handle", handle)
        out = StringIO()
        failed, visitors_error = crossing(visitor, lambda: call_command("migrate", stdout=out))
        assert (failed, visitors_error) == (None, None)
        assert len(tries) > 1
        assert "In use by others" in out.getvalue()

    @pytest.mark.django_db(transaction=True)
    def test_without_giving_way_one_of_them_is_ended(self, visitor):
        """The control: the test's visitor and its work are a deadlock."""
        with lock_timeout(connection, 20_000):
            ours, visitors = crossing(visitor, changing_both)
        ended = [error for error in (ours, visitors) if error is not None]
        assert len(ended) == 1
        assert isinstance(ended[0].__cause__ or ended[0], DeadlockDetected)

    @pytest.mark.django_db(transaction=True)
    def test_whoever_hangs_for_good_is_named(self, visitor, monkeypatch):
        monkeypatch.setattr(lock_waits, "PATIENCE_SECONDS", 1.5)
        visitor.execute("BEGIN")
        visitor.execute(f"SELECT count(*) FROM {A}")
        with lock_timeout(connection, LOCK_TIMEOUT_MS), pytest.raises(StillHeld) as raised:
            until_unlocked(connection, changing_both, say=lambda _: None)
        visitor.execute("ROLLBACK")
        assert f"process {visitor.connection.info.backend_pid} of " in str(raised.value)

    @pytest.mark.django_db(transaction=True)
    def test_what_is_wrong_is_not_tried_again(self):
        said = []

        def wrong():
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")

        with pytest.raises(ProgrammingError):
            until_unlocked(connection, wrong, say=said.append)
        assert said == []


def timeout_now():
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]


def test_only_what_blocks_nobody_waits_without_an_end(db):
    """Half a concurrent index would remain of one that gave up."""
    command = Command(stdout=StringIO())
    command._connection, command.verbosity = connection, 1
    beside, alone = Migration("index", "orders"), Migration("column", "orders")
    beside.atomic = False
    with lock_timeout(connection, LOCK_TIMEOUT_MS):
        before = timeout_now()
        command.migration_progress_callback("apply_start", beside)
        assert timeout_now() == "0"
        command.migration_progress_callback("apply_success", beside)
        assert timeout_now() == before == f"{LOCK_TIMEOUT_MS}ms"
        command.migration_progress_callback("apply_start", alone)
        assert timeout_now() == before
    assert timeout_now() != before
