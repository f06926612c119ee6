"""Second factors, whose secrets are sealed in the database.

Of an authenticator app the secret that makes its codes, of recovery codes what they are made from.
Passkeys keep their secret to themselves: only a public key is here.
"""

from collections.abc import Callable, Iterator
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

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
            found = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if found is None:
                continue
            names = [name for name in TEXTS[found.type] if found.data.get(name)]
            new = {name: _changed(found.data[name], change) for name in names}
            if new != {name: found.data[name] for name in names}:
                found.data = {**found.data, **new}
                found.save(update_fields=["data"])
                count += 1
    return count


def _heads() -> Iterator[str]:
    for kind, data in Authenticator.objects.filter(type__in=TEXTS).values_list("type", "data"):
        for name in TEXTS[kind]:
            values = data.get(name) or []
            for value in values if isinstance(values, list) else [values]:
                yield value[: sealed.HEAD_LENGTH]


sealed.keep(sealed.Keeper("second factors", heads=_heads, reseal=_reseal))
