"""`migrate`, as the owner of the tables; what the second wall needs is there afterwards.

It runs while the release before serves, so it gives way to visitors: see tiqqo/core/postgres/lock_waits.py.
"""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations import Migration

from tiqqo.core.postgres.lock_waits import (
    LOCK_TIMEOUT_MS,
    lock_timeout,
    set_lock_timeout,
    until_unlocked,
)
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
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        connection = self._connection = connections[options["database"]]
        migrate_once = super().handle

        def bring_up_to_date() -> None:
            migrate_once(*args, **options)
            for problem in ensure_companions(connection):
                self.stderr.write(
                    self.style.WARNING(f"{problem}. See *Roles* in docs/operations.md.")
                )
            granted = grant_to_application(connection)
            if granted and options["verbosity"] > 1:
                self.stdout.write(f"Privileges set on {', '.join(granted)}")

        # Each migration that was applied stays applied: the next try goes on behind it.
        with lock_timeout(connection, LOCK_TIMEOUT_MS):
            until_unlocked(connection, bring_up_to_date, say=self.stdout.write)

    def migration_progress_callback(
        self, action: str, migration: Migration | None = None, fake: bool = False
    ) -> None:
        """Says how far it is. An index that is made beside the sale blocks nobody, so it may wait.

        If it gave up on the way it would leave half an index behind.
        """
        if migration is not None:
            starts = action in {"apply_start", "unapply_start"}
            waits = starts and not migration.atomic
            set_lock_timeout(self._connection, "0" if waits else f"{LOCK_TIMEOUT_MS}ms")
        super().migration_progress_callback(action, migration, fake)
