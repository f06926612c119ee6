"""A ticket with a new code: in its QR, in its letters, and once for each time."""

import pytest

from orders.codes import read_code
from orders.errors import TicketNotReplaceable
from orders.models import ReplacedCode, Ticket
from orders.operations import cancel_order, replace_code
from orders.printed import printed_tickets
from tests.races import at_once
from tiqqo.core import audit

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(kikker):
    return kikker.place_free(1).tickets.get()


def codes_of(ticket):
    return list(
        ReplacedCode.objects.filter(ticket=ticket).order_by("id").values_list("generation", "code")
    )


def test_a_ticket_that_was_never_replaced_keeps_the_letters_that_are_printed(ticket):
    assert (ticket.generation, ticket.code_generation, codes_of(ticket)) == (1, 1, [])


def test_the_next_generation_has_letters_of_its_own(kikker, ticket):
    newer = replace_code(ticket, by=kikker.owner)

    assert (newer.generation, newer.code_generation) == (2, 2)
    assert newer.code != ticket.code
    assert len(newer.code) == 10
    assert codes_of(ticket) == [(1, ticket.code)]
    [entry] = audit.history_of(ticket)
    assert (entry.action, entry.actor_label, entry.data) == (
        "ticket.code_replaced",
        "Ana de Vries",
        {"generation": 2},
    )


def test_what_is_printed_then_has_the_new_code(kikker, ticket):
    newer = replace_code(ticket, by=kikker.owner)

    [printed] = printed_tickets(newer.order)
    assert printed.ticket.code == newer.code
    assert read_code(printed.code).generation == 2


def test_a_void_ticket_gets_no_new_code(kikker, ticket):
    cancel_order(ticket.order, by=kikker.owner)

    with pytest.raises(TicketNotReplaceable):
        replace_code(ticket, by=kikker.owner)

    assert codes_of(ticket) == []


def test_no_more_generations_than_a_code_can_tell(kikker, ticket):
    Ticket.objects.update(generation=255, code_generation=255)

    with pytest.raises(TicketNotReplaceable):
        replace_code(ticket, by=kikker.owner)

    assert codes_of(ticket) == []


@pytest.mark.django_db(transaction=True)
def test_replaced_several_times_at_once_each_code_is_remembered(kikker):
    ticket = kikker.place_free(1).tickets.get()

    answers = at_once(kikker.organiser, *[lambda: replace_code(ticket, by=kikker.owner)] * 4)

    assert sorted(answer.generation for answer in answers) == [2, 3, 4, 5]
    ticket.refresh_from_db()
    assert [generation for generation, _code in codes_of(ticket)] == [1, 2, 3, 4]
    letters = {code for _generation, code in codes_of(ticket)} | {ticket.code}
    assert len(letters) == 5
