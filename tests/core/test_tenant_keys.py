"""No row refers to a row of another organiser: PostgreSQL compares both."""

import json

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from tests.core.test_tenancy import MODELS, lived_in
from tests.owner import owner_cursor
from tiqqo.core import checks
from tiqqo.core.postgres import lock_waits, tenant_keys
from tiqqo.core.postgres.tenant_keys import WITHOUT, ensure_companions

__all__ = ["lived_in"]


def keys():
    return tenant_keys.tenant_keys(connection)


def declared():
    """Every foreign key between tenant models, as table.column, and the table that it leads to."""
    return {
        f"{model._meta.db_table}.{field.column}": field.related_model._meta.db_table
        for model in MODELS
        for field in model._meta.local_concrete_fields
        if field.is_relation and field.related_model in MODELS
    }


def test_every_key_between_tenants_compares_organisers_or_says_why_not(db):
    assert {str(key): key.parent for key in keys()} == declared()
    assert len(keys()) == len(declared())
    assert len(declared()) > 50
    bare = {str(key) for key in keys() if key.companion is None}
    assert bare == WITHOUT.keys()
    assert all(len(reason) > 20 for reason in WITHOUT.values())
    assert [str(key) for key in keys() if key.companion and not key.is_validated] == []
    assert [key.plain for key in keys() if key.plain] == []


def row_of(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT row_to_json(t) FROM {table} t ORDER BY id LIMIT 1")
        row = cursor.fetchone()[0]
    return json.loads(row) if isinstance(row, str) else row


def refer(table, column, pk):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s", [pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refusal(key, pk):
    """The constraint that refuses a key to this row when no other stands before it."""
    for _others in range(5):
        try:
            with transaction.atomic():
                refer(key.table, key.column, pk)
        except IntegrityError as error:
            name = error.__cause__.diag.constraint_name
            if name == key.companion:
                return name
            with connection.cursor() as cursor:
                # Such as that there is one of a kind: it goes until the end of the test.
                cursor.execute(f"ALTER TABLE {key.table} DROP CONSTRAINT IF EXISTS {name}")
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
        else:
            return None
    return None


@pytest.mark.usefixtures("as_owner")
def test_another_organisers_row_is_refused_by_every_key(lived_in):
    """The owner tries: what the application may not change is refused for this reason, too."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    taken = []
    for key in keys():
        with lived_in.kikker.scope():
            theirs = row_of(key.parent)["id"]
        with lived_in.fjord.scope():
            if refusal(key, theirs) is None:
                taken.append(str(key))
    assert taken == sorted(WITHOUT)


@pytest.mark.usefixtures("as_owner")
def test_another_organisers_row_would_be_taken_without_the_companions(lived_in):
    """Negative control: a foreign key alone does not ask whose row it is."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for key in keys():
            cursor.execute(
                f"ALTER TABLE {key.table} DROP CONSTRAINT {key.companion}, ADD FOREIGN KEY"
                f" ({key.column}) REFERENCES {key.parent} DEFERRABLE INITIALLY DEFERRED NOT VALID"
            )
    with lived_in.kikker.scope():
        theirs = row_of("events_event")["id"]
    with lived_in.fjord.scope():
        refer("people_person", "event_id", theirs)
    assert "tiqqo.W006" in {
        message.id for message in checks.tenant_tables_are_guarded(databases=["default"])
    }


@pytest.fixture
def two_tables(transactional_db):
    """Tenant tables whose key compares nothing, as an app would bring them."""
    with owner_cursor() as owner:
        owner.execute(
            "CREATE TABLE zz_parent (id bigint PRIMARY KEY, organiser_id bigint NOT NULL);"
            "CREATE TABLE zz_child (id bigint PRIMARY KEY, organiser_id bigint NOT NULL,"
            " parent_id bigint REFERENCES zz_parent (id));"
            "INSERT INTO zz_parent VALUES (1, 1), (2, 2);"
        )
        for table in ("zz_parent", "zz_child"):
            owner.execute(
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
                f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
                f"CREATE POLICY p ON {table} USING"
                " ((SELECT current_setting('tiqqo.platform', true)) = 'on')"
            )
        yield owner
        owner.execute("DROP TABLE zz_child, zz_parent")


def test_new_tables_are_guarded_by_the_next_migrate(two_tables):
    two_tables.execute("INSERT INTO zz_child VALUES (1, 1, 1), (2, 2, NULL)")

    call_command("migrate", verbosity=0)

    with pytest.raises(Exception, match="zz_child_parent_id_same_organiser"):
        two_tables.execute("INSERT INTO zz_child VALUES (3, 1, 2)")
    two_tables.execute("INSERT INTO zz_child VALUES (3, 1, 1), (4, 1, NULL)")


def test_rows_that_break_it_already_are_named_and_no_more_are_taken(two_tables, capsys):
    two_tables.execute("INSERT INTO zz_child VALUES (1, 1, 2)")

    call_command("migrate", verbosity=0)

    assert "zz_child.parent_id refers to rows of another organiser" in capsys.readouterr().err
    with pytest.raises(Exception, match="zz_child_parent_id_same_organiser"):
        two_tables.execute("INSERT INTO zz_child VALUES (2, 2, 1)")

    two_tables.execute("UPDATE zz_child SET parent_id = 1")
    call_command("migrate", verbosity=0)
    assert capsys.readouterr().err == ""
    assert all(key.is_validated for key in keys())


def test_an_index_that_was_broken_off_is_made_anew(two_tables):
    two_tables.execute("INSERT INTO zz_parent VALUES (3, 1)")
    two_tables.execute("CREATE UNIQUE INDEX zz_parent_of_organiser ON zz_parent (organiser_id, id)")
    with owner_cursor() as owner:
        owner.execute("DROP INDEX zz_parent_of_organiser")
        with pytest.raises(Exception, match="could not create unique index"):
            # Two rows of organiser 1: this breaks off, and leaves an index that is no good.
            owner.execute(
                "CREATE UNIQUE INDEX CONCURRENTLY zz_parent_of_organiser ON zz_parent (organiser_id)"
            )

    call_command("migrate", verbosity=0)

    with pytest.raises(Exception, match="zz_child_parent_id_same_organiser"):
        two_tables.execute("INSERT INTO zz_child VALUES (3, 1, 2)")


def test_a_table_that_somebody_holds_is_waited_for(two_tables, monkeypatch):
    pauses = []

    def until_the_other_is_done(seconds):
        pauses.append(seconds)
        other.execute("COMMIT")

    with owner_cursor() as other:
        other.execute("BEGIN")
        other.execute("INSERT INTO zz_child VALUES (9, 1, 1)")
        monkeypatch.setattr(lock_waits.time, "sleep", until_the_other_is_done)
        call_command("migrate", verbosity=0)

    assert len(pauses) == 1
    assert all(key.companion and key.is_validated for key in keys())


def test_nothing_is_left_to_do_after_migrate(db):
    assert ensure_companions(connection) == []
