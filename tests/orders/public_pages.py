"""What tests of the public pages share."""

from events.models import Event
from orders.models import Order
from tests.cast import EventFactory, ReleaseFactory
from tests.pages import text_of

CARLA = {"first_name": "Carla", "last_name": "Buyer", "email": "carla@example.org"}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunter"[:60]


def new_event(house, **facts):
    with house.scope():
        return EventFactory(organiser=house.organiser, by=house.owner, **facts)


def release_of(house, event, **facts):
    with house.scope():
        return ReleaseFactory(event=event, by=house.owner, **facts)


def status_of(house, status):
    with house.scope():
        Event.objects.filter(pk=house.event.pk).update(status=status)


def quantity(release, count):
    return {f"quantity_{release.code}": count}


def rows_of(page):
    """The shop's rows: name with its pill, price with its note, and why it cannot be bought."""
    return [
        (
            " ".join(page_text(row, "ticket-row__name")),
            " ".join(page_text(row, "ticket-row__price")),
            " ".join(page_text(row, "ticket-row__reason")),
        )
        for row in page.all(".ticket-row")
    ]


def page_text(element, name):
    return [
        text_of(found)
        for found in element.xpath(f".//*[contains(concat(' ',@class,' '),' {name} ')]")
    ]


def the_order(house):
    with house.scope():
        return Order.objects.get()
