"""Who was let in, when and by whom."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from events.models import Event
from orders.models import Ticket
from tiqqo.core import clock
from tiqqo.core.models import TenantModel


class Admission(TenantModel):
    """A ticket let in. One that stands is unique to its ticket, so nobody enters twice."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="admissions")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="admissions")
    at = models.DateTimeField(default=clock.now)
    gate = models.CharField(max_length=60, blank=True)
    admitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    admitted_by_label = models.CharField(max_length=200)
    undone_at = models.DateTimeField(null=True)
    undone_by_label = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(undone_at=None), name="ticket_admitted_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["event", "-at"], name="admission_by_event")]

    def __str__(self) -> str:
        return f"{self.ticket_id} at {self.at}"
