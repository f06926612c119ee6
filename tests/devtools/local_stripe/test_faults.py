"""Faults of the provider and of the way to it, and errors in their documented shapes."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
import stripe

from tests.devtools.local_stripe.harness import Server

SESSIONS = "/v1/checkout/sessions"


def faulty(server: Server, fault: object, **rule: object) -> Any:
    return server.control(
        "faults", **({"method": "POST", "path_prefix": SESSIONS, "times": 1} | rule), fault=fault
    )["data"][0]


def sessions_of(server: Server, order: str) -> list[Any]:
    listed = server.client.v1.checkout.sessions.list({"limit": 100}).data
    return [session for session in listed if session.client_reference_id == order]


def test_a_late_request_is_done_late(calm: Server) -> None:
    faulty(calm, {"delay_before": 1.0})
    started = time.monotonic()

    assert calm.create().status == "open"

    assert time.monotonic() - started >= 1
    assert calm.ask("GET", "faults")["data"][0]["hits"] == 1


def test_a_late_answer_comes_after_the_work_is_done(calm: Server) -> None:
    faulty(calm, {"delay_after": 5.0})
    waiting = threading.Thread(target=calm.create, kwargs={"client_reference_id": "LATE0001"})
    waiting.start()
    try:
        deadline = time.monotonic() + 4
        while not sessions_of(calm, "LATE0001") and time.monotonic() < deadline:
            time.sleep(0.05)

        assert waiting.is_alive()
        assert len(sessions_of(calm, "LATE0001")) == 1
    finally:
        waiting.join(timeout=30)


@pytest.mark.parametrize(("fault", "done"), [("cut_before", 0), ("cut_after", 1)])
def test_a_connection_is_cut(calm: Server, fault: str, done: int) -> None:
    order = f"CUT{done}"
    faulty(calm, fault)

    with pytest.raises(stripe.APIConnectionError):
        calm.create(client_reference_id=order, options={"idempotency_key": order})

    assert len(sessions_of(calm, order)) == done
    calm.create(client_reference_id=order, options={"idempotency_key": order})
    assert len(sessions_of(calm, order)) == 1


def test_a_cut_refusal_is_remembered_like_an_answer(calm: Server) -> None:
    session = calm.paid()
    calm.refund(session)
    faulty(calm, "cut_after", path_prefix="/v1/refunds")

    with pytest.raises(stripe.APIConnectionError):
        calm.refund(session)
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        calm.refund(session)


def test_a_request_hangs_until_the_rules_are_cleared(calm: Server) -> None:
    faulty(calm, "hang", times=None)
    seen: list[Exception] = []

    def create() -> None:
        try:
            calm.create(client_reference_id="HANG0001")
        except stripe.APIConnectionError as error:
            seen.append(error)

    waiting = threading.Thread(target=create)
    waiting.start()
    time.sleep(0.5)
    assert waiting.is_alive()

    assert calm.ask("DELETE", "faults") == {"cleared": 1}

    waiting.join(timeout=30)
    assert not waiting.is_alive()
    assert len(seen) == 1
    assert sessions_of(calm, "HANG0001") == []
    assert calm.ask("GET", "faults") == {"data": []}


def test_a_rule_is_for_some_requests_and_some_times(calm: Server) -> None:
    rule = faulty(calm, {"status": 503}, times=2)
    assert (rule["times"], rule["hits"], rule["path_prefix"]) == (2, 0, SESSIONS)

    assert calm.client.v1.checkout.sessions.list().data is not None
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            calm.create()
    assert calm.create().status == "open"

    assert calm.ask("GET", "faults")["data"][0]["hits"] == 2


@pytest.mark.parametrize(
    ("status", "raised", "kind", "code"),
    [
        (401, stripe.AuthenticationError, "invalid_request_error", None),
        (402, stripe.CardError, "card_error", "card_declined"),
        (404, stripe.InvalidRequestError, "invalid_request_error", "resource_missing"),
        (409, stripe.APIError, "idempotency_error", "idempotency_key_in_use"),
        (429, stripe.RateLimitError, "invalid_request_error", "rate_limit"),
        (500, stripe.APIError, "api_error", None),
        (502, stripe.APIError, "api_error", None),
        (503, stripe.APIError, "api_error", None),
    ],
)
def test_an_error_has_its_documented_shape(
    calm: Server, status: int, raised: type[stripe.StripeError], kind: str, code: str | None
) -> None:
    faulty(calm, {"status": status})

    with pytest.raises(raised) as refusal:
        calm.create()

    assert refusal.value.http_status == status
    error = json.loads(refusal.value.http_body or "")["error"]
    assert (error["type"], error.get("code")) == (kind, code)
    assert error["message"]


def test_a_lock_timeout_asks_to_be_tried_again(calm: Server) -> None:
    faulty(calm, {"status": 429, "code": "lock_timeout"})

    with pytest.raises(stripe.RateLimitError) as refusal:
        calm.create()

    assert json.loads(refusal.value.http_body or "")["error"]["code"] == "lock_timeout"
    assert (refusal.value.headers or {})["Stripe-Should-Retry"] == "true"


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        ("cut_before", 2),
        ("cut_after", 2),
        ({"status": 503}, 2),
        ({"status": 409}, 2),
        ({"status": 429, "code": "lock_timeout"}, 2),
    ],
)
def test_the_client_tries_again_by_itself_and_creates_one(
    calm: Server, monkeypatch: pytest.MonkeyPatch, fault: Any, requests: int
) -> None:
    order = f"AGAIN-{fault}"
    faulty(calm, fault)
    faulty(calm, {"delay_before": 0}, times=None)
    patient = stripe.StripeClient(
        "sk_test_local", base_addresses={"api": calm.base}, max_network_retries=2
    )
    monkeypatch.setattr(calm, "client", patient)

    calm.create(client_reference_id=order)

    assert len(sessions_of(calm, order)) == 1
    assert sum(rule["hits"] for rule in calm.ask("GET", "faults")["data"]) == requests


def test_a_plain_rate_limit_is_not_tried_again_by_the_client(
    calm: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty(calm, {"status": 429})
    patient = stripe.StripeClient(
        "sk_test_local", base_addresses={"api": calm.base}, max_network_retries=2
    )
    monkeypatch.setattr(calm, "client", patient)

    with pytest.raises(stripe.RateLimitError):
        calm.create()


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "explode"},
        {"fault": {"status": 418}},
        {"fault": {"delay_before": 601}},
        {"fault": "hang", "path_prefix": "/_test/"},
        {"fault": "hang", "times": 0},
        {"fault": "hang", "paths": "/v1/"},
        {"fault": {"status": 500, "when": "never"}},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(calm: Server, rule: dict[str, object]) -> None:
    assert "error" in calm.control("faults", **rule)
    assert calm.ask("GET", "faults") == {"data": []}


def test_controls_and_pages_know_no_faults(calm: Server) -> None:
    session = calm.create()
    faulty(calm, {"status": 500}, method=None, path_prefix=None, times=None)

    assert calm.fetch("GET", f"/c/pay/{session.id}")[0] == 200
    assert calm.control(f"sessions/{session.id}/pay")["outcome"] == "paid"
    with pytest.raises(stripe.APIError):
        calm.retrieve(session.id)
