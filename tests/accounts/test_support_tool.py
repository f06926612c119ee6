"""The support tool reads every model of every app, and does nothing to any; staff has a second factor."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.models import User
from tests.architecture.test_routes import ROUTES
from tests.cast import StaffFactory, UserFactory

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
ids = [model._meta.label_lower for model in REGISTERED]


def address_of(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def staff(cast, client):
    user = StaffFactory(is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def rows(staff):
    """One row of every registered model."""
    victim = UserFactory(name="Vera", email="vera@example.org")
    made = {
        User: victim,
        EmailAddress: EmailAddress.objects.create(user=victim, email="new@example.org"),
        Authenticator: Authenticator.objects.get(user=staff),
        UserSession: UserSession.objects.create(
            user=victim, ip="192.0.2.7", session_key="stolen" * 5, user_agent="Firefox"
        ),
        Group: Group.objects.create(name="Everybody"),
    }
    return {model: made.get(model) or model._base_manager.first() for model in REGISTERED}


def snapshot(rows):
    return {model: list(model._base_manager.order_by("pk").values()) for model in rows}


def test_the_models_of_other_apps_are_among_those_tried():
    assert {User, EmailAddress, Authenticator, UserSession} <= set(REGISTERED)


@pytest.mark.parametrize("model", REGISTERED, ids=ids)
def test_lists_and_rows_are_shown_and_searched(client, rows, model):
    row = rows[model]

    for url in (
        address_of(model, "changelist"),
        address_of(model, "changelist") + "?q=vera",
        address_of(model, "change", row.pk),
        address_of(model, "history", row.pk),
    ):
        response = client.get(url)
        assert response.status_code == 200, url
        assert not re.search(r'type="submit"[^>]*name="_|name="action"', response.content.decode())


@pytest.mark.parametrize("model", REGISTERED, ids=ids)
def test_nothing_is_added_changed_deleted_or_acted_on(client, rows, model):
    row, before = rows[model], snapshot(rows)
    actions = [name for name in dir(admin.site._registry[model]) if name.startswith("make_")]

    assert client.get(address_of(model, "add")).status_code == 403
    assert client.get(address_of(model, "delete", row.pk)).status_code == 403
    for page, args in (
        ("add", []),
        ("change", [row.pk]),
        ("delete", [row.pk]),
        ("changelist", []),
    ):
        posted = {"post": "yes", "email": "other@example.org", "verified": "on", "_save": "Save"}
        assert client.post(address_of(model, page, *args), posted).status_code == 405
    for action in ("delete_selected", *actions):
        chosen = {"action": action, "_selected_action": row.pk, "index": 0, "post": "yes"}
        assert client.post(address_of(model, "changelist"), chosen).status_code == 405
    assert snapshot(rows) == before


@pytest.mark.parametrize("model", REGISTERED, ids=ids)
def test_a_row_has_no_right_but_to_be_looked_at(rf, staff, model):
    request = rf.get("/admin/")
    request.user = staff
    shown = admin.site._registry[model]

    assert shown.get_model_perms(request) == {
        "add": False,
        "change": False,
        "delete": False,
        "view": True,
    }
    assert shown.get_actions(request) == {}
    assert shown.get_inline_instances(request) == []


def test_no_secret_of_an_account_is_shown_or_guessed(client, rows):
    secret = Authenticator.objects.get().data["secret"]
    password = rows[User].password

    for model, word in (
        (UserSession, "stolenstolen"),
        (Authenticator, secret),
        (User, password),
    ):
        for url in (
            address_of(model, "changelist"),
            address_of(model, "change", rows[model].pk),
        ):
            assert word not in client.get(url).content.decode(), url
    for model, lookup in (
        (UserSession, "session_key__startswith=stolen"),
        (User, "password__startswith=md5"),
        (EmailAddress, "user__password__startswith=md5"),
    ):
        response = client.get(f"{address_of(model, 'changelist')}?{lookup}")
        assert response.status_code in (302, 400), lookup
        assert response.headers.get("Location", "?e=1").endswith("e=1")


def test_passwords_are_changed_where_everybody_changes_theirs(client, staff):
    response = client.get("/admin/password_change/")

    assert (response.status_code, response.headers["Location"]) == (
        302,
        reverse("account_change_password"),
    )


# The second factor ------------------------------------------------------------------------

PLATFORM = (
    "/admin/",
    "/admin/accounts/user/",
    "/status/",
    "/platform/security/",
    "/platform/organisers/",
)


@pytest.mark.parametrize("url", PLATFORM)
def test_staff_without_a_second_factor_is_led_to_set_one_up(cast, client, url):
    user = UserFactory(is_staff=True, is_superuser=True)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client.force_login(user)

    response = client.get(url)

    assert (response.status_code, response.headers["Location"]) == (302, reverse("mfa_index"))
    page = client.get(response.headers["Location"]).content.decode()
    assert "The platform&#x27;s pages need a second factor." in page
    assert client.post("/platform/organisers/blauwe-kikker/release/").status_code == 302
    cast.kikker.organiser.refresh_from_db()
    assert cast.kikker.organiser.released_at is None


@pytest.mark.parametrize("url", PLATFORM)
def test_staff_with_a_second_factor_is_let_in(client, staff, url):
    assert client.get(url).status_code == 200


def test_recovery_codes_alone_are_no_second_factor(cast, client):
    user = UserFactory(is_staff=True)
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    client.force_login(user)

    assert client.get("/status/").status_code == 302


def test_who_is_not_staff_is_not_told_that_there_is_a_page(cast, client):
    client.force_login(cast.kikker.owner.user)

    assert client.get("/status/").status_code == 404
    assert client.get("/platform/organisers/").status_code == 404


def test_staff_without_a_second_factor_may_sign_out_and_do_what_everybody_does(cast, client):
    client.force_login(UserFactory(is_staff=True))

    assert client.get("/home/").status_code == 302
    assert client.post("/admin/logout/").status_code == 200


def test_every_platform_page_is_among_those_that_ask_for_it():
    staff_only = {
        route.name for address, route in ROUTES if address.startswith(("platform/", "status/"))
    }
    asked = {
        route.name
        for _address, route in ROUTES
        if getattr(route.callback, "audience", None) in {"platform staff", "operators"}
    }
    assert staff_only == asked


def test_who_is_not_signed_in_signs_in_where_everybody_does(cast, client):
    response = client.get("/admin/accounts/user/", follow=True)

    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
