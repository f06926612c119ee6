"""What ticketing refuses, and why."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tiqqo.core.errors import DomainError, Invalid
from tiqqo.core.money import Money


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


class TooManyHeld(DomainError):
    """Who asks keeps as many places from others, unpaid, as one may. `held` is how many of a pool."""

    code = "too_many_held"
    status = 429

    def __init__(self, *, held: int) -> None:
        message = ngettext(
            "From your connection %(count)s place of this event is being held and not bought yet."
            " Finish or cancel that order first, or try again in a few minutes.",
            "From your connection %(count)s places of this event are being held and not bought yet."
            " Finish or cancel those orders first, or try again in a few minutes.",
            held,
        )
        super().__init__(message % {"count": held}, held=held)


class ProofNeeded(DomainError):
    """Who asks holds a good part of what one may, and shows first that they are in earnest."""

    code = "proof_needed"
    status = 429
    message = gettext_lazy(
        "Many places are being held from your connection. Please confirm that you want these tickets."
    )


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
        super().__init__(
            message % {"limit": limit, "subject": subject}, limit=limit, subject=subject
        )


class TooManyPeople(Invalid):
    code = "too_many_people"

    def __init__(self, *, limit: int) -> None:
        message = _("One order is for at most %(limit)s people. Make several orders of it.")
        super().__init__(message % {"limit": limit}, limit=limit)


class TooFewTickets(Invalid):
    code = "too_few_tickets"

    def __init__(self, *, minimum: int, subject: str) -> None:
        message = _("%(subject)s: at least %(minimum)s in one order.")
        super().__init__(
            message % {"minimum": minimum, "subject": subject}, minimum=minimum, subject=subject
        )


class TooManyForOnePerson(Invalid):
    """`left` is how many more this e-mail address may buy."""

    code = "too_many_for_one_person"
    field = "email"

    def __init__(self, *, limit: int, left: int, subject: str) -> None:
        message = (
            ngettext(
                "%(subject)s: at most %(limit)s for one e-mail address, and %(left)s more can be"
                " bought with this one.",
                "%(subject)s: at most %(limit)s for one e-mail address, and %(left)s more can be"
                " bought with this one.",
                left,
            )
            if left
            else _("%(subject)s: at most %(limit)s for one e-mail address, and this one has them.")
        )
        facts = {"limit": limit, "left": left, "subject": subject}
        super().__init__(message % facts, **facts)


class OptionMissing(Invalid):
    code = "option_missing"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s: choose one of its prices.") % {"subject": subject}, subject=subject
        )


class OptionUnknown(Invalid):
    """One of several prices was asked for of a type that has one."""

    code = "option_unknown"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s has one price only. Choose how many once more.") % {"subject": subject},
            subject=subject,
        )


class SeveralPrices(Invalid):
    """Where buyers pay what they want, all of one order have one price."""

    code = "several_prices"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s: name one price for all of them.") % {"subject": subject},
            subject=subject,
        )


class PriceRose(DomainError):
    """More was asked for than is held at the old price. `price` is what one costs now."""

    code = "price_rose"

    def __init__(self, *, subject: str, price: Money, held: int) -> None:
        message = ngettext(
            "%(subject)s costs %(price)s now. The one that you hold keeps its price; buy more in"
            " another order.",
            "%(subject)s costs %(price)s now. The %(held)s that you hold keep their price; buy more in"
            " another order.",
            held,
        )
        facts = {"subject": subject, "price": price, "held": held}
        super().__init__(message % facts, **facts)


class SeveralSlots(Invalid):
    code = "several_slots"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s: choose one time for all of them.") % {"subject": subject},
            subject=subject,
        )


class SlotMissing(Invalid):
    code = "slot_missing"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s: choose the time of your visit.") % {"subject": subject},
            subject=subject,
        )


class SlotClosed(DomainError):
    code = "slot_closed"
    message = gettext_lazy("That time can no longer be chosen. Choose another one.")


class PriceTooLow(Invalid):
    """Less was offered than a pay-what-you-want ticket costs at least."""

    code = "price_too_low"

    def __init__(self, *, subject: str, minimum: Money) -> None:
        message = _("%(subject)s: give %(minimum)s or more.")
        super().__init__(
            message % {"subject": subject, "minimum": minimum}, subject=subject, minimum=minimum
        )


class PriceTooHigh(Invalid):
    code = "price_too_high"

    def __init__(self, *, subject: str, maximum: Money) -> None:
        message = _("%(subject)s: give %(maximum)s at most.")
        super().__init__(
            message % {"subject": subject, "maximum": maximum}, subject=subject, maximum=maximum
        )


class TooLittleForCard(Invalid):
    """What is chosen costs something, and less than one card payment may be."""

    code = "too_little_for_card"

    def __init__(self, *, total: Money, minimum: Money) -> None:
        message = _(
            "That comes to %(total)s, and a card payment is at least %(minimum)s. Choose something more."
        )
        super().__init__(
            message % {"total": total, "minimum": minimum}, total=total, minimum=minimum
        )


class TooMuchForCard(Invalid):
    """What is chosen costs more than one card payment may be."""

    code = "too_much_for_card"

    def __init__(self, *, total: Money, maximum: Money) -> None:
        message = _(
            "That comes to %(total)s, and a card payment is at most %(maximum)s. Choose less, or ask the"
            " organiser for an invoice."
        )
        super().__init__(
            message % {"total": total, "maximum": maximum}, total=total, maximum=maximum
        )


class CodeRefused(Invalid):
    """The code cannot be used for this; `text` is the code."""

    code = "code_refused"
    field = "code"
    sentence: Promise | str = ""

    def __init__(self, *, text: str, **facts: Any) -> None:
        super().__init__(str(self.sentence) % {"text": text, **facts}, text=text, **facts)


class CodeUnknown(CodeRefused):
    code = "code_unknown"
    sentence = gettext_lazy("We do not know the code %(text)s. Check how it is written.")


class CodeTooEarly(CodeRefused):
    code = "code_too_early"
    sentence = gettext_lazy("The code %(text)s is not valid yet. It begins on %(when)s.")


class CodeTooLate(CodeRefused):
    code = "code_too_late"
    sentence = gettext_lazy("The code %(text)s was valid until %(when)s.")


class CodePaused(CodeRefused):
    code = "code_paused"
    sentence = gettext_lazy("The code %(text)s is not in use at the moment.")


class CodeUsedUp(CodeRefused):
    code = "code_used_up"
    sentence = gettext_lazy("The code %(text)s has been used as often as it may be.")


class CodeCoversNothing(CodeRefused):
    code = "code_covers_nothing"
    sentence = gettext_lazy("The code %(text)s does not apply to the tickets you chose.")


class CodeNeedsMore(CodeRefused):
    code = "code_needs_more"
    sentence = gettext_lazy("The code %(text)s applies from %(minimum)s of the tickets it is for.")


class CodeNeedsMoreTickets(CodeRefused):
    code = "code_needs_more_tickets"
    sentence = gettext_lazy("The code %(text)s applies from %(minimum)s tickets it is for.")


class CodeSavesNothing(CodeRefused):
    code = "code_saves_nothing"
    sentence = gettext_lazy("The code %(text)s does not make these tickets cheaper.")


class CodePlacesReturned(CodeRefused):
    """The places that were set aside for its partner are back on sale."""

    code = "code_places_returned"
    sentence = gettext_lazy(
        "The places for the code %(text)s were kept until %(when)s. What is left can be bought"
        " without a code."
    )


class CodeUsedByYou(CodeRefused):
    code = "code_used_by_you"
    field = "email"
    sentence = gettext_lazy(
        "This e-mail address has used the code %(text)s as often as one may: %(limit)s ×."
    )


class PaymentUnderWay(DomainError):
    code = "payment_under_way"
    message = gettext_lazy(
        "Your payment page is open. Finish or leave it before you change your tickets."
    )


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
                "%(count)s place is already sold, held or set aside, so it cannot be less than that.",
                "%(count)s places are already sold, held or set aside, so it cannot be less than that.",
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


# The waitlist ---------------------------------------------------------------------------


class NoWaitlist(DomainError):
    code = "no_waitlist"
    status = 404
    message = gettext_lazy("This event has no waitlist.")


class WaitlistClosed(DomainError):
    code = "waitlist_closed"
    message = gettext_lazy("The waitlist takes nobody new.")


class NothingWished(Invalid):
    code = "nothing_wished"
    field = "wishes"
    message = gettext_lazy("Choose what you wait for.")


class NotSoldOut(Invalid):
    """Places are left of it, so nobody need wait."""

    code = "not_sold_out"
    field = "wishes"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s is not sold out. You can buy it in the shop now.")
            % {"subject": subject},
            subject=subject,
        )


class AlreadyInLine(Invalid):
    """Only whoever confirmed the address hears of it."""

    code = "already_in_line"
    field = "email"
    message = gettext_lazy("This address is in line already.")


class RequestOver(DomainError):
    code = "request_over"
    status = 410
    message = gettext_lazy(
        "This link is over: it was good for a day. Join the waitlist again if you still want to wait."
    )
