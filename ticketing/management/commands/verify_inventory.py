"""`manage.py verify_inventory [--event ORGANISER/EVENT]`: recount the stock from its rows."""

import sys
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.models import Event
from ticketing.queries import recount, recount_codes
from tiqqo.core.tenancy import platform_scope

POOLS = ("capacity", "held", "rows", "sold", "rows", "aside", "rows", "waiting", "rows")
CODES = ("held", "rows", "used", "rows")


class Command(BaseCommand):
    help = "Recount every pool and code from its rows; exit 1 on any difference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--event", metavar="ORGANISER/EVENT", help="only this event")

    def handle(self, *args: Any, event: str | None, **options: Any) -> None:
        with platform_scope("manage.py verify_inventory"):
            found = self._event(event) if event else None
            pools, codes = recount(found), recount_codes(found)
        self._row(POOLS, "pool")
        for pool in pools:
            pairs = zip(pool.counters, pool.rows, strict=True)
            capacity = "–" if pool.capacity is None else pool.capacity
            figures = [capacity, *(figure for pair in pairs for figure in pair)]
            self._row(figures, pool.label, differs=pool.differs)
        if codes:
            self.stdout.write("")
            self._row(CODES, "code")
        for code in codes:
            figures = [code.held, code.rows_held, code.used, code.rows_used]
            self._row(figures, code.text, differs=code.differs)
        differences = sum(pool.differs for pool in pools) + sum(code.differs for code in codes)
        counted = f"{len(pools)} pools, "
        if codes:
            counted += f"{len(codes)} codes, "
        self.stdout.write(f"{counted}{differences} differences")
        if differences:
            sys.exit(1)

    def _row(self, figures: Iterable[object], label: str, *, differs: bool = False) -> None:
        cells = " ".join(f"{figure!s:>8}" for figure in figures)
        self.stdout.write(f"{cells}  {label}{'   DIFFERS' if differs else ''}")

    def _event(self, address: str) -> Event:
        organiser, _, slug = address.partition("/")
        event: Event | None = Event.objects.filter(organiser__slug=organiser, slug=slug).first()
        if event is None:
            raise CommandError("No such event. Name it as ORGANISER/EVENT, as in its address.")
        return event
