"""What can be had: ticket types, their options and parts, releases, time slots."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.models import MOST_PER_ORDER, Event
from tiqqo.core import clock
from tiqqo.core.codes import new_code
from tiqqo.core.models import TenantManager, TenantModel

# People whom one group ticket lets in.
MOST_PER_TICKET = 50


class Availability(models.Model):
    """Three acts that are not the same: hidden is not seen, paused is seen but cannot be bought for
    now, sold out is seen and over (people may join the waitlist)."""

    hidden_at = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    sold_out_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True


class PricingMethod(models.TextChoices):
    FIXED = "fixed", _("One price")
    PAY_WHAT_YOU_WANT = "open", _("Pay what you want")
    OPTIONS = "options", _("Several prices")


class Naming(models.TextChoices):
    OPTIONAL = "optional", _("Buyers may name each person, now or later")
    REQUIRED = "required", _("Every person must be named")
    BUYER = "buyer", _("Only the buyer is named")


class TicketType(TenantModel, Availability):
    """What a ticket gives access to. It is in the shop only through a published release.

    A group ticket `admits` several people: one unit of it issues so many tickets and takes so many
    places. A bundle has `parts` and issues the tickets of those.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="ticket_types")
    name = models.CharField(_("name"), max_length=60)
    description = models.CharField(_("description"), max_length=500, blank=True)
    policy_text = models.CharField(_("conditions"), max_length=1000, blank=True)
    position = models.PositiveIntegerField(default=0)
    pricing = models.CharField(
        _("price"), max_length=8, choices=PricingMethod, default=PricingMethod.FIXED
    )
    admits = models.PositiveSmallIntegerField(
        _("people per ticket"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_TICKET)],
    )
    per_order_minimum = models.PositiveSmallIntegerField(
        _("at least per order"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_ORDER)],
    )
    per_order_limit = models.PositiveSmallIntegerField(
        _("at most per order"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_ORDER)],
    )
    per_email_limit = models.PositiveSmallIntegerField(
        _("at most per e-mail address"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    naming = models.CharField(
        _("who must be named"), max_length=8, choices=Naming, default=Naming.OPTIONAL
    )
    # Each ticket is for a time slot that the buyer chooses.
    is_timed = models.BooleanField(_("for a time slot"), default=False)
    # Whether each ticket takes a place of the event: a parking ticket does not.
    takes_place = models.BooleanField(_("counts as a visitor of the event"), default=True)
    # None: the event's rate.
    tax_rate_bp = models.PositiveIntegerField(
        _("tax rate"), null=True, blank=True, validators=[MaxValueValidator(10_000)]
    )
    # What it grants at the door; empty means everything.
    days = ArrayField(models.DateField(), default=list, blank=True)
    zones = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    code = models.CharField(max_length=8, default=new_code)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["event", "name"], name="ticket_type_name_once"),
            models.UniqueConstraint(fields=["event", "code"], name="ticket_type_code_once"),
            models.CheckConstraint(
                condition=Q(admits__range=(1, MOST_PER_TICKET)), name="ticket_type_admits_1_to_50"
            ),
            models.CheckConstraint(
                condition=Q(per_order_minimum=None)
                | Q(per_order_limit=None)
                | Q(per_order_limit__gte=F("per_order_minimum")),
                name="ticket_type_order_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PriceOption(TenantModel):
    """One of several prices of a type: adult, child, student. Each release has its own amount."""

    ticket_type = models.ForeignKey(TicketType, on_delete=models.CASCADE, related_name="options")
    name = models.CharField(_("name"), max_length=60)
    position = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=8, default=new_code)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["ticket_type", "name"], name="price_option_name_once"),
            models.UniqueConstraint(fields=["organiser", "code"], name="price_option_code_once"),
        ]

    def __str__(self) -> str:
        return self.name


class BundlePart(TenantModel):
    """A bundle contains so many tickets of another type.

    `usual_price_minor` says what one of them is worth: the bundle's price is shared out by it, so
    that each part's tax is exact.
    """

    bundle = models.ForeignKey(TicketType, on_delete=models.CASCADE, related_name="parts")
    part = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="in_bundles")
    quantity = models.PositiveSmallIntegerField(default=1)
    usual_price_minor = models.PositiveBigIntegerField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["bundle", "part"], name="bundle_part_once"),
            models.CheckConstraint(condition=~Q(bundle=F("part")), name="bundle_not_in_itself"),
            models.CheckConstraint(
                condition=Q(quantity__range=(1, MOST_PER_ORDER)), name="bundle_part_1_to_50"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.part}"


class ReleaseQuerySet(models.QuerySet["Release"]):
    def published(self) -> "ReleaseQuerySet":
        return self.filter(published_at__isnull=False)

    def chronologically(self) -> "ReleaseQuerySet":
        return self.order_by(
            "ticket_type__position", "ticket_type_id", F("opens_at").asc(nulls_first=True), "id"
        )


class Release(TenantModel, Availability):
    """A sales window of a type with its own price and cap. The window is half open.

    A release that `follows` another opens by itself once that one is sold out or closed, and not
    before. `price_minor` is the least that is paid where buyers pay what they want, and nothing
    where the type has several prices (`OptionPrice`).
    """

    ticket_type = models.ForeignKey(TicketType, on_delete=models.CASCADE, related_name="releases")
    name = models.CharField(_("name"), max_length=60)
    price_minor = models.PositiveBigIntegerField(_("price"))
    # What buyers who pay what they want are offered first.
    suggested_minor = models.PositiveBigIntegerField(_("suggested price"), null=True, blank=True)
    opens_at = models.DateTimeField(_("on sale from"), null=True, blank=True)
    closes_at = models.DateTimeField(_("on sale until"), null=True, blank=True)
    follows = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="followers"
    )
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
            models.CheckConstraint(
                condition=Q(suggested_minor=None) | Q(suggested_minor__gte=F("price_minor")),
                name="release_suggests_at_least_its_minimum",
            ),
            models.CheckConstraint(
                condition=~Q(follows=F("id")), name="release_does_not_follow_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_type} · {self.name}"


class OptionPrice(TenantModel):
    """What an option costs in a release; without a row it is not sold there."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="option_prices")
    option = models.ForeignKey(PriceOption, on_delete=models.CASCADE, related_name="prices")
    price_minor = models.PositiveBigIntegerField(_("price"))

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["release", "option"], name="option_price_once"),
        ]

    def __str__(self) -> str:
        return f"{self.release}, {self.option}"


class TimeSlot(TenantModel):
    """A time for which timed tickets are sold; its pool counts who comes. Let in from
    `grace_minutes` before its start until as long after its end, or its start where it has no end."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="slots")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    grace_minutes = models.PositiveSmallIntegerField(_("minutes of grace"), default=0)
    paused_at = models.DateTimeField(null=True, editable=False)
    code = models.CharField(max_length=8, default=new_code)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["event", "starts_at"], name="time_slot_once"),
            models.UniqueConstraint(fields=["organiser", "code"], name="time_slot_code_once"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="time_slot_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} UTC"

    @property
    def admits_from(self) -> datetime:
        return self.starts_at - timedelta(minutes=self.grace_minutes)

    @property
    def admits_until(self) -> datetime:
        return (self.ends_at or self.starts_at) + timedelta(minutes=self.grace_minutes)
