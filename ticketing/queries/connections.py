"""What hangs on a ticket type or a release: asked before it is hidden, paused or marked sold out."""

from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from events.models import Event
from ticketing.availability import covers
from ticketing.catalogue import Catalogue, catalogue_of
from ticketing.models import (
    Allocation,
    Code,
    Promotion,
    Release,
    ReservationLine,
    ReservationStatus,
    TicketType,
    WaitlistStatus,
    WaitlistWish,
)


@dataclass(frozen=True, slots=True)
class Connected:
    """A promotion that names it, with how many codes it has."""

    promotion: Promotion
    codes: int


@dataclass(frozen=True, slots=True)
class Connections:
    promotions: list[Connected]
    allocations: list[Allocation]
    waiting: int
    """Tickets that people in line wait for, this being one of their wishes."""
    waiting_people: int
    held: int
    """Units that are held at this moment."""
    holds: int
    bundles: list[TicketType]
    followers: list[Release]

    def __bool__(self) -> bool:
        return bool(
            self.promotions
            or self.allocations
            or self.waiting_people
            or self.holds
            or self.bundles
            or self.followers
        )


def connections_of(subject: TicketType | Release, event: Event) -> Connections:
    """Of a release also what hangs on its type. Three queries once the offer is known."""
    catalogue = catalogue_of(event)
    release = subject if isinstance(subject, Release) else None
    type_id: int = subject.ticket_type_id if isinstance(subject, Release) else subject.pk
    waiting = WaitlistWish.objects.filter(
        Q(ticket_type=type_id) & (Q(release=None) | Q(release=release.pk) if release else Q()),
        entry__status=WaitlistStatus.WAITING,
    ).aggregate(people=Count("entry", distinct=True), tickets=Sum("entry__quantity"))
    lines = ReservationLine.objects.filter(reservation__status=ReservationStatus.PENDING)
    lines = (
        lines.filter(release=release.pk)
        if release
        else lines.filter(Q(ticket_type=type_id) | Q(bundle=type_id))
    )
    held = lines.aggregate(holds=Count("reservation", distinct=True), units=Sum("quantity"))
    return Connections(
        promotions=_promotions(catalogue, event, type_id, release),
        allocations=[
            a
            for a in catalogue.allocations.values()
            if a.ticket_type_id == type_id and a.returned_at is None
        ],
        waiting=waiting["tickets"] or 0,
        waiting_people=waiting["people"],
        held=held["units"] or 0,
        holds=held["holds"],
        bundles=[
            catalogue.types[bundle]
            for bundle, parts in catalogue.parts.items()
            if any(part.ticket_type.pk == type_id for part in parts)
        ],
        followers=[r for r in catalogue.releases if release and r.follows_id == release.pk],
    )


def _promotions(
    catalogue: Catalogue, event: Event, type_id: int, release: Release | None
) -> list[Connected]:
    releases = (
        [release] if release else [r for r in catalogue.releases if r.ticket_type_id == type_id]
    )
    counts = dict(
        Code.objects.filter(event=event).values_list("promotion").annotate(count=Count("pk"))
    )
    return [
        Connected(promotion, counts.get(promotion.pk, 0))
        for promotion in catalogue.promotions.values()
        # Those of allocations are told with them.
        if promotion.allocation_id is None
        and (promotion.ticket_type_ids or promotion.release_ids)
        and (
            type_id in promotion.ticket_type_ids
            or any(covers(promotion, type_id, found.pk) for found in releases)
        )
    ]
