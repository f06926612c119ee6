"""What is sold in the trials, made through the operations. Runs inside the stack (Django).

manage.py shell --no-imports -c "from devtools.chaos import seed; seed.plant(['name', …])"
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import Membership, User
from accounts.operations import found_organiser
from devtools.chaos.seed_names import PASSWORD, owner_of
from events.models import Event, InvoiceIssues
from events.operations import change_event, create_event, publish_event
from orders.models import Payment, PaymentMethod, PaymentStatus, RefundReason, Ticket
from orders.operations import Buyer, place_order, request_refund
from people.operations import Name
from ticketing.models import Release
from ticketing.operations import (
    create_release,
    create_ticket_type,
    publish_release,
    reserve_tickets,
    set_event_capacity,
)
from tiqqo.core import audit, clock
from tiqqo.core.tenancy import tenant_scope

TYPES = [("Free", 0), ("Seat", 2750)]
PLACES = 100_000
DOOR_TICKETS = 20


def plant(names: Sequence[str]) -> None:
    """For each name an organiser whose owner can sign in, an event on sale, and tickets for the door.

    Prints what they are as JSON.
    """
    password = make_password(PASSWORD)
    with transaction.atomic():
        print(json.dumps([_sale(_owner(name, password), name) for name in names]))


def refund(organiser_id: int, *, count: int) -> None:
    """So many paid orders get a part of their money back, as the orders desk would ask for it."""
    with tenant_scope(organiser_id):
        paid = Payment.objects.select_related("order__event__organiser").filter(
            status=PaymentStatus.SUCCEEDED, refunds=None, order__status="PAID"
        )
        chosen = list(paid.order_by("pk")[:count])
        for payment in chosen:
            request_refund(
                payment, amount=payment.order.total, reason=RefundReason.REQUESTED, by=audit.SYSTEM
            )
    print(json.dumps(len(chosen)))


def _owner(name: str, password: str) -> User:
    owner = User.objects.create_user(owner_of(name), name="Olga Owner")
    owner.password = password
    owner.save(update_fields=["password"])
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    return owner


def _sale(owner: User, name: str) -> dict[str, object]:
    organiser = found_organiser(
        name=f"Chaos {name}",
        owner=owner,
        country="NL",
        currency="EUR",
        time_zone="Europe/Amsterdam",
        accent_colour="#1d4f7c",
        support_email=owner.email,
    )
    with tenant_scope(organiser):
        member = Membership.objects.select_related("organiser", "user").get(user=owner)
        event = _event(member)
        free, seat = _releases(event, member)
        event = publish_event(event, by=member)
        codes = _door_tickets(event, free, DOOR_TICKETS)
    return {
        "name": name,
        "owner": owner.email,
        "organiser_id": organiser.pk,
        "organiser": organiser.slug,
        "event_id": event.pk,
        "event": event.slug,
        "free": free.code,
        "seat": seat.code,
        "door_codes": codes,
    }


def _event(member: Membership) -> Event:
    starts_at = clock.now() + timedelta(days=30)
    event = create_event(
        member.organiser,
        name="Evening",
        by=member,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=4),
    )
    event = change_event(
        event,
        by=member,
        venue_name="The Hall",
        city="Amsterdam",
        summary="An evening of live music.",
        tax_rate_bp=900,
        hold_minutes=30,
        allows_invoice=True,
        invoice_share_percent=100,
        invoice_issues=InvoiceIssues.SENT,
    )
    set_event_capacity(event, capacity=PLACES, by=member)
    return event


def _releases(event: Event, member: Membership) -> Iterator[Release]:
    for name, price in TYPES:
        kind = create_ticket_type(event, name=name, by=member)
        release = create_release(kind, name=name, price_minor=price, by=member)
        publish_release(release, by=member)
        yield release


def _door_tickets(event: Event, release: Release, count: int) -> list[str]:
    """Codes of tickets that people come to the door with: one order, so that there is one mail."""
    buyer = Buyer("Dora", "Door", "dora@example.org")
    place_order(
        reserve_tickets(event, selection={release.code: count}),
        buyer=buyer,
        attendees=[Name(buyer.first_name, f"Guest {n}", buyer.email) for n in range(1, count + 1)],
        payment_method=PaymentMethod.FREE,
    )
    return list(Ticket.objects.filter(event=event).values_list("code", flat=True))
