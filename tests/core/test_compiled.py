"""A compiled query answers as its QuerySet does, for any values, and for the current scope only."""

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.backends.postgresql import base
from django.db.transaction import TransactionManagementError

from events.models import Event
from orders.models import Order
from tests.races import at_once
from ticketing.models import Release, Reservation, ReservationLine
from tiqqo.core import audit
from tiqqo.core.compiled import Compiled, Insert, Param
from tiqqo.core.models import AuditEntry
from tiqqo.core.tenancy import ScopeMissing, platform_scope

pytestmark = pytest.mark.django_db

BY_SLUG = Compiled(Event, lambda rows: rows.select_related("organiser").filter(slug=Param("slug")))


def test_it_answers_as_the_queryset_does(kikker, django_assert_num_queries):
    expected = Event.objects.select_related("organiser").get(pk=kikker.event.pk)

    with django_assert_num_queries(1):
        found = BY_SLUG.get(slug=kikker.event.slug)
        assert found.organiser.name == expected.organiser.name

    fields = [field.attname for field in Event._meta.concrete_fields]
    assert [getattr(found, f) for f in fields] == [getattr(expected, f) for f in fields]
    assert not found._state.adding


def test_other_values_give_other_rows(kikker):
    assert BY_SLUG.get(slug=kikker.event.slug) == kikker.event
    assert BY_SLUG.first(slug="nothing-like-it") is None
    with pytest.raises(Event.DoesNotExist):
        BY_SLUG.get(slug="nothing-like-it")


def test_each_answer_is_an_object_of_its_own(kikker):
    first, second = (BY_SLUG.get(slug=kikker.event.slug) for _ in range(2))

    first.name = "Changed"

    assert second.name != "Changed"


def test_rows_of_another_organiser_are_not_there(cast):
    with cast.kikker.scope():
        assert BY_SLUG.first(slug=cast.kikker.event.slug) is not None
    with cast.fjord.scope():
        assert BY_SLUG.first(slug=cast.kikker.event.slug) is None


def test_outside_of_a_scope_it_raises(cast):
    with pytest.raises(ScopeMissing):
        BY_SLUG.first(slug=cast.kikker.event.slug)


def test_the_platform_sees_every_organiser(cast):
    with platform_scope("test"):
        found = {BY_SLUG.get(slug=house.event.slug) for house in (cast.kikker, cast.fjord)}
    assert found == {cast.kikker.event, cast.fjord.event}


def test_what_is_joined_may_be_missing_and_values_are_converted(kikker):
    by_secret = Compiled(
        Reservation, lambda rows: rows.select_related("order").filter(secret=Param("secret"))
    )
    held = kikker.reserve(free=1)
    assert not hasattr(by_secret.get(secret=held.secret), "order")

    order = kikker.place_free(2)
    found = by_secret.get(secret=order.reservation.secret)

    assert found.order == order
    assert found.discounts == [] and found.expires_at == order.reservation.expires_at
    assert found.order.reservation is found


def test_several_rows_come_in_order(kikker):
    of_event = Compiled(
        Release,
        lambda rows: rows.filter(ticket_type__event=Param("event")).order_by("-id"),
    )
    expected = list(Release.objects.filter(ticket_type__event=kikker.event).order_by("-id"))
    assert len(expected) > 1
    assert of_event.all(event=kikker.event.pk) == expected


@pytest.mark.django_db(transaction=True)
def test_a_query_that_locks_needs_a_transaction(kikker):
    locking = Compiled(
        Event, lambda rows: rows.select_for_update(of=("self",)).filter(pk=Param("pk"))
    )
    with transaction.atomic():
        assert locking.get(pk=kikker.event.pk) == kikker.event
    with pytest.raises(TransactionManagementError):
        locking.get(pk=kikker.event.pk)


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_first_at_the_same_moment_all_have_their_answer(kikker):
    fresh = Compiled(Order, lambda rows: rows.select_related("event").filter(code=Param("code")))
    orders = [kikker.place_free(1) for _ in range(6)]

    answers = at_once(kikker.organiser, *(lambda o=o: fresh.get(code=o.code) for o in orders))

    assert answers == orders


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_just_answered_is_not_asked_again(monkeypatch):
    connection.ensure_connection()
    asked = []
    original = base.DatabaseWrapper.is_usable
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", lambda c: asked.append(1) or original(c))
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")

    assert connection.is_usable() and not asked
    connection.answered_at -= 60
    assert connection.is_usable() and len(asked) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.errors_occurred = True
    assert connection.is_usable() and len(asked) == 2
    connection.errors_occurred = False


# New rows -------------------------------------------------------------------------------------

INSERT = Insert(AuditEntry)


def entries(house, *actions):
    return [audit.entry(house.event, name, by=house.owner, n=n) for n, name in enumerate(actions)]


@pytest.mark.parametrize("count", [1, 3])
def test_rows_are_written_as_bulk_create_writes_them(kikker, django_assert_num_queries, count):
    ours, theirs = (entries(kikker, *"abc"[:count]) for _ in range(2))

    with django_assert_num_queries(1):
        INSERT(ours)
    AuditEntry.objects.bulk_create(theirs)

    fields = [f.attname for f in AuditEntry._meta.concrete_fields if f.attname not in ("id", "at")]
    found = [
        list(AuditEntry.objects.filter(pk__in=[e.pk for e in made]).order_by("id"))
        for made in (ours, theirs)
    ]
    first, second = ([[getattr(e, f) for f in fields] for e in rows] for rows in found)
    assert first == second and len(first) == count
    assert [e.pk for e in found[0]] == [e.pk for e in ours]
    assert not any(entry._state.adding for entry in ours)


def test_lists_json_and_nothing_are_written_as_they_are(kikker):
    reservation = kikker.reserve(priced=2)
    [line] = reservation.lines.all()
    again = ReservationLine(
        reservation=reservation, ticket_type=line.ticket_type, release=kikker.free, quantity=1,
        ticket_name="x", release_name="y", unit_price_minor=0, pool_ids=[3, 1, 2],
    )  # fmt: skip
    Insert(ReservationLine)([again])

    again.refresh_from_db()
    assert (again.pool_ids, again.option_id) == ([3, 1, 2], None)
    assert again.organiser_id == kikker.organiser.pk
    assert Insert(ReservationLine)([]) == []


def test_nothing_is_written_outside_of_a_scope(cast):
    with cast.kikker.scope():
        made = entries(cast.kikker, "a")
    with pytest.raises(ScopeMissing):
        INSERT(made)


def test_a_row_of_another_organiser_is_refused_by_its_policy(cast):
    with cast.kikker.scope():
        made = entries(cast.kikker, "a")
    with cast.fjord.scope(), pytest.raises(ProgrammingError, match="row-level security"):
        INSERT(made)
