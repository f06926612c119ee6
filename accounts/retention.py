"""How long accounts keep what is over. See `tiqqo.core.retention`."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Least

from accounts.models import AccountMail, Invitation
from tiqqo.core.retention import Rule, delete_unlocked, register


def _closed_invitations(before: datetime) -> QuerySet[Invitation]:
    closed_at = Least("accepted_at", "revoked_at", "expires_at")
    return Invitation.objects.alias(closed_at=closed_at).filter(closed_at__lt=before)


def _sessions_that_are_gone(before: datetime) -> QuerySet[UserSession]:
    """Address and browser of sign-ins whose session is over."""
    session = Session.objects.filter(session_key=OuterRef("session_key"))
    gone: QuerySet[UserSession] = UserSession.objects.filter(
        ~Exists(session), last_seen_at__lt=before
    )
    return gone


register(
    Rule(
        name="invitations",
        words="invitations that were accepted, withdrawn or ran out",
        due=_closed_invitations,
        age="expires_at",
        forget=delete_unlocked,
    )
)
register(
    Rule(
        name="account_mails",
        words="mails about accounts: who was written to",
        due=lambda before: AccountMail.objects.filter(created_at__lte=before),
        age="created_at",
        forget=delete_unlocked,
    )
)
register(
    Rule(
        name="user_sessions",
        words="addresses and browsers of sessions that are over",
        due=_sessions_that_are_gone,
        age="last_seen_at",
        forget=delete_unlocked,
    )
)
