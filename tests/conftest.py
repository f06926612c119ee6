"""What every test has: both organisers, a queue to look at, files and cache of its own."""

from contextlib import suppress
from copy import deepcopy
from decimal import Decimal

import pytest
from django.conf import settings as project_settings
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from xdist.scheduler import LoadGroupScheduling

from accounts.models import Organiser, User
from tests import cast as the_cast
from tests.pages import CheckedClient
from tests.providers import FakeProvider
from tests.queue import Queue
from ticketing.catalogue import forget_catalogues
from ticketing.operations.reserving import forget_full_pools
from tiqqo.core import security_log
from tiqqo.core.postgres import roles
from tiqqo.core.readiness import forget_readiness
from tiqqo.core.tenancy import tenant_scope

ONE_PROCESS = (
    "tests/browser/",
    "tests/core/test_worker_outage.py",
    "tests/demo/",
    "tests/devtools/test_stack.py",
)


class _TogetherWhereNeeded(LoadGroupScheduling):
    """What shares one running stack, or one told story, stays in one process.

    As the `xdist_group` marks say, which pytest-xdist 3.8 cannot read from pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((path for path in ONE_PROCESS if nodeid.startswith(path)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return _TogetherWhereNeeded(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(worker_id):
    """Workers share one Redis: each has its own keys, whatever was connected while importing."""
    project_settings.CACHES["default"]["KEY_PREFIX"] = f"tiqqo-test-{worker_id}"
    with suppress(AttributeError):
        del caches["default"]
    assert caches["default"].key_prefix.endswith(worker_id)


@pytest.fixture(scope="session", autouse=True)
def _steady_settings():
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        SERVICE_FEE_FIXED=dict.fromkeys(["EUR", "DKK"], Decimal("0.49")),
        # Tests travel in time and stay signed in.
        SESSION_COOKIE_AGE=60 * 60 * 24 * 3650,
        SERVICE_FEE_RATE_BP=200,
        STRIPE_API_KEY="sk_test_cast",
        STRIPE_WEBHOOK_SECRET="whsec_cast",
        STRIPE_API_BASE="http://127.0.0.1:9",
        # All tests ask from one address. Those of limits turn them on.
        LIMITS=None,
        ACCOUNT_RATE_LIMITS={"login": None, "signup": None, "login_failed": "5/300s/key"},
    ):
        yield


@pytest.fixture(autouse=True)
def _own_catalogues():
    """What a test that was rolled back offered, sold out or broke is no matter of the next."""
    forget_catalogues()
    forget_full_pools()
    forget_readiness()


@pytest.fixture(autouse=True)
def _own_security_log():
    """What another test had noted is not written by this one."""
    security_log.forget_counts()


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


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
    monkeypatch.setattr("orders.reconciling.provider", lambda: fake)
    monkeypatch.setattr("orders.views.webhooks.provider", lambda: fake)
    return fake


@pytest.fixture
def client():
    """Every page that a test fetches is checked, whatever the test is about."""
    return CheckedClient()


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    """A block whose end counts as the commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture(scope="session")
def _standing_cast(_steady_settings, django_db_setup, django_db_blocker):
    """The cast, committed once: most tests roll back to it. A test that flushes removes it."""
    with django_db_blocker.unblock():
        if User.objects.exists():
            call_command("flush", interactive=False, verbosity=0)
        return the_cast.assembled()


@pytest.fixture
def cast(_standing_cast, db):
    """Both organisers with their people and events; no scope is entered."""
    if Organiser.objects.filter(pk=_standing_cast.kikker.organiser.pk).exists():
        return deepcopy(_standing_cast)
    return the_cast.assembled()


@pytest.fixture
def as_owner(django_db_setup, django_db_blocker):
    """The test connects as the owner of the tables: it takes a guard away in its own transaction.

    To be used by `usefixtures`, which comes before the fixtures that begin one.
    """
    with django_db_blocker.unblock(), roles.as_owner(connection):
        yield


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
