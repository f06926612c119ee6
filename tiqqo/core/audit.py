"""The audit log: who did what, in the transaction of the deed."""

from collections.abc import Iterable
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
    made = entry(subject, action, by=by, **data)
    made.save(force_insert=True)
    return made


def entry(subject: models.Model, action: str, *, by: Actor, **data: Any) -> AuditEntry:
    """An entry that is not written yet: several are written at once by `record_all`."""
    return AuditEntry(
        actor_id=by.actor_user_id,
        actor_label=by.actor_label,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        data=data,
    )


def record_all(entries: Iterable[AuditEntry]) -> None:
    """These are on record, in their order, once the surrounding transaction commits."""
    AuditEntry.objects.bulk_create(entries)


def history_of(subject: models.Model) -> "models.QuerySet[AuditEntry]":
    """What happened to a row, oldest first."""
    return AuditEntry.objects.filter(
        subject_type=subject._meta.label_lower, subject_id=subject.pk
    ).order_by("id")
