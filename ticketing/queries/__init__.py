"""Reads of ticketing, shaped for the shop, the tickets page and the recount."""

from ticketing.queries.board import (
    ReleaseRow,
    TicketBoard,
    TypeRow,
    has_tickets,
    ticket_board,
)
from ticketing.queries.holds import (
    frozen_discounts,
    frozen_terms,
    lines_of,
    quote_of,
    reservation_by_secret,
    tickets_bought_by,
    uses_by,
)
from ticketing.queries.recount import CodeCount, PoolCount, recount, recount_codes
from ticketing.queries.shop import (
    Listing,
    Offer,
    OfferOption,
    SlotOffer,
    listings,
    offers,
    offers_of,
    slot_days,
    slots_on,
)
from ticketing.queries.stock import count_of, counts_of

__all__ = [
    "CodeCount",
    "Listing",
    "Offer",
    "OfferOption",
    "PoolCount",
    "ReleaseRow",
    "SlotOffer",
    "TicketBoard",
    "TypeRow",
    "count_of",
    "counts_of",
    "frozen_discounts",
    "frozen_terms",
    "has_tickets",
    "lines_of",
    "listings",
    "offers",
    "offers_of",
    "quote_of",
    "recount",
    "recount_codes",
    "reservation_by_secret",
    "slot_days",
    "slots_on",
    "ticket_board",
    "tickets_bought_by",
    "uses_by",
]
