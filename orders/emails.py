"""What the buyer's mails say; how they look is `tiqqo.ui.emails`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from django.utils.translation import gettext as _

from events.models import Event
from orders.models import (
    REFUNDS_OF_THE_PRICE,
    DeliveryKind,
    Invoice,
    Order,
    OrderLine,
    Refund,
    RefundReason,
    RefundStatus,
    Ticket,
)
from orders.price_lines import adds_tax, order_price_lines, order_tax_by_rate, tax_words
from orders.printed import kind_of, slot_of
from orders.queries.buyer import OfferedSubstitute
from tiqqo.core import clock
from tiqqo.core.money import Money
from tiqqo.ui.dates import local, words_for, words_for_day, words_for_range
from tiqqo.ui.emails import (
    Block,
    Button,
    Details,
    Email,
    Line,
    Lines,
    Note,
    Stub,
    Text,
    greeting,
    one_line,
)


@dataclass(frozen=True, slots=True)
class OrderEmailFacts:
    """What a mail about an order may speak of."""

    order: Order
    url: str
    lines: Sequence[OrderLine]
    tickets: Sequence[Ticket]
    refunds: Sequence[Refund]
    substitute: OfferedSubstitute | None
    invoice: Invoice | None
    address_url: str = ""
    """Where a buyer confirms that the address is theirs."""

    @property
    def event(self) -> Event:
        return self.order.event


def email_for(kind: DeliveryKind, facts: OrderEmailFacts) -> Email:
    """The email of a kind of delivery, in the current language."""
    return _EMAILS[kind](facts)


def _tickets(facts: OrderEmailFacts) -> Email:
    named = {"event": facts.event.name}
    return _email(
        facts,
        subject=_("Your tickets for %(event)s") % named,
        preheader=_("They are attached. %(when)s") % {"when": when_words(facts.event)},
        blocks=[
            Text(
                _(
                    "your tickets are attached as a PDF. Show the code at the door, on your phone"
                    " or on paper."
                )
            ),
            _stub(facts),
            *_online(facts.event),
            _price(facts),
            Button(_("Open your order"), facts.url),
            Note(
                _(
                    "The link opens your order at any time: the tickets, a version for your"
                    " phone, and the date for your calendar. Whoever has it can do the same, so"
                    " keep it to yourself."
                )
            ),
        ],
    )


def _received(facts: OrderEmailFacts) -> Email:
    names = {"event": facts.event.name, "organiser": facts.event.organiser.name}
    return _email(
        facts,
        subject=_("We have your order %(code)s for %(event)s")
        % {"code": facts.order.code, "event": facts.event.name},
        heading=_("We have your order"),
        preheader=_("Your places for %(event)s are booked.") % names,
        blocks=[
            Text(
                _(
                    "your places for %(event)s are booked. %(organiser)s sends the invoice; the"
                    " tickets follow."
                )
                % names
            ),
            Details([*_where_and_when(facts.event), *_to_be_paid(facts)]),
            _price(facts),
            Button(_("Open your order"), facts.url),
        ],
    )


def _to_be_paid(facts: OrderEmailFacts) -> list[tuple[str, str]]:
    due = due_words(facts.order)
    return [(_("To be paid by"), due)] if due else []


def _confirm_address(facts: OrderEmailFacts) -> Email:
    """To an address that somebody typed: nothing is ordered until its owner says so."""
    event = facts.event
    until = words_for(
        facts.order.reservation.expires_at, event.time_zone, "datetime", show_zone=True
    )
    named = {"event": event.name, "until": until}
    return Email(
        subject=one_line(_("Confirm your order for %(event)s") % named),
        heading=one_line(_("Confirm your order for %(event)s") % named),
        preheader=one_line(_("The tickets are held until %(until)s.") % named),
        blocks=[
            greeting(""),
            Text(
                _(
                    "somebody, probably you, wants to order tickets for %(event)s with this address."
                    " Confirm it, and the order is placed. The tickets are held until %(until)s."
                )
                % named
            ),
            Details(_where_and_when(event)),
            _price(facts),
            Button(_("See and confirm"), facts.address_url),
            Note(_("You did not ask for it? Ignore this mail, and nothing is ordered.")),
        ],
        sender=event.organiser.name,
        accent=event.accent,
        footer=[_("Sent to %(email)s.") % {"email": facts.order.email}],
    )


def _requested(facts: OrderEmailFacts) -> Email:
    names = {"event": facts.event.name, "organiser": facts.event.organiser.name}
    return _email(
        facts,
        subject=_("We have your order %(code)s for %(event)s")
        % {"code": facts.order.code, "event": facts.event.name},
        heading=_("We have your order"),
        preheader=_("%(organiser)s answers soon.") % names,
        blocks=[
            Text(
                _(
                    "your places for %(event)s are held for you. %(organiser)s looks at each order by"
                    " invoice and tells you by mail whether it is accepted."
                )
                % names
            ),
            Details(_where_and_when(facts.event)),
            _price(facts),
            Button(_("Open your order"), facts.url),
        ],
    )


def _due(facts: OrderEmailFacts) -> Email:
    due = due_words(facts.order)
    return _email(
        facts,
        subject=_("Order %(code)s: to be paid by %(due)s") % {"code": facts.order.code, "due": due},
        heading=_("You have until %(due)s to pay") % {"due": due},
        blocks=[
            Text(
                _("your order %(code)s for %(event)s is yours if it is paid by %(due)s.")
                % {"code": facts.order.code, "event": facts.event.name, "due": due}
            ),
            Details(_to_pay(facts)),
            Button(_("Open your order"), facts.url),
        ],
    )


def _lapsing(facts: OrderEmailFacts) -> Email:
    due = due_words(facts.order)
    named = {
        "code": facts.order.code,
        "event": facts.event.name,
        "organiser": facts.event.organiser.name,
        "due": due,
    }
    return _email(
        facts,
        subject=_("Please pay order %(code)s for %(event)s by %(due)s") % named,
        heading=_("Your order is not paid yet"),
        preheader=_("It is cancelled if it is not paid by %(due)s.") % named,
        blocks=[
            Text(
                _(
                    "your order %(code)s for %(event)s is not paid yet. If it is not paid by %(due)s, it"
                    " is cancelled and its places go to others."
                )
                % named
            ),
            Details(_to_pay(facts)),
            Button(_("Open your order"), facts.url),
            Note(
                _(
                    "You have paid already, you have no invoice yet, or you need more time? Answer this"
                    " mail: %(organiser)s can give you another date."
                )
                % named
            ),
        ],
    )


def _lapsed(facts: OrderEmailFacts) -> Email:
    named = {
        "event": facts.event.name,
        "code": facts.order.code,
        "organiser": facts.event.organiser.name,
    }
    blocks: list[Block] = [
        Text(
            _(
                "your order %(code)s for %(event)s was not paid in time, so it is cancelled. Its places are"
                " free for others, and tickets that came with it are not valid any more."
            )
            % named
        )
    ]
    if facts.invoice is not None:
        text = _("There is nothing to pay: please ignore invoice %(number)s.")
        blocks.append(Text(text % {"number": facts.invoice.number}))
    return _email(
        facts,
        subject=_("Your order %(code)s for %(event)s is cancelled") % named,
        heading=_("Your order is cancelled"),
        preheader=_("It was not paid in time."),
        blocks=[
            *blocks,
            Note(
                _("You have paid nevertheless? Answer this mail, so that %(organiser)s finds it.")
                % named
            ),
            Button(_("Open your order"), facts.url),
        ],
    )


def _to_pay(facts: OrderEmailFacts) -> list[tuple[str, str]]:
    rows = [
        (_("To pay"), str(facts.order.total)),
        (_("Until"), due_words(facts.order)),
        (_("Reference"), facts.order.code),
    ]
    if facts.invoice is not None:
        rows.insert(0, (_("Invoice"), facts.invoice.number))
    return rows


def due_words(order: Order) -> str:
    """The day, or on the day itself the time, that an order is to be paid by."""
    due = order.payment_due_at
    if due is None:
        return ""
    there = order.event.local(due)
    if there.time() == time():
        return words_for_day(there.date() - timedelta(days=1))
    return words_for(due, order.event.time_zone, "datetime", show_zone=True)


def _invoice(facts: OrderEmailFacts) -> Email:
    invoice = facts.invoice
    assert invoice is not None, "an invoice mail is asked for with its invoice"
    due = words_for_day(invoice.due_on)
    rows = [
        (_("Invoice"), invoice.number),
        (_("To pay"), str(invoice.total)),
        (_("Until"), due),
        (_("Reference"), invoice.payment_reference),
    ]
    if invoice.buyer_reference:
        rows.append((_("Your reference"), invoice.buyer_reference))
    return _email(
        facts,
        subject=_("Invoice %(number)s for %(event)s")
        % {"number": invoice.number, "event": facts.event.name},
        preheader=_("%(total)s, to be paid until %(due)s.") % {"total": invoice.total, "due": due},
        blocks=[
            Text(
                _(
                    "the invoice for your order is attached. Please name the reference below when"
                    " you pay, so that %(organiser)s finds your payment."
                )
                % {"organiser": facts.event.organiser.name}
            ),
            Details(rows),
            _price(facts),
            Button(_("Open your order"), facts.url),
        ],
    )


def _reminder(facts: OrderEmailFacts) -> Email:
    event = facts.event
    return _email(
        facts,
        subject=_("%(day)s: %(event)s") % {"day": _day_word(event), "event": event.name},
        preheader=", ".join(part for part in (when_words(event), event.venue_words) if part),
        blocks=[
            Text(
                _("it is nearly time. Here is where and when, and your tickets are attached again.")
            ),
            _stub(facts),
            *_online(event),
            Button(_("Open your tickets"), facts.url),
            Note(
                _(
                    "Have the code ready before you reach the door, with your screen bright or the"
                    " paper in your hand."
                )
            ),
        ],
    )


def _substitute(facts: OrderEmailFacts) -> Email:
    named = {"event": facts.event.name, "code": facts.order.code}
    offered = facts.substitute
    blocks: list[Block] = [
        Text(
            _(
                "your payment for %(event)s came in when your time was up, and your tickets were gone"
                " by then. Your money is not lost: you choose."
            )
            % named
        )
    ]
    if offered is not None:
        until = words_for(offered.until, facts.event.time_zone, "datetime", show_zone=True)
        blocks += [
            Text(_("We hold these for you until %(until)s:") % {"until": until}),
            Lines(
                [Line(row.label, row.amount, row.note) for row in offered.prices],
                total=offered.total,
            ),
        ]
        if offered.goes_back:
            text = _("They cost less: %(amount)s goes back to you.")
            blocks.append(Text(text % {"amount": offered.goes_back}))
    blocks += [
        Button(_("Take them, or have your money back"), facts.url),
        Note(_("If you do nothing, all your money goes back by itself.")),
    ]
    return _email(
        facts,
        subject=_("Your tickets for %(event)s were gone: choose what we do") % named,
        heading=_("Your tickets were gone, your money is not"),
        blocks=blocks,
    )


def _refunded(facts: OrderEmailFacts) -> Email:
    named = {"event": facts.event.name, "code": facts.order.code}
    refunds = [
        refund
        for refund in facts.refunds
        if refund.status not in (RefundStatus.FAILED, RefundStatus.CANCELED)
    ]
    lines = [_refund_line(facts, refund) for refund in refunds]
    return _email(
        facts,
        subject=_("Your money for order %(code)s is on its way back") % named,
        heading=_("Your money is on its way back"),
        blocks=[
            Text(_why_refunded(facts.order, {refund.reason for refund in refunds}) % named),
            Lines(
                lines,
                total=sum((line.amount for line in lines), Money(0, facts.order.currency)),
                total_label=_("On its way back"),
            ),
            Text(_("Banks usually take a few days.")),
            Button(_("Open your order"), facts.url),
        ],
    )


def _refund_line(facts: OrderEmailFacts, refund: Refund) -> Line:
    """To a buyer it is the organiser who gives back, whoever pressed which button."""
    if refund.reason in REFUNDS_OF_THE_PRICE:
        label = _("Given back by %(organiser)s") % {"organiser": facts.event.organiser.name}
    else:
        label = str(refund.get_reason_display()).capitalize()
    return Line(label, refund.amount)


def _why_refunded(order: Order, reasons: set[str]) -> str:
    if reasons <= {RefundReason.COSTS_LESS}:
        return _(
            "the tickets you took for order %(code)s (%(event)s) cost less than you paid. The rest"
            " goes back to the card it came from."
        )
    if reasons <= set(REFUNDS_OF_THE_PRICE):
        if order.is_over:
            return _(
                "your order %(code)s (%(event)s) is cancelled and its tickets are not valid any more."
                " What you paid goes back to the card it came from."
            )
        return _(
            "a part of what you paid for order %(code)s (%(event)s) goes back to the card it came"
            " from. Your tickets stay valid."
        )
    return _(
        "a payment for order %(code)s (%(event)s) could not be used, so it goes back to the card it"
        " came from."
    )


def _refund_failed(facts: OrderEmailFacts) -> Email:
    named = {
        "event": facts.event.name,
        "code": facts.order.code,
        "organiser": facts.event.organiser.name,
    }
    lines = [
        _refund_line(facts, refund)
        for refund in facts.refunds
        if refund.status == RefundStatus.FAILED
    ]
    return _email(
        facts,
        subject=_("Your money for order %(code)s could not be given back yet") % named,
        heading=_("Your money could not be given back yet"),
        blocks=[
            Text(
                _(
                    "the money for order %(code)s (%(event)s) could not go back to the card it came"
                    " from. %(organiser)s knows, and gives it back in another way."
                )
                % named
            ),
            Lines(
                lines,
                total=sum((line.amount for line in lines), Money(0, facts.order.currency)),
                total_label=_("To be given back"),
            ),
            Text(_("Answer this mail to say where the money should go.")),
            Button(_("Open your order"), facts.url),
        ],
    )


def _canceled(facts: OrderEmailFacts) -> Email:
    named = {
        "event": facts.event.name,
        "code": facts.order.code,
        "organiser": facts.event.organiser.name,
    }
    blocks: list[Block] = [
        Text(
            _("%(organiser)s has cancelled your order %(code)s for %(event)s.") % named
            + " "
            + _("Its tickets are not valid any more, and its places are free for others.")
        )
    ]
    if facts.invoice is not None:
        text = _("There is nothing to pay: please ignore invoice %(number)s.")
        blocks.append(Text(text % {"number": facts.invoice.number}))
    return _email(
        facts,
        subject=_("Your order %(code)s for %(event)s is cancelled") % named,
        heading=_("Your order is cancelled"),
        preheader=_("Its tickets are not valid any more."),
        blocks=[*blocks, Button(_("Open your order"), facts.url)],
    )


_EMAILS: dict[DeliveryKind, Callable[[OrderEmailFacts], Email]] = {
    DeliveryKind.TICKETS: _tickets,
    DeliveryKind.RECEIVED: _received,
    DeliveryKind.INVOICE: _invoice,
    DeliveryKind.REMINDER: _reminder,
    DeliveryKind.SUBSTITUTE: _substitute,
    DeliveryKind.REFUNDED: _refunded,
    DeliveryKind.REFUND_FAILED: _refund_failed,
    DeliveryKind.CANCELED: _canceled,
    DeliveryKind.CONFIRM_ADDRESS: _confirm_address,
    DeliveryKind.REQUESTED: _requested,
    DeliveryKind.DUE: _due,
    DeliveryKind.LAPSING: _lapsing,
    DeliveryKind.LAPSED: _lapsed,
}


# Parts -----------------------------------------------------------------------------------


def _email(
    facts: OrderEmailFacts,
    *,
    subject: str,
    blocks: Sequence[Block],
    heading: str = "",
    preheader: str = "",
) -> Email:
    organiser = facts.event.organiser
    footer = [
        _("Order %(code)s · %(organiser)s")
        % {"code": facts.order.code, "organiser": organiser.name}
    ]
    if organiser.support_email:
        footer.append(
            _("Questions? Answer this mail: %(email)s") % {"email": organiser.support_email}
        )
    return Email(
        subject=one_line(subject),
        heading=one_line(heading or subject),
        preheader=one_line(preheader),
        blocks=[greeting(facts.order.first_name), *blocks],
        sender=organiser.name,
        accent=facts.event.accent,
        footer=footer,
    )


def _stub(facts: OrderEmailFacts) -> Stub:
    event = facts.event
    return Stub(
        title=event.name,
        when=when_words(event),
        where=event.address,
        tickets=[
            (
                ", ".join(part for part in (kind_of(ticket), slot_of(ticket, event)) if part),
                ticket.holder_name,
                ticket.code,
            )
            for ticket in facts.tickets
        ],
    )


def _price(facts: OrderEmailFacts) -> Lines:
    order = facts.order
    rows = order_price_lines(order, facts.lines)
    note = ""
    if order.tax_minor and not adds_tax(order, facts.lines):
        taxes = order_tax_by_rate(order, facts.lines)
        note = _("with %(taxes)s") % {
            "taxes": tax_words(taxes, order.tax_name, order.currency),
        }
    return Lines(
        [Line(row.label, row.amount, row.note) for row in rows],
        total=order.total,
        note=note,
    )


def _where_and_when(event: Event) -> list[tuple[str, str]]:
    rows = [(_("When"), when_words(event)), (_("Where"), event.address)]
    return [(label, value) for label, value in rows if value]


def _online(event: Event) -> list[Block]:
    """Where to join, in mails to those who hold tickets only."""
    return [Details([(_("Online"), event.online_url)])] if event.online_url else []


def when_words(event: Event) -> str:
    if event.starts_at is None:
        return ""
    return words_for_range(event.starts_at, event.ends_at, event.time_zone, show_zone=True)


def _day_word(event: Event) -> str:
    """Tomorrow, where it is: a mail that was late says today, and one that is early names the day."""
    assert event.starts_at is not None, "an event without a date reminds nobody"
    today = local(clock.now(), event.time_zone).date()
    starts_on = local(event.starts_at, event.time_zone).date()
    if starts_on == today:
        return _("Today")
    if starts_on == today + timedelta(days=1):
        return _("Tomorrow")
    return words_for(event.starts_at, event.time_zone, "day")
