"""What the buyer sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.files import FieldFile
from django.http import Http404
from django.utils.translation import gettext as _

from events.models import Event, EventStatus
from events.readiness import Item as ChecklistItem
from orders.models import (
    OPEN_PAYMENTS,
    REFUNDS_OF_THE_PRICE,
    Delivery,
    DeliveryKind,
    DeliveryStatus,
    DocumentFile,
    DocumentKind,
    Invoice,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    Refund,
    RefundStatus,
    Substitute,
    SubstituteStatus,
    Ticket,
)
from orders.price_lines import (
    PriceLine,
    hold_price_lines,
    order_price_lines,
    order_tax_by_rate,
    slot_words,
    tax_words,
)
from orders.printed import PrintedTicket, printed_tickets
from orders.shown import Wanted
from ticketing.catalogue import catalogue_of
from ticketing.models import Naming, Release, Reservation, ReservationLine
from ticketing.queries import lines_of, quote_of
from ticketing.selling import name_of
from tiqqo.core import clock
from tiqqo.core.codes import is_same_secret
from tiqqo.core.compiled import Compiled, Param
from tiqqo.core.money import Money

_BY_CODE = Compiled(
    Order, lambda rows: rows.select_related("event__organiser").filter(code=Param("code"))
)
_BY_RESERVATION = Compiled(
    Order,
    lambda rows: rows.select_related("event__organiser", "reservation").filter(
        reservation=Param("reservation")
    ),
)
_HOLD = Compiled(
    Reservation,
    lambda rows: rows.select_related("event__organiser", "order").filter(secret=Param("secret")),
)
_LINES = Compiled(
    OrderLine,
    lambda rows: rows.select_related("slot").filter(order=Param("order")).order_by("id"),
)
_TICKETS_SENT = Compiled(
    Delivery,
    lambda rows: rows.filter(order=Param("order"), kind=DeliveryKind.TICKETS).order_by("-number"),
)
_REFUNDS = Compiled(
    Refund,
    lambda rows: rows.select_related("payment").filter(payment__order=Param("order")),
)


def can_be_paid(event: Event) -> ChecklistItem:
    """Checklist: if anything costs money, there is a way to pay it."""
    is_priced = (
        Release.objects.published().filter(ticket_type__event=event, price_minor__gt=0).exists()
    )
    done = not is_priced or bool(settings.STRIPE_API_KEY) or event.allows_invoice
    return ChecklistItem(
        code="payment",
        title=_("Choose how buyers pay"),
        hint=_("Card payments are on.")
        if is_priced and settings.STRIPE_API_KEY
        else _("Nothing to pay yet.")
        if done
        else _("Card payments are not connected. Allow invoices, or connect Stripe."),
        page="events:setup",
        is_done=done,
    )


@dataclass(frozen=True, slots=True)
class AttendeeField:
    """One place of a hold, for which the checkout asks a name as `naming` says. `number` counts
    from 1."""

    number: int
    name: str
    naming: Naming = Naming.OPTIONAL

    @property
    def is_named(self) -> bool:
        """Whether anything is asked."""
        return self.naming != Naming.BUYER

    @property
    def needs_name(self) -> bool:
        return self.naming == Naming.REQUIRED


def attendee_fields(event: Event, lines: Sequence[ReservationLine]) -> list[AttendeeField]:
    types = catalogue_of(event).types
    places = [line for line in lines for _place in range(line.places)]
    return [
        AttendeeField(
            number, _name_of_place(line, event), Naming(types[line.ticket_type_id].naming)
        )
        for number, line in enumerate(places, start=1)
    ]


def _name_of_place(line: ReservationLine, event: Event) -> str:
    """What its ticket is called, and for when it is."""
    name = f"{line.bundle_name}: {line.ticket_name}" if line.bundle_name else name_of(line)
    slot = slot_words(line.slot_starts_at, event.time_zone)
    return f"{name}, {slot}" if slot else name


def order_by_link(code: str, secret: str) -> Order:
    """The order behind a buyer's link, or Http404. The secret is compared in constant time."""
    order = _BY_CODE.first(code=code)
    if order is None or not is_same_secret(order.secret, secret):
        raise Http404
    return order


def invoice_or_404(order: Order) -> Invoice:
    """The order's invoice with the order at hand, or Http404 while there is none."""
    invoice: Invoice | None = Invoice.objects.filter(order=order).first()
    if invoice is None:
        raise Http404
    invoice.order = order
    return invoice


# The reminder goes out so long before the start …
REMINDED_BEFORE = timedelta(hours=24)


def orders_to_remind(*, at: datetime) -> QuerySet[Order]:
    """Confirmed orders whose event begins within a day, and that nobody was reminded of.

    … but not to those whose tickets are younger than that: they have just had a mail with everything.
    """
    held = Ticket.objects.valid().filter(
        order=OuterRef("pk"), issued_at__lte=OuterRef("event__starts_at") - REMINDED_BEFORE
    )
    reminded = Delivery.objects.filter(order=OuterRef("pk"), kind=DeliveryKind.REMINDER)
    orders: QuerySet[Order] = (
        Order.objects.confirmed()
        .filter(
            Exists(held),
            ~Exists(reminded),
            event__status=EventStatus.PUBLISHED,
            event__starts_at__gt=at,
            event__starts_at__lte=at + REMINDED_BEFORE,
        )
        .order_by("event__starts_at", "id")
    )
    return orders


def hold_by_secret(secret: str) -> tuple[Reservation, Order | None] | None:
    """The hold behind a buyer's link, and the order that it became, if it did. One query."""
    reservation = _HOLD.first(secret=secret)
    if reservation is None:
        return None
    order: Order | None = getattr(reservation, "order", None)
    if order is not None:
        order.event = reservation.event
    return reservation, order


def order_status_of(reservation: Reservation) -> Order | None:
    """The order that the reservation became by now, if it did."""
    return _BY_RESERVATION.first(reservation=reservation.pk)


def open_payment_of(order: Order) -> Payment | None:
    payment: Payment | None = (
        Payment.objects.select_related("order__event__organiser", "order__reservation")
        .filter(order=order, status__in=OPEN_PAYMENTS)
        .first()
    )
    return payment


@dataclass(frozen=True, slots=True)
class OrderPage:
    """The buyer's page of an order. `tickets_ready` says whether the PDF is rendered, `tax` what the
    total contains of it."""

    order: Order
    lines: list[OrderLine]
    prices: list[PriceLine]
    tax: str
    printed: list[PrintedTicket]
    delivery: Delivery | None
    money_back: list["MoneyBack"]
    substitute: "OfferedSubstitute | None" = None

    @property
    def tickets_ready(self) -> bool:
        return self.delivery is not None and bool(self.delivery.document)

    @property
    def is_preparing(self) -> bool:
        """The worker has the PDF in hand."""
        if self.tickets_ready or self.delivery is None:
            return False
        return self.delivery.status in (DeliveryStatus.PENDING, DeliveryStatus.PREPARED)


def lines_of_order(order: Order) -> list[OrderLine]:
    """In order, with their slots."""
    return _LINES.all(order=order.pk)


def refunds_of(order: Order) -> list[Refund]:
    """Of what was never to be paid, nothing can go back."""
    return _REFUNDS.all(order=order.pk) if order.total_minor else []


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """What the buyer reads of money that goes back, and its tone."""

    text: str
    tone: str = "info"


def money_back(order: Order) -> list[MoneyBack]:
    """A sentence for each refund of the order that concerns its buyer."""
    return [
        said for refund in refunds_of(order) if (said := _said_of(refund, order.event)) is not None
    ]


def _said_of(refund: Refund, event: Event) -> MoneyBack | None:
    facts = {
        "amount": refund.amount,
        "reason": refund.get_reason_display(),
        "organiser": event.organiser.name,
    }
    match refund.status:
        case RefundStatus.CANCELED:
            return None
        case RefundStatus.SUCCEEDED if refund.reason in REFUNDS_OF_THE_PRICE:
            return MoneyBack(_("%(organiser)s has given you %(amount)s back.") % facts)
        case RefundStatus.SUCCEEDED:
            return MoneyBack(_("%(amount)s was given back to you: %(reason)s.") % facts)
        case RefundStatus.FAILED:
            text = _(
                "%(amount)s could not go back to your card. %(organiser)s gives it back in another way."
            )
            return MoneyBack(text % facts, "caution")
    if refund.reason in REFUNDS_OF_THE_PRICE:
        return MoneyBack(_("%(organiser)s gives you %(amount)s back; it is on its way.") % facts)
    return MoneyBack(_("%(amount)s is on its way back to you: %(reason)s.") % facts)


def mailed_document(order: Order, wanted: Wanted) -> FieldFile | None:
    """The PDF that was mailed and shows just what is wanted, if its file is there."""
    mailed = Delivery.objects.filter(order=order, shows=wanted.state).exclude(document="")
    for delivery in mailed.order_by("-id"):
        if default_storage.exists(delivery.document.name or ""):
            return delivery.document
    return None


def deliveries_with(document: DocumentFile) -> list[int]:
    """The mails that wait for a document of tickets."""
    if document.kind != DocumentKind.TICKETS:
        return []
    waiting = Delivery.objects.filter(
        order=document.order_id,
        kind__in=[DeliveryKind.TICKETS, DeliveryKind.REMINDER],
        status=DeliveryStatus.PENDING,
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def order_page(order: Order) -> OrderPage:
    deliveries = _TICKETS_SENT.all(order=order.pk)
    lines = lines_of_order(order)
    return OrderPage(
        order=order,
        lines=lines,
        prices=order_price_lines(order, lines),
        tax=tax_words(order_tax_by_rate(order, lines), order.tax_name, order.currency),
        printed=printed_tickets(order) if order.is_confirmed else [],
        delivery=next((d for d in deliveries if d.document), next(iter(deliveries), None)),
        money_back=money_back(order),
        substitute=offered_substitute(order),
    )


@dataclass(frozen=True, slots=True)
class OfferedSubstitute:
    """What is held in place of tickets that were gone: until when, what it costs, and what of the money
    that came goes back."""

    substitute: Substitute
    until: datetime
    prices: list[PriceLine]
    total: Money
    goes_back: Money


def offered_substitute(order: Order) -> OfferedSubstitute | None:
    """What the buyer may decide about now; None where there is nothing, or time is up."""
    if order.status != OrderStatus.PENDING:
        return None
    substitute: Substitute | None = (
        Substitute.objects.select_related("reservation", "payment")
        .filter(order=order, status=SubstituteStatus.OFFERED)
        .first()
    )
    if substitute is None or not substitute.reservation.is_live(at=clock.now()):
        return None
    lines = lines_of(substitute.reservation)
    price = quote_of(substitute.reservation, lines)
    return OfferedSubstitute(
        substitute=substitute,
        until=substitute.reservation.expires_at,
        prices=hold_price_lines(lines, price, order.event.time_zone),
        total=price.total,
        goes_back=Money(substitute.payment.captured_minor - price.total_minor, order.currency),
    )
