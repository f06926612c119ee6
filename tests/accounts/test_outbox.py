"""Mails about accounts: asked for, sent, tried again, given up, forgotten."""

import re
import smtplib
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import figures, outbox, tasks
from accounts.models import AccountMail, Invitation
from accounts.operations import invite_member, revoke_invitation
from accounts.permissions import Role
from tests.cast import PASSWORD, UserFactory
from tiqqo import settings as product
from tiqqo.core import clock, retention
from tiqqo.core.smtp_replies import is_refused
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db

SEND = "accounts.tasks.send_account_mail"
INVITE = "accounts.tasks.send_invitation"
TIMED_OUT = TimeoutError("the mail server does not answer")


@pytest.fixture(autouse=True)
def _as_often_as_tests_like(settings):
    """Ana may forget her password in every test."""
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def mail_server(monkeypatch):
    """A mail server that takes mails until it is told to raise something."""

    server, taken = SimpleNamespace(failure=None), EmailBackend.send_messages

    def send_messages(backend, messages):
        if server.failure is not None:
            raise server.failure
        return taken(backend, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)
    return server


@pytest.fixture
def ana(cast):
    user = cast.kikker.owner.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def reset(client, ana, committing):
    """Ana forgot her password."""

    def ask():
        with committing():
            answer = client.post(reverse("account_reset_password"), {"email": ana.email})
        assert answer.status_code == 302
        return AccountMail.objects.latest("pk")

    return ask


# How often a stranger may have us write to an address ---------------------------------------


@pytest.fixture
def ask(settings, committing):
    """A stranger types an address."""
    settings.LIMITS = {}
    # What other tests used up is counted under another key.
    settings.SECRET_KEY = uuid4().hex * 2

    def asked(page, email, *, at="203.0.113.66", **more):
        with committing():
            return (
                Client().post(reverse(page), {"email": email, **more}, REMOTE_ADDR=at).status_code
            )

    return asked


NEW = {"name": "Nils Ny", "organiser_name": "", "password1": "a long enough secret"}


@pytest.mark.parametrize("has_account", [True, False])
def test_a_stranger_has_us_write_to_an_address_a_few_times(ask, ana, queue, has_account):
    """Whether it has an account or not: the same answers."""
    email = ana.email if has_account else "nobody@example.org"

    answers = [ask("account_reset_password", email) for _ in range(4)]
    answers += [ask("account_signup", email.upper(), **NEW) for _ in range(4)]

    assert answers == [302] * 6 + [429] * 2
    assert AccountMail.objects.filter(to__iexact=email).count() == 6


def test_addresses_of_one_mailbox_are_counted_together(ask, queue):
    answers = [ask("account_reset_password", f"victim+{number}@example.org") for number in range(8)]

    assert answers == [302] * 6 + [429] * 2


def test_an_account_has_us_write_to_few_other_addresses(ask, settings, queue):
    settings.ACCOUNT_RATE_LIMITS = product.ACCOUNT_RATE_LIMITS
    user = UserFactory()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    browser = Client()
    browser.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})

    def add(number):
        sent = {"action_add": "", "email": f"other-{number}@example.org"}
        return browser.post(reverse("account_email"), sent).status_code

    now = timezone.now()
    with time_machine.travel(now):
        answers = [add(number) for number in range(10)]
    with time_machine.travel(now + timedelta(minutes=2)):
        answers += [add(number) for number in range(10, 12)]

    assert answers == [302] * 10 + [429] * 2
    assert AccountMail.objects.filter(to__startswith="other-").count() == 10
    assert EmailAddress.objects.filter(user=user).count() == 1


def test_the_owner_has_their_mail_all_the_same(ask, ana, queue):
    for _ in range(30):
        ask("account_reset_password", ana.email)

    assert ask("account_reset_password", ana.email, at="192.0.2.5") == 302


def test_many_strangers_together_have_a_bound(ask, ana, queue):
    answers = [
        ask("account_reset_password", ana.email, at=f"203.0.{number}.1") for number in range(25)
    ]

    assert answers == [302] * 20 + [429] * 5


def test_who_never_confirmed_an_address_has_no_code_for_each_sign_in(ask, queue):
    """With somebody else's address and a password of one's own one may sign in again and again."""
    ask("account_signup", "victim@example.org", **NEW)
    for _ in range(10):
        ask("account_login", "", login="victim@example.org", password=NEW["password1"])

    assert AccountMail.objects.filter(to="victim@example.org").count() == 6


def test_news_of_an_account_is_always_written(ask, ana, queue):
    for _ in range(30):
        ask("account_reset_password", ana.email)

    outbox.refuse_flood("password_changed", client="203.0.113.66", to=ana.email)


def reloaded(row):
    return AccountMail.objects.get(pk=row.pk)


def due_now(row):
    AccountMail.objects.filter(pk=row.pk).update(due_at=clock.now())


# From the request to the mail server ------------------------------------------------------


def test_a_forgotten_password_is_answered_before_the_mail_is_sent(reset, ana, queue, mail_server):
    mail_server.failure = TIMED_OUT

    row = reset()

    assert (row.kind, row.to, row.sent_at) == ("password_reset_code", ana.email, None)
    assert (queue.names, mail.outbox) == ([SEND], [])
    assert queue.work() == []

    row = reloaded(row)
    assert (row.attempts, row.sent_at, row.given_up_at) == (1, None, None)
    assert row.last_error == "TimeoutError: the mail server does not answer"
    assert clock.now() < row.due_at < clock.now() + timedelta(seconds=15)


def test_the_mail_is_sent_once_and_its_code_forgotten(reset, ana, queue):
    row = reset()
    queue.work()

    [sent] = mail.outbox
    assert sent.to == [ana.email]
    assert re.search(r"^[A-Z0-9-]{6,}$", sent.body, re.MULTILINE)
    assert sent.extra_headers["Message-ID"] == row.headers["Message-ID"]
    assert [kind for _content, kind in sent.alternatives] == ["text/html"]
    row = reloaded(row)
    assert row.sent_at is not None
    assert (row.subject, row.text, row.html, row.headers) == ("", "", "", {})

    due_now(row)
    tasks.send_account_mail(row.pk)
    assert (tasks.sweep_account_mails(), len(mail.outbox)) == (0, 1)


def test_a_mail_that_was_missed_is_found_by_the_sweeper(reset, queue):
    row = reset()
    queue.clear()
    assert tasks.sweep_account_mails() == 0  # its own task has a head start

    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        assert tasks.sweep_account_mails() == 1
        queue.work()

    assert (len(mail.outbox), reloaded(row).sent_at is not None) == (1, True)


def test_a_mail_in_hand_is_left_alone_until_its_worker_must_be_dead(reset, queue):
    row = reset()
    assert outbox.claim_account_mail(row.pk) is not None
    claimed = reloaded(row)

    assert tasks.sweep_account_mails() == 0
    assert claimed.due_at > clock.now() + timedelta(seconds=90)

    with time_machine.travel(clock.now() + outbox.CLAIM_LASTS + timedelta(seconds=1)):
        assert tasks.sweep_account_mails() == 1


def test_two_workers_never_have_the_same_mail(reset, monkeypatch):
    row = reset()
    first = AccountMail.objects.get(pk=row.pk)
    assert outbox.claim_account_mail(row.pk) is not None

    # The second read the row before the first had claimed it.
    monkeypatch.setattr("django.db.models.query.QuerySet.first", lambda _rows: first, raising=True)

    assert outbox.claim_account_mail(row.pk) is None


def test_a_code_that_is_over_is_not_sent(reset, queue, mail_server):
    mail_server.failure = TIMED_OUT
    row = reset()
    queue.work()
    mail_server.failure = None

    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert tasks.sweep_account_mails() == 1
        queue.work()

    row = reloaded(row)
    assert (mail.outbox, row.sent_at, row.text) == ([], None, "")
    assert row.last_error == "It expired before it could be sent."


def test_what_the_server_refuses_is_given_up_at_once(reset, queue, mail_server):
    mail_server.failure = smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")})

    row = reset()
    queue.work()

    row = reloaded(row)
    assert (row.given_up_at is not None, row.text, row.subject) == (True, "", "")


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(451, b"later"), False),
        (smtplib.SMTPRecipientsRefused({"x": (450, b"greylisted")}), False),
        (smtplib.SMTPAuthenticationError(535, b"wrong password"), False),
        (TimeoutError(), False),
    ],
)
def test_only_a_permanent_reply_is_a_refusal(error, refused):
    assert is_refused(error) is refused


def test_tries_have_pauses_that_grow_and_an_end(queue, mail_server):
    mail_server.failure = TIMED_OUT
    now = clock.now()
    row = AccountMail.objects.create(
        kind="password_changed", to="a@example.org", subject="s", text="t", html="<p>t</p>",
        expires_at=now + outbox.NEWS_LASTS, due_at=now,
    )  # fmt: skip
    pauses = []

    with time_machine.travel(now, tick=False) as traveller:
        for _ in range(outbox.MOST_TRIES):
            tasks.sweep_account_mails()
            queue.work()
            row = reloaded(row)
            pauses.append(round((row.due_at - clock.now()).total_seconds()))
            traveller.move_to(row.due_at)

    assert pauses[:4] == [10, 20, 40, 80]
    assert max(pauses) == 1800
    assert (row.attempts, row.given_up_at is not None, row.text) == (12, True, "")


def test_whatever_breaks_is_written_on_the_mail(reset, queue, mail_server):
    mail_server.failure = ValueError("a broken backend")

    row = reset()

    assert queue.work() == [SEND]
    assert reloaded(row).last_error == "ValueError: a broken backend"
    assert reloaded(row).given_up_at is None


def test_old_mails_are_forgotten(reset):
    row = reset()
    AccountMail.objects.update(created_at=clock.now() - timedelta(days=31))

    assert retention.forget_overdue()["account_mails"] == 1

    assert not AccountMail.objects.filter(pk=row.pk).exists()


# Invitations -----------------------------------------------------------------------------


@pytest.fixture
def invite(cast, committing):
    house = cast.kikker

    def ask():
        with house.scope(), committing():
            return invite_member(
                house.organiser, email="new@example.org", role=Role.MANAGER, by=house.owner
            )

    return ask


def after(seconds):
    return time_machine.travel(clock.now() + timedelta(seconds=seconds))


def state(cast, invitation):
    with cast.kikker.scope():
        return Invitation.objects.get(pk=invitation.pk)


def test_an_invitation_that_was_missed_is_sent_by_the_sweeper(invite, cast, queue):
    invitation = invite()
    queue.clear()
    assert tasks.sweep_invitations() == 0

    with after(60):
        assert tasks.sweep_invitations() == 1
        assert queue.work() == []
        assert tasks.sweep_invitations() == 0

    assert [sent.to for sent in mail.outbox] == [["new@example.org"]]
    assert state(cast, invitation).sent_at is not None


def test_an_invitation_whose_server_does_not_answer_is_tried_again(
    invite, cast, queue, mail_server
):
    mail_server.failure = TIMED_OUT
    invitation = invite()
    assert queue.work() == []
    assert (state(cast, invitation).mail_attempts, state(cast, invitation).sent_at) == (1, None)

    mail_server.failure = None
    with after(15):
        assert tasks.sweep_invitations() == 1
        queue.work()

    assert (len(mail.outbox), state(cast, invitation).mail_error) == (1, "")


def test_an_invitation_is_mailed_once_however_often_its_task_runs(invite, cast, queue):
    invitation = invite()
    for _ in range(3):
        with tenant_scope(cast.kikker.organiser):
            tasks.send_invitation.run(invitation.pk)
    queue.work()

    assert len(mail.outbox) == 1


def test_an_invitation_that_is_refused_or_revoked_is_not_tried_again(
    invite, cast, queue, mail_server
):
    mail_server.failure = smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")})
    invitation = invite()
    queue.work()
    with after(7200):
        assert tasks.sweep_invitations() == 0

    with cast.kikker.scope():
        Invitation.objects.filter(pk=invitation.pk).update(mail_attempts=0)
        revoke_invitation(invitation, by=cast.kikker.owner)
    with after(7200):
        assert tasks.sweep_invitations() == 0


# What operators see, and what is over -----------------------------------------------------


def test_mails_that_wait_too_long_are_bad(reset):
    row = reset()
    assert not any(figure.is_bad for figure in figures._account_mails())

    AccountMail.objects.filter(pk=row.pk).update(created_at=clock.now() - timedelta(minutes=5))
    [oldest, _given_up] = figures._account_mails()
    assert (oldest.value >= 300, oldest.is_bad) == (True, True)

    AccountMail.objects.filter(pk=row.pk).update(given_up_at=clock.now())
    [oldest, given_up] = figures._account_mails()
    assert (oldest.value, given_up.value, given_up.is_bad) == (0, 1, True)


def test_sessions_that_are_over_are_cleared(client, ana):
    client.force_login(ana)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    client.logout()
    client.force_login(ana)

    tasks.clear_sessions()

    assert [row.expire_date > timezone.now() for row in Session.objects.all()] == [True]
