"""At the door: in once, and everybody else learns why not."""

from datetime import timedelta

import pytest
import time_machine

from accounts.permissions import Role
from checkin import operations
from checkin.errors import (
    EventArchived,
    EventCancelled,
    EventNotPublished,
    ForgedTicket,
    OtherEvent,
    ReplacedTicket,
    TicketAlreadyAdmitted,
    TooEarly,
    UnknownTicket,
    VoidTicket,
    WrongDay,
    WrongSlot,
)
from checkin.models import Admission
from checkin.operations import Admitted, admit_ticket, undo_admission
from checkin.queries import door_count, door_events, recent_admissions
from events.models import Event, EventKey, EventStatus
from events.operations import change_event, publish_event
from orders.codes import ticket_code
from orders.models import Ticket
from orders.operations import cancel_order, replace_code
from tests.cast import DORA, EventFactory, MembershipFactory, ReleaseFactory, UserFactory
from tests.owner import owner_cursor
from tests.races import at_once
from ticketing.models import TicketType, TimeSlot
from ticketing.operations import reserve_tickets
from tiqqo.core import audit, clock


def qr_of(ticket, key_of=None):
    key = EventKey.objects.get(event=key_of or ticket.event_id)
    return ticket_code(ticket, key.private_key)


@pytest.fixture
def order(kikker):
    return kikker.place_free(1, attendees=(DORA,))


@pytest.fixture
def ticket(order):
    return order.tickets.get()


@pytest.fixture(autouse=True)
def tonight(kikker):
    """The doors are open: the event begins in an hour."""
    starts_at = clock.now() + timedelta(hours=1)
    kikker.event = change_event(kikker.event, by=kikker.owner, starts_at=starts_at)


def refused(error, house, text):
    before = Admission.objects.count()
    with pytest.raises(error) as found:
        admit_ticket(house.event, text, by=house.scanner)
    assert Admission.objects.count() == before
    return found.value


def test_a_ticket_is_let_in_by_its_qr(kikker, ticket):
    admitted = admit_ticket(kikker.event, qr_of(ticket), by=kikker.scanner, gate="North")

    admission = Admission.objects.get()
    assert (admitted.admission_id, admitted.ticket) == (admission.pk, ticket)
    assert (admission.gate, admission.admitted_by_label) == ("North", "Sam Deur")
    assert admission.admitted_by_id == kikker.scanner.user_id
    assert admission.at == admitted.at


@pytest.mark.parametrize("typed", ["{}", "  {} ", "{lower}", "{dashed}"])
def test_a_ticket_is_let_in_by_its_typed_code(kikker, ticket, typed):
    code = ticket.code
    text = typed.format(code, lower=code.lower(), dashed=f"{code[:5]}-{code[5:]}")

    assert admit_ticket(kikker.event, text, by=kikker.scanner).ticket == ticket


def test_a_second_scan_says_when_where_and_by_whom(kikker, ticket):
    other = MembershipFactory(
        organiser=kikker.organiser, user=UserFactory(name="Tess Poort"), role=Role.SCANNER
    )
    first = admit_ticket(kikker.event, qr_of(ticket), by=other, gate="North")

    already = refused(TicketAlreadyAdmitted, kikker, ticket.code)

    assert (already.at, already.gate, already.by) == (first.at, "North", "Tess Poort")
    assert already.facts["ticket"] == ticket


def test_taken_back_the_ticket_may_enter_again(kikker, ticket):
    admit_ticket(kikker.event, ticket.code, by=kikker.scanner)
    admission = Admission.objects.get()
    for _ in range(2):
        undo_admission(admission, by=kikker.owner)

    again = admit_ticket(kikker.event, ticket.code, by=kikker.scanner)

    assert again.admission_id != admission.pk
    admission.refresh_from_db()
    assert (admission.undone_by_label, admission.undone_at is not None) == ("Ana de Vries", True)
    assert [e.action for e in audit.history_of(ticket)] == ["admission.undone"]
    refused(TicketAlreadyAdmitted, kikker, ticket.code)


def test_a_ticket_of_another_event_is_told_so(kikker, ticket):
    event = EventFactory(organiser=kikker.organiser, name="Second Night", by=kikker.owner)
    ReleaseFactory(event=event, price_minor=0, by=kikker.owner)
    event = publish_event(event, by=kikker.owner)

    for text in (qr_of(ticket), ticket.code):
        with pytest.raises(OtherEvent, match="Night of the Blue Note"):
            admit_ticket(event, text, by=kikker.scanner)
    assert Admission.objects.count() == 0


def test_a_cancelled_ticket_is_void(kikker, order, ticket):
    text = qr_of(ticket)
    cancel_order(order, by=kikker.owner)

    refused(VoidTicket, kikker, text)
    refused(VoidTicket, kikker, ticket.code)


def test_a_code_that_we_did_not_sign_is_forged(cast, kikker, ticket):
    with cast.fjord.scope():
        key = EventKey.objects.get(event=cast.fjord.event).private_key

    refused(ForgedTicket, kikker, ticket_code(ticket, key))


def test_a_replaced_ticket_asks_for_the_new_code(kikker, ticket):
    old, letters = qr_of(ticket), ticket.code
    newer = replace_code(ticket, by=kikker.owner)

    for text in (old, letters, letters.lower()):
        gone = refused(ReplacedTicket, kikker, text)
        assert str(gone) == "This ticket was replaced by a newer one. Ask for the new code."
    assert admit_ticket(kikker.event, newer.code, by=kikker.scanner).ticket == ticket
    refused(TicketAlreadyAdmitted, kikker, qr_of(newer))


def test_of_a_ticket_that_was_replaced_twice_only_the_last_code_counts(kikker, ticket):
    texts = [ticket.code, qr_of(ticket)]
    second = replace_code(ticket, by=kikker.owner)
    texts += [second.code, qr_of(second)]
    third = replace_code(second, by=kikker.owner)

    for text in texts:
        refused(ReplacedTicket, kikker, text)
    assert admit_ticket(kikker.event, third.code, by=kikker.scanner).ticket == ticket


def test_letters_of_another_generation_than_the_tickets_are_dead(kikker, ticket):
    """However the generation came to be another one."""
    Ticket.objects.filter(pk=ticket.pk).update(generation=2)

    refused(ReplacedTicket, kikker, ticket.code)


def test_replaced_letters_of_another_event_are_told_so(kikker, ticket):
    letters = ticket.code
    replace_code(ticket, by=kikker.owner)
    event = EventFactory(organiser=kikker.organiser, name="Second Night", by=kikker.owner)

    with pytest.raises(OtherEvent, match="Night of the Blue Note"):
        admit_ticket(event, letters, by=kikker.scanner)


def test_a_door_asks_once_and_once_more_for_letters_that_no_ticket_has(
    kikker, ticket, django_assert_num_queries
):
    with django_assert_num_queries(1):
        operations.find_ticket(kikker.event, ticket.code)
    with django_assert_num_queries(2), pytest.raises(UnknownTicket):
        operations.find_ticket(kikker.event, "0123456789")


@pytest.mark.parametrize(
    "text", ["", "TQ:", "TQ:GARBAGE", "0123456789", "https://example.org", "\x00"]
)
def test_what_is_no_ticket_is_unknown(kikker, ticket, text):
    assert refused(UnknownTicket, kikker, text).status == 404


def test_another_organisers_ticket_is_unknown(cast, kikker):
    with cast.fjord.scope():
        foreign = cast.fjord.place_free(1).tickets.get()
        text = qr_of(foreign)

    refused(UnknownTicket, kikker, text)
    refused(UnknownTicket, kikker, foreign.code)


def test_the_door_counts_who_is_in(kikker, order, ticket):
    kikker.place_free(2)
    admit_ticket(kikker.event, ticket.code, by=kikker.scanner)

    count = door_count(kikker.event)
    assert (count.admitted, count.expected) == (1, 3)
    assert [a.ticket for a in recent_admissions(kikker.event)] == [ticket]
    undo_admission(Admission.objects.get(), by=kikker.scanner)
    assert door_count(kikker.event).admitted == 0
    assert recent_admissions(kikker.event) == []
    assert list(door_events()) == [kikker.event]


# Two devices at the same moment ------------------------------------------------------------


def scans(house, ticket, devices=8):
    text = qr_of(ticket)
    return at_once(
        house.organiser,
        *[lambda: admit_ticket(house.event, text, by=house.scanner, gate="North")] * devices,
    )


@pytest.mark.django_db(transaction=True)
def test_of_many_devices_one_lets_the_ticket_in(kikker, ticket):
    answers = scans(kikker, ticket)

    assert sum(isinstance(answer, Admitted) for answer in answers) == 1
    assert sum(isinstance(answer, TicketAlreadyAdmitted) for answer in answers) == 7
    assert Admission.objects.count() == 1


@pytest.fixture
def without_the_unique_index(transactional_db):
    with owner_cursor() as cursor:
        cursor.execute("DROP INDEX ticket_admitted_once")
        # ON CONFLICT needs an index to name; this one never applies.
        cursor.execute("CREATE UNIQUE INDEX never_conflicts ON checkin_admission (ticket_id, id)")
        yield
        cursor.execute("TRUNCATE checkin_admission")
        cursor.execute("DROP INDEX never_conflicts")
        cursor.execute(
            "CREATE UNIQUE INDEX ticket_admitted_once ON checkin_admission (ticket_id)"
            " WHERE undone_at IS NULL"
        )


@pytest.mark.django_db(transaction=True)
def test_without_the_unique_index_the_ticket_is_in_more_than_once(
    kikker, ticket, without_the_unique_index, monkeypatch
):
    """Negative control: this race can be lost."""
    monkeypatch.setattr(
        "checkin.operations._ADMIT",
        operations._ADMIT.replace("(ticket_id) WHERE undone_at IS NULL", "(ticket_id, id)"),
    )

    answers = scans(kikker, ticket)

    assert sum(isinstance(answer, Admitted) for answer in answers) == 8
    assert Admission.objects.count() == 8


def test_a_hold_is_no_ticket(kikker):
    reserve_tickets(kikker.event, selection={kikker.free.code: 1})

    assert door_count(kikker.event).expected == 0


# At its time ----------------------------------------------------------------------------------


@pytest.fixture
def slot(kikker, ticket):
    """The ticket is for a quarter of an hour in two days, with five minutes of grace."""
    starts_at = (clock.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    time_slot = TimeSlot.objects.create(
        event=kikker.event,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=15),
        grace_minutes=5,
    )
    ticket.slot = time_slot
    ticket.save(update_fields=["slot"])
    return time_slot


@pytest.mark.parametrize("minutes", [-5, 0, 14, 19])
def test_in_its_slot_and_its_grace_a_ticket_is_let_in(kikker, ticket, slot, minutes):
    with time_machine.travel(slot.starts_at + timedelta(minutes=minutes), tick=False):
        assert admit_ticket(kikker.event, ticket.code, by=kikker.scanner).ticket == ticket


@pytest.mark.parametrize(("minutes", "is_early"), [(-5.1, True), (20, False)])
def test_outside_of_its_slot_it_is_refused_and_says_when(kikker, ticket, slot, minutes, is_early):
    with time_machine.travel(slot.starts_at + timedelta(minutes=minutes), tick=False):
        wrong = refused(WrongSlot, kikker, qr_of(ticket))

    assert wrong.is_early is is_early
    word = "Too early: this ticket is for " if is_early else "Too late: this ticket was for "
    assert str(wrong).startswith(word)


def test_on_another_day_than_its_types_it_is_refused(kikker, ticket):
    today = kikker.event.local(clock.now()).date()
    TicketType.objects.filter(pk=ticket.ticket_type_id).update(days=[today + timedelta(days=1)])

    wrong = refused(WrongDay, kikker, ticket.code)
    with time_machine.travel(clock.now() + timedelta(days=1)):
        admit_ticket(kikker.event, ticket.code, by=kikker.scanner)

    assert str(wrong).startswith("Not today: this ticket is for ")


def begins_in(house, **time):
    house.event = change_event(
        house.event, by=house.owner, starts_at=clock.now() + timedelta(**time)
    )
    return house.event


@pytest.mark.parametrize("time", [{"days": 60}, {"hours": 12, "seconds": 30}])
def test_long_before_the_event_nobody_is_let_in_unless_that_is_meant(kikker, ticket, time):
    Event.objects.update(ends_at=clock.now() + timedelta(days=90))
    kikker.event.refresh_from_db()
    begins_in(kikker, **time)

    for text in (ticket.code, qr_of(ticket)):
        early = refused(TooEarly, kikker, text)
    assert str(early).startswith("Too early: this event begins on ")
    assert early.facts["opens_at"] == kikker.event.starts_at - timedelta(hours=12)

    admitted = admit_ticket(kikker.event, ticket.code, by=kikker.owner, early=True)
    assert admitted.ticket == ticket


@pytest.mark.parametrize("hours", [11.9, 0.1, -3])
def test_on_the_day_of_the_event_its_door_is_open(kikker, ticket, hours):
    begins_in(kikker, hours=hours)

    assert admit_ticket(kikker.event, ticket.code, by=kikker.scanner).ticket == ticket


def test_whose_ticket_says_when_is_let_in_then_long_before_the_event_too(kikker, ticket):
    begins_in(kikker, days=20)
    today = kikker.event.local(clock.now()).date()
    TicketType.objects.filter(pk=ticket.ticket_type_id).update(days=[today])

    assert admit_ticket(kikker.event, ticket.code, by=kikker.scanner).ticket == ticket


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (EventStatus.DRAFT, EventNotPublished),
        (EventStatus.CANCELLED, EventCancelled),
        (EventStatus.ARCHIVED, EventArchived),
    ],
)
def test_at_the_door_of_an_event_that_is_not_on_nobody_is_let_in(
    kikker, ticket, status, error, early
):
    Event.objects.filter(pk=kikker.event.pk).update(status=status)

    with pytest.raises(error):
        admit_ticket(kikker.event, ticket.code, by=kikker.owner, early=early)

    assert Admission.objects.count() == 0
