"""What every tenant row has in common, and the audit log."""

from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.db import models

from tiqqo.core import clock
from tiqqo.core.rls import RowLevelSecurity
from tiqqo.core.tenancy import (
    NOTHING,
    Scope,
    ScopeMissing,
    current_organiser_id,
    current_scope,
)

M = TypeVar("M", bound=models.Model)


def refuse_outside_of_scopes(model: type[models.Model], scope: Scope) -> None:
    """Raises ScopeMissing where no scope was entered."""
    if scope == NOTHING:
        raise ScopeMissing(f"{model.__name__} was queried outside of tenant_scope(organiser).")


class TenantManager(models.Manager[M]):
    """Rows of the current scope only; outside of any scope, an error instead of an answer."""

    def get_queryset(self) -> models.QuerySet[M]:
        scope = current_scope()
        refuse_outside_of_scopes(self.model, scope)
        rows = super().get_queryset()
        if scope.organiser_id is not None:
            rows = rows.filter(organiser_id=scope.organiser_id)
        return rows

    # New rows are not looked for, so no condition is built for them; whose they may be is up to
    # their policy.

    def create(self, **values: Any) -> M:
        return self._to_write().create(**values)

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[M]:
        return self._to_write().bulk_create(*args, **kwargs)

    def _insert(self, *args: Any, **kwargs: Any) -> Any:
        return self._to_write()._insert(*args, **kwargs)  # type: ignore[attr-defined]  # noqa: SLF001  as Model.save calls it

    def _to_write(self) -> models.QuerySet[M]:
        refuse_outside_of_scopes(self.model, current_scope())
        return super().get_queryset()


class TenantModel(models.Model):
    """A row that belongs to one organiser. Its `Meta` must inherit `TenantModel.Meta`."""

    organiser = models.ForeignKey(
        settings.TENANT_MODEL,
        on_delete=models.PROTECT,
        default=current_organiser_id,
        editable=False,
        related_name="+",
    )

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            RowLevelSecurity(name="%(app_label)s_%(class)s_tenant")
        ]


class AuditEntry(TenantModel):
    """Who did what to which row, and when. Written in the transaction of the deed."""

    at = models.DateTimeField(default=clock.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=80)
    subject_id = models.BigIntegerField()
    data = models.JSONField(default=dict)

    # For the database, too: see `tiqqo.core.postgres.roles`. A user who goes is forgotten.
    is_append_only: ClassVar = True
    may_change: ClassVar = ("actor_id",)

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [
            models.Index(
                fields=["organiser", "subject_type", "subject_id", "id"], name="audit_by_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type}:{self.subject_id}"


class TaskRun(models.Model):
    """When a scheduled task ran last: evidence that beat, the broker and a worker are alive."""

    name = models.CharField(primary_key=True, max_length=120)
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.name
