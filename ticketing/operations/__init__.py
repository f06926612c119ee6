"""Every write to ticket types, releases, stock and reservations."""

from ticketing.operations.offering import (
    change_release,
    change_ticket_type,
    create_release,
    create_ticket_type,
    delete_release,
    publish_release,
    set_event_capacity,
    withdraw_release,
)
from ticketing.operations.reserving import (
    cancel_reservation,
    confirm_reservation,
    expire_reservation,
    expire_reservations,
    extend_reservation,
    mark_payment_started,
    reacquire_reservation,
    release_payment,
    reserve_tickets,
)

__all__ = [
    "cancel_reservation",
    "change_release",
    "change_ticket_type",
    "confirm_reservation",
    "create_release",
    "create_ticket_type",
    "delete_release",
    "expire_reservation",
    "expire_reservations",
    "extend_reservation",
    "mark_payment_started",
    "publish_release",
    "reacquire_reservation",
    "release_payment",
    "reserve_tickets",
    "set_event_capacity",
    "withdraw_release",
]
