"""A stall with everything that can be sold: what the shop's tests and browser tests walk up to."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from events.models import Event
from events.operations import publish_event
from tests.cast import EventFactory, House
from ticketing.models import (
    Code,
    Promotion,
    PromotionKind,
    Release,
    TicketType,
    TimeSlot,
    WaitlistPolicy,
)
from ticketing.operations import (
    Bundled,
    SlotRule,
    create_release,
    create_ticket_type,
    hide,
    make_slots,
    mark_sold_out,
    pause,
    publish_release,
)
from tiqqo.core import clock


@dataclass
class Stall:
    """An event of a house, and its releases by the name of their type."""

    house: House
    event: Event
    releases: dict[str, Release]

    def type_of(self, name: str) -> TicketType:
        return self.releases[name].ticket_type

    def field(self, name: str, option: str = "", kind: str = "quantity") -> str:
        """The name of the shop's field for it."""
        release = self.releases[name]
        found = f"{kind}_{release.code}"
        if option:
            found += f"_{release.ticket_type.options.get(name=option).code}"
        return found

    def offer(self, name: str, price: int = 0, *, release: dict[str, Any] | None = None, **details):
        """One more type with a published release."""
        by = self.house.owner
        ticket_type = create_ticket_type(self.event, name=name, by=by, **details)
        facts = {"name": name, "price_minor": price, **(release or {})}
        if "options" in details:
            facts["option_prices"] = {
                ticket_type.options.get(name=option).pk: minor
                for option, minor in facts.pop("options").items()
            }
        sold = create_release(ticket_type, by=by, **facts)
        publish_release(sold, by=by)
        sold.refresh_from_db()
        self.releases[name] = sold
        return ticket_type

    def promote(self, name: str, text: str = "", *, uses: int | None = None, **terms) -> Promotion:
        promotion = Promotion.objects.create(event=self.event, name=name, **terms)
        if text:
            Code.objects.create(event=self.event, promotion=promotion, text=text, uses_limit=uses)
        return promotion

    def slots(self) -> list[TimeSlot]:
        return list(TimeSlot.objects.filter(event=self.event).order_by("starts_at"))

    def fresh(self) -> Event:
        """The event with the revision of its offer as it is now."""
        return Event.objects.get(pk=self.event.pk)


def opened(house: House, name: str = "Small Museum", *, starts_in: int = 10, **facts) -> Stall:
    """A published event that offers nothing yet. Inside the house's scope."""
    starts_at = (clock.now() + timedelta(days=starts_in)).replace(
        hour=8, minute=0, second=0, microsecond=0
    )
    event = EventFactory(
        organiser=house.organiser,
        by=house.owner,
        name=name,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=60),
        tax_rate_bp=900,
        **facts,
    )
    stall = Stall(house, event, {})
    stall.offer("Audio guide", 500)
    stall.event = publish_event(event, by=house.owner)
    return stall


def timed(stall: Stall, *, days: int = 1, every: int = 60, capacity: int | None = 30) -> date:
    """Times from 10 to 17 on so many days from the event's first full one, which is returned."""
    first = stall.event.local(stall.event.starts_at).date() + timedelta(days=1)
    rule = SlotRule(
        first_on=first,
        last_on=first + timedelta(days=days - 1),
        weekdays=frozenset(range(7)),
        opens=time(10),
        closes=time(17),
        every_minutes=every,
        capacity=capacity,
    )
    make_slots(stall.event, rule=rule, by=stall.house.owner)
    return first


def museum(house: House, name: str = "Small Museum") -> Stall:
    """Every kind of ticket, times, discounts and codes. Inside the house's scope."""
    stall = opened(house, name)
    timed(stall, days=20, every=15)
    stall.offer(
        "Day ticket",
        pricing="options",
        options=["Adult", "Student", "Child"],
        is_timed=True,
        description="The whole house, from cellar to roof.",
        policy_text="Please come within your quarter of an hour.\nStudents show their card.",
        release={"options": {"Adult": 1800, "Student": 900, "Child": 0}},
    )
    entry = stall.offer("Evening", 1200, capacity=12)
    meal = stall.offer("Dinner", 3000, tax_rate_bp=2100)
    stall.offer(
        "Evening out",
        3800,
        parts=[Bundled(entry, 2, 1200), Bundled(meal, 2, 3000)],
        release={"price_minor": 7600},
    )
    stall.offer("Family", 4000, admits=5, is_timed=True)
    stall.offer(
        "Friend of the house",
        pricing="open",
        release={"price_minor": 500, "suggested_minor": 1500},
    )
    stall.offer("Workshop", 2000, per_order_minimum=2, per_order_limit=6)
    stall.offer("Guided tour", 1500, release={"opens_at": clock.now() + timedelta(days=2)})
    stall.offer("Crew", 0)
    hide(stall.type_of("Crew"), by=house.owner)
    stall.offer("Balcony", 2500)
    mark_sold_out(stall.type_of("Balcony"), by=house.owner)
    stall.offer("Boat trip", 2500)
    pause(stall.type_of("Boat trip"), by=house.owner)
    WaitlistPolicy.objects.create(event=stall.event)
    stall.promote("Group discount", is_automatic=True, rate_bp=1000, min_quantity=5)
    stall.promote("Early birds", "EARLY", rate_bp=2000)
    stall.promote("Crew list", "CREW", kind=PromotionKind.NONE, unlocks=True,
                  ticket_type_ids=[stall.type_of("Crew").pk])  # fmt: skip
    return stall
