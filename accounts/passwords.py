"""Which passwords are refused, because they are among the first that are tried.

Rules that a person can be told in a sentence; Django's own refuse the short, the common, those of
digits alone, and those like one's name. Nothing is asked over the network.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Membership
from tiqqo.core.tenancy import user_scope

PRODUCT = "tiqqo"
# A run such as aaaa, 1234 or fedc says no more than its first sign.
LEAST_SURPRISING = 6
# What must be left when names are taken out.
LEAST_BESIDE_NAMES = 8
# From here on there is more than one word in it.
LONG_FOR_A_WORD = 16
_WORD = re.compile(r"[^\W\d_]{4,}")
_WORD_AND_NUMBER = re.compile(r"[\W_]*(?:[^\W\d_]+[\W_]*\d+|\d+[\W_]*[^\W\d_]+)[\W_]*")


class TooRegular:
    """Refuses repetition and sequences: aaaaaaaaab, 0000000001, abcdefghij."""

    def validate(self, password: str, user: Any = None) -> None:
        if surprising(password) < LEAST_SURPRISING or len(set(password)) < LEAST_SURPRISING - 1:
            raise ValidationError(
                _(
                    "This password repeats itself or counts on. Use words that do not belong together."
                ),
                code="password_too_regular",
            )

    def get_help_text(self) -> str:
        return _("Your password cannot be a repetition or a sequence.")


class WordAndNumber:
    """Refuses one word beside one number: kikker2026."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) < LONG_FOR_A_WORD and _WORD_AND_NUMBER.fullmatch(password):
            raise ValidationError(
                _("A word and a number are guessed quickly. Use several words."),
                code="password_word_and_number",
            )

    def get_help_text(self) -> str:
        return _("Your password cannot be one word and a number.")


class NamesAround:
    """Refuses what is little more than the product's name, or that of the user's organisers."""

    def validate(self, password: str, user: Any = None) -> None:
        refuse_names(password, [PRODUCT, *_organisers_of(user)])

    def get_help_text(self) -> str:
        return _("Your password cannot be made of your organisation's name.")


def refuse_names(password: str, names: Iterable[str]) -> None:
    """Raises ValidationError where little is left of the password without these names."""
    folded = password.casefold()
    words = {word.casefold() for name in names for word in _WORD.findall(name)}
    # The longest first, so that a word inside another takes no part of it away.
    rest = folded
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    if rest != folded and len(rest) < LEAST_BESIDE_NAMES:
        raise ValidationError(
            _("This password is little more than a name that others know. Use several words."),
            code="password_of_names",
        )


def surprising(password: str) -> int:
    """How many signs neither repeat the one before nor come next to it in order."""
    return bool(password) + sum(
        abs(ord(this) - ord(before)) > 1 for before, this in pairwise(password)
    )


def _organisers_of(user: Any) -> list[str]:
    if user is None or user.pk is None:
        return []
    with user_scope(user.pk):
        memberships = Membership.objects.filter(user_id=user.pk).select_related("organiser")
        return [member.organiser.name for member in memberships]
