"""A person asks to be forgotten (GDPR, art. 17): what the law does not want kept is anonymised."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Organiser
from orders.changes import Change
from orders.locks import lock_order
from orders.models import Delivery, DeliveryKind, DeliveryStatus, Order, OrderLine, Ticket
from orders.operations.changing import record_change
from orders.retention import NO_COMPANY, NOBODY, nobody, remove_documents
from people.models import Contact, Person
from people.operations import erase_contact, normalise_email
from ticketing.errors import PaymentUnderWay
from ticketing.models import Reservation, WaitlistEntry
from ticketing.operations import leave_waitlist
from tiqqo.core import clock
from tiqqo.core.audit import Actor


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was anonymised. `kept_orders` keep who bought, because they were to be paid; `ahead` are orders
    of events that are not over, which nothing was taken from."""

    contacts: int
    tickets: int
    orders: int
    waitlist: int
    kept_orders: tuple[str, ...]
    ahead: tuple[str, ...]


def erase_person(organiser: Organiser, *, email: str, by: Actor) -> Erasure:
    """The organiser knows the person of this address no more, beyond what tax law asks for.

    Contact and people at events lose name, address and phone; past tickets and places the name of who
    came; free orders the buyer. An order that cost something keeps its buyer, as its invoice does: seven
    years (art. 52 AWR) or ten (§ 147 AO). Orders of events that are not over stay as they are, for their
    tickets must work: ask again after the event. Each order is a transaction; twice is harmless. The caller
    has entered the organiser's scope.
    """
    key = normalise_email(email)
    waitlist = _erase_from_waitlists(key, by)
    found = _orders_of(key)
    ahead = found.exclude(event__ends_at__lt=clock.now())
    tickets = orders = 0
    kept: list[str] = []
    for order_id in found.filter(event__ends_at__lt=clock.now()).values_list("pk", flat=True):
        result = _erase_from_order(order_id, key, by)
        tickets, orders = tickets + result.tickets, orders + result.is_anonymous
        kept += [result.code] if result.keeps_buyer else []
    contacts = _erase_contact(organiser, key, by, is_needed=ahead.exists())
    codes = tuple(ahead.order_by("pk").values_list("code", flat=True))
    return Erasure(contacts, tickets, orders, waitlist, tuple(kept), codes)


def _orders_of(key: str) -> QuerySet[Order]:
    """Bought by, or with a ticket for, this address."""
    holds = Ticket.objects.filter(email__iexact=key).values("order")
    found: QuerySet[Order] = Order.objects.filter(
        Q(email__iexact=key) | Q(pk__in=holds), anonymised_at=None
    ).order_by("pk")
    return found


@dataclass(frozen=True, slots=True)
class _Erased:
    code: str
    tickets: int
    is_anonymous: bool
    keeps_buyer: bool


@transaction.atomic
def _erase_from_order(order_id: int, key: str, by: Actor) -> _Erased:
    order = lock_order(order_id)
    is_buyer = normalise_email(order.email) == key
    # A place without an address of its own came under the buyer's, and so did its ticket.
    named = Ticket.objects.filter(order=order, email__iexact=key)
    people = list(named.exclude(person=None).values_list("person_id", flat=True))
    tickets = named.update(first_name="–", last_name="", email="")
    for person_id in people:
        Person.objects.filter(pk=person_id).update(
            first_name="–", last_name=str(person_id), email="", company=None
        )
    for line in OrderLine.objects.filter(order=order):
        holders = [
            nobody() if normalise_email(holder["email"]) == key else holder
            for holder in line.holders
        ]
        if holders != line.holders:
            OrderLine.objects.filter(pk=line.pk).update(holders=holders)
    _forget_printed(order)
    keeps_buyer = is_buyer and order.total_minor > 0 and order.confirmed_at is not None
    is_anonymous = is_buyer and not keeps_buyer
    if is_anonymous:
        Reservation.objects.filter(pk=order.reservation_id).update(email_key="")
        Order.objects.filter(pk=order.pk).update(
            **NOBODY,
            **NO_COMPANY,
            contact=None,
            company=None,
            consented_at=None,
            consent_text="",
            anonymised_at=clock.now(),
        )
    if tickets or is_anonymous:
        record_change(order, Change.PERSON_ERASED, by=by, tickets=tickets, buyer=is_anonymous)
    return _Erased(order.code, tickets, is_anonymous, keeps_buyer)


def _forget_printed(order: Order) -> None:
    """Tickets as they were mailed go, for they name people: they are drawn again from what is left. So
    does what the mail server said, which names whom it refused. Invoices stay."""
    mails = Delivery.objects.filter(order=order)
    mails.update(last_error="")
    printed = mails.filter(
        kind__in=[DeliveryKind.TICKETS, DeliveryKind.REMINDER], status=DeliveryStatus.SENT
    )
    remove_documents(printed.exclude(document=""))


def _erase_from_waitlists(key: str, by: Actor) -> int:
    """Out of every line, and gone from it. Who is paying for an offer right now stays until that is done."""
    count = 0
    for entry in WaitlistEntry.objects.filter(email_key=key):
        if entry.is_on_waitlist:
            try:
                leave_waitlist(entry, by=by)
            except PaymentUnderWay:
                continue
        WaitlistEntry.objects.filter(pk=entry.pk).delete()
        count += 1
    return count


def _erase_contact(organiser: Organiser, key: str, by: Actor, *, is_needed: bool) -> int:
    contact = Contact.objects.filter(organiser=organiser, email_key=key).first()
    if contact is None or is_needed:
        return 0
    erase_contact(contact, by=by)
    return 1
