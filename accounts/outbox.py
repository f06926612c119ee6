"""Mails about accounts: asked for in a request, sent by the worker, tried again until they are of no use."""

from datetime import timedelta
from email.utils import make_msgid
from functools import partial

from allauth.account import app_settings as allauth
from django.core.mail import EmailMultiAlternatives
from django.core.mail.utils import DNS_NAME
from django.db import transaction

from accounts.models import AccountMail
from tiqqo.core import clock
from tiqqo.core.email_addresses import mailbox_of
from tiqqo.core.limits import Limit
from tiqqo.core.smtp_replies import is_refused
from tiqqo.core.tasks import enqueue

# The sweeper leaves a fresh request to the task that was enqueued with it.
HEAD_START = timedelta(seconds=20)
# Longer than a task may take to send one.
CLAIM_LASTS = timedelta(minutes=2)
LONGEST_PAUSE_SECONDS = 1800
MOST_TRIES = 12
# What is not about a code is worth sending for so long.
NEWS_LASTS = timedelta(days=2)
# Whoever types an address has us write these to it.
ANYBODYS = frozenset(
    "email_confirmation email_confirmation_signup password_reset_code password_reset_key login_code"
    " account_already_exists unknown_account".split()
)
# A client reaches its bound first, so that nobody keeps an owner from the mail they wait for.
TO_AN_ADDRESS_BY_ONE_CLIENT = Limit("account-mails", count=6, seconds=1800)
TO_AN_ADDRESS = Limit("account-mails-of-an-address", count=20, seconds=3600)
EMPTY = {"subject": "", "text": "", "html": "", "headers": {}}


def request_account_mail(mail: EmailMultiAlternatives, *, kind: str) -> AccountMail:
    """The mail will be sent. The caller's transaction carries the request."""
    now = clock.now()
    [(html, _content_type)] = mail.alternatives
    [address] = mail.to
    row = AccountMail.objects.create(
        kind=kind,
        to=address,
        subject=str(mail.subject),
        text=str(mail.body),
        html=str(html),
        headers={"Message-ID": make_msgid(domain=str(DNS_NAME)), **mail.extra_headers},
        created_at=now,
        expires_at=now + lifetime_of(kind),
        due_at=now + HEAD_START,
    )
    transaction.on_commit(
        partial(enqueue, "accounts.tasks.send_account_mail", [row.pk]), robust=True
    )
    return row


def refuse_flood(kind: str, *, client: str, to: str) -> None:
    """A mail of this kind to that mailbox counts. Raises TooManyRequests, whether or not there is an account."""
    if kind in ANYBODYS:
        mailbox = mailbox_of(to.strip())
        TO_AN_ADDRESS_BY_ONE_CLIENT.spend(client, mailbox)
        TO_AN_ADDRESS.spend(mailbox)


def lifetime_of(kind: str) -> timedelta:
    """How long a mail of this kind is worth sending: as long as its code works."""
    seconds = {
        "email_confirmation": allauth.EMAIL_VERIFICATION_BY_CODE_TIMEOUT,
        "email_confirmation_signup": allauth.EMAIL_VERIFICATION_BY_CODE_TIMEOUT,
        "password_reset_code": allauth.PASSWORD_RESET_BY_CODE_TIMEOUT,
        "login_code": allauth.LOGIN_BY_CODE_TIMEOUT,
    }.get(kind)
    return NEWS_LASTS if seconds is None else timedelta(seconds=seconds)


def claim_account_mail(mail_id: int) -> AccountMail | None:
    """The mail, if it waits, is still of use and nobody else has it in hand; now this worker has.

    A claim lapses after CLAIM_LASTS, so that the work of a worker that died is taken up again.
    """
    now = clock.now()
    mail = AccountMail.objects.waiting().filter(pk=mail_id).first()
    if mail is None:
        return None
    if mail.expires_at <= now:
        _give_up(mail, error="It expired before it could be sent.")
        return None
    mine = AccountMail.objects.waiting().filter(pk=mail_id, due_at=mail.due_at)
    claimed = mine.update(due_at=now + CLAIM_LASTS, attempts=mail.attempts + 1)
    if not claimed:
        return None
    mail.refresh_from_db()
    return mail


def mark_account_mail_sent(mail: AccountMail) -> None:
    """The mail server took it; what it said is forgotten here."""
    AccountMail.objects.filter(pk=mail.pk).update(sent_at=clock.now(), last_error="", **EMPTY)


def mark_account_mail_failed(mail: AccountMail, *, error: BaseException) -> None:
    """It is tried again later: after 10 s, 20 s, … and given up where nothing else can come of it."""
    words = f"{type(error).__name__}: {error}"
    if is_refused(error) or mail.attempts >= MOST_TRIES:
        _give_up(mail, error=words)
        return
    AccountMail.objects.waiting().filter(pk=mail.pk).update(
        due_at=clock.now() + pause_after(mail.attempts), last_error=words[:500]
    )


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failed tries."""
    return timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 5 * 2**attempts))


def _give_up(mail: AccountMail, *, error: str) -> None:
    AccountMail.objects.waiting().filter(pk=mail.pk).update(
        given_up_at=clock.now(), last_error=error[:500], **EMPTY
    )
