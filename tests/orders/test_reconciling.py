"""What the provider has, held against what is here: the check that finds money that nobody told of."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orders.models import Payment, UnmatchedPayment
from orders.reconciling import reconcile
from tests.orders.test_money_followed import forgotten, paid
from tests.orders.test_paying import COMPLETED, assert_settled
from tiqqo.core import clock
from tiqqo.core.money import Money

__all__ = ["paid"]


def a_day_ago():
    return clock.now() - timedelta(days=1)


def said(**options):
    out = StringIO()
    call_command("reconcile_payments", stdout=out, **options)
    return out.getvalue()


def test_books_that_agree_are_said_to(paid):
    assert "1 payments and 0 refunds compared" in said()
    assert "agree" in said()


def test_payment_that_nobody_told_of_is_settled(kikker, provider):
    order, payment = kikker.begin_payment(2)
    provider.pay(payment.session_id)

    done = reconcile(a_day_ago())

    assert_settled(order, payment)
    [difference] = done.differences
    assert (difference.is_mended, difference.here) == (True, "processing; settled now")
    assert reconcile(a_day_ago()).differences == []


def test_events_of_after_the_backup_are_taken_up(kikker, provider):
    order, payment = kikker.begin_payment(2)
    provider.pay(payment.session_id)
    provider.events = [provider.notice(payment.session_id, COMPLETED)]

    done = reconcile(a_day_ago())

    assert (done.events, done.differences) == (1, [])
    assert_settled(order, payment)


def test_payment_that_a_restore_forgot_is_kept_and_named(kikker, provider):
    order, payment = kikker.begin_payment(2)
    page = provider.pay(payment.session_id)
    forgotten(order)

    assert "unknown; kept, and given back by itself" in said()
    assert UnmatchedPayment.objects.get().intent_id == page.intent_id
    assert Payment.objects.count() == 0


def test_refund_that_nobody_told_of_is_followed(paid, provider):
    order, payment = paid
    provider.refund_elsewhere(payment.session_id, Money(1000, "EUR"))

    assert "mended  refund of order" in said()
    order.refresh_from_db()
    assert order.refunded_minor == 1000


def test_amount_that_differs_is_named_and_left_to_people(paid):
    _order, payment = paid
    Payment.objects.filter(pk=payment.pk).update(captured_minor=5000)

    with pytest.raises(CommandError, match="look at each"):
        said()


def test_pages_of_others_who_use_the_account_are_left_alone(kikker, provider):
    _order, payment = kikker.begin_payment(2)
    page = provider.pay(payment.session_id)
    page.metadata["installation"] = "https://somebody.example"

    assert reconcile(a_day_ago()).payments == 0


def test_wrong_time_and_silence_are_told_clearly(db, provider):
    with pytest.raises(CommandError, match="Write it as 2026-11-27T18:00"):
        said(since="yesterday")
    provider.is_down = True
    with pytest.raises(CommandError, match="does not answer"):
        said(since="2026-11-27T18:00")
