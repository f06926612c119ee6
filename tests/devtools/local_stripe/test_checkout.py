"""The local Stripe server, driven as the product drives it: by the real client, over HTTP."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.devtools.local_stripe.harness import (
    AUTHENTICATES,
    DECLINED,
    DISPUTED,
    NO_FUNDS,
    REFUNDS_SUCCEED_LATER,
    SECRET,
    SUCCEEDS,
    Receiver,
    Server,
    receiver_has,
    running,
    until,
)

# Creating --------------------------------------------------------------------------------------


def test_a_session_is_created_open_and_unpaid(server: Server) -> None:
    session = server.create(customer_email="ada@example.com")

    assert session.id.startswith("cs_test_")
    assert session.object == "checkout.session"
    assert session.url == f"{server.base}/c/pay/{session.id}"
    assert (session.status, session.payment_status, session.payment_intent) == (
        "open",
        "unpaid",
        None,
    )
    assert (session.amount_subtotal, session.amount_total, session.currency) == (2400, 2400, "eur")
    assert session.client_reference_id == "ABCD2345"
    assert session.metadata.to_dict() == {"order": "ABCD2345"}
    assert session.expires_at == session.created + 24 * 3600
    assert [
        item.description
        for item in server.client.v1.checkout.sessions.line_items.list(session.id).data
    ] == ["Balcony <b>ticket</b>"]


@pytest.mark.parametrize(
    ("changes", "param", "message"),
    [
        ({"expires_at": 60}, "expires_at", "at least 30 minutes"),
        ({"expires_at": 29 * 60}, "expires_at", "at least 30 minutes"),
        ({"expires_at": 25 * 3600}, "expires_at", "less than 24 hours"),
        ({"line_items": []}, "line_items", "line item"),
        ({"mode": "subscription"}, "mode", "payment"),
        ({"ui_mode": "hosted"}, "ui_mode", "hosted_page"),
        ({"success_url": "/orders"}, "success_url", "Not a valid URL"),
        ({"success_url": ""}, "success_url", "Missing required param"),
        ({"customer_email": "nobody"}, "customer_email", "Invalid email"),
        ({"surprise": "x"}, "surprise", "Received unknown parameter"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", "500 characters"),
        ({"amount": 49}, None, "at least €0.50"),
    ],
)
def test_what_stripe_refuses_is_refused(
    server: Server, changes: dict[str, Any], param: str, message: str
) -> None:
    if "expires_at" in changes:
        changes = {"expires_at": int(time.time()) + changes["expires_at"]}

    with pytest.raises(stripe.InvalidRequestError, match=message) as refusal:
        server.create(**changes)

    assert refusal.value.http_status == 400
    assert refusal.value.param == param


def test_an_expiry_within_the_limits_is_kept(server: Server) -> None:
    expires_at = int(time.time()) + 31 * 60

    assert server.create(expires_at=expires_at).expires_at == expires_at


def test_a_request_without_a_test_key_is_refused(server: Server) -> None:
    assert server.fetch("GET", "/v1/checkout/sessions")[0] == 401
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient(
            "sk_live_x", base_addresses={"api": server.base}
        ).v1.payment_intents.retrieve("pi_x")


@pytest.mark.parametrize(
    "kind", ["checkout.sessions", "payment_intents", "charges", "balance_transactions", "refunds"]
)
def test_what_does_not_exist_is_missing(server: Server, kind: str) -> None:
    service: Any = server.client.v1
    for name in kind.split("."):
        service = getattr(service, name)

    with pytest.raises(stripe.InvalidRequestError, match="No such") as refusal:
        service.retrieve("nothing")

    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_the_module_level_client_works_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "api_base", server.base)
    monkeypatch.setattr(stripe, "api_key", "sk_test_other")
    session = server.paid()

    intent: Any = stripe.PaymentIntent.retrieve(
        session.payment_intent, expand=["latest_charge.balance_transaction"]
    )
    refund: Any = stripe.Refund.create(
        payment_intent=intent.id, amount=100, idempotency_key="module-level"
    )

    assert (
        stripe.BalanceTransaction.retrieve(intent.latest_charge.balance_transaction.id).net == 2339
    )
    assert stripe.Charge.retrieve(refund.charge).amount_refunded == 100
    again: Any = stripe.checkout.Session.retrieve(session.id, expand=["payment_intent"])
    assert again.payment_intent.id == intent.id


# Idempotency -----------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_session(server: Server) -> None:
    first = server.create(options={"idempotency_key": "order-1"})
    second = server.create(options={"idempotency_key": "order-1"})
    other = server.create(options={"idempotency_key": "order-2"})

    assert second.id == first.id
    assert other.id != first.id


def test_the_same_key_with_another_body_is_an_error(server: Server) -> None:
    server.create(options={"idempotency_key": "order-3"})

    with pytest.raises(stripe.IdempotencyError) as refusal:
        server.create(amount=9900, options={"idempotency_key": "order-3"})

    assert refusal.value.http_status == 400


def test_a_refused_request_does_not_use_up_its_key(server: Server) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        server.create(amount=1, options={"idempotency_key": "order-4"})

    assert server.create(options={"idempotency_key": "order-4"}).status == "open"


# The hosted page -------------------------------------------------------------------------------


def test_the_page_shows_the_order_and_says_that_it_is_a_test(server: Server) -> None:
    session = server.create(customer_email="ada@example.com")

    status, page, _ = server.fetch("GET", f"/c/pay/{session.id}")

    assert status == 200
    assert "Local Stripe — test mode" in page
    assert "Balcony &lt;b&gt;ticket&lt;/b&gt;" in page
    assert "€24.00" in page
    assert 'href="http://shop.test/cart"' in page
    assert 'value="ada@example.com"' in page
    assert "<script" not in page


def test_a_good_card_pays_and_returns_to_the_shop(server: Server, receiver: Receiver) -> None:
    session = server.create()

    status, _, location = server.submit(session.id, SUCCEEDS)

    assert (status, location) == (303, f"http://shop.test/orders/ABCD?session={session.id}")
    paid = server.retrieve(session.id, "payment_intent.latest_charge.balance_transaction")
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.customer_details.email, paid.customer_details.name) == ("ada@example.com", "Ada")
    intent = paid.payment_intent
    assert (intent.status, intent.amount_received) == ("succeeded", 2400)
    assert intent.metadata.to_dict() == {"order": "ABCD2345"}
    charge = intent.latest_charge
    assert (charge.status, charge.paid, charge.amount, charge.refunded) == (
        "succeeded",
        True,
        2400,
        False,
    )
    assert charge.payment_method_details.card.last4 == "4242"
    assert (
        charge.balance_transaction.amount,
        charge.balance_transaction.fee,
        charge.balance_transaction.net,
    ) == (
        2400,
        61,
        2339,
    )
    until(
        lambda: (
            receiver.kinds(intent.id)
            >= {"checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"}
        )
    )


def test_each_object_can_be_retrieved_by_itself(server: Server) -> None:
    session = server.paid()

    intent = server.client.v1.payment_intents.retrieve(session.payment_intent)
    charge = server.client.v1.charges.retrieve(intent.latest_charge)
    transaction = server.client.v1.balance_transactions.retrieve(charge.balance_transaction)
    found = server.client.v1.checkout.sessions.list({"payment_intent": intent.id})

    assert charge.payment_intent == intent.id
    assert (transaction.source, transaction.type, transaction.status) == (
        charge.id,
        "charge",
        "pending",
    )
    assert [each.id for each in found.data] == [session.id]


@pytest.mark.parametrize(
    ("number", "message", "decline_code"),
    [
        (DECLINED, "Your card was declined.", "generic_decline"),
        (NO_FUNDS, "Your card has insufficient funds.", "insufficient_funds"),
    ],
)
def test_a_declined_card_leaves_the_session_open_for_another_try(
    server: Server, receiver: Receiver, number: str, message: str, decline_code: str
) -> None:
    session = server.create()

    status, page, _ = server.submit(session.id, number)

    assert status == 402
    assert message in page
    declined = server.retrieve(session.id, "payment_intent")
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    error = declined.payment_intent.last_payment_error
    assert (error.code, error.decline_code) == ("card_declined", decline_code)
    until(lambda: "payment_intent.payment_failed" in receiver.kinds(declined.payment_intent.id))

    assert server.submit(session.id, SUCCEEDS)[0] == 303
    paid = server.retrieve(session.id, "payment_intent")
    assert (paid.status, paid.payment_intent.id) == ("complete", declined.payment_intent.id)
    assert paid.payment_intent.last_payment_error is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"number": "4242 4242 4242 4241"}, "Your card number is invalid."),
        ({"number": "5555 5555 5555 4444"}, "does not know that card"),
        ({"number": "4242"}, "Your card number is incomplete."),
        ({"number": ""}, "Enter your card number."),
        ({"expiry": "12 / 20"}, "expiry date is in the past"),
        ({"expiry": "13/34"}, "as month and year"),
        ({"cvc": "12"}, "3 digits"),
        ({"email": "nobody"}, "correct format"),
        ({"name": " "}, "Enter the name"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_tried(
    server: Server, changes: dict[str, str], message: str
) -> None:
    session = server.create()

    status, page, _ = server.submit(session.id, **({"number": SUCCEEDS} | changes))

    assert status == 422
    assert message in page
    assert server.retrieve(session.id).payment_intent is None


def test_completed_authentication_pays(server: Server) -> None:
    session = server.create()

    status, _, location = server.submit(session.id, AUTHENTICATES)
    assert (status, location) == (303, f"/c/pay/{session.id}/3ds")
    assert server.retrieve(session.id, "payment_intent").payment_intent.status == "requires_action"
    page = server.fetch("GET", f"/c/pay/{session.id}/3ds")[1]
    assert "Complete authentication" in page
    assert "Fail authentication" in page

    status, _, location = server.fetch("POST", f"/c/pay/{session.id}/3ds", {"outcome": "complete"})
    assert (status, location) == (303, f"http://shop.test/orders/ABCD?session={session.id}")
    assert server.retrieve(session.id).payment_status == "paid"


def test_failed_authentication_leaves_the_session_open(server: Server, receiver: Receiver) -> None:
    session = server.create()
    server.submit(session.id, "4000 0000 0000 3220")

    status, page, _ = server.fetch("POST", f"/c/pay/{session.id}/3ds", {"outcome": "fail"})

    assert status == 402
    assert "unable to authenticate" in page
    failed = server.retrieve(session.id, "payment_intent")
    assert (failed.status, failed.payment_intent.status) == ("open", "requires_payment_method")
    assert failed.payment_intent.last_payment_error.code == "payment_intent_authentication_failure"
    until(lambda: "payment_intent.payment_failed" in receiver.kinds(failed.payment_intent.id))


def test_submitting_twice_pays_once(server: Server) -> None:
    session = server.paid()

    status, _, location = server.submit(session.id, SUCCEEDS)

    assert (status, location) == (303, f"http://shop.test/orders/ABCD?session={session.id}")
    assert server.retrieve(session.id).payment_intent == session.payment_intent
    assert "already been paid" in server.fetch("GET", f"/c/pay/{session.id}")[1]


def test_a_free_order_needs_no_card(server: Server) -> None:
    session = server.create(amount=0)

    assert "Card number" not in server.fetch("GET", f"/c/pay/{session.id}")[1]
    assert server.fetch("POST", f"/c/pay/{session.id}", {"email": "ada@example.com"})[0] == 303
    free = server.retrieve(session.id)
    assert (free.status, free.payment_status, free.payment_intent) == (
        "complete",
        "no_payment_required",
        None,
    )


# Expiring --------------------------------------------------------------------------------------


def test_an_open_session_expires_once(server: Server, receiver: Receiver) -> None:
    session = server.create()

    expired = server.client.v1.checkout.sessions.expire(session.id)

    assert (expired.status, expired.url) == ("expired", None)
    assert receiver_has(receiver, session.id, "checkout.session.expired")
    with pytest.raises(
        stripe.InvalidRequestError, match=r'Only Checkout Sessions with a status in \["open"\]'
    ):
        server.client.v1.checkout.sessions.expire(session.id)
    status, page, _ = server.submit(session.id, SUCCEEDS)
    assert status == 410
    assert "has expired" in page
    assert server.retrieve(session.id).payment_intent is None


def test_a_paid_session_cannot_expire(server: Server) -> None:
    session = server.paid()

    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        server.client.v1.checkout.sessions.expire(session.id)

    assert server.retrieve(session.id).status == "complete"


def test_expiring_cancels_an_attempt_under_way(server: Server) -> None:
    session = server.create()
    server.submit(session.id, AUTHENTICATES)

    server.client.v1.checkout.sessions.expire(session.id)

    assert server.retrieve(session.id, "payment_intent").payment_intent.status == "canceled"
    status, _, location = server.fetch("POST", f"/c/pay/{session.id}/3ds", {"outcome": "complete"})
    assert (status, location) == (303, f"/c/pay/{session.id}")


def test_the_clock_expires_a_session(server: Server, receiver: Receiver) -> None:
    session = server.create()

    assert server.control(f"sessions/{session.id}/expire-now")["status"] == "expired"

    assert receiver_has(receiver, session.id, "checkout.session.expired")


# Refunding -------------------------------------------------------------------------------------


def test_refunds_in_part_and_in_full(server: Server, receiver: Receiver) -> None:
    session = server.paid()
    refunds = server.client.v1.refunds

    part = refunds.create(
        {"payment_intent": session.payment_intent, "amount": 400}, {"idempotency_key": "refund-1"}
    )
    again = refunds.create(
        {"payment_intent": session.payment_intent, "amount": 400}, {"idempotency_key": "refund-1"}
    )

    assert (part.status, part.amount, part.currency, again.id) == ("succeeded", 400, "eur", part.id)
    charge = server.client.v1.charges.retrieve(part.charge)
    assert (charge.amount_refunded, charge.refunded) == (400, False)
    assert refunds.retrieve(part.id).payment_intent == session.payment_intent
    movement = server.client.v1.balance_transactions.retrieve(part.balance_transaction)
    assert (movement.amount, movement.net, movement.type) == (-400, -400, "refund")

    rest = refunds.create(
        {"payment_intent": session.payment_intent, "reason": "requested_by_customer"}
    )

    assert (rest.amount, rest.reason) == (2000, "requested_by_customer")
    charge = server.client.v1.charges.retrieve(part.charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (2400, True)
    assert [each.id for each in charge.refunds.data] == [rest.id, part.id]
    until(
        lambda: (
            receiver.kinds(session.payment_intent)
            >= {"charge.refunded", "refund.created", "refund.updated"}
        )
    )
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        refunds.create({"payment_intent": session.payment_intent})
    assert refusal.value.code == "charge_already_refunded"


def test_a_refund_larger_than_what_is_left_is_refused(server: Server) -> None:
    session = server.paid()
    refunds = server.client.v1.refunds

    with pytest.raises(
        stripe.InvalidRequestError, match=r"\(€24.01\) is greater than charge amount \(€24.00\)"
    ):
        refunds.create({"payment_intent": session.payment_intent, "amount": 2401})
    refunds.create({"payment_intent": session.payment_intent, "amount": 2000})
    with pytest.raises(
        stripe.InvalidRequestError, match=r"unrefunded amount on charge \(€4.00\)"
    ) as refusal:
        refunds.create({"payment_intent": session.payment_intent, "amount": 500})

    assert refusal.value.param == "amount"
    found = refunds.list({"payment_intent": session.payment_intent})
    assert [refund.amount for refund in found.data] == [2000]


# Webhooks --------------------------------------------------------------------------------------


def test_an_event_has_stripes_envelope(server: Server, receiver: Receiver) -> None:
    session = server.paid()

    event = receiver_has(receiver, session.id, "checkout.session.completed")

    assert (event.object, event.livemode, event.api_version) == ("event", False, stripe.api_version)
    assert event.id.startswith("evt_")
    assert event.request.id is None
    assert (event.data.object.id, event.data.object.payment_status) == (session.id, "paid")
    assert server.client.v1.events.retrieve(event.id).type == "checkout.session.completed"
    newest = server.client.v1.events.list({"type": "checkout.session.completed", "limit": 1}).data
    assert [each.id for each in newest] == [event.id]


def test_an_event_caused_by_a_request_names_it(server: Server, receiver: Receiver) -> None:
    session = server.paid()

    refund = server.client.v1.refunds.create(
        {"payment_intent": session.payment_intent}, {"idempotency_key": "refund-named"}
    )

    event = receiver_has(receiver, refund.id, "refund.created")
    assert event.request.id.startswith("req_")
    assert event.request.idempotency_key == "refund-named"


def test_a_changed_delivery_is_not_accepted(server: Server, receiver: Receiver) -> None:
    session = server.paid()
    receiver_has(receiver, session.id, "checkout.session.completed")
    body, header = receiver.deliveries[-1]

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body.replace(b"2400", b"1"), header, SECRET)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_other")


def test_an_event_is_delivered_again_under_its_id(server: Server, receiver: Receiver) -> None:
    session = server.paid()
    event = receiver_has(receiver, session.id, "checkout.session.completed")

    answer = server.control("webhooks/redeliver", event_id=event.id)

    assert answer == {"event_id": event.id, "status": 200}
    completed = [
        each.id for each in receiver.events(session.id) if each.type == "checkout.session.completed"
    ]
    assert completed == [event.id, event.id]


def test_a_refused_delivery_is_tried_again(server: Server, receiver: Receiver) -> None:
    session = server.create()
    receiver.refuse = 1

    server.control(f"sessions/{session.id}/expire-now")

    event = receiver_has(receiver, session.id, "checkout.session.expired")
    listed = json.loads(server.fetch("GET", "/_test/events")[1])["data"]
    assert next(each["attempts"] for each in listed if each["id"] == event.id) == 2


def test_deliveries_are_held_and_released(server: Server, receiver: Receiver) -> None:
    server.control("webhooks", mode="hold")
    session = server.create()
    assert server.control(f"sessions/{session.id}/pay", card=SUCCEEDS)["outcome"] == "paid"
    listed = json.loads(server.fetch("GET", "/_test/events")[1])["data"]
    assert {each["delivery"] for each in listed if each["object_id"] == session.id} == {"held"}
    assert receiver.events(session.id) == []

    released = server.control("webhooks/release")

    assert released["mode"] == "normal"
    assert released["released"] == 4
    assert receiver_has(receiver, session.id, "checkout.session.completed")


def test_dropped_deliveries_are_only_recorded(server: Server, receiver: Receiver) -> None:
    server.control("webhooks", mode="drop")
    session = server.create()
    server.control(f"sessions/{session.id}/expire-now")
    server.control("webhooks", mode="normal")

    listed = json.loads(server.fetch("GET", "/_test/events")[1])["data"]

    event = next(each for each in listed if each["object_id"] == session.id)
    assert (event["delivery"], event["attempts"]) == ("dropped", 0)
    assert receiver.events(session.id) == []


@pytest.mark.parametrize(
    ("card", "outcome", "status"),
    [
        (SUCCEEDS, "paid", "complete"),
        (DECLINED, "declined", "open"),
        (AUTHENTICATES, "paid", "complete"),
    ],
)
def test_a_test_pays_without_a_browser(
    server: Server, card: str, outcome: str, status: str
) -> None:
    session = server.create()

    answer = server.control(f"sessions/{session.id}/pay", card=card)

    assert (answer["outcome"], answer["session"]["status"]) == (outcome, status)


# Keeping ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("gracefully", [True, False], ids=["stopped", "killed"])
def test_a_restart_keeps_everything(receiver: Receiver, tmp_path: Path, gracefully: bool) -> None:
    with running(tmp_path, receiver.url, gracefully=gracefully) as before:
        before.control("webhooks", mode="hold")
        still_open = before.create(options={"idempotency_key": "order-5"})
        paid = before.paid()
        refund = before.client.v1.refunds.create(
            {"payment_intent": paid.payment_intent, "amount": 100}
        )

    with running(tmp_path, receiver.url) as after:
        assert after.create(options={"idempotency_key": "order-5"}).id == still_open.id
        assert after.retrieve(paid.id).payment_status == "paid"
        assert after.client.v1.refunds.retrieve(refund.id).amount == 100
        charge = after.client.v1.charges.retrieve(refund.charge)
        assert (charge.amount_refunded, charge.balance_transaction is not None) == (100, True)
        assert after.submit(still_open.id, SUCCEEDS)[0] == 303
        after.control("webhooks/release")
        assert receiver_has(receiver, paid.id, "checkout.session.completed")


def test_a_restart_takes_up_what_was_to_happen_later(receiver: Receiver, tmp_path: Path) -> None:
    with running(tmp_path, receiver.url) as before:
        before.settled_by_hand()
        session = before.paid(card=REFUNDS_SUCCEED_LATER)
        refund = before.refund(session, amount=100)
        disputed = before.paid(card=DISPUTED)
        assert refund.status == "pending"

    with running(tmp_path, receiver.url) as after:
        after.control("later", seconds=0)
        until(lambda: after.client.v1.refunds.retrieve(refund.id).status == "succeeded")
        until(lambda: after.charge_of(disputed).disputed)
        with pytest.raises(stripe.InvalidRequestError, match="charged back"):
            after.refund(disputed)


def test_a_state_of_other_classes_is_set_aside(receiver: Receiver, tmp_path: Path) -> None:
    old = b"cdevtools.local_stripe.payments\nNoSuchClassAnyMore\n."
    (tmp_path / "state.pickle").write_bytes(old)

    with running(tmp_path, receiver.url) as server:
        assert server.create().status == "open"

    assert (tmp_path / "state.unreadable").read_bytes() == old
