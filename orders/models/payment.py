"""Money in and money back, and the provider's inbox."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order
from tiqqo.core import clock
from tiqqo.core.models import TenantModel
from tiqqo.core.money import Money


class PaymentStatus(models.TextChoices):
    CREATED = "created", _("Created")
    PROCESSING = "processing", _("Processing")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


OPEN_PAYMENTS = [PaymentStatus.CREATED, PaymentStatus.PROCESSING]


class Payment(TenantModel):
    """One attempt to pay an order at the provider."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    attempt = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=PaymentStatus, default=PaymentStatus.CREATED)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    # What the provider took, and what went back.
    captured_minor = models.PositiveBigIntegerField(default=0)
    refunded_minor = models.PositiveBigIntegerField(default=0)
    platform_fee_minor = models.PositiveBigIntegerField(default=0)
    session_id = models.CharField(max_length=120, blank=True)
    session_url = models.URLField(max_length=2000, blank=True)
    intent_id = models.CharField(max_length=120, blank=True)
    last_failure = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    checked_at = models.DateTimeField(default=clock.now)
    succeeded_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["order", "attempt"], name="payment_attempt_once"),
            models.UniqueConstraint(
                fields=["session_id"], condition=~Q(session_id=""), name="payment_session_once"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status__in=["created", "processing"]),
                name="payment_open_once",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__lte=F("captured_minor")),
                name="payment_refunds_at_most_captured",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["checked_at"],
                condition=Q(status__in=["created", "processing"]),
                name="payment_open_by_check",
            )
        ]

    def __str__(self) -> str:
        return f"payment {self.attempt} of {self.order_id}: {self.status}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_PAYMENTS

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def idempotency_key(self) -> str:
        """The same hold and attempt never open two payment pages, whoever repeats the call."""
        return f"reservation-{self.order.reservation_id}-{self.attempt}-{self.order.secret[:8]}"


class RefundStatus(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    PROCESSING = "processing", _("Processing")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class RefundReason(models.TextChoices):
    PAID_TWICE = "paid_twice", _("paid twice")
    TOO_LATE = "too_late", _("paid after the tickets were gone")
    COSTS_LESS = "costs_less", _("the other tickets cost less")
    WRONG_AMOUNT = "wrong_amount", _("the amount paid was not the price")
    REQUESTED = "requested", _("given back by the organiser")


REFUND_TRIES = 12


class Refund(TenantModel):
    """Money on its way back to a buyer."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=20, choices=RefundReason)
    status = models.CharField(max_length=10, choices=RefundStatus, default=RefundStatus.REQUESTED)
    provider_id = models.CharField(max_length=120, blank=True)
    last_failure = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
    succeeded_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_above_zero"),
        ]

    def __str__(self) -> str:
        return f"refund of {self.payment_id}: {self.status}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.payment.currency)


class ProviderEvent(models.Model):
    """The inbox of the payment provider: stored once, handled once, in any order."""

    provider_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=80)
    payload = models.JSONField()
    received_at = models.DateTimeField(default=clock.now)
    handled_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["received_at"],
                condition=Q(handled_at=None),
                name="provider_event_unhandled",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"
