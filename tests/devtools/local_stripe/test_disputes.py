"""Disputes and inquiries: https://docs.stripe.com/disputes, https://docs.stripe.com/testing#disputes."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.devtools.local_stripe.harness import (
    DISPUTED,
    REFUNDS_SUCCEED_LATER,
    Receiver,
    Server,
    receiver_has,
    until,
)


def disputed(server: Server, **body: object) -> tuple[Any, Any]:
    """A paid session and the dispute of its payment, opened by control."""
    session = server.paid()
    opened = server.control(f"payment_intents/{session.payment_intent}/dispute", **body)
    return session, server.client.v1.disputes.retrieve(opened["id"])


def test_the_card_pays_and_is_then_disputed(calm: Server, receiver: Receiver) -> None:
    calm.control("later", seconds=0)

    session = calm.paid(card=DISPUTED)

    assert (session.status, session.payment_status) == ("complete", "paid")
    dispute = receiver_has(receiver, session.payment_intent, "charge.dispute.created").data.object
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "fraudulent",
        2400,
    )
    assert dispute.payment_intent == session.payment_intent
    charge = calm.charge_of(session)
    assert (charge.disputed, charge.id) == (True, dispute.charge)
    found = calm.client.v1.disputes.list({"payment_intent": session.payment_intent})
    assert [each.id for each in found.data] == [dispute.id]


def test_a_chargeback_takes_the_amount_and_a_fee(server: Server, receiver: Receiver) -> None:
    _, dispute = disputed(server)

    withdrawn = receiver_has(receiver, dispute.id, "charge.dispute.funds_withdrawn").data.object

    (movement,) = withdrawn.balance_transactions
    assert (movement.amount, movement.type, movement.reporting_category) == (
        -2400,
        "adjustment",
        "dispute",
    )
    assert movement.fee > 0
    assert movement.net == -2400 - movement.fee
    assert movement.source == dispute.id


def test_a_dispute_that_is_won_brings_the_money_back(server: Server, receiver: Receiver) -> None:
    session, dispute = disputed(server)

    server.control(f"disputes/{dispute.id}/review")
    assert receiver_has(receiver, dispute.id, "charge.dispute.updated").data.object.status == (
        "under_review"
    )
    server.control(f"disputes/{dispute.id}/close", outcome="won")

    assert receiver_has(receiver, dispute.id, "charge.dispute.closed").data.object.status == "won"
    back = receiver_has(receiver, dispute.id, "charge.dispute.funds_reinstated").data.object
    assert [movement.amount for movement in back.balance_transactions] == [-2400, 2400]
    assert server.charge_of(session).disputed is True
    assert server.refund(session, amount=100).status == "succeeded"


def test_a_dispute_that_is_lost_brings_nothing_back(server: Server, receiver: Receiver) -> None:
    session, dispute = disputed(server, reason="product_not_received")

    server.control(f"disputes/{dispute.id}/close", outcome="lost")

    closed = receiver_has(receiver, dispute.id, "charge.dispute.closed").data.object
    assert (closed.status, closed.reason) == ("lost", "product_not_received")
    assert len(server.client.v1.disputes.retrieve(dispute.id).balance_transactions) == 1
    assert "charge.dispute.funds_reinstated" not in receiver.kinds(dispute.id)
    assert server.control(f"disputes/{dispute.id}/close", outcome="won")["error"]["message"] == (
        "This dispute is already closed: it is lost."
    )
    with pytest.raises(stripe.InvalidRequestError, match="charged back") as refusal:
        server.refund(session)
    assert refusal.value.code == "charge_disputed"


def test_a_refund_that_is_pending_fails_when_its_charge_is_disputed(
    calm: Server, receiver: Receiver
) -> None:
    calm.settled_by_hand()
    session = calm.paid(card=REFUNDS_SUCCEED_LATER)
    refund = calm.refund(session, amount=400)

    calm.control(f"payment_intents/{session.payment_intent}/dispute")

    failed = receiver_has(receiver, refund.id, "refund.failed").data.object
    assert failed.failure_reason == "charge_for_pending_refund_disputed"
    assert calm.charge_of(session).amount_refunded == 0


@pytest.mark.parametrize("reviewed", [False, True], ids=["open", "under review"])
def test_an_open_dispute_forbids_a_refund(server: Server, reviewed: bool) -> None:
    session, dispute = disputed(server)
    if reviewed:
        server.control(f"disputes/{dispute.id}/review")

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        server.refund(session, amount=1)

    assert (refusal.value.code, refusal.value.http_status) == ("charge_disputed", 400)
    assert server.charge_of(session).amount_refunded == 0


def test_an_inquiry_takes_nothing_and_may_be_refunded(server: Server, receiver: Receiver) -> None:
    session, dispute = disputed(server, inquiry=True)

    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    assert dispute.is_charge_refundable is True
    assert server.refund(session).amount == 2400
    server.control(f"disputes/{dispute.id}/close", outcome="won")
    closed = receiver_has(receiver, dispute.id, "charge.dispute.closed").data.object
    assert closed.status == "warning_closed"


def test_an_inquiry_that_is_escalated_is_a_chargeback(server: Server, receiver: Receiver) -> None:
    session, dispute = disputed(server, inquiry=True)

    server.control(f"disputes/{dispute.id}/escalate")

    assert receiver_has(receiver, dispute.id, "charge.dispute.funds_withdrawn")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        server.refund(session)
    assert refusal.value.code == "charge_disputed"


@pytest.mark.parametrize(
    ("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")]
)
def test_evidence_decides_a_test_dispute(server: Server, text: str, status: str) -> None:
    _, dispute = disputed(server)

    decided = server.client.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": text}}
    )

    assert decided.status == status
    assert decided.evidence_details.submission_count == 1


def test_a_seller_gives_up_a_dispute(server: Server, receiver: Receiver) -> None:
    _, dispute = disputed(server)

    assert server.client.v1.disputes.close(dispute.id).status == "lost"

    assert receiver_has(receiver, dispute.id, "charge.dispute.closed")


def test_a_payment_is_disputed_once_and_not_after_a_full_refund(server: Server) -> None:
    session, _ = disputed(server)
    refunded = server.paid()
    server.refund(refunded)

    again = server.control(f"payment_intents/{session.payment_intent}/dispute")
    late = server.control(f"payment_intents/{refunded.payment_intent}/dispute")

    assert "disputed already" in again["error"]["message"]
    assert "not fully refunded" in late["error"]["message"]


def test_the_page_lists_the_cards_that_are_disputed_or_refunded_late(server: Server) -> None:
    page = server.fetch("GET", f"/c/pay/{server.create().id}")[1]

    for number in ("4000 0000 0000 0259", "4000 0000 0000 7726", "4000 0000 0000 5126"):
        assert f"<code>{number}</code>" in page


def test_a_later_dispute_waits_for_its_time(calm: Server) -> None:
    calm.settled_by_hand()
    session = calm.paid(card=DISPUTED)
    assert calm.charge_of(session).disputed is False

    calm.control("later", seconds=0)

    until(lambda: calm.charge_of(session).disputed)
