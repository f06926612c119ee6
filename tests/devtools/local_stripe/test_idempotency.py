"""Idempotency keys: https://docs.stripe.com/api/idempotent_requests."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import stripe

from tests.devtools.local_stripe.harness import Server, until


def refund(server: Server, session: Any, key: str, **parameters: Any) -> Any:
    return server.client.v1.refunds.create(
        {"payment_intent": session.payment_intent} | parameters, {"idempotency_key": key}
    )


def test_a_refusal_by_the_state_of_things_is_remembered(calm: Server) -> None:
    calm.settled_by_hand()
    session = calm.paid(card="4000 0000 0000 7726")
    first = refund(calm, session, "state-1")
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            refund(calm, session, "state-2")
        assert refusal.value.code == "charge_already_refunded"
    calm.control(f"refunds/{first.id}/settle", status="failed")

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        refund(calm, session, "state-2")

    assert refusal.value.code == "charge_already_refunded"
    headers = refusal.value.headers or {}
    assert headers["Idempotent-Replayed"] == "true"
    assert headers["Stripe-Should-Retry"] == "false"
    assert refund(calm, session, "state-3").amount == 2400


def test_wrong_parameters_are_not_remembered(server: Server) -> None:
    session = server.paid()
    with pytest.raises(stripe.InvalidRequestError, match="Invalid reason"):
        refund(server, session, "parameters-1", reason="none")

    assert refund(server, session, "parameters-1").status == "succeeded"


def test_a_missing_object_is_remembered(server: Server) -> None:
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            server.client.v1.refunds.create(
                {"payment_intent": "pi_nothing"}, {"idempotency_key": "missing-1"}
            )
        assert refusal.value.code == "resource_missing"

    assert (refusal.value.headers or {})["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("when", "refunded"), [("executing", 0), ("after", 2400)])
def test_an_error_while_it_was_carried_out_is_remembered(
    calm: Server, when: str, refunded: int
) -> None:
    session = calm.paid()
    calm.control(
        "faults",
        method="POST",
        path_prefix="/v1/refunds",
        times=1,
        fault={"status": 500, "when": when},
    )

    for _ in range(2):
        with pytest.raises(stripe.APIError) as refusal:
            refund(calm, session, f"error-{when}")
        assert refusal.value.http_status == 500

    assert (refusal.value.headers or {})["Stripe-Should-Retry"] == "false"
    assert calm.charge_of(session).amount_refunded == refunded


def test_an_error_before_it_was_carried_out_is_not_remembered(calm: Server) -> None:
    session = calm.paid()
    calm.control("faults", path_prefix="/v1/refunds", times=1, fault={"status": 429})
    with pytest.raises(stripe.RateLimitError):
        refund(calm, session, "limited-1")

    assert refund(calm, session, "limited-1").amount == 2400


def test_a_key_under_way_is_a_conflict_and_is_not_remembered(calm: Server) -> None:
    session = calm.paid()
    rule = {"method": "POST", "path_prefix": "/v1/refunds", "times": 1}
    calm.control("faults", **rule, fault={"delay_executing": 5})
    first = threading.Thread(target=refund, args=(calm, session, "both-1"))
    first.start()
    until(lambda: calm.ask("GET", "faults")["data"][0]["hits"] == 1)

    with pytest.raises(stripe.APIError) as refusal:
        refund(calm, session, "both-1")

    assert refusal.value.http_status == 409
    error = json.loads(refusal.value.http_body or "")["error"]
    assert (error["type"], error["code"]) == ("idempotency_error", "idempotency_key_in_use")
    first.join(timeout=30)
    assert refund(calm, session, "both-1").amount == 2400
    assert calm.charge_of(session).amount_refunded == 2400


def test_an_answer_that_is_late_is_remembered_before_it_leaves(calm: Server) -> None:
    session = calm.paid()
    rule = {"method": "POST", "path_prefix": "/v1/refunds", "times": 1}
    calm.control("faults", **rule, fault={"delay_after": 2})
    first = threading.Thread(target=refund, args=(calm, session, "late-1"))
    first.start()
    until(lambda: calm.charge_of(session).amount_refunded == 2400)

    again = refund(calm, session, "late-1")

    assert again.amount == 2400
    first.join(timeout=30)
    assert calm.charge_of(session).amount_refunded == 2400


def test_a_key_for_another_endpoint_is_an_error(server: Server) -> None:
    session = server.paid()
    refund(server, session, "endpoint-1")

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        server.create(options={"idempotency_key": "endpoint-1"})


def test_a_forgotten_key_is_a_new_request(server: Server) -> None:
    session = server.paid()
    first = refund(server, session, "forgotten-1", amount=100)

    assert server.control("idempotency/forget", key="forgotten-1")["forgotten"] == 1

    second = refund(server, session, "forgotten-1", amount=100)
    assert second.id != first.id
    assert server.charge_of(session).amount_refunded == 200


def test_a_key_is_forgotten_after_a_day(calm: Server) -> None:
    session = calm.paid()
    first = refund(calm, session, "day:1", amount=100)
    calm.control("clock", offset_seconds=23 * 3600)
    assert refund(calm, session, "day:1", amount=100).id == first.id

    calm.control("clock", offset_seconds=25 * 3600)

    assert refund(calm, session, "day:1", amount=100).id != first.id
