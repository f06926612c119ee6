"""`manage.py bench_event NAME`: an event for `bin/bench`."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from demo.bench import make_event


class Command(BaseCommand):
    help = "Publish an event with five ticket types for bin/bench; what it is, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--places", type=int, default=1_000_000, help="capacity of the event")
        parser.add_argument("--waitlist", action="store_true", help="people may wait for tickets")

    @transaction.atomic
    def handle(self, *args: Any, name: str, places: int, waitlist: bool, **options: Any) -> None:
        made = make_event(name, places=places, has_waitlist=waitlist)
        facts = {
            "pk": made.event.pk,
            "event": f"{made.event.organiser.slug}/{made.event.slug}",
            "free_release": made.free.code,
            "types": made.type_count,
        }
        self.stdout.write(json.dumps(facts))
