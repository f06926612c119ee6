"""`flush`, as the owner of the tables: the application may not empty them at once."""

from typing import Any

from django.core.management.commands import flush
from django.db import connections

from tiqqo.core.postgres.roles import as_owner


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        """Every table is empty."""
        with as_owner(connections[options["database"]]):
            super().handle(**options)
