"""How many places one client may keep from others without having bought them: of each pool a share.

Counted are holds that are not bought yet, by who asked for them. Somebody who already holds half of
their share shows that they are in earnest before they hold more, by work that a browser does in a second.
docs/decisions/0027.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from events.models import Event
from ticketing.catalogue import Catalogue
from ticketing.errors import ProofNeeded, TooManyHeld
from ticketing.models import ReservationLine, ReservationStatus
from tiqqo.core.clients import client_of, network_of
from tiqqo.core.limits import Tally

# Of the percentages of an event.
WITHOUT_BOUND = 100
# A network, such as an office, may keep as much as so many of its clients.
CLIENTS_IN_A_NETWORK = 3
# Up to this part of a share a process lets a client pass by its own count, without asking the database.
UNASKED_PART = 4
_tally = Tally()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a hold: the client and the network it is in, as keys that name nobody."""

    client: str
    network: str
    has_worked: bool = False


def asker_of(request: HttpRequest, event: Event) -> Asker:
    """Who asks for places of this event. At another event the same client has other keys."""
    return Asker(_key(event, client_of(request)), _key(event, network_of(request)))


def who_worked(asker: Asker) -> Asker:
    """The same, who has shown that they are in earnest."""
    return replace(asker, has_worked=True)


def forget_askers() -> None:
    """This process has seen nobody yet."""
    _tally.clear()


def shares_of(event: Event, catalogue: Catalogue, pool_places: Mapping[int, int]) -> dict[int, int]:
    """How many places of each of these pools one client may have at once: never fewer than one order may
    have. Nothing of a pool without a limit, and of an event without a bound."""
    if settings.LIMITS is None or event.held_share_percent == WITHOUT_BOUND:
        return {}
    return {
        pool: max(event.per_order_limit, math.ceil(capacity * event.held_share_percent / 100))
        for pool in pool_places
        if (capacity := catalogue.pools.capacities.get(pool)) is not None
    }


def refuse_more_than_share(
    event: Event,
    catalogue: Catalogue,
    pool_places: Mapping[int, int],
    asker: Asker,
    *,
    at: datetime,
    but_for: int | None = None,
) -> None:
    """The places that are asked for (by pool) fit in what this client may hold beside.

    Stand in the transaction that holds them: the next of the same client waits for its end. `but_for`
    is the reservation that is being changed. Raises TooManyHeld, ProofNeeded.
    """
    shares = shares_of(event, catalogue, pool_places)
    if is_little(asker, pool_places, shares, what="held", seconds=event.hold_minutes * 60):
        return
    _one_at_a_time(event, asker)
    # Whoever is paying keeps what they hold, by a method that settles later for days.
    held_now = ReservationLine.objects.filter(
        Q(reservation__expires_at__gt=at) | Q(reservation__payment_started_at__isnull=False),
        reservation__event=event,
        reservation__status=ReservationStatus.PENDING,
    ).exclude(reservation=but_for)
    by_client, by_network = places_by(asker, held_now)
    for pool, share in shares.items():
        asked, held = pool_places[pool], by_client[pool]
        if asked <= 0:
            continue
        if held + asked > share or by_network[pool] + asked > share * CLIENTS_IN_A_NETWORK:
            raise TooManyHeld(held=held or by_network[pool])
        if held and 2 * (held + asked) > share and not asker.has_worked:
            raise ProofNeeded


def is_little(
    asker: Asker,
    pool_places: Mapping[int, int],
    shares: Mapping[int, int],
    *,
    what: str,
    seconds: float,
) -> bool:
    """Whether this process has let the client have little of each pool lately, and so its network: of
    IPv6 that has as many clients as somebody likes. If so, it has them now."""
    return all(
        _tally.add((what, who, pool), pool_places[pool], most=most, seconds=seconds)
        for pool, share in shares.items()
        for who, most in (
            (asker.client, share // UNASKED_PART),
            (asker.network, share // UNASKED_PART * CLIENTS_IN_A_NETWORK),
        )
    )


def _one_at_a_time(event: Event, asker: Asker) -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "Count holds in the transaction that adds one."
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [asker.network, event.pk]
        )


def places_by(
    asker: Asker, lines: "QuerySet[ReservationLine]"
) -> tuple[Counter[int], Counter[int]]:
    """Places by pool that the client has of these, and that its network has."""
    by_client: Counter[int] = Counter()
    by_network: Counter[int] = Counter()
    of_network = lines.filter(reservation__network=asker.network)
    for client, pools, quantity, admits in of_network.values_list(
        "reservation__client", "pool_ids", "quantity", "admits"
    ):
        places = dict.fromkeys(pools, quantity * admits)
        by_network.update(places)
        if client == asker.client:
            by_client.update(places)
    return by_client, by_network


def _key(event: Event, address: str) -> str:
    secret = settings.SECRET_KEY.encode()[:64]
    return blake2b(f"{event.pk} {address}".encode(), key=secret, digest_size=12).hexdigest()
