"""The application's role owns nothing: what it may do is granted, and not more."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from payouts.models import LedgerEntry
from tests.owner import owner_cursor
from tiqqo.core import checks
from tiqqo.core.models import AuditEntry
from tiqqo.core.postgres.roles import application_role, as_owner, grant_to_application

NOT_ALLOWED = {
    "empty a table": "TRUNCATE orders_refund",
    "empty it with all that hangs on it": "TRUNCATE events_event CASCADE",
    "add a column": "ALTER TABLE orders_order ADD COLUMN mine integer",
    "drop a constraint": "ALTER TABLE ticketing_capacitypool DROP CONSTRAINT pool_never_oversold",
    "drop a table": "DROP TABLE orders_refund",
    "make a table": "CREATE TABLE mine (id integer)",
    "make a schema": "CREATE SCHEMA mine",
    "make a function": "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "switch row security off": "ALTER TABLE orders_order DISABLE ROW LEVEL SECURITY",
    "free its owner from it": "ALTER TABLE orders_order NO FORCE ROW LEVEL SECURITY",
    "drop a policy": "DROP POLICY orders_order_tenant ON orders_order",
    "add a policy": "CREATE POLICY mine ON orders_order USING (true)",
    "change a policy": "ALTER POLICY orders_order_tenant ON orders_order USING (true)",
    "switch triggers off": "ALTER TABLE payouts_posting DISABLE TRIGGER USER",
    "switch foreign keys off": "SET session_replication_role = replica",
    "make an index": "CREATE INDEX ON orders_order (email)",
    "become the owner": "SET ROLE tiqqo",
    "give a number anew": "SELECT setval('orders_order_id_seq', 1)",
    "say that a migration was applied": "INSERT INTO django_migrations (app, name, applied)"
    " VALUES ('orders', '9999', now())",
    "change a posting": "UPDATE payouts_posting SET amount_minor = 1",
    "delete a posting": "DELETE FROM payouts_posting",
    "change a ledger entry": "UPDATE payouts_ledgerentry SET reference = ''",
    "delete a ledger entry": "DELETE FROM payouts_ledgerentry",
    "change the audit log": "UPDATE core_auditentry SET action = ''",
    "delete from the audit log": "DELETE FROM core_auditentry",
    "read the passwords of roles": "SELECT rolpassword FROM pg_authid",
}


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", NOT_ALLOWED.values(), ids=NOT_ALLOWED.keys())
def test_application_may_not(db, statement):
    with (
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        transaction.atomic(),
    ):
        run(statement)


OWNERS = {
    name: statement
    for name, statement in NOT_ALLOWED.items()
    # These need a superuser, or, with a name of its own, more than the database of a test.
    if name not in {"switch foreign keys off", "become the owner", "read the passwords of roles"}
}


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("statement", OWNERS.values(), ids=OWNERS.keys())
def test_owner_may(db, statement):
    """Negative control of the test above: only the role makes the difference."""
    run(statement)


def test_application_may_add_and_read_what_is_only_added(kikker):
    entry = AuditEntry.objects.create(
        actor=kikker.owner.user, actor_label="Ana", action="a", subject_type="b", subject_id=1
    )
    LedgerEntry.objects.create(key="k", kind="payment", reference="r")

    # As when a user is removed: the entry stays, and says who by name.
    AuditEntry.objects.filter(pk=entry.pk).update(actor=None)
    assert (AuditEntry.objects.get(pk=entry.pk).actor_id, LedgerEntry.objects.count()) == (None, 1)


def test_application_and_owner_are_two_roles(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, pg_get_userbyid(relowner) FROM pg_class"
            " WHERE oid = 'orders_order'::regclass"
        )
        assert cursor.fetchone() == ("tiqqo_app", "tiqqo")


@pytest.mark.django_db(transaction=True)
def test_a_new_table_has_its_privileges_after_the_next_migrate():
    with owner_cursor() as owner:
        owner.execute(
            "CREATE TABLE brought_later (id bigint GENERATED ALWAYS AS IDENTITY, n integer)"
        )
        owner.execute("GRANT TRUNCATE ON orders_refund TO tiqqo_app")
        try:
            with pytest.raises(DatabaseError, match="permission denied"):
                run("SELECT * FROM brought_later")

            call_command("migrate", verbosity=0)

            run("INSERT INTO brought_later (n) VALUES (1)")
            run("DELETE FROM brought_later")
            with pytest.raises(DatabaseError, match="permission denied"):
                run("TRUNCATE brought_later")
            with pytest.raises(DatabaseError, match="permission denied"):
                run("TRUNCATE orders_refund")
        finally:
            owner.execute("DROP TABLE brought_later")


@pytest.mark.usefixtures("as_owner")
def test_granting_again_changes_nothing(db):
    assert grant_to_application(connection) == []


def test_an_application_that_owns_its_tables_is_warned_of(db, monkeypatch):
    assert checks.tenant_tables_are_guarded(databases=["default"]) == []
    # As an installation with one role: the owner is the application.
    monkeypatch.setitem(connection.settings_dict, "APPLICATION", "tiqqo")
    assert application_role(connection) == "tiqqo"

    found = checks.tenant_tables_are_guarded(databases=["default"])

    assert {message.id for message in found} == {"tiqqo.W005"}
    assert "The role tiqqo of DATABASE_URL owns" in found[0].msg


@pytest.mark.django_db(transaction=True)
def test_with_one_role_everything_goes_on(monkeypatch):
    settings = connection.settings_dict
    connection.close()
    monkeypatch.setitem(settings, "USER", settings["OWNER"]["USER"])
    monkeypatch.setitem(settings, "PASSWORD", settings["OWNER"]["PASSWORD"])
    monkeypatch.setitem(settings, "OWNER", None)
    try:
        call_command("migrate", verbosity=0)
        run("SELECT * FROM orders_order")
    finally:
        connection.close()


def test_a_transaction_cannot_go_on_as_the_owner(db):
    with pytest.raises(Exception, match="cannot go on as another role"), as_owner(connection):
        pass
