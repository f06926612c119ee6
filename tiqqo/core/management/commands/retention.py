"""`manage.py retention`: forget now what is over, or say what would go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tiqqo.core import retention
from tiqqo.core.tenancy import platform_scope


class Command(BaseCommand):
    help = (
        "Deletes or empties personal data whose period is over, a bounded number of rows at a run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="change nothing, say what would go"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._say()
            return
        done = retention.forget_overdue()
        for rule in retention.rules():
            self.stdout.write(f"{done[rule.name]:>8}  {rule.words}")

    def _say(self) -> None:
        with platform_scope("say what retention would take away"):
            for rule in retention.rules():
                count, oldest = rule.due_now().count(), rule.oldest_due_at()
                since = f", due since {oldest:%Y-%m-%d}" if oldest else ""
                self.stdout.write(f"{count:>8}  {rule.words} ({rule.period.days} days{since})")
