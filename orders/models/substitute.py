"""Other tickets for somebody whose money came too late."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order
from orders.models.payment import Payment
from ticketing.models import Reservation
from tiqqo.core import clock
from tiqqo.core.models import TenantModel


class SubstituteStatus(models.TextChoices):
    OFFERED = "offered", _("Offered")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    LAPSED = "lapsed", _("Lapsed")


class Substitute(TenantModel):
    """Tickets that are held in place of those that were gone when the payment came in. The buyer takes
    them, or has the money back: by asking for it, or when the hold is over."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="substitutes")
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="substitute")
    reservation = models.OneToOneField(
        Reservation, on_delete=models.PROTECT, related_name="substitute"
    )
    status = models.CharField(
        max_length=8, choices=SubstituteStatus, default=SubstituteStatus.OFFERED
    )
    offered_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["order"], condition=Q(status="offered"), name="substitute_offered_once"
            ),
            models.CheckConstraint(
                condition=Q(status="offered", ended_at=None)
                | Q(status__in=["accepted", "declined", "lapsed"], ended_at__isnull=False),
                name="substitute_ended_when_over",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["id"], condition=Q(status="offered"), name="substitute_to_be_decided"
            )
        ]

    def __str__(self) -> str:
        return f"substitute of {self.order_id}: {self.status}"
