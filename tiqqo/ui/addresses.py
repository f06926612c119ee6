"""The form field for somebody's e-mail address."""

import re

from django import forms
from django.core.validators import EmailValidator
from django.utils.deconstruct import deconstructible


@deconstructible
class ReachableEmailValidator(EmailValidator):
    """An address at a domain of the internet: not at this machine by name, and at no bare number.

    Django takes `a@localhost` and `a@[127.0.0.1]`, which would make our mail server write to itself.
    """

    def __init__(self) -> None:
        super().__init__(allowlist=[])

    def validate_domain_part(self, domain_part: str) -> bool:
        return bool(re.match(self.domain_regex, domain_part))


reachable_email = ReachableEmailValidator()


class MailAddressField(forms.EmailField):
    default_validators = [reachable_email]  # noqa: RUF012  as Django declares it
