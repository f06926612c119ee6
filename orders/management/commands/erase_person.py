"""`manage.py erase_person`: an organiser's buyer or attendee asks to be forgotten."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organiser
from orders.operations import erase_person
from tiqqo.core import audit
from tiqqo.core.tenancy import tenant_scope


class Command(BaseCommand):
    help = "Anonymises what an organiser knows about the person of an e-mail address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organiser", help="the organiser's web address, such as blauwe-kikker")
        parser.add_argument("email", help="the person's e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        organiser = Organiser.objects.filter(slug=options["organiser"]).first()
        if organiser is None:
            raise CommandError(f"No organiser has the address {options['organiser']}.")
        with tenant_scope(organiser):
            done = erase_person(organiser, email=options["email"], by=audit.SYSTEM)
        self.stdout.write(
            f"Anonymised: {done.contacts} contacts, {done.orders} orders, {done.tickets} tickets, "
            f"{done.waitlist} places on waitlists."
        )
        if done.kept_orders:
            self.stdout.write(f"Tax law keeps the buyer of: {', '.join(done.kept_orders)}.")
        if done.ahead:
            self.stdout.write(
                f"Not over yet, so nothing was taken from: {', '.join(done.ahead)}. Run this again after "
                "the event."
            )
