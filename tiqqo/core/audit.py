"""The audit log: who did what, in the transaction of the deed."""

from dataclasses import dataclass
from typing import Any, Protocol

from django.db import models
from django.utils.translation import gettext_noop

from tiqqo.core.models import AuditEntry


class Actor(Protocol):
    """Somebody who acts: a member, or one of the constants below."""

    @property
    def actor_user_id(self) -> int | None: ...

    @property
    def actor_label(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Anonymous:
    actor_label: str
    actor_user_id: int | None = None


SYSTEM: Actor = Anonymous(gettext_noop("Tiqqo"))
BUYER: Actor = Anonymous(gettext_noop("Buyer"))
PROVIDER: Actor = Anonymous(gettext_noop("Payment provider"))


def record(subject: models.Model, action: str, *, by: Actor, **data: Any) -> AuditEntry:
    """`action` on `subject` is on record, once the surrounding transaction commits."""
    entry: AuditEntry = AuditEntry.objects.create(
        actor_id=by.actor_user_id,
        actor_label=by.actor_label,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        data=data,
    )
    return entry


def history_of(subject: models.Model) -> "models.QuerySet[AuditEntry]":
    """What happened to a row, oldest first."""
    return AuditEntry.objects.filter(
        subject_type=subject._meta.label_lower, subject_id=subject.pk
    ).order_by("id")
