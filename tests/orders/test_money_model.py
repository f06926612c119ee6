"""Money in any order of events: presses, answers that come late or never, webhooks, look-ups, expiry,
refunds and disputes at either side. After every step our books agree with themselves, and once
everybody has been heard, with the provider's."""

from contextlib import suppress
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from orders import payments
from orders.errors import PaidOrdersAreRefunded, RefundExceedsPayment
from orders.models import (
    REFUNDS_UNDER_WAY,
    Dispute,
    Order,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    RefundStatus,
    Ticket,
)
from orders.operations import cancel_order, open_payment, request_refund, store_event, store_session
from orders.operations.refunding import buys_tickets
from orders.provider_events import NotYet
from orders.providers import ProviderFailure
from orders.providers.base import CheckoutProgress, RefundProgress
from orders.tasks import (
    check_payment,
    close_payment,
    handle_provider_event,
    refund_at_provider,
    sweep_money,
)
from payouts.models import Posting
from ticketing.operations import change_ticket_type
from ticketing.queries import recount
from ticketing.tasks import sweep_reservations
from tiqqo.core import clock
from tiqqo.core.errors import DomainError
from tiqqo.core.money import Money
from tiqqo.core.tenancy import tenant_scope


@pytest.fixture
def lock_order():
    """Not watched: the tests have many operations in one transaction of their own."""


PRICE = 2599  # of one Regular ticket with its fee
GONE = (RefundProgress.FAILED, RefundProgress.CANCELED)


class MoneyMachine(RuleBasedStateMachine):
    """One order for two tickets, of which there are just two."""

    house = provider = queue = None

    def __init__(self):
        super().__init__()
        self.provider.__init__()
        self.queue.clear()
        self._clock = clock.showing(clock.now())
        self._clock.__enter__()
        self._scope = tenant_scope(self.house.organiser)
        self._scope.__enter__()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.order = self.house.place(priced=2)
        change_ticket_type(self.house.priced.ticket_type, capacity=2, by=self.house.owner)
        self.late_answers, self.reports, self.disputes, self.succeeded = [], [], {}, set()

    def teardown(self):
        try:
            self._hear_everybody()
            self._agree_with_the_provider()
        finally:
            self.close()

    def close(self):
        """Nothing of this run is left."""
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)
        self._scope.__exit__(None, None, None)
        self._clock.__exit__(None, None, None)

    # The buyer --------------------------------------------------------------------------

    @rule(silence=st.sampled_from(["", "", "is_down", "loses_answers", "is_resting"]))
    def press_pay(self, silence):
        self._silent(silence)
        with suppress(DomainError):
            payments.payment_page(Order.objects.get(pk=self.order.pk))
        self._silent("")

    @rule()
    def press_pay_and_the_answer_is_slow(self):
        with suppress(DomainError, ProviderFailure):
            payment = open_payment(self.order).payment
            self.late_answers.append((payment, payments._ask_for_page(payment)))

    @rule()
    def slow_answer_arrives(self):
        if self.late_answers:
            payment, page = self.late_answers.pop()
            store_session(payment, session_id=page.session_id, url=page.url)

    @rule(which=st.integers(0, 9))
    def buyer_pays(self, which):
        pages = [p for p in self.provider.pages.values() if p.progress is CheckoutProgress.OPEN]
        if pages:
            page = self.provider.pay(pages[which % len(pages)].session_id)
            self._report(self.provider.notice(page.session_id, "checkout.session.completed"))

    @rule(which=st.integers(0, 9))
    def card_is_declined(self, which):
        pages = [p for p in self.provider.pages.values() if p.progress is CheckoutProgress.OPEN]
        if pages:
            page = pages[which % len(pages)]
            self._report(self.provider.notice(page.session_id, "payment_intent.payment_failed"))

    @rule()
    def buyer_comes_back(self):
        for payment in self._payments().filter(status__in=["created", "processing"]):
            payments.check_payment_seldom(payment)

    @rule()
    def somebody_else_takes_what_is_free(self):
        with suppress(DomainError):
            self.house.reserve(priced=1)

    # Time, sweepers, webhooks -----------------------------------------------------------

    @rule(minutes=st.sampled_from([0, 2, 11, 40]), silence=st.sampled_from(["", "is_down"]))
    def time_passes_and_sweepers_sweep(self, minutes, silence):
        self._pass(timedelta(minutes=minutes))
        self._silent(silence)
        self._sweep()
        self._silent("")

    @rule(which=st.integers(0, 50), times=st.integers(1, 2))
    def webhook_arrives(self, which, times):
        if self.reports:
            notice = self.reports[which % len(self.reports)]
            for _time in range(times):
                self._deliver(notice)

    # The organiser and the provider's dashboard -----------------------------------------

    @rule()
    def desk_cancels(self):
        with suppress(PaidOrdersAreRefunded):
            cancel_order(self.order, by=self.house.owner)

    @rule(minor=st.sampled_from([1, 1733, PRICE, 2 * PRICE]))
    def desk_refunds(self, minor):
        for payment in self._payments().filter(status=PaymentStatus.SUCCEEDED):
            if buys_tickets(payment):
                with suppress(RefundExceedsPayment):
                    request_refund(
                        payment,
                        amount=Money(minor, "EUR"),
                        reason=RefundReason.REQUESTED,
                        by=self.house.owner,
                    )

    @rule(
        silence=st.sampled_from(["", "", "is_down", "loses_answers"]),
        progress=st.sampled_from([RefundProgress.SUCCEEDED, RefundProgress.PENDING]),
        forgets=st.booleans(),
    )
    def worker_sends_refunds(self, silence, progress, forgets):
        self.provider.refund_progress, self.provider.forgets_keys = progress, forgets
        self._silent(silence)
        self._send_refunds()
        self._silent("")
        self.provider.forgets_keys = False
        for state in self.provider.made:
            self._report(self.provider.refund_notice(state, "refund.created"))

    @rule(which=st.integers(0, 9), minor=st.sampled_from([1, 1733, PRICE, 2 * PRICE]))
    def somebody_refunds_at_the_provider(self, which, minor):
        paid = [p for p in self.provider.pages.values() if p.progress is CheckoutProgress.PAID]
        if paid:
            page = paid[which % len(paid)]
            if page.session_id in self.disputes:
                return
            with suppress(ProviderFailure):
                state = self.provider.refund_elsewhere(page.session_id, Money(minor, "EUR"))
                self._report(self.provider.refund_notice(state, "refund.created"))

    @rule(
        which=st.integers(0, 9),
        progress=st.sampled_from([RefundProgress.SUCCEEDED, RefundProgress.FAILED]),
    )
    def bank_moves_a_refund(self, which, progress):
        movable = [state for state in self.provider.made if state.progress not in GONE]
        if movable:
            state = self.provider.move_refund(movable[which % len(movable)], progress, "bank")
            self._report(self.provider.refund_notice(state))

    @rule(which=st.integers(0, 9))
    def bank_opens_a_dispute(self, which):
        paid = [
            page
            for page in self.provider.pages.values()
            if page.progress is CheckoutProgress.PAID
            and not any(
                state.intent_id == page.intent_id and state.progress not in GONE
                for state in self.provider.made
            )
        ]
        if paid:
            page = paid[which % len(paid)]
            self.disputes.setdefault(page.session_id, "needs_response")
            self.provider.disputed.add(page.session_id)
            self._report(self.provider.dispute_notice(page.session_id, "needs_response"))

    @rule(which=st.integers(0, 9), outcome=st.sampled_from(["won", "lost"]))
    def bank_decides(self, which, outcome):
        undecided = [each for each, status in self.disputes.items() if status == "needs_response"]
        if undecided:
            session_id = undecided[which % len(undecided)]
            self.disputes[session_id] = outcome
            self._report(self.provider.dispute_notice(session_id, outcome))

    # After every step -------------------------------------------------------------------

    @invariant()
    def stock_is_what_its_rows_say(self):
        assert [count for count in recount() if count.differs] == []

    @invariant()
    def tickets_are_the_orders_when_it_is_confirmed_and_nobodys_otherwise(self):
        order = Order.objects.get(pk=self.order.pk)
        valid = Ticket.objects.valid().filter(order=order).count()
        assert valid == (order.quantity if order.is_confirmed else 0)

    @invariant()
    def settled_order_is_paid_for_once(self):
        order = Order.objects.get(pk=self.order.pk)
        buying = [
            payment
            for payment in self._payments().filter(status=PaymentStatus.SUCCEEDED)
            if buys_tickets(payment)
        ]
        if order.is_settled:
            assert [payment.captured_minor for payment in buying] == [order.total_minor]

    @invariant()
    def ledger_is_what_payments_refunds_and_disputes_say(self):
        captured = sum(payment.captured_minor for payment in self._payments())
        refunded = sum(
            refund.amount_minor for refund in Refund.objects.filter(status=RefundStatus.SUCCEEDED)
        )
        disputed = sum(dispute.amount_minor for dispute in Dispute.objects.exclude(status="won"))
        assert self._balance("clearing") == captured - refunded - disputed
        assert sum(Posting.objects.values_list("amount_minor", flat=True)) == 0

    @invariant()
    def nothing_is_made_twice(self):
        ours = [state.reference for state in self.provider.made if state.reference]
        pages = [page.reference for page in self.provider.pages.values()]
        assert len(ours) == len(set(ours))
        assert len(pages) == len(set(pages))

    @invariant()
    def what_succeeded_stays_so(self):
        succeeded = set(
            self._payments().filter(status=PaymentStatus.SUCCEEDED).values_list("pk", flat=True)
        )
        assert succeeded >= self.succeeded
        self.succeeded = succeeded

    @invariant()
    def order_gives_back_no_more_than_its_price(self):
        order = Order.objects.get(pk=self.order.pk)
        assert 0 <= order.refunded_minor <= order.total_minor
        for payment in self._payments():
            assert 0 <= payment.refunded_minor <= payment.captured_minor

    # When all is said -------------------------------------------------------------------

    def _hear_everybody(self):
        """Nothing is down any more; every report arrives, the newest first, and time passes."""
        while self.late_answers:
            self.slow_answer_arrives()
        for notice in reversed(self.reports):
            self._deliver(notice)
        for _round in range(4):
            self._pass(timedelta(hours=13))
            self._sweep()
            self.provider.refund_progress = RefundProgress.SUCCEEDED
            self._send_refunds()
            for state in list(self.provider.made):
                if state.progress is RefundProgress.PENDING:
                    self.provider.move_refund(state, RefundProgress.SUCCEEDED)
            for state in self.provider.made:
                self._deliver(self.provider.refund_notice(state, number=99))

    def _agree_with_the_provider(self):
        order = Order.objects.get(pk=self.order.pk)
        given_back = sum(s.amount.minor for s in self.provider.made if s.progress not in GONE)
        paid = [p for p in self.provider.pages.values() if p.progress is CheckoutProgress.PAID]
        disputed = sum(
            self.provider.pages[session_id].paid.minor
            for session_id, status in self.disputes.items()
            if status != "won"
        )
        assert self._balance("clearing") == (
            sum(page.paid.minor for page in paid) - given_back - disputed
        )
        assert {page.intent_id for page in paid} == set(
            self._payments()
            .filter(status=PaymentStatus.SUCCEEDED)
            .values_list("intent_id", flat=True)
        )
        # Nothing waits, and money that buys nothing is back, disputed, or known to have failed to go.
        assert not Refund.objects.filter(status__in=REFUNDS_UNDER_WAY).exists()
        assert not self._payments().filter(status__in=["created", "processing"]).exists()
        for payment in self._payments().filter(status=PaymentStatus.SUCCEEDED):
            if not (order.is_settled and buys_tickets(payment)):
                explained = (
                    payment.refunds.filter(status=RefundStatus.FAILED).exists()
                    or payment.disputes.exists()
                )
                assert explained or payment.left_minor == 0 or order.status == "PENDING"

    # Parts ------------------------------------------------------------------------------

    def _payments(self):
        return Payment.objects.select_related(
            "order__event__organiser", "order__reservation"
        ).filter(order=self.order)

    def _balance(self, account):
        return sum(Posting.objects.filter(account=account).values_list("amount_minor", flat=True))

    def _silent(self, silence):
        for name in ("is_down", "loses_answers", "is_resting"):
            setattr(self.provider, name, name == silence)

    def _pass(self, time):
        now = clock.now() + time
        self._clock.__exit__(None, None, None)
        self._clock = clock.showing(now)
        self._clock.__enter__()

    def _report(self, notice):
        self.reports.append(notice)

    def _deliver(self, notice):
        stored = store_event(notice)
        if stored is None:
            return
        with suppress(NotYet):
            handle_provider_event(stored.pk)

    def _sweep(self):
        sweep_reservations()
        sweep_money()
        while self.queue.jobs:
            job = self.queue.jobs.pop(0)
            if job.task in (close_payment, check_payment, refund_at_provider):
                job.task.run(*job.args)
            elif job.task == handle_provider_event:
                with suppress(NotYet):
                    job.task.run(*job.args)

    def _send_refunds(self):
        for refund in Refund.objects.filter(status__in=REFUNDS_UNDER_WAY):
            refund_at_provider.run(refund.pk)


def machine_of(house, provider, queue):
    facts = {"house": house, "provider": provider, "queue": queue}
    return type("Machine", (MoneyMachine,), facts)


def steps(*, max_examples):
    return settings(
        max_examples=max_examples,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        database=None,
    )


@pytest.mark.django_db
def test_books_agree_whatever_happens_in_whatever_order(kikker, provider, queue):
    run_state_machine_as_test(machine_of(kikker, provider, queue), settings=steps(max_examples=30))


def sent_twice(machine):
    """The answer to a refund is lost, and the worker sends it again."""
    machine.press_pay("")
    machine.buyer_pays(0)
    machine.time_passes_and_sweepers_sweep(2, "")
    machine.desk_refunds(1733)
    machine.worker_sends_refunds("loses_answers", RefundProgress.SUCCEEDED, forgets=False)
    machine.worker_sends_refunds("", RefundProgress.SUCCEEDED, forgets=True)
    machine.nothing_is_made_twice()


@pytest.mark.django_db
def test_refund_whose_answer_was_lost_is_not_made_twice(kikker, provider, queue):
    machine = machine_of(kikker, provider, queue)()
    try:
        sent_twice(machine)
        assert len(provider.made) == 1
    finally:
        machine.teardown()


@pytest.mark.django_db
def test_control_refunds_that_are_sent_again_without_a_look_are_found(
    kikker, provider, queue, monkeypatch
):
    monkeypatch.setattr("orders.payments._sent_before", lambda refund: None)
    machine = machine_of(kikker, provider, queue)()

    with pytest.raises(AssertionError):
        sent_twice(machine)
    monkeypatch.undo()
    machine.close()
