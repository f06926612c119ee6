"""Reads of the accounts app."""

import time

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

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


_known: dict[str, tuple[float, Organiser]] = {}


def public_organiser_or_404(slug: str) -> Organiser:
    """The organiser of a public address, as it was at most `PUBLIC_PAGE_SECONDS` ago.

    In a rush every request of a shop asks for the same one. Read-only: requests share it.
    """
    seconds: float = settings.PUBLIC_PAGE_SECONDS
    now = time.monotonic()
    kept = _known.get(slug)
    if kept is not None and now - kept[0] < seconds:
        return kept[1]
    found: Organiser = get_object_or_404(Organiser, slug=slug)
    if seconds > 0:
        _known[slug] = (now, found)
    return found
