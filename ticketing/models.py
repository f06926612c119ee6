"""What can be had and what is held: ticket types, releases, counted stock, reservations."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.models import Event, FeePayer
from tiqqo.core import clock
from tiqqo.core.codes import new_code, new_secret
from tiqqo.core.models import TenantManager, TenantModel


class TicketType(TenantModel):
    """What a ticket gives access to. It is in the shop only through a published release."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="ticket_types")
    name = models.CharField(_("name"), max_length=60)
    description = models.CharField(_("description"), max_length=500, blank=True)
    position = models.PositiveIntegerField(default=0)
    per_order_limit = models.PositiveSmallIntegerField(
        _("at most per order"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
    )
    code = models.CharField(max_length=8, default=new_code)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["event", "name"], name="ticket_type_name_once"),
            models.UniqueConstraint(fields=["event", "code"], name="ticket_type_code_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ReleaseQuerySet(models.QuerySet["Release"]):
    def published(self) -> "ReleaseQuerySet":
        return self.filter(published_at__isnull=False)

    def chronologically(self) -> "ReleaseQuerySet":
        return self.order_by(
            "ticket_type__position", "ticket_type_id", F("opens_at").asc(nulls_first=True), "id"
        )


class Release(TenantModel):
    """A sales window of a type with its own price and cap. The window is half open."""

    ticket_type = models.ForeignKey(TicketType, on_delete=models.CASCADE, related_name="releases")
    name = models.CharField(_("name"), max_length=60)
    price_minor = models.PositiveBigIntegerField(_("price"))
    opens_at = models.DateTimeField(_("on sale from"), null=True, blank=True)
    closes_at = models.DateTimeField(_("on sale until"), null=True, blank=True)
    published_at = models.DateTimeField(null=True, editable=False)
    code = models.CharField(max_length=8, default=new_code)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = TenantManager.from_queryset(ReleaseQuerySet)()  # type: ignore[misc]

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["ticket_type", "name"], name="release_name_once"),
            models.UniqueConstraint(fields=["organiser", "code"], name="release_code_once"),
            models.CheckConstraint(
                condition=Q(closes_at=None) | Q(opens_at=None) | Q(closes_at__gt=F("opens_at")),
                name="release_closes_after_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_type} · {self.name}"

    def is_open(self, *, at: datetime) -> bool:
        """Published and inside its window; stock is another question."""
        return (
            self.published_at is not None
            and (self.opens_at is None or self.opens_at <= at)
            and (self.closes_at is None or at < self.closes_at)
        )


class CapacityPool(TenantModel):
    """A counted stock: of the whole event, of a type, or of a release.

    No capacity means that only the other pools limit. A sale draws on every pool that applies.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="pools")
    ticket_type = models.OneToOneField(
        TicketType, null=True, on_delete=models.CASCADE, related_name="pool"
    )
    release = models.OneToOneField(
        Release, null=True, on_delete=models.CASCADE, related_name="pool"
    )
    capacity = models.PositiveIntegerField(_("capacity"), null=True, blank=True)
    held = models.PositiveIntegerField(default=0)
    sold = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(capacity=None) | Q(capacity__gte=F("held") + F("sold")),
                name="pool_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(ticket_type=None) | Q(release=None), name="pool_has_one_subject"
            ),
            models.UniqueConstraint(
                fields=["event"],
                condition=Q(ticket_type=None, release=None),
                name="pool_of_event_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.held} + {self.sold} of {self.capacity}"

    @property
    def subject(self) -> Event | TicketType | Release:
        return self.release or self.ticket_type or self.event

    @property
    def taken(self) -> int:
        """Places held or sold."""
        return self.held + self.sold

    @property
    def free(self) -> int | None:
        """Places that nobody holds or has bought; None when this pool sets no limit."""
        return None if self.capacity is None else self.capacity - self.held - self.sold


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


class Reservation(TenantModel):
    """A time-limited hold on stock, with prices, tax and fees frozen when it was made."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="reservations")
    status = models.CharField(
        max_length=17, choices=ReservationStatus, default=ReservationStatus.PENDING
    )
    secret = models.CharField(max_length=32, unique=True, default=new_secret)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    extended_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Set while a payment provider may still report money for this hold: ask it before letting go.
    payment_started_at = models.DateTimeField(null=True)

    currency = models.CharField(max_length=3)
    tax_name = models.CharField(max_length=10)
    tax_rate_bp = models.PositiveIntegerField()
    prices_include_tax = models.BooleanField()
    fee_payer = models.CharField(max_length=10, choices=FeePayer)
    fee_fixed_minor = models.PositiveIntegerField()
    fee_rate_bp = models.PositiveIntegerField()

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
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"],
                condition=Q(status="PENDING"),
                name="reservation_pending_by_expiry",
            ),
            models.Index(fields=["event", "status"], name="reservation_by_event"),
        ]

    def __str__(self) -> str:
        return f"reservation {self.pk} {self.status}"

    def is_live(self, *, at: datetime) -> bool:
        """Still a promise: pending and not overdue."""
        return self.status == ReservationStatus.PENDING and at < self.expires_at


class ReservationLine(TenantModel):
    """So many tickets of one release, at the price of that moment."""

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="lines")
    ticket_type = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    ticket_name = models.CharField(max_length=60)
    release_name = models.CharField(max_length=60)
    unit_price_minor = models.PositiveBigIntegerField()
    # The pools it draws on, decided when it was made.
    pool_ids = ArrayField(models.BigIntegerField())

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(quantity__range=(1, 50)), name="reservation_line_1_to_50"
            ),
            models.UniqueConstraint(
                fields=["reservation", "release"], name="reservation_release_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.ticket_name}"
