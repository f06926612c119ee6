"""What is offered: ticket types, releases and their caps."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.models import Membership
from events.models import Event
from ticketing.errors import (
    CapBelowSold,
    NameTaken,
    PriceBelowZero,
    StillSold,
    WindowAfterEvent,
    WindowBackward,
)
from ticketing.models import CapacityPool, Release, ReservationLine, TicketType
from tiqqo.core import audit, clock


def _pool_of(event: Event) -> CapacityPool:
    pool: CapacityPool
    pool, _made = CapacityPool.objects.get_or_create(event=event, ticket_type=None, release=None)
    return pool


def _set_capacity(pool: CapacityPool, capacity: int | None) -> None:
    """The pool's limit is as given. Raises CapBelowSold."""
    locked = CapacityPool.objects.select_for_update(of=("self",)).get(pk=pool.pk)
    if capacity is not None and capacity < locked.held + locked.sold:
        raise CapBelowSold(taken=locked.held + locked.sold)
    if locked.capacity != capacity:
        locked.capacity = capacity
        locked.save(update_fields=["capacity"])


@transaction.atomic
def set_event_capacity(event: Event, *, capacity: int | None, by: Membership) -> None:
    """The event lets in at most `capacity` people; None leaves it to the other limits.

    Raises CapBelowSold.
    """
    _set_capacity(_pool_of(event), capacity)
    audit.record(event, "event.capacity_set", by=by, capacity=capacity)


@transaction.atomic
def create_ticket_type(
    event: Event,
    *,
    name: str,
    by: Membership,
    description: str = "",
    capacity: int | None = None,
    per_order_limit: int | None = None,
) -> TicketType:
    """A type exists with its pool. Without a published release it is not in the shop.

    Raises NameTaken.
    """
    _pool_of(event)
    last = TicketType.objects.filter(event=event).aggregate(last=Max("position"))["last"]
    try:
        with transaction.atomic():
            ticket_type: TicketType = TicketType.objects.create(
                event=event,
                name=name,
                description=description,
                per_order_limit=per_order_limit,
                position=0 if last is None else last + 1,
            )
    except IntegrityError as error:
        if "ticket_type_name_once" in str(error):
            raise NameTaken from error
        raise
    CapacityPool.objects.create(event=event, ticket_type=ticket_type, capacity=capacity)
    audit.record(ticket_type, "ticket_type.created", by=by, name=name)
    return ticket_type


@transaction.atomic
def change_ticket_type(
    ticket_type: TicketType,
    *,
    by: Membership,
    name: str,
    description: str,
    capacity: int | None,
    per_order_limit: int | None,
) -> TicketType:
    """The type is as given. Raises NameTaken, CapBelowSold."""
    ticket_type.name, ticket_type.description = name, description
    ticket_type.per_order_limit = per_order_limit
    try:
        with transaction.atomic():
            ticket_type.save(update_fields=["name", "description", "per_order_limit"])
    except IntegrityError as error:
        if "ticket_type_name_once" in str(error):
            raise NameTaken from error
        raise
    _set_capacity(ticket_type.pool, capacity)
    audit.record(ticket_type, "ticket_type.changed", by=by, name=name, capacity=capacity)
    return ticket_type


def _refuse_release(
    event: Event, price_minor: int, opens_at: datetime | None, closes_at: datetime | None
) -> None:
    if price_minor < 0:
        raise PriceBelowZero
    if opens_at and closes_at and closes_at <= opens_at:
        raise WindowBackward
    if event.ends_at is not None:
        if opens_at and opens_at >= event.ends_at:
            raise WindowAfterEvent(field="opens_at")
        if closes_at and closes_at > event.ends_at:
            raise WindowAfterEvent(field="closes_at")


@transaction.atomic
def create_release(
    ticket_type: TicketType,
    *,
    name: str,
    price_minor: int,
    by: Membership,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    capacity: int | None = None,
) -> Release:
    """A draft release of the type exists with its pool. Price in minor units of the event's currency.

    Raises PriceBelowZero, WindowBackward, WindowAfterEvent, NameTaken.
    """
    _refuse_release(ticket_type.event, price_minor, opens_at, closes_at)
    try:
        with transaction.atomic():
            release: Release = Release.objects.create(
                ticket_type=ticket_type,
                name=name,
                price_minor=price_minor,
                opens_at=opens_at,
                closes_at=closes_at,
            )
    except IntegrityError as error:
        if "release_name_once" in str(error):
            raise NameTaken from error
        raise
    CapacityPool.objects.create(event=ticket_type.event, release=release, capacity=capacity)
    audit.record(release, "release.created", by=by, name=name, price_minor=price_minor)
    return release


@transaction.atomic
def change_release(
    release: Release,
    *,
    by: Membership,
    name: str,
    price_minor: int,
    opens_at: datetime | None,
    closes_at: datetime | None,
    capacity: int | None,
) -> Release:
    """The release is as given; holds that exist keep their price.

    Raises PriceBelowZero, WindowBackward, WindowAfterEvent, NameTaken, CapBelowSold.
    """
    _refuse_release(release.ticket_type.event, price_minor, opens_at, closes_at)
    release.name, release.price_minor = name, price_minor
    release.opens_at, release.closes_at = opens_at, closes_at
    try:
        with transaction.atomic():
            release.save(update_fields=["name", "price_minor", "opens_at", "closes_at"])
    except IntegrityError as error:
        if "release_name_once" in str(error):
            raise NameTaken from error
        raise
    _set_capacity(release.pool, capacity)
    audit.record(release, "release.changed", by=by, name=name, price_minor=price_minor)
    return release


@transaction.atomic
def publish_release(release: Release, *, by: Membership) -> None:
    """The release is in the shop, inside its window. Twice is harmless."""
    if Release.objects.filter(pk=release.pk, published_at=None).update(published_at=clock.now()):
        audit.record(release, "release.published", by=by)


@transaction.atomic
def withdraw_release(release: Release, *, by: Membership) -> None:
    """The release is a draft again and not in the shop; holds that exist may finish."""
    if Release.objects.filter(pk=release.pk, published_at__isnull=False).update(published_at=None):
        audit.record(release, "release.withdrawn", by=by)


@transaction.atomic
def delete_release(release: Release, *, by: Membership) -> None:
    """The release is gone. Raises StillSold once anybody has reserved from it."""
    if ReservationLine.objects.filter(release=release).exists():
        raise StillSold
    audit.record(release.ticket_type, "release.deleted", by=by, name=release.name)
    release.delete()
