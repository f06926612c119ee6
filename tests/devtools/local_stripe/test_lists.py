"""Lists that a check of the books goes through: https://docs.stripe.com/api/pagination."""

from __future__ import annotations

import pytest
import stripe

from tests.devtools.local_stripe.harness import Server


@pytest.mark.parametrize(
    "kind",
    [
        "payment_intents",
        "charges",
        "refunds",
        "disputes",
        "balance_transactions",
        "events",
        "checkout.sessions",
    ],
)
def test_a_list_is_paged_through_newest_first_and_bounded_in_time(
    server: Server, kind: str
) -> None:
    for _ in range(3):
        session = server.paid()
        server.refund(session, amount=100)
        server.control(f"payment_intents/{session.payment_intent}/dispute")
    service = server.client.v1
    for name in kind.split("."):
        service = getattr(service, name)

    whole = [each.id for each in service.list({"limit": 100}).data]
    paged = [each.id for each in service.list({"limit": 2}).auto_paging_iter()]
    newest = service.list({"limit": 1}).data[0]

    assert len(whole) == len(set(whole)) >= 3
    assert paged[:100] == whole
    assert service.list({"created": {"gt": newest.created}}).data == []
    since = service.list({"created": {"gte": newest.created - 3600}, "limit": 100})
    assert [each.id for each in since.data] == whole
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        service.list({"starting_after": "nothing"})
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        service.list({"surprise": "x"})
    with pytest.raises(stripe.InvalidRequestError, match="at most 100"):
        service.list({"limit": 101})


def test_a_list_is_expanded_and_narrowed(server: Server) -> None:
    session, other = server.paid(customer_email="ada@example.com"), server.paid()
    v1 = server.client.v1

    intents = v1.payment_intents.list({"limit": 2, "expand": ["data.latest_charge"]}).data
    charges = v1.charges.list({"payment_intent": session.payment_intent}).data
    movements = v1.balance_transactions.list({"source": charges[0].id, "type": "charge"}).data
    sessions = v1.checkout.sessions.list({"payment_intent": other.payment_intent}).data

    assert [intent.latest_charge.amount for intent in intents] == [2400, 2400]
    assert [charge.id for charge in charges] == [intents[1].latest_charge.id]
    assert [movement.id for movement in movements] == [charges[0].balance_transaction]
    assert [each.id for each in sessions] == [other.id]


def test_every_answer_of_the_api_names_its_request(server: Server) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        server.create(amount=1)

    assert (refusal.value.request_id or "").startswith("req_")
