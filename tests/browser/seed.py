"""What the browser tests find: the cast with logins, and more events. Runs inside the stack.

manage.py shell --no-imports -c "from tests.browser import seed; seed.plant()"
"""

import json
from dataclasses import replace
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import Membership, User
from accounts.operations import change_organiser, invite_member
from accounts.permissions import Role
from checkin.operations import admit_ticket
from events.models import Event
from events.operations import change_event, create_event, publish_event
from orders.operations import confirm_payment, mark_settled, open_payment, store_session
from people.consent_links import consent_token
from people.operations import Name, record_consent, remember_contact
from tests.browser import hostile
from tests.cast import (
    EventFactory,
    House,
    ReleaseFactory,
    StaffFactory,
    TicketTypeFactory,
    UserFactory,
    assembled,
)
from ticketing.models import WaitlistMethod
from ticketing.operations import (
    Members,
    Newcomer,
    SlotRule,
    allocate_stock,
    create_coded_promotion,
    create_shared_pool,
    generate_codes,
    join_waitlist,
    make_slots,
    request_place,
    set_event_capacity,
    set_waitlist,
)
from ticketing.waitlist_queue import Wish
from tiqqo.core import clock, security_log
from tiqqo.core.money import Money
from tiqqo.core.tasks import nothing_enqueued
from tiqqo.core.tenancy import platform_scope

GUESTS = "Noor Sem Fenna Lotte Daan Mila Ravi Aisha Tomás Zoë Jean-Luc Øyvind Maximiliaan".split()
FAMILIES = ["Visser", "de Boer", "van den Berg", "O’Neill", "Çelik", "Schmidt-Rottluff", "Ito"]


# Where one address holds no more than a share.
CROWDED = ("Crowded Cellar", "Crowded Attic")


def plant() -> None:
    """The cast can sign in; Blauwe Kikker also has single-seat evenings, a draft and a busy event.

    Prints as JSON the parts of addresses that tests cannot know.
    """
    cast = assembled()
    found = {"hostile": hostile.plant()}
    UserFactory(name="Nico Newcomer", email="newcomer@example.org")
    StaffFactory(name="Petra Platform", email="platform@example.org")
    for user in User.objects.all():
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    with cast.kikker.scope():
        owner = Membership.objects.select_related("organiser", "user").get(pk=cast.kikker.owner.pk)
        for name in ("Last Chair", "Fleeting Moment"):
            _published(cast.kikker, owner, name, capacity=1)
        _published(cast.kikker, owner, "Garden Party", capacity=200)
        for name in CROWDED:
            _published(cast.kikker, owner, name, capacity=40)
        create_event(cast.kikker.organiser, name="Secret Session", by=owner)
        with transaction.atomic(), nothing_enqueued():
            found["busy"] = _busy(cast.kikker, owner)
    with cast.fjord.scope():
        fjord = Membership.objects.select_related("organiser", "user").get(pk=cast.fjord.owner.pk)
        # Invoices and cards side by side, prices with the tax on top.
        change_event(Event.objects.get(pk=cast.fjord.event.pk), by=fjord, city="København")
    with platform_scope("let most events be held by a single address"):
        Event.objects.exclude(name__in=CROWDED).update(held_share_percent=100)
    print(json.dumps(found))


def _published(house: House, by: Membership, name: str, *, capacity: int) -> Event:
    event = EventFactory(organiser=house.organiser, by=by, name=name)
    set_event_capacity(event, capacity=capacity, by=by)
    for kind, price in (("Seat", 2500), ("Friend", 0)):
        ticket_type_factory = TicketTypeFactory(event=event, name=kind, by=by)
        ReleaseFactory(ticket_type=ticket_type_factory, name=kind, price_minor=price, by=by)
    return publish_event(event, by=by)


def _busy(house: House, by: Membership) -> dict[str, str]:
    """An evening that sells: cards, invoices, free places, and people who are in already."""
    event = EventFactory(
        organiser=house.organiser,
        by=by,
        name="Harvest Supper",
        starts_at=clock.now() + timedelta(hours=2),
        allows_invoice=True,
        summary="Forty places at one long table.",
        description="Bring **somebody**.\n\n- Soup\n- Pie",
        city="Amsterdam",
    )
    set_event_capacity(event, capacity=120, by=by)
    kinds = [TicketTypeFactory(event=event, name=n, by=by) for n in ("Chair at the table", "Child")]
    releases = [
        ReleaseFactory(ticket_type=kinds[0], name="Early", price_minor=1800, by=by),
        ReleaseFactory(ticket_type=kinds[1], name="Child", price_minor=0, by=by),
    ]
    supper = replace(house, event=publish_event(event, by=by), priced=releases[0], free=releases[1])
    for number in range(24):
        _sold(supper, number, by=by)
    free = supper.place_free(2, first_name="Fenna", last_name="de Boer", by=by)
    waiting = supper.place_invoice(2, first_name="Daan", last_name="Visser", by=by)
    settled = supper.place_invoice(3, first_name="Ravi", last_name="Ito", by=by)
    mark_settled(settled, by=by)
    unsure = supper.place_invoice(2, first_name="Una", last_name="Sure", is_confirmed=False)
    ticket, let_in = free.tickets.order_by("id")
    admitted = admit_ticket(supper.event, let_in.code, by=by, gate="Garden")
    invitation = invite_member(house.organiser, email="later@example.org", role=Role.MANAGER, by=by)
    return {
        **_traced(supper, by),
        **_organised(supper, by),
        **_waited_for(supper, by),
        "waiting": waiting.code,
        "settled": settled.code,
        "unsure": unsure.code,
        "unsure_secret": unsure.address_secret,
        "code": free.code,
        "secret": free.secret,
        "ticket": ticket.code,
        "ticket_type": kinds[0].code,
        "release": releases[0].code,
        "membership_id": str(house.scanner.pk),
        "invitation_secret": invitation.secret,
        "admission_id": str(admitted.admission_id),
    }


def _traced(house: House, by: Membership) -> dict[str, str]:
    """A security log with something of everything, terms, and somebody who may be sent news."""
    for kind in security_log.Kind:
        who = {"organiser": house.organiser, "user": by.user}
        security_log.note(kind, **who, view="accounts:membership_removal", what="orders", rows=120)
    security_log.flush()
    terms = "## Tickets\n\nA ticket is for **one person**.\n\n- No refunds\n- No dogs"
    change_organiser(house.organiser, by=by, terms_text=terms)
    contact = remember_contact(Name("Noor", "Visser", "noor@example.org"))
    record_consent(contact, text="They may send me news.", source="order")
    return {"consent": consent_token(contact)}


def _waited_for(house: House, by: Membership) -> dict[str, str]:
    """A kind of seat that is gone, and somebody who waits for it and for the draw."""
    kind = TicketTypeFactory(event=house.event, name="Chair by the fire", capacity=0, by=by)
    ReleaseFactory(ticket_type=kind, name="Fire", price_minor=3200, by=by)
    set_waitlist(house.event, method=WaitlistMethod.LOTTERY, offer_hours=2, by=by)
    entry = join_waitlist(
        Event.objects.select_related("organiser").get(pk=house.event.pk),
        who=Newcomer("Wim Hendriks", "wim@example.org", consent_text="They may write to me."),
        quantity=2,
        wishes=[Wish(kind.pk)],
    )
    request = request_place(
        Event.objects.select_related("organiser").get(pk=house.event.pk),
        who=Newcomer("Xena Bakker", "xena@example.org", consent_text="They may write to me."),
        quantity=1,
        wishes=[Wish(kind.pk)],
    )
    assert request is not None, "Xena is not in line"
    return {"entry": str(entry.pk), "place": entry.secret, "asked": request.secret}


def _organised(house: House, by: Membership) -> dict[str, str]:
    """Times to visit, places that are shared, a basket that somebody holds, codes, a partner."""
    event = house.event
    opens = event.local(event.starts_at + timedelta(minutes=10))
    rule = SlotRule(
        first_on=opens.date(),
        last_on=opens.date(),
        weekdays=frozenset(range(7)),
        opens=opens.time().replace(second=0, microsecond=0),
        closes=(opens + timedelta(hours=2)).time().replace(second=0, microsecond=0),
        every_minutes=30,
        capacity=12,
    )
    make_slots(event, rule=rule, by=by)
    both = Members(types=[house.priced.ticket_type, house.free.ticket_type])
    pool = create_shared_pool(event, name="Long table", capacity=100, members=both, by=by)
    friends = create_coded_promotion(
        event,
        name="Friends of the house",
        kind="percent",
        rate_bp=2000,
        text="FRIENDS",
        uses_limit=50,
        by=by,
    )
    generate_codes(friends, count=60, beginning="FRIEND-", by=by)
    partner = allocate_stock(
        house.priced.ticket_type,
        company_name="Kikkerhuis Verzekeringen",
        quantity=8,
        returns_at=event.starts_at - timedelta(hours=1),
        by=by,
    )
    return {
        "promotion": str(friends.pk),
        "text": "FRIENDS",
        "allocation": partner.code,
        "slot": event.slots.order_by("starts_at")[0].code,
        "pool": str(pool.pk),
        "hold": str(house.reserve(priced=2).pk),
    }


def _sold(house: House, number: int, *, by: Membership) -> None:
    who = {
        "first_name": GUESTS[number % len(GUESTS)],
        "last_name": FAMILIES[number % len(FAMILIES)],
        "email": f"guest{number}@example.org",
    }
    if number % 4 == 3:
        house.place_free(1, by=by, **who)
        return
    order = house.place(priced=1 + number % 3, **who)
    payment = open_payment(order).payment
    store_session(payment, session_id=f"seed_{order.code}", url="")
    paid = Money(order.total_minor, order.currency)
    confirm_payment(payment, paid=paid, intent_id=f"seed_{order.code}")
