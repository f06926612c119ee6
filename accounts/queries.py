"""Reads of the accounts app."""

from django.db.models import QuerySet

from accounts.models import Invitation, Membership, Organiser, User
from tiqqo.core import clock
from tiqqo.core.tenancy import user_scope


def memberships_of(user: User) -> list[Membership]:
    """The organisers somebody works for, by name; for the switcher and the way in."""
    with user_scope(user.pk):
        return list(
            Membership.objects.select_related("organiser")
            .filter(user=user)
            .order_by("organiser__name")
        )


def team_of(organiser: Organiser) -> QuerySet[Membership]:
    return Membership.objects.select_related("user", "organiser").order_by("user__name")


def open_invitations(organiser: Organiser) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        accepted_at=None, revoked_at=None, expires_at__gt=clock.now()
    ).order_by("-created_at")
