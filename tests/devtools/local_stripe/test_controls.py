"""The order, number and time of events, the clock, and the books."""

from __future__ import annotations

import time

import pytest
import stripe

from tests.devtools.local_stripe.harness import (
    SECRET,
    Receiver,
    Server,
    receiver_has,
    until,
)


def held_of(server: Server, object_id: str) -> list[str]:
    listed = server.ask("GET", f"events?object_id={object_id}")["data"]
    return [event["id"] for event in listed if event["delivery"] == "held"]


def order_of(receiver: Receiver, about: str) -> list[str]:
    return [event.id for event in receiver.events(about)]


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_held_events_are_released_in_order(calm: Server, receiver: Receiver, order: str) -> None:
    calm.control("webhooks", mode="hold")
    session = calm.paid()
    calm.refund(session, amount=100)
    events = calm.ask("GET", "events")["data"]
    held = [event["id"] for event in events if event["delivery"] == "held"]
    assert len(held) > 4
    before = len(receiver.deliveries)

    released = calm.control("webhooks/release", order=order)

    assert released == {"released": len(held), "mode": "normal"}
    came = [
        stripe.Webhook.construct_event(body, header, SECRET).id
        for body, header in receiver.deliveries[before:]
    ]
    assert came == (held if order == "oldest" else held[::-1])


def test_chosen_events_are_released_and_the_others_stay(calm: Server, receiver: Receiver) -> None:
    calm.control("webhooks", mode="hold")
    sessions = [calm.create() for _ in range(3)]
    for session in sessions:
        calm.control(f"sessions/{session.id}/expire-now")
    ids = [held_of(calm, session.id)[0] for session in sessions]

    released = calm.control("webhooks/release", order=[ids[2], ids[0]])

    assert released == {"released": 2, "mode": "hold"}
    assert order_of(receiver, sessions[2].id) == [ids[2]]
    assert order_of(receiver, sessions[0].id) == [ids[0]]
    assert held_of(calm, sessions[1].id) == [ids[1]]
    assert "error" in calm.control("webhooks/release", order=[ids[0]])


def test_each_event_comes_several_times(calm: Server, receiver: Receiver) -> None:
    calm.control("webhooks", repeat=3)
    session = calm.create()

    calm.control(f"sessions/{session.id}/expire-now")

    until(lambda: len(order_of(receiver, session.id)) == 3)
    assert len(set(order_of(receiver, session.id))) == 1


def test_events_come_late(calm: Server, receiver: Receiver) -> None:
    calm.control("webhooks", delay_seconds=3)
    session = calm.create()
    started = time.monotonic()

    calm.control(f"sessions/{session.id}/expire-now")

    assert receiver.events(session.id) == []
    assert receiver_has(receiver, session.id, "checkout.session.expired")
    assert time.monotonic() - started >= 3


def test_a_mode_that_does_not_exist_is_refused(calm: Server) -> None:
    assert "error" in calm.control("webhooks", mode="sideways")
    assert "error" in calm.control("webhooks", repeat=0)
    assert "error" in calm.control("webhooks/release", order="sideways")
    assert calm.ask("GET", "events")["mode"] == "normal"


def test_events_are_listed_with_what_was_posted(server: Server) -> None:
    session = server.paid()

    (event,) = server.ask(
        "GET", f"events?payload=1&type=checkout.session.completed&object_id={session.id}"
    )["data"]

    assert event["payload"]["data"]["object"]["payment_intent"] == session.payment_intent
    assert "payload" not in server.ask("GET", f"events?object_id={session.id}")["data"][0]


@pytest.mark.parametrize("offset", [-7200, 7200])
def test_a_clock_that_is_wrong_signs_wrongly(calm: Server, receiver: Receiver, offset: int) -> None:
    calm.control("webhooks", mode="hold")
    session = calm.create()
    calm.control(f"sessions/{session.id}/expire-now")
    before = len(receiver.deliveries)

    calm.control("clock", offset_seconds=offset)
    calm.control("webhooks/release", order="oldest")

    body, header = receiver.deliveries[before]
    signed_at = int(header.partition(",")[0].removeprefix("t="))
    assert abs(signed_at - offset - time.time()) < 60
    if offset < 0:
        # The client refuses a signature that is older than five minutes.
        with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
            stripe.Webhook.construct_event(body, header, SECRET)
    receiver.deliveries.pop(before)


def test_the_clock_is_that_of_everything(calm: Server) -> None:
    session = calm.create()

    answer = calm.control("clock", offset_seconds=90000)

    assert abs(answer["now"] - 90000 - time.time()) < 60
    assert calm.retrieve(session.id).status == "expired"
    later = calm.paid()
    assert abs(later.created - 90000 - time.time()) < 60
    assert abs(calm.charge_of(later).created - 90000 - time.time()) < 60


def test_the_books_say_what_the_provider_thinks(calm: Server) -> None:
    session = calm.paid(amount=5000)
    refund = calm.refund(session, amount=1500, metadata={"refund": "r-9"})
    failed = calm.refund(session, amount=500)
    calm.control(f"refunds/{failed.id}/settle", status="failed")
    dispute = calm.control(f"payment_intents/{session.payment_intent}/dispute", amount=2000)

    books = calm.ask("GET", "books")["payments"]

    (payment,) = [payment for payment in books if payment["id"] == session.payment_intent]
    assert (payment["amount"], payment["currency"], payment["status"]) == (5000, "eur", "succeeded")
    assert (payment["amount_received"], payment["amount_refunded"]) == (5000, 1500)
    assert payment["session"] == {
        "id": session.id,
        "status": "complete",
        "payment_status": "paid",
        "client_reference_id": "ABCD2345",
        "metadata": {"order": "ABCD2345"},
    }
    assert [(each["id"], each["amount"], each["status"]) for each in payment["refunds"]] == [
        (refund.id, 1500, "succeeded"),
        (failed.id, 500, "failed"),
    ]
    assert payment["refunds"][0]["metadata"] == {"refund": "r-9"}
    assert [(each["id"], each["amount"], each["status"]) for each in payment["disputes"]] == [
        (dispute["id"], 2000, "needs_response")
    ]


def test_the_books_know_payments_that_did_not_succeed(server: Server) -> None:
    session = server.create()
    server.submit(session.id, "4000 0000 0000 0002")
    intent = server.retrieve(session.id).payment_intent

    books = server.ask("GET", "books")["payments"]

    (payment,) = [payment for payment in books if payment["id"] == intent]
    assert (payment["status"], payment["amount_received"]) == ("requires_payment_method", 0)
    assert payment["session"]["status"] == "open"
