"""`manage.py verify_inventory [--event SLUG]`: recount the stock from its rows."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.models import Event
from ticketing.queries import recount
from tiqqo.core.tenancy import platform_scope


class Command(BaseCommand):
    help = "Recount every pool from the reservations; exit 1 on any difference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--event", metavar="ORGANISER/EVENT", help="only this event")

    def handle(self, *args: Any, event: str | None, **options: Any) -> None:
        with platform_scope("manage.py verify_inventory"):
            counts = recount(self._event(event) if event else None)
        self.stdout.write(f"{'capacity':>9} {'held':>6} {'rows':>6} {'sold':>6} {'rows':>6}  pool")
        for count in counts:
            capacity = "–" if count.capacity is None else str(count.capacity)
            self.stdout.write(
                f"{capacity:>9} {count.held:>6} {count.rows_held:>6} {count.sold:>6}"
                f" {count.rows_sold:>6}  {count.label}{'   DIFFERS' if count.differs else ''}"
            )
        differences = sum(count.differs for count in counts)
        self.stdout.write(f"{len(counts)} pools, {differences} differences")
        if differences:
            sys.exit(1)

    def _event(self, address: str) -> Event:
        organiser, _, slug = address.partition("/")
        event: Event | None = Event.objects.filter(organiser__slug=organiser, slug=slug).first()
        if event is None:
            raise CommandError("No such event. Name it as ORGANISER/EVENT, as in its address.")
        return event
