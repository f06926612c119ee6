"""A visitor of a stall's shop."""

from tests.orders.public_pages import rows_of
from ticketing.models import ReservationLine


class Shop:
    def __init__(self, pages, stall):
        self.pages, self.stall = pages, stall
        self.url = f"/{stall.house.organiser.slug}/{stall.event.slug}/"

    def open(self, **query):
        return self.pages.get_page(self.url, query)

    def follow(self, link):
        return self.pages.get_page(link)

    def take(self, *, status=302, **sent):
        """Ask for it to be held."""
        return self.pages.post(f"{self.url}reservations/", sent, status=status)

    def row(self, page, name):
        """Name with its pill, price with its note, and why it cannot be bought."""
        [row] = [row for row in rows_of(page) if row[0].startswith(name)]
        return row


def held_lines():
    """Quantity, type, option, price of one, discount of the line."""
    return [
        (
            line.quantity,
            line.ticket_name,
            line.option_name,
            line.unit_price_minor,
            line.discount_minor,
        )
        for line in ReservationLine.objects.order_by("id")
    ]


def times_of(page):
    """The times that are shown, each with what is said of it; + can be chosen, * is."""
    found = []
    for time in page.all(".slot-picker__time"):
        radio = time.find("input")
        mark = "*" if radio.get("checked") is not None else "+"
        said = " ".join(" ".join(time.find("label").itertext()).split())
        found.append(f"{'-' if radio.get('disabled') is not None else mark} {said}")
    return found
