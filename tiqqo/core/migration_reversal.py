"""Migrations that are not reversed over data that would be lost."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tiqqo.core.tenancy import platform_scope


class DataWouldBeLost(Exception):
    """A migration was not reversed, because rows or values have no place in the schema before it."""


class KeepData(Operation):
    """Forward it does nothing; in reverse it raises DataWouldBeLost if there is anything to lose.

    Stands last in `operations`, so that it is asked first in reverse. `what` says for each thing that
    would be lost the rows that hold it, as what stands after SELECT count(*) FROM.
    """

    reversible = True
    reduces_to_sql = False

    def __init__(self, what: dict[str, str]) -> None:
        self.what = what

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models stay as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """The database stays as it is."""

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """There is nothing to lose, or DataWouldBeLost was raised."""
        lost = []
        with platform_scope("reverse a migration"), schema_editor.connection.cursor() as cursor:
            for words, rows in self.what.items():
                cursor.execute(f"SELECT count(*) FROM {rows}")  # noqa: S608  written by migrations
                count = cursor.fetchone()[0]
                if count:
                    lost.append(f"{words} ({count})")
        if lost:
            raise DataWouldBeLost(
                f"Going back would lose: {', '.join(lost)}. This migration stays applied; "
                "`manage.py migrate` brings back what was reversed before it. To return to the release "
                "before, restore the backup that was made before the upgrade, with that release's "
                "code: see Upgrade in docs/operations.md."
            )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.what], {}

    def describe(self) -> str:
        return "Refuses to be reversed over data that would be lost"
