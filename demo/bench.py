"""What `bin/bench` sells: events with nothing special about them, made through the operations."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from accounts.models import Membership, Organiser, User
from accounts.operations import found_organiser, release_organiser
from events.models import Event
from events.operations import change_event, create_event, publish_event
from orders.models import PaymentMethod
from orders.operations import Buyer, place_order
from people.operations import Name
from ticketing.models import Release, WaitlistMethod
from ticketing.operations import (
    create_release,
    create_ticket_type,
    publish_release,
    reserve_tickets,
    set_event_capacity,
    set_waitlist,
)
from tiqqo.core import audit, clock
from tiqqo.core.tenancy import tenant_scope

ORGANISER = "Bench"
OWNER = "bench@example.org"
# The free type is the one that is bought: no payment provider stands between two figures.
TYPES = [
    ("Standing", "Doors open half an hour before the first set.", 1850),
    ("Table seat", "A seat at one of the tables by the stage.", 2750),
    ("Balcony", "Upstairs, with a bar of its own.", 3250),
    ("Student", "With a student card.", 1000),
    ("Members", "Free for members of the club.", 0),
]


@dataclass(frozen=True, slots=True)
class BenchEvent:
    event: Event
    free: Release
    type_count: int


def make_event(name: str, *, places: int, has_waitlist: bool = False) -> BenchEvent:
    """A published event of the bench's organiser with five types, the last of them free."""
    owner = _owner()
    organiser: Organiser = owner.organiser
    with tenant_scope(organiser):
        starts_at = clock.now() + timedelta(days=30)
        event = create_event(
            organiser,
            name=name,
            by=owner,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=4),
        )
        event = change_event(
            event,
            by=owner,
            venue_name="The Hall",
            venue_address="Prinsengracht 1",
            city="Amsterdam",
            summary="An evening of live music in the cellar on the canal.",
            description="Two sets with a break.\n\n- Doors 18:30, first set 19:00\n- Free seating",
            tax_rate_bp=900,
            # So that no hold of a long run expires while it is measured.
            hold_minutes=30,
        )
        set_event_capacity(event, capacity=places, by=owner)
        releases = list(_releases(event, owner))
        if has_waitlist:
            set_waitlist(event, method=WaitlistMethod.FIRST_COME, offer_hours=24, by=owner)
        event = publish_event(event, by=owner)
    return BenchEvent(event, releases[-1], len(releases))


def place_orders(event: Event, release_code: str, *, count: int) -> None:
    """So many buyers have one free ticket each. Their mails are left to the worker."""
    for number in range(1, count + 1):
        buyer = Buyer(
            first_name="Kim", last_name=f"Buyer {number}", email=f"kim{number}@example.org"
        )
        place_order(
            reserve_tickets(event, selection={release_code: 1}),
            buyer=buyer,
            attendees=[Name(buyer.first_name, buyer.last_name, buyer.email)],
            payment_method=PaymentMethod.FREE,
        )


def _owner() -> Membership:
    """The membership of the bench's organiser, founded the first time."""
    user = User.objects.filter(email=OWNER).first()
    if user is None:
        # Nobody can sign in as this user: there is no password.
        user = User.objects.create_user(OWNER, None, name="Bench")
        founded = found_organiser(
            name=ORGANISER,
            owner=user,
            country="NL",
            currency="EUR",
            time_zone="Europe/Amsterdam",
            accent_colour="#1d4f7c",
            support_email=OWNER,
        )
        # Its event stands on the front page, which is measured, too.
        release_organiser(founded, by=audit.SYSTEM)
    organiser = Organiser.objects.get(name=ORGANISER)
    with tenant_scope(organiser):
        owner: Membership = Membership.objects.select_related("organiser", "user").get(user=user)
    return owner


def _releases(event: Event, owner: Membership) -> Iterator[Release]:
    for name, description, price in TYPES:
        made = create_ticket_type(event, name=name, description=description, by=owner)
        release = create_release(made, name=name, price_minor=price, by=owner)
        publish_release(release, by=owner)
        yield release
