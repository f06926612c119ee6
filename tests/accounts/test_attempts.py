"""Wrong passwords: whoever guesses waits; the owner and those beside the guesser do not."""

import re
from ipaddress import ip_network

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.cast import PASSWORD

PROXY = "10.0.0.7"


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings):
    settings.LIMITS = {}
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]


@pytest.fixture
def owner(cast):
    for user in (cast.kikker.owner.user, cast.fjord.owner.user):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return cast.kikker.owner.user


@pytest.fixture
def sign_in(client):
    """Whether somebody at this address got in with this password, and what they were told."""

    def attempt(email, password, *, at="198.51.100.1", device=None):
        client.logout()
        client.cookies.pop("device", None)
        if device is not None:
            client.cookies["device"] = device
        answer = client.post(
            reverse("account_login"),
            {"login": email, "password": password},
            REMOTE_ADDR=PROXY,
            HTTP_X_FORWARDED_FOR=at,
        )
        return SESSION_KEY in client.session, answer

    return attempt


def test_a_guesser_waits_and_is_told_how_long(sign_in, owner):
    for _ in range(5):
        _in, answer = sign_in(owner.email, "wrong")
        assert "please wait" not in answer.content.decode()

    is_in, answer = sign_in(owner.email, PASSWORD)

    assert not is_in
    assert "please wait 60 seconds" in answer.content.decode()


def test_the_owner_elsewhere_and_others_behind_the_proxy_get_in_meanwhile(sign_in, owner, cast):
    for _ in range(12):
        sign_in(owner.email, "wrong", at="203.0.113.66")

    assert sign_in(owner.email, PASSWORD, at="198.51.100.1")[0]
    assert sign_in(cast.fjord.owner.user.email, PASSWORD, at="203.0.113.67")[0]


def test_one_client_does_not_try_accounts_without_end(sign_in, cast, owner):
    for number in range(30):
        sign_in(f"guess{number}@example.org", "wrong", at="203.0.113.66")

    assert not sign_in(owner.email, PASSWORD, at="203.0.113.66")[0]
    assert sign_in(owner.email, PASSWORD, at="198.51.100.1")[0]


def test_a_customer_of_ipv6_is_one_guesser_whatever_addresses_they_have(sign_in, owner):
    for number in range(5):
        sign_in(owner.email, "wrong", at=f"2001:db8:1:2::{number + 1}")

    assert not sign_in(owner.email, PASSWORD, at="2001:db8:1:2::99")[0]


def test_many_guessers_slow_strangers_and_not_the_owners_own_device(sign_in, owner, client):
    assert sign_in(owner.email, PASSWORD)[0]
    device = client.cookies["device"].value
    for number in range(50):
        sign_in(owner.email, "wrong", at=f"203.0.{number}.1")

    assert not sign_in(owner.email, PASSWORD, at="192.0.2.5")[0]
    assert sign_in(owner.email, PASSWORD, at="192.0.2.6", device=device)[0]


def test_a_device_of_somebody_else_and_a_made_up_one_are_strangers(sign_in, owner, cast, client):
    assert sign_in(cast.fjord.owner.user.email, PASSWORD)[0]
    theirs = client.cookies["device"].value
    for number in range(50):
        sign_in(owner.email, "wrong", at=f"203.0.{number}.1")

    assert not sign_in(owner.email, PASSWORD, at="192.0.2.5", device=theirs)[0]
    assert not sign_in(owner.email, PASSWORD, at="192.0.2.6", device="made-up")[0]


def test_a_known_device_does_not_guess_without_end_either(sign_in, owner, client):
    assert sign_in(owner.email, PASSWORD)[0]
    device = client.cookies["device"].value
    for number in range(20):
        sign_in(owner.email, "wrong", at=f"203.0.113.{number}", device=device)

    assert not sign_in(owner.email, PASSWORD, at="192.0.2.5", device=device)[0]


def test_a_right_password_costs_nothing(sign_in, owner):
    for _ in range(12):
        assert sign_in(owner.email, PASSWORD)[0]


def test_one_network_does_not_keep_the_owner_from_a_new_device(sign_in, owner):
    for number in range(60):
        sign_in(owner.email, "wrong", at=f"203.0.113.{number}")

    assert not sign_in(owner.email, PASSWORD, at="203.0.113.99")[0]
    assert sign_in(owner.email, PASSWORD, at="192.0.2.5")[0]


# Ways in for an owner whose account many guess at --------------------------------------------


@pytest.fixture
def besieged(sign_in, owner):
    """The owner's account, at which so many guessed that no stranger has a try left."""

    def besiege():
        for number in range(50):
            sign_in(owner.email, "wrong", at=f"203.0.{number}.1")
        assert not sign_in(owner.email, PASSWORD, at="192.0.2.5")[0]
        return owner

    return besiege


@pytest.fixture
def choose_password(queue, committing):
    """A new password by the code that is mailed, on a device that nobody knows."""

    def choose(user):
        device = Client(REMOTE_ADDR="192.0.2.6")
        with committing():
            device.post(reverse("account_reset_password"), {"email": user.email})
        queue.work()
        code = re.search(r"^([A-Z0-9-]{6,})$", mail.outbox[-1].body, re.MULTILINE).group(1)
        device.post(reverse("account_confirm_password_reset_code"), {"code": code})
        new = {"password1": "lantern over mudflats", "password2": "lantern over mudflats"}
        return device, device.post(reverse("account_complete_password_reset"), new)

    return choose


def test_a_new_password_lets_the_owner_in_on_a_new_device(besieged, choose_password):
    device, answer = choose_password(besieged())

    assert answer.status_code == 302
    assert SESSION_KEY in device.session
    assert "device" in device.cookies


def test_a_new_password_does_not_stand_for_the_second_factor(owner, choose_password):
    TOTP.activate(owner, "JBSWY3DPEHPK3PXP")

    device, answer = choose_password(owner)

    assert answer.headers["Location"] == reverse("mfa_authenticate")
    assert SESSION_KEY not in device.session


def test_who_is_signed_in_is_no_stranger_when_asked_for_the_password_again(owner, besieged):
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})
    # Its address is not that of this page.
    del browser.cookies["device"]
    besieged()

    answer = browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})

    assert answer.status_code == 302
