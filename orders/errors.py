"""What orders refuse, and why."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tiqqo.core.errors import DomainError, Invalid


class MethodNotOffered(Invalid):
    code = "method_not_offered"
    field = "payment_method"
    message = _("That way of paying is not offered here. Choose another one.")


class AmountUnclear(Invalid):
    """What was typed as an own price is no amount; `release` is the code of what it was for."""

    code = "amount_unclear"


class CompanyMissing(Invalid):
    code = "company_missing"
    field = "company_name"
    message = _("An invoice needs the name of your company.")


class InvoiceShareUsed(Invalid):
    """`left` is how many places can still be had by invoice."""

    code = "invoice_share_used"
    field = "payment_method"

    def __init__(self, *, left: int) -> None:
        words = ngettext(
            "Only %(count)s place can be ordered by invoice right now. Take fewer, pay by card, or ask the"
            " organiser.",
            "Only %(count)s places can be ordered by invoice right now. Take fewer, pay by card, or ask the"
            " organiser.",
            left,
        )
        none = _("No place can be ordered by invoice right now. Pay by card, or ask the organiser.")
        super().__init__(words % {"count": left} if left else none, left=left)


class TooManyAddresses(Invalid):
    code = "too_many_addresses"
    field = "email"
    message = _("You have tried several addresses. Use one of those, or get the tickets anew.")


class AddressLinkOver(DomainError):
    code = "address_link_over"
    status = 410
    message = _("This link does not work any more. If you still want the tickets, get them anew.")


class AddressAwaited(DomainError):
    code = "address_awaited"
    message = _("The buyer has not confirmed the address yet. Until then nothing is ordered.")


class AlreadyAccepted(DomainError):
    code = "already_accepted"
    message = _("This order is accepted already.")


class DueTooSoon(Invalid):
    code = "due_too_soon"
    field = "due_on"
    message = _("Choose a day from tomorrow on, or none at all.")


class OrderAlreadyPlaced(DomainError):
    """The reservation already became an order that is confirmed."""

    code = "order_already_placed"
    message = _("This order is already placed.")


class PaymentUnavailable(DomainError):
    code = "payment_unavailable"
    status = 503
    message = _(
        "The payment page does not answer. You have not been charged and your tickets are still"
        " held: please try again."
    )


class PaymentRefused(Invalid):
    """The provider will not take this payment, however often it is asked; `reason` is its own word."""

    code = "payment_refused"
    field = "payment_method"

    def __init__(self, *, reason: str = "") -> None:
        words = _("This order cannot be paid by card, and nothing was charged.")
        way_on = _("Choose another way to pay, or ask the organiser.")
        said = f"{reason.rstrip('.')}." if reason else ""
        super().__init__(" ".join(filter(None, [str(words), said, str(way_on)])), reason=reason)


class PaymentAlreadyOpen(DomainError):
    code = "payment_already_open"
    message = _("A payment is being opened for this order. Try again in a moment.")


class HoldChanged(DomainError):
    """What is held is not what was ordered: somebody changed it after the order was placed."""

    code = "hold_changed"
    message = _("Your tickets were changed in another window. Open this page anew to see them.")


class NotAnInvoiceOrder(DomainError):
    code = "not_an_invoice_order"
    message = _("Only an order that is paid by invoice can be marked like this.")


class AlreadySettled(DomainError):
    code = "already_settled"
    message = _("This order is already settled.")


class OrderOver(DomainError):
    code = "order_over"
    message = _("This order is cancelled.")


class PaidOrdersAreRefunded(DomainError):
    code = "paid_orders_are_refunded"
    message = _("This order is paid. Refund it instead of cancelling it.")


class SubstituteOver(DomainError):
    """Taken, declined or lapsed by now."""

    code = "substitute_over"
    message = _("These tickets are not held for you any more.")


class NothingToSend(DomainError):
    code = "nothing_to_send"
    message = _("This order has no tickets yet, so there is nothing to send.")


class TicketNotReplaceable(DomainError):
    """It is void, or was replaced as often as a code can tell."""

    code = "ticket_not_replaceable"
    message = _("This ticket cannot get a new code.")


class RefundExceedsPayment(Invalid):
    code = "refund_exceeds_payment"
    field = "amount"
    message = _("That is more than what is left of the payment.")
