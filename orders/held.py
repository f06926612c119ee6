"""Whether a hold still is what was ordered with it: until it is paid or confirmed it can be changed."""

from collections import Counter
from collections.abc import Sequence

from orders.models import Order, OrderLine
from ticketing.models import ReservationLine
from ticketing.queries import lines_of, quote_of


def is_held_as_ordered(order: Order, lines: Sequence[ReservationLine] | None = None) -> bool:
    """The same tickets at the same prices, to the cent. `lines` are those of its hold, if at hand.

    Tickets are issued by the order and places counted by the hold, so one without the other would
    sell places that nobody holds.
    """
    lines = lines_of(order.reservation) if lines is None else lines
    if quote_of(order.reservation, lines).total_minor != order.total_minor:
        return False
    ordered = OrderLine.objects.filter(order=order)
    return Counter(map(_facts, lines)) == Counter(map(_facts, ordered))


def _facts(line: ReservationLine | OrderLine) -> tuple[int | None, ...]:
    return (
        line.ticket_type_id,
        line.release_id,
        line.option_id,
        line.slot_id,
        line.quantity,
        line.admits,
        line.unit_price_minor,
        line.discount_minor,
        line.tax_rate_bp,
    )
