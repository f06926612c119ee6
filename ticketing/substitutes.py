"""What somebody who paid too late may have instead: a pure rule over the catalogue and the counters.

For each thing that was held, the first that is on sale and has room of: the same again; the same at
another time, the nearest first; the same type through another release; another type, the dearest
first. Nothing costs more than what was held, and nothing free stands in for what cost money.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ticketing.availability import Counts, release_state, slot_is_open
from ticketing.catalogue import Catalogue, PricedOption
from ticketing.models import PricingMethod, Release, ReservationLine, TimeSlot
from ticketing.selling import Choice, Kept, Key, kept_prices
from ticketing.waitlist_queue import Free, free_behind_the_queue


@dataclass(frozen=True, slots=True)
class _Candidate:
    release: Release
    option: str
    slot: TimeSlot | None
    price_minor: int | None
    """What the buyer pays where they name the price."""

    def choice(self, quantity: int) -> Choice:
        slot = self.slot.code if self.slot else ""
        return Choice(self.release.code, quantity, self.option, slot, self.price_minor)


def substitute_for(
    lines: Sequence[ReservationLine], catalogue: Catalogue, counts: Counts, *, at: datetime
) -> list[Choice] | None:
    """As many of something else, or of the same, as these lines held; None where there is not enough."""
    free = free_behind_the_queue(counts)
    found = []
    for key, kept in kept_prices(lines).items():
        candidates = _candidates(catalogue, counts, key, kept, at)
        taken = next(
            (one for one in candidates if _take(catalogue, one, kept.quantity, free)), None
        )
        if taken is None:
            return None
        found.append(taken.choice(kept.quantity))
    return found


def _take(catalogue: Catalogue, one: _Candidate, quantity: int, free: Free) -> bool:
    """Whether there is room, which then is taken for what is looked for next."""
    pool_places = catalogue.unit_pool_places(one.release, slot=one.slot)
    if any(pool in free and free[pool] < places * quantity for pool, places in pool_places.items()):
        return False
    for pool, places in pool_places.items():
        if pool in free:
            free[pool] -= places * quantity
    return True


def _candidates(
    catalogue: Catalogue, counts: Counts, key: Key, kept: Kept, at: datetime
) -> Iterator[_Candidate]:
    release_id, option_id, slot_id = key
    on_sale = [
        release
        for release in catalogue.releases
        if release_state(catalogue, release, counts, at=at) == "on_sale"
    ]
    held = next(release for release in catalogue.releases if release.pk == release_id)
    same_type = [r for r in on_sale if r.ticket_type_id == held.ticket_type_id]
    same_type.sort(key=lambda release: release.pk != release_id)
    for release in same_type:
        price = _price_of(catalogue, release, option_id)
        is_open = held.ticket_type.pricing == PricingMethod.PAY_WHAT_YOU_WANT
        if price is None or (release.pk != release_id and price[1] > kept.unit_price_minor):
            continue
        for slot in _slots(catalogue, release, slot_id, at):
            yield _Candidate(release, price[0], slot, kept.unit_price_minor if is_open else None)
    yield from _other_types(catalogue, on_sale, held, kept)


def _price_of(
    catalogue: Catalogue, release: Release, option_id: int | None
) -> tuple[str, int] | None:
    """The code of the option and what it costs; None where this option is not sold there."""
    if option_id is None:
        return "", release.price_minor
    options = catalogue.options.get(release.pk, ())
    return next(((o.option.code, o.price_minor) for o in options if o.option.pk == option_id), None)


def _slots(
    catalogue: Catalogue, release: Release, slot_id: int | None, at: datetime
) -> list[TimeSlot | None]:
    """The times to come, the one that was held first and then the nearest to it."""
    if not catalogue.needs_slot(release.ticket_type):
        return [None]
    held = next((slot for slot in catalogue.slots if slot.pk == slot_id), None)
    if held is None:
        return []
    wanted = held.starts_at
    to_come = [slot for slot in catalogue.slots if slot_is_open(slot, at=at)]
    to_come.sort(key=lambda slot: abs(slot.starts_at - wanted))
    return [*to_come]


def _other_types(
    catalogue: Catalogue, on_sale: Sequence[Release], held: Release, kept: Kept
) -> Iterator[_Candidate]:
    """Those that need no choice of a time and have a price of their own."""
    priced = [
        (price, release, option)
        for release in on_sale
        if release.ticket_type_id != held.ticket_type_id
        and release.ticket_type.pricing != PricingMethod.PAY_WHAT_YOU_WANT
        and not catalogue.needs_slot(release.ticket_type)
        and release.ticket_type.takes_place == held.ticket_type.takes_place
        and release.ticket_type.admits == held.ticket_type.admits
        for price, option in _prices(catalogue.options, release)
        if price <= kept.unit_price_minor and bool(price) == bool(kept.unit_price_minor)
    ]
    priced.sort(key=lambda one: (-one[0], one[1].pk))
    for _price, release, option in priced:
        yield _Candidate(release, option, None, None)


def _prices(
    options: Mapping[int, tuple[PricedOption, ...]], release: Release
) -> list[tuple[int, str]]:
    if release.ticket_type.pricing == PricingMethod.OPTIONS:
        return [(o.price_minor, o.option.code) for o in options.get(release.pk, ())]
    return [(release.price_minor, "")]
