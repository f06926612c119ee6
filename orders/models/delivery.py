"""What is sent to the buyer."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.message_ids import delivery_mark
from orders.models.order import Order
from tiqqo.core import clock
from tiqqo.core.models import TenantModel


class DeliveryKind(models.TextChoices):
    TICKETS = "tickets", _("Tickets")
    RECEIVED = "received", _("Order received, invoice follows")
    INVOICE = "invoice", _("Invoice")
    REMINDER = "reminder", _("Reminder")
    SUBSTITUTE = "substitute", _("Other tickets offered")
    REFUNDED = "refunded", _("Money on its way back")
    REFUND_FAILED = "unrefunded", _("Money could not be given back")
    CANCELED = "canceled", _("Order cancelled")
    CONFIRM_ADDRESS = "confirm", _("Address to be confirmed")
    REQUESTED = "requested", _("Order received, the organiser answers")
    DUE = "due", _("Another day to pay")
    LAPSING = "lapsing", _("To be paid soon")
    LAPSED = "lapsed", _("Cancelled, as it was not paid")


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", _("Waiting")
    PREPARED = "prepared", _("Prepared")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    # What it says is not so any more: found when it was to be sent.
    WITHDRAWN = "withdrawn", _("Not sent, as it was no longer true")


DELIVERY_TRIES = 8


class Delivery(TenantModel):
    """A mail to the buyer with its documents: asked for in the transaction, made by the worker."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=DeliveryKind)
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    document = models.FileField(upload_to="private/tickets/", blank=True)
    # The state of what the document shows (`orders.shown`); nothing where nobody noted it.
    shows = models.CharField(max_length=64, blank=True, default="", db_default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
    # A worker has it in hand since then; see `claims`.
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["order", "kind", "number"], name="delivery_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["pending", "prepared"]),
                name="delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of {self.order_id}: {self.status}"

    @property
    def message_id(self) -> str:
        """Stable, so that a mail that was sent twice is shown once; nothing can be read from it."""
        host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
        return f"<{self.mark}@{host}>"

    @property
    def mark(self) -> str:
        """Its name outside: the same whenever it is asked for, and nobody else can tell it."""
        return delivery_mark(self.order_id, self.kind, self.number)
