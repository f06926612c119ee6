"""What every tenant row has in common, the audit log and the security log."""

from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

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


class SecurityKind(models.TextChoices):
    """What the security log knows. The value is the name of the log line, too: `security.export.made`."""

    SIGN_IN = "sign_in.done", _("Signed in")
    SIGN_IN_NEW_PLACE = "sign_in.new_place", _("Signed in from a new place")
    SIGN_IN_FAILED = "sign_in.failed", _("Wrong password")
    LOCKED_OUT = "sign_in.locked_out", _("Locked out after wrong passwords")
    SECOND_FACTOR_FAILED = "second_factor.failed", _("Wrong second factor")
    PASSWORD_CHANGED = "password.changed", _("Password changed")
    SECOND_FACTOR_CHANGED = "second_factor.changed", _("Second factor changed")
    EMAIL_CHANGED = "email.changed", _("E-mail address changed")
    REFUSED = "access.refused", _("Not permitted")
    FORM_REFUSED = "form.refused", _("Form without a valid token")
    WEBHOOK_SIGNATURE = "webhook.bad_signature", _("Webhook with a bad signature")
    TICKET_SIGNATURE = "ticket.bad_signature", _("Ticket with a bad signature")
    LIMIT_HIT = "limit.hit", _("Too many attempts")
    EXPORT = "export.made", _("Data exported")
    INVITED = "team.invited", _("Invited to the team")
    INVITATION_REVOKED = "team.invitation_revoked", _("Invitation withdrawn")
    JOINED = "team.joined", _("Joined the team")
    ROLE_CHANGED = "team.role_changed", _("Role changed")
    REMOVED = "team.removed", _("Removed from the team")
    ADMIN_VIEW = "admin.viewed", _("Support tool used")


class SecurityEntry(models.Model):
    """What somebody tried or did to an account, a door or a border, so many times within one minute.

    Without an organiser it is the platform's and visible in its scope only. Whoever it was is known by
    their network and by keyed hashes; no address, code or link is stored. See `security_log`.
    """

    kind = models.CharField(max_length=40, choices=SecurityKind)
    organiser = models.ForeignKey(
        settings.TENANT_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Which row counts: a keyed hash of kind, minute and who.
    key = models.CharField(max_length=32, unique=True)
    minute = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    # 203.0.113.0/24 or 2001:db8:1:2::/64; empty where many networks share a row.
    network = models.CharField(max_length=43, blank=True)
    address_hash = models.CharField(max_length=16, blank=True)
    agent = models.CharField(max_length=40, blank=True)
    # Keyed hashes of e-mail addresses that were tried: how many, and which belong together.
    email_hashes = ArrayField(models.CharField(max_length=16), default=list)
    facts = models.JSONField(default=dict)

    objects = TenantManager()

    class Meta:
        base_manager_name = "objects"
        constraints: ClassVar = [RowLevelSecurity(name="core_securityentry_tenant")]
        indexes: ClassVar = [
            models.Index(fields=["organiser", "-id"], name="security_by_organiser"),
            models.Index(fields=["user", "kind"], name="security_by_user"),
            models.Index(fields=["kind", "minute"], name="security_by_kind"),
            models.Index(fields=["last_at"], name="security_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} x {self.count}"


class RetentionRun(models.Model):
    """What a rule of retention did last, and how far it has come. See `retention`."""

    rule = models.CharField(primary_key=True, max_length=60)
    last_run_at = models.DateTimeField(default=clock.now)
    # Rows that were deleted or emptied so far.
    done_count = models.PositiveBigIntegerField(default=0)
    # Since when the oldest row that is left should have been gone.
    oldest_due_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.rule


class TaskRun(models.Model):
    """When a scheduled task ran last: evidence that beat, the broker and a worker are alive."""

    name = models.CharField(primary_key=True, max_length=120)
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.name


class SpentLimit(models.Model):
    """How much of a limit somebody used up, where that must not depend on Redis."""

    key = models.CharField(primary_key=True, max_length=80)
    # When all of it is free again.
    free_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
