"""Who reads the database learns no secret; who has the key does; another key says so plainly."""

import base64
import re
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from accounts.models import Invitation
from accounts.operations import invite_member
from accounts.permissions import Role
from events.models import EventKey
from orders.models import Order
from orders.queries import hold_by_secret, order_by_link
from ticketing.models import Reservation, WaitlistEntry
from ticketing.queries import reservation_by_secret
from tiqqo.core import checks, sealed
from tiqqo.core.sealed import SealedWithUnknownKey, seal_text, unseal_text
from tiqqo.core.sealing import CLEAR, keys_in_use, sealed_fields
from tiqqo.core.tenancy import platform_scope

OLD, NEW = "o" * 32, "n" * 40


@pytest.fixture
def secrets_of_all_kinds(cast, settings):
    """Made without a key, as releases did before."""
    seal(clear=True)
    settings.ENCRYPTION_KEYS = []
    house = cast.kikker
    with house.scope():
        order = house.place_free(1)
        invite_member(house.organiser, email="new@example.org", role=Role.MANAGER, by=house.owner)
        WaitlistEntry.objects.create(
            event=house.event,
            name="D",
            email="d@example.org",
            email_key="d@example.org",
            quantity=1,
        )
        TOTP.activate(house.owner.user, "JBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(house.owner.user)
        EventKey.objects.filter(event=house.event).update(private_key=bytes(range(100, 132)))
    return house, order


def everything_stored():
    """All that the tables with secrets hold, as a dump has it."""
    with platform_scope("look as a thief"), connection.cursor() as cursor:
        rows = []
        for table in [f.model._meta.db_table for f in sealed_fields()] + ["mfa_authenticator"]:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t ORDER BY id")
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def clear_secrets(house):
    with house.scope():
        found = [
            *(
                row.secret
                for model in (Order, Reservation, WaitlistEntry, Invitation)
                for row in model.objects.order_by("pk")
            ),
            # As PostgreSQL writes bytes.
            *(bytes(key.private_key).hex() for key in EventKey.objects.order_by("pk")),
        ]
    factors = {
        a.type: a.wrap() for a in Authenticator.objects.filter(type__in=["totp", "recovery_codes"])
    }
    totp, codes = factors["totp"], factors["recovery_codes"]
    assert codes.generate_codes()
    found += [unseal_text(totp.instance.data["secret"], "second factor")]
    found += [unseal_text(codes.instance.data["seed"], "second factor")]
    assert len(found) >= 7
    return found


def seal(**options):
    call_command("seal_secrets", stdout=StringIO(), **options)


def test_a_dump_shows_every_secret_before_and_none_after_sealing(secrets_of_all_kinds, settings):
    house, _order = secrets_of_all_kinds
    known = clear_secrets(house)
    assert [secret for secret in known if secret not in everything_stored()] == []

    settings.ENCRYPTION_KEYS = [OLD]
    seal()

    assert [secret for secret in known if secret in everything_stored()] == []
    assert clear_secrets(house) == known
    assert {key for _place, key in keys_in_use()} == {sealed.known_keys()[0].id}
    seal(clear=True)
    assert [secret for secret in known if secret not in everything_stored()] == []


def test_new_secrets_are_sealed_at_once(kikker, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    order = kikker.place_free(1)
    invite_member(kikker.organiser, email="n@example.org", role=Role.MANAGER, by=kikker.owner)
    stored = everything_stored()

    assert order.secret not in stored and order.reservation.secret not in stored
    assert Order.objects.get(pk=order.pk).secret == order.secret
    assert Invitation.objects.get().secret not in stored
    # The hold was made with a compiled statement, the order by the ORM.
    assert stored.count(sealed.known_keys()[0].head) >= 3


def test_every_secret_link_works_however_its_secret_is_stored(secrets_of_all_kinds, settings):
    house, order = secrets_of_all_kinds
    secret, held = order.secret, order.reservation.secret

    def opens():
        with house.scope():
            assert order_by_link(order.code, secret).pk == order.pk
            assert hold_by_secret(held)[0].pk == order.reservation_id
            assert reservation_by_secret(held).pk == order.reservation_id
            assert Reservation.objects.get(secret=held).pk == order.reservation_id
            assert Order.objects.filter(secret=secret).count() == 1
            assert not Order.objects.filter(secret=secret[:-1]).exists()

    opens()
    settings.ENCRYPTION_KEYS = [OLD]
    opens()
    seal()
    opens()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    opens()
    seal()
    settings.ENCRYPTION_KEYS = [NEW]
    opens()


def test_what_stands_in_the_database_is_no_link(secrets_of_all_kinds, settings):
    house, order = secrets_of_all_kinds
    settings.ENCRYPTION_KEYS = [OLD]
    seal()
    with connection.cursor() as cursor, house.scope():
        cursor.execute(
            "SELECT secret FROM ticketing_reservation WHERE id = %s", [order.reservation_id]
        )
        [stolen] = cursor.fetchone()
        assert stolen.startswith(sealed.MARK)
        assert reservation_by_secret(stolen) is None
        assert Reservation.objects.filter(secret=stolen).first() is None


def test_wrong_key_is_a_plain_refusal_and_lists_go_on(
    secrets_of_all_kinds, settings, in_kikker_shop, caplog
):
    house, order = secrets_of_all_kinds
    settings.ENCRYPTION_KEYS = [OLD]
    seal()
    link = in_kikker_shop.url("shop:order", code=order.code, secret=order.secret)
    settings.ENCRYPTION_KEYS = [NEW]

    with house.scope():
        assert [found.code for found in Order.objects.all()] == [order.code]
        with pytest.raises(SealedWithUnknownKey):
            Order.objects.get().secret
        # A row is saved as it is: what cannot be read is kept.
        Order.objects.get().save()
    assert Client().get(link).status_code == 503
    [refused] = [r for r in caplog.records if r.message == "secret.unreadable"][:1]
    settings.ENCRYPTION_KEYS = [OLD]
    assert refused.key == sealed.known_keys()[0].id
    assert Client().get(link).status_code == 200


def test_wrong_key_fails_the_check_and_the_command(secrets_of_all_kinds, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    assert {m.id for m in checks.sealed_secrets_can_be_read(databases=["default"])} == {
        "tiqqo.W009"
    }
    seal()
    assert checks.sealed_secrets_can_be_read(databases=["default"]) == []
    old = sealed.known_keys()[0].id

    settings.ENCRYPTION_KEYS = [NEW]
    found = checks.sealed_secrets_can_be_read(databases=["default"])
    assert {m.id for m in found} == {"tiqqo.E008"}
    assert all(old in m.msg for m in found)
    with pytest.raises(CommandError, match="a key that ENCRYPTION_KEYS does not hold"):
        seal()


def test_without_keys_the_check_of_a_deployment_warns(settings):
    settings.ENCRYPTION_KEYS = []
    assert [m.id for m in checks.secrets_are_sealed()] == ["tiqqo.W007"]
    with pytest.raises(CommandError, match="Set ENCRYPTION_KEYS"):
        seal()
    settings.ENCRYPTION_KEYS = [OLD]
    assert checks.secrets_are_sealed() == []


def test_a_value_says_nothing_in_another_column(settings):
    settings.ENCRYPTION_KEYS = [OLD]
    stored = seal_text("a secret", "orders.Order.secret")
    assert unseal_text(stored, "orders.Order.secret") == "a secret"
    with pytest.raises(SealedWithUnknownKey):
        unseal_text(stored, "ticketing.Reservation.secret")
    with pytest.raises(SealedWithUnknownKey):
        unseal_text(stored[:-4] + "AAAA", "orders.Order.secret")
    with pytest.raises(SealedWithUnknownKey):
        unseal_text(stored[:9] + "é", "orders.Order.secret")


def test_sealed_secret_fits_its_column(settings, kikker):
    settings.ENCRYPTION_KEYS = [OLD]
    hold = kikker.reserve(free=1)
    assert len(Reservation._meta.get_field("secret").stored(hold.secret)) <= 32
    assert len(hold.secret) == 22


def test_a_link_whose_secret_is_no_block_stays_as_it_is(kikker, settings):
    hold = kikker.reserve(free=1)
    Reservation.objects.filter(pk=hold.pk).update(secret="of-an-import")
    settings.ENCRYPTION_KEYS = [OLD, *settings.ENCRYPTION_KEYS]
    seal()
    assert reservation_by_secret("of-an-import").pk == hold.pk
    assert keys_in_use()["ticketing.Reservation.secret", CLEAR] == 1


def test_second_factor_works_before_and_after_it_is_sealed(secrets_of_all_kinds, settings):
    house, _order = secrets_of_all_kinds
    user = house.owner.user

    def is_let_in():
        found = Authenticator.objects.get(user=user, type="totp").wrap()
        counter = next(iter(yield_hotp_counters_from_time()))
        code = format_hotp_value(hotp_value("JBSWY3DPEHPK3PXP", counter))
        from django.core.cache import cache

        cache.clear()
        return found.validate_code(code)

    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().generate_codes()
    assert is_let_in()
    settings.ENCRYPTION_KEYS = [OLD]
    seal()
    assert is_let_in()
    wrapped = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    assert wrapped.generate_codes() == codes
    assert wrapped.validate_code(codes[0])
    assert (
        not Authenticator.objects.get(user=user, type="recovery_codes")
        .wrap()
        .validate_code(codes[0])
    )


@pytest.mark.django_db(transaction=True)
def test_key_is_replaced_while_rows_are_read_and_held(secrets_of_all_kinds, settings, monkeypatch):
    """Slices of two rows; somebody reads between them, and one row is in somebody's hand at first."""
    house, order = secrets_of_all_kinds
    monkeypatch.setattr("tiqqo.core.sealing.SLICE", 2)
    with house.scope():
        holds = [house.reserve(free=1) for _ in range(5)]
    settings.ENCRYPTION_KEYS = [OLD]
    seal()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    read = []

    def look(text):
        with house.scope():
            read.extend(reservation_by_secret(hold.secret).pk for hold in holds)

    from tiqqo.core import sealing

    real = sealing._reseal_rows

    def reading_between(*args, **kwargs):
        look("")
        done = real(*args, **kwargs)
        look("")
        return done

    monkeypatch.setattr(sealing, "_reseal_rows", reading_between)
    from tests.owner import owner_cursor

    with owner_cursor() as other:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM ticketing_reservation WHERE id = %s FOR UPDATE", [holds[2].pk])
        with pytest.raises(CommandError, match="1 or more are in use"):
            seal()
        other.execute("COMMIT")

    assert keys_in_use()["ticketing.Reservation.secret", sealed._key(OLD).id] == 1
    seal()
    assert {key for _place, key in keys_in_use()} == {sealed._key(NEW).id}
    assert len(read) > 20
    assert set(read) == {hold.pk for hold in holds}


def test_breaking_off_and_beginning_again_seals_the_rest(
    secrets_of_all_kinds, settings, monkeypatch
):
    from tiqqo.core import sealing

    settings.ENCRYPTION_KEYS = [OLD]
    real, calls = sealing._reseal_rows, []

    def broken_off(*args, **kwargs):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(sealing, "_reseal_rows", broken_off)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        seal()
    monkeypatch.setattr(sealing, "_reseal_rows", real)
    seal()
    assert CLEAR not in {key for _place, key in keys_in_use()}


def test_what_is_sealed_or_empty_is_not_looked_at_again(
    secrets_of_all_kinds, settings, monkeypatch
):
    from tiqqo.core import sealing

    settings.ENCRYPTION_KEYS = [OLD]
    seal()
    looks = []
    monkeypatch.setattr(sealing, "_reseal_rows", lambda *args, **_facts: looks.append(args) or 0)

    seal()

    assert looks == []


def test_document_of_a_mail_stands_under_a_name_of_its_own(kikker, queue, committing):
    from orders.models import Delivery
    from orders.operations.delivering import mark_prepared

    order = kikker.place_free(1)
    delivery = Delivery.objects.filter(order=order).first()
    mark_prepared(delivery, document=b"%PDF")
    assert order.secret not in delivery.document.name
    assert re.fullmatch(r"private/tickets/[-\w]{22}/tickets-1\.pdf", delivery.document.name)


def test_ids_of_keys_tell_them_apart_and_nothing_else(settings):
    settings.ENCRYPTION_KEYS = [OLD, NEW]
    ids = [key.id for key in sealed.known_keys()]
    assert len(set(ids)) == 2 and all(len(id) == sealed.ID_LENGTH for id in ids)
    assert base64.urlsafe_b64encode(OLD.encode())[:6].decode() not in ids


def test_every_column_that_is_called_a_secret_is_sealed():
    """What is compared only, such as a hash, is called something else."""
    called = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.local_fields
        if re.search(r"secret|private_key", field.name)
    }
    assert called == {f"{field.model._meta.label}.{field.name}" for field in sealed_fields()}
    assert len(called) > 5
