"""Money in and money back, with the provider faked at its boundary."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from orders import payments
from orders.errors import (
    OrderAlreadyPlaced,
    OrderOver,
    PaymentRefused,
    PaymentUnavailable,
    RefundExceedsPayment,
)
from orders.models import (
    REFUND_TRIES,
    Delivery,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    ProviderEvent,
    Refund,
    RefundReason,
    RefundStatus,
)
from orders.operations import (
    abandon_payment,
    cancel_order,
    confirm_payment,
    follow_refund,
    open_payment,
    place_order,
    request_refund,
    store_event,
    store_session,
)
from orders.providers import ProviderRefusal
from orders.tasks import handle_provider_event, sweep_money
from payouts.models import AccountKind, LedgerEntry, Posting
from payouts.operations import book
from payouts.queries import pending_balance
from tests.cast import buyer
from ticketing.models import CapacityPool, Reservation
from ticketing.operations import set_event_capacity
from ticketing.queries import recount
from ticketing.tasks import sweep_reservations
from tiqqo.core import audit, clock
from tiqqo.core.money import Money

COMPLETED, EXPIRED = "checkout.session.completed", "checkout.session.expired"
DECLINED = "payment_intent.payment_failed"
PREPARE, WELCOME = "orders.tasks.prepare_delivery", "orders.tasks.welcome_people"
REFUND = "orders.tasks.refund_at_provider"


def stock():
    assert [count for count in recount() if count.differs] == []
    pool = CapacityPool.objects.get(ticket_type=None, release=None)
    return pool.held, pool.sold


def actions_of(order):
    return [entry.action for entry in audit.history_of(order)]


def postings():
    rows = Posting.objects.order_by("id").values_list("entry__kind", "account", "amount_minor")
    return list(rows)


def report(provider, payment, kind, *, number=1):
    """The webhook's inbox, then the worker."""
    stored = store_event(provider.notice(payment.session_id, kind, number=number))
    if stored is not None:
        handle_provider_event(stored.pk)
    return stored


def come_back(payment):
    """The return page: ask the provider at once."""
    payments.check_payment(Payment.objects.select_related("order").get(pk=payment.pk))


def after_the_hold(order):
    ends = Reservation.objects.get(pk=order.reservation_id).expires_at
    return time_machine.travel(ends + timedelta(seconds=1))


@pytest.fixture
def paying(kikker):
    """(order, payment) of two Regular tickets, € 51.98 in all."""
    return kikker.begin_payment(2)


def assert_settled(order, payment, tickets=2):
    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status) == (OrderStatus.PAID, PaymentStatus.SUCCEEDED)
    assert order.confirmed_at and order.settled_at and order.canceled_at is None
    assert order.tickets.count() == tickets
    assert payment.captured_minor == order.total_minor
    assert stock() == (0, tickets)


# Opening --------------------------------------------------------------------------------


def test_the_page_charges_the_total_to_the_cent(paying, provider):
    order, payment = paying
    (page,) = provider.pages.values()

    assert page.total == order.total == Money(5198, "EUR")
    assert [(line.name, line.quantity, line.unit.minor) for line in page.lines] == [
        ("Regular", 2, 2500),
        ("Service fee", 1, 198),
    ]
    assert page.reference == str(payment.reference)
    assert page.metadata == {
        "installation": "http://127.0.0.1:8000",
        "reference": str(payment.reference),
        "organiser": "blauwe-kikker",
        "order": order.code,
    }
    assert (payment.status, payment.amount_minor, payment.attempt) == ("processing", 5198, 1)
    assert actions_of(order) == ["order.placed", "payment.opened"]


def test_a_line_that_does_not_divide_is_charged_as_one(fjord, provider):
    fjord.priced.price_minor = 3333
    fjord.priced.save()
    order, _payment = fjord.begin_payment(3)

    (page,) = provider.pages.values()
    assert [(line.name, line.quantity, line.unit.minor) for line in page.lines] == [
        ("3 × Full pass", 1, 12_499),
        ("Service fee", 1, 348),
    ]
    assert page.total == order.total


def test_opening_again_shows_the_same_page(paying, provider):
    order, payment = paying

    assert payments.payment_page(order) == payment.session_url
    assert (len(provider.pages), Payment.objects.count()) == (1, 1)


def test_a_page_that_was_closed_is_followed_by_a_new_one(paying, provider):
    order, payment = paying
    provider.close_checkout(payment.session_id)

    url = payments.payment_page(order)

    assert url == "https://provider.test/cs_test_2"
    statuses = Payment.objects.order_by("attempt").values_list("attempt", "status")
    assert list(statuses) == [(1, "canceled"), (2, "processing")]


def test_a_page_that_was_paid_is_not_opened_again(paying, provider):
    order, payment = paying
    provider.pay(payment.session_id)

    with pytest.raises(OrderAlreadyPlaced):
        payments.payment_page(order)
    assert_settled(order, payment)


def test_while_the_provider_is_not_asked_the_hold_is_like_any_other(kikker, provider):
    order = kikker.place(priced=2)
    provider.is_resting = True

    with pytest.raises(PaymentUnavailable):
        payments.payment_page(order)
    assert Payment.objects.get().status == PaymentStatus.FAILED
    assert (stock(), Reservation.objects.get().payment_started_at) == ((2, 0), None)

    provider.is_resting = False
    payments.payment_page(order)
    payment = Payment.objects.get(attempt=2)
    provider.pay(payment.session_id)
    come_back(payment)
    assert_settled(order, payment)


@pytest.mark.parametrize("silence", ["is_down", "loses_answers"])
def test_silence_leaves_the_attempt_open_and_the_next_press_finds_its_page(
    kikker, provider, silence
):
    order = kikker.place(priced=2)
    setattr(provider, silence, True)

    with pytest.raises(PaymentUnavailable):
        payments.payment_page(order)
    assert Payment.objects.get().status == PaymentStatus.CREATED
    assert Reservation.objects.get().payment_started_at is not None

    setattr(provider, silence, False)
    payments.payment_page(order)
    payment = Payment.objects.get()
    provider.pay(payment.session_id)
    come_back(payment)
    assert_settled(order, payment)
    assert len(provider.pages) == 1


@pytest.mark.parametrize("later", [1, 300])
def test_a_page_whose_answer_was_lost_is_found_again_and_none_is_opened_beside_it(
    kikker, provider, later
):
    """The same request would be refused by now: its time is over, or its key was used with other words."""
    order = kikker.place(priced=2)
    provider.loses_answers = True
    with pytest.raises(PaymentUnavailable):
        payments.payment_page(order)
    provider.loses_answers = False
    provider.refuses = ProviderRefusal("expires_at must be at least 30 minutes from now")

    with time_machine.travel(clock.now() + timedelta(seconds=later)):
        url = payments.payment_page(order)

    (page,) = provider.pages
    assert url.endswith(page)
    assert Payment.objects.get().session_id == page


def test_an_attempt_that_made_no_page_is_followed_by_another_with_another_key(kikker, provider):
    """An error that the provider remembers would be its answer to the same request for a day."""
    order = kikker.place(priced=2)
    provider.is_down = True
    with pytest.raises(PaymentUnavailable):
        payments.payment_page(order)
    provider.is_down = False

    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        payments.payment_page(order)

    statuses = Payment.objects.order_by("attempt").values_list("attempt", "status")
    assert list(statuses) == [(1, "failed"), (2, "processing")]
    first, second = Payment.objects.order_by("attempt")
    assert first.idempotency_key != second.idempotency_key


def test_a_final_no_is_told_with_its_reason_and_another_way_is_open(kikker, provider):
    order = kikker.place(priced=2)
    provider.refuses = ProviderRefusal("The amount is too small.", code="amount_too_small")

    with pytest.raises(PaymentRefused, match=r"The amount is too small\. Choose another way"):
        payments.payment_page(order)

    payment = Payment.objects.get()
    assert (payment.status, payment.last_failure) == (
        PaymentStatus.FAILED,
        "The amount is too small.",
    )
    assert Reservation.objects.get().payment_started_at is None
    assert actions_of(order)[-1] == "payment.refused"


def test_an_answer_that_opened_the_page_and_comes_after_the_webhook_moves_nothing_back(
    kikker, provider, queue
):
    """A slow first answer and a second press: the webhook overtakes the answer."""
    order = kikker.place(priced=2)
    payment = open_payment(order).payment
    page = payments._ask_for_page(payment)
    provider.pay(page.session_id)
    handle_provider_event(store_event(provider.notice(page.session_id, COMPLETED)).pk)

    store_session(payment, session_id=page.session_id, url=page.url)
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        sweep_money()
        queue.work()

    assert_settled(order, payment)
    assert Refund.objects.count() == 0
    assert Payment.objects.get().session_id == page.session_id


def test_the_database_refuses_to_move_a_success_back(paid):
    with (
        pytest.raises(IntegrityError, match=r"cannot become"),
        transaction.atomic(),
    ):
        Payment.objects.update(status=PaymentStatus.PROCESSING)


def test_the_provider_is_asked_seldom_by_a_page_that_reloads(paying, provider):
    _order, payment = paying
    with time_machine.travel(clock.now() + timedelta(seconds=5)):
        for _reload in range(3):
            payments.check_payment_seldom(
                Payment.objects.select_related("order").get(pk=payment.pk)
            )

    assert provider.calls.count("look_up") == 1


def test_a_process_that_died_between_intent_and_result_finds_the_same_page(kikker, provider):
    order = kikker.place(priced=1)
    payment = open_payment(order).payment
    payments._ask_for_page(payment)  # and dies before it writes the result

    url = payments.payment_page(order)

    payment.refresh_from_db()
    assert (payment.session_url, len(provider.pages), payment.attempt) == (url, 1, 1)


def test_an_order_that_is_over_or_settled_opens_no_page(kikker, provider):
    over = kikker.place(priced=1)
    cancel_order(over, by=kikker.owner)
    free = kikker.place_free(1)

    with pytest.raises(OrderOver):
        payments.payment_page(over)
    with pytest.raises(OrderAlreadyPlaced):
        payments.payment_page(free)
    assert (provider.pages, Payment.objects.count()) == ({}, 0)


# Paying ---------------------------------------------------------------------------------


@pytest.mark.parametrize("webhook_first", [True, False])
def test_paid_once_whoever_reports_first(paying, provider, queue, committing, webhook_first):
    order, payment = paying
    provider.pay(payment.session_id)
    queue.clear()

    def webhook():
        report(provider, payment, COMPLETED)

    first, second = (webhook, lambda: come_back(payment))[:: 1 if webhook_first else -1]
    with committing():
        first()
    assert queue.names == [PREPARE, WELCOME]
    with committing():
        second()

    assert_settled(order, payment)
    assert queue.names == [PREPARE, WELCOME]
    assert [d.kind for d in Delivery.objects.all()] == ["tickets"]
    assert postings() == [
        ("payment", "clearing", 5198),
        ("payment", "pending", -5000),
        ("payment", "platform_fees", -198),
    ]
    assert pending_balance("EUR") == Money(5000, "EUR")
    assert actions_of(order) == [
        "order.placed",
        "payment.opened",
        "order.settled",
        "tickets.issued",
    ]


def test_declined_then_paid(paying, provider):
    order, payment = paying

    report(provider, payment, DECLINED)
    payment.refresh_from_db()
    assert (payment.status, payment.last_failure) == ("processing", "Your card was declined.")
    assert stock() == (2, 0)
    provider.pay(payment.session_id)
    report(provider, payment, COMPLETED)

    assert_settled(order, payment)
    assert "payment.declined" in actions_of(order)


def test_declined_and_given_up_ends_as_declined(paying, provider, sweep):
    order, payment = paying
    report(provider, payment, DECLINED)

    with after_the_hold(order):
        sweep()

    order.refresh_from_db()
    assert (order.status, stock()) == (OrderStatus.DECLINED, (0, 0))


def test_abandoned_the_places_are_free_and_the_order_canceled(
    paying, provider, queue, committing, sweep
):
    order, payment = paying

    with after_the_hold(order), committing():
        sweep_reservations()
        assert stock() == (2, 0)  # asks the provider before letting go
        sweep()

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status) == (OrderStatus.CANCELED, PaymentStatus.CANCELED)
    assert Reservation.objects.get().status == "EXPIRED"
    assert (stock(), queue.jobs, postings()) == ((0, 0), [], [])
    assert provider.calls[-1] == "look_up" and "close_checkout" in provider.calls


def test_an_early_close_leaves_the_hold_to_be_paid_again(paying, provider, sweep):
    order, payment = paying
    provider.close_checkout(payment.session_id)

    report(provider, payment, EXPIRED)

    order.refresh_from_db()
    assert (order.status, stock()) == (OrderStatus.INITIATED, (2, 0))
    assert Reservation.objects.get().payment_started_at is None
    with after_the_hold(order):
        sweep_reservations()
        sweep()
    order.refresh_from_db()
    assert (order.status, stock()) == (OrderStatus.CANCELED, (0, 0))


def test_an_overdue_page_that_was_paid_is_confirmed_by_the_sweeper(paying, provider, sweep):
    order, payment = paying
    provider.pay(payment.session_id)

    with after_the_hold(order):
        sweep()

    assert_settled(order, payment)


def test_a_payment_that_nobody_reported_is_found_by_the_sweeper(paying, provider, sweep):
    order, payment = paying
    provider.pay(payment.session_id)

    sweep()
    assert Order.objects.get().status == OrderStatus.INITIATED  # too fresh to ask
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        sweep()
    assert_settled(order, payment)


def test_while_the_provider_is_down_an_overdue_hold_is_kept(paying, provider, sweep):
    order, _payment = paying
    provider.is_down = True
    with after_the_hold(order):
        sweep()
        sweep_reservations()
        assert (stock(), Order.objects.get().status) == ((2, 0), OrderStatus.INITIATED)
    provider.is_down = False
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        sweep()
    assert (stock(), Order.objects.get().status) == ((0, 0), OrderStatus.CANCELED)


def test_the_sweeper_finds_the_page_of_a_process_that_died(kikker, provider, sweep):
    order = kikker.place(priced=1)
    payment = open_payment(order).payment
    page = payments._ask_for_page(payment)
    provider.pay(page.session_id)

    with after_the_hold(order):
        sweep()

    assert_settled(order, payment, tickets=1)


def test_a_page_that_never_was_and_cannot_be_any_more_does_not_keep_the_hold(
    kikker, provider, monkeypatch, sweep
):
    order = kikker.place(priced=1)
    open_payment(order)

    def too_late(**_page):
        raise ProviderRefusal("expires_at must be at least 30 minutes from now")

    monkeypatch.setattr(provider, "open_checkout", too_late)
    with after_the_hold(order):
        sweep()

    order.refresh_from_db()
    assert (order.status, stock()) == (OrderStatus.CANCELED, (0, 0))
    assert Payment.objects.get().status == PaymentStatus.FAILED


# Late, twice, wrong ---------------------------------------------------------------------


def lost(order, payment, provider, sweep):
    """The hold ended, and then the money came."""
    with after_the_hold(order):
        sweep()
    assert stock()[0] == 0
    provider.pay(payment.session_id)


def test_late_money_is_honoured_while_the_places_are_there(paying, provider, sweep):
    order, payment = paying
    lost(order, payment, provider, sweep)

    report(provider, payment, COMPLETED)

    assert_settled(order, payment)
    assert "payment.late_but_honoured" in actions_of(order)
    assert Refund.objects.count() == 0


def test_late_money_for_lost_places_goes_back_and_the_buyer_is_told(
    kikker, paying, provider, queue, committing, sweep
):
    order, payment = paying
    set_event_capacity(kikker.event, capacity=2, by=kikker.owner)
    lost(order, payment, provider, sweep)
    kikker.reserve(free=1)
    queue.clear()

    with committing():
        report(provider, payment, COMPLETED)

    order.refresh_from_db()
    refund = Refund.objects.get()
    assert (order.status, order.tickets.count(), stock()) == (OrderStatus.CANCELED, 0, (1, 0))
    assert (refund.amount_minor, refund.reason) == (5198, RefundReason.TOO_LATE)
    assert Delivery.objects.get().kind == "refunded"
    assert queue.names == [PREPARE, REFUND]
    assert actions_of(order)[-2:] == ["payment.not_accepted", "refund.requested"]

    queue.jobs.pop(0)
    assert queue.work() == []
    refund.refresh_from_db()
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, payment.refunded_minor) == (RefundStatus.SUCCEEDED, 5198)
    assert (order.refunded_minor, order.stage) == (0, "cancelled")
    assert provider.refunded == [(payment.intent_id, Money(5198, "EUR"))]
    assert postings() == [
        ("payment", "clearing", 5198),
        ("payment", "pending", -5198),
        ("refund", "clearing", -5198),
        ("refund", "pending", 5198),
    ]
    assert pending_balance("EUR") == Money(0, "EUR")


def test_money_for_an_order_that_was_cancelled_by_hand_goes_back(kikker, paying, provider):
    order, payment = paying
    cancel_order(order, by=kikker.owner)
    provider.pay(payment.session_id)

    report(provider, payment, COMPLETED)

    order.refresh_from_db()
    assert (order.status, stock()) == (OrderStatus.CANCELED, (0, 0))
    assert Refund.objects.get().reason == RefundReason.TOO_LATE


def test_paid_twice_the_second_goes_back(paying, provider):
    order, first = paying
    abandon_payment(first)
    payments.payment_page(order)
    second = Payment.objects.get(attempt=2)
    for payment in (second, first):
        provider.pay(payment.session_id)
        report(provider, payment, COMPLETED)

    assert_settled(order, second)
    refund = Refund.objects.get()
    assert (refund.payment, refund.amount_minor) == (first, 5198)
    assert refund.reason == RefundReason.PAID_TWICE
    assert pending_balance("EUR") == Money(10_198, "EUR")  # until it is back


@pytest.mark.parametrize("paid", [Money(5197, "EUR"), Money(5199, "EUR")])
def test_a_wrong_amount_goes_back_and_the_hold_may_end(paying, provider, paid, sweep):
    order, payment = paying
    provider.pay(payment.session_id, paid)

    report(provider, payment, COMPLETED)

    order.refresh_from_db()
    refund = Refund.objects.get()
    assert (order.status, order.tickets.count()) == (OrderStatus.INITIATED, 0)
    assert (refund.amount_minor, refund.reason) == (paid.minor, RefundReason.WRONG_AMOUNT)
    assert stock() == (2, 0)
    with after_the_hold(order):
        sweep_reservations()
        sweep()
    order.refresh_from_db()
    assert (order.status, stock()) == (OrderStatus.CANCELED, (0, 0))


def test_an_invoice_order_that_is_paid_by_card_after_all_is_settled(fjord, provider):
    """The buyer left the payment page open, chose the invoice, and then paid on the page."""
    order, payment = fjord.begin_payment(1)
    place_order(
        order.reservation,
        buyer=buyer(company_name="Acme"),
        attendees=[],
        payment_method="INVOICE",
    )
    provider.pay(payment.session_id)
    report(provider, payment, COMPLETED)

    assert_settled(order, payment, tickets=1)
    assert order.payment_method == "CARD"
    assert Refund.objects.count() == 0


# Refunds --------------------------------------------------------------------------------


@pytest.fixture
def paid(paying, provider):
    order, payment = paying
    provider.pay(payment.session_id)
    come_back(payment)
    payment.refresh_from_db()
    order.refresh_from_db()
    return order, payment


def give_back(payment, minor, by):
    return request_refund(payment, amount=Money(minor, "EUR"), reason=RefundReason.REQUESTED, by=by)


def test_refunds_never_exceed_the_payment(kikker, paid, queue, committing):
    _order, payment = paid
    with committing():
        give_back(payment, 5000, kikker.owner)
        with pytest.raises(RefundExceedsPayment) as refused:
            give_back(payment, 199, kikker.owner)
        give_back(payment, 198, kikker.owner)
        with pytest.raises(RefundExceedsPayment):
            give_back(payment, 1, kikker.owner)

    assert refused.value.field == "amount"
    assert [r.amount_minor for r in Refund.objects.order_by("id")] == [5000, 198]
    assert [name for name in queue.names if name == REFUND] == [REFUND, REFUND]


def test_a_refund_is_booked_once_and_shown_on_the_order(kikker, paid, provider):
    order, payment = paid
    refund = give_back(payment, 2599, kikker.owner)
    payments.send_refund(refund)
    follow_refund(payment, provider.made[0])

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.refunded_minor, payment.refunded_minor, order.stage) == (2599, 2599, "settled")
    assert postings()[3:] == [
        ("refund", "clearing", -2599),
        ("refund", "pending", 2500),
        ("refund", "platform_fees", 99),
    ]
    with pytest.raises(RefundExceedsPayment):
        give_back(payment, 2600, kikker.owner)


def test_a_fully_refunded_order_is_refunded(kikker, paid):
    order, payment = paid
    payments.send_refund(give_back(payment, 5198, kikker.owner))

    order.refresh_from_db()
    assert order.stage == "refunded"
    assert Order.objects.with_stage().get().stage_value == "refunded"
    assert pending_balance("EUR") == Money(0, "EUR")


def test_the_database_refuses_more_than_was_captured(paid):
    with (
        pytest.raises(IntegrityError, match="payment_refunds_at_most_captured"),
        transaction.atomic(),
    ):
        Payment.objects.update(refunded_minor=5199)


def test_a_refund_that_fails_is_tried_again_with_the_same_key(
    kikker, paid, provider, queue, committing, sweep
):
    _order, payment = paid
    with committing():
        refund = give_back(payment, 5198, kikker.owner)
    provider.is_down = True
    assert queue.work() == []
    refund.refresh_from_db()
    assert (refund.status, refund.attempts) == (RefundStatus.REQUESTED, 1)
    assert refund.last_failure == "The provider does not answer."

    provider.is_down = False
    with time_machine.travel(clock.now() + timedelta(minutes=5)):
        sweep()
        sweep()  # does not enqueue again what waits
        assert queue.names.count(REFUND) == 1
        queue.work()
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert len(provider.refunded) == 1


def test_a_refund_is_given_up_after_its_tries_and_frees_its_amount(
    kikker, paid, provider, queue, committing, sweep
):
    order, payment = paid
    provider.is_down = True
    with committing():
        refund = give_back(payment, 5198, kikker.owner)
    queue.work()
    for day in range(1, REFUND_TRIES):
        with time_machine.travel(clock.now() + timedelta(days=day)):
            sweep()
            assert queue.names == [REFUND]
            queue.work()

    refund.refresh_from_db()
    assert (refund.status, refund.attempts) == (RefundStatus.FAILED, REFUND_TRIES)
    assert [e.action for e in audit.history_of(order)].count("refund.failed") == 1
    with time_machine.travel(clock.now() + timedelta(days=30)):
        sweep()
    assert queue.names == []

    provider.is_down = False
    with committing():
        give_back(payment, 5198, kikker.owner)
    queue.work()
    assert len(provider.refunded) == 1


# The inbox ------------------------------------------------------------------------------


def test_an_event_is_stored_once_and_handled_once(paying, provider):
    order, payment = paying
    provider.pay(payment.session_id)

    stored = report(provider, payment, COMPLETED)
    assert report(provider, payment, COMPLETED) is None
    handle_provider_event(stored.pk)

    assert ProviderEvent.objects.get().handled_at is not None
    assert_settled(order, payment)
    assert LedgerEntry.objects.count() == 1


def test_the_same_news_in_two_events_counts_once(paying, provider):
    order, payment = paying
    provider.pay(payment.session_id)
    for number in (1, 2):
        report(provider, payment, COMPLETED, number=number)
    report(provider, payment, "checkout.session.async_payment_succeeded")

    assert_settled(order, payment)
    assert ProviderEvent.objects.filter(handled_at=None).count() == 0


@pytest.mark.parametrize(
    "kinds",
    [
        [COMPLETED, EXPIRED, DECLINED],
        [DECLINED, EXPIRED, COMPLETED],
        [EXPIRED, COMPLETED, DECLINED],
    ],
)
def test_events_may_come_in_any_order(paying, provider, kinds):
    order, payment = paying
    provider.pay(payment.session_id)
    for kind in kinds:
        report(provider, payment, kind)

    assert_settled(order, payment)


def test_completed_but_not_paid_yet_waits(paying, provider):
    order, payment = paying

    report(provider, payment, COMPLETED)

    order.refresh_from_db()
    assert (order.status, stock()) == (OrderStatus.INITIATED, (2, 0))


@pytest.mark.parametrize(
    "subject",
    [
        {},
        {"metadata": {}},
        {"metadata": {"organiser": "1"}},
        {"metadata": {"organiser": "x", "payment": "y"}},
        {"metadata": {"organiser": "999999", "payment": "999999"}},
        {"metadata": None},
    ],
)
@pytest.mark.parametrize("kind", [COMPLETED, "charge.updated"])
def test_events_that_mean_nothing_to_us_are_done(db, subject, kind):
    stored = ProviderEvent.objects.create(
        provider_id="evt_1", kind=kind, payload={"data": {"object": subject}}
    )

    handle_provider_event(stored.pk)

    stored.refresh_from_db()
    assert stored.handled_at is not None


def test_an_event_is_matched_by_its_session_and_not_by_what_its_metadata_say(cast, provider):
    """After a restore the numbers are given out again: metadata may name somebody else's payment."""
    with cast.kikker.scope():
        order, payment = cast.kikker.begin_payment(1)
    with cast.fjord.scope():
        others, other_payment = cast.fjord.begin_payment(1)
    page = provider.pages[payment.session_id]
    page.metadata["reference"] = str(other_payment.reference)
    page.metadata["payment"] = str(other_payment.pk)
    provider.pay(payment.session_id)

    report(provider, payment, COMPLETED)

    with cast.fjord.scope():
        others.refresh_from_db()
        assert others.status == OrderStatus.INITIATED
    with cast.kikker.scope():
        order.refresh_from_db()
        assert order.status == OrderStatus.PAID


def test_an_event_that_fails_is_on_record_and_taken_up_again(
    paying, provider, queue, monkeypatch, sweep
):
    order, payment = paying
    provider.pay(payment.session_id)
    stored = store_event(provider.notice(payment.session_id, COMPLETED))
    monkeypatch.setattr("orders.operations.confirm_payment", lambda *a, **k: 1 / 0)

    handle_provider_event.apply(args=[stored.pk])
    stored.refresh_from_db()
    assert (stored.attempts, stored.handled_at) == (1, None)
    assert stored.last_error.startswith("ZeroDivisionError")

    monkeypatch.undo()
    monkeypatch.setattr("orders.payments.provider", lambda: provider)
    monkeypatch.setattr("celery.app.task.Task.apply_async", queue.take)
    with time_machine.travel(clock.now() + timedelta(seconds=50)):
        sweep()
    assert [(job.name, job.args) for job in queue.jobs] == [
        ("orders.tasks.handle_provider_event", (stored.pk,))
    ]
    queue.work()
    assert_settled(order, payment)


# The ledger -----------------------------------------------------------------------------


def test_an_entry_is_booked_once(kikker):
    amounts = {AccountKind.CLEARING: Money(5, "EUR"), AccountKind.PENDING: Money(-5, "EUR")}

    assert book("payment", key="k", reference="r", amounts=amounts) is not None
    assert book("payment", key="k", reference="r", amounts=amounts) is None
    assert len(postings()) == 2


@pytest.mark.parametrize(
    "amounts",
    [
        {AccountKind.CLEARING: Money(5, "EUR"), AccountKind.PENDING: Money(-4, "EUR")},
        {AccountKind.CLEARING: Money(5, "EUR"), AccountKind.PENDING: Money(-5, "DKK")},
        {AccountKind.CLEARING: Money(5, "EUR")},
    ],
)
@pytest.mark.django_db(transaction=True)
def test_an_unbalanced_entry_is_refused_at_commit(kikker, amounts):
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        book("payment", key="k", reference="r", amounts=amounts)

    assert (LedgerEntry.objects.count(), postings()) == (0, [])


@pytest.mark.usefixtures("as_owner")
@pytest.mark.django_db(transaction=True)
def test_a_posting_cannot_be_changed_or_taken_out_of_balance(kikker):
    """Not even by the owner of the table; the application may not change one at all."""
    amounts = {AccountKind.CLEARING: Money(5, "EUR"), AccountKind.PENDING: Money(-5, "EUR")}
    book("payment", key="k", reference="r", amounts=amounts)

    with pytest.raises(IntegrityError, match="does not sum to zero"):
        Posting.objects.filter(amount_minor=5).update(amount_minor=6)
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        Posting.objects.filter(amount_minor=5).delete()
    assert [row[2] for row in postings()] == [5, -5]


def test_every_entry_of_a_busy_day_is_balanced(kikker, paid):
    _order, payment = paid
    payments.send_refund(give_back(payment, 1234, kikker.owner))

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT entry_id FROM payouts_posting GROUP BY entry_id, currency"
            " HAVING sum(amount_minor) <> 0"
        )
        assert cursor.fetchall() == []
    assert LedgerEntry.objects.count() == 2


def test_confirming_needs_the_exact_currency(paying, provider):
    order, payment = paying

    confirm_payment(payment, paid=Money(5198, "DKK"), intent_id="pi_1")

    order.refresh_from_db()
    assert order.status == OrderStatus.INITIATED
    assert Refund.objects.get().reason == RefundReason.WRONG_AMOUNT
