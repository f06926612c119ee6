"""What there is of it: counted stock, and stock set aside for a partner."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.models import Event
from people.models import Company
from ticketing.models.offering import Release, TicketType, TimeSlot
from tiqqo.core import clock
from tiqqo.core.codes import new_code
from tiqqo.core.models import TenantModel


class Allocation(TenantModel):
    """Stock of a type set aside for a partner until `returns_at`; its own pool counts it.

    What is set aside is taken out of the pools in `from_pool_ids` (their `set_aside`), so partner
    and public never wait for each other's rows. Once it is returned, what nobody bought is on sale
    again, and so is what a partner's buyer lets go later.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="allocations")
    ticket_type = models.ForeignKey(
        TicketType, on_delete=models.CASCADE, related_name="allocations"
    )
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="allocations")
    from_pool_ids = ArrayField(models.BigIntegerField())
    returns_at = models.DateTimeField(_("returned on"), null=True, blank=True)
    returned_at = models.DateTimeField(null=True, editable=False)
    code = models.CharField(max_length=8, default=new_code)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["organiser", "code"], name="allocation_code_once"),
        ]

    def __str__(self) -> str:
        return f"{self.company} · {self.ticket_type}"


class CapacityPool(TenantModel):
    """A counted stock of places: of the whole event, a type, a release, a time slot, an allocation,
    or shared by its `members` under a name.

    No capacity means that only the other pools limit. A sale takes from every pool that applies.
    `set_aside` are the places of allocations; `waiting` are places that people in the waitlist's
    line wait for, which walk-ins cannot have.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="pools")
    ticket_type = models.OneToOneField(
        TicketType, null=True, on_delete=models.CASCADE, related_name="pool"
    )
    release = models.OneToOneField(
        Release, null=True, on_delete=models.CASCADE, related_name="pool"
    )
    slot = models.OneToOneField(TimeSlot, null=True, on_delete=models.CASCADE, related_name="pool")
    allocation = models.OneToOneField(
        Allocation, null=True, on_delete=models.CASCADE, related_name="pool"
    )
    # Of a shared pool, and of no other.
    name = models.CharField(_("name"), max_length=60, blank=True)
    capacity = models.PositiveIntegerField(_("capacity"), null=True, blank=True)
    held = models.PositiveIntegerField(default=0)
    sold = models.PositiveIntegerField(default=0)
    set_aside = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(capacity=None)
                | Q(capacity__gte=F("held") + F("sold") + F("set_aside")),
                name="pool_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(ticket_type=None, release=None, slot=None, allocation=None)
                | Q(name="", release=None, slot=None, allocation=None)
                | Q(name="", ticket_type=None, slot=None, allocation=None)
                | Q(name="", ticket_type=None, release=None, allocation=None)
                | Q(name="", ticket_type=None, release=None, slot=None, capacity__isnull=False),
                name="pool_has_one_subject",
            ),
            models.UniqueConstraint(
                fields=["event"],
                condition=Q(ticket_type=None, release=None, slot=None, allocation=None, name=""),
                name="pool_of_event_once",
            ),
            models.UniqueConstraint(
                fields=["event", "name"], condition=~Q(name=""), name="pool_name_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.held} + {self.sold} of {self.capacity}"

    @property
    def subject(self) -> "Event | TicketType | Release | TimeSlot | Allocation | str":
        return (
            self.release
            or self.ticket_type
            or self.slot
            or self.allocation
            or self.name
            or self.event
        )

    @property
    def taken(self) -> int:
        """Places held, sold or set aside."""
        return self.held + self.sold + self.set_aside

    @property
    def free(self) -> int | None:
        """Places that nobody holds, has bought or has set aside; None when it sets no limit."""
        return None if self.capacity is None else self.capacity - self.taken

    @property
    def free_to_all(self) -> int | None:
        """What walk-ins can have: free places that nobody in line waits for."""
        return None if self.free is None else max(self.free - self.waiting, 0)


class PoolMember(TenantModel):
    """Sales of this type, release or slot draw on the shared pool, too."""

    pool = models.ForeignKey(CapacityPool, on_delete=models.CASCADE, related_name="members")
    ticket_type = models.ForeignKey(
        TicketType, null=True, on_delete=models.CASCADE, related_name="shared_pools"
    )
    release = models.ForeignKey(
        Release, null=True, on_delete=models.CASCADE, related_name="shared_pools"
    )
    slot = models.ForeignKey(
        TimeSlot, null=True, on_delete=models.CASCADE, related_name="shared_pools"
    )

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["pool", "ticket_type", "release", "slot"],
                nulls_distinct=False,
                name="pool_member_once",
            ),
            models.CheckConstraint(
                condition=Q(ticket_type__isnull=False, release=None, slot=None)
                | Q(ticket_type=None, release__isnull=False, slot=None)
                | Q(ticket_type=None, release=None, slot__isnull=False),
                name="pool_member_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool.name}: {self.release or self.ticket_type or self.slot}"
