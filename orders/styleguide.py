"""Orders that nobody placed: believable data for the style guide's mails and documents. Nothing is saved."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts.models import Organiser
from events.models import Event
from orders.email_messages import order_url
from orders.emails import OrderEmailFacts
from orders.models import (
    Invoice,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentMethod,
    Refund,
    RefundReason,
    Substitute,
    Ticket,
)
from orders.operations.invoicing import drawn_up
from orders.price_lines import PriceLine
from orders.printed import PrintedTicket, printed
from orders.queries.buyer import OfferedSubstitute
from orders.waitlist_emails import WaitlistEmailFacts
from ticketing.models import (
    Reservation,
    TicketType,
    WaitlistEntry,
    WaitlistRequest,
    WaitlistStatus,
)
from ticketing.queries.waitlist import OwnEntry
from tiqqo.core import clock
from tiqqo.core.money import Money
from tiqqo.ui.emails import address

# Signs nothing that a door would accept: no event has this key.
_KEY = bytes(range(32))
_NIGHT = datetime(2026, 12, 12, 19, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Specimen:
    """An order with all that mails and documents ask of it."""

    order: Order
    lines: list[OrderLine]
    tickets: list[Ticket]
    refunds: list[Refund]

    @property
    def event(self) -> Event:
        return self.order.event

    @property
    def printed(self) -> list[PrintedTicket]:
        return printed(self.tickets, _KEY)

    @property
    def invoice(self) -> Invoice:
        issued_on = self.event.local(self.order.placed_at).date()
        return drawn_up(
            self.order, self.lines, year=issued_on.year, sequence=42, issued_on=issued_on
        )

    @property
    def facts(self) -> OrderEmailFacts:
        return OrderEmailFacts(
            self.order,
            order_url(self.order),
            self.lines,
            self.tickets,
            self.refunds,
            self.substitute,
            self.invoice,
            address_url=order_url(self.order),
        )

    @property
    def substitute(self) -> OfferedSubstitute:
        """Cheaper tickets in place of these, for a day."""
        less = Money(self.order.total_minor // 5, self.order.currency)
        return OfferedSubstitute(
            substitute=Substitute(organiser=self.event.organiser, order=self.order),
            until=self.order.placed_at + timedelta(days=1),
            prices=[PriceLine("2 × Standing", self.order.total - less)],
            total=self.order.total - less,
            goes_back=less,
        )


def club_night() -> Specimen:
    """Two friends at a concert: euros, tax within the price, a service fee."""
    organiser = Organiser(
        name="Blauwe Kikker",
        slug="blauwe-kikker",
        support_email="help@blauwekikker.example",
        accent_colour="#1d4f7c",
    )
    event = Event(
        organiser=organiser,
        name="Mira Solano Quartet",
        slug="mira-solano-quartet",
        starts_at=_NIGHT,
        ends_at=_NIGHT + timedelta(hours=3),
        time_zone="Europe/Amsterdam",
        venue_name="Blauwe Kikker",
        venue_address="Prinsengracht 214",
        city="Amsterdam",
        currency="EUR",
    )
    return _specimen(
        event,
        prices={"Standing": (2, 2400, 4404, 396)},
        tax=("VAT", 900),
        fee_minor=194,
        buyer=("Carla", "van Dijk", "carla@example.org"),
        holders=[("Carla", "van Dijk"), ("Dora", "Lindqvist")],
        method=PaymentMethod.CARD,
    )


def conference() -> Specimen:
    """A company's five passes by invoice: kroner, tax on top."""
    organiser = Organiser(
        name="Fjord Tech",
        slug="fjord-tech",
        support_email="hello@fjord.example",
        accent_colour="#7a2e4d",
    )
    event = Event(
        organiser=organiser,
        name="Fjord Tech Summit 2027",
        slug="fjord-tech-summit",
        starts_at=datetime(2027, 3, 4, 8, tzinfo=UTC),
        ends_at=datetime(2027, 3, 5, 16, tzinfo=UTC),
        time_zone="Europe/Copenhagen",
        venue_name="Øksnehallen",
        venue_address="Halmtorvet 11",
        city="København",
        currency="DKK",
        online_url="https://live.fjord.example/summit",
    )
    specimen = _specimen(
        event,
        prices={
            "Full pass, early": (3, 329_500, 988_500, 247_125),
            "Workshop day": (2, 149_500, 299_000, 74_750),
        },
        tax=("Moms", 2500),
        fee_minor=0,
        buyer=("Søren", "Kjærgaard", "soren@nordlys.example"),
        holders=[
            ("Søren", "Kjærgaard"),
            ("Łucja", "Żółkiewska"),
            ("Astrid", "Nordahl-Christophersen"),
            ("Jo", "Ng"),
            ("Anne-Sophie", "de la Motte"),
        ],
        method=PaymentMethod.INVOICE,
    )
    order = specimen.order
    order.company_name, order.vat_number = "Nordlys Maskinværksted A/S", "DK 31 24 55 10"
    order.purchase_number = "PO 2027-118"
    return specimen


def unpaid_conference() -> Specimen:
    """The same passes, ordered and not paid yet."""
    specimen = conference()
    order = specimen.order
    order.status = OrderStatus.OFFLINE_PENDING
    order.reservation = Reservation(
        organiser=specimen.event.organiser,
        event=specimen.event,
        expires_at=order.placed_at + timedelta(minutes=30),
    )
    order.payment_due_at = datetime(2026, 11, 3, 23, tzinfo=UTC)
    return specimen


def asked_for_place() -> WaitlistRequest:
    """Somebody typed an address, and wants to wait."""
    event = club_night().event
    return WaitlistRequest(
        organiser=event.organiser,
        event=event,
        name="Carla van Dijk",
        email="carla@example.org",
        quantity=2,
        secret="K7QF2M9XK7QF2M9XK7QF2M",  # noqa: S106  leads nowhere
    )


def hard_case() -> Specimen:
    """Whatever people type: endless words, right to left, emoji; and a currency of three decimals."""
    organiser = Organiser(
        name="Stichting ter Bevordering van de Geïmproviseerde Kamermuziek in Noord-Nederland",
        slug="stichting",
        support_email="a.rather.long.address.of.somebody@stichting-kamermuziek.example",
        accent_colour="#f2c14e",
    )
    event = Event(
        organiser=organiser,
        name="🎷 Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft und"
        " موسيقى الليل, die lange Nacht",
        slug="night",
        starts_at=_NIGHT,
        ends_at=_NIGHT + timedelta(days=2),
        time_zone="America/Argentina/Buenos_Aires",
        venue_name="مسرح المدينة",
        venue_address="Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch 1234567890",
        city="Krung Thep Maha Nakhon",
        currency="KWD",
    )
    return _specimen(
        event,
        prices={
            "أمسية كاملة 🎉 with everything that anybody could possibly wish for, and a chair": (
                3,
                12_345,
                37_035,
                0,
            )
        },
        tax=("VAT", 0),
        fee_minor=1_250,
        buyer=("عبد الرحمن", "بن محمد الكواري", "abdulrahman@example.org"),
        holders=[
            ("عبد الرحمن", "بن محمد الكواري"),
            ("W" * 60, "W" * 60),
            ("🎉🎷", "<b>Bo</b> & “Co”"),
        ],
        method=PaymentMethod.CARD,
    )


def _specimen(
    event: Event,
    *,
    prices: dict[str, tuple[int, int, int, int]],
    tax: tuple[str, int],
    fee_minor: int,
    buyer: tuple[str, str, str],
    holders: list[tuple[str, str]],
    method: PaymentMethod,
) -> Specimen:
    """`prices` are quantity, unit price, net and tax of each line."""
    organiser = event.organiser
    net = sum(price[2] for price in prices.values())
    taxed = sum(price[3] for price in prices.values())
    order = Order(
        organiser=organiser,
        event=event,
        code="7K2QX9FM",
        status=OrderStatus.PAID,
        payment_method=method,
        first_name=buyer[0],
        last_name=buyer[1],
        email=buyer[2],
        quantity=len(holders),
        currency=event.currency,
        tax_name=tax[0],
        tax_rate_bp=tax[1],
        net_minor=net,
        tax_minor=taxed,
        fee_minor=fee_minor,
        total_minor=net + taxed + fee_minor,
        placed_at=datetime(2026, 10, 20, 12, tzinfo=UTC),
        confirmed_at=clock.now(),
    )
    lines = [
        OrderLine(
            organiser=organiser,
            order=order,
            name=name,
            quantity=quantity,
            unit_price_minor=unit,
            net_minor=net,
            tax_minor=tax_minor,
            fee_minor=0,
        )
        for name, (quantity, unit, net, tax_minor) in prices.items()
    ]
    names = [line.name for line in lines for _place in range(line.quantity)]
    tickets = [
        Ticket(
            organiser=organiser,
            order=order,
            event=event,
            ticket_type=TicketType(organiser=organiser, event=event, name=name),
            code=f"{number}K2QX9FM0{number}",
            uid=number,
            first_name=first,
            last_name=last,
        )
        for number, (name, (first, last)) in enumerate(zip(names, holders, strict=True), start=1)
    ]
    payment = Payment(organiser=organiser, order=order, currency=event.currency)
    refund = Refund(
        organiser=organiser,
        payment=payment,
        amount_minor=order.total_minor,
        reason=RefundReason.PAID_TWICE,
    )
    return Specimen(order, lines, tickets, [refund])


def queue_position(status: WaitlistStatus) -> WaitlistEmailFacts:
    """Somebody on the waitlist of the club night, as they stand."""
    event = club_night().event
    reservation = Reservation(
        organiser=event.organiser, event=event, expires_at=datetime(2026, 12, 9, 7, 15, tzinfo=UTC)
    )
    entry = WaitlistEntry(
        organiser=event.organiser,
        event=event,
        name="Wim Hendriks",
        email="wim@example.org",
        quantity=2,
        reservation=reservation,
    )
    is_waiting = status == WaitlistStatus.WAITING
    url = address(f"/{event.organiser.slug}/{event.slug}/")
    return WaitlistEmailFacts(
        own=OwnEntry(
            entry=entry,
            status=status,
            place=7 if is_waiting else None,
            wishes=("Standing", "Balcony"),
            awaits_draw=False,
            is_over=False,
        ),
        url=f"{url}waitlist/{entry.secret}/",
        checkout_url=f"{url}checkout/{reservation.secret}/",
        join_url=f"{url}waitlist/",
        offered=("2 × Standing",),
    )
