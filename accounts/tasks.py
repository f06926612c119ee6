"""Mails of the accounts app, and what is over."""

import logging
from datetime import timedelta
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q

from accounts import operations, outbox
from accounts.emails import invitation_email
from accounts.models import AccountMail, Invitation
from tiqqo.core import clock
from tiqqo.core.smtp_replies import is_refused
from tiqqo.core.tasks import TenantTask, enqueue
from tiqqo.core.tenancy import platform_scope, tenant_scope
from tiqqo.ui.emails import render_email

logger = logging.getLogger(__name__)

BATCH = 100
# How long after its own task a sweeper steps in.
PATIENCE = timedelta(seconds=45)


class AccountMailTask(Task):
    """Whatever goes wrong is written on the mail, which is tried again later."""

    abstract = True

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        mail = AccountMail.objects.waiting().filter(pk=args[0]).first()
        if mail is not None:
            outbox.mark_account_mail_failed(mail, error=exc)


@shared_task(base=AccountMailTask)
def send_account_mail(mail_id: int) -> None:
    """The mail is with the mail server, once."""
    row = outbox.claim_account_mail(mail_id)
    if row is None:
        return
    mail = EmailMultiAlternatives(
        row.subject, row.text, settings.DEFAULT_FROM_EMAIL, [row.to], headers=row.headers
    )
    mail.attach_alternative(row.html, "text/html")
    try:
        mail.send()
    except OSError as error:
        facts = {"mail": row.pk, "attempt": row.attempts, "why": type(error).__name__}
        logger.warning("account_mail.not_sent", extra=facts)
        outbox.mark_account_mail_failed(row, error=error)
        return
    outbox.mark_account_mail_sent(row)


@shared_task
def sweep_account_mails() -> int:
    """Account mails that are due and not out are enqueued again; how many."""
    due = AccountMail.objects.due(at=clock.now()).order_by("due_at")
    mail_ids = list(due.values_list("pk", flat=True)[:BATCH])
    for mail_id in mail_ids:
        if not enqueue(send_account_mail, [mail_id]):
            break
    return len(mail_ids)


class InvitationTask(TenantTask):
    """Whatever goes wrong is written on the invitation, whose mail is tried again later."""

    abstract = True

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        with tenant_scope(kwargs["organiser_id"]):
            _note_invitation_failure(args[0], exc)


@shared_task(base=InvitationTask)
def send_invitation(invitation_id: int) -> None:
    """The invited person has a mail with the link, once."""
    now = clock.now()
    # Whoever raises the number has it in hand, until the claim lapses.
    is_due = Q(mail_due_at=None) | Q(mail_due_at__lte=now)
    mine = Invitation.objects.filter(is_due, pk=invitation_id, sent_at=None)
    if not mine.update(mail_due_at=now + outbox.CLAIM_LASTS, mail_attempts=F("mail_attempts") + 1):
        return
    invitation = (
        Invitation.objects.select_related("organiser", "invited_by").filter(pk=invitation_id).get()
    )
    if not invitation.is_open:
        return
    message = invitation_email(invitation)
    text, html = render_email(message)
    mail = EmailMultiAlternatives(subject=message.subject, body=text, to=[invitation.email])
    mail.attach_alternative(html, "text/html")
    try:
        mail.send()
    except OSError as error:
        logger.warning("invitation.not_sent", extra={"invitation": invitation_id})
        _note_invitation_failure(invitation_id, error)
        return
    Invitation.objects.filter(pk=invitation_id).update(sent_at=clock.now(), mail_error="")


def _note_invitation_failure(invitation_id: int, error: BaseException) -> None:
    invitation = Invitation.objects.filter(pk=invitation_id).get()
    tries = outbox.MOST_TRIES if is_refused(error) else invitation.mail_attempts
    Invitation.objects.filter(pk=invitation_id).update(
        mail_attempts=tries,
        mail_due_at=clock.now() + outbox.pause_after(tries),
        mail_error=f"{type(error).__name__}: {error}"[:500],
    )


@shared_task
def sweep_invitations() -> int:
    """Open invitations whose mail is due and not out are enqueued again; how many."""
    now = clock.now()
    with platform_scope("find invitations that were not sent"):
        due = Invitation.objects.filter(
            Q(mail_due_at=None, created_at__lte=now - PATIENCE) | Q(mail_due_at__lte=now),
            sent_at=None,
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=now,
            mail_attempts__lt=outbox.MOST_TRIES,
        )
        found = list(due.order_by("pk").values_list("pk", "organiser_id")[:BATCH])
    for invitation_id, organiser_id in found:
        if not enqueue(send_invitation, [invitation_id], {"organiser_id": organiser_id}):
            break
    return len(found)


@shared_task
def remove_unconfirmed_accounts() -> int:
    """Accounts whose address was never confirmed are gone after UNCONFIRMED_ACCOUNT_DAYS; how many."""
    before = clock.now() - timedelta(days=settings.UNCONFIRMED_ACCOUNT_DAYS)
    removed = total = operations.remove_unconfirmed_users(before=before)
    while removed == operations.UNCONFIRMED_AT_ONCE:
        removed = operations.remove_unconfirmed_users(before=before)
        total += removed
    if total:
        logger.info("accounts.unconfirmed_removed", extra={"count": total})
    return total


@shared_task
def clear_sessions() -> None:
    """Sessions that are over are no longer stored."""
    SessionStore.clear_expired()
