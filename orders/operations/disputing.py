"""The buyer's bank takes a payment back, and gives it back when the organiser wins."""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from orders.changes import Change
from orders.locks import lock_payment
from orders.models import Dispute, DisputeStatus, Order, Payment
from orders.operations.changing import record_change
from orders.operations.refunding import buys_tickets, fee_within
from orders.operations.settling import end_order
from orders.providers.base import DisputeProgress, DisputeState
from payouts.operations import book_dispute, book_dispute_won
from tiqqo.core import clock
from tiqqo.core.audit import PROVIDER
from tiqqo.core.money import Money


@transaction.atomic
def follow_dispute(payment: Payment, state: DisputeState) -> Dispute:
    """What the provider says of a dispute is on record: in the ledger, on the order, in its history.

    While it is open the tickets stay valid and the organiser is told; one that is lost for the whole
    price ends the order. A decision stays, whatever older word arrives after it.
    """
    order, payment = lock_payment(payment.pk)
    dispute: Dispute
    dispute, is_new = Dispute.objects.select_for_update(of=("self",)).get_or_create(
        provider_id=state.dispute_id,
        defaults={
            "payment": payment,
            "amount_minor": state.amount.minor,
            "reason": state.reason[:60],
            "due_at": state.due_at,
        },
    )
    if is_new:
        record_change(
            order,
            Change.DISPUTE_OPENED,
            by=PROVIDER,
            amount_minor=state.amount.minor,
            reason=dispute.reason,
        )
    if dispute.status != DisputeStatus.OPEN:
        return dispute
    if state.withdrawn and dispute.fee_minor == 0:
        _book(order, payment, dispute)
    match state.progress:
        case DisputeProgress.WON:
            _win(order, payment, dispute)
        case DisputeProgress.LOST:
            _lose(order, payment, dispute)
    return dispute


def _book(order: Order, payment: Payment, dispute: Dispute) -> None:
    fee = fee_within(dispute, order, payment)
    booked = book_dispute(
        key=f"dispute:{dispute.provider_id}",
        reference=order.code,
        total=dispute.amount,
        platform_fee=Money(fee, payment.currency),
        event_id=order.event_id,
    )
    if booked is not None and fee:
        dispute.fee_minor = fee
        dispute.save(update_fields=["fee_minor"])


def _win(order: Order, payment: Payment, dispute: Dispute) -> None:
    book_dispute_won(
        key=f"dispute-won:{dispute.provider_id}",
        undoes=f"dispute:{dispute.provider_id}",
        reference=order.code,
        total=dispute.amount,
        platform_fee=Money(dispute.fee_minor, payment.currency),
        event_id=order.event_id,
    )
    _close(dispute, DisputeStatus.WON)
    record_change(order, Change.DISPUTE_WON, by=PROVIDER, amount_minor=dispute.amount_minor)


def _lose(order: Order, payment: Payment, dispute: Dispute) -> None:
    _close(dispute, DisputeStatus.LOST)
    if not buys_tickets(payment):
        record_change(order, Change.DISPUTE_LOST, by=PROVIDER, amount_minor=dispute.amount_minor)
        return
    Order.objects.filter(pk=order.pk).update(
        refunded_minor=Least(F("refunded_minor") + dispute.amount_minor, F("total_minor"))
    )
    order.refresh_from_db(fields=["refunded_minor"])
    if order.is_over or order.refunded_minor < order.total_minor:
        record_change(order, Change.DISPUTE_LOST, by=PROVIDER, amount_minor=dispute.amount_minor)
    else:
        end_order(order, Change.DISPUTE_LOST, by=PROVIDER)


def _close(dispute: Dispute, status: DisputeStatus) -> None:
    dispute.status, dispute.closed_at = status, clock.now()
    dispute.save(update_fields=["status", "closed_at"])
