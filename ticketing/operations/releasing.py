"""When it sells, and for how much: releases, their chains, and whether they are in the shop."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction

from accounts.models import Membership
from events.models import Event
from ticketing.card_amounts import refuse_small_price
from ticketing.errors import (
    NameTaken,
    PriceBelowZero,
    StillSold,
    WindowAfterEvent,
    WindowBackward,
)
from ticketing.locks import lock_catalogue
from ticketing.models import (
    CapacityPool,
    OptionPrice,
    PricingMethod,
    Release,
    ReservationLine,
    TicketType,
)
from ticketing.operations.bounds import refuse_more
from ticketing.operations.pooling import limit_pool
from ticketing.organiser_errors import (
    FollowsAnotherType,
    FollowsInCircle,
    PriceMissing,
    SuggestedTooLow,
)
from ticketing.pricing import Item
from ticketing.selling import line_name, terms_of
from tiqqo.core import audit, clock


class ReleaseDetails(TypedDict, total=False):
    """What can be said of a release beside its name, see `Release`.

    `option_prices` are amounts by id of the type's options; one that is not named is not sold.
    """

    price_minor: int
    suggested_minor: int | None
    option_prices: Mapping[int, int]
    opens_at: datetime | None
    closes_at: datetime | None
    follows: Release | None
    capacity: int | None


class ReleaseChanges(ReleaseDetails, total=False):
    name: str


_APART = ("option_prices", "capacity")


@transaction.atomic
def create_release(
    ticket_type: TicketType, *, name: str, by: Membership, **details: Unpack[ReleaseDetails]
) -> Release:
    """A draft release of the type exists with its pool. Prices in minor units of the event's currency.

    Raises PriceBelowZero, PriceBelowCardMinimum, SuggestedTooLow, WindowBackward, WindowAfterEvent, FollowsAnotherType,
    NameTaken, EventHasEnough.
    """
    event = lock_catalogue(ticket_type.event_id)
    refuse_more(Release, event.pk)
    release = Release(ticket_type=ticket_type, name=name, price_minor=0)
    _set(release, details)
    prices = details.get("option_prices", {})
    _refuse(release, event, prices)
    _save(release)
    _set_option_prices(release, prices)
    CapacityPool.objects.create(event=event, release=release, capacity=details.get("capacity"))
    audit.record(release, "release.created", by=by, name=name, price_minor=release.price_minor)
    return release


@transaction.atomic
def change_release(
    release: Release, *, by: Membership, **changes: Unpack[ReleaseChanges]
) -> Release:
    """What is given of the release is as given; the rest stays, and holds that exist keep their price.

    Raises CapBelowSold, PriceMissing, FollowsInCircle, and as `create_release`.
    """
    event = lock_catalogue(release.ticket_type.event_id)
    found: Release = Release.objects.select_related("ticket_type", "pool").get(pk=release.pk)
    changed = _set(found, changes)
    _refuse(found, event, changes.get("option_prices", {}))
    _save(found)
    if "option_prices" in changes:
        _set_option_prices(found, changes["option_prices"])
        changed.append("option_prices")
    if found.published_at is not None:
        _refuse_unpriced(found)
    if "capacity" in changes and limit_pool(found.pool, changes["capacity"]):
        changed.append("capacity")
    audit.record(
        found,
        "release.changed",
        by=by,
        name=found.name,
        price_minor=found.price_minor,
        fields=sorted(changed),
    )
    return found


@transaction.atomic
def publish_release(release: Release, *, by: Membership) -> None:
    """The release is in the shop, inside its window. Twice is harmless. Raises PriceMissing."""
    _refuse_unpriced(release)
    if Release.objects.filter(pk=release.pk, published_at=None).update(published_at=clock.now()):
        audit.record(release, "release.published", by=by)


@transaction.atomic
def withdraw_release(release: Release, *, by: Membership) -> None:
    """The release is a draft again and not in the shop; holds that exist may finish."""
    if Release.objects.filter(pk=release.pk, published_at__isnull=False).update(published_at=None):
        audit.record(release, "release.withdrawn", by=by)


@transaction.atomic
def delete_release(release: Release, *, by: Membership) -> None:
    """The release is gone; what followed it waits for nothing. Raises StillSold once anybody has
    reserved from it."""
    lock_catalogue(release.ticket_type.event_id)
    if ReservationLine.objects.filter(release=release).exists():
        raise StillSold
    audit.record(release.ticket_type, "release.deleted", by=by, name=release.name)
    release.delete()


# What is written --------------------------------------------------------------------------


def _set(release: Release, details: Mapping[str, Any]) -> list[str]:
    """The names of those that are new."""
    columns = {name: value for name, value in details.items() if name not in _APART}
    changed = [name for name, value in columns.items() if getattr(release, name) != value]
    for name in changed:
        setattr(release, name, columns[name])
    return changed


def _save(release: Release) -> None:
    try:
        with transaction.atomic():
            release.save()
    except IntegrityError as error:
        if "release_name_once" in str(error):
            raise NameTaken from error
        raise


def _set_option_prices(release: Release, prices: Mapping[int, int]) -> None:
    """Options of the type cost so much in this release; those without an amount are not sold."""
    known = set(release.ticket_type.options.values_list("pk", flat=True))
    OptionPrice.objects.filter(release=release).exclude(option__in=prices).delete()
    OptionPrice.objects.bulk_create(
        (
            OptionPrice(release=release, option_id=option, price_minor=amount)
            for option, amount in prices.items()
            if option in known
        ),
        update_conflicts=True,
        unique_fields=["release", "option"],
        update_fields=["price_minor"],
    )


# What is refused --------------------------------------------------------------------------


def _refuse(release: Release, event: Event, option_prices: Mapping[int, int]) -> None:
    if min([release.price_minor, *option_prices.values()]) < 0:
        raise PriceBelowZero
    suggested = release.suggested_minor
    if suggested is not None and suggested < release.price_minor:
        raise SuggestedTooLow
    _refuse_small(release, event, option_prices)
    _refuse_window(event, release.opens_at, release.closes_at)
    _refuse_chain(release)


def _refuse_small(release: Release, event: Event, option_prices: Mapping[int, int]) -> None:
    """A price above nothing is enough for a card payment, where only the least is bought."""
    ticket_type = release.ticket_type
    terms, quantity = terms_of(event), ticket_type.per_order_minimum or 1
    names = dict(ticket_type.options.values_list("pk", "name")) if option_prices else {}
    prices: list[tuple[int | None, int]] = [(None, release.price_minor), *option_prices.items()]
    for option, price in prices:
        name = line_name(ticket_type.name, release.name, names.get(option or 0, ""))
        item = Item(name, quantity, price, tax_rate_bp=ticket_type.tax_rate_bp)
        refuse_small_price(terms, item, field=None if option else "price")


def _refuse_window(event: Event, opens_at: datetime | None, closes_at: datetime | None) -> None:
    if opens_at and closes_at and closes_at <= opens_at:
        raise WindowBackward
    if event.ends_at is not None:
        if opens_at and opens_at >= event.ends_at:
            raise WindowAfterEvent(field="opens_at")
        if closes_at and closes_at > event.ends_at:
            raise WindowAfterEvent(field="closes_at")


def _refuse_chain(release: Release) -> None:
    """It may wait for another of its type, and not for one that waits for it in the end."""
    before = release.follows
    if before is None:
        return
    if before.ticket_type_id != release.ticket_type_id:
        raise FollowsAnotherType
    if release.pk is None:
        return
    waits_for = dict(
        Release.objects.filter(ticket_type=release.ticket_type_id).values_list("pk", "follows_id")
    )
    link: int | None = before.pk
    while link is not None:
        if link == release.pk:
            raise FollowsInCircle(subject=before.name)
        link = waits_for.get(link)


def _refuse_unpriced(release: Release) -> None:
    ticket_type = release.ticket_type
    if (
        ticket_type.pricing == PricingMethod.OPTIONS
        and not OptionPrice.objects.filter(release=release).exists()
    ):
        raise PriceMissing(subject=release.name)
