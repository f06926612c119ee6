"""A reservation becomes an order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from orders.changes import Change
from orders.errors import CompanyMissing, MethodNotOffered, OrderAlreadyPlaced
from orders.free_share import needs_address
from orders.locks import lock_hold
from orders.models import Order, OrderLine, OrderStatus, PaymentMethod
from orders.operations.asking_address import (
    ask_for_address,
    forget_other_address,
    needs_question,
    prepare_question,
    refuse_beyond_share,
)
from orders.operations.changing import record_first_changes
from orders.operations.issuing import announce_settled, issue_first_tickets, welcome_later
from people.operations import Name
from ticketing.errors import ReservationOver
from ticketing.locks import lock_catalogue
from ticketing.models import Reservation, ReservationLine
from ticketing.operations import confirm_locked, note_buyer
from ticketing.pricing import Quote, quote
from ticketing.queries import frozen_terms, quote_of
from ticketing.selling import item_of
from tiqqo.core import audit, clock
from tiqqo.core.audit import Actor
from tiqqo.core.compiled import Insert
from tiqqo.core.email_addresses import mailbox_of

_INSERT_ORDER, _INSERT_LINES = Insert(Order), Insert(OrderLine)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys: often not who attends."""

    first_name: str
    last_name: str
    email: str
    phone: str = ""
    company_name: str = ""
    vat_number: str = ""
    purchase_number: str = ""


@transaction.atomic
def place_order(
    reservation: Reservation,
    *,
    buyer: Buyer,
    attendees: Sequence[Name],
    payment_method: PaymentMethod,
    consent_text: str = "",
    locale: str = "en",
    by: Actor = audit.BUYER,
) -> Order:
    """The hold is an order. Free and sponsored orders are confirmed at once, and so is an invoice order
    that the organiser makes; one that a buyer makes waits until the address is confirmed, and so does a
    free one beyond a client's share (`orders.free_share`). A card order waits for its payment. `attendees` are in the order of the hold's lines, place by place; missing
    ones are the buyer. Placing again before paying replaces what was typed.

    Raises ReservationOver, OrderAlreadyPlaced, MethodNotOffered, CompanyMissing,
    TooManyForOnePerson, CodeUsedByYou, InvoiceShareUsed, TooManyAddresses.
    """
    if payment_method == PaymentMethod.INVOICE and by is audit.BUYER:
        lock_catalogue(reservation.event_id)
    held = lock_hold(reservation)
    reservation, lines, placed = held.reservation, held.lines, held.order
    if placed is not None and placed.is_confirmed:
        raise OrderAlreadyPlaced
    now = clock.now()
    if not reservation.is_live(at=now):
        raise ReservationOver
    granted = (
        payment_method in (PaymentMethod.SPONSORED, PaymentMethod.FREE) and by is not audit.BUYER
    )
    price = _price(reservation, lines, granted=granted)
    method = _method(reservation, payment_method, price, buyer, by)
    is_asked = by is audit.BUYER and _waits_for_address(method, reservation, lines)
    first_status = _first_status(method, is_asked=is_asked)
    note_buyer(
        reservation,
        lines,
        email_key=mailbox_of(buyer.email.strip()),
        is_confirmed_next=first_status != OrderStatus.INITIATED,
    )

    if placed is not None:
        placed.lines.all().delete()
    order = placed or Order(reservation=reservation, event=reservation.event)
    email_before, secret_before = order.email, order.address_secret
    for field in Buyer.__slots__:
        setattr(order, field, getattr(buyer, field))
    forget_other_address(order, email_before=email_before)
    order.consented_at, order.consent_text = (now if consent_text else None), consent_text
    order.locale, order.placed_at = locale, now
    order.quantity = sum(line.places for line in lines)
    fill_in_price(order, price)
    _start(order, method, first_status, at=now)
    if is_asked:
        refuse_beyond_share(order)
        prepare_question(order)
    if placed is None:
        _INSERT_ORDER([order])
    else:
        order.save()
    order_lines = write_lines(order, lines, price, list(attendees), buyer)
    changes = [(Change.PLACED, {"method": method, "total_minor": order.total_minor})]

    if order.status == OrderStatus.FREE:
        tickets = issue_first_tickets(order, order_lines)
        changes.append((Change.TICKETS_ISSUED, {"count": len(tickets)}))
        announce_settled(order)
    record_first_changes(order, changes, by=by)
    if order.status == OrderStatus.FREE:
        welcome_later(order)
    if is_asked and needs_question(order, secret_before=secret_before):
        ask_for_address(order)
    if order.status != OrderStatus.INITIATED:
        confirm_locked(reservation, lines)
    return order


def fill_in_price(order: Order, price: Quote) -> None:
    """The order costs that. The caller saves it."""
    order.currency = price.terms.currency
    order.discounts = [
        {"promotion": done.key, "name": done.name, "minor": done.amount_minor}
        for done in price.applied
    ]
    order.tax_name, order.tax_rate_bp = price.terms.tax_name, price.terms.tax_rate_bp
    order.net_minor, order.tax_minor = price.net_minor, price.tax_minor
    order.fee_minor, order.platform_fee_minor = price.buyer_fee_minor, price.fee_minor
    order.total_minor = price.total_minor


def _start(order: Order, method: PaymentMethod, status: OrderStatus, *, at: datetime) -> None:
    """Some wait, all others own their places."""
    order.payment_method, order.status = method, status
    if order.status != OrderStatus.INITIATED:
        order.confirmed_at = at
    if order.status == OrderStatus.FREE:
        order.settled_at = at


def _price(reservation: Reservation, lines: Sequence[ReservationLine], *, granted: bool) -> Quote:
    """What the hold costs; nothing when the organiser grants it."""
    if not granted:
        return quote_of(reservation, lines)
    free = [replace(item_of(line), unit_price_minor=0, discount_minor=0) for line in lines]
    return quote(free, frozen_terms(reservation))


def _method(
    reservation: Reservation, asked: PaymentMethod, price: Quote, buyer: Buyer, by: Actor
) -> PaymentMethod:
    is_buyer = by is audit.BUYER
    if price.total_minor == 0:
        return asked if asked == PaymentMethod.SPONSORED and not is_buyer else PaymentMethod.FREE
    if asked == PaymentMethod.CARD and is_buyer:
        return asked
    if asked == PaymentMethod.INVOICE:
        if is_buyer and not reservation.event.allows_invoice:
            raise MethodNotOffered
        if not buyer.company_name.strip():
            raise CompanyMissing
        return asked
    raise MethodNotOffered


def _waits_for_address(
    method: PaymentMethod, reservation: Reservation, lines: Sequence[ReservationLine]
) -> bool:
    """Whether a buyer who orders so is to confirm the address first."""
    if method == PaymentMethod.FREE:
        return needs_address(reservation, lines)
    return method == PaymentMethod.INVOICE


def _first_status(method: PaymentMethod, *, is_asked: bool) -> OrderStatus:
    """Nobody who is to confirm an address first takes places with it for longer than a hold lasts."""
    if is_asked or method == PaymentMethod.CARD:
        return OrderStatus.INITIATED
    return OrderStatus.OFFLINE_PENDING if method == PaymentMethod.INVOICE else OrderStatus.FREE


def write_lines(
    order: Order,
    lines: Sequence[ReservationLine],
    price: Quote,
    attendees: list[Name],
    buyer: Buyer,
) -> list[OrderLine]:
    """The order has a line for each line of its hold, with the names of who will come."""
    fallback = Name(buyer.first_name, buyer.last_name, buyer.email)
    names = iter(attendees)
    rows = [
        OrderLine(
            order=order,
            ticket_type_id=line.ticket_type_id,
            release_id=line.release_id,
            option_id=line.option_id,
            slot_id=line.slot_id,
            name=priced.name,
            quantity=line.quantity,
            admits=line.admits,
            unit_price_minor=priced.unit_price_minor,
            discount_minor=priced.discount_minor,
            tax_rate_bp=line.tax_rate_bp,
            net_minor=priced.net_minor,
            tax_minor=priced.tax_minor,
            fee_minor=priced.fee_minor,
            holders=[
                {"first": name.first, "last": name.last, "email": name.email}
                for name in (next(names, fallback) for _ in range(line.places))
            ],
        )
        for line, priced in zip(lines, price.lines, strict=True)
    ]
    return _INSERT_LINES(rows)
