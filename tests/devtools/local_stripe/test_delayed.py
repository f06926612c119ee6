"""Delayed payment methods: https://docs.stripe.com/checkout/fulfillment#delayed-notification."""

from __future__ import annotations

import pytest
import stripe

from tests.devtools.local_stripe.harness import Receiver, Server, receiver_has


def test_a_session_completes_unpaid_and_is_paid_later(server: Server, receiver: Receiver) -> None:
    session = server.create()

    server.control(f"sessions/{session.id}/complete-delayed")

    completed = receiver_has(receiver, session.id, "checkout.session.completed").data.object
    assert (completed.status, completed.payment_status) == ("complete", "unpaid")
    found = server.retrieve(session.id, "payment_intent.latest_charge")
    assert (found.payment_intent.status, found.payment_intent.amount_received) == ("processing", 0)
    assert found.payment_intent.latest_charge.payment_method_details.type == "sepa_debit"
    assert receiver_has(receiver, found.payment_intent.id, "payment_intent.processing")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        server.client.v1.refunds.create({"payment_intent": found.payment_intent.id})

    server.control(f"sessions/{session.id}/end-delayed", outcome="succeeded")

    paid = receiver_has(receiver, session.id, "checkout.session.async_payment_succeeded")
    assert (paid.data.object.status, paid.data.object.payment_status) == ("complete", "paid")
    intent = server.client.v1.payment_intents.retrieve(found.payment_intent.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 2400)
    assert receiver_has(receiver, intent.id, "payment_intent.succeeded")


def test_a_delayed_payment_fails_and_the_session_stays_unpaid(
    server: Server, receiver: Receiver
) -> None:
    session = server.create()
    server.control(f"sessions/{session.id}/complete-delayed")

    server.control(f"sessions/{session.id}/end-delayed", outcome="failed")

    failed = receiver_has(receiver, session.id, "checkout.session.async_payment_failed")
    assert (failed.data.object.status, failed.data.object.payment_status) == ("complete", "unpaid")
    intent = server.retrieve(session.id, "payment_intent").payment_intent
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
    assert intent.last_payment_error.code == "payment_intent_payment_attempt_failed"
    assert receiver_has(receiver, intent.id, "payment_intent.payment_failed")


def test_a_bank_answers_once(server: Server) -> None:
    session = server.create()
    server.control(f"sessions/{session.id}/complete-delayed")
    server.control(f"sessions/{session.id}/end-delayed", outcome="succeeded")

    again = server.control(f"sessions/{session.id}/end-delayed", outcome="failed")

    assert "not waiting" in again["error"]["message"]
    assert server.retrieve(session.id).payment_status == "paid"


def test_a_session_that_completed_unpaid_can_neither_expire_nor_be_paid(server: Server) -> None:
    session = server.create()
    server.control(f"sessions/{session.id}/complete-delayed")

    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        server.client.v1.checkout.sessions.expire(session.id)
    assert "error" in server.control(f"sessions/{session.id}/pay")
    assert "error" in server.control(f"sessions/{session.id}/complete-delayed")
