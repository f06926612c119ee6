"""How allauth meets our accounts."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest, HttpResponse

from accounts import attempts, outbox
from accounts.emails import account_email, foreign_email
from accounts.models import User
from tiqqo.core import security_log
from tiqqo.core.clients import address_of, client_of
from tiqqo.core.email_addresses import tidied, validate_email_address
from tiqqo.core.limits import TooManyRequests
from tiqqo.ui.emails import one_line, render_email

# allauth's codes for "too often": of passwords and second factors, and of everything else.
_TOO_OFTEN = {
    "too_many_login_attempts": security_log.Kind.LOCKED_OUT,
    "rate_limited": security_log.Kind.LIMIT_HIT,
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """The try is counted. Raises ValidationError, which says when the next is welcome."""
        try:
            self._spent = attempts.begin_attempt(request, credentials.get("email", ""))
        except TooManyRequests as refused:
            _note_attempt(security_log.Kind.LOCKED_OUT, request, credentials)
            raise ValidationError(str(refused), code=refused.code) from refused

    def _rollback_login_failed_rl_usage(self) -> None:
        """What allauth does after a try that was right."""
        attempts.forgive(self._spent)

    def post_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **facts)
        attempts.remember_device(request, response, user)
        return response

    def populate_username(self, request: HttpRequest, user: User) -> None:
        """Users are known by their e-mail address; there is no user name to fill."""

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """As allauth says it; who tries too often leaves a trace, whatever it is that they try."""
        kind = _TOO_OFTEN.get(code)
        if kind is not None:
            request = allauth.request
            _note_attempt(kind, request, {"email": request.POST.get("login", "")})
        refusal: ValidationError = super().validation_error(code, *args)
        return refusal

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password leaves a trace: of the account, if there is one, and of the address tried."""
        _note_attempt(security_log.Kind.SIGN_IN_FAILED, request, credentials)

    def clean_email(self, email: str) -> str:
        """Raises ValidationError for an address that no mail from outside reaches."""
        email = tidied(email)
        validate_email_address(email)
        return str(super().clean_email(email))

    def is_safe_url(self, url: str) -> bool:
        """Also of an address that is none, such as `http://[`, which cannot even be taken apart."""
        try:
            urlsplit(url)
        except ValueError:
            return False
        return bool(super().is_safe_url(url))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The mail is in the outbox. No request waits for a mail server, or fails with it.

        Raises TooManyRequests where somebody has us write to an address again and again.
        """
        request = allauth.request
        kind = template_prefix.partition("/email/")[2]
        outbox.refuse_flood(kind, client=client_of(request), to=email)
        facts = {"request": request, "current_site": get_current_site(request), "email": email}
        mail = self.render_mail(template_prefix, email, facts | context)
        outbox.request_account_mail(mail, kind=kind)

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMultiAlternatives:
        """allauth's mail in our frame, and in our words where we have some."""
        message = account_email(template_prefix, {"email": email, **context})
        if message is None:
            theirs = super().render_mail(template_prefix, email, context, headers)
            message = foreign_email(one_line(theirs.subject), theirs.body)
        text, html = render_email(message)
        to = [email] if isinstance(email, str) else email
        mail = EmailMultiAlternatives(
            message.subject, text, self.get_from_email(), to, headers=headers
        )
        mail.attach_alternative(html, "text/html")
        return mail


def _note_attempt(
    kind: security_log.Kind, request: HttpRequest, credentials: dict[str, Any]
) -> None:
    email = str(credentials.get("email") or credentials.get("username") or "")[:254]
    known = User.objects.filter(email=email.strip().lower()).values_list("pk", flat=True).first()
    security_log.note(kind, request=request, user=known, email=email)
