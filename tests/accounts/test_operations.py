"""Organisers, teams, invitations."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.emails import invitation_email
from accounts.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationClosed,
    InvitationForSomebodyElse,
    LastOwner,
    OnlyOwnersMakeOwners,
)
from accounts.models import INVITATION_LASTS, RESERVED_SLUGS, Invitation, Membership, Organiser
from accounts.operations import (
    accept_invitation,
    change_organiser,
    change_role,
    found_organiser,
    invite_member,
    release_organiser,
    remove_member,
    revoke_invitation,
    withdraw_organiser,
)
from accounts.permissions import Role
from accounts.platform_views import StaffActor
from accounts.tasks import remove_unconfirmed_accounts
from events.operations import change_event
from events.queries import upcoming_everywhere
from tests.cast import MembershipFactory, UserFactory
from tiqqo.core import audit, clock
from tiqqo.core.limits import TooManyRequests
from tiqqo.core.models import AuditEntry
from tiqqo.core.tenancy import platform_scope, tenant_scope
from tiqqo.ui.emails import render_email

SEND = "accounts.tasks.send_invitation"


def actions_of(subject):
    return [entry.action for entry in audit.history_of(subject)]


# Unconfirmed accounts --------------------------------------------------------------------


def test_who_never_confirmed_an_address_is_removed_and_nobody_else(kikker):
    from django.contrib.auth import get_user_model

    now = clock.now()
    old = now - timedelta(days=8)

    def signed_up(email, *, verified=False, at=old, **facts):
        user = UserFactory(email=email, date_joined=at, **facts)
        user.emailaddress_set.create(email=email, verified=verified, primary=True)
        return user

    signed_up("bot@example.org")
    signed_up("new@example.org", at=now - timedelta(days=6))
    signed_up("sure@example.org", verified=True)
    signed_up("back@example.org", last_login=old)
    signed_up("staff@example.org", is_staff=True)
    UserFactory(email="operator@example.org", date_joined=old)
    member = signed_up("member@example.org")
    MembershipFactory(organiser=kikker.organiser, user=member)
    before = set(get_user_model().objects.values_list("email", flat=True))

    removed = remove_unconfirmed_accounts()

    after = set(get_user_model().objects.values_list("email", flat=True))
    assert (removed, before - after) == (1, {"bot@example.org"})
    assert remove_unconfirmed_accounts() == 0


def test_an_invitation_carries_no_address_that_was_stored_before(kikker):
    kikker.owner.user.name = "Ana https://evil.example/claim"
    kikker.owner.user.save(update_fields=["name"])
    kikker.organiser.name = "Win a car - www.evil.example"
    kikker.organiser.save(update_fields=["name"])
    invitation = invite_member(
        kikker.organiser, email="victim@example.org", role=Role.MANAGER, by=kikker.owner
    )

    letter = invitation_email(Invitation.objects.select_related("organiser", "invited_by").get())

    text, html = render_email(letter)
    assert invitation.secret in text
    for words in (letter.subject, text, html):
        assert "evil.example" not in words


# Bounds ----------------------------------------------------------------------------------


@pytest.fixture
def limits(settings):
    """Limits as given; what other tests used up is counted under another key."""

    def are(**figures):
        settings.LIMITS = {name.replace("_", "-"): (count, 3600) for name, count in figures.items()}
        settings.SECRET_KEY = uuid4().hex * 2

    return are


def test_a_mailbox_gets_so_many_invitations_whoever_invites(cast, limits):
    limits(invitations_to_an_address=2)

    def invite(house, number):
        email = f"victim+{number}@example.org"
        with house.scope():
            invite_member(house.organiser, email=email, role=Role.VIEWER, by=house.owner)

    invite(cast.kikker, 1)
    with cast.kikker.scope():
        revoke_invitation(Invitation.objects.get(), by=cast.kikker.owner)
    invite(cast.kikker, 1)

    with pytest.raises(TooManyRequests):
        invite(cast.fjord, 2)
    with cast.fjord.scope():
        assert not Invitation.objects.exists()


def test_one_person_founds_few_organisers(db, limits):
    """Also one who leaves each of them before the next."""
    limits(organisers=2)
    client = Client()

    def found(user, name):
        client.force_login(user)
        status = client.post(reverse("welcome"), {"name": name}).status_code
        with platform_scope("a test leaves the organiser"):
            Membership.objects.filter(user=user).delete()
        return status

    user, other = UserFactory(), UserFactory()
    names = ("First of Many", "Second of Many", "Third of Many")

    assert [found(user, name) for name in names] == [302, 302, 429]
    assert found(other, "First of Another") == 302
    assert Organiser.objects.filter(name__contains="of Many").count() == 2


def test_logos_are_counted_with_the_pictures_of_an_organiser(kikker, limits):
    limits(pictures=2)

    def logo():
        body = BytesIO()
        Image.new("RGBA", (30, 10)).save(body, "PNG")
        return SimpleUploadedFile("logo.png", body.getvalue())

    change_organiser(kikker.organiser, by=kikker.owner, logo=logo())
    change_event(kikker.event, by=kikker.owner, image=logo())
    before = Organiser.objects.get(pk=kikker.organiser.pk).logo.name

    with pytest.raises(TooManyRequests):
        change_organiser(kikker.organiser, by=kikker.owner, logo=logo())
    assert Organiser.objects.get(pk=kikker.organiser.pk).logo.name == before
    # To take one away costs nothing.
    change_organiser(kikker.organiser, by=kikker.owner, logo="")


# The front page --------------------------------------------------------------------------


def names_on_the_front_page():
    with platform_scope("look at the front page"):
        return [event.organiser.name for event in upcoming_everywhere()]


def test_only_released_organisers_stand_on_the_front_page(cast):
    assert names_on_the_front_page() == []
    staff = StaffActor(UserFactory(name="Petra", is_staff=True))

    release_organiser(cast.kikker.organiser, by=staff)
    release_organiser(cast.kikker.organiser, by=staff)
    assert names_on_the_front_page() == ["Blauwe Kikker"]
    withdraw_organiser(cast.kikker.organiser, by=staff)
    withdraw_organiser(cast.fjord.organiser, by=staff)

    assert names_on_the_front_page() == []
    with cast.kikker.scope():
        decided = list(audit.history_of(cast.kikker.organiser))[-2:]
        assert [(entry.action, entry.actor_label) for entry in decided] == [
            ("organiser.released", "Petra (Tiqqo)"),
            ("organiser.withdrawn", "Petra (Tiqqo)"),
        ]
    with cast.fjord.scope():
        assert "organiser.withdrawn" not in actions_of(cast.fjord.organiser)


def test_a_platform_may_show_all_or_none(cast, settings):
    release_organiser(cast.kikker.organiser, by=audit.SYSTEM)

    settings.FRONT_PAGE = "all"
    assert sorted(names_on_the_front_page()) == ["Blauwe Kikker", "Fjord Tech"]
    settings.FRONT_PAGE = "none"
    assert names_on_the_front_page() == []


def test_organisers_from_before_the_upgrade_count_as_released(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_organiser (name, slug, country, currency, time_zone, language,"
            " support_email, accent_colour, logo, created_at) VALUES ('Old', 'old', 'NL', 'EUR',"
            " 'Europe/Amsterdam', 'en', '', '#1f4f46', '', now())"
        )

    assert Organiser.objects.get(slug="old").released_at is not None


# Founding -------------------------------------------------------------------------------


def test_who_founds_an_organiser_owns_it(db):
    user = UserFactory(name="Ines", email="ines@example.org")

    organiser = found_organiser(name="Café Zuid", owner=user)

    assert (organiser.slug, organiser.support_email) == ("cafe-zuid", "")
    assert organiser.released_at is None
    assert (organiser.currency, organiser.time_zone) == ("EUR", "Europe/Amsterdam")
    with tenant_scope(organiser):
        member = Membership.objects.get()
        assert (member.user, member.role) == (user, Role.OWNER)
        assert actions_of(organiser) == ["organiser.founded"]


def test_a_taken_web_address_gets_a_suffix(cast):
    second = found_organiser(name="Blauwe Kikker", owner=UserFactory())

    assert second.slug.startswith("blauwe-kikker-")
    assert len(second.slug) == len("blauwe-kikker-") + 4


@pytest.mark.parametrize("name", sorted(RESERVED_SLUGS))
def test_a_reserved_web_address_gets_a_suffix(db, name):
    organiser = found_organiser(name=name.capitalize(), owner=UserFactory())

    assert organiser.slug.startswith(f"{name}-")


@pytest.mark.parametrize(
    ("name", "slug"),
    [("日本", "organiser"), ("!!!", "organiser"), ("A" * 49 + " B club", "a" * 49)],
)
def test_names_that_make_no_address_of_their_own(db, name, slug):
    assert found_organiser(name=name, owner=UserFactory()).slug == slug


def test_settings_are_changed_and_on_record(kikker):
    change_organiser(kikker.organiser, by=kikker.owner, name="Kikker", accent_colour="#003366")

    kikker.organiser.refresh_from_db()
    assert (kikker.organiser.name, kikker.organiser.accent_colour) == ("Kikker", "#003366")
    assert kikker.organiser.slug == "blauwe-kikker"
    entry = audit.history_of(kikker.organiser).last()
    assert entry.data == {"fields": ["accent_colour", "name"]}


# Invitations ----------------------------------------------------------------------------


@pytest.fixture
def invitation(kikker):
    return invite_member(
        kikker.organiser, email=" Nina@Example.org ", role=Role.MANAGER, by=kikker.owner
    )


@pytest.fixture
def nina(db):
    return UserFactory(name="Nina", email="nina@example.org")


def test_an_invitation_is_mailed_after_the_commit(kikker, queue, committing):
    with committing():
        invitation = invite_member(
            kikker.organiser, email="Nina@Example.org", role=Role.MANAGER, by=kikker.owner
        )

    assert invitation.email == "nina@example.org"
    assert invitation.expires_at - clock.now() <= INVITATION_LASTS
    assert [(job.name, job.args) for job in queue.jobs] == [(SEND, (invitation.pk,))]
    assert actions_of(invitation) == ["invitation.sent"]


def test_the_invited_person_becomes_a_member(kikker, invitation, nina):
    member = accept_invitation(invitation, user=nina, secret=invitation.secret)

    assert (member.organiser, member.user, member.role) == (kikker.organiser, nina, Role.MANAGER)
    invitation.refresh_from_db()
    assert invitation.accepted_at is not None
    assert actions_of(invitation) == ["invitation.sent", "invitation.accepted"]


def test_an_invitation_is_accepted_once(invitation, nina):
    accept_invitation(invitation, user=nina, secret=invitation.secret)

    with pytest.raises(InvitationClosed):
        accept_invitation(invitation, user=nina, secret=invitation.secret)
    assert Membership.objects.filter(user=nina).count() == 1


def test_an_invitation_expires(invitation, nina):
    with (
        time_machine.travel(clock.now() + INVITATION_LASTS + timedelta(seconds=1)),
        pytest.raises(InvitationClosed),
    ):
        accept_invitation(invitation, user=nina, secret=invitation.secret)
    assert not Membership.objects.filter(user=nina).exists()


def test_an_invitation_is_for_the_address_that_it_was_sent_to(invitation):
    other = UserFactory(email="otto@example.org")

    with pytest.raises(InvitationForSomebodyElse):
        accept_invitation(invitation, user=other, secret=invitation.secret)
    assert not Membership.objects.filter(user=other).exists()


def test_a_wrong_secret_opens_nothing(invitation, nina):
    with pytest.raises(InvitationClosed):
        accept_invitation(invitation, user=nina, secret="guessed")
    assert not Membership.objects.filter(user=nina).exists()


def test_a_revoked_invitation_is_closed(kikker, invitation, nina):
    revoke_invitation(invitation, by=kikker.owner)
    revoke_invitation(invitation, by=kikker.owner)

    with pytest.raises(InvitationClosed):
        accept_invitation(invitation, user=nina, secret=invitation.secret)
    assert actions_of(invitation) == ["invitation.sent", "invitation.revoked"]


def test_an_address_has_one_open_invitation(kikker, invitation, queue, committing):
    with pytest.raises(AlreadyInvited) as refused, committing():
        invite_member(kikker.organiser, email="NINA@example.org", role=Role.VIEWER, by=kikker.owner)

    assert refused.value.field == "email"
    assert Invitation.objects.count() == 1
    assert queue.jobs == []


def test_an_expired_invitation_may_be_repeated(kikker, invitation):
    with time_machine.travel(clock.now() + INVITATION_LASTS + timedelta(seconds=1)):
        second = invite_member(
            kikker.organiser, email="nina@example.org", role=Role.MANAGER, by=kikker.owner
        )
    invitation.refresh_from_db()
    assert (invitation.is_open, second.revoked_at) == (False, None)


def test_a_member_is_not_invited(kikker, queue, committing):
    with pytest.raises(AlreadyMember), committing():
        invite_member(
            kikker.organiser, email=kikker.scanner.user.email, role=Role.MANAGER, by=kikker.owner
        )
    assert not Invitation.objects.exists()
    assert queue.jobs == []


def test_the_same_person_may_work_for_both_organisers(cast, kikker):
    invitation = invite_member(
        kikker.organiser, email=cast.fjord.owner.user.email, role=Role.VIEWER, by=kikker.owner
    )
    member = accept_invitation(invitation, user=cast.fjord.owner.user, secret=invitation.secret)

    assert member.role == Role.VIEWER
    with cast.fjord.scope():
        assert Membership.objects.get(user=cast.fjord.owner.user).role == Role.OWNER


# Roles ----------------------------------------------------------------------------------


@pytest.fixture
def admin(kikker):
    return MembershipFactory(organiser=kikker.organiser, role=Role.ADMIN)


def test_roles_are_changed_and_on_record(kikker):
    change_role(kikker.scanner, role=Role.MANAGER, by=kikker.owner)

    kikker.scanner.refresh_from_db()
    assert kikker.scanner.role == Role.MANAGER
    entry = audit.history_of(kikker.scanner).last()
    assert (entry.action, entry.data) == (
        "member.role_changed",
        {"before": "scanner", "after": "manager"},
    )


def test_the_last_owner_stays_owner(kikker):
    with pytest.raises(LastOwner):
        change_role(kikker.owner, role=Role.ADMIN, by=kikker.owner)
    with pytest.raises(LastOwner):
        remove_member(kikker.owner, by=kikker.owner)

    assert Membership.objects.get(pk=kikker.owner.pk).role == Role.OWNER


def test_one_of_two_owners_may_go(kikker):
    second = MembershipFactory(organiser=kikker.organiser, role=Role.OWNER)

    change_role(kikker.owner, role=Role.VIEWER, by=second)
    with pytest.raises(LastOwner):
        remove_member(second, by=second)


def test_only_owners_make_owners(kikker, admin, queue, committing):
    before = AuditEntry.objects.count()

    with pytest.raises(OnlyOwnersMakeOwners):
        change_role(kikker.scanner, role=Role.OWNER, by=admin)
    with pytest.raises(OnlyOwnersMakeOwners):
        change_role(kikker.owner, role=Role.VIEWER, by=admin)
    with pytest.raises(OnlyOwnersMakeOwners):
        remove_member(kikker.owner, by=admin)
    with pytest.raises(OnlyOwnersMakeOwners), committing():
        invite_member(kikker.organiser, email="x@example.org", role=Role.OWNER, by=admin)

    assert set(Membership.objects.values_list("role", flat=True)) == {"owner", "scanner", "admin"}
    assert (AuditEntry.objects.count(), queue.jobs) == (before, [])


def test_who_was_removed_has_no_access(kikker, admin):
    user = kikker.scanner.user

    remove_member(kikker.scanner, by=admin)

    assert not Membership.objects.filter(user=user).exists()
    entry = AuditEntry.objects.get(action="member.removed")
    assert entry.data == {"user": "sam@blauwekikker.example", "role": "scanner"}


def offer(kikker, email, role, *, by):
    return invite_member(kikker.organiser, email=email, role=role, by=by)


def test_who_is_removed_leaves_no_way_back(kikker, admin, nina):
    theirs = offer(kikker, nina.email, Role.ADMIN, by=admin)
    ours = offer(kikker, "otto@example.org", Role.VIEWER, by=kikker.owner)

    remove_member(admin, by=kikker.owner)

    with pytest.raises(InvitationClosed):
        accept_invitation(theirs, user=nina, secret=theirs.secret)
    assert actions_of(theirs) == ["invitation.sent", "invitation.revoked"]
    ours.refresh_from_db()
    assert ours.is_open


def test_who_is_owner_no_more_has_made_no_other_owner(kikker, nina):
    second = MembershipFactory(organiser=kikker.organiser, role=Role.OWNER)
    owner = offer(kikker, nina.email, Role.OWNER, by=second)
    viewer = offer(kikker, "otto@example.org", Role.VIEWER, by=second)

    change_role(second, role=Role.ADMIN, by=kikker.owner)

    with pytest.raises(InvitationClosed):
        accept_invitation(owner, user=nina, secret=owner.secret)
    viewer.refresh_from_db()
    assert viewer.is_open

    change_role(second, role=Role.MANAGER, by=kikker.owner)

    viewer.refresh_from_db()
    assert not viewer.is_open


def test_who_stays_owner_keeps_what_they_offered(kikker, nina):
    second = MembershipFactory(organiser=kikker.organiser, role=Role.OWNER)
    owner = offer(kikker, nina.email, Role.OWNER, by=second)

    change_role(second, role=Role.OWNER, by=kikker.owner)

    owner.refresh_from_db()
    assert owner.is_open


def test_an_organiser_is_unique_by_address(cast):
    assert sorted(Organiser.objects.values_list("slug", flat=True)) == [
        "blauwe-kikker",
        "fjord-tech",
    ]
