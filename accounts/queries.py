"""Reads of the accounts app."""

import time

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404

from accounts.models import Invitation, Membership, Organiser, User
from tiqqo.core import clock
from tiqqo.core.paging import Page, page_after
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


def unconfirmed_users() -> QuerySet[User]:
    """Who signed up and has never shown that the address is theirs.

    Whoever was made otherwise, such as an operator by `createsuperuser`, has no address on file at all.
    """
    addresses = EmailAddress.objects.filter(user=OuterRef("pk"))
    return User.objects.filter(
        Exists(addresses),
        ~Exists(addresses.filter(verified=True)),
        last_login=None,
        memberships=None,
        is_staff=False,
        is_superuser=False,
    )


def organisers_page(*, is_waiting: bool, after: int | None = None) -> Page[Organiser]:
    """Those that wait to be released, or those that are: the newest first, paged by key."""
    rows = Organiser.objects.filter(released_at__isnull=is_waiting)
    return page_after(rows, ["-pk"], {"pk": after} if after else None)


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
    organiser: Organiser = get_object_or_404(Organiser, slug=slug)
    if seconds > 0:
        _known[slug] = (now, organiser)
    return organiser
