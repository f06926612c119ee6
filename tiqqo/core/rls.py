"""Row-level security, declared on the model so that migrations keep it.

PostgreSQL manual, "Row Security Policies": FORCE makes the policy hold for the table's owner too;
superusers and BYPASSRLS roles are exempt, which is why the application connects as neither. Nor does it
own the tables, or it could lift a policy: see `tiqqo.core.postgres.roles`.
"""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.constraints import BaseConstraint

ORGANISER_SETTING = "tiqqo.organiser_id"
USER_SETTING = "tiqqo.user_id"
PLATFORM_SETTING = "tiqqo.platform"
# How the name of the policy ends that shows a user their own rows.
OWN_ROWS = "_own"


def _setting_as_id(name: str) -> str:
    # As a scalar subquery the setting is read once per statement, not once per row.
    return f"(SELECT NULLIF(current_setting('{name}', true), '')::bigint)"


class RowLevelSecurity(BaseConstraint):
    """Rows are visible and writable only in the scope of their organiser, or of the platform.

    `also_user` names a column: its user sees the row, too, in their own `user_scope`. They cannot
    change or delete it there: that is a policy of its own, for SELECT alone.
    """

    def __init__(self, *, name: str, also_user: str | None = None) -> None:
        super().__init__(name=name)
        self.also_user = also_user

    def create_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        assert model is not None and schema_editor is not None
        quote = schema_editor.quote_name
        table, policy = quote(model._meta.db_table), quote(self.name)
        rows = (
            f"organiser_id = {_setting_as_id(ORGANISER_SETTING)}"
            f" OR (SELECT current_setting('{PLATFORM_SETTING}', true)) = 'on'"
        )
        statements = [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {policy} ON {table} USING ({rows}) WITH CHECK ({rows})",
        ]
        if self.also_user:
            own = f"{quote(self.also_user)} = {_setting_as_id(USER_SETTING)}"
            statements.append(
                f"CREATE POLICY {quote(self.name + OWN_ROWS)} ON {table} FOR SELECT USING ({own})"
            )
        return "; ".join(statements)

    def constraint_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """Defer to after CREATE TABLE, whose statement cannot carry a policy."""
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def remove_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        assert model is not None and schema_editor is not None
        quote = schema_editor.quote_name
        table, policy = quote(model._meta.db_table), quote(self.name)
        return (
            f"DROP POLICY {policy} ON {table}; "
            f"DROP POLICY IF EXISTS {quote(self.name + OWN_ROWS)} ON {table}; "
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; "
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        )

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """The database is the judge; there is nothing to ask beforehand."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowLevelSecurity) and (self.name, self.also_user) == (
            other.name,
            other.also_user,
        )

    def __hash__(self) -> int:
        return hash((self.name, self.also_user))

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        if self.also_user:
            kwargs["also_user"] = self.also_user
        return path, args, kwargs
