"""An invoice order that a buyer makes asks the buyer to show that the address is theirs."""

from datetime import timedelta

from orders.changes import Change
from orders.errors import InvoiceShareUsed, TooManyAddresses
from orders.invoice_share import invoice_places_left
from orders.models import Delivery, DeliveryKind, Order
from orders.operations.changing import record_change
from ticketing.models import Reservation
from ticketing.operations import hold_until
from tiqqo.core import audit, clock
from tiqqo.core.codes import new_secret

# So long a hold lasts at least for whoever has to look for a mail first.
TIME_TO_CONFIRM = timedelta(minutes=30)
MOST_ADDRESSES = 3
ASKED_AGAIN_AFTER = timedelta(minutes=10)


def refuse_beyond_share(order: Order | None, reservation: Reservation, *, places: int) -> None:
    """The caller has locked the event, so that two buyers do not take the same share.

    Raises InvoiceShareUsed.
    """
    left = invoice_places_left(reservation.event, besides=order)
    if left is not None and places > left:
        raise InvoiceShareUsed(left=left)


def prepare_question(order: Order, *, email_before: str) -> None:
    """The order has a link that shows that its address is the buyer's. The link of one address says
    nothing about another. The caller, who has the order's lock, saves it.

    Raises TooManyAddresses.
    """
    if not order.address_secret:
        order.address_secret = new_secret()
    elif email_before.strip().lower() != order.email.strip().lower():
        asked = Delivery.objects.filter(order=order, kind=DeliveryKind.CONFIRM_ADDRESS).count()
        if asked >= MOST_ADDRESSES:
            raise TooManyAddresses
        order.address_secret = new_secret()


def ask_for_address(order: Order, *, is_first: bool) -> None:
    """The buyer has the mail with the link, and enough time to find it. An address that was just written
    to is not written to again."""
    now = clock.now()
    if is_first:
        until = now + TIME_TO_CONFIRM
        if order.reservation.expires_at < until:
            hold_until(order.reservation, until)
    record_change(order, Change.ADDRESS_ASKED, by=audit.BUYER)


def needs_question(order: Order, *, secret_before: str) -> bool:
    """Whether this address was not asked yet, or long ago."""
    if order.address_secret != secret_before:
        return True
    lately = clock.now() - ASKED_AGAIN_AFTER
    return not Delivery.objects.filter(
        order=order, kind=DeliveryKind.CONFIRM_ADDRESS, requested_at__gt=lately
    ).exists()
