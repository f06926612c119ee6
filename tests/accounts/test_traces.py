"""What is tried and done at the borders is in the security log, and who may look at it."""

from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import reverse

from accounts.errors import LastOwner
from accounts.models import Membership
from accounts.operations import change_role, invite_member, remove_member, revoke_invitation
from accounts.permissions import Role
from orders.providers import SignatureInvalid
from tests.cast import PASSWORD, MembershipFactory, StaffFactory, UserFactory
from tests.pages import PageClient
from tiqqo.core import clock, security_log
from tiqqo.core.models import SecurityEntry
from tiqqo.core.paging import PAGE_SIZE
from tiqqo.core.security_log import Kind, flush, note
from tiqqo.core.tenancy import platform_scope

pytestmark = pytest.mark.django_db


def noted(*kinds):
    """The rows of these kinds, or of all, after a write."""
    flush()
    with platform_scope("a test looks at the security log"):
        rows = SecurityEntry.objects.select_related("user").order_by("id")
        return list(rows.filter(kind__in=kinds) if kinds else rows)


@pytest.fixture
def tova(cast):
    """Somebody with a confirmed address and nothing else tried so far."""
    user = UserFactory(name="Tova Try", email=f"tova{clock.now().timestamp():.0f}@example.org")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(client, user, password=PASSWORD, **extra):
    words = {"login": user if isinstance(user, str) else user.email, "password": password}
    return client.post(reverse("account_login"), words, **extra)


# Accounts --------------------------------------------------------------------------------


def test_a_wrong_password_is_noted_with_the_account_it_was_for(client, tova):
    sign_in(client, tova, "wrong", REMOTE_ADDR="203.0.113.9")
    sign_in(client, "nobody@example.org", "wrong", REMOTE_ADDR="203.0.113.9")

    first, second = sorted(noted(Kind.SIGN_IN_FAILED), key=lambda row: row.user is None)
    assert (first.user, first.network) == (tova, "203.0.113.0/24")
    assert first.email_hashes == [security_log.hash_of(tova.email)]
    assert (second.user, second.email_hashes) == (
        None,
        [security_log.hash_of("nobody@example.org")],
    )


def test_a_lock_out_is_noted(client, tova, settings):
    settings.LIMITS = {}
    for _ in range(12):
        sign_in(client, tova, "wrong", REMOTE_ADDR="203.0.113.10")

    [failed] = noted(Kind.SIGN_IN_FAILED)
    [locked] = noted(Kind.LOCKED_OUT)
    assert failed.count + locked.count == 12
    assert locked.count >= 2
    assert locked.user == tova


def test_a_sign_in_from_a_new_place_is_noted_as_such(tova):
    assert sign_in(Client(), tova, REMOTE_ADDR="203.0.113.1").status_code == 302
    assert [row.count for row in noted(Kind.SIGN_IN)] == [1]
    sign_in(Client(), tova, REMOTE_ADDR="203.0.113.2")
    assert noted(Kind.SIGN_IN_NEW_PLACE) == []

    sign_in(Client(), tova, REMOTE_ADDR="198.51.100.1")

    [new] = noted(Kind.SIGN_IN_NEW_PLACE)
    assert (new.user, new.network) == (tova, "198.51.100.0/24")


def test_a_wrong_second_factor_is_noted(tova):
    client = Client()
    TOTP.activate(tova, "JBSWY3DPEHPK3PXP")
    sign_in(client, tova)

    client.post(reverse("mfa_authenticate"), {"code": "000000"})

    assert [row.user for row in noted(Kind.SECOND_FACTOR_FAILED)] == [tova]
    assert noted(Kind.SIGN_IN) == []


def test_who_tries_second_factors_too_often_is_noted(tova):
    client = Client()
    TOTP.activate(tova, "JBSWY3DPEHPK3PXP")
    sign_in(client, tova)

    for _ in range(7):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})

    [failed] = noted(Kind.SECOND_FACTOR_FAILED)
    [locked] = noted(Kind.LOCKED_OUT)
    assert failed.count + locked.count == 7
    assert locked.count >= 2


def test_a_changed_password_and_second_factor_are_noted(client, tova):
    TOTP.activate(tova, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(tova)
    client.force_login(tova)
    new = "an entirely new secret"
    client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    client.post(reverse("account_reauthenticate"), {"password": new})
    client.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.filter(user=tova, type="totp").exists()
    assert [row.user for row in noted(Kind.PASSWORD_CHANGED)] == [tova]
    changed, _codes = noted(Kind.SECOND_FACTOR_CHANGED)
    assert changed.facts["change"] == "removed"


# Refusals ---------------------------------------------------------------------------------


def test_a_403_is_noted_with_whose_it_was_and_by_which_view(cast, client):
    client.force_login(cast.kikker.scanner.user)

    answer = client.get(reverse("accounts:team", kwargs={"organiser_slug": "blauwe-kikker"}))

    assert answer.status_code == 403
    [row] = noted(Kind.REFUSED)
    assert (row.organiser_id, row.user) == (cast.kikker.organiser.pk, cast.kikker.scanner.user)
    assert row.facts["view"] == "accounts:team"


def test_a_form_without_a_token_is_noted_once(cast):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.kikker.owner.user)

    answer = strict.post(reverse("accounts:team", kwargs={"organiser_slug": "blauwe-kikker"}))

    assert answer.status_code == 403
    [row] = noted()
    assert (row.kind, row.facts["view"]) == (Kind.FORM_REFUSED, "accounts:team")


def test_a_forged_webhook_is_noted(client, provider, monkeypatch):
    def forged(body, signature):
        raise SignatureInvalid

    monkeypatch.setattr(provider, "read_notice", forged)

    answer = client.post("/webhooks/stripe/", b"{}", content_type="application/json")

    assert answer.status_code == 400
    assert [row.facts for row in noted(Kind.WEBHOOK_SIGNATURE)] == [{"provider": "stripe"}]


def test_a_wrong_token_of_the_status_is_noted(client, settings):
    settings.STATUS_TOKEN = "s3cret"

    assert client.get("/status/", headers={"Authorization": "Bearer guess"}).status_code == 404
    assert client.get("/status/").status_code == 404

    [row] = noted(Kind.REFUSED)
    assert (row.count, row.facts) == (1, {"view": "status", "why": "wrong token"})


def test_the_support_tool_is_noted(cast, client):
    staff = StaffFactory()
    client.force_login(staff)

    client.get("/admin/accounts/user/")

    [row] = noted(Kind.ADMIN_VIEW)
    assert (row.user, row.facts["view"]) == (staff, "admin:accounts_user_changelist")


# The team ---------------------------------------------------------------------------------


def test_changes_of_the_team_are_noted_once_they_are_so(cast, committing):
    kikker = cast.kikker
    with kikker.scope(), committing():
        invitation = invite_member(
            kikker.organiser, email="new@example.org", role=Role.MANAGER, by=kikker.owner
        )
        revoke_invitation(invitation, by=kikker.owner)
        change_role(kikker.scanner, role=Role.VIEWER, by=kikker.owner)
        remove_member(kikker.scanner, by=kikker.owner)

    rows = noted()
    assert sorted(row.kind for row in rows) == [
        "team.invitation_revoked",
        "team.invited",
        "team.removed",
        "team.role_changed",
    ]
    assert {row.organiser_id for row in rows} == {kikker.organiser.pk}
    [changed] = [row for row in rows if row.kind == "team.role_changed"]
    assert changed.facts == {"member": "Sam Deur", "before": "scanner", "after": "viewer"}
    assert "new@example.org" not in str([row.facts for row in rows])


def test_a_change_that_was_refused_is_not_noted(cast, committing):
    kikker = cast.kikker
    with kikker.scope(), committing(), pytest.raises(LastOwner):
        remove_member(kikker.owner, by=kikker.owner)

    assert noted() == []


# Pages ------------------------------------------------------------------------------------


def url():
    return reverse("accounts:security", kwargs={"organiser_slug": "blauwe-kikker"})


def test_an_organiser_sees_its_own_log_and_what_was_done_to_its_team(at_kikker):
    cast = at_kikker.pages.cast
    kikker, fjord = cast.kikker, cast.fjord
    note(Kind.EXPORT, organiser=kikker.organiser, user=kikker.owner.user, what="orders", rows=3)
    note(Kind.EXPORT, organiser=fjord.organiser, user=fjord.owner.user, what="fjord things")
    note(Kind.SIGN_IN_FAILED, user=kikker.scanner.user)
    note(Kind.SIGN_IN_FAILED, user=fjord.owner.user)
    note(Kind.SIGN_IN_FAILED)
    note(Kind.WEBHOOK_SIGNATURE)
    flush()

    page = at_kikker.pages.get_page(url())

    assert page.h1 == "Security"
    # What is written in one second has no order.
    exported, wrong = sorted(page.rows, key=lambda row: row[1])
    assert (wrong[1], wrong[3]) == ("Wrong password", "Sam Deur")
    assert (exported[1], exported[3]) == ("Data exported", "Ana de Vries")
    assert "what: orders" in exported[5]


def test_what_happened_before_somebody_joined_is_not_shown(at_kikker):
    kikker = at_kikker.house
    user = UserFactory(name="Late Comer")
    with time_machine.travel(clock.now() - timedelta(days=3)):
        note(Kind.SIGN_IN, user=user)
    flush()
    with kikker.scope():
        MembershipFactory(organiser=kikker.organiser, user=user, role=Role.VIEWER)

    assert at_kikker.pages.get_page(url()).texts("table") == []

    with kikker.scope():
        Membership.objects.filter(user=user).update(created_at=clock.now() - timedelta(days=9))
    assert [row[3] for row in at_kikker.pages.get_page(url()).rows] == ["Late Comer"]


def test_the_log_is_filtered_and_paged(at_kikker):
    kikker = at_kikker.house
    with kikker.scope():
        Membership.objects.update(created_at=clock.now() - timedelta(days=9))
    for number in range(PAGE_SIZE + 1):
        with time_machine.travel(clock.now() - timedelta(minutes=number + 1)):
            note(Kind.SIGN_IN, user=kikker.owner.user)
    note(Kind.EXPORT, organiser=kikker.organiser)
    flush()

    first = at_kikker.pages.get_page(url(), {"topic": "sign-ins"})
    assert len(first.rows) == PAGE_SIZE
    second = at_kikker.pages.get_page(first.links("main nav.pagination a")["Next"])
    assert len(second.rows) == 1
    assert len(at_kikker.pages.get_page(url(), {"topic": "exports"}).rows) == 1
    for nonsense in ({"topic": "x"}, {"after": "9" * 40}, {"after": "-1"}, {"after": "x"}):
        at_kikker.pages.get_page(url(), nonsense)


def test_only_who_manages_the_team_sees_the_log(cast):
    kikker = cast.kikker
    with kikker.scope():
        viewer = MembershipFactory(
            organiser=kikker.organiser, user=UserFactory(), role=Role.MANAGER
        )
    PageClient(cast).sign_in(viewer.user).get_page(url(), status=403)
    PageClient(cast).sign_in(cast.fjord.owner.user).get_page(url(), status=404)


def test_staff_sees_everybodys_log_and_nobody_else_does(cast, client):
    note(Kind.EXPORT, organiser=cast.fjord.organiser, user=cast.fjord.owner.user)
    note(Kind.WEBHOOK_SIGNATURE, provider="stripe")
    flush()

    page = PageClient().sign_in(StaffFactory()).get_page("/platform/security/")

    assert {row[1] for row in page.rows} >= {"Webhook with a bad signature", "Data exported"}
    assert page.response.headers["X-Robots-Tag"] == "noindex"
    assert client.get("/platform/security/").status_code == 404
    client.force_login(cast.kikker.owner.user)
    assert client.get("/platform/security/").status_code == 404


def test_the_status_counts_what_was_turned_away(cast, client, settings):
    settings.STATUS_TOKEN = "s3cret"
    for _ in range(6):
        note(Kind.WEBHOOK_SIGNATURE)
    note(Kind.SIGN_IN_FAILED)
    flush()

    answer = client.get("/status/", headers={"Authorization": "Bearer s3cret"}).json()
    figures = {one["name"]: (one["value"], one["degraded"]) for one in answer["figures"]}

    assert figures["bad signatures in 10 minutes"] == (6, True)
    assert figures["failed sign-ins in 10 minutes"] == (1, False)
