"""The ticket: one admission right of an order."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from events.models import Event
from orders.models.order import Order, OrderLine
from people.models import Person
from ticketing.models import TicketType, TimeSlot
from tiqqo.core import clock
from tiqqo.core.models import TenantManager, TenantModel


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
    slot = models.ForeignKey(TimeSlot, null=True, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=10)
    # What the QR names: 64 random bits. The generation tells a current code from a replaced one.
    uid = models.BigIntegerField(unique=True)
    generation = models.PositiveSmallIntegerField(default=1)
    # Whose letters `code` is: those of another generation than the ticket's let nobody in.
    code_generation = models.SmallIntegerField(default=1, db_default=1)
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


class ReplacedCode(TenantModel):
    """The letters of an earlier generation of a ticket: whoever brings them learns that it has newer."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="replaced_codes")
    generation = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=10)
    replaced_at = models.DateTimeField(default=clock.now)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["ticket", "generation"], name="replaced_code_once_per_generation"
            ),
            models.UniqueConstraint(fields=["organiser", "code"], name="replaced_code_once"),
        ]

    def __str__(self) -> str:
        return self.code
