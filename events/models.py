"""The event: what happens, when, where, and under which conditions it sells."""

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tiqqo.core import clock
from tiqqo.core.models import TenantManager, TenantModel
from tiqqo.core.sealed import SealedBinaryField

# Path segments that stand where an event's web address stands.
RESERVED_SLUGS = frozenset({"consent", "first", "invitations", "new", "privacy", "terms"})


class EventStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    STARTED = "started", _("Started")
    ENDED = "ended", _("Ended")
    ARCHIVED = "archived", _("Archived")
    CANCELLED = "cancelled", _("Cancelled")


class InvoiceIssues(models.TextChoices):
    SENT = "sent", _("when the invoice is sent")
    SETTLED = "settled", _("when the invoice is paid")


class InvoiceAcceptance(models.TextChoices):
    ADDRESS = "address", _("at once, as soon as the buyer has confirmed the address")
    ORGANISER = "yes", _("after that, when you accept each of them")


class FeePayer(models.TextChoices):
    BUYER = "buyer", _("the buyer, shown in the price from the first screen")
    ORGANISER = "organiser", _("the organiser, out of the ticket price")


# Tickets of one order, whatever the organiser allows: more is a matter for the desk.
MOST_PER_ORDER = 50
PUBLIC_STATUSES = [
    EventStatus.PUBLISHED,
    EventStatus.STARTED,
    EventStatus.ENDED,
    EventStatus.CANCELLED,
]


class EventQuerySet(models.QuerySet["Event"]):
    def public(self) -> "EventQuerySet":
        """Those whose page anybody may open."""
        return self.filter(status__in=PUBLIC_STATUSES)

    def upcoming(self, at: datetime) -> "EventQuerySet":
        return self.filter(
            status__in=[EventStatus.PUBLISHED, EventStatus.STARTED], ends_at__gt=at
        ).order_by("starts_at", "id")

    def past(self, at: datetime) -> "EventQuerySet":
        return self.filter(ends_at__lte=at).order_by("-starts_at", "id")


class Event(TenantModel):
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("web address"), max_length=80)
    status = models.CharField(max_length=12, choices=EventStatus, default=EventStatus.DRAFT)

    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64)
    # What it is written in; its shop speaks it where the reader asks for none of ours.
    language = models.CharField(_("language"), max_length=10, default="en")
    venue_name = models.CharField(_("venue"), max_length=120, blank=True)
    venue_address = models.CharField(_("address"), max_length=250, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    online_url = models.URLField(_("link for online guests"), blank=True)

    summary = models.CharField(_("summary"), max_length=300, blank=True)
    description = models.TextField(_("description"), max_length=20_000, blank=True)
    image = models.ImageField(upload_to="public/events/", blank=True)
    accent_colour = models.CharField(_("accent colour"), max_length=7, blank=True)

    currency = models.CharField(_("currency"), max_length=3)
    tax_name = models.CharField(_("name of the tax"), max_length=10, default="VAT")
    tax_rate_bp = models.PositiveIntegerField(
        _("tax rate"), default=0, validators=[MaxValueValidator(10_000)]
    )
    prices_include_tax = models.BooleanField(_("prices include the tax"), default=True)
    fee_payer = models.CharField(
        _("who pays the service fee"), max_length=10, choices=FeePayer, default=FeePayer.BUYER
    )
    hold_minutes = models.PositiveSmallIntegerField(
        _("minutes to check out"),
        default=20,
        validators=[MinValueValidator(5), MaxValueValidator(30)],
    )
    per_order_limit = models.PositiveSmallIntegerField(
        _("tickets per order at most"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_ORDER)],
    )
    held_share_percent = models.PositiveSmallIntegerField(
        _("places that one visitor may hold at once"),
        default=10,
        db_default=10,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    free_needs_address = models.BooleanField(
        _("every free order waits until its e-mail address is confirmed"),
        default=False,
        db_default=False,
    )
    allows_invoice = models.BooleanField(_("companies may pay by invoice"), default=False)
    invoice_issues = models.CharField(
        _("tickets of an invoice order are issued"),
        max_length=8,
        choices=InvoiceIssues,
        default=InvoiceIssues.SETTLED,
    )

    invoice_acceptance = models.CharField(
        _("an invoice order is accepted"),
        max_length=8,
        choices=InvoiceAcceptance,
        default=InvoiceAcceptance.ADDRESS,
        db_default=InvoiceAcceptance.ADDRESS.value,
    )
    # Of all places, how many may be held by invoice orders that buyers made and nobody paid yet. Events
    # from before this was asked keep all of them: the database's default.
    invoice_share_percent = models.PositiveSmallIntegerField(
        _("places that unpaid invoice orders may hold, in percent"),
        default=30,
        db_default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    invoice_days = models.PositiveSmallIntegerField(
        _("days to pay an invoice"),
        default=14,
        db_default=14,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
    )

    created_at = models.DateTimeField(default=clock.now, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    sales_paused_at = models.DateTimeField(null=True, editable=False)
    # Another number whenever what is offered changed; set by triggers of `ticketing`, which caches
    # what does not change with each sale under it.
    offer_revision = models.BigIntegerField(default=0, editable=False)

    objects = TenantManager.from_queryset(EventQuerySet)()  # type: ignore[misc]

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["organiser", "slug"], name="event_slug_once"),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")) | models.Q(ends_at=None),
                name="event_ends_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(status=EventStatus.DRAFT)
                | models.Q(starts_at__isnull=False, ends_at__isnull=False),
                name="event_public_has_dates",
            ),
            models.CheckConstraint(
                condition=models.Q(hold_minutes__range=(5, 30)), name="event_hold_5_to_30_minutes"
            ),
            models.CheckConstraint(
                condition=models.Q(per_order_limit__range=(1, MOST_PER_ORDER)),
                name="event_order_1_to_50",
            ),
            models.CheckConstraint(
                condition=models.Q(held_share_percent__range=(1, 100)),
                name="event_held_share_1_to_100",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["organiser", "starts_at"], name="event_by_start")]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def accent(self) -> str:
        """The colour of its public pages, as six hex digits."""
        return (self.accent_colour or self.organiser.accent_colour).lstrip("#")

    @property
    def is_public(self) -> bool:
        return self.status in PUBLIC_STATUSES

    @property
    def venue_words(self) -> str:
        return ", ".join(part for part in (self.venue_name, self.city) if part)

    @property
    def address(self) -> str:
        """The place as a map or a calendar finds it."""
        parts = (self.venue_name, self.venue_address, self.city)
        return ", ".join(part for part in parts if part)

    @property
    def directions_url(self) -> str:
        """The map of the visitor's own device where it has one (Google's universal map address)."""
        query = urlencode({"api": 1, "destination": self.address})
        return f"https://www.google.com/maps/dir/?{query}" if self.address else ""

    def sells(self, *, at: datetime) -> bool:
        """Whether its shop takes reservations at all, leaving releases and stock aside."""
        return (
            self.status in (EventStatus.PUBLISHED, EventStatus.STARTED)
            and self.sales_paused_at is None
            and self.ends_at is not None
            and self.ends_at > at
        )

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone)


class EventKey(TenantModel):
    """The Ed25519 key that signs an event's tickets, so that a door verifies them offline."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, related_name="key")
    private_key = SealedBinaryField(max_length=32)
    public_key = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"key of event {self.event_id}"

    class Meta(TenantModel.Meta):
        pass


def slug_candidates(base: str) -> Any:
    """`base`, `base-2`, `base-3` …"""
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
