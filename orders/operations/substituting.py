"""Late money whose places are gone: other tickets are offered, and taken or not.

Locks as everywhere: the order's reservation, the order, the payment; then the substitute and its own
reservation, which nobody reaches but through it; the pools last.
"""

from datetime import datetime, timedelta

from django.db import transaction

from events.models import Event
from orders.changes import Change
from orders.errors import SubstituteOver
from orders.locks import lock_payment
from orders.models import (
    Order,
    OrderStatus,
    Payment,
    RefundReason,
    Substitute,
    SubstituteStatus,
)
from orders.operations.changing import record_change
from orders.operations.placing import Buyer, fill_in_price, write_lines
from orders.operations.refunding import give_back_rest, request_refund
from orders.operations.settling import cancel_unpaid, settle_paid
from payouts.operations import book_fee
from people.operations import Name
from ticketing.catalogue import catalogue_of
from ticketing.locks import lock_buyer, lock_reservation_row
from ticketing.models import Reservation, ReservationLine, ReservationStatus
from ticketing.operations import cancel_reservation, hold_until, note_buyer, reserve_tickets
from ticketing.queries import counts_of, lines_of, quote_of
from ticketing.substitutes import substitute_for
from tiqqo.core import clock
from tiqqo.core.audit import BUYER, PROVIDER, SYSTEM, Actor
from tiqqo.core.email_addresses import mailbox_of
from tiqqo.core.errors import DomainError
from tiqqo.core.money import Money

LASTS = timedelta(hours=24)
# Less than that is no time to decide in.
SHORTEST = timedelta(minutes=30)


class _TooDear(DomainError):
    """It would cost more than was paid."""


def offer_substitute(order: Order, payment: Payment) -> Substitute | None:
    """Something else is held for the buyer, who is told and decides; None where there is nothing.

    The caller has the locks of order and payment, and has found the order's own places gone.
    """
    now = clock.now()
    try:
        with transaction.atomic():
            reservation, lines = _hold_something(order, payment, now)
            until = _until(order.event, lines, now)
            hold_until(reservation, until)
    except DomainError:
        return None
    substitute: Substitute = Substitute.objects.create(
        order=order, payment=payment, reservation=reservation
    )
    order.status, order.canceled_at = OrderStatus.PENDING, None
    order.save(update_fields=["status", "canceled_at"])
    record_change(order, Change.SUBSTITUTE_OFFERED, by=SYSTEM, until=until.isoformat())
    return substitute


def _until(event: Event, lines: list[ReservationLine], now: datetime) -> datetime:
    """A day, and not longer than there is something to come to. Raises SubstituteOver when it is over
    too soon to decide."""
    ends = [event.ends_at or event.starts_at, *(line.slot_starts_at for line in lines)]
    until = min([now + LASTS, *(end for end in ends if end)])
    if until - now < SHORTEST:
        raise SubstituteOver
    return until


def _hold_something(
    order: Order, payment: Payment, now: datetime
) -> tuple[Reservation, list[ReservationLine]]:
    """Raises a DomainError where there is nothing, or nothing for the money."""
    event = order.event
    choices = substitute_for(
        lines_of(order.reservation), catalogue_of(event), counts_of(event), at=now
    )
    if choices is None:
        raise SubstituteOver
    code, email_key = order.reservation.code, mailbox_of(order.email.strip())
    # Before the pools, as everywhere; what one address may have holds for these tickets, too.
    lock_buyer(event.pk, email_key)
    reservation = reserve_tickets(event, selection=choices, code=code.text if code else "")
    lines = lines_of(reservation)
    note_buyer(reservation, lines, email_key=email_key)
    if quote_of(reservation, lines).total_minor > payment.captured_minor:
        raise _TooDear
    return reservation, lines


@transaction.atomic
def accept_substitute(substitute: Substitute) -> Order:
    """The order is settled with the tickets that were offered; what they cost less goes back.

    Twice is harmless. Raises SubstituteOver.
    """
    order, payment, substitute = _locked(substitute)
    if substitute.status == SubstituteStatus.ACCEPTED:
        return order
    reservation = substitute.reservation
    if substitute.status != SubstituteStatus.OFFERED or not reservation.is_live(at=clock.now()):
        raise SubstituteOver
    lines = lines_of(reservation)
    price = quote_of(reservation, lines)
    names = [
        Name(holder["first"], holder["last"], holder["email"])
        for line in order.lines.order_by("id")
        for holder in line.holders
    ]
    order.lines.all().delete()
    order.reservation = reservation
    order.quantity = sum(line.places for line in lines)
    fill_in_price(order, price)
    order.save()
    buyer = Buyer(*(getattr(order, field) for field in Buyer.__slots__))
    write_lines(order, lines, price, names, buyer)
    _end(substitute, SubstituteStatus.ACCEPTED)
    record_change(order, Change.SUBSTITUTE_ACCEPTED, by=BUYER)
    # The payment was booked without a service fee, while nothing was sold.
    payment.platform_fee_minor = order.platform_fee_minor
    payment.save(update_fields=["platform_fee_minor"])
    book_fee(
        key=f"substitute:{substitute.pk}",
        reference=order.code,
        platform_fee=Money(order.platform_fee_minor, order.currency),
        event_id=order.event_id,
    )
    less = payment.captured_minor - order.total_minor
    if less:
        amount = Money(less, payment.currency)
        request_refund(payment, amount=amount, reason=RefundReason.COSTS_LESS, by=SYSTEM)
    settle_paid(order, by=PROVIDER)
    return order


@transaction.atomic
def decline_substitute(substitute: Substitute, *, by: Actor) -> Order:
    """The places are free again and all the money goes back. Twice is harmless.

    Raises SubstituteOver when it was accepted.
    """
    return _give_up(substitute, SubstituteStatus.DECLINED, by=by)


@transaction.atomic
def lapse_substitute(substitute: Substitute) -> Order:
    """Nobody decided in time: as if it had been declined."""
    return _give_up(substitute, SubstituteStatus.LAPSED, by=SYSTEM)


def _give_up(substitute: Substitute, status: SubstituteStatus, *, by: Actor) -> Order:
    order, payment, substitute = _locked(substitute)
    if substitute.status == SubstituteStatus.ACCEPTED:
        raise SubstituteOver
    if substitute.status != SubstituteStatus.OFFERED:
        return order
    _end(substitute, status)
    record_change(order, Change(f"substitute.{status}"), by=by)
    if not order.is_over:
        cancel_unpaid(order, declined=False)
    give_back_rest(payment, reason=RefundReason.TOO_LATE, by=by)
    if substitute.reservation.status == ReservationStatus.PENDING:
        cancel_reservation(substitute.reservation, manually=by is BUYER)
    return order


def _locked(substitute: Substitute) -> tuple[Order, Payment, Substitute]:
    order, payment = lock_payment(substitute.payment_id)
    locked: Substitute = Substitute.objects.select_for_update(of=("self",)).get(pk=substitute.pk)
    # With its own lock: it may run out at this very moment.
    locked.reservation = lock_reservation_row(locked.reservation_id)
    return order, payment, locked


def _end(substitute: Substitute, status: SubstituteStatus) -> None:
    substitute.status, substitute.ended_at = status, clock.now()
    substitute.save(update_fields=["status", "ended_at"])
