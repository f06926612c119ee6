"""The provider's notices."""

import json

import pytest

from orders.models import ProviderEvent
from tests.providers import SIGNATURE

pytestmark = pytest.mark.django_db


def test_signed_notice_is_stored_once_and_handed_on(client, queue):
    body = json.dumps({"id": "evt_1", "type": "checkout.session.completed"})
    deliver = {"content_type": "application/json", "headers": {"Stripe-Signature": SIGNATURE}}

    answers = [client.post("/webhooks/stripe/", body, **deliver) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"ok")] * 2
    stored = ProviderEvent.objects.get()
    assert (stored.provider_id, stored.kind) == ("evt_1", "checkout.session.completed")
    assert queue.names == ["orders.tasks.handle_provider_event"]


def test_notice_without_a_true_signature_is_refused(client, queue):
    body = json.dumps({"id": "evt_1", "type": "checkout.session.completed"})

    answer = client.post("/webhooks/stripe/", body, content_type="application/json")

    assert answer.status_code == 400
    assert not ProviderEvent.objects.exists()
    assert queue.names == []
    assert client.get("/webhooks/stripe/").status_code == 405
