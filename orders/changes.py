"""What can happen to an order, and the mail that tells its buyer: one table.

`operations.changing.record_change` is the only way to put a change on record, and asks for the mail
that the table names, so that no state changes in silence. When a mail is sent, `is_still_true` looks
again at what it says.
"""

from collections.abc import Callable
from enum import StrEnum

from django.utils.translation import gettext_noop

from events.models import EventStatus
from orders.models import DeliveryKind, Order, OrderStatus, Refund, RefundStatus
from orders.queries import offered_substitute
from tiqqo.core import clock


class Change(StrEnum):
    """As it stands in the audit log."""

    PLACED = "order.placed"
    SETTLED = "order.settled"
    INVOICE_SENT = "order.invoice_sent"
    ADDRESS_ASKED = "order.address_asked"
    ADDRESS_CONFIRMED = "order.address_confirmed"
    ACCEPTED = "order.accepted"
    DUE_MOVED = "order.due_moved"
    LAPSE_ANNOUNCED = "order.lapse_announced"
    LAPSED = "order.lapsed"
    CANCELED = "order.canceled"
    EXPIRED = "order.expired"
    GIVEN_BACK = "order.given_back"
    TICKETS_ISSUED = "tickets.issued"
    TICKETS_RESENT = "tickets.resent"
    PAYMENT_OPENED = "payment.opened"
    PAYMENT_DECLINED = "payment.declined"
    PAYMENT_ABANDONED = "payment.abandoned"
    PAYMENT_REFUSED = "payment.refused"
    PAYMENT_LATE = "payment.late_but_honoured"
    PAYMENT_NOT_ACCEPTED = "payment.not_accepted"
    SUBSTITUTE_OFFERED = "substitute.offered"
    SUBSTITUTE_ACCEPTED = "substitute.accepted"
    SUBSTITUTE_DECLINED = "substitute.declined"
    SUBSTITUTE_LAPSED = "substitute.lapsed"
    REFUND_REQUESTED = "refund.requested"
    REFUND_ELSEWHERE = "refund.elsewhere"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    REFUND_NOT_NEEDED = "refund.not_needed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_WON = "dispute.won"
    DISPUTE_LOST = "dispute.lost"
    MAIL_SENT = "mail.sent"
    MAIL_FAILED = "mail.failed"
    MAIL_WITHDRAWN = "mail.withdrawn"
    PERSON_ERASED = "order.person_erased"


class Silent(StrEnum):
    """Why a change has no mail of its own."""

    ON_THE_PAGE = gettext_noop("the buyer has the page before them")
    TICKETS_TELL = gettext_noop("the tickets that follow tell it")
    REFUND_TELLS = gettext_noop("the mail about the money tells it")
    FOR_THE_ORGANISER = gettext_noop("the organiser's home page tells it")
    NO_END_ANY_MORE = gettext_noop("it takes away an end, and changes nothing the buyer has")
    ABOUT_A_MAIL = gettext_noop("it is about a mail")
    ASKED_FOR = gettext_noop("whoever asked for it is answered, and is not known here any more")


def _when_placed(order: Order) -> DeliveryKind | Silent:
    is_by_invoice = order.status == OrderStatus.OFFLINE_PENDING
    return DeliveryKind.RECEIVED if is_by_invoice else Silent.ON_THE_PAGE


def _when_confirmed(order: Order) -> DeliveryKind | Silent:
    if order.is_settled:
        return Silent.TICKETS_TELL
    return DeliveryKind.REQUESTED if order.awaits_acceptance else DeliveryKind.RECEIVED


def _when_due_moved(order: Order) -> DeliveryKind | Silent:
    return DeliveryKind.DUE if order.payment_due_at else Silent.NO_END_ANY_MORE


Message = DeliveryKind | Silent | Callable[[Order], DeliveryKind | Silent]

MESSAGES: dict[Change, Message] = {
    Change.PLACED: _when_placed,
    Change.SETTLED: Silent.TICKETS_TELL,
    Change.INVOICE_SENT: DeliveryKind.INVOICE,
    Change.ADDRESS_ASKED: DeliveryKind.CONFIRM_ADDRESS,
    Change.ADDRESS_CONFIRMED: _when_confirmed,
    Change.ACCEPTED: DeliveryKind.RECEIVED,
    Change.DUE_MOVED: _when_due_moved,
    Change.LAPSE_ANNOUNCED: DeliveryKind.LAPSING,
    Change.LAPSED: DeliveryKind.LAPSED,
    Change.CANCELED: DeliveryKind.CANCELED,
    # Nothing was paid, and a link that was mailed to confirm it says that it is over.
    Change.EXPIRED: Silent.ON_THE_PAGE,
    Change.GIVEN_BACK: Silent.REFUND_TELLS,
    Change.TICKETS_ISSUED: DeliveryKind.TICKETS,
    Change.TICKETS_RESENT: DeliveryKind.TICKETS,
    Change.PAYMENT_OPENED: Silent.ON_THE_PAGE,
    Change.PAYMENT_DECLINED: Silent.ON_THE_PAGE,
    Change.PAYMENT_ABANDONED: Silent.ON_THE_PAGE,
    Change.PAYMENT_REFUSED: Silent.ON_THE_PAGE,
    Change.PAYMENT_LATE: Silent.TICKETS_TELL,
    Change.PAYMENT_NOT_ACCEPTED: Silent.REFUND_TELLS,
    Change.SUBSTITUTE_OFFERED: DeliveryKind.SUBSTITUTE,
    Change.SUBSTITUTE_ACCEPTED: Silent.TICKETS_TELL,
    Change.SUBSTITUTE_DECLINED: Silent.REFUND_TELLS,
    Change.SUBSTITUTE_LAPSED: Silent.REFUND_TELLS,
    Change.REFUND_REQUESTED: DeliveryKind.REFUNDED,
    Change.REFUND_ELSEWHERE: DeliveryKind.REFUNDED,
    Change.REFUND_SUCCEEDED: Silent.REFUND_TELLS,
    Change.REFUND_FAILED: DeliveryKind.REFUND_FAILED,
    Change.REFUND_NOT_NEEDED: Silent.REFUND_TELLS,
    Change.DISPUTE_OPENED: Silent.FOR_THE_ORGANISER,
    Change.DISPUTE_WON: Silent.FOR_THE_ORGANISER,
    Change.DISPUTE_LOST: Silent.FOR_THE_ORGANISER,
    Change.MAIL_SENT: Silent.ABOUT_A_MAIL,
    Change.MAIL_FAILED: Silent.ABOUT_A_MAIL,
    Change.MAIL_WITHDRAWN: Silent.ABOUT_A_MAIL,
    Change.PERSON_ERASED: Silent.ASKED_FOR,
}


def message_of(change: Change, order: Order) -> DeliveryKind | None:
    """The mail that tells the buyer of the change; None where something else does."""
    message = MESSAGES[change]
    if not isinstance(message, (DeliveryKind, Silent)):
        message = message(order)
    return message if isinstance(message, DeliveryKind) else None


def is_still_true(kind: DeliveryKind, order: Order) -> bool:
    """Whether what a mail of this kind says about the order, read just now, is so, and to somebody."""
    return order.anonymised_at is None and _STILL_TRUE[kind](order)


def _has_tickets(order: Order) -> bool:
    return order.is_confirmed and order.tickets.valid().exists()


def _is_before_the_event(order: Order) -> bool:
    event = order.event
    return (
        _has_tickets(order)
        and event.status == EventStatus.PUBLISHED
        and event.starts_at is not None
        and event.starts_at > clock.now()
    )


def _is_to_be_paid(order: Order) -> bool:
    return order.status == OrderStatus.OFFLINE_PENDING and order.payment_due_at is not None


def _has_refund(order: Order, *statuses: RefundStatus) -> bool:
    return bool(Refund.objects.filter(payment__order=order, status__in=statuses).exists())


_STILL_TRUE: dict[DeliveryKind, Callable[[Order], bool]] = {
    DeliveryKind.TICKETS: _has_tickets,
    DeliveryKind.RECEIVED: lambda order: order.status == OrderStatus.OFFLINE_PENDING,
    DeliveryKind.INVOICE: lambda order: not order.is_over,
    DeliveryKind.REMINDER: _is_before_the_event,
    DeliveryKind.SUBSTITUTE: lambda order: offered_substitute(order) is not None,
    DeliveryKind.REFUNDED: lambda order: _has_refund(
        order, RefundStatus.REQUESTED, RefundStatus.PROCESSING, RefundStatus.SUCCEEDED
    ),
    DeliveryKind.REFUND_FAILED: lambda order: _has_refund(order, RefundStatus.FAILED),
    DeliveryKind.CANCELED: lambda order: order.is_over,
    DeliveryKind.CONFIRM_ADDRESS: lambda order: (
        order.awaits_address and order.reservation.is_live(at=clock.now())
    ),
    DeliveryKind.REQUESTED: lambda order: order.awaits_acceptance,
    DeliveryKind.DUE: _is_to_be_paid,
    DeliveryKind.LAPSING: _is_to_be_paid,
    DeliveryKind.LAPSED: lambda order: order.is_over,
}
