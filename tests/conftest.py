"""What every test has: both organisers, a queue to look at, files and cache of its own."""

import pytest
from django.conf import settings as project_settings

from tests import cast as the_cast
from tests.providers import FakeProvider
from tests.queue import Queue
from tiqqo.core.tenancy import tenant_scope


@pytest.fixture(scope="session", autouse=True)
def _own_cache(worker_id):
    """Workers share one Redis: each has its own keys."""
    project_settings.CACHES["default"]["KEY_PREFIX"] = f"tiqqo-test-{worker_id}"


@pytest.fixture(autouse=True)
def _steady_settings(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SERVICE_FEE_FIXED_MINOR, settings.SERVICE_FEE_RATE_BP = 49, 200
    settings.STRIPE_API_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_cast", "whsec_cast"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def queue(monkeypatch):
    """What was enqueued, instead of a broker. `queue.work()` does the worker's part."""
    queue = Queue()
    monkeypatch.setattr("celery.app.task.Task.apply_async", queue.take)
    return queue


@pytest.fixture(autouse=True)
def provider(monkeypatch):
    """The payment provider, faked at its boundary."""
    fake = FakeProvider()
    monkeypatch.setattr("orders.payments.provider", lambda: fake)
    monkeypatch.setattr("orders.views.webhooks.provider", lambda: fake)
    return fake


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    """A block whose end counts as the commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def cast(db):
    """Both organisers with their people and events; no scope is entered."""
    return the_cast.Cast(kikker=the_cast.blauwe_kikker(), fjord=the_cast.fjord_tech())


@pytest.fixture
def kikker(cast):
    """The jazz club; the test runs in its scope."""
    with tenant_scope(cast.kikker.organiser):
        yield cast.kikker


@pytest.fixture
def fjord(cast):
    """The conference; the test runs in its scope."""
    with tenant_scope(cast.fjord.organiser):
        yield cast.fjord
