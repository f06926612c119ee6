"""Orders, the root of all access: lines, tickets, payments, refunds and what is sent to the buyer."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from events.models import Event
from people.models import Company, Contact, Person
from ticketing.models import Release, Reservation, TicketType
from tiqqo.core import clock
from tiqqo.core.codes import new_code, new_secret
from tiqqo.core.models import TenantManager, TenantModel
from tiqqo.core.money import Money


class OrderStatus(models.TextChoices):
    INITIATED = "INITIATED", _("Initiated")
    PENDING = "PENDING", _("Pending")
    AUTHORIZED = "AUTHORIZED", _("Authorized")
    OFFLINE_PENDING = "OFFLINE_PENDING", _("To be paid by invoice")
    PAID = "PAID", _("Paid")
    FREE = "FREE", _("Free")
    PARTIALLY_PAID = "PARTIALLY_PAID", _("Partially paid")
    DECLINED = "DECLINED", _("Declined")
    VOIDED = "VOIDED", _("Voided")
    CANCELED = "CANCELED", _("Canceled")


SETTLED_STATUSES = [OrderStatus.PAID, OrderStatus.FREE]
OVER_STATUSES = [OrderStatus.DECLINED, OrderStatus.VOIDED, OrderStatus.CANCELED]


class PaymentMethod(models.TextChoices):
    INVOICE = "INVOICE", _("Invoice")
    CARD = "CARD", _("Card")
    SPONSORED = "SPONSORED", _("Sponsored")
    FREE = "FREE", _("Free")
    IN_PERSON = "IN_PERSON", _("In person")


class Stage(models.TextChoices):
    """What the orders desk shows; derived from the status, never stored."""

    REQUESTED = "requested", _("Requested")
    INVOICE_SENT = "invoice_sent", _("Invoice Sent")
    SETTLED = "settled", _("Settled")
    CANCELLED = "cancelled", _("Cancelled")
    REFUNDED = "refunded", _("Refunded")


class OrderQuerySet(models.QuerySet["Order"]):
    def with_stage(self) -> "OrderQuerySet":
        """Each row knows its `stage_value`, so that lists can filter and count by it."""
        return self.annotate(
            stage_value=Case(
                When(
                    refunded_minor__gt=0,
                    refunded_minor__gte=F("total_minor"),
                    then=Value(Stage.REFUNDED),
                ),
                When(status__in=OVER_STATUSES, then=Value(Stage.CANCELLED)),
                When(status__in=SETTLED_STATUSES, then=Value(Stage.SETTLED)),
                When(invoice_sent_at__isnull=False, then=Value(Stage.INVOICE_SENT)),
                default=Value(Stage.REQUESTED),
                output_field=models.CharField(),
            )
        )

    def confirmed(self) -> "OrderQuerySet":
        """Those that own their places, paid for or not."""
        return self.filter(confirmed_at__isnull=False).exclude(status__in=OVER_STATUSES)


class Order(TenantModel):
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="orders")
    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="order")
    code = models.CharField(max_length=8, default=new_code)
    secret = models.CharField(max_length=32, default=new_secret)
    status = models.CharField(max_length=16, choices=OrderStatus)
    payment_method = models.CharField(max_length=10, choices=PaymentMethod)
    locale = models.CharField(max_length=10, default="en")

    first_name = models.CharField(_("first name"), max_length=60)
    last_name = models.CharField(_("last name"), max_length=60)
    email = models.EmailField(_("e-mail address"))
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    company_name = models.CharField(_("company"), max_length=120, blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    purchase_number = models.CharField(_("your reference"), max_length=40, blank=True)
    # Filled by the worker once the order is confirmed, see `tasks.welcome_people`.
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.SET_NULL, related_name="orders"
    )
    company = models.ForeignKey(
        Company, null=True, on_delete=models.SET_NULL, related_name="orders"
    )
    people_at = models.DateTimeField(null=True)
    consented_at = models.DateTimeField(null=True)
    consent_text = models.CharField(max_length=300, blank=True)

    quantity = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3)
    tax_name = models.CharField(max_length=10)
    tax_rate_bp = models.PositiveIntegerField()
    net_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    # The service fee that the buyer pays on top …
    fee_minor = models.PositiveBigIntegerField()
    # … and the whole service fee, whoever bears it.
    platform_fee_minor = models.PositiveBigIntegerField()
    total_minor = models.PositiveBigIntegerField()
    refunded_minor = models.PositiveBigIntegerField(default=0)

    placed_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True)
    invoice_sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    canceled_at = models.DateTimeField(null=True)

    objects = TenantManager.from_queryset(OrderQuerySet)()  # type: ignore[misc]

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["organiser", "code"], name="order_code_once"),
            models.CheckConstraint(
                condition=Q(total_minor=F("net_minor") + F("tax_minor") + F("fee_minor")),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__lte=F("total_minor")),
                name="order_refunds_at_most_its_total",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["PAID", "FREE", "OFFLINE_PENDING"])
                | Q(confirmed_at__isnull=False),
                name="order_settled_is_confirmed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["event", "-placed_at", "-id"], name="order_by_event"),
            models.Index(
                fields=["organiser", "id"],
                condition=Q(people_at=None, confirmed_at__isnull=False),
                name="order_without_people",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def buyer_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def tax(self) -> Money:
        return Money(self.tax_minor, self.currency)

    @property
    def is_confirmed(self) -> bool:
        return self.confirmed_at is not None and self.status not in OVER_STATUSES

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED_STATUSES

    @property
    def is_over(self) -> bool:
        return self.status in OVER_STATUSES

    @property
    def stage(self) -> Stage:
        if 0 < self.total_minor <= self.refunded_minor:
            return Stage.REFUNDED
        if self.is_over:
            return Stage.CANCELLED
        if self.is_settled:
            return Stage.SETTLED
        return Stage.INVOICE_SENT if self.invoice_sent_at else Stage.REQUESTED


class OrderLine(TenantModel):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    ticket_type = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=125)
    quantity = models.PositiveSmallIntegerField()
    unit_price_minor = models.PositiveBigIntegerField()
    net_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    fee_minor = models.PositiveBigIntegerField()
    # Who will come, place by place, as typed at checkout: [{"first": …, "last": …, "email": …}].
    holders = models.JSONField(default=list)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["order", "release"], name="order_line_release_once"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name}"

    def amount(self, minor: int) -> Money:
        return Money(minor, self.order.currency)


class TicketStatus(models.TextChoices):
    VALID = "valid", _("Valid")
    VOID = "void", _("Void")


class TicketQuerySet(models.QuerySet["Ticket"]):
    def valid(self) -> "TicketQuerySet":
        return self.filter(status=TicketStatus.VALID)


class Ticket(TenantModel):
    """One admission right. It never exists without its place on an order line."""

    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="tickets")
    position = models.PositiveSmallIntegerField()
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="tickets")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="tickets")
    ticket_type = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=10)
    # What the QR names: 64 random bits, new with every generation of the ticket.
    uid = models.BigIntegerField(unique=True)
    generation = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=8, choices=TicketStatus, default=TicketStatus.VALID)
    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60, blank=True)
    email = models.EmailField(blank=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="tickets")
    issued_at = models.DateTimeField(default=clock.now)
    voided_at = models.DateTimeField(null=True)

    objects = TenantManager.from_queryset(TicketQuerySet)()  # type: ignore[misc]

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["line", "position"], name="ticket_place_once"),
            models.UniqueConstraint(fields=["organiser", "code"], name="ticket_code_once"),
            models.CheckConstraint(
                condition=Q(status="valid", voided_at=None)
                | Q(status="void", voided_at__isnull=False),
                name="ticket_void_since",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["event", "status"], name="ticket_by_event")]

    def __str__(self) -> str:
        return self.code

    @property
    def holder_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


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
    WRONG_AMOUNT = "wrong_amount", _("the amount paid was not the price")
    REQUESTED = "requested", _("given back by the organiser")


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
    tried_at = models.DateTimeField(null=True)
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


class DeliveryKind(models.TextChoices):
    TICKETS = "tickets", _("Tickets")
    RECEIVED = "received", _("Order received, invoice follows")
    REFUNDED = "refunded", _("Money on its way back")


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", _("Waiting")
    PREPARED = "prepared", _("Prepared")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")


DELIVERY_TRIES = 8


class Delivery(TenantModel):
    """A mail to the buyer with its documents: asked for in the transaction, made by the worker."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=DeliveryKind)
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    document = models.FileField(upload_to="private/tickets/", blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
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
        """Stable, so that a mail that was sent twice is shown once."""
        host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
        return f"<{self.order.code}.{self.kind}.{self.number}.{self.order.secret[:6]}@{host}>"


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
