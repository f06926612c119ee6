"""The demo data: the same in every run of a day, and consistent in itself."""

from datetime import UTC, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Sum

from accounts.models import Organiser
from demo.logins import LOGINS
from demo.story import tell
from events.models import Event
from orders.models import Order, Payment, Ticket
from payouts.models import LedgerEntry, Posting
from ticketing.models import Reservation
from ticketing.queries import recount
from tiqqo.core.tenancy import platform_scope

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("demo")]

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def told(django_db_setup, django_db_blocker):
    """The demo at a noon that stays, rolled back after this file."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        with time_machine.travel(NOON, tick=False):
            Organiser.objects.filter(pk=0).exists()
            tell(scale=1)
        yield
        transaction.set_rollback(True)


def test_counts_are_the_same_in_every_run(told):
    with platform_scope("look at the demo"):
        found = {
            "organisers": Organiser.objects.filter(slug__in={x.organiser for x in LOGINS}).count(),
            "events": Event.objects.count(),
        }

    assert found == {"organisers": 2, "events": 15}
