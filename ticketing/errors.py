"""What ticketing refuses, and why."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tiqqo.core.errors import DomainError, Invalid


class SoldOut(DomainError):
    """Fewer places are left than were asked for. `available` is what is left of `subject`."""

    code = "sold_out"

    def __init__(self, *, subject: str, requested: int, available: int) -> None:
        if available <= 0:
            message = _("%(subject)s is sold out.") % {"subject": subject}
        else:
            message = ngettext(
                "Only %(count)s place is left for %(subject)s. Choose fewer tickets.",
                "Only %(count)s places are left for %(subject)s. Choose fewer tickets.",
                available,
            ) % {"count": available, "subject": subject}
        super().__init__(message, subject=subject, requested=requested, available=available)


class NothingSelected(Invalid):
    code = "nothing_selected"
    message = gettext_lazy("Choose at least one ticket.")


class TooManyTickets(Invalid):
    code = "too_many_tickets"

    def __init__(self, *, limit: int, subject: str = "") -> None:
        message = (
            _("At most %(limit)s of %(subject)s in one order.")
            if subject
            else _("At most %(limit)s tickets in one order.")
        )
        super().__init__(message % {"limit": limit, "subject": subject}, limit=limit)


class NotOnSale(DomainError):
    code = "not_on_sale"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s is not on sale any more. Look at what is available now.")
            % {"subject": subject},
            subject=subject,
        )


class SalesPaused(DomainError):
    code = "sales_paused"
    message = gettext_lazy("Ticket sales are paused for a moment. Please come back a little later.")


class SalesClosed(DomainError):
    code = "sales_closed"
    message = gettext_lazy("This event sells no tickets at the moment.")


class ReservationOver(DomainError):
    """The hold expired, was canceled or is already an order."""

    code = "reservation_over"
    message = gettext_lazy("Your tickets were held for a limited time, and that time is over.")


class AlreadyExtended(DomainError):
    code = "already_extended"
    message = gettext_lazy("Your time was already extended once.")


class CapBelowSold(Invalid):
    code = "cap_below_sold"
    field = "capacity"

    def __init__(self, *, taken: int) -> None:
        super().__init__(
            ngettext(
                "%(count)s ticket is already sold or held, so it cannot be less than that.",
                "%(count)s tickets are already sold or held, so it cannot be less than that.",
                taken,
            )
            % {"count": taken},
            taken=taken,
        )


class PriceBelowZero(Invalid):
    code = "price_below_zero"
    field = "price"
    message = gettext_lazy("The price cannot be below zero. Write 0 for a free ticket.")


class WindowBackward(Invalid):
    code = "window_backward"
    field = "closes_at"
    message = gettext_lazy("The sale must end after it starts.")


class WindowAfterEvent(Invalid):
    """`field` is the end of the window that lies behind the event's end."""

    code = "window_after_event"

    def __init__(self, *, field: str) -> None:
        super().__init__(_("The event is over by then. Sell until it ends."), field=field)


class NameTaken(Invalid):
    code = "name_taken"
    field = "name"
    message = gettext_lazy("That name is already used here. Choose another one.")


class StillSold(DomainError):
    code = "still_sold"
    message = gettext_lazy("Tickets of it were sold or are held, so it cannot be deleted.")
