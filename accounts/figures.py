"""Figures of the status about mails of accounts and invitations."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min, Q

from accounts.models import AccountMail, Invitation
from accounts.outbox import MOST_TRIES
from tiqqo.core import clock
from tiqqo.core.status import Figure, register, waiting
from tiqqo.core.tenancy import platform_scope

LATE = timedelta(minutes=2)
LATELY = timedelta(hours=1)


@register("accounts")
def _account_mails() -> Iterator[Figure]:
    oldest = AccountMail.objects.waiting().aggregate(at=Min("created_at"))["at"]
    hint = "codes to sign up and for new passwords do not arrive: look at the mail server"
    yield waiting("account mails: oldest waits, s", oldest, at_most=LATE, hint=hint)
    given_up = AccountMail.objects.filter(given_up_at__gt=clock.now() - LATELY).count()
    yield Figure("account mails: given up in an hour", given_up, is_bad=given_up > 0, hint=hint)


@register("accounts")
def _invitations() -> Iterator[Figure]:
    now = clock.now()
    with platform_scope("find invitations that were not sent"):
        unsent = Invitation.objects.filter(
            sent_at=None, accepted_at=None, revoked_at=None, expires_at__gt=now
        ).aggregate(
            at=Min("created_at", filter=Q(mail_attempts__lt=MOST_TRIES)),
            given_up=Count("pk", filter=Q(mail_attempts__gte=MOST_TRIES)),
        )
    yield waiting("invitations: oldest waits, s", unsent["at"], at_most=timedelta(minutes=10))
    yield Figure(
        "invitations: given up",
        unsent["given_up"],
        is_bad=unsent["given_up"] > 0,
        hint="their mail was refused: the address may be wrong",
    )
