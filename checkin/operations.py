"""Letting people in, and taking it back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Membership
from checkin.errors import (
    EventArchived,
    EventCancelled,
    EventNotPublished,
    ForgedTicket,
    OtherEvent,
    Refused,
    ReplacedTicket,
    TicketAlreadyAdmitted,
    TooEarly,
    UnknownTicket,
    VoidTicket,
    WrongDay,
    WrongSlot,
)
from checkin.models import Admission
from events.models import Event, EventStatus
from orders.codes import PREFIX, UnreadableCode, read_code
from orders.models import ReplacedCode, Ticket, TicketStatus
from tiqqo.core import audit, clock
from tiqqo.core.codes import normalise_code
from tiqqo.core.tenancy import current_organiser_id
from tiqqo.ui.dates import words_for, words_for_day, words_for_range

# Long enough for whoever comes to a late show at breakfast, too short for a scan by mistake days before.
OPENS_BEFORE = timedelta(hours=12)
_CLOSED: dict[str, type[Refused]] = {
    EventStatus.DRAFT: EventNotPublished,
    EventStatus.CANCELLED: EventCancelled,
    EventStatus.ARCHIVED: EventArchived,
}
_ADMIT = """
INSERT INTO checkin_admission
       (organiser_id, event_id, ticket_id, at, gate, admitted_by_id, admitted_by_label,
        undone_by_label)
VALUES (%s, %s, %s, %s, %s, %s, %s, '')
    ON CONFLICT (ticket_id) WHERE undone_at IS NULL DO NOTHING
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Green at the door."""

    admission_id: int
    ticket: Ticket
    at: datetime


def find_ticket(event: Event, text: str, *, early: bool = False) -> Ticket:
    """The ticket that a scanned or typed text means, fit to enter this event at this moment; `early`
    also long before it. One query, and one more for letters that no ticket has.

    Raises UnknownTicket, ForgedTicket, OtherEvent, ReplacedTicket, VoidTicket, EventNotPublished,
    EventCancelled, EventArchived, TooEarly, WrongSlot, WrongDay.
    """
    text = text.strip()
    ticket = _scanned(text) if text.startswith(PREFIX) else _typed(event, normalise_code(text))
    if ticket.event_id != event.pk:
        raise OtherEvent(event=ticket.event.name)
    if ticket.status != TicketStatus.VALID:
        raise VoidTicket
    if ticket.event.status in _CLOSED:
        raise _CLOSED[ticket.event.status]
    _refuse_at_another_time(ticket, at=clock.now(), early=early)
    return ticket


def _tickets() -> QuerySet[Ticket]:
    tickets: QuerySet[Ticket] = Ticket.objects.select_related(
        "event__key", "ticket_type", "order", "slot"
    )
    return tickets


def _scanned(text: str) -> Ticket:
    try:
        scanned = read_code(text)
    except UnreadableCode:
        raise UnknownTicket from None
    ticket = _tickets().filter(uid=scanned.uid).first()
    if ticket is None:
        raise UnknownTicket
    if not scanned.is_signed_by(bytes(ticket.event.key.public_key)):
        raise ForgedTicket
    if scanned.generation != ticket.generation:
        raise ReplacedTicket
    return ticket


def _typed(event: Event, letters: str) -> Ticket:
    ticket = _tickets().filter(code=letters).first()
    if ticket is None:
        replaced = ReplacedCode.objects.select_related("ticket__event").filter(code=letters).first()
        if replaced is None:
            raise UnknownTicket
        if replaced.ticket.event_id != event.pk:
            raise OtherEvent(event=replaced.ticket.event.name)
        raise ReplacedTicket
    if ticket.code_generation != ticket.generation:
        raise ReplacedTicket
    return ticket


def _refuse_at_another_time(ticket: Ticket, *, at: datetime, early: bool) -> None:
    """A ticket for a time slot or for certain days is let in then, others from OPENS_BEFORE the event
    on. Raises WrongSlot, WrongDay, TooEarly."""
    event, slot, days = ticket.event, ticket.slot, ticket.ticket_type.days
    if slot is not None and not slot.admits_from <= at < slot.admits_until:
        raise WrongSlot(
            when=words_for_range(slot.starts_at, slot.ends_at, event.time_zone),
            is_early=at < slot.admits_from,
        )
    if days and event.local(at).date() not in days:
        raise WrongDay(days=", ".join(words_for_day(day) for day in days))
    if slot or days or early or event.starts_at is None:
        return
    opens_at = event.starts_at - OPENS_BEFORE
    if at < opens_at:
        begins = words_for(event.starts_at, event.time_zone, "datetime")
        raise TooEarly(begins=begins, opens_at=opens_at)


def admit_ticket(
    event: Event, text: str, *, by: Membership, gate: str = "", early: bool = False
) -> Admitted:
    """The ticket is in, once: of two scans at the same moment one wins, and the other learns who.
    `early` lets in long before the event, for those who may.

    Raises what `find_ticket` raises, and TicketAlreadyAdmitted(at, gate, by).
    """
    ticket = find_ticket(event, text, early=early)
    while True:
        now = clock.now()
        admission_id = _insert(event, ticket, by=by, gate=gate, at=now)
        if admission_id is not None:
            return Admitted(admission_id, ticket, now)
        earlier = Admission.objects.filter(ticket=ticket, undone_at=None).first()
        if earlier is not None:
            raise TicketAlreadyAdmitted(
                at=earlier.at, gate=earlier.gate, by=earlier.admitted_by_label, ticket=ticket
            )
        # It was taken back between the two statements: the ticket may enter after all.


def _insert(event: Event, ticket: Ticket, *, by: Membership, gate: str, at: datetime) -> int | None:
    """The admission's id; None when another one of this ticket stands."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ADMIT,
            [
                current_organiser_id(),
                event.pk,
                ticket.pk,
                at,
                gate,
                by.actor_user_id,
                by.actor_label,
            ],
        )
        row = cursor.fetchone()
    return row[0] if row else None


@transaction.atomic
def undo_admission(admission: Admission, *, by: Membership) -> None:
    """The ticket is not in any more and may enter again. Twice is harmless."""
    undone = Admission.objects.filter(pk=admission.pk, undone_at=None).update(
        undone_at=clock.now(), undone_by_label=by.actor_label
    )
    if undone:
        audit.record(admission.ticket, "admission.undone", by=by)
