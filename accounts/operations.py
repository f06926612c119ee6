"""Every write to users' workspaces, memberships and invitations."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationClosed,
    InvitationForSomebodyElse,
    LastOwner,
    OnlyOwnersMakeOwners,
)
from accounts.models import (
    INVITATION_LASTS,
    RESERVED_SLUGS,
    Invitation,
    Membership,
    Organiser,
    User,
)
from accounts.permissions import Permission, Role, may
from accounts.queries import unconfirmed_users
from tiqqo.core import audit, clock, security_log
from tiqqo.core.audit import Actor
from tiqqo.core.codes import is_same_secret, new_code, new_secret
from tiqqo.core.email_addresses import mailbox_of
from tiqqo.core.images import PICTURES, logo_of, remove_picture
from tiqqo.core.limits import Limit
from tiqqo.core.security_log import Kind
from tiqqo.core.tasks import after_commit
from tiqqo.core.tenancy import platform_scope, tenant_scope

# Mails with an organiser's name to anybody: of an organiser, and to a mailbox whoever invites it.
INVITATIONS = Limit("invitations", count=30, seconds=3600)
INVITATIONS_TO_AN_ADDRESS = Limit("invitations-to-an-address", count=10, seconds=3600)


def found_organiser(*, name: str, owner: User, **settings: str) -> Organiser:
    """A new organiser exists and `owner` owns it.

    Its web address comes from the name; a taken or reserved one gets a short suffix. How buyers reach
    it is not the address that the owner signs in with, unless they say so.
    """
    base = slugify(name)[:50].strip("-") or "organiser"
    taken = base in RESERVED_SLUGS or Organiser.objects.filter(slug=base).exists()
    try:
        slug = f"{base}-{new_code(4).lower()}" if taken else base
        return _found(name, slug, owner, settings)
    except IntegrityError as error:
        if "accounts_organiser_slug" not in str(error):
            raise
    # Somebody took the address between the look and the insert.
    return _found(name, f"{base}-{new_code(8).lower()}", owner, settings)


@transaction.atomic
def _found(name: str, slug: str, owner: User, settings: dict[str, str]) -> Organiser:
    organiser = Organiser.objects.create(name=name, slug=slug, **settings)
    with tenant_scope(organiser):
        member = Membership.objects.create(organiser=organiser, user=owner, role=Role.OWNER)
        audit.record(organiser, "organiser.founded", by=member)
    return organiser


@transaction.atomic
def release_organiser(organiser: Organiser, *, by: Actor) -> None:
    """Its public events may stand on the front page. Twice is harmless."""
    if Organiser.objects.filter(pk=organiser.pk, released_at=None).update(released_at=clock.now()):
        _record_of_platform(organiser, "organiser.released", by=by)


@transaction.atomic
def withdraw_organiser(organiser: Organiser, *, by: Actor) -> None:
    """Its events are not on the front page; its own pages and sales stay as they are. Twice is harmless."""
    released = Organiser.objects.filter(pk=organiser.pk, released_at__isnull=False)
    if released.update(released_at=None):
        _record_of_platform(organiser, "organiser.withdrawn", by=by)


def _record_of_platform(organiser: Organiser, action: str, *, by: Actor) -> None:
    with tenant_scope(organiser):
        audit.record(organiser, action, by=by)


@transaction.atomic
def change_organiser(organiser: Organiser, *, by: Membership, **changes: Any) -> Organiser:
    """The organiser's settings are as given; a logo that was there before is gone.

    Raises UnusableImage, TooManyRequests.
    """
    if changes.get("logo"):
        PICTURES.spend(organiser.pk)
        changes["logo"] = logo_of(changes["logo"])
    if "logo" in changes:
        remove_picture(_locked_organiser(organiser).logo.name)
    for name, value in changes.items():
        setattr(organiser, name, value)
    organiser.save(update_fields=list(changes))
    audit.record(organiser, "organiser.changed", by=by, fields=sorted(changes))
    return organiser


def _locked_organiser(organiser: Organiser) -> Organiser:
    """As it is now, and stays until the transaction ends; sales go on meanwhile."""
    return Organiser.objects.select_for_update(of=("self",), no_key=True).get(pk=organiser.pk)


@transaction.atomic
def invite_member(organiser: Organiser, *, email: str, role: Role, by: Membership) -> Invitation:
    """An invitation is on its way. Raises AlreadyMember, AlreadyInvited, OnlyOwnersMakeOwners,
    TooManyRequests."""
    INVITATIONS.spend(organiser.pk)
    email = email.strip().lower()
    if role == Role.OWNER and by.role != Role.OWNER:
        raise OnlyOwnersMakeOwners
    if Membership.objects.filter(organiser=organiser, user__email=email).exists():
        raise AlreadyMember
    INVITATIONS_TO_AN_ADDRESS.spend(mailbox_of(email))
    now = clock.now()
    Invitation.objects.filter(
        email=email, accepted_at=None, revoked_at=None, expires_at__lte=now
    ).update(revoked_at=now)
    try:
        with transaction.atomic():
            invitation: Invitation = Invitation.objects.create(
                organiser=organiser,
                email=email,
                role=role,
                secret=new_secret(),
                invited_by_id=by.user_id,
                expires_at=now + INVITATION_LASTS,
            )
    except IntegrityError as error:
        if "invitation_open_once" in str(error):
            raise AlreadyInvited from error
        raise
    audit.record(invitation, "invitation.sent", by=by, role=role)
    _trace(Kind.INVITED, organiser, by.user_id, email=email, role=role)
    after_commit("accounts.tasks.send_invitation", invitation.pk)
    return invitation


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, by: Membership) -> None:
    """The invitation's link no longer works. Twice is harmless."""
    changed = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(
        revoked_at=clock.now()
    )
    if changed:
        audit.record(invitation, "invitation.revoked", by=by)
        _trace(Kind.INVITATION_REVOKED, invitation.organiser, by.user_id, email=invitation.email)


@transaction.atomic
def accept_invitation(invitation: Invitation, *, user: User, secret: str) -> Membership:
    """`user` is a member with the invited role, once.

    Raises InvitationClosed, InvitationForSomebodyElse.
    """
    invitation = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    if not is_same_secret(invitation.secret, secret) or not invitation.is_open:
        raise InvitationClosed
    if user.email.lower() != invitation.email:
        raise InvitationForSomebodyElse
    member: Membership
    member, _made = Membership.objects.get_or_create(
        organiser=invitation.organiser, user=user, defaults={"role": invitation.role}
    )
    invitation.accepted_at = clock.now()
    invitation.save(update_fields=["accepted_at"])
    audit.record(invitation, "invitation.accepted", by=member)
    _trace(Kind.JOINED, invitation.organiser, user.pk, role=member.role)
    return member


def _lock_owners(organiser: Organiser) -> list[Membership]:
    owners = Membership.objects.filter(organiser=organiser, role=Role.OWNER)
    return list(owners.select_for_update(of=("self",)).order_by("pk"))


@transaction.atomic
def change_role(member: Membership, *, role: Role, by: Membership) -> Membership:
    """The member has the role, and what they could not offer with it is withdrawn.

    Raises LastOwner, OnlyOwnersMakeOwners.
    """
    owners = _lock_owners(member.organiser)
    if Role.OWNER in (role, member.role) and by.role != Role.OWNER:
        raise OnlyOwnersMakeOwners
    if member in owners and role != Role.OWNER and len(owners) == 1:
        raise LastOwner
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    audit.record(member, "member.role_changed", by=by, before=before, after=role)
    _withdraw_offers_of(member, by=by, role=role)
    who = {"member": str(member.user), "before": before, "after": role}
    _trace(Kind.ROLE_CHANGED, member.organiser, by.user_id, **who)
    return member


@transaction.atomic
def remove_member(member: Membership, *, by: Membership) -> None:
    """The user has no more access to the organiser, and their open invitations are withdrawn.

    Raises LastOwner, OnlyOwnersMakeOwners.
    """
    owners = _lock_owners(member.organiser)
    if member.role == Role.OWNER and by.role != Role.OWNER:
        raise OnlyOwnersMakeOwners
    if owners == [member]:
        raise LastOwner
    audit.record(member, "member.removed", by=by, user=member.user.email, role=member.role)
    who = {"member": str(member.user), "role": member.role}
    _trace(Kind.REMOVED, member.organiser, by.user_id, **who)
    _withdraw_offers_of(member, by=by, role=None)
    member.delete()


def _withdraw_offers_of(member: Membership, *, by: Membership, role: Role | None) -> None:
    """Of the member's open invitations none is left that somebody with this role could not send: who was
    sent away has no way back that they made beforehand."""
    if role == Role.OWNER:
        return
    theirs = Invitation.objects.select_related("organiser").filter(
        invited_by_id=member.user_id, accepted_at=None, revoked_at=None
    )
    if role is not None and may(role, Permission.MANAGE_TEAM):
        theirs = theirs.filter(role=Role.OWNER)
    for invitation in theirs:
        revoke_invitation(invitation, by=by)


def _trace(
    kind: Kind, organiser: Organiser, user_id: int | None, *, email: str = "", **facts: Any
) -> None:
    """It is in the security log once this transaction commits."""
    noted = partial(
        security_log.note, kind, organiser=organiser, user=user_id, email=email, **facts
    )
    transaction.on_commit(noted, robust=True)


UNCONFIRMED_AT_ONCE = 500


@transaction.atomic
def remove_unconfirmed_users(*, before: datetime) -> int:
    """Who signed up before then and never confirmed an address has no account; how many.

    Nobody of the platform's staff, nobody who ever signed in, and nobody who belongs to an organiser.
    """
    with platform_scope("remove accounts that were never confirmed"):
        found = list(
            unconfirmed_users()
            .filter(date_joined__lte=before)
            .select_for_update(of=("self",), skip_locked=True)
            .order_by("pk")
            .values_list("pk", flat=True)[:UNCONFIRMED_AT_ONCE]
        )
        # Their addresses go with them.
        User.objects.filter(pk__in=found).delete()
    return len(found)
