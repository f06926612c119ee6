"""Our talk with Stripe, over HTTP with its own client, against the local Stripe that follows its
documentation."""

from contextlib import contextmanager
from datetime import timedelta

import pytest

from orders.providers import (
    ProviderFailure,
    ProviderMisconfigured,
    ProviderNotAsked,
    ProviderRefusal,
)
from orders.providers.base import ChargedLine, CheckoutProgress, DisputeProgress, RefundProgress
from orders.providers.stripe import StripeProvider, forget_failures
from orders.providers.stripe_objects import FOLLOWED, dispute_state, refund_state
from tests.devtools.local_stripe.conftest import calm, receiver, server
from tests.devtools.local_stripe.harness import DISPUTED, REFUNDS_SUCCEED_LATER
from tiqqo.core import clock
from tiqqo.core.money import Money

__all__ = ["calm", "receiver", "server"]


@pytest.fixture
def stripe(calm, settings, monkeypatch):
    """The provider as the product has it, at the local Stripe."""
    settings.STRIPE_API_BASE, settings.STRIPE_API_KEY = calm.base, "sk_test_local"
    forget_failures()
    calm.control("later", seconds=None)
    yield StripeProvider()
    forget_failures()


PRICE = Money(5198, "EUR")


def opened(stripe, amount=PRICE, key="key-1", reference="ref-1", minutes=35, **changes):
    facts = {
        "key": key,
        "lines": [ChargedLine("Regular", 1, amount)],
        "email": "carla@example.org",
        "locale": "nl",
        "success_url": "http://shop.test/return/",
        "cancel_url": "http://shop.test/checkout/",
        "closes_at": clock.now() + timedelta(minutes=minutes),
        "reference": reference,
        "metadata": {"installation": "http://shop.test", "reference": reference, "order": "AB12"},
    }
    return stripe.open_checkout(**{**facts, **changes})


def paid(stripe, server, amount=PRICE, card="4242424242424242", **changes):
    page = opened(stripe, amount, **changes)
    server.control(f"sessions/{page.session_id}/pay", card=card)
    return stripe.look_up(page.session_id)


@contextmanager
def faulty(server, **rule):
    server.control("faults", **rule)
    try:
        yield
    finally:
        server.reset()


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(5198, "EUR"), 5198),
        (Money(5000, "ISK"), 500_000),
        (Money(5000, "JPY"), 5000),
        (Money(12_340, "KWD"), 12_340),
    ],
)
def test_the_price_is_charged_and_given_back_in_full_in_every_kind_of_currency(
    stripe, calm, amount, written
):
    name = f"currency-{amount.currency}"
    state = paid(stripe, calm, amount, key=name, reference=name)
    assert (state.progress, state.paid) == (CheckoutProgress.PAID, amount)
    assert calm.client.v1.payment_intents.retrieve(state.intent_id).amount_received == written

    back = stripe.refund(state.intent_id, amount=amount, reference=name, key=f"re-{name}")

    assert (back.progress, back.amount, back.reference) == (RefundProgress.SUCCEEDED, amount, name)
    [there] = stripe.refunds_of(state.intent_id)
    assert there == back == stripe.look_up_refund(back.refund_id)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (Money(49, "EUR"), "amount_too_small"),
        (Money(99_999_999_9, "EUR"), "amount_too_large"),
        (Money(5, "JPY"), "amount_too_small"),
        (Money(1234, "KWD"), "amount_not_chargeable"),
    ],
)
def test_amounts_that_are_never_taken_are_a_final_no(stripe, amount, code):
    with pytest.raises(ProviderRefusal) as refused:
        opened(stripe, amount, key=f"never-{amount.currency}-{amount.minor}", reference="never")

    assert refused.value.code == code


def test_wrong_key_is_the_operators_fault(stripe, settings):
    settings.STRIPE_API_KEY = "sk_live_wrong"

    with pytest.raises(ProviderMisconfigured):
        opened(StripeProvider(), key="wrong-key")


def test_the_same_key_gives_the_same_page_and_other_words_find_it_by_reference(stripe):
    closes_at = clock.now() + timedelta(minutes=35)
    first = opened(stripe, key="again", reference="again", closes_at=closes_at)
    assert opened(stripe, key="again", reference="again", closes_at=closes_at) == first

    with pytest.raises(ProviderFailure):
        opened(stripe, key="again", reference="again", email="other@example.org")
    found = stripe.find_checkout("again", opened_at=clock.now())
    assert found is not None
    assert found.session_id == first.session_id
    assert stripe.find_checkout("nobody", opened_at=clock.now()) is None


def test_answer_that_is_cut_off_is_no_refusal(stripe, calm):
    with (
        faulty(
            calm, method="POST", path_prefix="/v1/checkout/sessions", fault="cut_after", times=1
        ),
        pytest.raises(ProviderFailure) as silence,
    ):
        opened(stripe, key="cut", reference="cut")

    assert not isinstance(silence.value, ProviderRefusal)
    assert stripe.find_checkout("cut", opened_at=clock.now()) is not None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_at_the_provider_is_no_refusal(stripe, calm, status):
    rule = {"method": "POST", "path_prefix": "/v1/refunds", "fault": {"status": status}}
    with faulty(calm, **rule), pytest.raises(ProviderFailure) as trouble:
        stripe.refund(
            "pi_any", amount=Money(100, "EUR"), reference="trouble", key=f"trouble-{status}"
        )

    assert not isinstance(trouble.value, ProviderRefusal)


def test_after_failures_in_a_row_nobody_waits_for_it(stripe, calm):
    with faulty(calm, method="GET", path_prefix="/v1/checkout", fault={"status": 503}):
        for _try in range(3):
            with pytest.raises(ProviderFailure):
                stripe.look_up("cs_test_any")
        with pytest.raises(ProviderNotAsked):
            stripe.look_up("cs_test_any")


def test_refund_that_takes_its_time_is_pending_and_then_succeeds(stripe, calm):
    state = paid(stripe, calm, card=REFUNDS_SUCCEED_LATER, key="slow", reference="slow")

    begun = stripe.refund(state.intent_id, amount=state.paid, reference="slow", key="re-slow")
    assert begun.progress is RefundProgress.PENDING
    calm.control(f"refunds/{begun.refund_id}/settle", status="succeeded")
    assert stripe.look_up_refund(begun.refund_id).progress is RefundProgress.SUCCEEDED
    calm.control(f"refunds/{begun.refund_id}/settle", status="failed")
    failed = stripe.look_up_refund(begun.refund_id)
    assert failed.progress is RefundProgress.FAILED
    assert failed.failure


def test_more_than_is_left_is_refused_for_good(stripe, calm):
    state = paid(stripe, calm, key="left", reference="left")
    calm.control(f"payment_intents/{state.intent_id}/refund", amount=5198)

    with pytest.raises(ProviderRefusal) as refused:
        stripe.refund(state.intent_id, amount=Money(1, "EUR"), reference="left", key="re-left")

    assert refused.value.code == "charge_already_refunded"
    [there] = stripe.refunds_of(state.intent_id)
    assert there.reference == ""


def test_every_event_that_we_follow_is_read_as_the_api_says_it(stripe, calm):
    begin = clock.now() - timedelta(minutes=1)
    state = paid(stripe, calm, card=DISPUTED, key="read", reference="read")
    calm.control(f"payment_intents/{state.intent_id}/dispute", reason="fraudulent")
    other = paid(stripe, calm, key="read-2", reference="read-2")
    calm.control(f"payment_intents/{other.intent_id}/refund", amount=100)

    seen = {}
    for notice in stripe.notices_since(begin):
        assert notice.kind in FOLLOWED
        seen.setdefault(notice.kind, []).append(notice.payload["data"]["object"])
    assert {"checkout.session.completed", "refund.created", "charge.dispute.created"} <= set(seen)
    [dispute] = [
        d for d in seen["charge.dispute.created"] if d["payment_intent"] == state.intent_id
    ]
    read = dispute_state(dispute)
    assert (read.progress, read.amount, read.withdrawn) == (DisputeProgress.OPEN, state.paid, True)
    assert read.due_at is not None
    [refund] = [r for r in seen["refund.created"] if r["payment_intent"] == other.intent_id]
    assert refund_state(refund).amount == Money(100, "EUR")


def test_pages_and_refunds_of_a_time_are_listed_for_reconciling(stripe, calm):
    begin = clock.now() - timedelta(minutes=1)
    state = paid(stripe, calm, key="listed", reference="listed")
    stripe.refund(state.intent_id, amount=Money(100, "EUR"), reference="listed", key="re-listed")

    [page] = [p for p in stripe.checkouts_since(begin) if p.reference == "listed"]
    assert (page.installation, page.order_code) == ("http://shop.test", "AB12")
    assert page.state == state
    assert "listed" in [refund.reference for refund in stripe.refunds_since(begin)]
