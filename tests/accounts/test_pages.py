"""Ways in, team, invitations and the organiser's settings."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import Invitation, Membership, Organiser, User
from accounts.operations import invite_member
from accounts.permissions import Role
from tests.cast import PASSWORD, MembershipFactory, StaffFactory, UserFactory
from tests.pages import PageClient
from tiqqo.core import clock

pytestmark = pytest.mark.django_db

NILS = {"name": "Nils Ny", "email": "nils@example.org", "password1": "a long enough secret"}
# A code is mailed to an address once in a while, so every test has its own.
OLAF = NILS | {"email": "olaf@example.org"}
PIA = NILS | {"email": "pia@example.org"}


# The front door --------------------------------------------------------------------------


def test_front_page_leads_to_sign_up_and_sign_in(pages):
    page = pages.get_page("/")

    links = page.links("main a")
    assert links["Create your first event"] == reverse("account_signup")
    assert page.links("header a")["Sign in"] == reverse("account_login")


def test_front_page_leads_who_is_signed_in_to_the_dashboard(at_kikker):
    page = at_kikker.pages.get_page("/")

    assert page.links("header a")["Dashboard"] == reverse("home")


@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_signup",
        "account_reset_password",
    ],
)
def test_ways_in_are_sound_pages(pages, name):
    pages.get_page(reverse(name))


@pytest.mark.parametrize("name", ["account_email", "account_change_password", "account_logout"])
def test_pages_of_ones_own_account_are_sound(at_kikker, name):
    at_kikker.pages.get_page(reverse(name))


def test_sign_up_leads_to_the_first_event(pages, queue, committing):
    page = pages.get_page(reverse("account_signup"))
    with committing():
        page = page.submit("Create account", organiser_name="Ny Scene", **NILS)
    page = pages.follow(page)
    assert page.h1 == "Check your mail"
    queue.work()
    [message] = mail.outbox
    assert message.to == ["nils@example.org"]
    code = re.search(r"^([A-Z0-9-]{6,})$", message.body, re.MULTILINE).group(1)
    # Until the address is confirmed there is nothing, least of all a page.
    assert not Organiser.objects.filter(name="Ny Scene").exists()
    pages.get_page("/ny-scene/", status=404)

    answer = page.submit("Confirm address", code=code)

    answer = pages.get(answer.headers["Location"], status=302)
    page = pages.follow(answer)
    assert page.h1 == "Your first event"
    user = User.objects.get(email="nils@example.org")
    assert user.name == "Nils Ny"
    organiser = Organiser.objects.get(name="Ny Scene")
    # The address that somebody signs in with is not public unless they say so.
    assert (organiser.slug, organiser.support_email) == ("ny-scene", "")
    overview = pages.follow(page.submit("Create draft", name="Opening night"))
    assert overview.h1 == "Opening night"


def test_signing_up_as_somebody_tells_and_leaves_nothing(cast, queue, committing):
    """Whether the address has an account or not: the same answers, and no page of the name."""
    ana = cast.kikker.owner.user
    ana.emailaddress_set.create(email=ana.email, verified=True, primary=True)
    seen = []
    for email, name in ((ana.email, "Probe One"), ("nobody-yet@example.org", "Probe Two")):
        stranger = PageClient(cast)
        page = stranger.get_page(reverse("account_signup"))
        with committing():
            answer = page.submit("Create account", organiser_name=name, **NILS | {"email": email})
        shown = stranger.follow(answer)
        slug = name.lower().replace(" ", "-")
        status = stranger.http.get(f"/{slug}/").status_code
        seen.append((answer.status_code, answer.headers["Location"], shown.h1, status))

    assert seen[0] == seen[1]
    assert seen[0][3] == 404


@pytest.mark.parametrize("has_account", [True, False])
def test_signing_up_takes_as_long_whether_the_address_has_an_account(
    cast, settings, monkeypatch, has_account
):
    settings.ACCOUNT_RATE_LIMITS = False
    email = cast.kikker.owner.user.email if has_account else "nobody@example.org"
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda *args: hashed.append(args) or encode(*args)
    )

    answer = Client().post(
        reverse("account_signup"),
        NILS | {"organiser_name": "", "email": email},
    )

    assert answer.status_code == 302
    assert len(hashed) == 1


def test_a_new_password_founds_nothing_that_a_stranger_asked_for(cast, queue, committing):
    """Somebody signs up with Quinn's address; Quinn takes the account over by a new password."""
    stranger, quinn = PageClient(cast), PageClient(cast, http=Client())
    page = stranger.get_page(reverse("account_signup"))
    with committing():
        page.submit(
            "Create account", organiser_name="Trap", **NILS | {"email": "quinn@example.org"}
        )
    mail.outbox.clear()
    with committing():
        quinn.post(reverse("account_reset_password"), {"email": "quinn@example.org"})
    queue.work()
    code = re.search(r"^([A-Z0-9-]{6,})$", mail.outbox[-1].body, re.MULTILINE).group(1)
    quinn.post(reverse("account_confirm_password_reset_code"), {"code": code})

    user = User.objects.get(email="quinn@example.org")
    assert user.emailaddress_set.get().verified
    assert not Organiser.objects.filter(name="Trap").exists()


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({"name": "https://evil.example"}, "name"),
        ({"organiser_name": "Win a car - https://evil.example"}, "organiser_name"),
        ({"email": "a@localhost"}, "email"),
        ({"email": "a@[127.0.0.1]"}, "email"),
    ],
)
def test_sign_up_takes_no_addresses_for_names(pages, typed, at):
    page = pages.get_page(reverse("account_signup"))

    page = page.submit("Create account", status=200, **NILS | typed)

    assert list(page.errors) == [at]
    assert not User.objects.filter(name="Nils Ny").exists()


def test_staff_releases_organisers_to_the_front_page(cast):
    staff = PageClient(cast).sign_in(StaffFactory(name="Petra"))
    page = staff.get_page("/platform/organisers/")
    assert [row[0] for row in page.rows] == [
        "Fjord Tech hello@fjord.example",
        "Blauwe Kikker help@blauwekikker.example",
    ]
    assert page.response.headers["X-Robots-Tag"] == "noindex"

    page = staff.follow(page.submit("Release Blauwe Kikker"))

    assert page.alerts == ["Blauwe Kikker is released."]
    assert [row[0] for row in page.rows] == ["Fjord Tech hello@fjord.example"]
    assert "Night of the Blue Note" in staff.get_page("/").text()
    page = staff.get_page("/platform/organisers/", {"show": "released"})
    page = staff.follow(page.submit("Withdraw Blauwe Kikker"))
    assert page.alerts == ["Blauwe Kikker is not on the front page any more."]
    assert "Night of the Blue Note" not in staff.get_page("/").text()


def test_for_others_there_is_nothing_of_the_platform(cast, pages):
    owner = PageClient(cast).sign_in(cast.kikker.owner.user)

    for visitor in (pages, owner):
        visitor.get_page("/platform/organisers/", status=404)
        visitor.http.handler.enforce_csrf_checks = False
        for deed in ("release", "withdrawal"):
            visitor.post(f"/platform/organisers/blauwe-kikker/{deed}/", status=404)
    cast.kikker.organiser.refresh_from_db()
    assert cast.kikker.organiser.released_at is None


def test_sign_up_without_an_organisation_asks_for_one(pages, queue, committing):
    page = pages.get_page(reverse("account_signup"))
    with committing():
        page = page.submit("Create account", **OLAF)
    page = pages.follow(page)
    queue.work()
    code = re.search(r"^([A-Z0-9-]{6,})$", mail.outbox[0].body, re.MULTILINE).group(1)
    page = pages.follow(page.submit("Confirm address", code=code))

    assert page.h1 == "Name your organisation"
    again = page.submit("Continue", status=422, name=" ")
    assert again.errors == {"name": "Fill in “Name of your organisation”."}
    page = pages.follow(again.submit("Continue", name="Ny Scene"))
    assert page.h1 == "Your first event"
    assert page.links("footer a")["Skip this step"] == "/o/ny-scene/"


def test_wrong_code_lets_nobody_in(pages):
    page = pages.get_page(reverse("account_signup"))
    page = pages.follow(page.submit("Create account", **PIA))

    page = page.submit("Confirm address", status=200, code="WRONG1")

    assert list(page.errors) == ["code"]
    assert (
        pages.get(reverse("home"), status=302)
        .headers["Location"]
        .startswith(reverse("account_login"))
    )


def test_sign_up_that_is_not_complete_keeps_what_was_typed(pages):
    page = pages.get_page(reverse("account_signup"))

    page = page.submit(
        "Create account", status=200, **NILS | {"email": "nils@", "password1": "short"}
    )

    assert set(page.errors) == {"email", "password1"}
    assert page.values("Create account")["name"] == "Nils Ny"
    assert not User.objects.filter(name="Nils Ny").exists()


def test_sign_in_leads_home(cast, pages):
    user = cast.kikker.owner.user
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
    page = pages.get_page(reverse("account_login"))

    wrong = page.submit("Sign in", status=200, login=user.email, password="not this one")
    answer = wrong.submit("Sign in", login=user.email, password=PASSWORD)

    assert "alert" not in wrong.values("Sign in")
    answer = pages.get(answer.headers["Location"], status=302)
    assert pages.follow(answer).h1 == "Blauwe Kikker"


def test_home_sends_everybody_where_they_belong(cast):
    def home(user):
        return PageClient().sign_in(user).get(reverse("home"), status=302).headers["Location"]

    assert home(cast.kikker.owner.user) == "/o/blauwe-kikker/"
    assert home(cast.kikker.scanner.user) == reverse("door:home")
    assert home(UserFactory()) == reverse("welcome")


def test_dashboard_asks_visitors_to_sign_in_and_strangers_find_nothing(cast, pages):
    url = "/o/blauwe-kikker/"

    assert pages.get(url, status=302).headers["Location"] == f"/accounts/login/?next={url}"
    PageClient().sign_in(cast.fjord.owner.user).get_page(url, status=404)


# Team ------------------------------------------------------------------------------------


def test_team_lists_its_people(at_kikker):
    page = at_kikker.get("accounts:team")

    assert [row[:3] for row in page.rows] == [
        ["Ana de Vries", "ana@blauwekikker.example", "Owner"],
        ["Sam Deur", "sam@blauwekikker.example", "Scanner"],
    ]
    assert page.texts("main dl dt") == [role.label for role in Role]


def test_somebody_is_invited(at_kikker, queue, committing):
    page = at_kikker.get("accounts:team")

    with committing():
        answer = page.submit("Send invitation", email=" Nils@Example.org ", role="manager")

    page = at_kikker.pages.follow(answer)
    assert page.alerts == ["An invitation is on its way to nils@example.org."]
    assert queue.names == ["accounts.tasks.send_invitation"]
    with at_kikker.house.scope():
        invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role) == ("nils@example.org", "manager")
    page = at_kikker.pages.follow(page.submit("Withdraw nils@example.org"))
    assert page.alerts == ["The invitation was withdrawn."]
    with at_kikker.house.scope():
        assert Invitation.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"email": "nils@"}, {"email": "What stands after the @ must be a public domain, such as example.org."}),
        ({"email": ""}, {"email": "Fill in “E-mail address”."}),
        ({"email": "sam@blauwekikker.example"}, {"email": "That person is already in your team."}),
        ({"role": "king"}, {"role": "Select a valid choice. king is not one of the available choices."}),
    ],
)  # fmt: skip
def test_invitation_that_cannot_go_is_explained(at_kikker, queue, typed, errors):
    facts = {"email": "nils@example.org", "role": "viewer"} | typed

    page = at_kikker.get("accounts:team").submit("Send invitation", status=422, **facts)

    assert page.errors == errors
    assert page.values("Send invitation")["email"] == facts["email"]
    with at_kikker.house.scope():
        assert not Invitation.objects.exists()
    assert queue.names == []


def test_role_is_changed(at_kikker):
    person = at_kikker.house.scanner
    page = at_kikker.get("accounts:membership", membership_id=person.pk)
    assert page.h1 == "Sam Deur"

    page = at_kikker.pages.follow(page.submit("Change role", role="orders_desk"))

    assert page.alerts == ["Role changed."]
    assert page.rows[1][2] == "Orders desk"


def test_last_owner_stays(at_kikker):
    page = at_kikker.get("accounts:membership", membership_id=at_kikker.house.owner.pk)

    refused = page.submit("Change role", status=422, role="viewer")
    page.submit("Remove Ana de Vries from Blauwe Kikker", status=409)

    assert refused.errors == {
        "role": "An organiser needs at least one owner. Make somebody else owner first."
    }
    with at_kikker.house.scope():
        assert Membership.objects.get(pk=at_kikker.house.owner.pk).role == Role.OWNER


def test_somebody_leaves_the_team(at_kikker):
    person = at_kikker.house.scanner
    page = at_kikker.get("accounts:membership", membership_id=person.pk)

    page = at_kikker.pages.follow(page.submit("Remove Sam Deur from Blauwe Kikker"))

    assert page.alerts == ["Sam Deur is no longer in the team."]
    assert len(page.rows) == 1


def test_members_of_others_are_not_here(at_kikker, cast):
    at_kikker.get("accounts:membership", membership_id=cast.fjord.scanner.pk, status=404)


def test_admin_cannot_make_owners(at_kikker):
    admin = MembershipFactory(organiser=at_kikker.house.organiser, role=Role.ADMIN)
    client = PageClient().sign_in(admin.user)
    page = client.get_page(
        at_kikker.url("accounts:membership", membership_id=at_kikker.house.scanner.pk)
    )

    page = page.submit("Change role", status=422, role="owner")

    assert page.errors == {"role": "Only an owner can give or take the role of owner."}


# Invitations -----------------------------------------------------------------------------


@pytest.fixture
def invited(kikker):
    invitation = invite_member(
        kikker.organiser, email="nils@example.org", role=Role.MANAGER, by=kikker.owner
    )
    return f"/blauwe-kikker/invitations/{invitation.secret}/"


def test_invitation_leads_to_sign_in_or_up(invited, pages):
    page = pages.get_page(invited)

    assert page.h1 == "Join Blauwe Kikker"
    assert "Ana de Vries invites you as Manager." in page.text()
    assert page.links() == {
        "Create account": f"{reverse('account_signup')}?next={invited}",
        "I have an account": f"{reverse('account_login')}?next={invited}",
    }


def test_invitation_is_accepted(invited):
    user = UserFactory(email="nils@example.org")
    client = PageClient().sign_in(user)

    answer = client.get_page(invited).submit("Accept invitation")

    assert answer.headers["Location"] == reverse("home")
    assert client.get(reverse("home"), status=302).headers["Location"] == "/o/blauwe-kikker/"
    page = client.get_page(invited)
    assert page.alerts == ["This invitation is used up, expired or withdrawn."]
    assert page.links()["Go to the dashboard"] == reverse("home")
    client.post(invited, status=410)


def test_invitation_is_for_its_address_only(invited):
    client = PageClient().sign_in(UserFactory(email="eve@example.org"))

    page = client.get_page(invited).submit("Accept invitation", status=403)

    assert page.alerts == ["This invitation was sent to another address. Sign in with that one."]


def test_invitation_ends(invited, pages):
    with time_machine.travel(clock.now() + timedelta(days=365)):
        page = pages.get_page(invited)

    assert page.alerts == ["This invitation is used up, expired or withdrawn."]
    pages.get_page("/blauwe-kikker/invitations/AAAAAAAAAAAAAAAAAAAAAA/", status=410)
    pages.get_page(invited.replace("blauwe-kikker", "fjord-tech"), status=410)


# Settings --------------------------------------------------------------------------------


def test_settings_are_saved(at_kikker):
    page = at_kikker.get("accounts:settings")
    assert page.values("Save settings")["name"] == "Blauwe Kikker"

    answer = page.submit(
        "Save settings", name="De Kikker", accent_colour="#1D4F7C", time_zone="Europe/Brussels",
        language="nl",
    )  # fmt: skip

    page = at_kikker.pages.follow(answer)
    assert page.alerts == ["Settings saved."]
    organiser = Organiser.objects.get(slug="blauwe-kikker")
    assert (organiser.name, organiser.accent_colour, organiser.time_zone, organiser.language) == (
        "De Kikker", "#1d4f7c", "Europe/Brussels", "nl",
    )  # fmt: skip


def logo(size, mode="RGBA", colour=(20, 60, 90, 120)):
    body = BytesIO()
    Image.new(mode, size, colour).save(body, "PNG")
    return SimpleUploadedFile("logo.png", body.getvalue())


@pytest.mark.parametrize(
    ("size", "kept"), [((4000, 10), (640, 2)), ((10, 4000), (1, 240)), ((300, 100), (300, 100))]
)
def test_logo_of_any_shape_stands_on_the_public_pages(at_kikker, pages, size, kept):
    at_kikker.get("accounts:settings").submit("Save settings", logo=logo(size))

    page = pages.get_page("/blauwe-kikker/night-of-the-blue-note/")
    [source] = page.attributes("header .masthead__logo", "src")
    assert page.attributes("header .masthead__logo", "alt") == ["Blauwe Kikker"]
    with Image.open(default_storage.open(source.removeprefix("/media/"))) as shown:
        assert (shown.format, shown.size, shown.mode) == ("PNG", kept, "RGBA")


def test_logo_is_taken_away_and_otherwise_kept(at_kikker, pages):
    at_kikker.get("accounts:settings").submit("Save settings", logo=logo((30, 10)))
    at_kikker.get("accounts:settings").submit("Save settings", name="De Kikker")
    assert len(pages.get_page("/blauwe-kikker/").all(".masthead__logo")) == 1

    at_kikker.get("accounts:settings").submit("Save settings", removes_logo="on")

    assert pages.get_page("/blauwe-kikker/").texts(".masthead__name") == ["De Kikker"]


def test_a_logo_that_was_replaced_or_taken_away_is_gone(at_kikker, committing):
    def saved(**typed):
        with committing():
            at_kikker.get("accounts:settings").submit("Save settings", **typed)
        return Organiser.objects.get(slug="blauwe-kikker").logo.name

    first = saved(logo=logo((30, 10)))
    second = saved(logo=logo((40, 10)))
    assert [default_storage.exists(name) for name in (first, second)] == [False, True]
    assert saved(name="De Kikker") == second
    assert default_storage.exists(second)

    assert saved(removes_logo="on") == ""
    assert not default_storage.exists(second)


def test_a_logo_that_is_no_picture_is_refused_at_its_field(at_kikker):
    evil = SimpleUploadedFile("logo.png", b"<svg onload=alert(1)>")

    page = at_kikker.get("accounts:settings").submit("Save settings", status=422, logo=evil)

    assert list(page.errors) == ["logo"]
    assert not Organiser.objects.get(slug="blauwe-kikker").logo


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"accent_colour": "plum"}, {"accent_colour": "Write the colour as # and six hex digits, like #1f4f46."}),
        ({"accent_colour": "#ffffff"}, {"accent_colour": "That colour is hard to read on white. Choose a darker or stronger one."}),
        ({"name": ""}, {"name": "Fill in “Name”."}),
        ({"support_email": "help@"}, {"support_email": "What stands after the @ must be a public domain, such as example.org."}),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(at_kikker, typed, errors):
    page = at_kikker.get("accounts:settings").submit("Save settings", status=422, **typed)

    assert page.errors == errors
    [(name, value)] = typed.items()
    assert page.values("Save settings")[name] == value
    organiser = Organiser.objects.get(slug="blauwe-kikker")
    assert (organiser.name, organiser.support_email) == (
        "Blauwe Kikker", "help@blauwekikker.example",
    )  # fmt: skip


HARD = "\n".join(["|" + "a|" * 2000, "|" + "-|" * 2000, *["|a|"] * 3000])
LONG = HARD + "a" * 40_000


@pytest.mark.parametrize("name", ["privacy_text", "terms_text"])
@pytest.mark.parametrize(
    ("text", "error"),
    [
        (HARD, "This text takes too long to lay out: it has a very large table, or repeats signs such as [ or * again and again. Make it simpler."),
        # Refused for its length alone: to lay it out, too, would take long.
        (LONG, f"Ensure this value has at most 40000 characters (it has {len(LONG)})."),
    ],
    ids=["hard", "long"],
)  # fmt: skip
def test_a_text_that_costs_visitors_much_is_refused(at_kikker, name, text, error):
    page = at_kikker.get("accounts:settings").submit("Save settings", status=422, **{name: text})

    assert page.errors == {name: error}
    assert getattr(Organiser.objects.get(slug="blauwe-kikker"), name) == ""


@pytest.mark.parametrize("name", ["privacy_url", "terms_url"])
def test_an_address_that_is_too_long_to_be_kept_is_refused(at_kikker, name):
    address = "https://example.org/" + "a" * 200

    page = at_kikker.get("accounts:settings").submit("Save settings", status=422, **{name: address})

    assert page.errors == {name: "Ensure this value has at most 200 characters (it has 220)."}


def test_sign_out(at_kikker):
    page = at_kikker.get("dashboard:home")

    page.submit("Sign out")

    at_kikker.pages.get("/o/blauwe-kikker/", status=302)
