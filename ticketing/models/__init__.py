"""What can be had, what there is of it, at what price, what is held, and who waits."""

from ticketing.models.codes import Code, Promotion, PromotionKind
from ticketing.models.offering import (
    MOST_PER_TICKET,
    BundlePart,
    Naming,
    OptionPrice,
    PriceOption,
    PricingMethod,
    Release,
    TicketType,
    TimeSlot,
)
from ticketing.models.reservation import Reservation, ReservationLine, ReservationStatus
from ticketing.models.stock import Allocation, CapacityPool, PoolMember
from ticketing.models.waitlist import (
    PLACE_KEPT_FOR,
    QUEUE_ORDER,
    REQUEST_LASTS,
    UNDRAWN,
    WaitlistEntry,
    WaitlistMethod,
    WaitlistPolicy,
    WaitlistRequest,
    WaitlistStatus,
    WaitlistWish,
)

__all__ = [
    "MOST_PER_TICKET",
    "PLACE_KEPT_FOR",
    "QUEUE_ORDER",
    "REQUEST_LASTS",
    "UNDRAWN",
    "Allocation",
    "BundlePart",
    "CapacityPool",
    "Code",
    "Naming",
    "OptionPrice",
    "PoolMember",
    "PriceOption",
    "PricingMethod",
    "Promotion",
    "PromotionKind",
    "Release",
    "Reservation",
    "ReservationLine",
    "ReservationStatus",
    "TicketType",
    "TimeSlot",
    "WaitlistEntry",
    "WaitlistMethod",
    "WaitlistPolicy",
    "WaitlistRequest",
    "WaitlistStatus",
    "WaitlistWish",
]
