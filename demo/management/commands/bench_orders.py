"""`manage.py bench_orders ORGANISER/EVENT RELEASE --count N`: many orders at once for `bin/bench`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.bench import place_orders
from events.models import Event
from tiqqo.core.tenancy import platform_scope, tenant_scope


class Command(BaseCommand):
    help = "Place free orders in process; the worker makes and sends their mails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("event", metavar="ORGANISER/EVENT")
        parser.add_argument("release", help="code of a free release")
        parser.add_argument("--count", type=int, required=True)

    def handle(self, *args: Any, event: str, release: str, count: int, **options: Any) -> None:
        organiser, _, slug = event.partition("/")
        with platform_scope("manage.py bench_orders"):
            found = Event.objects.filter(organiser__slug=organiser, slug=slug).first()
        if found is None:
            raise CommandError("No such event. Name it as ORGANISER/EVENT, as in its address.")
        with tenant_scope(found.organiser_id):
            place_orders(found, release, count=count)
        self.stdout.write(f"{count} orders")
