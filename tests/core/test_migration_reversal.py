"""Migrations refuse to go back over data that would be lost."""

import tomllib
from contextlib import suppress

import pytest
from django.db import connection
from django.db.migrations import AddField, CreateModel
from django.db.migrations.loader import MigrationLoader

from devtools.migration_rules import NAMED_IN
from orders.models import InvoiceCounter
from tiqqo.core.migration_reversal import DataWouldBeLost, KeepData

pytestmark = pytest.mark.django_db


def reverse(**what):
    operation = KeepData({name.replace("_", " "): rows for name, rows in what.items()})
    with connection.schema_editor() as editor:
        operation.database_backwards("events", editor, None, None)


def test_rows_of_every_organiser_are_kept_although_no_scope_is_entered(cast):
    with pytest.raises(DataWouldBeLost, match=r"would lose: events \(\d+\)\. .*restore the backup"):
        reverse(events="events_event", nothing="orders_invoice")


def test_nothing_to_lose_is_no_reason_to_refuse(cast):
    reverse(invoices="orders_invoice", names="events_event WHERE name = 'of nobody'")


def test_forward_nothing_happens(cast):
    with connection.schema_editor() as editor:
        KeepData({"events": "events_event"}).database_forwards("events", editor, None, None)


def our_later_migrations():
    loader = MigrationLoader(connection)
    released = tomllib.loads(NAMED_IN.read_text())["migrations"]
    return {
        key: migration
        for key, migration in loader.disk_migrations.items()
        if key[0] in released and not key[1].startswith("0001_")
    }


def test_every_migration_that_makes_room_for_data_says_what_going_back_loses():
    silent = [
        ".".join(key)
        for key, migration in our_later_migrations().items()
        if any(isinstance(o, CreateModel | AddField) for o in migration.operations)
        and not isinstance(migration.operations[-1], KeepData)
        and not hasattr(migration, "reversal_loses")
    ]
    assert silent == []


def test_database_understands_what_every_migration_asks(cast):
    asked = 0
    for key, migration in our_later_migrations().items():
        for operation in migration.operations:
            if isinstance(operation, KeepData):
                with connection.schema_editor() as editor, suppress(DataWouldBeLost):
                    operation.database_backwards(key[0], editor, None, None)
                asked += 1
    assert asked >= 8


def test_invoices_are_not_lost_by_going_back(kikker):
    # As the migration keeps them: any row will do.
    [keep] = our_later_migrations()["orders", "0002_invoices"].operations[-1:]
    InvoiceCounter.objects.create(year=2026, last=16)

    with (
        pytest.raises(DataWouldBeLost, match=r"numbers of invoices \(1\)"),
        connection.schema_editor() as editor,
    ):
        keep.database_backwards("orders", editor, None, None)
    assert InvoiceCounter.objects.get().last == 16
