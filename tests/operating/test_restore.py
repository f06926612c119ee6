"""A restore brings everything back, gives no id twice, and changes nothing when it cannot."""

import json
import os
import shutil

import psycopg
import pytest

from devtools.restore_drill import differences
from tiqqo.operating import schema

pytestmark = pytest.mark.xdist_group("operating")


def copied(backup, tmp_path):
    return shutil.copytree(backup, tmp_path / "copy")


def rewritten(backup, tmp_path, **changes):
    """A copy with another manifest."""
    folder = copied(backup, tmp_path)
    content = json.loads((folder / "manifest.json").read_text())
    content.update({key: value(content[key]) for key, value in changes.items()})
    (folder / "manifest.json").write_text(json.dumps(content))
    return folder


def is_untouched(place):
    with psycopg.connect(place.address) as connection:
        return schema.tables(connection) == [] and not place.media.exists()


def test_everything_comes_back_and_no_id_is_given_twice(saved, backup, empty):
    restored = empty.restore(backup)

    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "DIFFERS" not in restored.stdout
    assert "reconcile_payments" in restored.stdout
    before, after = saved.look(), empty.look()
    assert [problem for problem in differences(before, after) if "too little" not in problem] == []
    assert len(before.files) == 2


def test_next_row_gets_an_id_that_was_never_given(saved, backup, empty):
    empty.restore(backup, "--id-jump=5000")

    with psycopg.connect(empty.address, autocommit=True) as connection:
        schema.see_all_rows(connection)
        [last] = connection.execute("SELECT max(id) FROM accounts_organiser").fetchone()
        [given] = connection.execute(
            "INSERT INTO accounts_organiser SELECT (jsonb_populate_record(o,"
            " jsonb_build_object('id', nextval('accounts_organiser_id_seq'), 'slug', 'new'))).*"
            " FROM accounts_organiser o LIMIT 1 RETURNING id"
        ).fetchone()
    assert given >= last + 5000


@pytest.mark.parametrize("name", ["database.dump", "media.tar"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_damaged_backup_is_refused_before_anything_changes(backup, empty, tmp_path, name, damage):
    folder = copied(backup, tmp_path)
    if damage == "missing":
        (folder / name).unlink()
    else:
        with (folder / name).open("r+b") as file:
            file.seek(-600, os.SEEK_END)
            file.write(b"damaged!")

    refused = empty.restore(folder)

    assert refused.returncode == 1
    assert "is damaged" in refused.stderr and name in refused.stderr
    assert is_untouched(empty)


def test_damage_that_the_hashes_do_not_show_changes_nothing_either(backup, empty, tmp_path):
    from tiqqo.operating.manifest import sha256

    folder = copied(backup, tmp_path)
    with (folder / "database.dump").open("r+b") as dump:
        dump.truncate((folder / "database.dump").stat().st_size * 2 // 3)
    content = json.loads((folder / "manifest.json").read_text())
    content["files"]["database.dump"] = sha256(folder / "database.dump")
    (folder / "manifest.json").write_text(json.dumps(content))

    refused = empty.restore(folder)

    assert refused.returncode == 1
    assert is_untouched(empty)


def test_missing_row_is_found_out(backup, empty, tmp_path):
    folder = rewritten(
        backup, tmp_path, rows=lambda rows: {**rows, "events_event": rows["events_event"] + 1}
    )

    restored = empty.restore(folder)

    assert restored.returncode == 1
    assert "DIFFERS  rows" in restored.stdout and "events_event" in restored.stdout


def test_other_key_is_noticed(backup, empty):
    empty.environment["SECRET_KEY"] = "another"

    refused = empty.restore(backup)

    assert refused.returncode == 1
    assert "SECRET_KEY is not the one of the backup" in refused.stderr
    assert is_untouched(empty)
    assert empty.restore(backup, "--other-secret-key").returncode == 0


def test_backup_of_newer_code_is_refused(backup, empty, tmp_path):
    folder = rewritten(backup, tmp_path, migrations=lambda known: [*known, "orders.9999_future"])

    refused = empty.restore(folder)

    assert refused.returncode == 1
    assert "does not know orders.9999_future" in refused.stderr
    assert is_untouched(empty)


def test_database_that_holds_something_is_replaced_only_when_asked(saved, backup, empty):
    assert empty.restore(backup).returncode == 0
    with psycopg.connect(empty.address, autocommit=True) as connection:
        schema.see_all_rows(connection)
        connection.execute("UPDATE events_event SET name = 'written after the backup'")
    (empty.media / "later.pdf").write_bytes(b"later")

    refused = empty.restore(backup)
    assert refused.returncode == 1
    assert "use --replace" in refused.stderr
    assert (empty.media / "later.pdf").exists()

    replaced = empty.restore(backup, "--replace")
    assert replaced.returncode == 0, replaced.stdout + replaced.stderr
    assert empty.look().rows["events_event"] == saved.look().rows["events_event"]
    assert not (empty.media / "later.pdf").exists()
    assert (empty.media.parent / "media.before-1" / "later.pdf").read_bytes() == b"later"


def test_database_in_use_is_refused(backup, empty):
    with psycopg.connect(empty.address):
        refused = empty.restore(backup)

    assert refused.returncode == 1
    assert "stop web, workers and beat first" in refused.stderr
    assert is_untouched(empty)
