"""`manage.py seal_secrets`: every secret in the database is sealed with the first of ENCRYPTION_KEYS.

Also the way to another key: docs/operations.md says in which order.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tiqqo.core.sealed import SealedWithUnknownKey
from tiqqo.core.sealing import CLEAR, keys_in_use, reseal_everything


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--clear",
            action="store_true",
            help="put everything back in clear: before the release before takes over again",
        )
        parser.add_argument(
            "--show", action="store_true", help="only say which keys are in use, by their ids"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """All are, or it says how many are not and ends with an error."""
        if not settings.ENCRYPTION_KEYS and not options["show"]:
            raise CommandError("Set ENCRYPTION_KEYS: `openssl rand -hex 32` makes a key.")
        if not options["show"]:
            try:
                left = reseal_everything(is_clear=options["clear"], say=self.stdout.write)
            except SealedWithUnknownKey as unknown:
                raise CommandError(
                    f"{unknown.facts['purpose']}: sealed with a key that ENCRYPTION_KEYS does not hold. "
                    "Add that key behind the others and run this again; what was done stays done."
                ) from None
            if left:
                raise CommandError(f"{left} or more are in use by others: run this again.")
        for (place, key), count in sorted(keys_in_use().items()):
            self.stdout.write(f"{place}: {count} " + (key if key == CLEAR else f"under key {key}"))
