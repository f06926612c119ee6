"""What happened so far, told through the operations that made it happen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import transaction
from django.db.models import F

from accounts.models import Membership, Organiser, User
from accounts.operations import found_organiser, release_organiser
from checkin.operations import admit_ticket
from demo import buyers
from demo.exhibition import tell_museum
from demo.logins import LOGINS, PASSWORD
from events.models import Event
from events.operations import change_event, create_event, publish_event
from events.tasks import advance_events
from orders import operations
from orders.models import Delivery, DeliveryStatus, Order, PaymentMethod, Ticket
from orders.tasks import welcome_people
from people.operations import Name
from ticketing.errors import SoldOut
from ticketing.operations import (
    create_release,
    create_ticket_type,
    publish_release,
    reserve_tickets,
    set_event_capacity,
)
from ticketing.queries import offers
from tiqqo.core import audit, clock, limits
from tiqqo.core.money import Money
from tiqqo.core.tasks import nothing_enqueued
from tiqqo.core.tenancy import tenant_scope

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
CLUB_ARTISTS = [
    "Mira Solano Quartet",
    "The Low Tide Six",
    "Okonkwo & Vermeer",
    "Nachtvlinders Big Band",
    "Jonas Berg Trio",
    "Paper Lantern Collective",
    "Amina Rahal sings Weill",
    "Second Sleep",
    "Trio Hoogwater",
    "Ellis Marchetti Organ Night",
    "Kestrel",
    "Sunday Sermon Band",
]


@dataclass(frozen=True, slots=True)
class Offer:
    """A ticket type with its releases: (name, price in minor units, opens and closes before start)."""

    name: str
    description: str
    capacity: int | None
    releases: Sequence[tuple[str, int, timedelta | None, timedelta | None]]


def tell(*, scale: int) -> None:
    """Both organisers exist with their teams, events, and about 300 x `scale` orders."""
    random = Random(20261122)
    today = clock.now().replace(minute=0, second=0, microsecond=0)
    # One transaction: a demo that was interrupted leaves an empty database, which is filled again.
    with transaction.atomic(), nothing_enqueued(), limits.lifted():
        _tell(today, random, scale)
        _catch_up()


def _tell(today: datetime, random: Random, scale: int) -> None:
    with clock.showing(today - 400 * DAY):
        club = _organiser(
            "Blauwe Kikker", "blauwe-kikker", "NL", "EUR", "Europe/Amsterdam", "#1d4f7c"
        )
        tech = _organiser("Fjord Tech", "fjord-tech", "DK", "DKK", "Europe/Copenhagen", "#7a2e4d")
    _club_nights(club, today, random, scale)
    _conference(tech, today, random, scale)
    # Random by itself, so that the rest of the story stays as it is.
    tell_museum(club, today, Random(1958), scale)


def _catch_up() -> None:
    """What the workers would have done by now; the mails of the last days are left to them."""
    advance_events()
    for organiser in Organiser.objects.all():
        with tenant_scope(organiser):
            for order_id in Order.objects.confirmed().values_list("pk", flat=True):
                welcome_people(order_id, organiser_id=organiser.pk)
            Delivery.objects.filter(requested_at__lt=clock.now() - 2 * DAY).update(
                status=DeliveryStatus.SENT, sent_at=F("requested_at")
            )


def _organiser(
    name: str, slug: str, country: str, currency: str, zone: str, accent: str
) -> Membership:
    """The organiser and its team; the owner's membership."""
    team = [login for login in LOGINS if login.organiser == slug]
    users = [User.objects.create_user(t.email, PASSWORD, name=t.name) for t in team]
    for user in users:
        user.emailaddress_set.create(email=user.email, verified=True, primary=True)  # type: ignore[attr-defined]
    organiser = found_organiser(
        name=name,
        owner=users[0],
        country=country,
        currency=currency,
        time_zone=zone,
        accent_colour=accent,
        support_email=f"hello@{slug}.example",
    )
    release_organiser(organiser, by=audit.SYSTEM)
    with tenant_scope(organiser):
        for login, user in list(zip(team, users, strict=True))[1:]:
            Membership.objects.create(organiser=organiser, user=user, role=login.role)
        owner: Membership = Membership.objects.select_related("organiser", "user").get(
            user=users[0]
        )
    return owner


def _event(
    by: Membership,
    name: str,
    starts_at: datetime,
    hours: float,
    *,
    capacity: int | None,
    sold: Sequence[Offer],
    publish: bool = True,
    **details: object,
) -> Event:
    """An event with its tickets, announced eight weeks before it starts."""
    organiser: Organiser = by.organiser
    announced = min(starts_at - 8 * WEEK, clock.now())
    with clock.showing(announced):
        ends_at = starts_at + timedelta(hours=hours)
        event = create_event(organiser, name=name, by=by, starts_at=starts_at, ends_at=ends_at)
        event = change_event(event, by=by, **details)
        set_event_capacity(event, capacity=capacity, by=by)
        for offer in sold:
            ticket_type = create_ticket_type(
                event,
                name=offer.name,
                description=offer.description,
                capacity=offer.capacity,
                by=by,
            )
            for title, price, opens, closes in offer.releases:
                release = create_release(
                    ticket_type,
                    name=title,
                    price_minor=price,
                    opens_at=starts_at - opens if opens else None,
                    closes_at=starts_at - closes if closes else None,
                    by=by,
                )
                publish_release(release, by=by)
        if publish:
            event = publish_event(event, by=by)
    return event


def _buy(
    event: Event,
    at: datetime,
    random: Random,
    *,
    by: Membership,
    method: PaymentMethod = PaymentMethod.CARD,
    company: str = "",
    most: int = 4,
) -> Order | None:
    """One order at an instant, the way a buyer makes it; None when nothing was left."""
    with clock.showing(at), transaction.atomic():
        on_sale = [offer for offer in offers(event, at=at) if offer.is_on_sale]
        if not on_sale:
            return None
        weights = [6, 2, 2, 1, 1][: len(on_sale)]
        chosen = random.choices(on_sale, weights)[0]
        quantity = min(random.choices(range(1, most + 1), [4, 6, 2, 1][:most])[0], chosen.limit)
        try:
            with transaction.atomic():
                reservation = reserve_tickets(event, selection={chosen.release.code: quantity})
        except SoldOut:
            return None
        buyer = buyers.buyer(random, company=company)
        attendees = [Name(buyer.first_name, buyer.last_name, buyer.email)]
        attendees += [Name(*buyers.attendee(random)) for _ in range(quantity - 1)]
        is_desk = method == PaymentMethod.SPONSORED
        if chosen.price.minor == 0 and not is_desk:
            method = PaymentMethod.FREE
        order = operations.place_order(
            reservation,
            buyer=buyer,
            attendees=attendees,
            payment_method=method,
            consent_text=f"News about events of {event.organiser.name}"
            if random.random() < 0.4
            else "",
            by=by if is_desk else audit.BUYER,
        )
        if order.awaits_address:
            order = operations.confirm_address(order, secret=order.address_secret)
        if order.payment_method == PaymentMethod.CARD:
            payment = operations.open_payment(order).payment
            operations.store_session(payment, session_id=f"demo_{order.code}", url="")
            order = operations.confirm_payment(
                payment,
                paid=Money(order.total_minor, order.currency),
                intent_id=f"demo_{order.code}",
            )
    return order


def _sell(
    event: Event, count: int, random: Random, *, by: Membership, until: datetime
) -> list[Order]:
    """Orders spread over the sale, more of them towards its end."""
    begin = max(event.published_at or until, until - 8 * WEEK)
    moments = sorted(begin + (until - begin) * random.random() ** 0.6 for _ in range(count))
    made = [_buy(event, moment, random, by=by) for moment in moments]
    return [order for order in made if order is not None]


def _let_in(event: Event, random: Random, *, by: Membership, share: float, until: datetime) -> None:
    """Most holders come, around the start."""
    assert event.starts_at is not None
    for ticket in Ticket.objects.valid().filter(event=event).order_by("id"):
        at = event.starts_at + timedelta(minutes=random.gauss(-8, 14))
        if random.random() < share and at <= until:
            with clock.showing(at):
                admit_ticket(event, ticket.code, by=by, gate=random.choice(["Front", "Garden"]))


def _club_nights(by: Membership, today: datetime, random: Random, scale: int) -> None:
    """Fridays at the jazz club: five past, one tonight, six to come, one draft."""
    tonight = today.replace(hour=19) if today.hour < 19 else today + HOUR
    with tenant_scope(by.organiser):
        for number, artist in enumerate(CLUB_ARTISTS, start=-5):
            starts_at = tonight + number * WEEK
            event = _event(
                by,
                artist,
                starts_at,
                3.5,
                capacity=140,
                sold=[
                    Offer(
                        "Standing",
                        "Doors open half an hour before the first set.",
                        None,
                        [
                            ("Early", 1450, None, 2 * WEEK),
                            ("Standing", 1850, 2 * WEEK, None),
                        ],
                    ),
                    Offer(
                        "Table seat",
                        "A seat at one of the eight tables by the stage.",
                        32,
                        [("Table seat", 2750, None, None)],
                    ),
                    Offer("Student", "With a student card.", 30, [("Student", 1000, None, None)]),
                    Offer(
                        "Members", "Free for members of the club.", 20, [("Members", 0, None, None)]
                    ),
                ],
                venue_name="Blauwe Kikker",
                venue_address="Lauriergracht 108",
                city="Amsterdam",
                summary="An evening of live jazz in the cellar on the canal.",
                description=(
                    "Two sets with a break, the bar stays open until **one**.\n\n"
                    "- Doors 18:30, first set 19:00\n- No reserved places except at the tables"
                ),
                tax_rate_bp=900,
            )
            sold = {-1: 30, 0: 48, 1: 26, 2: 16}.get(number, 20 if number < 0 else 5)
            _sell(event, sold * scale, random, by=by, until=min(starts_at - HOUR, clock.now()))
            if number <= 0:
                _let_in(event, random, by=by, share=0.88, until=clock.now())
        create_event(by.organiser, name="New Year's Eve with the house band", by=by)


def _conference(by: Membership, today: datetime, random: Random, scale: int) -> None:
    """Last year's and this year's conference, with companies, sponsors and invoices."""
    this_year = (today + 6 * WEEK).replace(hour=8)
    with tenant_scope(by.organiser):
        for number, starts_at in ((2025, this_year - 365 * DAY), (2026, this_year)):
            event = _event(
                by,
                f"Fjord Tech {number}",
                starts_at,
                33,
                capacity=600,
                sold=[
                    Offer(
                        "Conference pass",
                        "Two days, all tracks, lunch and the harbour dinner.",
                        None,
                        [
                            ("Early bird", 249_500, None, 6 * WEEK),
                            ("Regular", 349_500, 6 * WEEK, None),
                        ],
                    ),
                    Offer(
                        "Workshop day", "Day one only.", 80, [("Workshop day", 149_500, None, None)]
                    ),
                    Offer("Student", "With a student card.", 60, [("Student", 49_500, None, None)]),
                ],
                venue_name="Øksnehallen",
                venue_address="Halmtorvet 11",
                city="København",
                summary="Two days on software that people trust, by the people who build it.",
                description="Forty talks on three stages, and time to talk in between.",
                tax_rate_bp=2500,
                prices_include_tax=False,
                allows_invoice=True,
                invoice_share_percent=50,
                # Companies pay late here, and are given the time.
                invoice_days=60,
                fee_payer="organiser",
            )
            until = min(starts_at - DAY, clock.now())
            orders = _sell(event, 30 * scale, random, by=by, until=until)
            orders += _company_orders(event, 14 * scale, random, by=by, until=until)
            if starts_at < clock.now():
                _let_in(event, random, by=by, share=0.94, until=clock.now())


def _company_orders(
    event: Event, count: int, random: Random, *, by: Membership, until: datetime
) -> list[Order]:
    """Invoices in every stage, and sponsored access."""
    orders = []
    for number in range(count):
        at = until - (30 * random.random() + 1) * DAY
        method = PaymentMethod.SPONSORED if number % 5 == 4 else PaymentMethod.INVOICE
        company = buyers.COMPANIES[number % len(buyers.COMPANIES)]
        order = _buy(event, at, random, by=by, method=method, company=company)
        if order is None:
            continue
        orders.append(order)
        if order.payment_method == PaymentMethod.INVOICE and number % 3 != 0:
            with clock.showing(min(at + 4 * HOUR, clock.now())):
                operations.send_invoice(order, by=by)
            if number % 3 == 1:
                with clock.showing(min(at + 6 * DAY, clock.now())):
                    operations.mark_settled(order, by=by)
    return orders
