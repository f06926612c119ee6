"""How often a stranger may ask the shop for what costs others. docs/operations.md has the table."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from tiqqo.core.clients import client_of, network_of
from tiqqo.core.limits import Limit

View = Callable[..., Any]

HOLDS = Limit("holds", count=60, seconds=60, unasked=20)
CODES = Limit("codes", count=15, seconds=300)
# Of IPv6 a network has as many clients as somebody likes.
CODES_OF_A_NETWORK = Limit("codes-of-a-network", count=150, seconds=300)
CHECKOUTS = Limit("checkouts", count=100, seconds=600, unasked=20)
# Orders that are mailed before anybody paid, of one mailbox whoever types it.
ORDERS_OF_AN_ADDRESS = Limit("orders-of-an-address", count=10, seconds=3600, unasked=2)
# When an event is sold out, everybody in an office gets in line at the same moment.
WAITLIST_JOINS = Limit("waitlist-joins", count=60, seconds=600)
WAITLIST_JOINS_OF_AN_ADDRESS = Limit("waitlist-joins-of-an-address", count=10, seconds=3600)
RESENDS = Limit("re-sends", count=3, seconds=900)
# Whoever orders for somebody's address again and again has the links of all these orders.
RESENDS_TO_AN_ADDRESS = Limit("re-sends-to-an-address", count=10, seconds=3600)
# Of pages with a row or a form for each person: 12 of a group of 500 at once, then one in 25 seconds.
PEOPLE_SHOWN = Limit("people-shown", count=6000, seconds=300)
# An order of fewer is not counted.
LARGE_ORDER_PEOPLE = 51
DOCUMENTS = Limit("documents", count=60, seconds=300, unasked=10)


def refuse_guessing(request: Any) -> None:
    """Whoever tried many codes that there are not waits. Raises TooManyRequests."""
    CODES.check(client_of(request))
    CODES_OF_A_NETWORK.check(network_of(request))


def count_guess(request: Any) -> None:
    """There is no such code. Raises TooManyRequests."""
    CODES.spend(client_of(request))
    CODES_OF_A_NETWORK.spend(network_of(request))


def count_people(request: Any, count: int) -> None:
    """A page that shows so many people is drawn for the client. Raises TooManyRequests."""
    if count >= LARGE_ORDER_PEOPLE:
        PEOPLE_SHOWN.spend(client_of(request), asked=count)


def by_client(limit: Limit, view: View, *, on: str = "POST") -> View:
    """Each request of that method uses up one of the client's. Raises TooManyRequests."""

    @wraps(view)
    def limited(request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method == on:
            limit.spend(client_of(request))
        return view(request, *args, **kwargs)

    return limited
