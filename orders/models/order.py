"""The order, the root of all access, and its lines."""

from typing import ClassVar

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from events.models import Event
from people.models import Company, Contact
from ticketing.models import PriceOption, Release, Reservation, TicketType, TimeSlot
from tiqqo.core import clock
from tiqqo.core.codes import new_code, new_secret
from tiqqo.core.models import TenantManager, TenantModel
from tiqqo.core.money import Money
from tiqqo.core.sealed import SealedCharField


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
    secret = SealedCharField(max_length=32, default=new_secret)
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
    # When a sweeper looks for a task that was lost; empty while it never did.
    people_due_at = models.DateTimeField(null=True)
    consented_at = models.DateTimeField(null=True)
    consent_text = models.CharField(max_length=300, blank=True)

    quantity = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3)
    tax_name = models.CharField(max_length=10)
    tax_rate_bp = models.PositiveIntegerField()
    net_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    # What promotions took off, for people: [{"promotion": id, "name": …, "minor": …}].
    discounts = models.JSONField(default=list)
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
    # Whose it was is not known any more, see `orders.retention` and `orders.erasing`.
    anonymised_at = models.DateTimeField(null=True)

    # Of an order by invoice, or a free one that was asked: the secret of the link that shows that the address is theirs,
    # when it did, when the organiser said yes (or had said so beforehand) …
    address_secret = SealedCharField(max_length=32, blank=True, default="", db_default="")
    address_confirmed_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    # … when it is cancelled unless it is paid, and when the buyer is to be told so. Orders that the
    # organiser made have no such time, and neither have those from before there was one.
    payment_due_at = models.DateTimeField(null=True)
    lapse_notice_at = models.DateTimeField(null=True)

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
                fields=["placed_at"],
                condition=Q(confirmed_at=None, anonymised_at=None),
                name="order_never_confirmed",
            ),
            models.Index(
                fields=["organiser", "id"],
                condition=Q(people_at=None, confirmed_at__isnull=False),
                name="order_without_people",
            ),
            models.Index(
                fields=["payment_due_at"],
                condition=Q(status="OFFLINE_PENDING", payment_due_at__isnull=False),
                name="order_to_be_paid",
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
    def awaits_address(self) -> bool:
        """An order without payment whose buyer has not shown yet that the address is theirs."""
        return (
            self.status == OrderStatus.INITIATED
            and self.payment_method in (PaymentMethod.INVOICE, PaymentMethod.FREE)
            and self.address_secret != ""
        )

    @property
    def awaits_acceptance(self) -> bool:
        """An invoice order that the organiser has not said yes to."""
        return (
            self.status == OrderStatus.OFFLINE_PENDING
            and self.payment_due_at is not None
            and self.accepted_at is None
        )

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
    option = models.ForeignKey(PriceOption, null=True, on_delete=models.PROTECT, related_name="+")
    slot = models.ForeignKey(TimeSlot, null=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=250)
    quantity = models.PositiveSmallIntegerField()
    # Tickets to a unit: more than one for a group ticket, or for the part of a bundle.
    admits = models.PositiveSmallIntegerField(default=1)
    unit_price_minor = models.PositiveBigIntegerField()
    discount_minor = models.PositiveBigIntegerField(default=0)
    # None: the order's rate.
    tax_rate_bp = models.PositiveIntegerField(null=True)
    net_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    fee_minor = models.PositiveBigIntegerField()
    # Who will come, place by place, as typed at checkout: [{"first": …, "last": …, "email": …}].
    holders = models.JSONField(default=list)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["order", "release", "ticket_type", "option", "slot"],
                nulls_distinct=False,
                name="order_line_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name}"

    def amount(self, minor: int) -> Money:
        return Money(minor, self.order.currency)
