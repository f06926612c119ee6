"""The steps of an upgrade: in order, and none after one that failed."""

import http.server
import threading

import pytest

from devtools.ci import PRODUCTION
from tiqqo.operating.errors import Stopped
from tiqqo.operating.upgrade import wait_until_ready

pytestmark = pytest.mark.xdist_group("operating")


@pytest.fixture
def production(empty, tmp_path):
    """An empty database, and what an operator sets."""
    empty.environment.update(
        PRODUCTION,
        MAIL_FROM="Tiqqo <tickets@example.com>",
        STATIC_ROOT=str(tmp_path / "static"),
        VAR_DIR=str(tmp_path / "var"),
    )
    empty.environment.pop("RESTART_COMMAND", None)
    return empty


def upgraded(place, *options):
    return place.run("-m", "tiqqo.operating.upgrade", *options)


@pytest.fixture
def web():
    """A server that is not ready at first: 503, 503, 200."""
    answers = iter([503, 503, 200])

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(next(answers, 200))
            self.end_headers()
            self.wfile.write(b"database: migrations are missing")

        def log_message(self, *arguments):
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/readyz"
        server.shutdown()


def test_upgrade_migrates_collects_checks_and_restarts(production, tmp_path, web):
    production.environment["RESTART_COMMAND"] = f"echo restarted >> '{tmp_path}/restarts'"

    first = upgraded(production, f"--ready-url={web}")

    assert first.returncode == 0, first.stdout + first.stderr
    steps = [line[3:] for line in first.stdout.splitlines() if line.startswith("== ")]
    assert steps == ["environment", "backup", "migrations", "static files", "checks", "restart"]
    assert "none: the database is empty" in first.stdout
    # The plan stands before what was done.
    assert first.stdout.index("Planned operations") < first.stdout.index("Applying ")
    assert (tmp_path / "static" / "staticfiles.json").exists()
    assert len(list((tmp_path / "static" / "manifests").iterdir())) == 1
    assert (tmp_path / "restarts").read_text() == "restarted\n"
    assert f"{web} answers 200" in first.stdout

    production.environment["RESTART_COMMAND"] = "exit 3"
    failed = upgraded(production, "--backup=when-migrating")
    assert failed.returncode == 1
    assert "RESTART_COMMAND ended with code 3" in failed.stderr
    assert "none: no migration changes the data" in failed.stdout
    assert not (tmp_path / "var" / "backups").exists()

    del production.environment["RESTART_COMMAND"]
    saved = upgraded(production)
    assert saved.returncode == 0, saved.stdout + saved.stderr
    [backup] = (tmp_path / "var" / "backups").iterdir()
    assert (backup / "manifest.json").exists()
    assert "Restart now, in this order" in saved.stdout


def test_nothing_is_done_in_an_incomplete_environment(production, tmp_path):
    del production.environment["MAIL_FROM"]
    del production.environment["REDIS_URL"]

    stopped = upgraded(production)

    assert stopped.returncode == 1
    assert "Not set: MAIL_FROM, REDIS_URL." in stopped.stderr
    assert "== backup" not in stopped.stdout
    assert production.look().rows == {}
    assert not (tmp_path / "static").exists()


def test_nothing_is_migrated_when_no_backup_can_be_made(production):
    production.environment["BACKUP_DATABASE_URL"] = ""

    stopped = upgraded(production)

    assert stopped.returncode == 1
    assert "CREATE ROLE tiqqo_backup" in stopped.stderr
    assert production.look().rows == {}


def test_web_that_does_not_get_ready_is_told_with_what_it_said(web):
    with pytest.raises(Stopped, match="503 database: migrations are missing"):
        wait_until_ready(web, seconds=0.1)
