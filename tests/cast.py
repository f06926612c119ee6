"""The cast: two organisers with named people and an event each, made as the application makes them.

Blauwe Kikker is a jazz club in Amsterdam: euros, 9 % VAT within the prices, buyers pay by card.
Fjord Tech is a conference in Copenhagen: kroner, 25 % VAT on top, companies may pay by invoice.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import factory
from allauth.mfa.totp.internal.auth import TOTP

from accounts.models import Membership, Organiser, User
from accounts.operations import found_organiser
from accounts.permissions import Role
from events.models import Event
from events.operations import change_event, create_event, publish_event
from orders import payments
from orders.models import Order, Payment, PaymentMethod
from orders.operations import Buyer, confirm_address, place_order
from people.operations import Name
from ticketing.models import Release, Reservation, TicketType
from ticketing.operations import (
    create_release,
    create_ticket_type,
    publish_release,
    reserve_tickets,
    set_event_capacity,
)
from tiqqo.core import clock
from tiqqo.core.tenancy import tenant_scope

PASSWORD = "correct horse battery staple"
# What the authenticator apps of the platform's staff make their codes from.
STAFF_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class UserFactory(factory.Factory):
    class Meta:
        model = User

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@example.org")
    password = PASSWORD

    @classmethod
    def _create(cls, model: Any, **fields: Any) -> User:
        return model.objects.create_user(**fields)


class StaffFactory(UserFactory):
    """Somebody of the platform's staff, with an authenticator app."""

    is_staff = True

    @classmethod
    def _create(cls, model: Any, **fields: Any) -> User:
        user = super()._create(model, **fields)
        TOTP.activate(user, STAFF_SECRET)
        return user


class MembershipFactory(factory.Factory):
    """Somebody on the team. Roles are given without the mail that invites."""

    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    role = Role.MANAGER

    @classmethod
    def _create(cls, model: Any, **fields: Any) -> Membership:
        with tenant_scope(fields["organiser"]):
            return model.objects.create(**fields)


class OrganiserFactory(factory.Factory):
    class Meta:
        model = Organiser

    name = factory.Sequence(lambda n: f"Organiser {n}")
    owner = factory.SubFactory(UserFactory)

    @classmethod
    def _create(cls, model: Any, **fields: Any) -> Organiser:
        return found_organiser(**fields)


class EventFactory(factory.Factory):
    """A draft in the scope of its organiser; what is more than a draft goes through change_event."""

    class Meta:
        model = Event

    name = factory.Sequence(lambda n: f"Evening {n}")
    # In the evening, so that the hours after it are of the same day whenever the tests run.
    starts_at = factory.LazyFunction(
        lambda: (clock.now() + timedelta(days=30)).replace(
            hour=18, minute=0, second=0, microsecond=0
        )
    )
    ends_at = factory.LazyAttribute(lambda event: event.starts_at + timedelta(hours=5))
    venue_name = "The Hall"

    @classmethod
    def _create(cls, model: Any, **fields: Any) -> Event:
        by = fields.pop("by")
        made = {name: fields.pop(name) for name in ("organiser", "name", "starts_at", "ends_at")}
        event = create_event(**made, by=by)
        return change_event(event, by=by, **fields)


class TicketTypeFactory(factory.Factory):
    class Meta:
        model = TicketType

    name = factory.Sequence(lambda n: f"Type {n}")

    @classmethod
    def _create(cls, model: Any, **fields: Any) -> TicketType:
        return create_ticket_type(**fields)


class ReleaseFactory(factory.Factory):
    """A published release of a type of its own, or of `ticket_type`."""

    class Meta:
        model = Release

    name = "Regular"
    price_minor = 1000

    @classmethod
    def _create(cls, model: Any, **fields: Any) -> Release:
        by = fields["by"]
        event = fields.pop("event", None)
        ticket_type = fields.pop("ticket_type", None) or TicketTypeFactory(event=event, by=by)
        release = create_release(ticket_type, **fields)
        publish_release(release, by=by)
        release.refresh_from_db()
        return release


def buyer(**changes: Any) -> Buyer:
    facts = {"first_name": "Carla", "last_name": "Buyer", "email": "carla@example.org"}
    return Buyer(**{**facts, **changes})


DORA = Name("Dora", "Guest", "dora@example.org")
EMIL = Name("Emil", "Guest", "emil@example.org")


@dataclass
class House:
    """An organiser with its owner, its published event, and a priced and a free release."""

    organiser: Organiser
    owner: Membership
    scanner: Membership
    event: Event
    priced: Release
    free: Release

    def scope(self) -> AbstractContextManager[None]:
        return tenant_scope(self.organiser)

    def reserve(self, *, priced: int = 0, free: int = 0, event: Event | None = None) -> Reservation:
        return reserve_tickets(
            event or Event.objects.get(pk=self.event.pk),
            selection={self.priced.code: priced, self.free.code: free},
        )

    def place(
        self,
        *,
        priced: int = 0,
        free: int = 0,
        method: PaymentMethod = PaymentMethod.CARD,
        attendees: tuple[Name, ...] = (),
        by: Any = None,
        consent_text: str = "",
        locale: str = "en",
        is_confirmed: bool = True,
        **buyer_facts: Any,
    ) -> Order:
        """A hold and the order it becomes. The buyer of an invoice order confirms the address at once,
        unless not `is_confirmed`."""
        order = place_order(
            self.reserve(priced=priced, free=free),
            buyer=buyer(**buyer_facts),
            attendees=attendees,
            payment_method=method,
            consent_text=consent_text,
            locale=locale,
            **({"by": by} if by else {}),
        )
        if order.awaits_address and is_confirmed:
            return confirm_address(order, secret=order.address_secret)
        return order

    def place_free(self, count: int = 1, **facts: Any) -> Order:
        return self.place(free=count, method=PaymentMethod.FREE, **facts)

    def place_invoice(self, count: int = 1, **facts: Any) -> Order:
        facts.setdefault("company_name", "Acme ApS")
        return self.place(priced=count, method=PaymentMethod.INVOICE, **facts)

    def begin_payment(self, count: int = 1, **facts: Any) -> tuple[Order, Payment]:
        """A card order whose buyer is on the payment page."""
        order = self.place(priced=count, **facts)
        payments.payment_page(order)
        return order, Payment.objects.get(order=order)


@dataclass
class Cast:
    kikker: House
    fjord: House


def assembled() -> Cast:
    return Cast(kikker=blauwe_kikker(), fjord=fjord_tech())


def _house(
    *,
    owner: User,
    scanner: User,
    organiser: dict[str, Any],
    event: dict[str, Any],
    capacity: int,
    priced: tuple[str, int],
    free: str,
) -> House:
    founded = OrganiserFactory(owner=owner, **organiser)
    with tenant_scope(founded):
        member = Membership.objects.select_related("organiser", "user").get(user=owner)
        door = MembershipFactory(organiser=founded, user=scanner, role=Role.SCANNER)
        made = EventFactory(organiser=founded, by=member, **event)
        set_event_capacity(made, capacity=capacity, by=member)
        releases = [
            ReleaseFactory(
                ticket_type=TicketTypeFactory(event=made, name=name, by=member),
                name=name,
                price_minor=price,
                by=member,
            )
            for name, price in (priced, (free, 0))
        ]
        made = publish_event(made, by=member)
    return House(founded, member, door, made, *releases)


def blauwe_kikker() -> House:
    return _house(
        owner=UserFactory(name="Ana de Vries", email="ana@blauwekikker.example"),
        scanner=UserFactory(name="Sam Deur", email="sam@blauwekikker.example"),
        organiser={"name": "Blauwe Kikker", "support_email": "help@blauwekikker.example"},
        event={
            "name": "Night of the Blue Note",
            "venue_name": "Blauwe Kikker",
            "venue_address": "Prinsengracht 1",
            "city": "Amsterdam",
            "tax_rate_bp": 900,
        },
        capacity=40,
        priced=("Regular", 2500),
        free="Under 12",
    )


def fjord_tech() -> House:
    return _house(
        owner=UserFactory(name="Bo Jensen", email="bo@fjord.example"),
        scanner=UserFactory(name="Signe Holm", email="signe@fjord.example"),
        organiser={
            "name": "Fjord Tech",
            "country": "DK",
            "currency": "DKK",
            "time_zone": "Europe/Copenhagen",
            "support_email": "hello@fjord.example",
        },
        event={
            "name": "Fjord Tech Summit",
            "venue_name": "Øksnehallen",
            "city": "Copenhagen",
            "tax_name": "Moms",
            "tax_rate_bp": 2500,
            "prices_include_tax": False,
            "allows_invoice": True,
        },
        capacity=60,
        priced=("Full pass", 100_000),
        free="Volunteer",
    )
