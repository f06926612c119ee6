"""No row of one organiser is ever visible to another: by the ORM, and by PostgreSQL itself."""

import json
from contextlib import contextmanager

import pytest
from celery import shared_task
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, models, transaction
from django.test.utils import isolate_apps

from accounts.models import Membership, Organiser
from accounts.operations import invite_member
from accounts.permissions import Role
from checkin.operations import admit_ticket
from events.models import Event
from events.operations import change_event
from orders import payments
from orders.models import Dispute, DocumentKind, Payment, RefundReason, Substitute
from orders.operations import replace_code, request_document, request_refund, send_invoice
from orders.shown import wanted_badges
from orders.tasks import welcome_people
from people.models import Company, Contact
from people.operations import withdraw_consent
from tests.cast import DORA
from ticketing.models import (
    Allocation,
    BundlePart,
    CapacityPool,
    Code,
    OptionPrice,
    PoolMember,
    PriceOption,
    Promotion,
    TicketType,
    TimeSlot,
    WaitlistEntry,
    WaitlistPolicy,
    WaitlistRequest,
    WaitlistWish,
)
from tiqqo.core import checks, clock
from tiqqo.core.models import SecurityEntry
from tiqqo.core.money import Money
from tiqqo.core.postgres.base import DatabaseWrapper, base
from tiqqo.core.rls import ORGANISER_SETTING
from tiqqo.core.tasks import TenantTask, after_commit
from tiqqo.core.tenancy import ScopeMissing, platform_scope, tenant_scope, user_scope

MODELS = checks.tenant_models()
# The application may not change or delete these at all: see test_roles.
ONLY_ADDED = [model for model in MODELS if getattr(model, "is_append_only", False)]


@pytest.fixture
def lived_in(cast, provider):
    """Both organisers have at least one row in every tenant table."""
    for house in (cast.kikker, cast.fjord):
        with house.scope():
            invite_member(
                house.organiser, email="new@example.org", role=Role.MANAGER, by=house.owner
            )
            order, payment = house.begin_payment(1, attendees=(DORA,), company_name="Acme")
            provider.pay(payment.session_id)
            payments.check_payment(payment)
            payment.refresh_from_db()
            request_refund(
                payment,
                amount=Money(1, payment.currency),
                reason=RefundReason.REQUESTED,
                by=house.owner,
            )
            Dispute.objects.create(payment=payment, provider_id=f"dp_{order.code}", amount_minor=1)
            change_event(house.event, by=house.owner, allows_invoice=True)
            send_invoice(house.place_invoice(1), by=house.owner)
            welcome_people(order.pk, organiser_id=house.organiser.pk)
            request_document(wanted_badges(house.event, DocumentKind.BADGES))
            withdraw_consent(Contact.objects.first(), source="test")
            SecurityEntry.objects.create(
                kind="export.made",
                organiser=house.organiser,
                key=house.organiser.slug,
                minute=clock.now(),
                last_at=clock.now(),
            )
            ticket = replace_code(order.tickets.get(), by=house.owner)
            admit_ticket(house.event, ticket.code, by=house.scanner, early=True)
            all_that_can_be_sold(house)
            empty = [model._meta.label for model in MODELS if not model.objects.exists()]
            assert empty == [], "a test of these tables would prove nothing"
    return cast


def all_that_can_be_sold(house):
    """A row in each table of what is offered, apart from those that the cast has."""
    event, ticket_type = house.event, house.priced.ticket_type
    option = PriceOption.objects.create(ticket_type=ticket_type, name="Adult")
    OptionPrice.objects.create(release=house.priced, option=option, price_minor=1)
    bundle = TicketType.objects.create(event=event, name="Bundle")
    BundlePart.objects.create(bundle=bundle, part=ticket_type, usual_price_minor=1)
    slot = TimeSlot.objects.create(event=event, starts_at=event.starts_at)
    pool = CapacityPool.objects.create(event=event, name="Floor")
    PoolMember.objects.create(pool=pool, slot=slot)
    company = Company.objects.get(name__startswith="Acme")
    allocation = Allocation.objects.create(
        event=event, ticket_type=ticket_type, company=company, from_pool_ids=[]
    )
    promotion = Promotion.objects.create(
        event=event, name="Partner", kind="none", allocation=allocation
    )
    Code.objects.create(event=event, promotion=promotion, text="PARTNER")
    WaitlistPolicy.objects.create(event=event)
    entry = WaitlistEntry.objects.create(
        event=event, name="Dora", email="d@example.org", email_key="d@example.org", quantity=1
    )
    WaitlistWish.objects.create(entry=entry, ticket_type=ticket_type)
    WaitlistRequest.objects.create(
        event=event,
        name="Emil",
        email="e@example.org",
        email_key="e@example.org",
        quantity=1,
        place_id=0,
        expires_at=clock.now(),
    )
    payment = Payment.objects.get()
    hold = house.reserve(free=1)
    Substitute.objects.create(order=payment.order, payment=payment, reservation=hold)


def raw_count(model, organiser):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {model._meta.db_table} WHERE organiser_id = %s", [organiser.pk]
        )
        return cursor.fetchone()[0]


def affected(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


def labels(wanted):
    return [model._meta.label for model in MODELS if wanted(model)]


def test_every_table_with_an_organiser_is_looked_at():
    assert len(MODELS) == 42
    assert {"accounts.Membership", "orders.Ticket", "payouts.Posting", "core.AuditEntry"} <= {
        model._meta.label for model in MODELS
    }


def test_the_orm_shows_nothing_of_another_organiser(lived_in):
    a, b = lived_in.kikker, lived_in.fjord
    with b.scope():
        assert labels(lambda m: m.objects.filter(organiser=a.organiser).exists()) == []
        assert labels(lambda m: m._base_manager.filter(organiser_id=a.organiser.pk).exists()) == []
        assert labels(lambda m: not m.objects.exists()) == []


def test_sql_shows_nothing_of_another_organiser(lived_in):
    with lived_in.fjord.scope():
        assert labels(lambda m: raw_count(m, lived_in.kikker.organiser)) == []
        assert labels(lambda m: not raw_count(m, lived_in.fjord.organiser)) == []


@pytest.mark.usefixtures("as_owner")
def test_sql_would_leak_without_row_level_security(lived_in):
    """Negative control of the test above."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in MODELS:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE ROW LEVEL SECURITY")

    with lived_in.fjord.scope():
        leaking = labels(lambda m: raw_count(m, lived_in.kikker.organiser))

    assert leaking == [model._meta.label for model in MODELS]


def test_update_and_delete_pass_another_organisers_rows_by(lived_in):
    a = lived_in.kikker.organiser
    with lived_in.fjord.scope():
        for model in MODELS:
            table = model._meta.db_table
            if model in ONLY_ADDED:
                continue
            assert affected(f"UPDATE {table} SET id = id WHERE organiser_id = %s", a.pk) == 0
            assert affected(f"DELETE FROM {table} WHERE organiser_id = %s", a.pk) == 0
            assert model.objects.filter(organiser_id=a.pk).update(organiser_id=a.pk) == 0
    with lived_in.kikker.scope():
        assert labels(lambda m: not raw_count(m, a)) == []


def test_a_row_held_in_hand_cannot_be_saved_or_deleted_in_another_scope(cast):
    event = cast.kikker.event
    with cast.fjord.scope():
        event.name = "Taken over"
        with pytest.raises(DatabaseError), transaction.atomic():
            event.save(update_fields=["name"])
        assert Event.objects.filter(pk=event.pk).delete() == (0, {})
    with cast.kikker.scope():
        assert Event.objects.get(pk=event.pk).name == "Night of the Blue Note"


def test_insert_for_another_organiser_is_refused_by_postgres(lived_in):
    for model in MODELS:
        table = model._meta.db_table
        with lived_in.kikker.scope(), connection.cursor() as cursor:
            cursor.execute(f"SELECT row_to_json(t) FROM {table} t LIMIT 1")
            row = cursor.fetchone()[0]
        row = json.loads(row) if isinstance(row, str) else row
        with (
            lived_in.fjord.scope(),
            pytest.raises(DatabaseError, match="row-level security"),
            transaction.atomic(),
        ):
            affected(
                f"INSERT INTO {table} SELECT * FROM json_populate_record(null::{table}, %s)",
                json.dumps(row),
            )


def test_own_rows_cannot_be_given_to_another_organiser(lived_in):
    for model in MODELS:
        refusal = "permission denied" if model in ONLY_ADDED else "row-level security"
        with (
            lived_in.fjord.scope(),
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
        ):
            affected(
                f"UPDATE {model._meta.db_table} SET organiser_id = %s",
                lived_in.kikker.organiser.pk,
            )


def test_without_a_scope_the_orm_raises_and_sql_sees_nothing(lived_in):
    for model in MODELS:
        with pytest.raises(ScopeMissing):
            model.objects.all()
        with pytest.raises(ScopeMissing):
            model._base_manager.first()
        assert affected(f"SELECT 1 FROM {model._meta.db_table}") == 0


def test_without_a_scope_no_row_can_be_made(cast):
    with pytest.raises(ScopeMissing):
        Event(name="Nobody's")
    with pytest.raises(ScopeMissing):
        Event(name="Nobody's", organiser=cast.kikker.organiser).save()


def test_platform_scope_sees_everybody_and_says_why(cast, caplog):
    with caplog.at_level("INFO"), platform_scope("a test counts events"):
        assert Event.objects.count() == 2
    assert [(r.message, r.reason) for r in caplog.records if r.name == "tiqqo.core.tenancy"] == [
        ("tenancy.platform_scope", "a test counts events")
    ]


def test_user_scope_shows_ones_own_memberships_and_nothing_else(cast):
    with user_scope(cast.kikker.owner.user_id):
        assert [member.role for member in Membership.objects.all()] == [Role.OWNER]
        assert affected("SELECT 1 FROM accounts_membership") == 1
        assert affected("SELECT 1 FROM events_event") == 0


def test_user_scope_cannot_write(cast):
    with user_scope(cast.kikker.scanner.user_id):
        assert affected("UPDATE accounts_membership SET role = 'owner'") == 0
        assert affected("DELETE FROM accounts_membership") == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            affected(
                "INSERT INTO accounts_membership (organiser_id, user_id, role, created_at)"
                " VALUES (%s, %s, 'owner', now())",
                cast.fjord.organiser.pk,
                cast.kikker.scanner.user_id,
            )
        assert [member.role for member in Membership.objects.all()] == [Role.SCANNER]


# The scope that the connection carries ---------------------------------------------------


def carried(wrapper=connection):
    with wrapper.cursor() as cursor:
        cursor.execute(f"SELECT current_setting('{ORGANISER_SETTING}', true)")
        return cursor.fetchone()[0] or ""


def test_scope_follows_in_and_out(db):
    assert carried() == ""
    with tenant_scope(7):
        assert carried() == "7"
        with tenant_scope(8):
            assert carried() == "8"
        assert carried() == "7"
    assert carried() == ""


@pytest.mark.django_db(transaction=True)
def test_scope_is_right_after_a_rollback():
    with tenant_scope(7):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            assert carried() == "7"
            1 / 0
        assert carried() == "7"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with tenant_scope(8):
            assert carried() == "8"
        1 / 0
    assert carried() == ""
    with tenant_scope(7):
        assert carried() == "7"


def test_scope_is_right_after_a_savepoint_is_rolled_back(db):
    with tenant_scope(7):
        assert carried() == "7"
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            with tenant_scope(8):
                assert carried() == "8"
            1 / 0
        assert carried() == "7"


def test_a_scope_left_by_a_failed_statement_does_not_hinder_the_rollback(db):
    with pytest.raises(DatabaseError), transaction.atomic(), tenant_scope(8):
        affected("SELECT 1 / 0")
    assert carried() == ""


@contextmanager
def pool_of_one():
    settings = connections["default"].settings_dict | {
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 1, "timeout": 5}},
        "CONN_MAX_AGE": 0,
    }
    wrapper = DatabaseWrapper(settings, alias="pooled")
    try:
        yield wrapper
    finally:
        wrapper.close()
        wrapper.close_pool()


def setting_in_the_pool(wrapper):
    with wrapper.pool.connection() as handed_back:
        setting = handed_back.execute(f"SELECT current_setting('{ORGANISER_SETTING}', true)")
        return setting.fetchone()[0], handed_back.info.backend_pid


def test_a_pooled_connection_forgets_its_scope_when_handed_back(db):
    with pool_of_one() as wrapper:
        with tenant_scope(7):
            assert carried(wrapper) == "7"
            backend = wrapper.connection.info.backend_pid
            wrapper.close()

        assert setting_in_the_pool(wrapper) == ("", backend)
        assert carried(wrapper) == ""


def test_a_pooled_connection_would_remember_without_the_reset(db, monkeypatch):
    """Negative control of the test above."""
    monkeypatch.setattr(DatabaseWrapper, "_close", base.DatabaseWrapper._close)
    with pool_of_one() as wrapper:
        with tenant_scope(7):
            assert carried(wrapper) == "7"
            wrapper.close()

        assert setting_in_the_pool(wrapper)[0] == "7"


# Tasks ----------------------------------------------------------------------------------


@shared_task(base=TenantTask)
def count_events() -> int:
    return Event.objects.count()


@shared_task(
    base=TenantTask,
    autoretry_for=(OSError,),
    max_retries=2,
    retry_backoff=False,
    default_retry_delay=0,
)
def stumble(tries_left: list[int]) -> int:
    if tries_left.pop():
        raise OSError("not yet")
    return Event.objects.count()


@shared_task
def forgetful() -> int:
    return Event.objects.count()


def test_a_tenant_task_works_in_the_scope_it_is_told(cast):
    assert count_events.apply(kwargs={"organiser_id": cast.kikker.organiser.pk}).get() == 1
    assert count_events(organiser_id=cast.kikker.organiser.pk) == 1


def test_a_tenant_task_without_an_organiser_fails(cast):
    with pytest.raises(TypeError, match="organiser_id"):
        count_events()


def test_a_task_that_forgets_its_scope_fails(cast):
    with pytest.raises(ScopeMissing):
        forgetful()


def test_a_tenant_task_that_is_retried_keeps_its_organiser(cast):
    result = stumble.apply(args=[[0, 1, 1]], kwargs={"organiser_id": cast.kikker.organiser.pk})
    assert result.get() == 1


def test_after_commit_enqueues_with_the_organiser_and_only_after_the_commit(
    cast, queue, committing
):
    with committing(), cast.fjord.scope():
        after_commit(count_events)
        assert queue.jobs == []
    (job,) = queue.jobs
    assert (job.task, job.args, job.kwargs) == (
        count_events,
        (),
        {"organiser_id": cast.fjord.organiser.pk},
    )


def test_after_commit_enqueues_nothing_after_a_rollback(cast, queue, committing):
    with committing(), pytest.raises(ZeroDivisionError), transaction.atomic(), cast.fjord.scope():
        after_commit(count_events)
        1 / 0
    assert queue.jobs == []


def test_after_commit_outside_of_a_scope_is_refused(db, queue):
    with pytest.raises(ScopeMissing):
        after_commit(count_events)


# What keeps it so ------------------------------------------------------------------------


def test_system_checks_pass_and_no_migration_is_missing(db):
    call_command("check", databases=["default"], fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True)


def test_the_application_connects_as_a_role_that_policies_bind(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


def test_a_tenant_model_without_guard_fails_the_check(monkeypatch):
    with isolate_apps("tiqqo.core", attr_name=None) as registry:

        class Leaky(models.Model):
            organiser = models.ForeignKey(Organiser, models.PROTECT, related_name="+")

            class Meta:
                app_label = "core"

    monkeypatch.setattr(checks, "apps", registry)
    assert [message.id for message in checks.tenant_models_are_guarded()] == [
        "tiqqo.E001",
        "tiqqo.E002",
    ]


@pytest.mark.usefixtures("as_owner")
def test_a_table_whose_policy_was_dropped_fails_the_check(db):
    assert checks.tenant_tables_are_guarded(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("DROP POLICY orders_ticket_tenant ON orders_ticket")
        cursor.execute("ALTER TABLE orders_order NO FORCE ROW LEVEL SECURITY")

    found = checks.tenant_tables_are_guarded(databases=["default"])

    assert [(message.id, message.msg) for message in found] == [
        ("tiqqo.E004", "Table orders_order has no enforced row-level security."),
        ("tiqqo.E004", "Table orders_ticket has no enforced row-level security."),
    ]


def test_payments_of_another_organiser_are_not_found_by_number(lived_in):
    with lived_in.kikker.scope():
        number = Payment.objects.get().pk
    with lived_in.fjord.scope(), pytest.raises(Payment.DoesNotExist):
        Payment.objects.get(pk=number)
