"""A database with rows of two organisers, to be saved, and empty ones to restore into."""

import itertools
from pathlib import Path

import pytest

from devtools.restore_drill import Place
from devtools.scratch import scratch_database

_numbers = itertools.count()


@pytest.fixture(scope="session")
def saved(tmp_path_factory, worker_id):
    """A place with the demo's events, without orders, and with files."""
    with scratch_database(f"tiqqo_saved_{worker_id}") as addresses:
        place = Place(tmp_path_factory.mktemp("saved"), addresses)
        place.must("manage.py", "migrate", "--no-input", "--verbosity=0")
        place.must("manage.py", "demo", "--scale=0")
        for name in ("public/organisers/logo.png", "private/tickets/with a space and ü.pdf"):
            path = place.media / name
            path.parent.mkdir(parents=True)
            path.write_bytes(name.encode() * 100)
        yield place


@pytest.fixture(scope="session")
def backup(saved, tmp_path_factory) -> Path:
    """A backup of it."""
    folder = tmp_path_factory.mktemp("backups") / "first"
    saved.backup(folder)
    return folder


@pytest.fixture
def empty(tmp_path, worker_id):
    """A place with nothing in it."""
    with scratch_database(f"tiqqo_empty_{worker_id}_{next(_numbers)}") as addresses:
        yield Place(tmp_path, addresses)
