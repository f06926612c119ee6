"""`manage.py demo`: fill an empty database with two believable organisers."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organiser
from demo.logins import LOGINS, PASSWORD
from demo.organisers import tell
from events.models import Event
from tiqqo.core import clock
from tiqqo.core.tenancy import platform_scope


class Command(BaseCommand):
    help = "Two organisers with events, orders and check-ins, the same in every run of a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scale", type=int, default=1, help="times as many orders (0: none)")
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when there is an organiser"
        )
        parser.add_argument(
            "--print-logins", action="store_true", help="only print who can sign in"
        )
        parser.add_argument("--print-shop", action="store_true", help="only print a shop's path")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["print_logins"]:
            self._print_logins()
        elif options["print_shop"]:
            self._print_shop()
        elif not Organiser.objects.exists():
            if not (
                settings.DEBUG or settings.TESTING or settings.BASE_URL.startswith("http://127.")
            ):
                raise CommandError(
                    "Demo data is for a developer's machine: its password is public."
                )
            if not settings.STRIPE_API_KEY:
                raise CommandError(
                    "The demo sells by card: set STRIPE_API_KEY, or use bin/dev, which brings a Stripe."
                )
            tell(scale=options["scale"])
            self.stdout.write("Demo data is in.")
        elif options["if_empty"]:
            self.stdout.write("There is data already; it stays as it is.")
        else:
            raise CommandError("The database is not empty. Use --if-empty, or start afresh.")

    def _print_logins(self) -> None:
        if not Organiser.objects.filter(slug=LOGINS[0].organiser).exists():
            return
        for login in LOGINS:
            self.stdout.write(
                f"{login.email:<20} {PASSWORD:<16} {login.role.label} of {login.organiser}"
            )

    def _print_shop(self) -> None:
        with platform_scope("find a shop for the benchmark"):
            event = Event.objects.upcoming(clock.now()).select_related("organiser").first()
        if event is None:
            raise CommandError("No upcoming event. Run `manage.py demo` first.")
        self.stdout.write(f"/{event.organiser.slug}/{event.slug}/")
