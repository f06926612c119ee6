"""What a backup holds, and when there is none."""

import json
import tarfile
from pathlib import Path

import psycopg
import pytest

from tiqqo.operating import media
from tiqqo.operating.manifest import Manifest, fingerprint, is_of_key, sha256
from tiqqo.operating.programs import without_password

pytestmark = pytest.mark.xdist_group("operating")


def test_manifest_says_what_the_backup_holds(saved, backup):
    manifest = Manifest.read(backup)

    with psycopg.connect(saved.environment["BACKUP_DATABASE_URL"]) as connection:
        [events] = connection.execute("SELECT count(*) FROM events_event").fetchone()
    assert manifest.rows["events_event"] == events > 0
    assert "orders.0002_invoices" in manifest.migrations
    assert manifest.media_files == 2
    assert manifest.files == {
        name: sha256(backup / name) for name in ("database.dump", "media.tar")
    }
    assert is_of_key(manifest.secret_key, saved.environment["SECRET_KEY"])
    assert not is_of_key(manifest.secret_key, "another")


def test_key_is_not_in_the_backup_and_two_fingerprints_of_it_differ(saved, backup):
    key = saved.environment["SECRET_KEY"]

    assert key not in (backup / "manifest.json").read_text()
    assert fingerprint(key) != fingerprint(key)


def test_backup_is_readable_by_its_owner_only(backup):
    assert backup.stat().st_mode & 0o077 == 0


def test_backup_overwrites_nothing(saved, backup):
    before = (backup / "manifest.json").read_bytes()

    refused = saved.run("-m", "tiqqo.operating.backup", str(backup))

    assert refused.returncode == 1
    assert "is there already: name another folder" in refused.stderr
    assert (backup / "manifest.json").read_bytes() == before


def test_role_that_rows_are_hidden_from_makes_no_backup(saved, tmp_path):
    saved_address = saved.environment["BACKUP_DATABASE_URL"]
    saved.environment["BACKUP_DATABASE_URL"] = saved.address
    try:
        refused = saved.run("-m", "tiqqo.operating.backup", str(tmp_path / "none"))
    finally:
        saved.environment["BACKUP_DATABASE_URL"] = saved_address

    assert refused.returncode == 1
    assert "does not see every organiser's rows" in refused.stderr
    assert "CREATE ROLE tiqqo_backup" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_while_the_backup_runs_is_not_half_in_it(saved, empty, tmp_path):
    """A pg_dump before which somebody writes: after the rows were counted, that is."""
    real = Path(saved.environment["POSTGRES_PROGRAMS"])
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("psql", "pg_restore"):
        (programs / name).symlink_to(real / name)
    (programs / "pg_dump").write_text(
        "#!/bin/sh\n"
        f'[ "$1" = --version ] || "{real}/psql" --quiet "{saved.owner_address}"'
        " -c 'CREATE TABLE written_meanwhile AS SELECT 1 AS n'\n"
        f'exec "{real}/pg_dump" "$@"\n'
    )
    (programs / "pg_dump").chmod(0o755)
    saved.environment["POSTGRES_PROGRAMS"] = str(programs)
    try:
        saved.backup(tmp_path / "backup")
    finally:
        saved.environment["POSTGRES_PROGRAMS"] = str(real)
        with psycopg.connect(saved.owner_address) as connection:
            connection.execute("DROP TABLE written_meanwhile")

    restored = empty.restore(tmp_path / "backup")

    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "written_meanwhile" not in empty.look().rows


def test_failed_backup_leaves_no_folder(saved, empty, tmp_path):
    folder = tmp_path / "backups" / "failed"

    # The database is empty: nothing was migrated.
    refused = empty.run("-m", "tiqqo.operating.backup", str(folder))

    assert refused.returncode == 1
    assert "This database holds no Tiqqo" in refused.stderr
    assert list(folder.parent.iterdir()) == []


def test_archive_leaves_out_what_is_removed_meanwhile(tmp_path, monkeypatch):
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "a").write_bytes(b"stays")
    (folder / "b").write_bytes(b"goes")
    opened = Path.open

    def open_or_lose(path, *arguments, **options):
        if path.name == "b":
            path.unlink()
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_or_lose)

    assert media.pack(folder, tmp_path / "media.tar") == 1
    with tarfile.open(tmp_path / "media.tar") as tar:
        assert tar.getnames() == ["a"]


def test_files_of_a_mounted_folder_move_one_by_one(tmp_path, monkeypatch):
    media_root, beside = tmp_path / "media", tmp_path / "media.unfinished"
    for folder, name in ((media_root, "old.pdf"), (beside, "new.pdf")):
        (folder / "private").mkdir(parents=True)
        (folder / "private" / name).write_bytes(name.encode())

    def refuse(path, target):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", refuse)
    aside = media.put_in_place(beside, media_root)

    assert [path.name for path in media_root.rglob("*.pdf")] == ["new.pdf"]
    assert (aside / "private" / "old.pdf").read_bytes() == b"old.pdf"
    assert not beside.exists()


def test_password_is_not_among_a_programs_arguments():
    address, password = without_password("postgresql://me:s%40cret@host:5432/tiqqo?sslmode=require")

    assert address == "postgresql://me@host:5432/tiqqo?sslmode=require"
    assert password == "s@cret"
    assert without_password("postgresql://me@host/tiqqo") == ("postgresql://me@host/tiqqo", None)


def test_manifest_is_json_that_others_can_read(backup):
    content = json.loads((backup / "manifest.json").read_text())

    assert content["format"] == 1
    assert content["made_at"].endswith("+00:00")
