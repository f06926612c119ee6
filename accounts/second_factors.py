"""Second factors, whose secrets are sealed in the database.

Of an authenticator app the secret that makes its codes, of recovery codes what they are made from.
Passkeys keep their secret to themselves: only a public key is here.
"""

from collections.abc import Callable, Iterator
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from tiqqo.core import sealed

PURPOSE = "second factor"
# Where allauth keeps them, by the kind of authenticator.
TEXTS = {"totp": ["secret"], "recovery_codes": ["seed", "migrated_codes"]}


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        """The secret as it is stored."""
        return sealed.seal_text(text, PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret. Raises SealedWithUnknownKey."""
        return sealed.unseal_text(encrypted_text, PURPOSE)


PLATFORM_AUDIENCES = frozenset({"platform staff", "operators"})
"""As views say it of themselves, see `accounts.access.staff_view`."""
# Recovery codes alone are none: they are for whoever lost one of these.
_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class SecondFactorForStaff:
    """Platform staff without a second factor is led to set one up before it sees the platform's pages.

    Those are the support tool and every view whose `audience` says so. For everybody else it does nothing:
    whether there is a page at all is the view's to say.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, _args: Any, _facts: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        is_support = match is not None and "admin" in match.namespaces
        if not is_support and getattr(view, "audience", None) not in PLATFORM_AUDIENCES:
            return None
        if is_support and match is not None and match.url_name == "logout":
            return None
        user = request.user
        if not (user.is_authenticated and user.is_staff) or is_mfa_enabled(user, _FACTORS):
            return None
        messages.warning(
            request,
            "The platform's pages need a second factor. Set up an authenticator app or a security key"
            " here, then open the page again.",
        )
        return redirect("mfa_index")


def _changed(value: Any, change: Callable[[str, str], str]) -> Any:
    if isinstance(value, list):
        return [change(one, PURPOSE) for one in value]
    return change(value, PURPOSE)


def _reseal(change: Callable[[str, str], str]) -> int:
    count = 0
    for pk in (
        Authenticator.objects.filter(type__in=TEXTS).order_by("pk").values_list("pk", flat=True)
    ):
        with transaction.atomic():
            authenticator = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if authenticator is None:
                continue
            names = [name for name in TEXTS[authenticator.type] if authenticator.data.get(name)]
            new = {name: _changed(authenticator.data[name], change) for name in names}
            if new != {name: authenticator.data[name] for name in names}:
                authenticator.data = {**authenticator.data, **new}
                authenticator.save(update_fields=["data"])
                count += 1
    return count


def _heads() -> Iterator[str]:
    for kind, data in Authenticator.objects.filter(type__in=TEXTS).values_list("type", "data"):
        for name in TEXTS[kind]:
            values = data.get(name) or []
            for value in values if isinstance(values, list) else [values]:
                yield value[: sealed.HEAD_LENGTH]


sealed.keep(sealed.Keeper("second factors", heads=_heads, reseal=_reseal))
