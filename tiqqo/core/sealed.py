"""Secrets are sealed in the database with a key that is not in it.

Whoever reads the database, or a copy of it, learns no link that is itself a permission, no key that signs
tickets and no second factor. `ENCRYPTION_KEYS` holds the keys: new values are sealed with the first, and any
of them unseals, so that a key can be replaced while the site runs (`manage.py seal_secrets`). Without a key
values are stored in clear, as releases did before; both forms are read in any case.

Secrets of links are random blocks of 128 bits, and are sealed as one block of AES each: as long as before,
so their column stays as it is (a column whose type changes breaks the prepared statements of whoever serves),
and the same each time, so a row is found by its secret with a plain comparison, by index. Everything else is
sealed by AES-SIV (RFC 5297). Each column has a key of its own: a value says nothing in another one.
"""

import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models
from django.db.models.lookups import Exact
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _

from tiqqo.core.errors import DomainError

logger = logging.getLogger(__name__)

# No secret of ours begins with it: `codes.new_secret` gives letters, digits, - and _.
MARK = "~"
ID_LENGTH = 6
HEAD_LENGTH = len(MARK) + ID_LENGTH
# Of what `codes.new_secret` gives.
SECRET_LENGTH = 22


class SealedWithUnknownKey(DomainError):
    """None of ENCRYPTION_KEYS unseals it: a key was taken away too early, or a wrong one was set."""

    code = "secret_unreadable"
    status = 503
    message = _("This cannot be shown right now. We know about it: please try again later.")


@dataclass(frozen=True, slots=True)
class Key:
    """One of ENCRYPTION_KEYS. `id` tells which it was, and nothing about it."""

    id: str
    text: str
    cipher: AESSIV

    @property
    def head(self) -> str:
        """What everything begins with that it sealed."""
        return MARK + self.id


def _derived(text: str, purpose: str, length: int) -> bytes:
    info = f"tiqqo {purpose}".encode()
    return HKDF(SHA256(), length=length, salt=None, info=info).derive(text.encode())


@lru_cache(maxsize=32)
def _key(text: str) -> Key:
    return Key(
        id=urlsafe_b64encode(_derived(text, "key id", 6)).decode()[:ID_LENGTH],
        text=text,
        cipher=AESSIV(_derived(text, "sealed secrets", 64)),
    )


def known_keys() -> list[Key]:
    """All that are known, the one first that seals."""
    return [_key(text) for text in settings.ENCRYPTION_KEYS]


def seal(clear: bytes, purpose: str) -> str:
    """The value sealed with the first key. There must be one."""
    return _sealed_with(known_keys()[0], clear, purpose)


def _sealed_with(key: Key, clear: bytes, purpose: str) -> str:
    sealed = key.cipher.encrypt(clear, [purpose.encode()])
    return key.head + urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(sealed: str, purpose: str) -> bytes:
    """What was sealed. Raises SealedWithUnknownKey."""
    for key in known_keys():
        if sealed.startswith(key.head):
            body = sealed[HEAD_LENGTH:]
            try:
                token = urlsafe_b64decode(body + "=" * (-len(body) % 4))
                return key.cipher.decrypt(token, [purpose.encode()])
            except (InvalidTag, ValueError):
                break
    raise _unreadable(sealed, purpose)


def _unreadable(sealed: str, purpose: str) -> SealedWithUnknownKey:
    key = sealed[len(MARK) : HEAD_LENGTH]
    logger.error("secret.unreadable", extra={"purpose": purpose, "key": key})
    return SealedWithUnknownKey(purpose=purpose)


# Secrets of links ------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def _block_cipher(text: str, purpose: str) -> Cipher[ECB]:
    # One block, and no two are equal: what ECB is known to show, that blocks repeat, does not happen.
    return Cipher(AES256(_derived(text, f"link {purpose}", 32)), ECB())  # noqa: S305


def _block_of(secret: str) -> bytes | None:
    """The 128 bits that `codes.new_secret` wrote; None for a text that it did not write."""
    if len(secret) != SECRET_LENGTH or not secret.isascii():
        return None
    try:
        block = urlsafe_b64decode(secret + "==")
    except ValueError:
        return None
    return block if _written(block) == secret else None


def _written(block: bytes) -> str:
    return urlsafe_b64encode(block).decode().rstrip("=")


def _sealed_link(key: Key, block: bytes, purpose: str) -> str:
    return key.head + _written(_block_cipher(key.text, purpose).encryptor().update(block))


def unseal_link(sealed: str, purpose: str) -> str:
    """The secret of a link. Raises SealedWithUnknownKey."""
    block = _block_of(sealed[HEAD_LENGTH:])
    for key in known_keys():
        if sealed.startswith(key.head) and block is not None:
            return _written(_block_cipher(key.text, purpose).decryptor().update(block))
    raise _unreadable(sealed, purpose)


# Texts that stand in clear or sealed -----------------------------------------------------------


def seal_text(clear: str, purpose: str) -> str:
    """The text as it is stored now: sealed where there is a key."""
    return seal(clear.encode(), purpose) if settings.ENCRYPTION_KEYS else clear


def unseal_text(stored: str, purpose: str) -> str:
    """The clear text, however it is stored. Raises SealedWithUnknownKey."""
    return unseal(stored, purpose).decode() if stored.startswith(MARK) else stored


# Fields ----------------------------------------------------------------------------------------


class _Stored(str):
    """A text as it goes into the column. Nothing that comes from outside is one."""

    __slots__ = ()


class _StoredBytes(bytes):
    __slots__ = ()


class _Unsealed(DeferredAttribute):
    """What is read is clear; a row keeps what its column holds until somebody reads it.

    So a list of orders does not fail, nor take longer, for a secret that it does not show.
    """

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        field: Any = self.field
        return field.unsealed(super().__get__(instance, cls))

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedField(models.Field):  # type: ignore[type-arg]  # Django's own cannot be subscripted
    """What the fields below have in common."""

    descriptor_class = _Unsealed

    @property
    def purpose(self) -> str:
        """What a value is bound to: it says nothing in another column."""
        return f"{self.model._meta.label}.{self.name}"

    def is_sealed(self, stored: Any) -> bool:
        """Whether a value of the column is."""
        raise NotImplementedError

    def unsealed(self, stored: Any) -> Any:
        """The clear value of one of the column. Raises SealedWithUnknownKey."""
        raise NotImplementedError

    def stored(self, clear: Any) -> Any:
        """The clear value as the column holds it from now on."""
        raise NotImplementedError

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        return self._as_it_is(value) if self.is_sealed(value) else self.get_prep_value(value)

    def _as_it_is(self, value: Any) -> Any:
        raise NotImplementedError


class SealedCharField(models.CharField, SealedField):  # type: ignore[type-arg]
    """The secret of a link, found by `filter(secret=…)` however it is stored.

    A text that is none of `codes.new_secret` is stored as it is.
    """

    def is_sealed(self, stored: Any) -> bool:
        return isinstance(stored, str) and stored.startswith(MARK)

    def unsealed(self, stored: Any) -> Any:
        return unseal_link(stored, self.purpose) if self.is_sealed(stored) else stored

    def stored(self, clear: Any) -> Any:
        block = _block_of(clear) if settings.ENCRYPTION_KEYS else None
        if block is None:
            return _Stored(clear)
        return _Stored(_sealed_link(known_keys()[0], block, self.purpose))

    def forms(self, clear: str) -> list[str]:
        """Everything that the column may hold for this text: in clear, and sealed with each key.

        What is sealed is no secret, so a text that looks so is not looked for in clear.
        """
        block = _block_of(clear)
        sealed = (
            []
            if block is None
            else [_sealed_link(key, block, self.purpose) for key in known_keys()]
        )
        return sealed if self.is_sealed(clear) else [*sealed, clear]

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, _Stored):
            return value
        return self.stored(super().get_prep_value(value))

    def _as_it_is(self, value: Any) -> Any:
        return _Stored(value)


class SealedBinaryField(models.BinaryField, SealedField):  # type: ignore[type-arg]
    """Bytes of a fixed length, `max_length`; sealed ones are longer."""

    def is_sealed(self, stored: Any) -> bool:
        assert self.max_length is not None
        return stored is not None and len(stored) > self.max_length

    def unsealed(self, stored: Any) -> Any:
        if stored is None:
            return None
        found = bytes(stored)
        return unseal(found.decode("ascii"), self.purpose) if self.is_sealed(found) else found

    def stored(self, clear: Any) -> Any:
        if not settings.ENCRYPTION_KEYS:
            return _StoredBytes(clear)
        return _StoredBytes(seal(bytes(clear), self.purpose).encode())

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, _StoredBytes):
            return value
        return self.stored(super().get_prep_value(value))

    def _as_it_is(self, value: Any) -> Any:
        return _StoredBytes(value)


@SealedCharField.register_lookup
class IsSecret(Exact):
    """`secret=text` finds the row in whatever form it is stored, also in a compiled query."""

    def get_prep_lookup(self) -> Any:
        if hasattr(self.rhs, "resolve_expression"):
            return self.rhs
        return self.lhs.output_field.forms(self.rhs)

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        return "%s", [value]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        forms = self.lhs.output_field.forms
        adapted = [p.adapted(forms) if hasattr(p, "adapted") else p for p in right_params]
        return f"{left} = ANY({right})", [*left_params, *adapted]


# Everything that is sealed, for whoever seals it anew --------------------------------------------


@dataclass(frozen=True, slots=True)
class Keeper:
    """A place where secrets are kept that are no sealed field."""

    name: str
    heads: Callable[[], Iterator[str]]
    """How each stored value begins: with the head of its key, or with what is clear."""
    reseal: Callable[[Callable[[str, str], str]], int]
    """Each value is stored as the function gives it for the old one and its purpose; how many changed."""


_keepers: list[Keeper] = []


def keep(keeper: Keeper) -> None:
    """Its secrets are sealed and checked with all others from now on."""
    _keepers.append(keeper)


def keepers() -> list[Keeper]:
    """Those that apps above brought."""
    return list(_keepers)
