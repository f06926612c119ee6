"""Why somebody is not let in. Each reason has its own sentence; the door shows it large."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from tiqqo.core.errors import DomainError


class Refused(DomainError):
    """Red at the door."""

    code = "refused"
    status = 422


class UnknownTicket(Refused):
    code = "unknown"
    status = 404
    message = _("This code is not a ticket of this event.")


class ForgedTicket(Refused):
    code = "forged"
    message = _("This code was not issued by us. Do not let in.")


class OtherEvent(Refused):
    code = "other_event"

    def __init__(self, *, event: str) -> None:
        super().__init__(_("This ticket is for another event: %s.") % event, event=event)


class VoidTicket(Refused):
    code = "void"
    message = _("This ticket was cancelled.")


class ReplacedTicket(Refused):
    code = "replaced"
    message = _("This ticket was replaced by a newer one. Ask for the new code.")


class EventNotPublished(Refused):
    code = "not_published"
    message = _("This event is a draft: nobody is let in before it is published.")


class EventCancelled(Refused):
    code = "event_cancelled"
    message = _("This event was cancelled.")


class EventArchived(Refused):
    code = "event_archived"
    message = _("This event is archived: its door is closed.")


class TooEarly(Refused):
    """Long before the event. Who may manage its orders lets in all the same. `opens_at` is when the
    door opens."""

    code = "too_early"

    def __init__(self, *, begins: str, opens_at: datetime) -> None:
        message = _("Too early: this event begins on %s.") % begins
        super().__init__(message, opens_at=opens_at)


class WrongSlot(Refused):
    """It is for a time slot that has not begun, or is over, its grace included."""

    code = "wrong_slot"

    def __init__(self, *, when: str, is_early: bool) -> None:
        words = (
            _("Too early: this ticket is for %s.")
            if is_early
            else _("Too late: this ticket was for %s.")
        )
        super().__init__(words % when, when=when, is_early=is_early)


class WrongDay(Refused):
    """Its type is for certain days of the event, and today is none of them."""

    code = "wrong_day"

    def __init__(self, *, days: str) -> None:
        super().__init__(_("Not today: this ticket is for %s.") % days, days=days)


class TicketAlreadyAdmitted(DomainError):
    """Amber at the door: when, where and by whom it was let in before."""

    code = "already_admitted"
    message = _("This ticket is already in.")
    at: datetime
    gate: str
    by: str
