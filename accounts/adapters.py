"""How allauth meets our accounts."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth
from django.contrib.sites.shortcuts import get_current_site
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest

from accounts import outbox
from accounts.letters import account_letter, foreign_letter
from accounts.models import User
from tiqqo.ui.addresses import reachable_email
from tiqqo.ui.mails import one_line, render_letter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def populate_username(self, request: HttpRequest, user: User) -> None:
        """Users are known by their e-mail address; there is no user name to fill."""

    def clean_email(self, email: str) -> str:
        """Raises ValidationError for an address that no mail from outside reaches."""
        reachable_email(email)
        return str(super().clean_email(email))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The mail is in the outbox. No request waits for a mail server, or fails with it."""
        request = allauth.request
        facts = {"request": request, "current_site": get_current_site(request), "email": email}
        mail = self.render_mail(template_prefix, email, facts | context)
        outbox.request_account_mail(mail, kind=template_prefix.partition("/email/")[2])

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMultiAlternatives:
        """allauth's mail in our frame, and in our words where we have some."""
        letter = account_letter(template_prefix, {"email": email, **context})
        if letter is None:
            theirs = super().render_mail(template_prefix, email, context, headers)
            letter = foreign_letter(one_line(theirs.subject), theirs.body)
        text, html = render_letter(letter)
        to = [email] if isinstance(email, str) else email
        mail = EmailMultiAlternatives(
            letter.subject, text, self.get_from_email(), to, headers=headers
        )
        mail.attach_alternative(html, "text/html")
        return mail
