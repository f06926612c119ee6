"""`manage.py reconcile_payments`: what the payment provider has, held against what is here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.providers import ProviderFailure
from orders.reconciling import reconcile
from tiqqo.core import clock


class Command(BaseCommand):
    help = (
        "Takes up what the payment provider reported and nobody heard, then compares every payment and"
        " refund. After a restore: --since the time of the backup. Exits 1 if anything still differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            help="from this time on, such as 2026-11-27T18:00 (UTC); a day ago if left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = _moment(options["since"])
        try:
            done = reconcile(since)
        except ProviderFailure as failure:
            raise CommandError(f"The payment provider does not answer: {failure}") from failure
        self.stdout.write(
            f"Since {since:%Y-%m-%d %H:%M} UTC: {done.events} events taken up,"
            f" {done.payments} payments and {done.refunds} refunds compared."
        )
        for difference in done.differences:
            mark = "mended " if difference.is_mended else "DIFFERS"
            self.stdout.write(
                f"{mark} {difference.subject}: there {difference.there}, here {difference.here}"
            )
        if not done.is_clean:
            raise CommandError("Some payments differ. Nothing was changed for those; look at each.")
        self.stdout.write("What is here and what the provider has agree.")


def _moment(given: str | None) -> datetime:
    if not given:
        return clock.now() - timedelta(days=1)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise CommandError(
            f"“{given}” is no time. Write it as 2026-11-27T18:00, in UTC."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
