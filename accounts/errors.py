"""What the accounts app refuses, and why."""

from django.utils.translation import gettext_lazy as _

from tiqqo.core.errors import DomainError, Invalid


class AlreadyMember(Invalid):
    code = "already_member"
    field = "email"
    message = _("That person is already in your team.")


class AlreadyInvited(Invalid):
    code = "already_invited"
    field = "email"
    message = _("That address already has an open invitation. Revoke it to send a new one.")


class InvitationClosed(DomainError):
    code = "invitation_closed"
    status = 410
    message = _("This invitation has expired or was withdrawn. Ask for a new one.")


class InvitationForSomebodyElse(DomainError):
    code = "invitation_for_somebody_else"
    status = 403
    message = _("This invitation was sent to another address. Sign in with that one.")


class LastOwner(DomainError):
    code = "last_owner"
    field = "role"
    message = _("An organiser needs at least one owner. Make somebody else owner first.")


class OnlyOwnersMakeOwners(DomainError):
    code = "only_owners_make_owners"
    status = 403
    field = "role"
    message = _("Only an owner can give or take the role of owner.")
