"""Which e-mail addresses we write to: those that the public internet can deliver to.

RFC 5321 allows more than any mail provider gives out: hosts without a domain, numbers of hosts in
brackets, names in quotation marks with control characters in them. Such an address is a mistake, or an
attempt to have us write to our own machines.
"""

import re
import unicodedata
from contextlib import suppress

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _

# RFC 5321, 4.5.3.1: of the whole, without its angle brackets, and of what stands before the @.
LONGEST = 254
LONGEST_NAME = 64
# Never on the public internet: RFC 6761, 6762, 7686, 9476, and what routers and machines call themselves.
_PRIVATE_ENDS = frozenset(
    "alt arpa home internal intranet invalid lan local localdomain localhost onion private test".split()
)
_NAME = re.compile(
    r"[-!#$%&'*+/=?^_`{|}~0-9A-Z]+(\.[-!#$%&'*+/=?^_`{|}~0-9A-Z]+)*", re.IGNORECASE | re.ASCII
)


def tidied(typed: str) -> str:
    """Without what cannot be seen around it, as it is pasted along with an address."""
    start, end = 0, len(typed)
    while start < end and _is_unseen(typed[start]):
        start += 1
    while end > start and _is_unseen(typed[end - 1]):
        end -= 1
    return typed[start:end]


def validate_email_address(address: str) -> None:
    """Raises ValidationError, saying what is wrong, for what we could not write to."""
    if any(_is_unseen(letter) for letter in address):
        raise ValidationError(
            _("This address holds a space or a sign that cannot be seen. Type it again."),
            code="unseen",
        )
    name, at, domain = address.rpartition("@")
    if len(address) > LONGEST or len(name) > LONGEST_NAME:
        raise ValidationError(
            _(
                "This address is too long: at most %(longest)s characters, and %(name)s before the @."
            ),
            code="too_long",
            params={"longest": LONGEST, "name": LONGEST_NAME},
        )
    if not at or not _NAME.fullmatch(name):
        raise ValidationError(
            _("Enter an e-mail address such as name@example.org."), code="invalid"
        )
    if not _is_public(domain):
        raise ValidationError(
            _("What stands after the @ must be a public domain, such as example.org."),
            code="domain",
        )


def _is_unseen(letter: str) -> bool:
    """Spaces, controls, marks of direction, and signs of no width; also halves of signs."""
    return letter.isspace() or unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}


def domain_as_sent(domain: str) -> str:
    """The domain in ASCII, as mail servers are told it. Raises UnicodeError where it has none."""
    return domain.lower().encode("idna").decode("ascii")


def mailbox_of(email: str) -> str:
    """Where mails to the address arrive: what stands behind a + tells its owner's mails apart, and a
    domain has two spellings where it is not in ASCII."""
    name, _at, domain = email.lower().rpartition("@")
    with suppress(UnicodeError):  # Nothing is ever sent there.
        domain = domain_as_sent(domain)
    # In ASCII a domain is longer, perhaps than our columns; an address of that length gets no mails.
    return f"{name.partition('+')[0] or name}@{domain}"[:LONGEST]


def _is_as_written(domain: str) -> bool:
    """Mails go where it says, and no other way of writing it would be another address to us: full-width
    letters, other dots or ß are changed on the way (RFC 3490), and so may lead to our own machines."""
    small = domain.lower()
    try:
        sent = domain_as_sent(domain)
        # İ is longer in small letters, and so might be the address than our columns.
        is_as_long = len(small) == len(domain)
        return domain.isascii() or (is_as_long and sent.encode("ascii").decode("idna") == small)
    except UnicodeError:
        return False


def _is_public(domain: str) -> bool:
    end = domain.rpartition(".")[2]
    return (
        bool(EmailValidator.domain_regex.match(domain))
        and _is_as_written(domain)
        and "." in domain
        and not end.isdigit()
        and end.lower() not in _PRIVATE_ENDS
    )
