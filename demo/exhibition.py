"""An exhibition that sells everything that can be sold: times, several prices, families, bundles, codes."""

from datetime import datetime, time, timedelta
from random import Random

from accounts.models import Membership
from demo import buyers
from events.models import Event
from events.operations import change_event, create_event, publish_event
from orders import operations
from orders.models import PaymentMethod
from ticketing.catalogue import catalogue_of
from ticketing.models import PromotionKind, TicketType, WaitlistMethod
from ticketing.operations import (
    Bundled,
    Members,
    Newcomer,
    SlotRule,
    allocate_stock,
    create_coded_promotion,
    create_promotion,
    create_release,
    create_shared_pool,
    create_ticket_type,
    generate_codes,
    hide,
    join_waitlist,
    make_slots,
    publish_release,
    reserve_tickets,
    set_waitlist,
)
from ticketing.selling import Choice
from ticketing.waitlist_queue import Wish
from tiqqo.core import clock
from tiqqo.core.tenancy import tenant_scope

DAYS = 14
VISITS = 40


def tell_museum(by: Membership, today: datetime, random: Random, scale: int) -> None:
    """Two weeks of an exhibition: the first days sold in part, the tour sold out, with a line for it."""
    with tenant_scope(by.organiser):
        event = _announced(by, today)
        types = _types(event, by)
        _stock(event, types, by)
        _savings(event, types, by)
        event = publish_event(event, by=by)
        _visits(event, random, VISITS * scale)
        _sold_out(event, types["Tour by night"], random, by)


def _announced(by: Membership, today: datetime) -> Event:
    starts_at = (today + timedelta(days=9)).replace(hour=9)
    with clock.showing(today - timedelta(weeks=3)):
        event = create_event(
            by.organiser,
            name="Sixty years of record sleeves",
            by=by,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(days=DAYS),
        )
        return change_event(
            event,
            by=by,
            venue_name="Blauwe Kikker",
            venue_address="Lauriergracht 108",
            city="Amsterdam",
            summary="Four hundred sleeves from the club's own shelves, and the people who drew them.",
            description="Come within your quarter of an hour; stay as long as you like.",
            tax_rate_bp=900,
        )


def _types(event: Event, by: Membership) -> dict[str, TicketType]:
    """Times for most, several prices, a family ticket, a bundle, and what one likes to give."""
    kinds: dict[str, TicketType] = {}

    def offer(name: str, price_minor: int, **details: object) -> TicketType:
        prices = details.pop("prices", None)
        suggested = details.pop("suggested_minor", None)
        ticket_type = create_ticket_type(event, name=name, by=by, **details)  # type: ignore[arg-type]
        facts: dict[str, object] = {"suggested_minor": suggested} if suggested else {}
        if isinstance(prices, dict):
            facts["option_prices"] = {
                ticket_type.options.get(name=option).pk: minor for option, minor in prices.items()
            }
        release = create_release(ticket_type, name=name, price_minor=price_minor, by=by, **facts)  # type: ignore[arg-type]
        publish_release(release, by=by)
        kinds[name] = ticket_type
        return ticket_type

    offer(
        "Entry",
        0,
        description="The whole exhibition, from your time on.",
        pricing="options",
        options=["Adult", "Student", "Under 12"],
        prices={"Adult": 1450, "Student": 850, "Under 12": 0},
        is_timed=True,
        per_email_limit=12,
    )
    offer("Family", 3600, description="Two adults and three children.", admits=5, is_timed=True)
    catalogue = offer(
        "Catalogue", 2400, description="180 pages, collected at the desk.", takes_place=False
    )
    offer(
        "Tour by night",
        2250,
        description="With the curator, one evening only.",
        capacity=12,
        naming="required",
    )
    offer("Friend of the club", 500, pricing="open", suggested_minor=1500, takes_place=False)
    offer("Press", 0, description="For the press desk's guests.")
    hide(kinds["Press"], by=by)
    single = offer("Open day", 1200, description="Any time, the last Sunday only.", capacity=60)
    offer(
        "Open day and catalogue",
        3200,
        parts=[Bundled(single, 1, 1200), Bundled(catalogue, 1, 2400)],
    )
    return kinds


def _stock(event: Event, types: dict[str, TicketType], by: Membership) -> None:
    assert event.starts_at is not None
    first = event.local(event.starts_at).date()
    rule = SlotRule(
        first_on=first,
        last_on=first + timedelta(days=DAYS - 1),
        weekdays=frozenset({0, 2, 3, 4, 5, 6}),
        opens=time(10),
        closes=time(17),
        every_minutes=30,
        capacity=18,
        grace_minutes=10,
    )
    make_slots(event, rule=rule, by=by)
    create_shared_pool(
        event,
        name="Cellar vault",
        capacity=90,
        members=Members(types=[types["Tour by night"], types["Open day"]]),
        by=by,
    )
    allocate_stock(
        types["Open day"],
        company_name="Hotel Keizersgracht",
        quantity=15,
        returns_at=event.starts_at - timedelta(days=2),
        by=by,
        code="KEIZERSGRACHT",
    )


def _savings(event: Event, types: dict[str, TicketType], by: Membership) -> None:
    create_promotion(event, name="Five or more", is_automatic=True, rate_bp=1000, min_quantity=5, by=by)  # fmt: skip
    create_coded_promotion(
        event, name="Newsletter", text="SLEEVES", uses_limit=100, rate_bp=1500, by=by
    )
    create_coded_promotion(
        event,
        name="Press desk",
        text="PRESSDESK26",
        uses_limit=None,
        kind=PromotionKind.NONE,
        unlocks=True,
        ticket_types=[types["Press"]],
        by=by,
    )
    vouchers = create_promotion(event, name="Vouchers of the book shop", amount_minor=500,
                                kind=PromotionKind.AMOUNT, by=by)  # fmt: skip
    generate_codes(vouchers, count=250, beginning="BOOK", by=by)


def _visits(event: Event, random: Random, count: int) -> None:
    """Free and invited ones, so that nothing must be paid: students and children with their school."""
    catalogue = catalogue_of(event)
    entry = next(r for r in catalogue.releases if r.ticket_type.name == "Entry")
    child = catalogue.options[entry.pk][2].option.code
    for _visit in range(count):
        slot = random.choice(catalogue.slots[:40])
        buyer = buyers.buyer(random, company="")
        held = reserve_tickets(
            event,
            selection=[Choice(entry.code, random.randint(1, 4), option=child, slot=slot.code)],
        )
        operations.place_order(held, buyer=buyer, attendees=[], payment_method=PaymentMethod.FREE)


def _sold_out(event: Event, tour: TicketType, random: Random, by: Membership) -> None:
    """The club kept the tour for itself but for a few; others wait in line."""
    release = next(r for r in catalogue_of(event).releases if r.ticket_type_id == tour.pk)
    for _guest in range(3):
        held = reserve_tickets(event, selection={release.code: 4})
        operations.place_order(
            held,
            buyer=buyers.buyer(random, company=""),
            attendees=[],
            payment_method=PaymentMethod.SPONSORED,
            by=by,
        )
    set_waitlist(event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=by)
    event.refresh_from_db()
    for quantity in (2, 1, 4, 2):
        who = buyers.buyer(random, company="")
        join_waitlist(
            event,
            who=Newcomer(
                f"{who.first_name} {who.last_name}",
                who.email,
                f"{event.organiser.name} may write to me about this waitlist.",
            ),
            quantity=quantity,
            wishes=[Wish(tour.pk)],
        )
