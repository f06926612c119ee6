"""What orders refuse, and why."""

from django.utils.translation import gettext_lazy as _

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
