"""Without Redis, with one that hangs and with one that forgot everything, the site goes on."""

import json
import time
from contextlib import contextmanager

import pytest
from allauth.account.models import EmailAddress
from celery.app.task import Task
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.urls import reverse

from orders.models import Order, ProviderEvent, Ticket
from tests.cast import PASSWORD
from tests.outage import OwnRedis
from tests.providers import SIGNATURE
from tiqqo.celery import app
from tiqqo.core import cache as caching
from tiqqo.core import tasks
from tiqqo.core.tasks import enqueue, note_queue_alive

pytestmark = pytest.mark.django_db

# What the tests' queue stands for elsewhere.
REAL_APPLY_ASYNC = Task.apply_async
# A busy machine may take its time over what takes milliseconds. Without our time-outs each of the many
# questions to a Redis that hangs takes five seconds at least.
AT_MOST_SECONDS = 20.0
FETCH = {"X-Requested-With": "fetch"}
CARLA = {"first_name": "Carla", "last_name": "Buyer", "email": "carla@example.org"}


@pytest.fixture
def own_redis(tmp_path, settings, monkeypatch, queue):
    """The site's Redis is one of our own, with real enqueuing."""
    server = OwnRedis(tmp_path)
    server.start()
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": server.url}}
    settings.REDIS_URL = server.url
    monkeypatch.setattr("celery.app.task.Task.apply_async", REAL_APPLY_ASYNC)
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", server.url)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    _as_new()
    yield server
    server.stop()
    _as_new()


def _as_new():
    caching.breaker.reset()
    cache.stand_in.clear()
    tasks.broker.reset()


@pytest.fixture(params=["down", "hanging", "hanging with connections open", "empty"])
def outage(request, own_redis):
    """What has happened to Redis before the test begins."""
    if request.param != "hanging":
        cache.set("before", 1)
        assert enqueue(note_queue_alive, ["default"])
    if request.param == "down":
        own_redis.stop()
    elif request.param == "empty":
        own_redis.stop()
        own_redis.start()
    else:
        own_redis.hang()
    _as_new()
    return request.param


@contextmanager
def soon(what):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < AT_MOST_SECONDS, what


# Requests --------------------------------------------------------------------------------


def test_signing_in_dashboard_and_door_go_on(outage, client, cast):
    house, user = cast.kikker, cast.kikker.owner.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    with house.scope():
        [ticket] = Ticket.objects.filter(order=house.place_free(1))
    event = {"organiser_slug": house.organiser.slug, "event_slug": house.event.slug}

    with soon("sign-in"):
        answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    with soon("dashboard"):
        dashboard = client.get(reverse("dashboard:home", args=[house.organiser.slug]))
    with soon("scan"):
        scan = client.post(
            reverse("door:admissions", kwargs=event),
            {"code": ticket.code, "early": "1"},
            headers=FETCH,
        )

    assert (answer.status_code, dashboard.status_code, scan.status_code) == (302, 200, 201)


def test_a_session_outlives_what_redis_knew(own_redis, client, cast):
    client.force_login(cast.kikker.owner.user)
    own_redis.stop()
    own_redis.start()

    page = client.get(reverse("dashboard:home", args=[cast.kikker.organiser.slug]))

    assert page.status_code == 200


def test_a_purchase_goes_on(outage, in_kikker_shop, committing):
    house = in_kikker_shop.house
    with soon("hold"):
        answer = in_kikker_shop.post(
            "shop:reservations", {f"quantity_{house.free.code}": 1}, status=302
        )
    with soon("checkout"):
        checkout = in_kikker_shop.pages.follow(answer)
    with soon("order"), committing():
        answer = checkout.submit("Get tickets", status=303, **CARLA)

    assert in_kikker_shop.pages.follow(answer).h1 == "Your tickets"
    with house.scope():
        assert Order.objects.get().status == "FREE"


def test_a_notice_of_the_provider_is_stored_and_thanked_for(outage, client):
    body = json.dumps({"id": "evt_1", "type": "checkout.session.completed"})

    with soon("webhook"):
        answer = client.post(
            "/webhooks/stripe/",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": SIGNATURE},
        )

    assert answer.status_code == 200
    assert ProviderEvent.objects.filter(provider_id="evt_1", handled_at=None).exists()


def test_a_forgotten_password_goes_on(outage, client, cast, committing):
    with soon("reset"), committing():
        answer = client.post(
            reverse("account_reset_password"), {"email": cast.kikker.owner.user.email}
        )

    assert answer.status_code == 302


def test_a_redis_that_is_down_does_not_make_a_process_unready(outage, client):
    with soon("readyz"):
        assert client.get("/readyz").json() == {"ready": True}


def test_the_status_says_what_is_down(own_redis, client, settings):
    settings.STATUS_TOKEN = "s3cret"
    own_redis.stop()
    cache.get("anything")

    report = client.get("/status/", headers={"Authorization": "Bearer s3cret"}).json()

    bad = {figure["name"]: figure["value"] for figure in report["figures"] if figure["degraded"]}
    assert (bad["redis"], bad["cache: is asked"]) == ("not known", "no")


# The cache ------------------------------------------------------------------------------


def test_without_redis_a_process_remembers_for_itself(own_redis):
    cache.set("before", 1)
    own_redis.stop()

    assert cache.get("before", "default") == "default"
    assert (cache.add("lock", 1), cache.add("lock", 1)) == (True, False)
    assert (cache.delete("lock"), cache.add("lock", 1), cache.has_key("lock")) == (True, True, True)
    assert cache.set_many({"a": 1, "b": 2}) == []
    assert cache.get_many(iter(["a", "b", "c"])) == {"a": 1, "b": 2}
    assert (cache.incr("a"), cache.touch("a"), cache.touch("c")) == (2, True, False)
    cache.delete_many(iter(["a"]))
    with pytest.raises(ValueError, match="not found"):
        cache.incr("a")


def test_what_was_remembered_meanwhile_is_forgotten_when_redis_is_back(own_redis, monkeypatch):
    own_redis.stop()
    cache.set("a", "meanwhile")
    own_redis.start()
    monkeypatch.setattr(caching.breaker, "_rests_until", 0.0)

    assert cache.get("a") is None
    assert cache.stand_in.get("a") is None


def test_a_redis_that_hangs_is_waited_for_once(own_redis, monkeypatch):
    own_redis.hang()
    asked = _asked_of_redis(monkeypatch)

    with soon("twenty values"):
        for number in range(20):
            cache.get(f"value-{number}")

    assert len(asked) == 1


def test_the_cache_is_asked_again_when_redis_is_back(own_redis, monkeypatch):
    own_redis.stop()
    cache.set("a", 1)
    own_redis.start()

    assert caching.breaker.is_open
    monkeypatch.setattr(caching.breaker, "_rests_until", 0.0)
    cache.set("a", 2)

    assert (cache.get("a"), caching.breaker.is_open) == (2, False)


def _asked_of_redis(monkeypatch):
    asked = []
    connect = caching.RedisCache.get

    def counted(self, key, *rest, **named):
        asked.append(key)
        return connect(self, key, *rest, **named)

    monkeypatch.setattr(caching.RedisCache, "get", counted)
    return asked


# The broker -----------------------------------------------------------------------------


def test_a_task_is_in_its_queue(own_redis):
    assert enqueue(note_queue_alive, ["x"]) is True

    assert own_redis.client.llen("default") == 1


@pytest.mark.parametrize("is_connected", [False, True])
def test_a_broker_that_hangs_is_waited_for_once(own_redis, monkeypatch, is_connected, caplog):
    if is_connected:
        assert enqueue(note_queue_alive, ["x"])
    own_redis.hang()
    tried = []
    apply_async = Task.apply_async

    def counted(task, *args, **kwargs):
        tried.append(task.name)
        return apply_async(task, *args, **kwargs)

    monkeypatch.setattr("celery.app.task.Task.apply_async", counted)

    with soon("twenty tasks"):
        left = [enqueue(note_queue_alive, ["x"]) for _ in range(20)]

    assert (left, len(tried)) == ([False] * 20, 1)
    messages = [record.message for record in caplog.records]
    assert messages.count("broker.unavailable") == messages.count("neighbour.down") == 1


def test_the_broker_is_asked_again_when_it_is_back(own_redis, monkeypatch):
    own_redis.stop()
    assert enqueue(note_queue_alive, ["x"]) is False
    own_redis.start()
    monkeypatch.setattr(tasks.broker, "_rests_until", 0.0)

    assert enqueue(note_queue_alive, ["x"]) is True


def test_an_error_of_our_own_is_not_taken_for_an_outage(own_redis):
    with pytest.raises(TypeError):
        enqueue(note_queue_alive, ["x", "y", "z"])

    assert not tasks.broker.is_open


def test_attempts_to_sign_in_are_counted_without_redis(own_redis, client, cast, settings):
    settings.LIMITS = {}
    own_redis.stop()
    user = cast.kikker.owner.user

    def attempt(password):
        answer = client.post(reverse("account_login"), {"login": user.email, "password": password})
        assert (answer.status_code, SESSION_KEY in client.session) == (200, False)
        return answer.content.decode()

    told = [attempt("wrong") for _ in range(5)]
    assert [words for words in told if "please wait" in words] == []

    assert "please wait 60 seconds" in attempt(PASSWORD)
