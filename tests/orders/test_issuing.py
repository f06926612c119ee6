"""Tickets and their signed codes."""

import base45
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from events.models import EventKey
from orders.codes import PREFIX, UnreadableCode, new_uid, read_code, ticket_code
from orders.models import Ticket
from orders.operations.issuing import issue_tickets
from tests.cast import DORA, EMIL
from tiqqo.core import audit
from tiqqo.core.codes import CROCKFORD


def key_of(event):
    return EventKey.objects.get(event=event)


def test_an_order_has_exactly_as_many_tickets_as_places(kikker):
    order = kikker.place(
        priced=2, free=3, method="SPONSORED", by=kikker.owner, attendees=(DORA, EMIL)
    )

    tickets = order.tickets.order_by("id")
    assert [(t.ticket_type.name, t.position, t.holder_name) for t in tickets] == [
        ("Regular", 0, "Dora Guest"),
        ("Regular", 1, "Emil Guest"),
        ("Under 12", 0, "Carla Buyer"),
        ("Under 12", 1, "Carla Buyer"),
        ("Under 12", 2, "Carla Buyer"),
    ]
    assert len({t.uid for t in tickets}) == len({t.code for t in tickets}) == 5
    assert all(len(t.code) == 10 and set(t.code) <= set(CROCKFORD) for t in tickets)


def test_tickets_are_issued_once(kikker, queue, committing):
    order = kikker.place_free(2)

    with committing():
        assert issue_tickets(order, list(order.lines.all()), by=audit.SYSTEM) == []
    assert (order.tickets.count(), queue.jobs) == (2, [])


def test_the_database_gives_a_place_one_ticket(kikker):
    ticket = kikker.place_free(1).tickets.get()
    ticket.pk, ticket.uid, ticket.code = None, new_uid(), "0000000000"

    with pytest.raises(IntegrityError, match="ticket_place_once"), transaction.atomic():
        ticket.save(force_insert=True)


def test_a_code_says_which_ticket_and_verifies(kikker):
    ticket = kikker.place_free(1).tickets.get()
    key = key_of(kikker.event)

    text = ticket_code(ticket, key.private_key)
    read = read_code(text)

    assert (read.uid, read.generation) == (ticket.uid, 1)
    assert read.is_signed_by(bytes(key.public_key))
    assert len(text) == len(PREFIX) + 111


def test_a_code_signed_by_another_event_is_not_ours(cast, kikker):
    ticket = kikker.place_free(1).tickets.get()
    with cast.fjord.scope():
        forged = ticket_code(ticket, key_of(cast.fjord.event).private_key)

    assert not read_code(forged).is_signed_by(bytes(key_of(kikker.event).public_key))


def test_another_generation_has_another_code(kikker):
    ticket = kikker.place_free(1).tickets.get()
    key = key_of(kikker.event)
    first = ticket_code(ticket, key.private_key)
    ticket.generation = 2

    second = ticket_code(ticket, key.private_key)

    assert first != second
    assert read_code(second).generation == 2
    assert read_code(second).is_signed_by(bytes(key.public_key))


SIGNING = bytes(range(32))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 255))
def test_every_ticket_can_be_written_and_read(uid, generation):
    read = read_code(ticket_code(Ticket(organiser_id=1, uid=uid, generation=generation), SIGNING))

    assert (read.uid, read.generation) == (uid, generation)


@given(st.integers(0, 73), st.integers(1, 255))
def test_one_changed_byte_does_not_verify(place, change):
    public = Ed25519PrivateKey.from_private_bytes(SIGNING).public_key().public_bytes_raw()
    text = ticket_code(Ticket(organiser_id=1, uid=7, generation=1), SIGNING)
    raw = bytearray(base45.b45decode(text.removeprefix(PREFIX)))
    raw[place] ^= change

    try:
        read = read_code(PREFIX + base45.b45encode(bytes(raw)).decode())
    except UnreadableCode:
        assert place == 0
    else:
        assert not read.is_signed_by(public)


@given(st.one_of(st.text(max_size=200), st.text(alphabet="0123456789ABC $%*+-./:", max_size=130)))
def test_garbage_is_unreadable_and_nothing_worse(text):
    for candidate in (text, PREFIX + text):
        with pytest.raises(UnreadableCode):
            read_code(candidate)
