"""Who did what is on record, in the transaction of the deed."""

import pytest
from django.db import transaction

from events.operations import pause_sales
from tiqqo.core import audit
from tiqqo.core.models import AuditEntry


def test_a_deed_is_on_record_with_its_actor(kikker):
    audit.record(kikker.event, "event.looked_at", by=kikker.owner, eyes=2)

    entry = audit.history_of(kikker.event).last()

    assert (entry.action, entry.actor_id, entry.actor_label, entry.data) == (
        "event.looked_at",
        kikker.owner.user_id,
        "Ana de Vries",
        {"eyes": 2},
    )
    assert entry.organiser_id == kikker.organiser.pk


def test_machines_have_a_name_and_no_account(kikker):
    entry = audit.record(kikker.event, "event.looked_at", by=audit.SYSTEM)

    assert (entry.actor_id, entry.actor_label) == (None, "Tiqqo")


def test_no_deed_no_record(kikker):
    before = AuditEntry.objects.count()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        pause_sales(kikker.event, by=kikker.owner)
        assert AuditEntry.objects.count() == before + 1
        1 / 0

    assert AuditEntry.objects.count() == before


def test_history_is_of_one_row_only(kikker):
    audit.record(kikker.priced, "release.looked_at", by=kikker.owner)

    assert [e.action for e in audit.history_of(kikker.event)] == [
        "event.created",
        "event.changed",
        "event.capacity_set",
        "event.published",
    ]
