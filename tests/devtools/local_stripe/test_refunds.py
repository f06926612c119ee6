"""Refunds that are not over at once: https://docs.stripe.com/refunds, https://docs.stripe.com/testing#refunds."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.devtools.local_stripe.harness import (
    REFUNDS_FAIL_LATER,
    REFUNDS_SUCCEED_LATER,
    Receiver,
    Server,
    receiver_has,
    until,
)


def changes_of(receiver: Receiver, refund_id: str) -> set[str]:
    """What the updates of a refund say has changed."""
    return {
        name
        for event in receiver.events(refund_id)
        if event.type == "refund.updated"
        for name in event.data.previous_attributes.to_dict()
    }


def test_a_refund_begins_pending_and_succeeds_later(calm: Server, receiver: Receiver) -> None:
    calm.settled_by_hand()
    session = calm.paid(card=REFUNDS_SUCCEED_LATER)

    refund = calm.refund(session, amount=900, metadata={"refund": "r-1"})

    assert (refund.status, refund.metadata.to_dict()) == ("pending", {"refund": "r-1"})
    charge = calm.charge_of(session)
    assert (charge.amount_refunded, charge.refunded) == (900, False)
    calm.control(f"refunds/{refund.id}/settle", status="succeeded")
    assert calm.client.v1.refunds.retrieve(refund.id).status == "succeeded"
    # Two updates, in any order: the status, then the reference for the buyer's bank.
    until(lambda: changes_of(receiver, refund.id) == {"status", "destination_details"})
    assert receiver_has(receiver, refund.id, "charge.refund.updated").data.object.id == refund.id


def test_it_succeeds_by_itself_in_time(calm: Server, receiver: Receiver) -> None:
    calm.control("later", seconds=0)
    session = calm.paid(card=REFUNDS_SUCCEED_LATER)
    refund = calm.refund(session)

    until(lambda: calm.client.v1.refunds.retrieve(refund.id).status == "succeeded")
    assert receiver_has(receiver, refund.id, "refund.updated")


def test_a_refund_that_succeeded_fails_later(calm: Server, receiver: Receiver) -> None:
    calm.control("later", seconds=0)
    session = calm.paid(card=REFUNDS_FAIL_LATER)

    refund = calm.refund(session)

    assert refund.status == "succeeded"
    assert getattr(refund, "failure_reason", None) is None
    failed = receiver_has(receiver, refund.id, "refund.failed").data.object
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = calm.charge_of(session)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    back = calm.client.v1.balance_transactions.retrieve(failed.failure_balance_transaction)
    assert (back.amount, back.type, back.source) == (2400, "refund_failure", refund.id)
    assert calm.refund(session).amount == 2400


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_what_did_not_go_out_can_be_refunded_again(calm: Server, status: str) -> None:
    calm.settled_by_hand()
    session = calm.paid(card=REFUNDS_SUCCEED_LATER)
    refund = calm.refund(session, amount=2000)

    calm.control(f"refunds/{refund.id}/settle", status=status)

    assert calm.charge_of(session).amount_refunded == 0
    again = calm.refund(session)
    assert (again.amount, calm.charge_of(session).refunded) == (2400, True)
    refused = calm.control(f"refunds/{refund.id}/settle", status="succeeded")
    assert refused["error"]["message"] == f"A refund that is {status} does not become succeeded."


def test_only_a_refund_that_waits_for_the_customer_is_canceled_by_the_api(calm: Server) -> None:
    calm.settled_by_hand()
    refund = calm.refund(calm.paid(card=REFUNDS_SUCCEED_LATER))
    refunds = calm.client.v1.refunds

    with pytest.raises(stripe.InvalidRequestError, match="status of pending"):
        refunds.cancel(refund.id)
    calm.control(f"refunds/{refund.id}/settle", status="requires_action")

    assert refunds.cancel(refund.id).status == "canceled"


def test_a_refund_in_the_dashboard_has_nothing_of_ours(server: Server, receiver: Receiver) -> None:
    session = server.paid()

    refund = server.control(
        f"payment_intents/{session.payment_intent}/refund", amount=700, reason="duplicate"
    )

    assert (refund["amount"], refund["metadata"], refund["reason"]) == (700, {}, "duplicate")
    event = receiver_has(receiver, refund["id"], "refund.created")
    assert event.request.id is None
    charge = receiver_has(receiver, session.payment_intent, "charge.refunded").data.object
    assert charge.amount_refunded == 700


def test_refunds_are_listed_newest_first_and_narrowed(server: Server) -> None:
    session, other = server.paid(), server.paid()
    first, second = server.refund(session, amount=100), server.refund(session, amount=200)
    server.refund(other, amount=300)
    refunds = server.client.v1.refunds

    by_intent = refunds.list({"payment_intent": session.payment_intent})
    by_charge = refunds.list({"charge": first.charge, "expand": ["data.charge"]})
    page = refunds.list({"payment_intent": session.payment_intent, "limit": 1})
    next_page = refunds.list(
        {"payment_intent": session.payment_intent, "starting_after": page.data[0].id}
    )

    assert [refund.id for refund in by_intent.data] == [second.id, first.id]
    assert [refund.charge.id for refund in by_charge.data] == [first.charge, first.charge]
    assert ([refund.id for refund in page.data], page.has_more) == ([second.id], True)
    assert [refund.id for refund in next_page.data] == [first.id]
    assert refunds.list({"created": {"gt": second.created + 60}}).data == []


def test_a_refund_is_expanded_and_its_metadata_changed(server: Server, receiver: Receiver) -> None:
    refund = server.refund(server.paid(), metadata={"a": "1", "b": "2"}, expand=["charge"])
    refunds = server.client.v1.refunds

    assert refund.charge.amount_refunded == 2400
    changed = refunds.update(refund.id, {"metadata": {"b": "", "c": "3"}})

    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    found = refunds.retrieve(refund.id, {"expand": ["balance_transaction", "payment_intent"]})
    assert (found.balance_transaction.amount, found.payment_intent.status) == (-2400, "succeeded")


@pytest.mark.parametrize(
    ("parameters", "message", "code"),
    [
        ({"surprise": "x"}, "Received unknown parameter: surprise", "parameter_unknown"),
        ({"reason": "none"}, "Invalid reason", None),
        ({"amount": 0}, "Invalid positive integer", "parameter_invalid_integer"),
        ({"payment_intent": "pi_none"}, "No such payment_intent", "resource_missing"),
    ],
)
def test_what_stripe_refuses_of_a_refund(
    server: Server, parameters: dict[str, Any], message: str, code: str | None
) -> None:
    session = server.paid()

    with pytest.raises(stripe.InvalidRequestError, match=message) as refusal:
        server.refund(session, **parameters)

    assert refusal.value.code == code
    assert server.charge_of(session).amount_refunded == 0


def test_an_unpaid_session_has_nothing_to_refund(server: Server) -> None:
    session = server.create()
    server.submit(session.id, "4000 0000 0000 0002")

    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        server.refund(server.retrieve(session.id))
