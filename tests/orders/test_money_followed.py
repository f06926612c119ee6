"""What the provider does later, or by other hands: refunds, disputes, money that nobody knows."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from checkin.errors import VoidTicket
from checkin.operations import find_ticket
from orders import payments
from orders.models import (
    Delivery,
    DeliveryKind,
    Dispute,
    DisputeStatus,
    EventOutcome,
    Order,
    OrderStatus,
    Payment,
    ProviderEvent,
    Refund,
    RefundReason,
    RefundStatus,
    UnmatchedPayment,
)
from orders.operations import (
    confirm_payment,
    follow_refund,
    note_refund_failure,
    request_refund,
    store_event,
)
from orders.provider_events import NotYet
from orders.providers import ProviderRefusal
from orders.providers.base import RefundProgress
from orders.tasks import (
    fetch_provider_events,
    handle_provider_event,
    refund_at_provider,
    sweep_money,
)
from payouts.queries import pending_balance
from tests.orders.test_paying import (
    COMPLETED,
    REFUND,
    actions_of,
    after_the_hold,
    assert_settled,
    come_back,
    give_back,
    postings,
    report,
    stock,
)
from tiqqo.core import clock
from tiqqo.core.money import Money

FAILED, PENDING, SUCCEEDED = (
    RefundProgress.FAILED,
    RefundProgress.PENDING,
    RefundProgress.SUCCEEDED,
)


def told(notice):
    """The webhook's inbox, then the worker."""
    stored = store_event(notice)
    if stored is not None:
        handle_provider_event(stored.pk)
    return stored


def mails():
    return list(Delivery.objects.order_by("id").values_list("kind", flat=True))


def clearing():
    return sum(amount for _kind, account, amount in postings() if account == "clearing")


@pytest.fixture
def paid(kikker, provider):
    """(order, payment) of two Regular tickets, € 51.98 in all, settled."""
    order, payment = kikker.begin_payment(2)
    provider.pay(payment.session_id)
    come_back(payment)
    payment.refresh_from_db()
    order.refresh_from_db()
    return order, payment


# Refunds made elsewhere -------------------------------------------------------------------


def test_whole_refund_made_in_the_providers_dashboard_ends_the_order(kikker, paid, provider):
    order, payment = paid
    codes = list(order.tickets.values_list("code", flat=True))
    state = provider.refund_elsewhere(payment.session_id, order.total)

    told(provider.refund_notice(state, "refund.created"))

    order.refresh_from_db()
    payment.refresh_from_db()
    refund = Refund.objects.get()
    assert (refund.reason, refund.status) == (RefundReason.ELSEWHERE, RefundStatus.SUCCEEDED)
    assert (order.stage, order.refunded_minor, payment.refunded_minor) == ("refunded", 5198, 5198)
    assert stock() == (0, 0)
    assert (clearing(), pending_balance("EUR")) == (0, Money(0, "EUR"))
    for code in codes:
        with pytest.raises(VoidTicket):
            find_ticket(kikker.event, code)
    assert mails() == ["tickets", "refunded"]
    assert actions_of(order)[-3:] == ["order.given_back", "refund.elsewhere", "refund.succeeded"]


def test_part_refund_made_elsewhere_leaves_the_tickets(paid, provider):
    order, payment = paid
    state = provider.refund_elsewhere(payment.session_id, Money(1000, "EUR"))

    told(provider.refund_notice(state))

    order.refresh_from_db()
    assert (order.stage, order.refunded_minor) == ("settled", 1000)
    assert order.tickets.valid().count() == 2


def test_whole_refund_asked_for_here_ends_the_order_at_once(kikker, paid):
    order, payment = paid

    give_back(payment, 5198, kikker.owner)

    order.refresh_from_db()
    assert (order.status, order.tickets.valid().count()) == (OrderStatus.CANCELED, 0)
    assert stock() == (0, 0)


def test_refund_that_was_made_elsewhere_in_the_meantime_is_not_made_again(
    kikker, paid, provider, queue, committing
):
    order, payment = paid
    with committing():
        refund = give_back(payment, 5198, kikker.owner)
    provider.refund_elsewhere(payment.session_id, order.total)

    queue.work(committing)

    refund.refresh_from_db()
    payment.refresh_from_db()
    assert refund.status == RefundStatus.CANCELED
    assert (payment.refunded_minor, len(provider.refunded)) == (5198, 1)
    assert (clearing(), Refund.objects.count()) == (0, 2)
    assert "refund.not_needed" in actions_of(order)


def test_part_of_surplus_money_that_went_back_elsewhere_leaves_the_rest_to_us(
    kikker, paid, provider, queue, committing
):
    """Paid twice: somebody at the provider gave a part of the second payment back by hand."""
    order, _payment = paid
    provider.took("pi_second", order.total)
    second = Payment.objects.create(
        order=order, attempt=2, amount_minor=order.total_minor, currency="EUR"
    )
    with committing():
        confirm_payment(second, paid=order.total, intent_id="pi_second")
    provider._make_refund("pi_second", Money(1000, "EUR"))

    queue.work(committing)

    second.refresh_from_db()
    order.refresh_from_db()
    assert second.refunded_minor == order.total_minor
    assert (order.status, order.refunded_minor) == (OrderStatus.PAID, 0)
    assert clearing() == order.total_minor


def test_order_that_ended_by_refunds_at_both_sides_keeps_no_cent(
    kikker, paid, provider, queue, committing
):
    """Half was given back there and more than half is asked for here: the order is over, the rest goes."""
    order, payment = paid
    told(provider.refund_notice(provider.refund_elsewhere(payment.session_id, Money(2600, "EUR"))))
    refundable = Refund.objects.create(
        payment=payment, amount_minor=2599, reason=RefundReason.REQUESTED
    )
    told(provider.refund_notice(provider.refund_elsewhere(payment.session_id, Money(1, "EUR"))))
    order.refresh_from_db()
    assert order.is_over

    with committing():
        refund_at_provider(refundable.pk, organiser_id=kikker.organiser.pk)
    queue.work(committing)

    payment.refresh_from_db()
    assert (payment.left_minor, clearing()) == (0, 0)


# Refunds that take their time -------------------------------------------------------------


def test_pending_refund_is_a_state_and_never_a_reason_to_create_it_again(
    kikker, paid, provider, queue, committing
):
    order, payment = paid
    provider.refund_progress = PENDING
    with committing():
        refund = give_back(payment, 5198, kikker.owner)
    queue.work(committing)

    refund.refresh_from_db()
    assert (refund.status, refund.provider_id) == (RefundStatus.PROCESSING, "re_test_1")
    assert postings()[3:] == []
    for hours in (1, 8, 30, 80):
        with time_machine.travel(clock.now() + timedelta(hours=hours)):
            sweep_money()
            queue.work(committing)
    assert (len(provider.refunded), provider.calls.count("refund")) == (1, 1)

    told(provider.refund_notice(provider.move_refund(provider.made[0], SUCCEEDED)))
    refund.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, order.stage, clearing()) == (RefundStatus.SUCCEEDED, "refunded", 0)


def test_refund_that_fails_after_it_succeeded_is_undone_and_everybody_learns_it(
    kikker, paid, provider, queue, committing
):
    order, payment = paid
    with committing():
        refund = give_back(payment, 2599, kikker.owner)
    queue.work(committing)
    assert clearing() == 5198 - 2599

    moved = provider.move_refund(provider.made[0], FAILED, "lost_or_stolen_card")
    told(provider.refund_notice(moved, "refund.failed"))

    refund.refresh_from_db()
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, refund.last_failure) == (RefundStatus.FAILED, "lost_or_stolen_card")
    assert (payment.refunded_minor, order.refunded_minor, clearing()) == (0, 0, 5198)
    assert pending_balance("EUR") == Money(5000, "EUR")
    assert mails()[-1] == DeliveryKind.REFUND_FAILED
    # Given back after all, in another way or once more.
    with committing():
        give_back(payment, 5198, kikker.owner)


@pytest.mark.parametrize(
    "order_of_arrival",
    [[PENDING, SUCCEEDED], [SUCCEEDED, PENDING], [SUCCEEDED, PENDING, SUCCEEDED]],
)
def test_older_word_after_a_newer_one_moves_nothing_back(paid, provider, order_of_arrival):
    order, payment = paid
    provider.refund_progress = PENDING
    state = provider.refund_elsewhere(payment.session_id, Money(1000, "EUR"))
    for number, progress in enumerate(order_of_arrival):
        told(provider.refund_notice(provider.move_refund(state, progress), number=number))

    order.refresh_from_db()
    assert (Refund.objects.get().status, order.refunded_minor) == (RefundStatus.SUCCEEDED, 1000)
    assert clearing() == 4198


def test_failure_is_the_last_word(paid, provider):
    _order, payment = paid
    state = provider.refund_elsewhere(payment.session_id, Money(1000, "EUR"))
    told(provider.refund_notice(provider.move_refund(state, FAILED, "expired_or_canceled_card")))
    told(provider.refund_notice(state, number=2))

    assert (Refund.objects.get().status, clearing()) == (RefundStatus.FAILED, 5198)


def test_database_refuses_to_reopen_a_refund_that_succeeded(kikker, paid, queue, committing):
    _order, payment = paid
    with committing():
        give_back(payment, 100, kikker.owner)
    queue.work(committing)
    with pytest.raises(IntegrityError, match=r"cannot become"), transaction.atomic():
        Refund.objects.update(status=RefundStatus.PROCESSING)


def test_refund_whose_answer_was_lost_is_found_when_its_key_is_forgotten(
    kikker, paid, provider, queue, committing
):
    """More than a day later the same key would make a second refund."""
    _order, payment = paid
    provider.loses_answers = True
    with committing():
        refund = give_back(payment, 2599, kikker.owner)
    queue.work(committing)
    provider.loses_answers, provider.forgets_keys = False, True

    with time_machine.travel(clock.now() + timedelta(hours=30)):
        sweep_money()
        queue.work(committing)

    refund.refresh_from_db()
    assert (refund.status, len(provider.refunded)) == (RefundStatus.SUCCEEDED, 1)


def test_refund_that_the_provider_refuses_for_good_is_not_asked_for_again(
    kikker, paid, provider, queue, committing
):
    order, payment = paid
    provider.refuses = ProviderRefusal("The charge is disputed.", code="charge_disputed")
    with committing():
        refund = give_back(payment, 5198, kikker.owner)
    queue.work(committing)

    refund.refresh_from_db()
    assert (refund.status, refund.last_failure) == (RefundStatus.FAILED, "The charge is disputed.")
    assert "refund.failed" in actions_of(order)
    with time_machine.travel(clock.now() + timedelta(days=3)):
        sweep_money()
    assert REFUND not in queue.names


def test_too_little_at_the_provider_is_tried_again(kikker, paid, provider, queue, committing):
    _order, payment = paid
    provider.refuses = ProviderRefusal("Insufficient funds.", code="balance_insufficient")
    with committing():
        refund = give_back(payment, 100, kikker.owner)
    queue.work(committing)

    refund.refresh_from_db()
    assert (refund.status, refund.attempts) == (RefundStatus.REQUESTED, 1)


def test_refund_at_the_provider_is_never_given_up_for_silence(kikker, paid, provider):
    _order, payment = paid
    refund = give_back(payment, 100, kikker.owner)
    Refund.objects.update(provider_id="re_1", status=RefundStatus.PROCESSING, attempts=50)
    refund.refresh_from_db()

    note_refund_failure(refund, message="silent")

    refund.refresh_from_db()
    assert refund.status == RefundStatus.PROCESSING


@pytest.mark.parametrize("parts", [[1733, 1733, 1732], [1, 1, 5196], [5197, 1], [52] * 99 + [50]])
def test_fees_of_part_refunds_add_up_to_the_fee(kikker, paid, provider, parts):
    _order, payment = paid
    assert sum(parts) == 5198
    for part in parts:
        payments.send_refund(give_back(payment, part, kikker.owner))

    assert sum(Refund.objects.values_list("fee_minor", flat=True)) == 198
    sums = {}
    for _kind, account, amount in postings():
        sums[account] = sums.get(account, 0) + amount
    assert sums == {"clearing": 0, "pending": 0, "platform_fees": 0}


def test_fee_of_an_undone_refund_comes_back_to_the_cent(kikker, paid, provider):
    _order, payment = paid
    payments.send_refund(give_back(payment, 1733, kikker.owner))
    told(provider.refund_notice(provider.move_refund(provider.made[0], FAILED, "x")))
    payments.send_refund(give_back(payment, 5198, kikker.owner))

    sums = {}
    for _kind, account, amount in postings():
        sums[account] = sums.get(account, 0) + amount
    assert sums == {"clearing": 0, "pending": 0, "platform_fees": 0}


# Disputes ---------------------------------------------------------------------------------


def test_open_dispute_is_in_the_ledger_and_the_tickets_stay(paid, provider):
    order, payment = paid

    told(
        provider.dispute_notice(payment.session_id, "needs_response", kind="charge.dispute.created")
    )

    order.refresh_from_db()
    assert (order.stage, order.tickets.valid().count()) == ("settled", 2)
    assert (clearing(), pending_balance("EUR")) == (0, Money(0, "EUR"))
    assert actions_of(order)[-1] == "dispute.opened"
    payment.refresh_from_db()
    with pytest.raises(Exception, match="more than what is left"):
        request_refund(payment, amount=Money(1, "EUR"), reason=RefundReason.REQUESTED, by=None)


@pytest.mark.parametrize("repeats", [1, 3])
def test_won_dispute_brings_the_money_back_once(paid, provider, repeats):
    order, payment = paid
    for number in range(repeats):
        told(provider.dispute_notice(payment.session_id, "needs_response", number=number))
        told(provider.dispute_notice(payment.session_id, "won", number=number))

    assert Dispute.objects.get().status == DisputeStatus.WON
    assert (clearing(), pending_balance("EUR")) == (5198, Money(5000, "EUR"))
    assert actions_of(order).count("dispute.won") == 1


def test_lost_dispute_ends_the_order(paid, provider):
    order, payment = paid
    told(provider.dispute_notice(payment.session_id, "lost", kind="charge.dispute.closed"))
    told(provider.dispute_notice(payment.session_id, "under_review"))

    order.refresh_from_db()
    assert (order.stage, order.tickets.valid().count(), stock()) == ("refunded", 0, (0, 0))
    assert (Dispute.objects.get().status, clearing()) == (DisputeStatus.LOST, 0)


def test_inquiry_takes_no_money_until_it_becomes_a_dispute(paid, provider):
    _order, payment = paid
    told(provider.dispute_notice(payment.session_id, "warning_needs_response"))
    assert clearing() == 5198
    told(provider.dispute_notice(payment.session_id, "needs_response"))
    assert clearing() == 0
    told(provider.dispute_notice(payment.session_id, "won"))
    assert clearing() == 5198


def test_inquiry_that_closes_gives_back_nothing_that_was_not_taken(paid, provider):
    _order, payment = paid
    told(provider.dispute_notice(payment.session_id, "warning_needs_response"))
    told(provider.dispute_notice(payment.session_id, "warning_closed"))

    assert (Dispute.objects.get().status, clearing()) == (DisputeStatus.WON, 5198)


# Money that nothing is owed for -----------------------------------------------------------


def test_second_success_for_a_paid_order_is_in_the_ledger_and_goes_back(
    paid, provider, queue, committing
):
    order, payment = paid
    provider.took("pi_other", order.total)

    with committing():
        confirm_payment(payment, paid=order.total, intent_id="pi_other")
        confirm_payment(payment, paid=order.total, intent_id="pi_other")
    assert clearing() == 2 * 5198
    queue.work(committing)

    assert_settled(order, payment)
    assert (clearing(), Payment.objects.count()) == (5198, 2)
    assert Refund.objects.get().reason == RefundReason.PAID_TWICE
    assert "payment.not_accepted" in actions_of(order)


def forgotten(order):
    """As after a restore from a backup that was made before the order."""
    with transaction.atomic():
        for table in ("Substitute", "Delivery"):
            getattr(
                order, f"{table.lower()}s" if table == "Substitute" else "deliveries"
            ).all().delete()
        Payment.objects.filter(order=order).delete()
        order.lines.all().delete()
        Order.objects.filter(pk=order.pk).delete()


def test_money_of_an_order_that_a_restore_forgot_is_kept_shown_and_given_back(
    kikker, provider, queue, committing
):
    order, payment = kikker.begin_payment(2)
    page = provider.pay(payment.session_id)
    notice = provider.notice(payment.session_id, COMPLETED)
    forgotten(order)
    # The numbers are given out again.
    newer, newer_payment = kikker.begin_payment(2)

    stored = told(notice)

    stored.refresh_from_db()
    newer.refresh_from_db()
    newer_payment.refresh_from_db()
    unmatched = UnmatchedPayment.objects.get()
    assert stored.outcome == EventOutcome.UNMATCHED
    assert (newer.status, newer_payment.status) == (OrderStatus.INITIATED, "processing")
    assert (unmatched.intent_id, unmatched.amount) == (page.intent_id, Money(5198, "EUR"))

    sweep_money()
    assert provider.refunded == []  # time for somebody to look
    with time_machine.travel(clock.now() + timedelta(minutes=90)):
        sweep_money()
        queue.work(committing)
        sweep_money()
        queue.work(committing)
    unmatched.refresh_from_db()
    assert provider.refunded == [(page.intent_id, Money(5198, "EUR"))]
    assert unmatched.refunded_at is not None


def test_unmatched_money_that_somebody_gave_back_by_hand_is_not_given_back_twice(
    kikker, provider, queue, committing
):
    order, payment = kikker.begin_payment(2)
    page = provider.pay(payment.session_id)
    notice = provider.notice(payment.session_id, COMPLETED)
    forgotten(order)
    told(notice)
    state = provider.refund_elsewhere(payment.session_id, Money(5198, "EUR"))

    told(provider.refund_notice(state))

    assert UnmatchedPayment.objects.get().refund_id == state.refund_id
    with time_machine.travel(clock.now() + timedelta(days=1)):
        sweep_money()
        queue.work(committing)
    assert provider.refunded == [(page.intent_id, Money(5198, "EUR"))]


def test_dispute_that_never_matches_anything_is_named_after_a_while(kikker, provider):
    provider.took("pi_foreign", Money(100, "EUR"))
    stored = store_event(provider.dispute_notice("cs_foreign", "needs_response"))
    with pytest.raises(NotYet):
        handle_provider_event(stored.pk)

    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        handle_provider_event(stored.pk)

    stored.refresh_from_db()
    assert stored.outcome == EventOutcome.UNMATCHED


def test_money_of_others_who_use_the_same_account_is_left_alone(kikker, provider):
    order, payment = kikker.begin_payment(2)
    provider.pay(payment.session_id)
    notice = provider.notice(payment.session_id, COMPLETED)
    forgotten(order)
    notice.payload["data"]["object"]["metadata"] = {"shop": "somebody else's"}

    stored = told(notice)

    stored.refresh_from_db()
    assert (stored.outcome, UnmatchedPayment.objects.count()) == (EventOutcome.IGNORED, 0)


def test_refund_event_that_is_ahead_of_its_payment_is_applied_when_that_is_here(kikker, provider):
    order, payment = kikker.begin_payment(2)
    provider.pay(payment.session_id)
    state = provider.refund_elsewhere(payment.session_id, order.total)
    ahead = store_event(provider.refund_notice(state))
    with pytest.raises(NotYet):
        handle_provider_event(ahead.pk)

    report(provider, payment, COMPLETED)
    handle_provider_event(ahead.pk)

    order.refresh_from_db()
    assert (order.stage, clearing()) == ("refunded", 0)


def test_events_that_no_webhook_brought_are_fetched(kikker, paid, provider, queue, committing):
    order, payment = paid
    state = provider.refund_elsewhere(payment.session_id, order.total)
    provider.events = [provider.refund_notice(state), provider.refund_notice(state, number=2)]

    assert fetch_provider_events() == 2
    assert fetch_provider_events() == 0
    queue.work(committing)

    order.refresh_from_db()
    assert order.stage == "refunded"
    assert set(ProviderEvent.objects.values_list("outcome", flat=True)) == {"applied"}


def test_silent_provider_is_no_error_of_the_fetching(provider, db):
    provider.is_down = True

    assert fetch_provider_events() == 0


def test_refund_of_a_restored_payment_is_followed_by_its_own_identity(kikker, paid, provider):
    """A refund row that has the number of another one is not taken for it."""
    order, payment = paid
    ours = give_back(payment, 100, kikker.owner)
    state = provider.refund_elsewhere(payment.session_id, Money(200, "EUR"))

    follow_refund(payment, state)

    ours.refresh_from_db()
    assert (ours.status, ours.provider_id) == (RefundStatus.REQUESTED, "")
    order.refresh_from_db()
    assert order.refunded_minor == 200


def test_late_money_ends_where_it_should_although_the_webhook_is_repeated(
    kikker, provider, sweep, queue, committing
):
    order, payment = kikker.begin_payment(2)
    provider.pay(payment.session_id)
    with after_the_hold(order):
        sweep()
        for number in range(3):
            report(provider, payment, COMPLETED, number=number)
    assert_settled(order, payment)
    assert clearing() == 5198
