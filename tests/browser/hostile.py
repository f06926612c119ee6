"""Organisers whose data is as awkward as the database lets it be. Part of the seed of the stack."""

from dataclasses import dataclass
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import Membership
from events.operations import publish_event
from orders.models import PaymentMethod
from orders.operations import confirm_address, mark_settled, place_order
from people.operations import Name
from tests.cast import (
    EventFactory,
    OrganiserFactory,
    ReleaseFactory,
    TicketTypeFactory,
    UserFactory,
    buyer,
)
from ticketing.operations import reserve_tickets, set_event_capacity
from tiqqo.core.tasks import nothing_enqueued
from tiqqo.core.tenancy import tenant_scope

CANVAS = "#fbf9f5"
FAMILY = "👩‍👩‍👧‍👦"


@dataclass(frozen=True, slots=True)
class Awkward:
    """What one organiser calls things, how it looks, and what it sells."""

    slug: str
    word: str
    """Repeated until a field is full."""
    accent: str
    currency: str
    prices: tuple[int, ...]
    """One ticket type for each."""
    picture: tuple[int, int] | None = None

    def filling(self, length: int) -> str:
        """The longest text that a field of this length takes."""
        return (self.word * length)[:length].strip()


AWKWARD = (
    Awkward("long", "Donaudampfschifffahrt", "#ffff00", "EUR", (0, 2500, 1999), (4000, 10)),
    Awkward("hebrew", "ליל הג׳אז של הצפרדע ", "#000000", "JPY", (1200, 0, 2_000_000), (10, 4000)),
    Awkward("emoji", FAMILY, "#ffffff", "KWD", (12_500, 0, 300)),
    Awkward("arabic", "مهرجان‌الموسيقى", CANVAS, "BHD", ()),
    Awkward("many", "Tier ", "#808080", "USD", (1050,) * 200),
)


def plant() -> dict[str, dict[str, str]]:
    """Every awkward organiser exists and has sold what it can. By slug: parts of its addresses."""
    with nothing_enqueued():
        return {awkward.slug: _plant(awkward) for awkward in AWKWARD}


def _plant(awkward: Awkward) -> dict[str, str]:
    owner = UserFactory(name=awkward.filling(120), email=f"owner@{awkward.slug}.example")
    organiser = OrganiserFactory(
        name=awkward.filling(80),
        owner=owner,
        accent_colour=awkward.accent,
        currency=awkward.currency,
        support_email=f"{'a' * 60}@{awkward.slug}.example",
    )
    with tenant_scope(organiser):
        member = Membership.objects.select_related("organiser", "user").get(user=owner)
        event = EventFactory(
            organiser=organiser,
            by=member,
            name=awkward.filling(120),
            summary=awkward.filling(300),
            description=f"# {awkward.filling(300)}\n\n{awkward.filling(2000)}",
            venue_name=awkward.filling(120),
            venue_address=awkward.filling(250),
            city=awkward.filling(100),
            tax_name=awkward.filling(10),
            tax_rate_bp=1234,
            allows_invoice=True,
            **({"image": _picture(awkward.picture)} if awkward.picture else {}),
        )
        set_event_capacity(event, capacity=1_000_000, by=member)
        releases = [
            ReleaseFactory(
                ticket_type=TicketTypeFactory(
                    event=event,
                    name=f"{number} {awkward.filling(56)}".strip(),
                    description=awkward.filling(500),
                    by=member,
                ),
                name=awkward.filling(60),
                price_minor=price,
                by=member,
            )
            for number, price in enumerate(awkward.prices)
        ]
        found = {"organiser_slug": organiser.slug, "event_slug": event.slug}
        if not releases:
            return found
        event = publish_event(event, by=member)
        name = Name(awkward.filling(60), awkward.filling(60), f"{'b' * 60}@{awkward.slug}.example")
        order = place_order(
            reserve_tickets(event, selection={release.code: 2 for release in releases[:3]}),
            buyer=buyer(
                first_name=name.first,
                last_name=name.last,
                email=name.email,
                company_name=awkward.filling(120),
            ),
            attendees=[name] * 6,
            payment_method=PaymentMethod.INVOICE,
        )
        order = confirm_address(order, secret=order.address_secret)
        order = mark_settled(order, by=member)
        return {**found, "code": order.code, "secret": order.secret}


def _picture(size: tuple[int, int]) -> SimpleUploadedFile:
    encoded = BytesIO()
    Image.new("RGB", size, "#c0ffee").save(encoded, "PNG")
    return SimpleUploadedFile("picture.png", encoded.getvalue(), content_type="image/png")
