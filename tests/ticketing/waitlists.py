"""What tests of the waitlist share: a sold-out night, people in line, places that become free."""

from events.models import Event
from ticketing.models import CapacityPool, WaitlistEntry, WaitlistMethod
from ticketing.operations import (
    Newcomer,
    cancel_reservation,
    join_waitlist,
    reserve_tickets,
    set_event_capacity,
    set_waitlist,
)
from ticketing.queries import recount
from ticketing.waitlist_queue import Wish

CONSENT = "Blauwe Kikker may write to me about my place in line and the tickets held for me."


def fresh(house):
    """The event with its present offer."""
    return Event.objects.select_related("organiser").get(pk=house.event.pk)


def sell_out(house, places=2, *, method=WaitlistMethod.FIRST_COME, hours=12):
    """The event has so many places more, each held by somebody, and a waitlist; the holds."""
    pool = event_pool()
    set_event_capacity(house.event, capacity=pool.taken + places, by=house.owner)
    set_waitlist(house.event, method=method, offer_hours=hours, by=house.owner)
    return [take(house) for _ in range(places)]


def take(house, count=1, release=None):
    return reserve_tickets(fresh(house), selection={(release or house.priced).code: count})


def wish(release, *, slot=None, exactly=False):
    return Wish(release.ticket_type_id, release.pk if exactly else None, slot.pk if slot else None)


def join(house, name="Wim", quantity=1, *wishes, **facts):
    return join_waitlist(
        fresh(house),
        who=Newcomer(name=name, email=f"{name.lower()}@example.org", consent_text=CONSENT, **facts),
        quantity=quantity,
        wishes=wishes or [wish(house.priced)],
    )


def let_go(*holds):
    for hold in holds:
        cancel_reservation(hold, manually=True)


def reread(entry):
    return WaitlistEntry.objects.select_related("reservation", "event").get(pk=entry.pk)


def states(*entries):
    return [reread(entry).status for entry in entries]


def event_pool():
    return CapacityPool.objects.get(ticket_type=None, release=None, slot=None, name="")


def waiting_by_pool():
    return {
        str(pool.subject): pool.waiting
        for pool in CapacityPool.objects.select_related("event", "ticket_type", "release")
        if pool.waiting
    }


def differences():
    return [count for count in recount() if count.differs]
