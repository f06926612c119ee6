"""Passwords that are among the first that are tried are refused, and the person is told why."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import User
from accounts.passwords import refuse_names, surprising
from tests.pages import PageClient


def why(password, user=None):
    try:
        validate_password(password, user)
    except ValidationError as refused:
        return [error.code for error in refused.error_list]
    return []


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("8301946275", "password_entirely_numeric"),
        ("aaaaaaaaab", "password_too_regular"),
        ("0000000001", "password_too_regular"),
        ("abcdefghijk", "password_too_regular"),
        ("zyxwvutsrqp", "password_too_regular"),
        ("azazazazazaz", "password_too_regular"),
        ("aabbccddeeff", "password_too_regular"),
        ("Tiqqo12345", "password_word_and_number"),
        ("kikker2026", "password_word_and_number"),
        ("2026kikker!", "password_word_and_number"),
        ("Zomer-2026!", "password_word_and_number"),
        ("tiqqotiqqo!", "password_of_names"),
        ("x-Tiqqo-777", "password_of_names"),
    ],
)
def test_what_is_tried_first_is_refused(password, code):
    assert code in why(password)


@pytest.mark.parametrize(
    "password",
    [
        "a long enough secret",
        "violet-stub-27",
        "correct horse battery staple",
        "wK7!pq2Zr9xB",
        "tiqqo sells my seven tickets",
        "regen op de ruit",
        "Straßenbahn fährt 9 mal",
        "密码是我的秘密花园里",
    ],
)
def test_what_takes_long_to_guess_is_taken(password):
    assert why(password) == []


def test_repetitions_and_sequences_say_nothing_new():
    assert [surprising(text) for text in ("", "a", "aaaa", "abcd", "dcba", "acac")] == [
        0,
        1,
        1,
        1,
        1,
        4,
    ]


def test_the_longest_name_is_taken_out_first():
    refuse_names("frogmans orchestra", ["Frog", "Frogman"])
    with pytest.raises(ValidationError):
        refuse_names("frogman-19", ["Frog", "Frogman"])


@pytest.mark.django_db
def test_the_name_of_ones_organiser_is_refused_to_its_team_alone(cast):
    ana, bo = cast.kikker.owner.user, cast.fjord.owner.user
    password = "Blauwe!Kikker!7"

    assert "password_of_names" in why(password, ana)
    assert why(password, bo) == []
    assert why(password, User(email="new@example.org")) == []


@pytest.mark.django_db
def test_sign_up_refuses_the_name_of_the_organisation(pages):
    page = pages.get_page(reverse("account_signup"))
    typed = {"name": "Nils Ny", "organiser_name": "Grote Zaal", "email": "nils@example.org"}

    refused = page.submit("Create account", status=200, password1="Grote-Zaal-77", **typed)

    assert refused.errors == {
        "password1": "This password is little more than a name that others know. Use several words."
    }
    assert not User.objects.filter(email="nils@example.org").exists()


@pytest.mark.django_db
def test_a_changed_password_is_held_to_the_same(cast):
    from tests.cast import PASSWORD

    page = (
        PageClient(cast)
        .sign_in(cast.kikker.owner.user)
        .get_page(reverse("account_change_password"))
    )
    [button] = [text for text in page.texts("main button") if "assword" in text]

    refused = page.submit(
        button, status=200, oldpassword=PASSWORD, password1="kikker2026", password2="kikker2026"
    )

    assert "A word and a number" in " ".join(refused.errors.values())
    cast.kikker.owner.user.refresh_from_db()
    assert cast.kikker.owner.user.check_password(PASSWORD)
