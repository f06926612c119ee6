"""Whether a free order waits for its address: an invented one costs nothing, and would take the places.

Up to a share of each pool (`ticketing.shares`) a client has them at once. docs/decisions/0027.
"""

from collections.abc import Sequence
from datetime import timedelta

from orders.models import OrderStatus
from ticketing.catalogue import catalogue_of
from ticketing.models import Reservation, ReservationLine, ReservationStatus
from ticketing.shares import CLIENTS_IN_A_NETWORK, Asker, is_little, places_by, shares_of
from ticketing.stock import pool_places_of

# So long a process remembers the little that it let somebody have without asking the database.
REMEMBERED = timedelta(days=30)


def needs_address(reservation: Reservation, lines: Sequence[ReservationLine]) -> bool:
    """Whether this is more than its client, or its network, may have for nothing without a confirmed
    address; or the event asks everybody.

    Orders at the same moment may pass together: what one client holds is within a share as well.
    """
    event = reservation.event
    if event.free_needs_address:
        return True
    if not reservation.client:
        return False
    asker = Asker(reservation.client, reservation.network)
    pool_places = pool_places_of(lines)
    shares = shares_of(event, catalogue_of(event), pool_places)
    if is_little(asker, pool_places, shares, what="free", seconds=REMEMBERED.total_seconds()):
        return False
    had = ReservationLine.objects.filter(
        reservation__event=event,
        reservation__status=ReservationStatus.CONFIRMED,
        reservation__order__status=OrderStatus.FREE,
        reservation__order__address_confirmed_at=None,
    )
    by_client, by_network = places_by(asker, had)
    return any(
        by_client[pool] + pool_places[pool] > share
        or by_network[pool] + pool_places[pool] > share * CLIENTS_IN_A_NETWORK
        for pool, share in shares.items()
    )
