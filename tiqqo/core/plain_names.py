"""What may stand where we print a stranger's words as a name: in a mail, on a page, on a ticket.

A name in a mail is read as ours. So it carries no address of the web or of a mailbox, which mail
programs would make a link of, and no character that hides or turns around what stands beside it.
Companies and events may be called after their web site (booking.com B.V.); people may not.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Cc: line breaks and other controls; Cf: what has no shape of its own; Co, Cs: what nobody can read.
_NEVER = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
# Letters without a shape.
_BLANKS = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"}
# Persian, Hindi and others cannot be written without these, nor can some emoji.
_JOINERS = {"\u200c", "\u200d"}
LONGEST_GREETING = 60
# What is longer is refused by its field anyway, and a search through it would take too long.
_LOOKED_AT = 1000
_WESTERN = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "DIGIT")
# Dots of other scripts that a domain name may be written with.
_DOTS = str.maketrans({"\u3002": ".", "\uff61": ".", "\u2024": "."})

_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HOST = rf"(?:{_LABEL}\.)+[^\W\d_]{{2,}}"
_ADDRESS = re.compile(
    rf"://|\bwww\d?\.\w|\b(?:https?|hxxps?|mailto|ftp|tel|javascript):|\S@{_LABEL}\.\w"
    rf"|{_HOST}(?:/|:\d|\?|\#)",
    re.IGNORECASE,
)
# The endings that most links of unwanted mail have, and those of countries around us.
_ENDINGS = (
    "app bid biz buzz click club cn co com de dev edu eu fr gg gle icu info io link live ly me mobi net"
    " nl online org page pro ru shop site store stream tk to top uk us vip win xyz"
).split()
_SITE = re.compile(
    rf"\b(?!(?:dr|mr|mrs|ms|mx|st|prof|jr|sr|ir|ing|mag|fr|sir)\.)(?:{_LABEL}\.)*"
    rf"[^\W_][\w-]*[^\W_]\.(?:{'|'.join(_ENDINGS)})\b(?!\.?\w)",
    re.IGNORECASE,
)


def refuse_addresses(text: str) -> None:
    """Raises ValidationError where a name holds an address or a character that cannot be seen."""
    text = text[:_LOOKED_AT]
    if any(_is_hidden(text, at) for at in range(len(text))):
        raise ValidationError(
            _("Something in it cannot be seen, such as a line break. Type it anew."),
            code="hidden_character",
        )
    if _ADDRESS.search(_as_read(text)):
        raise ValidationError(
            _("Write a name, without a web or e-mail address in it."), code="address_in_name"
        )


def refuse_sites(text: str) -> None:
    """As `refuse_addresses`, for the name of a person, which no web site has."""
    refuse_addresses(text)
    if _SITE.search(_as_read(text[:_LOOKED_AT])):
        raise ValidationError(
            _("Write a name, without a web or e-mail address in it."), code="address_in_name"
        )


def greeting_name(name: str) -> str:
    """What a mail greets somebody by: the name, or nothing where it is more than a plain name.

    Whatever was stored before names were looked at, no mail of ours opens with a stranger's sentence.
    """
    name = " ".join(name.split())
    is_plain = len(name) <= LONGEST_GREETING and not re.search(
        r"\w\.\w|[/:@<>\[\]{}|!?€$£%]|\d", _as_read(name)
    )
    hidden = any(_is_hidden(name, at) for at in range(len(name)))
    return name if is_plain and not hidden else ""


def name_or(otherwise: str, name: str) -> str:
    """The name; where it was stored before names were looked at and would be refused now, the other."""
    try:
        refuse_addresses(name)
    except ValidationError:
        return otherwise
    return name


def _as_read(text: str) -> str:
    """Full-width and other look-alikes as what they are read as."""
    return unicodedata.normalize("NFKC", text.translate(_DOTS)).translate(_DOTS)


def _is_hidden(text: str, at: int) -> bool:
    character = text[at]
    if character in _JOINERS:
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        return at == 0 or not after or _is_western(before) or _is_western(after)
    return character in _BLANKS or unicodedata.category(character) in _NEVER


def _is_western(character: str) -> bool:
    return character.isspace() or unicodedata.name(character, "").startswith(_WESTERN)
