"""What is noted is counted, bounded, without personal data, and whatever becomes of the request."""

import json
import logging
from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import RequestFactory

from tiqqo.core import clock, security_log
from tiqqo.core.logs import LineFormatter
from tiqqo.core.models import SecurityEntry
from tiqqo.core.origins import agent_of, network_of
from tiqqo.core.security_log import Kind, flush, note
from tiqqo.core.tenancy import ScopeMissing, platform_scope, tenant_scope

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def request_from(address, agent=FIREFOX):
    return RequestFactory().post("/", REMOTE_ADDR=address, headers={"User-Agent": agent})


def entries():
    with platform_scope("a test looks at the security log"):
        return list(SecurityEntry.objects.order_by("id"))


# Counting --------------------------------------------------------------------------------


@time_machine.travel("2026-11-28 12:00:10+00:00", tick=False)
def test_the_same_in_the_same_minute_is_one_row(cast):
    for _ in range(1000):
        note(Kind.SIGN_IN_FAILED, request=request_from("203.0.113.7"), email="ana@example.org")
    flush()
    note("sign_in.failed", request=request_from("203.0.113.200"), email="bo@example.org")
    flush()

    [entry] = entries()
    assert (entry.kind, entry.count, entry.network) == ("sign_in.failed", 1001, "203.0.113.0/24")
    assert entry.agent == "Firefox on Linux"
    assert sorted(entry.email_hashes) == sorted(
        [security_log.hash_of("ana@example.org"), security_log.hash_of("bo@example.org")]
    )


def test_another_minute_kind_organiser_user_or_network_is_another_row(cast):
    base = {"request": request_from("203.0.113.7")}
    with time_machine.travel("2026-11-28 12:00:10+00:00", tick=False):
        note(Kind.LIMIT_HIT, **base)
        note(Kind.REFUSED, **base)
        note(Kind.LIMIT_HIT, **base, organiser=cast.kikker.organiser)
        note(Kind.LIMIT_HIT, **base, user=cast.kikker.owner.user)
        note(Kind.LIMIT_HIT, request=request_from("2001:db8:1:2:3:4:5:6"))
    with time_machine.travel("2026-11-28 12:01:10+00:00", tick=False):
        note(Kind.LIMIT_HIT, **base)
    flush()

    assert [entry.count for entry in entries()] == [1] * 6


def test_a_harmless_deed_hides_no_other_of_its_minute(cast):
    base = {"request": request_from("203.0.113.7"), "user": cast.kikker.owner.user}
    with time_machine.travel("2026-11-28 12:00:10+00:00", tick=False):
        note(Kind.EXPORT, **base, what="badges", rows=1)
        note(Kind.EXPORT, **base, what="orders", rows=4000)
        flush()
        note(Kind.EXPORT, **base, what="orders", rows=4000)
        # What was turned away says whatever a stranger likes, and is counted together.
        note(Kind.REFUSED, **base, view="one")
        note(Kind.REFUSED, **base, view="other")
        flush()

    assert sorted((entry.facts.get("what", ""), entry.count) for entry in entries()) == [
        ("", 2),
        ("badges", 1),
        ("orders", 2),
    ]


def test_a_minute_has_a_bounded_number_of_rows_and_still_counts_everybody(cast, monkeypatch):
    monkeypatch.setattr(security_log, "ROWS_A_MINUTE", 5)
    with time_machine.travel("2026-11-28 12:00:10+00:00", tick=False):
        for number in range(60):
            note(Kind.SIGN_IN_FAILED, request=request_from(f"10.0.{number}.1"))
            if number % 20 == 0:
                flush()
        flush()

    found = entries()
    assert len(found) == 6
    assert sum(entry.count for entry in found) == 60
    [crowd] = [entry for entry in found if entry.facts.get("many")]
    assert (crowd.network, crowd.count) == ("", 55)


def test_many_deeds_of_one_hide_none_of_another(cast, monkeypatch):
    monkeypatch.setattr(security_log, "ROWS_A_MINUTE", 5)
    monkeypatch.setattr(security_log, "DEEDS_A_MINUTE", 5)
    ours, theirs = cast.kikker.owner, cast.fjord.owner
    with time_machine.travel("2026-11-28 12:00:10+00:00", tick=False):
        for rows in range(20):
            note(Kind.EXPORT, organiser=ours.organiser, user=ours.user, what="orders", rows=rows)
        note(Kind.EXPORT, organiser=theirs.organiser, user=theirs.user, what="people", rows=4000)
        flush()

    found = entries()
    [other] = [entry for entry in found if entry.organiser == theirs.organiser]
    assert (other.user, other.facts) == (theirs.user, {"what": "people", "rows": 4000})
    # What is too much is still known to be theirs.
    assert {(entry.organiser, entry.user) for entry in found if entry != other} == {
        (ours.organiser, ours.user)
    }
    assert sum(entry.count for entry in found) == 21
    assert len(found) == 7


def test_a_process_remembers_a_bounded_number_between_two_writes(monkeypatch):
    monkeypatch.setattr(security_log, "ROWS_IN_MEMORY", 10)
    for number in range(500):
        note(Kind.LIMIT_HIT, request=request_from(f"10.{number // 250}.{number % 250}.1"))

    assert len(security_log._counted) <= 12
    flush()
    assert sum(entry.count for entry in entries()) == 500


def test_the_log_has_one_line_for_many(caplog):
    for _ in range(50):
        note(Kind.WEBHOOK_SIGNATURE, request=request_from("203.0.113.7"), provider="stripe")

    [line] = [r for r in caplog.records if r.message == "security.webhook.bad_signature"]
    assert line.levelno == logging.WARNING
    assert json.loads(line.entry)["network"] == "203.0.113.0/24"
    assert json.loads(line.entry)["provider"] == "stripe"


# Without personal data -------------------------------------------------------------------


def test_nothing_that_names_or_opens_is_kept(cast):
    note(
        Kind.REFUSED,
        request=request_from("203.0.113.7"),
        email="Carla@Example.org",
        path="/blauwe-kikker/kestrel/checkout/gQA9ZtsYgnXq0w1e2r3t4y/",
        said="wrote to carla@example.org today",
        view="accounts:membership_removal",
        times=3,
    )
    flush()

    [entry] = entries()
    stored = json.dumps([entry.facts, entry.network, entry.address_hash, entry.agent])
    assert "203.0.113.7" not in stored
    assert "carla" not in stored.lower()
    assert "gQA9ZtsYgnX" not in stored
    assert entry.facts["view"] == "accounts:membership_removal"
    assert entry.facts["times"] == 3
    # The same address, however it is written, is the same hash, which nobody else can make.
    known = security_log.hash_of("carla@example.org")
    assert entry.email_hashes == [known]
    assert f"email:{known}" in entry.facts["said"]


def test_the_hash_needs_the_key(settings):
    before = security_log.hash_of("carla@example.org")
    settings.SECRET_KEY = "another"

    assert security_log.hash_of("carla@example.org") != before


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.7:4711", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("unix:", ""),
        ("", ""),
        ("<script>", ""),
    ],
)
def test_an_address_is_known_by_its_network(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; like Mac OS X) Version/18 Safari/604.1", "Safari on iPhone"),
        ("' OR 1=1", ""),
        ("", ""),
    ],
)
def test_a_browser_is_known_by_its_family(said, agent):
    assert agent_of(request_from("203.0.113.7", said)) == agent


def test_log_lines_carry_no_link_that_is_a_permission_and_no_address():
    record = logging.makeLogRecord(
        {
            "name": "django.request",
            "levelname": "ERROR",
            "msg": "Internal Server Error: /kikker/kestrel/checkout/gQA9ZtsYgnXq0w1e2r3t4y/",
            "why": "Key (email)=(carla@example.org) exists",
        }
    )

    line = LineFormatter().format(record)

    assert "gQA9Zts" not in line
    assert "carla" not in line
    assert "/kikker/kestrel/checkout/[secret]/" in line


# Beside the request ----------------------------------------------------------------------


def test_noting_asks_no_database(cast, django_assert_num_queries):
    with django_assert_num_queries(0):
        note(Kind.REFUSED, request=request_from("203.0.113.7"), organiser=cast.kikker.organiser)


def test_a_database_that_is_busy_keeps_what_was_noted_for_later(cast, monkeypatch, caplog):
    note(Kind.LIMIT_HIT, request=request_from("203.0.113.7"))
    note(Kind.LIMIT_HIT, request=request_from("203.0.113.7"))

    def busy(rows):
        raise OperationalError("canceling statement due to lock timeout")

    with monkeypatch.context() as patched:
        patched.setattr(security_log, "_write", busy)
        assert flush() == 0
    assert entries() == []
    assert "security_log.not_written" in caplog.messages

    note(Kind.LIMIT_HIT, request=request_from("203.0.113.7"))
    flush()

    assert sum(entry.count for entry in entries()) == 3


def test_a_user_that_is_gone_does_not_take_the_others_with_it(cast):
    note(Kind.SIGN_IN, request=request_from("203.0.113.7"), user=2**40)
    note(Kind.SIGN_IN, request=request_from("198.51.100.7"), user=cast.kikker.owner.user)

    assert flush() == 2

    assert {(row.network, row.user_id) for row in entries()} == {
        ("203.0.113.0/24", None),
        ("198.51.100.0/24", cast.kikker.owner.user_id),
    }


def test_what_cannot_be_noted_breaks_nothing(caplog):
    note("no.such_kind")

    assert "security_log.failed" in caplog.messages


@pytest.mark.django_db(transaction=True)
def test_what_a_request_noted_stays_when_its_transaction_does_not(cast):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        note(Kind.REFUSED, request=request_from("203.0.113.7"), organiser=cast.kikker.organiser)
        1 / 0
    flush()

    assert [entry.kind for entry in entries()] == ["access.refused"]


@pytest.mark.django_db(transaction=True)
def test_the_writer_writes_by_itself_on_a_connection_of_its_own(cast, settings):
    settings.SECURITY_LOG_SECONDS = 0.05
    with transaction.atomic():
        note(Kind.REFUSED, request=request_from("203.0.113.7"))
        for _ in range(200):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.05)")
            if entries():
                break

    assert [entry.kind for entry in entries()] == ["access.refused"]
    settings.SECURITY_LOG_SECONDS = 3600


# Whose ------------------------------------------------------------------------------------


def test_an_organiser_sees_its_own_rows_and_the_platforms_never(cast):
    note(Kind.EXPORT, organiser=cast.kikker.organiser)
    note(Kind.EXPORT, organiser=cast.fjord.organiser)
    note(Kind.LIMIT_HIT)
    flush()

    with tenant_scope(cast.kikker.organiser):
        [entry] = SecurityEntry.objects.all()
        assert entry.organiser_id == cast.kikker.organiser.pk
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM core_securityentry")
            assert cursor.fetchone() == (1,)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            SecurityEntry.objects.create(
                kind="limit.hit", key="x", minute=clock.now(), last_at=clock.now(), organiser=None
            )
    with pytest.raises(ScopeMissing):
        SecurityEntry.objects.exists()
    assert len(entries()) == 3


def test_old_rows_are_counted_apart_from_new_ones(cast):
    with time_machine.travel(clock.now() - timedelta(days=1)):
        note(Kind.LIMIT_HIT)
    note(Kind.LIMIT_HIT)
    flush()

    assert [entry.count for entry in entries()] == [1, 1]
