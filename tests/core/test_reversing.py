"""Migrations refuse to go back over data that would be lost."""

import pytest
from django.db import connection

from tiqqo.core.reversing import DataWouldBeLost, KeepData

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
