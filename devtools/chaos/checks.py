"""What has to be true afterwards, whatever happened: nothing lost, nothing doubled, no money moved wrongly."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from devtools.chaos.books import Books, OrderRow
from devtools.chaos.mail_sink import Mail
from devtools.chaos.provider import ProviderBooks

STANDS = {"pending", "requires_action", "succeeded"}
"""States of a refund at the provider in which its money has left or is leaving."""


class Harm(Enum):
    LOST = "lost"
    DOUBLED = "doubled"
    MOVED_WRONGLY = "moved wrongly"
    WAITING = "waiting"
    """A mail or a refund that is not out and that the product still knows of."""
    STOOD_STILL = "stood still"
    """Work that waited for a neighbour that it has nothing to do with."""
    BY_HAND = "by hand"
    """Nothing is wrong yet, but somebody has to act."""
    MAIL_TWICE = "mail twice"
    """The same mail, with the same Message-ID, reached the buyer's mail server again."""


IS_FAILURE = (
    Harm.LOST,
    Harm.DOUBLED,
    Harm.MOVED_WRONGLY,
    Harm.WAITING,  # when everything had time to be done
    Harm.STOOD_STILL,
)


@dataclass(frozen=True, slots=True)
class Finding:
    harm: Harm
    subject: str
    """An order's code, an intent, a ledger key."""
    text: str

    def __str__(self) -> str:
        return f"{self.harm.value}: {self.subject}: {self.text}"


def findings(
    books: Books, provider: ProviderBooks, mails: Iterable[Mail], told: Iterable[str]
) -> list[Finding]:
    """Everything that is wrong; `told` are the codes of orders that buyers were shown as theirs."""
    return [
        *_told(books, told),
        *_tickets(books),
        *_mails(books, mails),
        *_payments(books, provider),
        *_refunds(books, provider),
        *_orders_and_money(books, provider),
        *_ledger(books, provider),
    ]


def _told(books: Books, told: Iterable[str]) -> Iterator[Finding]:
    for code in told:
        order = books.orders.get(code)
        if order is None:
            yield Finding(Harm.LOST, code, "the buyer was shown this order, and there is none")
        elif not order.is_confirmed:
            yield Finding(Harm.LOST, code, f"the buyer was shown this order, it is {order.status}")


def _tickets(books: Books) -> Iterator[Finding]:
    for order in books.orders.values():
        due, there = order.tickets_due, order.valid_tickets
        if there < due:
            yield Finding(Harm.LOST, order.code, f"{there} tickets of {due} ({order.status})")
        elif there > due:
            yield Finding(Harm.DOUBLED, order.code, f"{there} tickets for {due} ({order.status})")


def _mails(books: Books, mails: Iterable[Mail]) -> Iterator[Finding]:
    arrived = Counter(mail.message_id for mail in mails)
    by_kind: dict[tuple[str, str], int] = defaultdict(int)
    for delivery in books.deliveries:
        by_kind[delivery.order_code, delivery.kind] += 1
        name = f"{delivery.order_code} {delivery.kind}"
        came = arrived[delivery.message_id]
        if came > 1:
            yield Finding(Harm.MAIL_TWICE, name, f"came {came} times")
        # What was no longer true when it could be sent, such as a link to confirm a hold that is over.
        if came or delivery.status == "withdrawn":
            continue
        if delivery.status == "failed":
            yield Finding(Harm.BY_HAND, name, f"given up: {delivery.last_error}")
        elif delivery.status == "sent":
            yield Finding(Harm.LOST, name, "the mail is sent by our books and has not come")
        else:
            yield Finding(
                Harm.WAITING, name, f"{delivery.status}: {delivery.last_error or 'no error'}"
            )
    for order in books.orders.values():
        for kind in sorted(order.mails_due):
            count = by_kind[order.code, kind]
            if count == 0:
                yield Finding(Harm.LOST, order.code, f"no mail of kind {kind} was ever asked for")
            elif count > 1:
                yield Finding(Harm.DOUBLED, order.code, f"{count} mails of kind {kind}")


def _payments(books: Books, provider: ProviderBooks) -> Iterator[Finding]:
    """Every payment that the provider has is one here, in the same state and amount, and none else is."""
    here = defaultdict(list)
    for payment in books.payments:
        if payment.session_id:
            here[payment.session_id].append(payment)
    taken_sessions = {taken.session_id: taken for taken in provider.taken}
    for session_id, taken in taken_sessions.items():
        found = here.get(session_id, [])
        if not found:
            yield Finding(
                Harm.LOST, taken.intent_id, f"money for {taken.order_code} that nobody knows here"
            )
        for payment in found:
            if payment.order_code != taken.order_code:
                yield Finding(
                    Harm.MOVED_WRONGLY,
                    taken.intent_id,
                    f"paid for {taken.order_code}, booked for {payment.order_code}",
                )
            if payment.status != "succeeded":
                yield Finding(
                    Harm.MOVED_WRONGLY,
                    payment.order_code,
                    f"the provider has the money, the payment is {payment.status} here",
                )
            elif (payment.captured, payment.currency) != (taken.amount, taken.currency):
                yield Finding(
                    Harm.MOVED_WRONGLY,
                    payment.order_code,
                    f"{payment.captured} {payment.currency} here,"
                    f" {taken.amount} {taken.currency} at the provider",
                )
        if len(found) > 1:
            yield Finding(Harm.DOUBLED, taken.intent_id, f"{len(found)} payments here")
    for payment in books.payments:
        if payment.status == "succeeded" and payment.session_id not in taken_sessions:
            yield Finding(
                Harm.MOVED_WRONGLY, payment.order_code, "paid here without money at the provider"
            )


def _refunds(books: Books, provider: ProviderBooks) -> Iterator[Finding]:
    """Payment by payment: the same refunds, by amount and state."""
    intents = {payment.id: payment.intent_id for payment in books.payments}
    here: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for refund in books.refunds:
        if refund.status == "failed":
            yield Finding(
                Harm.BY_HAND, intents[refund.payment_id], f"refund failed: {refund.last_failure}"
            )
            continue
        # What is not with the provider yet has no id there.
        state = "succeeded" if refund.status == "succeeded" else "open"
        here[intents[refund.payment_id]].append((refund.amount, state))
    there: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for given in provider.given_back:
        if given.status in STANDS:
            state = "succeeded" if given.status == "succeeded" else "open"
            there[given.intent_id].append((given.amount, state))
    for intent_id in here.keys() | there.keys():
        ours, theirs = Counter(here[intent_id]), Counter(there[intent_id])
        for amount, state in (ours - theirs).elements():
            if state == "open" and (amount, "succeeded") not in theirs:
                ours[amount, state] -= 1
                yield Finding(Harm.WAITING, intent_id, f"the refund of {amount} is not made yet")
        if ours == theirs:
            continue
        more = sum(a * n for (a, _), n in theirs.items()) - sum(a * n for (a, _), n in ours.items())
        text = f"refunds here {_listed(ours)}, at the provider {_listed(theirs)}"
        harm = Harm.DOUBLED if more > 0 and ours else Harm.MOVED_WRONGLY
        yield Finding(harm, intent_id, text)


def _listed(counted: Counter[tuple[int, str]]) -> str:
    return ", ".join(f"{amount} {state}" for amount, state in counted.elements()) or "none"


def _orders_and_money(books: Books, provider: ProviderBooks) -> Iterator[Finding]:
    """A paid order keeps its price less what was given back; any other keeps nothing."""
    back: dict[str, int] = defaultdict(int)
    for given in provider.given_back:
        if given.status in STANDS:
            back[given.intent_id] += given.amount
    kept: dict[str, int] = defaultdict(int)
    for taken in provider.taken:
        kept[taken.order_code] += taken.amount - back[taken.intent_id]
    order_of = {payment.id: payment.order_code for payment in books.payments}
    under_way: dict[str, int] = defaultdict(int)
    for refund in books.refunds:
        if refund.status in ("requested", "processing"):
            under_way[order_of[refund.payment_id]] += refund.amount
    for order in books.orders.values():
        if order.method != "CARD":
            continue
        due = _money_due(order)
        # An order whose whole price goes back is over before the money is: that refund is waiting.
        if kept[order.code] not in (due, due + under_way[order.code]):
            yield Finding(
                Harm.MOVED_WRONGLY,
                order.code,
                f"{order.status}, so {due} should be kept, and {kept[order.code]} are",
            )


def _money_due(order: OrderRow) -> int:
    is_paid = order.status == "PAID" and order.is_confirmed
    return order.total - order.refunded if is_paid else 0


def _ledger(books: Books, provider: ProviderBooks) -> Iterator[Finding]:
    for key in books.unbalanced:
        yield Finding(Harm.MOVED_WRONGLY, key, "the ledger entry does not sum to zero")
    net: dict[str, int] = defaultdict(int)
    currency_of = {}
    for taken in provider.taken:
        net[taken.currency] += taken.amount
        currency_of[taken.intent_id] = taken.currency
    for given in provider.given_back:
        if given.status == "succeeded":
            net[currency_of[given.intent_id]] -= given.amount
    for currency in net.keys() | books.clearing.keys():
        ours, theirs = books.clearing.get(currency, 0), net.get(currency, 0)
        if ours != theirs:
            yield Finding(
                Harm.MOVED_WRONGLY,
                f"ledger {currency}",
                f"{ours} at the provider by the ledger, {theirs} by its books",
            )
