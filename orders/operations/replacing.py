"""A ticket has a new code, and the one before is dead."""

from django.db import transaction

from orders.codes import LAST_GENERATION
from orders.errors import TicketNotReplaceable
from orders.locks import lock_order
from orders.models import ReplacedCode, Ticket, TicketStatus
from orders.operations.issuing import TICKET_CODE_LENGTH
from tiqqo.core import audit, clock
from tiqqo.core.audit import Actor
from tiqqo.core.codes import new_code


@transaction.atomic
def replace_code(ticket: Ticket, *, by: Actor) -> Ticket:
    """The ticket is of the next generation, with a QR and letters of its own; the door tells whoever
    brings the earlier ones that they were replaced. Each call replaces once more.

    Raises TicketNotReplaceable.
    """
    lock_order(ticket.order_id)
    replaced: Ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.pk)
    now = clock.now()
    if replaced.status != TicketStatus.VALID or replaced.generation >= LAST_GENERATION:
        raise TicketNotReplaceable
    ReplacedCode.objects.create(
        ticket=replaced, generation=replaced.code_generation, code=replaced.code, replaced_at=now
    )
    replaced.generation += 1
    replaced.code, replaced.code_generation = new_code(TICKET_CODE_LENGTH), replaced.generation
    replaced.save(update_fields=["generation", "code", "code_generation"])
    audit.record(replaced, "ticket.code_replaced", by=by, generation=replaced.generation)
    return replaced
