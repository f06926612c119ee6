"""An order that nobody has paid for asks its buyer to show that the address is theirs."""

from datetime import timedelta

from django.db.models import QuerySet

from orders.changes import Change
from orders.errors import InvoiceShareUsed, TooManyAddresses
from orders.invoice_share import invoice_places_left
from orders.models import Delivery, DeliveryKind, Order, PaymentMethod
from orders.operations.changing import record_change
from ticketing.operations import hold_longer, hold_until
from tiqqo.core import audit, clock
from tiqqo.core.codes import new_secret

# So long a hold lasts at least for whoever has to look for a mail first.
TIME_TO_CONFIRM = timedelta(minutes=30)
MOST_ADDRESSES = 3
ASKED_AGAIN_AFTER = timedelta(minutes=10)


def refuse_beyond_share(order: Order) -> None:
    """An order by invoice fits in what unpaid ones may hold. The caller has locked the event, so that two
    buyers do not take the same share.

    Raises InvoiceShareUsed.
    """
    if order.payment_method != PaymentMethod.INVOICE:
        return
    left = invoice_places_left(order.event, besides=order)
    if left is not None and order.quantity > left:
        raise InvoiceShareUsed(left=left)


def forget_other_address(order: Order, *, email_before: str) -> None:
    """A link that was mailed to one address says nothing about another, however the order came to have
    it. The caller, who has the order's lock, saves it."""
    if email_before.strip().lower() != order.email.strip().lower():
        order.address_secret = ""


def prepare_question(order: Order) -> None:
    """The order has a link that shows that its address is the buyer's. The caller, who has the order's
    lock, saves it.

    Raises TooManyAddresses.
    """
    if order.address_secret:
        return
    if order.pk is not None and _questions_about(order).count() >= MOST_ADDRESSES:
        raise TooManyAddresses
    order.address_secret = new_secret()


def ask_for_address(order: Order) -> None:
    """The buyer has the mail with the link, and enough time to find it: of another one than the first as
    far as a hold may last."""
    until = clock.now() + TIME_TO_CONFIRM
    if order.reservation.expires_at < until:
        if _questions_about(order).exists():
            hold_longer(order.reservation, until)
        else:
            hold_until(order.reservation, until)
    record_change(order, Change.ADDRESS_ASKED, by=audit.BUYER)


def needs_question(order: Order, *, secret_before: str) -> bool:
    """Whether this address was not asked yet, or long ago."""
    if order.address_secret != secret_before:
        return True
    lately = clock.now() - ASKED_AGAIN_AFTER
    return not _questions_about(order).filter(requested_at__gt=lately).exists()


def _questions_about(order: Order) -> "QuerySet[Delivery]":
    return Delivery.objects.filter(order=order, kind=DeliveryKind.CONFIRM_ADDRESS)
