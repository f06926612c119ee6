"""The demo data: the same at the same moment, and consistent in itself."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Q, Sum
from django.test import TestCase

from accounts.models import Membership, Organiser
from checkin.models import Admission
from demo.logins import LOGINS, PASSWORD
from events.models import Event
from orders.models import Delivery, Order, OrderStatus, Payment, Ticket
from payouts.models import AccountKind, LedgerEntry, Posting
from tests.golden.compare import compare
from ticketing.queries import recount
from tiqqo.core.tenancy import platform_scope

# One worker tells the story.
pytestmark = pytest.mark.xdist_group("demo")

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class TestDemo(TestCase):
    """A class for once: the story is told a single time for all of its tests."""

    said: str

    @classmethod
    def setUpClass(cls) -> None:
        """The tables are empty. Only their owner can empty them, and no transaction changes its role."""
        call_command("flush", interactive=False, verbosity=0)
        super().setUpClass()

    @classmethod
    def setUpTestData(cls) -> None:
        """`manage.py demo` on an empty database at a noon that stays."""
        said = StringIO()
        with time_machine.travel(NOON, tick=False):
            call_command("demo", scale=1, stdout=said)
        cls.said = said.getvalue()

    def setUp(self) -> None:
        self.enterContext(platform_scope("look at the demo data"))

    def test_demo_is_the_same_at_the_same_moment(self):
        """Per event: orders and tickets by what they count on; `UPDATE_GOLDEN=1` rewrites."""
        lines = []
        for event in Event.objects.order_by("organiser_id", "starts_at", "name"):
            orders = Order.objects.filter(event=event).aggregate(
                orders=Count("pk"),
                tickets=Sum("quantity", default=0),
                paid=Count("pk", filter=Q(status=OrderStatus.PAID)),
                free=Count("pk", filter=Q(status=OrderStatus.FREE)),
                waiting=Count("pk", filter=Q(status=OrderStatus.OFFLINE_PENDING)),
                total=Sum("total_minor", default=0),
            )
            admitted = Admission.objects.filter(ticket__event=event, undone_at=None).count()
            facts = " ".join(f"{name}={value}" for name, value in orders.items())
            lines.append(f"{event.status:<9} {event.name}: {facts} admitted={admitted}")

        compare("demo.txt", "\n".join(lines))
        assert self.said == "Demo data is in.\n"

    def test_inventory_agrees_with_its_rows(self):
        said = StringIO()
        call_command("verify_inventory", stdout=said)

        counts = recount()
        assert len(counts) > 100
        assert [count for count in counts if count.differs] == []
        assert said.getvalue().endswith(f"{len(counts)} pools, 0 differences\n")
        assert all(c.capacity is None or c.sold + c.held <= c.capacity for c in counts)

    def test_every_settled_order_has_its_tickets(self):
        orders = Order.objects.annotate(issued=Count("tickets"))

        settled = orders.filter(status__in=[OrderStatus.PAID, OrderStatus.FREE])
        assert settled.count() > 250
        assert not settled.exclude(issued=F("quantity")).exists()
        waiting = orders.filter(status=OrderStatus.OFFLINE_PENDING)
        assert waiting.count() > 5
        assert not waiting.exclude(issued=0).exists()
        assert not Ticket.objects.exclude(event_id=F("order__event_id")).exists()

    def test_ledger_sums_to_zero(self):
        assert Posting.objects.aggregate(sum=Sum("amount_minor"))["sum"] == 0
        entries = LedgerEntry.objects.annotate(sum=Sum("postings__amount_minor"))
        assert not entries.exclude(sum=0).exists()
        taken = Payment.objects.aggregate(sum=Sum("captured_minor"))["sum"]
        clearing = Posting.objects.filter(account=AccountKind.CLEARING)
        assert clearing.aggregate(sum=Sum("amount_minor"))["sum"] == taken
        fees = Posting.objects.filter(account=AccountKind.PLATFORM_FEES)
        assert (
            -fees.aggregate(sum=Sum("amount_minor"))["sum"]
            == (Payment.objects.aggregate(sum=Sum("platform_fee_minor"))["sum"])
        )

    def test_demo_leaves_only_the_mails_of_the_last_days(self):
        left = Delivery.objects.filter(status__in=["pending", "prepared"])
        assert not left.filter(requested_at__lt=NOON - timedelta(days=2)).exists()
        assert left.count() < 60
        assert not Order.objects.confirmed().filter(people_at=None, tickets__isnull=False).exists()

    def test_everybody_of_the_list_can_sign_in(self):
        said = StringIO()
        call_command("demo", print_logins=True, stdout=said)

        lines = said.getvalue().splitlines()
        assert len(lines) == len(LOGINS)
        for login, line in zip(LOGINS, lines, strict=True):
            assert line.startswith(login.email)
            assert PASSWORD in line
            member = Membership.objects.get(user__email=login.email)
            assert (member.organiser.slug, member.role) == (login.organiser, login.role)
            assert member.user.check_password(PASSWORD)

    def test_shop_to_look_at_is_printed(self):
        said = StringIO()
        with time_machine.travel(NOON, tick=False):
            call_command("demo", print_shop=True, stdout=said)

        organiser, event = said.getvalue().strip().strip("/").split("/")
        assert Event.objects.filter(organiser__slug=organiser, slug=event).exists()

    def test_data_that_is_there_stays(self):
        before = (Organiser.objects.count(), Order.objects.count())
        said = StringIO()

        with pytest.raises(CommandError, match="not empty"):
            call_command("demo", stdout=said)
        call_command("demo", if_empty=True, stdout=said)

        assert said.getvalue() == "There is data already; it stays as it is.\n"
        assert (Organiser.objects.count(), Order.objects.count()) == before
