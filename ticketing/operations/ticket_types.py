"""What a ticket gives access to: ticket types, their prices by name, bundles, their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from events.models import Event
from ticketing.errors import NameTaken
from ticketing.locks import lock_catalogue
from ticketing.models import (
    BundlePart,
    CapacityPool,
    OptionPrice,
    PriceOption,
    PricingMethod,
    Release,
    ReservationLine,
    ReservationStatus,
    TicketType,
)
from ticketing.operations.bounds import refuse_more
from ticketing.operations.pooling import event_pool, limit_pool
from ticketing.organiser_errors import (
    BundleHasItsParts,
    BundleInBundle,
    GroupInBundle,
    OptionsMissing,
    OptionSold,
    OrderRangeBackward,
    PartOfAnotherEvent,
    PriceMissing,
    SetBySales,
    TooManyOptions,
)
from tiqqo.core import audit

MOST_OPTIONS = 100


@dataclass(frozen=True, slots=True)
class Bundled:
    """So many tickets of a type in a bundle; `usual_price_minor` is what one is worth in it."""

    ticket_type: TicketType
    quantity: int
    usual_price_minor: int


class TypeDetails(TypedDict, total=False):
    """What can be said of a type beside its name, see `TicketType`; `options` are names of prices."""

    description: str
    policy_text: str
    pricing: str
    admits: int
    per_order_minimum: int | None
    per_order_limit: int | None
    per_email_limit: int | None
    naming: str
    is_timed: bool
    takes_place: bool
    tax_rate_bp: int | None
    days: Sequence[date]
    zones: Sequence[str]
    options: Sequence[str]
    parts: Sequence[Bundled]
    capacity: int | None


class TypeChanges(TypeDetails, total=False):
    name: str


# What was promised with each ticket that is held or sold, in the organiser's words.
_PROMISED: dict[str, str | Promise] = {
    "pricing": _("the kind of price"),
    "admits": _("the number of people"),
    "is_timed": _("whether it is for a time slot"),
    "takes_place": _("whether it counts as a visitor"),
    "parts": _("what is in the bundle"),
}
_APART = ("options", "parts", "capacity")


@transaction.atomic
def create_ticket_type(
    event: Event, *, name: str, by: Membership, **details: Unpack[TypeDetails]
) -> TicketType:
    """A type exists with its pool, last in the shop's order. It is sold once a release is published.

    Raises NameTaken, OptionsMissing, TooManyOptions, OrderRangeBackward, BundleInBundle,
    GroupInBundle, BundleHasItsParts, PartOfAnotherEvent, EventHasEnough.
    """
    lock_catalogue(event)
    refuse_more(TicketType, event.pk)
    event_pool(event)
    last = TicketType.objects.filter(event=event).aggregate(last=Max("position"))["last"]
    ticket_type = TicketType(event=event, name=name, position=0 if last is None else last + 1)
    _set(ticket_type, _columns(details))
    _refuse(ticket_type, details)
    _save(ticket_type)
    if ticket_type.pricing == PricingMethod.OPTIONS:
        _set_options(ticket_type, details.get("options", ()))
    _set_parts(ticket_type, details.get("parts", ()))
    CapacityPool.objects.create(
        event=event, ticket_type=ticket_type, capacity=details.get("capacity")
    )
    audit.record(ticket_type, "ticket_type.created", by=by, name=name)
    return ticket_type


@transaction.atomic
def change_ticket_type(
    ticket_type: TicketType, *, by: Membership, **changes: Unpack[TypeChanges]
) -> TicketType:
    """What is given of the type is as given; the rest stays. Tickets that are held or sold keep what
    was promised with them.

    Raises SetBySales for what was promised, OptionSold, PriceMissing, CapBelowSold, and as
    `create_ticket_type`.
    """
    lock_catalogue(ticket_type.event_id)
    found: TicketType = TicketType.objects.select_related("event", "pool").get(pk=ticket_type.pk)
    priced_before = found.pricing
    changed = _set(found, _columns(changes))
    if "parts" in changes and _contents(changes["parts"]) != _contents_of(found):
        changed.append("parts")
    _refuse_promised(found, changed)
    _refuse(found, changes)
    _save(found)
    if found.pricing == PricingMethod.OPTIONS and "options" in changes:
        _set_options(found, changes["options"])
    if "parts" in changes:
        _set_parts(found, changes["parts"])
    if found.pricing != priced_before:
        _carry_prices_over(found, priced_before)
    _refuse_unpriced(found)
    if "capacity" in changes and limit_pool(found.pool, changes["capacity"]):
        changed.append("capacity")
    audit.record(found, "ticket_type.changed", by=by, name=found.name, fields=sorted(changed))
    return found


@transaction.atomic
def move_ticket_type(ticket_type: TicketType, *, places: int, by: Membership) -> None:
    """The type stands so many places further down in the shop, or up where negative; first and last
    are the ends."""
    lock_catalogue(ticket_type.event_id)
    order = list(TicketType.objects.filter(event=ticket_type.event_id).order_by("position", "id"))
    before = order.index(ticket_type)
    order.insert(max(before + places, 0), order.pop(before))
    moved = [found for place, found in enumerate(order) if found.position != place]
    for place, found in enumerate(order):
        found.position = place
    if moved:
        TicketType.objects.bulk_update(moved, ["position"])
        audit.record(ticket_type, "ticket_type.moved", by=by, to=order.index(ticket_type))


def is_reserved(ticket_type: TicketType) -> bool:
    """Whether anybody holds or has bought it, alone or within a bundle."""
    found: bool = ReservationLine.objects.filter(
        Q(ticket_type=ticket_type) | Q(bundle=ticket_type),
        reservation__status__in=[ReservationStatus.PENDING, ReservationStatus.CONFIRMED],
    ).exists()
    return found


# What is written --------------------------------------------------------------------------


def _columns(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name not in _APART}


def _set(ticket_type: TicketType, columns: Mapping[str, Any]) -> list[str]:
    """The names of those that are new."""
    listed = {
        name: list(value) if name in ("days", "zones") else value for name, value in columns.items()
    }
    changed = [name for name, value in listed.items() if getattr(ticket_type, name) != value]
    for name in changed:
        setattr(ticket_type, name, listed[name])
    return changed


def _save(ticket_type: TicketType) -> None:
    try:
        with transaction.atomic():
            ticket_type.save()
    except IntegrityError as error:
        if "ticket_type_name_once" in str(error):
            raise NameTaken from error
        raise


def _set_options(ticket_type: TicketType, names: Sequence[str]) -> None:
    """The type's prices are called so, in this order; those that stay keep their amounts.

    Raises OptionSold, EventHasEnough."""
    had = {option.name.casefold(): option for option in ticket_type.options.all()}
    wanted = {name.casefold(): name for name in names}
    for key, option in had.items():
        if key not in wanted:
            _delete_option(option)
    if new := wanted.keys() - had.keys():
        refuse_more(PriceOption, ticket_type.event_id, adding=len(new))
    for position, (key, name) in enumerate(wanted.items()):
        option = had.get(key) or PriceOption(ticket_type=ticket_type)
        if option.pk is None or (option.name, option.position) != (name, position):
            option.name, option.position = name, position
            option.save()


def _delete_option(option: PriceOption) -> None:
    try:
        option.delete()
    except ProtectedError as error:
        raise OptionSold(name=option.name) from error


def _set_parts(ticket_type: TicketType, parts: Sequence[Bundled]) -> None:
    ticket_type.parts.all().delete()
    BundlePart.objects.bulk_create(
        BundlePart(
            bundle=ticket_type,
            part=part.ticket_type,
            quantity=part.quantity,
            usual_price_minor=part.usual_price_minor,
        )
        for part in parts
    )


def _carry_prices_over(ticket_type: TicketType, before: str) -> None:
    """Its releases cost the same in the new way: each of several prices what the one was, the one
    what the dearest was."""
    releases = list(Release.objects.filter(ticket_type=ticket_type))
    if ticket_type.pricing == PricingMethod.OPTIONS:
        options = list(ticket_type.options.all())
        rows = [
            OptionPrice(release=release, option=option, price_minor=release.price_minor)
            for release in releases
            for option in options
        ]
        OptionPrice.objects.bulk_create(rows, ignore_conflicts=True)
    for release in releases:
        if before == PricingMethod.OPTIONS:
            prices = release.option_prices.aggregate(most=Max("price_minor"))
            release.price_minor = prices["most"] or 0
        elif ticket_type.pricing == PricingMethod.OPTIONS:
            release.price_minor = 0
        release.suggested_minor = None
    Release.objects.bulk_update(releases, ["price_minor", "suggested_minor"])


# What is refused --------------------------------------------------------------------------


def _contents(parts: Sequence[Bundled]) -> set[tuple[int, int]]:
    return {(part.ticket_type.pk, part.quantity) for part in parts}


def _contents_of(ticket_type: TicketType) -> set[tuple[int, int]]:
    return set(ticket_type.parts.values_list("part_id", "quantity"))


def _refuse_promised(ticket_type: TicketType, changed: Sequence[str]) -> None:
    promised = [name for name in _PROMISED if name in changed]
    if promised and is_reserved(ticket_type):
        raise SetBySales(field=promised[0], what=_PROMISED[promised[0]])


def _refuse(ticket_type: TicketType, details: Mapping[str, Any]) -> None:
    """What the type cannot be, whoever bought it."""
    least, most = ticket_type.per_order_minimum, ticket_type.per_order_limit
    if least is not None and most is not None and most < least:
        raise OrderRangeBackward
    _refuse_options(ticket_type, details)
    is_saved = ticket_type.pk is not None
    contains = details.get("parts") or (
        "parts" not in details and is_saved and ticket_type.parts.exists()
    )
    is_contained = is_saved and ticket_type.in_bundles.exists()
    if contains and is_contained:
        raise BundleInBundle(subject=ticket_type.name)
    if contains and ticket_type.admits > 1:
        raise BundleHasItsParts(field="admits")
    if contains and ticket_type.is_timed:
        raise BundleHasItsParts(field="is_timed")
    if is_contained and ticket_type.admits > 1:
        raise GroupInBundle(subject=ticket_type.name)
    for part in details.get("parts", ()):
        _refuse_part(ticket_type, part.ticket_type)


def _refuse_options(ticket_type: TicketType, details: Mapping[str, Any]) -> None:
    if ticket_type.pricing != PricingMethod.OPTIONS:
        return
    had = ticket_type.pk is not None and ticket_type.options.exists()
    names = details.get("options")
    if not (names if names is not None else had):
        raise OptionsMissing
    if names and len(names) > MOST_OPTIONS:
        raise TooManyOptions(limit=MOST_OPTIONS)


def _refuse_part(bundle: TicketType, part: TicketType) -> None:
    if part.event_id != bundle.event_id:
        raise PartOfAnotherEvent
    if part == bundle or part.parts.exists():
        raise BundleInBundle(subject=part.name)
    if part.admits > 1:
        raise GroupInBundle(subject=part.name)


def _refuse_unpriced(ticket_type: TicketType) -> None:
    if ticket_type.pricing != PricingMethod.OPTIONS:
        return
    unpriced = Release.objects.published().filter(ticket_type=ticket_type, option_prices=None)
    name = unpriced.values_list("name", flat=True).first()
    if name is not None:
        raise PriceMissing(subject=name, field="options")
