"""What the browser tests find: the cast with logins, and more events. Runs inside the stack.

manage.py shell --no-imports -c "from tests.browser import seed; seed.plant()"
"""

from allauth.account.models import EmailAddress

from accounts.models import Membership, User
from events.models import Event
from events.operations import change_event, create_event, publish_event
from tests.cast import EventFactory, House, ReleaseFactory, TicketTypeFactory, assembled
from ticketing.operations import set_event_capacity


def plant() -> None:
    """The cast can sign in; Blauwe Kikker also has single-seat evenings and a draft."""
    cast = assembled()
    for user in User.objects.all():
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    with cast.kikker.scope():
        owner = Membership.objects.select_related("organiser", "user").get(pk=cast.kikker.owner.pk)
        for name in ("Last Chair", "Fleeting Moment"):
            _published(cast.kikker, owner, name, capacity=1)
        _published(cast.kikker, owner, "Garden Party", capacity=200)
        create_event(cast.kikker.organiser, name="Secret Session", by=owner)
    with cast.fjord.scope():
        fjord = Membership.objects.select_related("organiser", "user").get(pk=cast.fjord.owner.pk)
        # Invoices and cards side by side, prices with the tax on top.
        change_event(Event.objects.get(pk=cast.fjord.event.pk), by=fjord, city="København")


def _published(house: House, by: Membership, name: str, *, capacity: int) -> Event:
    event = EventFactory(organiser=house.organiser, by=by, name=name)
    set_event_capacity(event, capacity=capacity, by=by)
    for kind, price in (("Seat", 2500), ("Friend", 0)):
        made = TicketTypeFactory(event=event, name=kind, by=by)
        ReleaseFactory(ticket_type=made, name=kind, price_minor=price, by=by)
    return publish_event(event, by=by)
