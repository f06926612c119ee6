"""What is held: reservations and their lines."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from events.models import MOST_PER_ORDER, Event, FeePayer
from ticketing.models.codes import Code
from ticketing.models.offering import PriceOption, Release, TicketType, TimeSlot
from tiqqo.core import clock
from tiqqo.core.codes import new_secret
from tiqqo.core.models import TenantManager, TenantModel
from tiqqo.core.sealed import SealedCharField


class ReservationStatus(models.TextChoices):
    PENDING = "PENDING", _("Pending")
    CONFIRMED = "CONFIRMED", _("Confirmed")
    EXPIRED = "EXPIRED", _("Expired")
    CANCELED = "CANCELED", _("Canceled")
    CANCELED_MANUALLY = "CANCELED_MANUALLY", _("Canceled manually")


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def overdue(self, at: datetime) -> "ReservationQuerySet":
        return self.filter(status=ReservationStatus.PENDING, expires_at__lte=at)

    def without_payment_in_flight(self) -> "ReservationQuerySet":
        return self.filter(payment_started_at=None)

    def counted(self, at: datetime) -> "ReservationQuerySet":
        """Those that own places, for now or for good: overdue ones only while a payment may still come."""
        is_held = Q(expires_at__gt=at) | Q(payment_started_at__isnull=False)
        return self.filter(
            Q(status=ReservationStatus.CONFIRMED) | Q(status=ReservationStatus.PENDING) & is_held
        )


class Reservation(TenantModel):
    """A time-limited hold on stock, with prices, discounts, tax and fees frozen when it was made."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="reservations")
    status = models.CharField(
        max_length=17, choices=ReservationStatus, default=ReservationStatus.PENDING
    )
    secret = SealedCharField(max_length=32, unique=True, default=new_secret)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    extended_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Whatever is pressed, it lasts no longer than until then. None of those made before there was a bound.
    ends_by = models.DateTimeField(null=True)
    # Set while a payment provider may still report money for this hold: ask it before letting go.
    payment_started_at = models.DateTimeField(null=True)
    # The code whose use it holds.
    code = models.ForeignKey(Code, null=True, on_delete=models.PROTECT, related_name="reservations")
    # The mailbox of who buys, once they said so: what limits per e-mail address count.
    email_key = models.CharField(max_length=254, blank=True)
    # Who asked for it, as keys that name nobody: what a share of the places counts.
    client = models.CharField(max_length=24, blank=True, default="", db_default="")
    network = models.CharField(max_length=24, blank=True, default="", db_default="")

    currency = models.CharField(max_length=3)
    tax_name = models.CharField(max_length=10)
    tax_rate_bp = models.PositiveIntegerField()
    prices_include_tax = models.BooleanField()
    fee_payer = models.CharField(max_length=10, choices=FeePayer)
    fee_fixed_minor = models.PositiveIntegerField()
    fee_rate_bp = models.PositiveIntegerField()
    # What lowered the price, for people: [{"promotion": id, "name": …, "minor": …}].
    discounts = models.JSONField(default=list)

    objects = TenantManager.from_queryset(ReservationQuerySet)()  # type: ignore[misc]

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status__in=ReservationStatus.values), name="reservation_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "CONFIRMED"], ended_at=None)
                | Q(
                    status__in=["EXPIRED", "CANCELED", "CANCELED_MANUALLY"], ended_at__isnull=False
                ),
                name="reservation_ended_when_over",
            ),
            models.CheckConstraint(
                condition=Q(ends_by=None) | Q(expires_at__lte=models.F("ends_by")),
                name="reservation_ends",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["event", "network"],
                condition=Q(status__in=["PENDING", "CONFIRMED"]) & ~Q(network=""),
                name="reservation_had_by_network",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status="PENDING"),
                name="reservation_pending_by_expiry",
            ),
            models.Index(
                fields=["ended_at"],
                condition=Q(ended_at__isnull=False),
                name="reservation_over",
            ),
            models.Index(fields=["event", "status"], name="reservation_by_event"),
            models.Index(
                fields=["event", "email_key"],
                condition=~Q(email_key=""),
                name="reservation_by_email",
            ),
        ]

    def __str__(self) -> str:
        return f"reservation {self.pk} {self.status}"

    def is_live(self, *, at: datetime) -> bool:
        """Still a promise: pending and not overdue."""
        return self.status == ReservationStatus.PENDING and at < self.expires_at


class ReservationLine(TenantModel):
    """So many units of one release, at the price of that moment.

    A unit issues `admits` tickets of `ticket_type` and takes as many places of each pool. A bundle
    is one line for each of its parts, with its share of the bundle's price.
    """

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="lines")
    ticket_type = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    option = models.ForeignKey(PriceOption, null=True, on_delete=models.PROTECT, related_name="+")
    slot = models.ForeignKey(TimeSlot, null=True, on_delete=models.PROTECT, related_name="+")
    # The bundle that this line is a part of.
    bundle = models.ForeignKey(TicketType, null=True, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    admits = models.PositiveSmallIntegerField(default=1)
    ticket_name = models.CharField(max_length=60)
    release_name = models.CharField(max_length=60)
    option_name = models.CharField(max_length=60, blank=True)
    bundle_name = models.CharField(max_length=60, blank=True)
    slot_starts_at = models.DateTimeField(null=True)
    unit_price_minor = models.PositiveBigIntegerField()
    discount_minor = models.PositiveBigIntegerField(default=0)
    # None: the reservation's rate.
    tax_rate_bp = models.PositiveIntegerField(null=True)
    bears_fixed_fee = models.BooleanField(default=True)
    # The pools it takes from, decided when it was made.
    pool_ids = ArrayField(models.BigIntegerField())

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(quantity__range=(1, MOST_PER_ORDER)), name="reservation_line_1_to_50"
            ),
            models.CheckConstraint(
                condition=Q(
                    discount_minor__lte=models.F("unit_price_minor") * models.F("quantity")
                ),
                name="reservation_line_discount_within",
            ),
            models.UniqueConstraint(
                fields=["reservation", "release", "ticket_type", "option", "slot"],
                nulls_distinct=False,
                name="reservation_line_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.ticket_name}"

    @property
    def places(self) -> int:
        """Tickets it issues and places it takes."""
        return self.quantity * self.admits
