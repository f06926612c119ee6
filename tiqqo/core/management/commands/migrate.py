"""`migrate`, as the owner of the tables; what the second wall needs is there afterwards."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from tiqqo.core.postgres.roles import as_owner, grant_to_application
from tiqqo.core.postgres.tenant_keys import ensure_companions


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> Any:
        """All of it as the owner, the checks before as well: they look at tables that nobody granted yet."""
        with as_owner(connections[options["database"]]):
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        """The schema is this code's; keys compare organisers, and the application has its privileges.

        Also after going back: what is left of the schema is guarded as before.
        """
        super().handle(*args, **options)
        if options["plan"] or options["check_unapplied"]:
            return
        connection = connections[options["database"]]
        for problem in ensure_companions(connection):
            self.stderr.write(self.style.WARNING(f"{problem}. See *Roles* in docs/operations.md."))
        granted = grant_to_application(connection)
        if granted and options["verbosity"] > 1:
            self.stdout.write(f"Privileges set on {', '.join(granted)}")
