"""What happens to accounts is in the security log: reactions to what allauth announces."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as second_factor
from django.http import HttpRequest

from accounts.models import User
from tiqqo.core import security_log
from tiqqo.core.clients import address_of
from tiqqo.core.models import SecurityEntry
from tiqqo.core.origins import network_of
from tiqqo.core.security_log import Kind
from tiqqo.core.tenancy import platform_scope


def note_sign_in(request: HttpRequest, user: User, **_facts: Any) -> None:
    """Who signs in from a network that none of their earlier sign-ins came from is noted as such, too."""
    if _is_new_place(user, network_of(address_of(request))):
        security_log.note(Kind.SIGN_IN_NEW_PLACE, request=request, user=user)
    security_log.note(Kind.SIGN_IN, request=request, user=user)


def _is_new_place(user: User, network: str) -> bool:
    """As far back as the security log reaches; the first sign-in of all is no news."""
    with platform_scope("compare a sign-in with earlier ones"):
        earlier = SecurityEntry.objects.filter(user=user, kind=Kind.SIGN_IN)
        return earlier.exists() and not earlier.filter(network=network).exists()


def note_password(request: HttpRequest, user: User, **_facts: Any) -> None:
    security_log.note(Kind.PASSWORD_CHANGED, request=request, user=user)


def note_email(request: HttpRequest, user: User, **_facts: Any) -> None:
    security_log.note(Kind.EMAIL_CHANGED, request=request, user=user)


def note_second_factor(
    request: HttpRequest, user: User, signal: Any, authenticator: Any = None, **_facts: Any
) -> None:
    words = {
        second_factor.authenticator_added: "added",
        second_factor.authenticator_removed: "removed",
        second_factor.authenticator_reset: "new codes",
    }
    what = str(getattr(authenticator, "type", ""))
    security_log.note(
        Kind.SECOND_FACTOR_CHANGED, request=request, user=user, change=words[signal], type=what
    )


def note_wrong_second_factor(request: HttpRequest, user: User, **_facts: Any) -> None:
    security_log.note(Kind.SECOND_FACTOR_FAILED, request=request, user=user)


def note_rejected_code(request: HttpRequest, user: User | None = None, **_facts: Any) -> None:
    """A code that was mailed to sign in or for a new password was typed wrong."""
    security_log.note(Kind.SIGN_IN_FAILED, request=request, user=user, by="mailed code")


def connect() -> None:
    reactions: list[tuple[Any, Any]] = [
        (account.user_logged_in, note_sign_in),
        (account.password_changed, note_password),
        (account.password_reset, note_password),
        (account.password_set, note_password),
        (account.email_added, note_email),
        (account.email_changed, note_email),
        (account.email_removed, note_email),
        (account.login_code_rejected, note_rejected_code),
        (account.password_reset_code_rejected, note_rejected_code),
        (second_factor.authenticator_added, note_second_factor),
        (second_factor.authenticator_removed, note_second_factor),
        (second_factor.authenticator_reset, note_second_factor),
        (second_factor.authentication_failed, note_wrong_second_factor),
    ]
    for signal, reaction in reactions:
        signal.connect(reaction, dispatch_uid=f"traces.{reaction.__name__}")
