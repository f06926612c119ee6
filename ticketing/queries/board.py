"""The tickets page: every type with its releases and stock."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from events.models import Event
from events.readiness import Item as ChecklistItem
from ticketing.availability import release_state
from ticketing.catalogue import catalogue_of
from ticketing.models import CapacityPool, Release, TicketType
from ticketing.queries.stock import count_of
from tiqqo.core.money import Money


def has_tickets(event: Event) -> ChecklistItem:
    """Checklist: at least one type can be bought through a published release."""
    count = (
        Release.objects.published()
        .filter(ticket_type__event=event)
        .values("ticket_type_id")
        .distinct()
        .count()
    )
    return ChecklistItem(
        code="tickets",
        title=_("Add a ticket type with a published release"),
        hint=_("%(count)s on offer.") % {"count": count}
        if count
        else _("A release is a sales window with a price."),
        page="ticketing:tickets",
        is_done=count > 0,
    )


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    release: Release
    pool: CapacityPool
    state: str
    price: Money


@dataclass(frozen=True, slots=True)
class TypeRow:
    ticket_type: TicketType
    pool: CapacityPool
    releases: list[ReleaseRow]


@dataclass(frozen=True, slots=True)
class TicketBoard:
    """The tickets page: every type with its releases and stock. One query once the offer is known."""

    event_pool: CapacityPool | None
    types: list[TypeRow]
    shared_pools: list[CapacityPool]


def ticket_board(event: Event, *, at: datetime) -> TicketBoard:
    catalogue = catalogue_of(event)
    pools = list(CapacityPool.objects.filter(event=event).order_by("name", "id"))
    counts = {pool.pk: count_of(pool) for pool in pools}
    of_type = {p.ticket_type_id: p for p in pools if p.ticket_type_id}
    of_release = {p.release_id: p for p in pools if p.release_id}
    return TicketBoard(
        event_pool=next((p for p in pools if p.pk in catalogue.pools.event), None),
        types=[
            TypeRow(
                ticket_type,
                of_type[ticket_type.pk],
                [
                    ReleaseRow(
                        release,
                        of_release[release.pk],
                        release_state(catalogue, release, counts, at=at),
                        Money(catalogue.lowest_price(release), event.currency),
                    )
                    for release in catalogue.releases
                    if release.ticket_type_id == ticket_type.pk
                ],
            )
            for ticket_type in catalogue.types.values()
        ],
        shared_pools=[pool for pool in pools if pool.name],
    )
