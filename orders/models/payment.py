"""Money in and money back, and the provider's inbox."""

import uuid
from typing import ClassVar

from django.contrib.postgres.functions import RandomUUID
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
    """One attempt to pay an order at the provider.

    A success stays one: the trigger `payment_keeps_its_success` refuses to move its status back,
    whatever late answer wants to.
    """

    # Who it is at the provider. Random, so that no restored database ever gives it to another payment.
    reference = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), unique=True)
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
    # When the provider was last asked how it stands; as `created_at` where it never was. Both are set
    # by `open_payment`.
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
                fields=["intent_id"], condition=~Q(intent_id=""), name="payment_intent_once"
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
        """The same attempt never opens two payment pages, whoever repeats the call."""
        return f"payment-{self.reference}"

    @property
    def left_minor(self) -> int:
        """What has not gone back of what came in."""
        return self.captured_minor - self.refunded_minor


class RefundStatus(models.TextChoices):
    """Requested here; processing at the provider; what it says then is final, but for a success that
    the buyer's bank sends back weeks later (https://docs.stripe.com/refunds#failed-refunds)."""

    REQUESTED = "requested", _("Requested")
    PROCESSING = "processing", _("On its way")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Not needed")


REFUNDS_UNDER_WAY = [RefundStatus.REQUESTED, RefundStatus.PROCESSING]


class RefundReason(models.TextChoices):
    PAID_TWICE = "paid_twice", _("paid twice")
    TOO_LATE = "too_late", _("paid after the tickets were gone")
    COSTS_LESS = "costs_less", _("the other tickets cost less")
    WRONG_AMOUNT = "wrong_amount", _("the amount paid was not the price")
    REQUESTED = "requested", _("given back by the organiser")
    ELSEWHERE = "elsewhere", _("given back at the payment provider")


# Those that give back what the order's tickets cost; the others never paid for a ticket.
REFUNDS_OF_THE_PRICE = [RefundReason.REQUESTED, RefundReason.ELSEWHERE]

REFUND_TRIES = 12


class Refund(TenantModel):
    """Money on its way back to a buyer: asked for here, or found at the provider."""

    # Who it is at the provider: its idempotency key, and in its metadata.
    reference = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), unique=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.PositiveBigIntegerField()
    # What of it was service fee, once it is booked.
    fee_minor = models.PositiveBigIntegerField(default=0, db_default=0)
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
            models.UniqueConstraint(
                fields=["provider_id"], condition=~Q(provider_id=""), name="refund_provider_id_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["requested", "processing"]),
                name="refund_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"refund of {self.payment_id}: {self.status}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.payment.currency)


class DisputeStatus(models.TextChoices):
    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class Dispute(TenantModel):
    """The buyer's bank wants a payment back. Until it is decided the provider keeps the money."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    provider_id = models.CharField(max_length=120, unique=True)
    amount_minor = models.PositiveBigIntegerField()
    # What of it was service fee, once it is booked.
    fee_minor = models.PositiveBigIntegerField(default=0)
    # The bank's word, such as `fraudulent`.
    reason = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=8, choices=DisputeStatus, default=DisputeStatus.OPEN)
    # Evidence is taken until then.
    due_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status="open", closed_at=None)
                | Q(status__in=["won", "lost"], closed_at__isnull=False),
                name="dispute_closed_when_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"dispute of {self.payment_id}: {self.status}"

    @property
    def reason_words(self) -> str:
        return self.reason.replace("_", " ")

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.payment.currency)


class UnmatchedPayment(models.Model):
    """Money at the provider that carries our mark and belongs to no payment that we know, as after a
    restore from a backup. It is shown to operators, and goes back after a while; no order gets it."""

    intent_id = models.CharField(max_length=120, unique=True)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    # What the provider's object says it was for.
    order_code = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    seen_at = models.DateTimeField(default=clock.now)
    # The idempotency key of its refund, and what came of it.
    refund_reference = models.UUIDField(default=uuid.uuid4, unique=True)
    refund_id = models.CharField(max_length=120, blank=True)
    refunded_at = models.DateTimeField(null=True)
    last_failure = models.CharField(max_length=300, blank=True)
    due_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], condition=Q(refunded_at=None), name="unmatched_payment_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.intent_id}: {self.amount_minor} {self.currency}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class EventOutcome(models.TextChoices):
    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Means nothing here")
    UNMATCHED = "unmatched", _("Matches no payment")


class ProviderEvent(models.Model):
    """The inbox of the payment provider: stored once, handled once, in any order."""

    provider_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=80)
    payload = models.JSONField()
    received_at = models.DateTimeField(default=clock.now)
    handled_at = models.DateTimeField(null=True)
    # What came of it; empty while it is not handled, and for those of before it was noted.
    outcome = models.CharField(max_length=9, choices=EventOutcome, blank=True, db_default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    # When its contents were taken away, see `orders.retention`.
    emptied_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["handled_at"],
                condition=Q(emptied_at=None),
                name="provider_event_full",
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(handled_at=None),
                name="provider_event_unhandled",
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(outcome="unmatched"),
                name="provider_event_unmatched",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"
