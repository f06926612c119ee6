"""Who waits for what is sold out."""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.models import MOST_PER_ORDER, Event
from ticketing.models.offering import Release, TicketType, TimeSlot
from ticketing.models.reservation import Reservation
from tiqqo.core import clock
from tiqqo.core.codes import new_secret
from tiqqo.core.models import TenantManager, TenantModel
from tiqqo.core.sealed import SealedCharField


class WaitlistMethod(models.TextChoices):
    FIRST_COME = "first_come", _("Who came first")
    LOTTERY = "lottery", _("By lot")


class WaitlistPolicy(TenantModel):
    """How an event's line is served. Without a row there is no waitlist."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, related_name="waitlist_policy")
    method = models.CharField(
        _("who is offered places"),
        max_length=10,
        choices=WaitlistMethod,
        default=WaitlistMethod.FIRST_COME,
    )
    offer_hours = models.PositiveSmallIntegerField(
        _("hours that an offer lasts"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(168)],
    )
    # Nobody new gets in line.
    closed_at = models.DateTimeField(null=True, editable=False)
    # No offers go out.
    paused_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(offer_hours__range=(1, 168)), name="waitlist_offer_1_to_168_hours"
            ),
        ]

    def __str__(self) -> str:
        return f"waitlist of {self.event_id}"


class WaitlistStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    OFFERED = "offered", _("Offered")
    BOUGHT = "bought", _("Bought")
    LAPSED = "lapsed", _("Offer lapsed")
    LEFT = "left", _("Left")


QUEUE_ORDER = ["-priority", "drawn", "pk"]


class WaitlistQuerySet(models.QuerySet["WaitlistEntry"]):
    def waiting(self) -> "WaitlistQuerySet":
        return self.filter(status=WaitlistStatus.WAITING)

    def in_queue_order(self) -> "WaitlistQuerySet":
        """First come first; whom the organiser put ahead goes before."""
        return self.order_by(*QUEUE_ORDER)

    def untold(self) -> "WaitlistQuerySet":
        """Those who have news that no mail told them of yet."""
        tellable = [WaitlistStatus.WAITING, WaitlistStatus.OFFERED, WaitlistStatus.LAPSED]
        return self.filter(status__in=tellable).exclude(told=F("status"))


# Where the lot puts those for whom none was drawn yet: behind all others.
UNDRAWN = 2**31 - 1


class WaitlistEntry(TenantModel):
    """Somebody waits for `quantity` tickets of any one of several things.

    While they wait, the places they wait for are kept from walk-ins in the pools that stand in their
    way (`pool_ids`, counted in `CapacityPool.waiting`). A pool stands in `pool_ids` once for each place
    that one of the tickets takes. An offer is a reservation of their own.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="waitlist")
    status = models.CharField(max_length=8, choices=WaitlistStatus, default=WaitlistStatus.WAITING)
    secret = SealedCharField(max_length=32, unique=True, default=new_secret)
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("e-mail address"))
    email_key = models.CharField(max_length=254)
    locale = models.CharField(max_length=10, default="en")
    quantity = models.PositiveSmallIntegerField(_("tickets"))
    consent_text = models.CharField(max_length=300)
    joined_at = models.DateTimeField(default=clock.now)
    # The organiser put them ahead; and where the lot put them.
    priority = models.SmallIntegerField(default=0)
    drawn = models.IntegerField(default=0)
    pool_ids = ArrayField(models.BigIntegerField(), default=list)
    reservation = models.OneToOneField(
        Reservation, null=True, on_delete=models.PROTECT, related_name="waitlist_entry"
    )
    offered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # The status that the last mail told them of, and when it went out.
    told = models.CharField(max_length=8, choices=WaitlistStatus, blank=True)
    told_at = models.DateTimeField(null=True)

    objects = TenantManager.from_queryset(WaitlistQuerySet)()  # type: ignore[misc]

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(quantity__range=(1, MOST_PER_ORDER)), name="waitlist_entry_1_to_50"
            ),
            models.UniqueConstraint(
                fields=["event", "email_key"],
                condition=Q(status__in=["waiting", "offered"]),
                name="waitlist_entry_once",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", reservation=None, ended_at=None)
                | Q(status="offered", reservation__isnull=False, ended_at=None)
                | Q(status__in=["bought", "lapsed", "left"], ended_at__isnull=False),
                name="waitlist_entry_state",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["event", "-priority", "drawn", "id"],
                condition=Q(status="waiting"),
                name="waitlist_line",
            ),
            models.Index(
                fields=["id"],
                condition=Q(status__in=["waiting", "offered", "lapsed"]) & ~Q(told=F("status")),
                name="waitlist_not_told",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.quantity}"

    @property
    def is_on_waitlist(self) -> bool:
        """Waiting, or with an offer that is not settled yet."""
        return self.status in (WaitlistStatus.WAITING, WaitlistStatus.OFFERED)

    @property
    def is_in_lottery_order(self) -> bool:
        """Whether its turn can come: the lot was drawn, where there is one."""
        return self.drawn != UNDRAWN or self.priority > 0


class WaitlistWish(TenantModel):
    """One thing that would do: a type, of a certain release or slot where one was sold out."""

    entry = models.ForeignKey(WaitlistEntry, on_delete=models.CASCADE, related_name="wishes")
    ticket_type = models.ForeignKey(TicketType, on_delete=models.CASCADE, related_name="+")
    release = models.ForeignKey(Release, null=True, on_delete=models.CASCADE, related_name="+")
    slot = models.ForeignKey(TimeSlot, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["entry", "ticket_type", "release", "slot"],
                nulls_distinct=False,
                name="waitlist_wish_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.release or self.ticket_type)


# Who confirms so soon has the place of when they asked; later, that of when they confirm.
PLACE_KEPT_FOR = timedelta(hours=1)
REQUEST_LASTS = timedelta(days=1)


class WaitlistRequest(TenantModel):
    """Somebody wants to wait, and has not shown yet that the address is theirs.

    It holds no place: nothing is kept for it, nothing offered, and it stands in no line. It is a row of
    its own until it is confirmed and becomes an entry with the same secret, or lapses.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="waitlist_requests")
    secret = SealedCharField(max_length=32, unique=True, default=new_secret)
    name = models.CharField(max_length=120)
    email = models.EmailField()
    email_key = models.CharField(max_length=254)
    locale = models.CharField(max_length=10, default="en")
    quantity = models.PositiveSmallIntegerField()
    consent_text = models.CharField(max_length=300)
    # Ids of type, release and slot: [[1, null, null], …].
    wishes = models.JSONField(default=list)
    # The id that its entry has if it is confirmed in time: the line is in the order of ids.
    place_id = models.BigIntegerField()
    asked_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    # Of its mail: when it is to be tried; None while there is none to send.
    mail_due_at = models.DateTimeField(null=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["event", "email_key"], name="waitlist_request_once"),
            models.CheckConstraint(
                condition=Q(quantity__range=(1, MOST_PER_ORDER)), name="waitlist_request_1_to_50"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["email_key", "mailed_at"], name="waitlist_request_written_to"),
            models.Index(fields=["expires_at"], name="waitlist_request_over"),
            models.Index(
                fields=["mail_due_at"],
                condition=Q(mail_due_at__isnull=False),
                name="waitlist_request_mail_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} for somebody at event {self.event_id}"
