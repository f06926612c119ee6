"""Codes that people read aloud and secrets that links carry."""

import secrets

# Crockford's Base32: no I, L, O, U, so that a code can be read aloud and typed.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110")


def new_code(length: int = 8) -> str:
    return "".join(secrets.choice(CROCKFORD) for _ in range(length))


def normalise_code(typed: str) -> str:
    """What somebody meant: upper case, letters and digits only, misread letters put right."""
    return "".join(filter(str.isalnum, typed.upper())).translate(_MISREAD)


def new_secret() -> str:
    """128 random bits for a link that is itself the permission."""
    return secrets.token_urlsafe(16)


def is_same_secret(ours: str, given: str) -> bool:
    """Compared in constant time, whatever letters stand in the address that gave it."""
    return secrets.compare_digest(ours.encode(), given.encode())
